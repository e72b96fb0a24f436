//! Bodies that are not what they seem.

use super::arena::{Arena, ORDER, ORDERS, SESSION, handshake, request, signed};
use super::socket::{FIN, TEXT, frame};
use super::table::{Attack, line};
use crate::failure::Outcome;

/// The attacks. All are signed as they should be.
pub const TABLE: &[Attack] = &[
    line(
        "a body shorter than announced",
        "the end of sending before its end",
        "closed",
        |arena| {
            let mut bytes = signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), "");
            bytes.truncate(bytes.len() - 1);
            let mut wire = arena.connect()?;
            wire.send(bytes);
            wire.finish();
            Ok(wire.told())
        },
    ),
    line(
        "a body longer than announced",
        "letters behind its end, which begin the next request",
        "201, then 400 bad_http, closed",
        |arena| {
            let mut wire = arena.connect()?;
            let mut bytes = signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), "");
            bytes.extend_from_slice(b"}}}}\r\n\r\n");
            wire.send(bytes);
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            Ok(format!("{first}, then {}", wire.told()))
        },
    ),
    line(
        "a body over the limit",
        "64 KiB and a byte, all of it sent",
        "413 body_too_large, closed",
        |arena| arena.order(vec![b' '; 65_537]),
    ),
    line(
        "a body of 64 KiB",
        "spaces, and behind them an order; an unknown field of 60 KiB",
        "201; 400 unknown_field",
        |arena| {
            let spaces = " ".repeat(65_536 - ORDER.len());
            arena.orders([
                format!("{spaces}{ORDER}"),
                format!(r#"{{"x":"{}",{}"#, "a".repeat(60_000), &ORDER[1..]),
            ])
        },
    ),
    line(
        "no JSON",
        "nothing, letters, a form, XML, a number, a string, a list, null, two objects, a comma too many",
        "400 invalid_json",
        |arena| {
            let two = format!("{ORDER}{ORDER}");
            let comma = format!("{},}}", &ORDER[..ORDER.len() - 1]);
            arena.orders([
                "",
                "order",
                "symbol=BTC-KRW&side=Buy",
                "<order/>",
                "7",
                "\"order\"",
                "[]",
                "null",
                &two,
                &comma,
                "{",
                "\u{1}",
            ])
        },
    ),
    line(
        "deep nesting",
        "30,000 brackets, braces, or both, as a value or as all",
        "400",
        |arena| {
            let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
            let within = |value: String| ORDER.replace("0.001", &value);
            let bodies = [
                deep("[", "]"),
                deep("{\"a\":", "}"),
                within(deep("[", "]")),
                within(format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000))),
                "[".repeat(30_000),
                "{\"symbol\":".repeat(6_000),
            ];
            refused(&arena.orders(bodies)?)
        },
    ),
    line(
        "a field twice",
        "another quantity behind the first, the same one, one spelled with an escape",
        "400 duplicate_field",
        |arena| {
            let with = |field: &str| format!("{},{field}}}", &ORDER[..ORDER.len() - 1]);
            arena.orders([
                with(r#""quantity":9"#),
                with(r#""quantity":0.001"#),
                with(r#""qu\u0061ntity":0.001"#),
            ])
        },
    ),
    line(
        "unknown fields",
        "`__proto__`, another case, an empty name, a name of 1 KiB",
        "400 unknown_field",
        |arena| {
            let names = ["__proto__", "Quantity", "", "quantity ", &"a".repeat(1_024)];
            arena.orders(names.map(|name| format!(r#"{{"{name}":1,{}"#, &ORDER[1..])))
        },
    ),
    line(
        "a byte order mark",
        "that of UTF-8 before an order, and one in UTF-16",
        "400 invalid_json",
        |arena| {
            let wide: Vec<u8> = std::iter::once(0xfeff)
                .chain(ORDER.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect();
            arena.orders([format!("\u{feff}{ORDER}").into_bytes(), wide])
        },
    ),
    line(
        "bytes that are no UTF-8",
        "0xff, a cut sequence, an overlong slash, a surrogate, in a value",
        "400 invalid_json",
        |arena| {
            let bad: [&[u8]; 4] = [b"\xff", b"\xe2\x82", b"\xc0\xaf", b"\xed\xa0\x80"];
            arena.orders(bad.map(|bytes| {
                let at = ORDER.find("BTC").unwrap_or_default();
                [&ORDER.as_bytes()[..at], bytes, &ORDER.as_bytes()[at..]].concat()
            }))
        },
    ),
    line(
        "lone surrogates",
        "`\\ud800` alone, two of them, one behind a letter, in a value",
        "400",
        |arena| {
            let values = ["\\ud800", "\\ud800\\ud800", "a\\udc00", "\\uD83D"];
            refused(&arena.orders(values.map(|value| ORDER.replace("BTC-KRW", value)))?)
        },
    ),
    line(
        "zero and control characters in a value",
        "`\\u0000` and a raw NUL in a symbol or an id",
        "400",
        |arena| {
            let id = |text: &str| format!(r#"{{"client_order_id":"{text}",{}"#, &ORDER[1..]);
            refused(&arena.orders([
                ORDER.replace("BTC", "\\u0000"),
                ORDER.replace("BTC", "\0"),
                id("a\\u0000b"),
                id("a\nb"),
                id("\\u202e"),
            ])?)
        },
    ),
    line(
        "giant prices",
        "1e400, 1e-400, 10^5000 in digits, 2^64, a thousand decimals",
        "400 invalid_price",
        |arena| {
            let digits = "9".repeat(5_000);
            let decimals = format!("1000.{}1", "0".repeat(1_000));
            prices(
                arena,
                &[
                    "1e400",
                    "1e-400",
                    "1E+400",
                    &digits,
                    "18446744073709551616000",
                    &decimals,
                ],
            )
        },
    ),
    line(
        "prices that are no plain decimals",
        "-0, -1, 0, 0.0, +1 and 01 in quotes, an empty string, NaN, Infinity, hexadecimal, commas, digits of another script",
        "400 invalid_price",
        |arena| {
            prices(
                arena,
                &[
                    "-0",
                    "-1000",
                    "0",
                    "0.0",
                    "\"+1000\"",
                    "\"01000\"",
                    "\"\"",
                    "\"NaN\"",
                    "\"Infinity\"",
                    "\"0x3e8\"",
                    "\"1,000\"",
                    "\"١٠٠٠\"",
                    "\"1000 \"",
                    "\".5\"",
                    "\"5.\"",
                ],
            )
        },
    ),
    line(
        "numbers that JSON does not have",
        "NaN, Infinity, +1, 01, .5, 5., 0x10 as they are",
        "400 invalid_json",
        |arena| {
            prices(
                arena,
                &[
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "+1",
                    "01",
                    ".5",
                    "5.",
                    "0x10",
                    "1_000",
                ],
            )
        },
    ),
    line(
        "a price off the grid",
        "0.1, one tick and a hair, 40 digits",
        "400 off_tick",
        |arena| {
            prices(
                arena,
                &[
                    "0.1",
                    "1000000.0000000000000000000000001",
                    "1500",
                    "999999.9999999999999999999999999999999999",
                ],
            )
        },
    ),
    line(
        "giant and tiny quantities",
        "1e400, 10^5000 in digits, 2^63, -0, 0, half a lot",
        "400",
        |arena| {
            let digits = "9".repeat(5_000);
            let quantities = [
                "1e400",
                &digits,
                "9223372036854775808",
                "-0",
                "0",
                "0.000000005",
                "\"1e3\"",
            ];
            refused(&arena.orders(quantities.map(|quantity| ORDER.replace("0.001", quantity)))?)
        },
    ),
    line(
        "the wrong type",
        "true, a list, an object, null or a number where text belongs, and text or a list where a number does",
        "400",
        |arena| {
            let mut bodies: Vec<String> = ["true", "[]", "{}", "null", "7"]
                .map(|value| ORDER.replace("\"BTC-KRW\"", value))
                .into();
            bodies
                .extend(["true", "[]", "{}", "null", "\"many\""].map(|value| ORDER.replace("0.001", value)));
            bodies.extend(
                ["\"true\"", "1", "[]"].map(|value| format!(r#"{{"post_only":{value},{}"#, &ORDER[1..])),
            );
            refused(&arena.orders(bodies)?)
        },
    ),
    line(
        "a huge string",
        "60 KiB as the symbol, the side, the account, the client's id",
        "400",
        |arena| {
            let long = "A".repeat(60_000);
            let more = |name: &str| format!(r#"{{"{name}":"{long}",{}"#, &ORDER[1..]);
            refused(&arena.orders([
                ORDER.replace("BTC-KRW", &long),
                ORDER.replace("Buy", &long),
                more("account"),
                more("client_order_id"),
            ])?)
        },
    ),
    line(
        "text that is shown to somebody",
        "markup, SQL and terminal codes as an id of one's own",
        "400 invalid_field",
        |arena| {
            let ids = ["\\u001b[31m", "caf\u{e9}", "\u{202e}", "a\\tb", &"x".repeat(37)];
            arena.orders(ids.map(|id| format!(r#"{{"client_order_id":"{id}",{}"#, &ORDER[1..])))
        },
    ),
    line(
        "a deadline out of bounds",
        "timeout_ms of -1, 0.5, 1e400, 999, 10^20, text, null, none",
        "400",
        |arena| {
            let mut answers = Vec::new();
            for value in [
                "-1",
                "0.5",
                "1e400",
                "999",
                "86400001",
                "100000000000000000000",
                "\"soon\"",
                "null",
                "true",
            ] {
                let body = format!(r#"{{"timeout_ms":{value}}}"#);
                answers.push(arena.ask(signed(
                    &arena.keys.trader,
                    "POST",
                    "/api/v1/orders/cancel_all_after",
                    body.as_bytes(),
                    "",
                ))?);
            }
            refused(&answers.join("; "))
        },
    ),
    line(
        "an id that is none",
        "a replace or cancel of `0`, of 36 zeros, of another version, of 4 KiB",
        "404 unknown_order",
        |arena| {
            let long = "0".repeat(4_096);
            let ids = [
                "0",
                "00000000-0000-0000-0000-000000000000",
                "00000000-0005-4000-8000-00005d1c9a27",
                "%00",
                &long,
            ];
            arena.each(ids.map(|id| signed(&arena.keys.trader, "DELETE", &format!("{ORDERS}/{id}"), b"", "")))
        },
    ),
    line(
        "the same in a message",
        "deep nesting, giant numbers, no JSON, no op, an unknown op, an id of 4 KiB",
        "an error each, then reply",
        |arena| {
            let texts = [
                "[".repeat(30_000),
                "7".to_owned(),
                "{}".to_owned(),
                r#"{"id":1}"#.to_owned(),
                r#"{"id":1,"op":"withdraw"}"#.to_owned(),
                format!(r#"{{"id":"{}","op":"cancel_all"}}"#, "a".repeat(4_096)),
                format!(
                    r#"{{"id":1,"op":"place",{}"#,
                    &ORDER[1..].replace("0.001", "1e400")
                ),
                r#"{"id":{"id":1},"op":"cancel_all"}"#.to_owned(),
            ];
            let mut socket = arena.session("")?;
            for text in &texts {
                socket.wire.send(frame(FIN | TEXT, text.as_bytes()));
                match socket.told() {
                    told if told.starts_with("reply ") => {}
                    told => return Ok(format!("{told} to {}", &text[..text.len().min(40)])),
                }
            }
            socket.say(r#"{"id":1,"op":"cancel_all"}"#);
            Ok(format!("an error each, then {}", socket.told()))
        },
    ),
    line(
        "a body where none belongs",
        "a GET of a page and a signed GET with one",
        "200",
        |arena| {
            let list = arena.keys.trader.sign("GET", ORDERS, b"{}").headers();
            let length = "Content-Length: 2\r\n";
            arena.each([
                format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{{}}").into_bytes(),
                request("GET", ORDERS, b"{}", &list),
            ])
        },
    ),
    line(
        "a body behind a handshake",
        "Content-Length: 2 in a WebSocket's handshake",
        "400 bad_handshake",
        |arena| {
            let sign = arena.keys.trader.sign("GET", SESSION, b"{}").headers();
            let bytes = handshake(SESSION, &format!("{sign}Content-Length: 2\r\n"));
            arena.ask(format!("{bytes}{{}}"))
        },
    ),
];

/// `400` when each of the answers is one, whatever its code.
fn refused(told: &str) -> Outcome<String> {
    let all = told
        .split("; ")
        .all(|one| one.starts_with("400 ") && !one.contains(','));
    Ok(if all { "400".to_owned() } else { told.to_owned() })
}

/// What comes of an order for each of these prices, as they stand in JSON.
fn prices(arena: &Arena, prices: &[&str]) -> Outcome<String> {
    arena.orders(prices.iter().map(|price| ORDER.replace("1000000", price)))
}
