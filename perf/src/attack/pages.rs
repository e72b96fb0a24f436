//! A foreign web page in somebody's browser, and what the exchange's own page may do.

use super::arena::{ORDER, ORDERS, SESSION, alike, handshake, request, signed};
use super::table::{Attack, line};
use super::wire::{Answer, Wire};

const FOREIGN: [&str; 6] = [
    "http://evil.example",
    "null",
    "https://localhost",
    "http://localhost.evil.example",
    "http://localhost@evil.example",
    "file://",
];

/// The attacks. Those on the exchange without authentication need no signature, as a page on its user's machine would not.
pub const TABLE: &[Attack] = &[
    line(
        "a foreign page reads orders",
        "GET of them with a foreign Origin, no authentication",
        "403 foreign_origin",
        |arena| {
            arena.open(FOREIGN.map(|origin| request("GET", ORDERS, b"", &format!("Origin: {origin}\r\n"))))
        },
    ),
    line(
        "a foreign page places an order",
        "POST with a body of text/plain or a form, which needs no preflight, no authentication",
        "403 foreign_origin",
        |arena| {
            let types = [
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/json",
            ];
            arena.open(types.map(|kind| {
                request(
                    "POST",
                    ORDERS,
                    ORDER.as_bytes(),
                    &format!("Origin: http://evil.example\r\nContent-Type: {kind}\r\n"),
                )
            }))
        },
    ),
    line(
        "a foreign page opens order entry",
        "a handshake for `/ws/orders` with a foreign Origin, no authentication",
        "403 foreign_origin",
        |arena| arena.open(FOREIGN.map(|origin| handshake(SESSION, &format!("Origin: {origin}\r\n")))),
    ),
    line(
        "a foreign page operates the exchange",
        "POST to `/api/v1/admin/…`, no authentication",
        "403 foreign_origin",
        |arena| {
            let body = br#"{"symbol":"BTC-KRW","status":"CancelOnly"}"#;
            arena.open(FOREIGN.map(|origin| {
                request(
                    "POST",
                    "/api/v1/admin/instrument_status",
                    body,
                    &format!("Origin: {origin}\r\nContent-Type: text/plain\r\n"),
                )
            }))
        },
    ),
    line(
        "a foreign page with a signature",
        "a signed order, a signed handshake, an unsigned handshake, with a foreign Origin",
        "403 foreign_origin",
        |arena| {
            let origin = "Origin: http://evil.example\r\n";
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            arena.each([
                signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), origin),
                handshake(SESSION, &format!("{own}{origin}")).into_bytes(),
                handshake(SESSION, origin).into_bytes(),
            ])
        },
    ),
    line(
        "two Origins",
        "our own and a foreign one, in both orders, and one that is no text",
        "400 bad_http, closed",
        |arena| {
            let (ours, theirs) = (
                format!("Origin: http://{}\r\n", arena.trusting),
                "Origin: http://evil.example\r\n".to_owned(),
            );
            arena.open(
                [format!("{ours}{theirs}"), format!("{theirs}{ours}")]
                    .map(|headers| request("GET", ORDERS, b"", &headers)),
            )
        },
    ),
    line(
        "a name that was pointed here",
        "Host: evil.example (DNS rebinding), with the port, with our name in it; no authentication",
        "403 unknown_host",
        |arena| {
            let hosts = [
                "evil.example",
                "evil.example:3030",
                "localhost.evil.example",
                "127.0.0.1.nip.example",
                "0.0.0.0",
                "localhost.",
                "[::]",
            ];
            arena.open(hosts.map(|host| format!("GET {ORDERS} HTTP/1.1\r\nHost: {host}\r\n\r\n")))
        },
    ),
    line(
        "a page under a name that was pointed here",
        "Host and Origin both evil.example, an order and a handshake, no authentication",
        "403 unknown_host",
        |arena| {
            let evil = |bytes: Vec<u8>| {
                String::from_utf8_lossy(&bytes).replacen("Host: localhost", "Host: evil.example", 1)
            };
            let origin = "Origin: http://evil.example\r\n";
            arena.open([
                evil(request("POST", ORDERS, ORDER.as_bytes(), origin)),
                evil(handshake(SESSION, origin).into_bytes()),
            ])
        },
    ),
    line(
        "a browser asks first",
        "OPTIONS with Access-Control-Request-Method, on private and on public paths",
        "405 method_not_allowed, and no CORS header",
        |arena| {
            let mut told = Vec::new();
            for target in [
                ORDERS,
                "/api/v1/admin/fees",
                "/api/v1/instruments",
                "/",
                "/metrics",
            ] {
                let asks = "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: hoga-key\r\n";
                let mut wire = Wire::connect(arena.trusting, arena.origin(), false)?;
                wire.send(request("OPTIONS", target, b"", asks));
                told.push(shown(wire.answer().as_ref()));
            }
            Ok(alike(told))
        },
    ),
    line(
        "a foreign page reads what is public",
        "GET of the book, instruments, metrics and time with a foreign Origin",
        "200, and no CORS header",
        |arena| {
            let mut told = Vec::new();
            for target in [
                "/api/v1/orderbook/BTC-KRW",
                "/api/v1/instruments",
                "/metrics",
                "/api/v1/time",
            ] {
                let mut wire = arena.connect()?;
                wire.send(request("GET", target, b"", "Origin: http://evil.example\r\n"));
                told.push(shown(wire.answer().as_ref()));
            }
            Ok(alike(told))
        },
    ),
    line(
        "a foreign page frames or scripts ours",
        "GET / and what it allows",
        "200 with a policy of hashes, no frames, nosniff, no referrer",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(request("GET", "/", b"", ""));
            let Some(answer) = wire.answer() else {
                return Ok("closed".to_owned());
            };
            let policy = answer.header("content-security-policy").unwrap_or_default();
            let has = |part: &str| policy.split("; ").any(|one| one == part);
            let is_strict = has("default-src 'none'")
                && has("frame-ancestors 'none'")
                && has("base-uri 'none'")
                && has("form-action 'none'")
                && policy.contains("script-src 'sha256-")
                && !policy.contains("unsafe")
                && !policy.contains('*');
            let others = [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ];
            let has_others = others
                .iter()
                .all(|(name, value)| answer.header(name) == Some(value));
            Ok(match is_strict && has_others {
                true => format!(
                    "{} with a policy of hashes, no frames, nosniff, no referrer",
                    answer.status
                ),
                false => answer.head,
            })
        },
    ),
    line(
        "an answer taken for a page",
        "an error that quotes markup of the path, opened in a browser",
        "404 in application/json, nosniff",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(request("GET", "/%3Cscript%3Ealert(1)%3C/script%3E", b"", ""));
            Ok(wire.answer().map_or_else(
                || "closed".to_owned(),
                |answer| {
                    format!(
                        "{} in {}, {}",
                        answer.status,
                        answer.header("content-type").unwrap_or_default(),
                        answer.header("x-content-type-options").unwrap_or_default()
                    )
                },
            ))
        },
    ),
    line(
        "a cached answer",
        "whether what is private may be kept by a browser or a proxy",
        "200, no-store",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(signed(&arena.keys.trader, "GET", ORDERS, b"", ""));
            Ok(wire.answer().map_or_else(
                || "closed".to_owned(),
                |answer| {
                    format!(
                        "{}, {}",
                        answer.status,
                        answer.header("cache-control").unwrap_or_default()
                    )
                },
            ))
        },
    ),
];

/// The status, and whether anything lets pages of other origins read the answer.
fn shown(answer: Option<&Answer>) -> String {
    match answer {
        None => "closed".to_owned(),
        Some(answer) if answer.head.contains("access-control-") => {
            format!("{}, {}", answer.text(), answer.head)
        }
        Some(answer) => format!("{}, and no CORS header", answer.text()),
    }
}
