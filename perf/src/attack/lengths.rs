//! Bodies whose end two programs could see in different places.

use super::table::{Attack, line};

/// What would be smuggled past a proxy: it must never be answered.
pub const HIDDEN: &str = "GET /api/v1/time HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "a length beside chunks",
        "Content-Length and Transfer-Encoding, in both orders, a request hidden behind",
        "400 bad_http, closed",
        |arena| {
            let hidden = |first: &str, second: &str| {
                post(&format!("{first}\r\n{second}\r\n"), &format!("0\r\n\r\n{HIDDEN}"))
            };
            arena.each([
                hidden("Content-Length: 4", "Transfer-Encoding: chunked"),
                hidden("Transfer-Encoding: chunked", "Content-Length: 54"),
                hidden("Transfer-Encoding: identity", "Content-Length: 4"),
                hidden("transfer-encoding: xchunked", "content-length: 4"),
            ])
        },
    ),
    line(
        "two lengths",
        "twice the same, two that differ, a list, in two cases",
        "400 bad_http, closed",
        |arena| {
            let lengths = [
                "Content-Length: 0\r\nContent-Length: 0\r\n",
                "Content-Length: 0\r\nContent-Length: 54\r\n",
                "Content-Length: 0, 0\r\n",
                "content-length: 0\r\nCONTENT-LENGTH: 0\r\n",
            ];
            arena.each(lengths.map(|length| post(length, HIDDEN)))
        },
    ),
    line(
        "a length that is no number",
        "+4, -4, 4.0, 0x4, 4a, 1e1, an empty one, \"4\", a space within, digits of another script",
        "400 bad_http, closed",
        |arena| {
            let lengths = ["+4", "-4", "4.0", "0x4", "4a", "1e1", "", "\"4\"", "4 4", "٤"];
            arena.each(lengths.map(|length| post(&format!("Content-Length: {length}\r\n"), HIDDEN)))
        },
    ),
    line(
        "a giant length",
        "64 KiB and one, 2^63, 2^64, a thousand digits",
        "413 body_too_large, closed",
        |arena| {
            let lengths = [
                "65537",
                "9223372036854775808",
                "18446744073709551616",
                &"9".repeat(1_000),
            ];
            arena.each(lengths.map(|length| post(&format!("Content-Length: {length}\r\n"), "")))
        },
    ),
    line(
        "a chunked body",
        "good chunks; bad sizes; an endless extension; trailers",
        "411 length_required, closed",
        |arena| {
            let bodies = [
                format!("0\r\n\r\n{HIDDEN}"),
                "g\r\n".to_owned(),
                "-1\r\n".to_owned(),
                "ffffffffffffffffff\r\n".to_owned(),
                format!("1;{}", "a=b;".repeat(4_000)),
                "0\r\nHost: evil\r\n\r\n".to_owned(),
            ];
            arena.each(bodies.map(|body| post("Transfer-Encoding: chunked\r\n", &body)))
        },
    ),
    line(
        "a transfer coding that hides",
        "`gzip, chunked`, `chunked, identity`, ` chunked` behind a tab, `chunked` twice in a list, an empty one",
        "411 or 501, closed",
        |arena| {
            let codings = [
                "gzip, chunked",
                "chunked, identity",
                "\tchunked",
                "chunked, chunked",
                "",
                "chunked;q=1",
                "cow",
            ];
            let told = arena
                .each(codings.map(|coding| post(&format!("Transfer-Encoding: {coding}\r\n"), HIDDEN)))?;
            let refused = |one: &str| {
                matches!(
                    one,
                    "411 length_required, closed" | "501 unsupported_transfer_encoding, closed"
                )
            };
            Ok(if told.split("; ").all(refused) {
                "411 or 501, closed".to_owned()
            } else {
                told
            })
        },
    ),
    line(
        "two transfer codings",
        "Transfer-Encoding twice",
        "411 length_required, closed",
        |arena| {
            arena.ask(post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                HIDDEN,
            ))
        },
    ),
];

/// An unsigned order with headers about its body, and what follows.
pub fn post(headers: &str, behind: &str) -> String {
    format!("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{behind}")
}
