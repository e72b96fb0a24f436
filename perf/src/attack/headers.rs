//! Request lines and headers that two programs could read differently, and such as are too much.

use super::arena::{ORDER, signed};
use super::lengths::{HIDDEN, post};
use super::table::{Attack, line};

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "a folded header",
        "a line that begins with a space or a tab",
        "400 bad_http, closed",
        |arena| {
            arena.each(
                [" folded", "\tfolded", " Content-Length: 4"]
                    .map(|fold| head(&format!("X-A: b\r\n{fold}\r\n"))),
            )
        },
    ),
    line(
        "a line that ends in LF alone",
        "in the request line, in a header, at the end of the head",
        "400 bad_http, closed",
        |arena| {
            arena.each([
                "GET /healthz HTTP/1.1\nHost: localhost\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: localhost\n\n",
                "GET /healthz HTTP/1.1\nHost: localhost\n\n",
            ])
        },
    ),
    line(
        "a CR within a line",
        "in a value, before the end, in the request line",
        "400 bad_http, closed",
        |arena| {
            arena.each([
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 4\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\r\n\r\n",
                "GET /healthz HTTP/1.1\r\rHost: localhost\r\n\r\n",
            ])
        },
    ),
    line(
        "a zero byte or a control character",
        "NUL, BEL or DEL in the target, a name or a value",
        "400 bad_http, closed",
        |arena| {
            arena.each([
                "GET /health\0z HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                "GET /health\x7fz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                head("X-\0A: b\r\n"),
                head("X-A: b\0c\r\n"),
                head("X-A: b\x07c\r\n"),
                head("X-A: b\x7fc\r\n"),
            ])
        },
    ),
    line(
        "a space before the colon",
        "`Content-Length : 4`, with a tab, or a name with a space",
        "400 bad_http, closed",
        |arena| {
            arena.each(
                [
                    "Content-Length : 0\r\n",
                    "Content-Length\t: 0\r\n",
                    "Content Length: 0\r\n",
                    ": 0\r\n",
                    "Content-Length\r\n",
                ]
                .map(|line| post(line, HIDDEN)),
            )
        },
    ),
    line(
        "10,000 headers",
        "short ones; 65 of them",
        "431 headers_too_large, closed",
        |arena| arena.each([head(&"A: b\r\n".repeat(10_000)), head(&"A: b\r\n".repeat(65))]),
    ),
    line(
        "1 MiB of header",
        "one value; one name; many lines",
        "431 headers_too_large, closed",
        |arena| {
            let many = 1 << 20;
            arena.each([
                head(&format!("A: {}\r\n", "b".repeat(many))),
                head(&format!("{}: b\r\n", "A".repeat(many))),
                head(&format!("A: {}\r\n", "b".repeat(990)).repeat(many / 1_000)),
            ])
        },
    ),
    line(
        "1 MiB of empty lines",
        "CR LF again and again before any request",
        "414 target_too_long, closed",
        |arena| arena.ask("\r\n".repeat(1 << 19)),
    ),
    line(
        "no Host",
        "HTTP/1.1 without it",
        "400 missing_host, closed",
        |arena| arena.ask("GET /healthz HTTP/1.1\r\n\r\n"),
    ),
    line(
        "two Hosts",
        "the same twice, two that differ",
        "400 bad_http, closed",
        |arena| arena.each(["localhost", "evil.example"].map(|other| head(&format!("Host: {other}\r\n")))),
    ),
    line(
        "a Host that is none",
        "a list, a user, a path, port 0, 65536 or none, spaces, a wildcard",
        "400 bad_http, closed",
        |arena| {
            let hosts = [
                "localhost, evil.example",
                "me@localhost",
                "localhost/",
                "localhost:0",
                "localhost:65536",
                "localhost:",
                "local host",
                "*",
                "[::1",
            ];
            arena.each(hosts.map(|host| format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")))
        },
    ),
    line(
        "an absolute target of another host",
        "`http://evil.example/api/v1/orders` with our Host, signed",
        "403 unknown_host",
        |arena| {
            let bytes = signed(&arena.keys.trader, "POST", "/api/v1/orders", ORDER.as_bytes(), "");
            let text = String::from_utf8_lossy(&bytes).replacen("POST /", "POST http://evil.example/", 1);
            arena.ask(text)
        },
    ),
    line(
        "an absolute target that is none",
        "with a user, an empty host, another scheme, CONNECT's form, a star, no slash",
        "400 bad_http, closed",
        |arena| {
            let targets = [
                "http://me@localhost/healthz",
                "http:///healthz",
                "https://localhost/healthz",
                "ftp://localhost/",
                "localhost:80",
                "*",
                "healthz",
                "http:/healthz",
            ];
            arena.each(targets.map(|target| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")))
        },
    ),
    line(
        "HTTP/0.9",
        "`GET /` and no version",
        "400 bad_http, closed",
        |arena| arena.each(["GET /healthz\r\n\r\n", "GET /healthz\r\n"]),
    ),
    line(
        "another version",
        "HTTP/2.0, HTTP/1.2, HTTP/1.10, HTTPS/1.1, small letters",
        "400 or 505, closed",
        |arena| {
            let versions = [
                "HTTP/2.0",
                "HTTP/1.2",
                "HTTP/1.10",
                "HTTPS/1.1",
                "http/1.1",
                "HTTP/0.9",
                "HTTP/",
            ];
            let told = arena
                .each(versions.map(|version| format!("GET /healthz {version}\r\nHost: localhost\r\n\r\n")))?;
            let refused = |one: &str| {
                matches!(
                    one,
                    "400 bad_http, closed" | "505 unsupported_http_version, closed"
                )
            };
            Ok(if told.split("; ").all(refused) {
                "400 or 505, closed".to_owned()
            } else {
                told
            })
        },
    ),
    line(
        "HTTP/2 without asking",
        "its preface and a SETTINGS frame",
        "505 unsupported_http_version, closed",
        |arena| arena.ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ),
    line(
        "an upgrade to HTTP/2",
        "Upgrade: h2c with HTTP2-Settings",
        "200",
        |arena| {
            arena.ask(head(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            ))
        },
    ),
    line("TLS", "a ClientHello", "400 bad_http, closed", |arena| {
        let mut hello = vec![0x16, 3, 1, 0, 0xc8, 1, 0, 0, 0xc4, 3, 3];
        hello.resize(205, 0x5a);
        arena.ask(hello)
    }),
    line(
        "bytes that are no text",
        "all 256 of them; 64 KiB of 0xff",
        "400 bad_http, closed",
        |arena| arena.each([(0..=255).collect::<Vec<u8>>(), vec![0xff; 65_536]]),
    ),
    line(
        "an expectation",
        "`100-continue`, and then the body",
        "100, then 201",
        |arena| {
            let bytes = signed(
                &arena.keys.trader,
                "POST",
                "/api/v1/orders",
                ORDER.as_bytes(),
                "Expect: 100-continue\r\n",
            );
            let (head, body) = bytes.split_at(bytes.len() - ORDER.len());
            let mut wire = arena.connect()?;
            wire.send(head);
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            wire.send(body);
            Ok(format!("{first}, then {}", wire.told()))
        },
    ),
    line(
        "another expectation",
        "one that is unknown, and a list",
        "417 expectation_failed, closed",
        |arena| {
            arena.each(
                [
                    "Expect: gold\r\n",
                    "Expect: 100-continue, gold\r\n",
                    "Expect: 100-continue\r\nExpect: 100-continue\r\n",
                ]
                .map(|line| post(&format!("{line}Content-Length: 4\r\n"), "")),
            )
        },
    ),
    line(
        "a thousand requests in one write",
        "GET /healthz, 1,000 times, and read only then",
        "1000 times 200",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(head("").repeat(1_000));
            let mut good = 0;
            while good < 1_000 && wire.answer().is_some_and(|answer| answer.status == 200) {
                good += 1;
            }
            Ok(format!("{good} times 200"))
        },
    ),
    line(
        "a request behind one that asks for the end",
        "Connection: close, then another",
        "200, closed",
        |arena| arena.ask(format!("{}{HIDDEN}", head("Connection: close\r\n"))),
    ),
    line(
        "methods that are unknown here",
        "TRACE, CONNECT, PUT, PROPFIND, one in small letters",
        "405 method_not_allowed",
        |arena| {
            let methods = ["TRACE", "CONNECT", "PUT", "PROPFIND", "get", "M-SEARCH"];
            arena.each(methods.map(|method| format!("{method} /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")))
        },
    ),
    line(
        "a method that is none",
        "with a bracket, a comma, a space before it",
        "400 bad_http, closed",
        |arena| {
            arena.each(
                ["G[T", "GET,", " GET", "G\u{c9}T"]
                    .map(|method| format!("{method} /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            )
        },
    ),
    line(
        "a very long method or target",
        "9 KiB of either",
        "414 target_too_long, closed",
        |arena| {
            let long = "A".repeat(9 << 10);
            arena.each([
                format!("{long} / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ])
        },
    ),
    line(
        "a header of a proxy",
        "X-Forwarded-For, X-HTTP-Method-Override, X-Original-URL",
        "401 unauthenticated",
        |arena| {
            let names = [
                "X-Forwarded-For: 127.0.0.1",
                "X-HTTP-Method-Override: GET",
                "X-Original-URL: /healthz",
                "X-Rewrite-URL: /healthz",
                "Hoga-Account: desk",
                "Authorization: Basic YTpi",
            ];
            arena.each(names.map(|name| post(&format!("{name}\r\nContent-Length: 0\r\n"), "")))
        },
    ),
    line(
        "HTTP/1.0",
        "without Host, and with an empty one",
        "200, closed",
        |arena| {
            arena.each([
                "GET /healthz HTTP/1.0\r\n\r\n",
                "GET /healthz HTTP/1.0\r\nHost:\r\n\r\n",
            ])
        },
    ),
];

/// A request for a page that needs no key, with more headers.
fn head(headers: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}
