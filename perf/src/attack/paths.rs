//! Targets that are not what they seem.

use super::arena::ORDER;
use super::table::{Attack, line};

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "dots that climb",
        "`/../`, `/healthz/..`, `/./healthz`, `/..;/`, to a file of the system",
        "404 not_found",
        |arena| {
            arena.each(
                [
                    "/../healthz",
                    "/healthz/..",
                    "/./healthz",
                    "/..;/healthz",
                    "/../../../../etc/passwd",
                    "/api/v1/../../healthz",
                ]
                .map(get),
            )
        },
    ),
    line(
        "dots that are encoded",
        "`%2e%2e`, `%2E%2E%2f`, `.%2e`, twice encoded, overlong UTF-8",
        "404 not_found",
        |arena| {
            arena.each(
                [
                    "/%2e%2e/healthz",
                    "/%2E%2E%2fhealthz",
                    "/.%2e/healthz",
                    "/%252e%252e/healthz",
                    "/%c0%ae%c0%ae/healthz",
                ]
                .map(get),
            )
        },
    ),
    line(
        "a zero byte that is encoded",
        "`%00` in a fixed path, and behind it",
        "404 not_found",
        |arena| arena.each(["/healthz%00", "/%00healthz", "/healthz%00.html"].map(get)),
    ),
    line(
        "a fixed path that is encoded",
        "`/%68ealthz`, `/HEALTHZ`, `/healthz/`, `/healthz;a=b`, `//healthz`",
        "404 not_found",
        |arena| {
            arena.each(
                [
                    "/%68ealthz",
                    "/HEALTHZ",
                    "/healthz/",
                    "/healthz;a=b",
                    "//healthz",
                    "/healthz//",
                    "/api//v1/time",
                    "/api%2fv1%2ftime",
                ]
                .map(get),
            )
        },
    ),
    line(
        "a private path in another spelling",
        "`/api/v1/orders/`, `//api/v1/orders`, `/API/v1/orders`, `/api/v1/%6frders`: never an order without a signature",
        "401 or 404",
        |arena| {
            let paths = [
                "/api/v1/orders/",
                "//api/v1/orders",
                "/API/v1/orders",
                "/api/v1/%6frders",
                "/api/v1/orders;a",
                "/api/v1/./orders",
                "/api/v1/orders%2f",
                "/api/v1/orders?",
                "/api/v1/orders%3f",
            ];
            let told = arena.each(paths.map(|path| {
                format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{ORDER}",
                    ORDER.len()
                )
            }))?;
            let refused = |one: &str| matches!(one, "401 unauthenticated" | "404 not_found");
            Ok(if told.split("; ").all(refused) {
                "401 or 404".to_owned()
            } else {
                told
            })
        },
    ),
    line(
        "a backslash",
        "in place of a slash, and encoded",
        "404 not_found",
        |arena| arena.each(["/api\\v1\\time", "/..\\healthz", "/api%5cv1%5ctime"].map(get)),
    ),
    line(
        "letters beyond ASCII",
        "in the path as they are, and encoded",
        "404 not_found",
        |arena| arena.each(["/h\u{e9}althz", "/\u{ff0f}healthz", "/%EF%BC%8Fhealthz"].map(get)),
    ),
    line(
        "a fragment",
        "`#` behind the path",
        "400 bad_http, closed",
        |arena| arena.each(["/healthz#", "/#/healthz", "/healthz#a?b"].map(get)),
    ),
    line(
        "a percent sign that encodes nothing",
        "`%`, `%1`, `%zz`, `%-1`, `%u0041` in a symbol and in a parameter",
        "400 invalid_parameter",
        |arena| {
            arena.each(
                [
                    "%",
                    "%1",
                    "%zz",
                    "%-1",
                    "%u0041",
                    "BTC-KRW?depth=%",
                    "BTC-KRW?depth=%zz",
                ]
                .map(|end| get(&format!("/api/v1/orderbook/{end}"))),
            )
        },
    ),
    line(
        "a symbol that is none",
        "zero bytes, dots, slashes, markup, bytes that are no UTF-8, 2 KiB, all encoded",
        "400 or 404",
        |arena| {
            let long = "A".repeat(2_048);
            let symbols = [
                "%00",
                "BTC-KRW%00",
                "%2e%2e",
                "%2e%2e%2f%2e%2e%2fetc",
                "%3Cscript%3E",
                "%ff%fe",
                &long,
                "BTC-KRW%2F..",
                "%E2%80%AE",
            ];
            let told = arena.each(symbols.map(|symbol| get(&format!("/api/v1/orderbook/{symbol}"))))?;
            let refused = |one: &str| {
                matches!(
                    one,
                    "400 invalid_parameter" | "404 unknown_symbol" | "404 not_found"
                )
            };
            Ok(if told.split("; ").all(refused) {
                "400 or 404".to_owned()
            } else {
                told
            })
        },
    ),
    line(
        "a parameter twice",
        "`depth=1&depth=2`, one of them encoded",
        "400 invalid_parameter",
        |arena| {
            arena.each(
                ["depth=1&depth=2", "depth=1&depth=1", "depth=1&dept%68=2"]
                    .map(|query| get(&format!("/api/v1/orderbook/BTC-KRW?{query}"))),
            )
        },
    ),
    line(
        "an unknown parameter",
        "`callback=`, `Depth=1`, `depth[]=1`, an empty name",
        "400 unknown_parameter",
        |arena| {
            arena.each(
                ["callback=x", "Depth=1", "depth[]=1", "=1", "depth;=1"]
                    .map(|query| get(&format!("/api/v1/orderbook/BTC-KRW?{query}"))),
            )
        },
    ),
    line(
        "a thousand parameters",
        "`a0=1&a1=1&…`; 4,000 times `&`, which is no parameter",
        "400 invalid_parameter; 200",
        |arena| {
            let many: String = (0..1_000).map(|number| format!("a{number}=1&")).collect();
            arena.each([
                get(&format!("/api/v1/orderbook/BTC-KRW?{many}")),
                get(&format!("/healthz?{}", "&".repeat(4_000))),
            ])
        },
    ),
    line(
        "a number out of bounds",
        "depth of 0, 1001, -1, +1, 1e3, 2^64, 1.0, nothing",
        "400 invalid_parameter",
        |arena| {
            let numbers = [
                "0",
                "1001",
                "-1",
                "%2B1",
                "1e3",
                "18446744073709551616",
                "1.0",
                "",
                "0x10",
                "01x",
            ];
            arena.each(numbers.map(|number| get(&format!("/api/v1/orderbook/BTC-KRW?depth={number}"))))
        },
    ),
    line(
        "a query within a query",
        "`?` and `??` in the target, `%3f` in the path",
        "400 or 404",
        |arena| {
            let told = arena.each(
                [
                    "/api/v1/orderbook/BTC-KRW??depth=1",
                    "/api/v1/orderbook/BTC-KRW?depth=1?depth=2",
                    "/api/v1/orderbook%3fdepth=1",
                    "/healthz%3f",
                ]
                .map(get),
            )?;
            let refused = |one: &str| one.starts_with("400 ") || one.starts_with("404 ");
            Ok(if told.split("; ").all(refused) {
                "400 or 404".to_owned()
            } else {
                told
            })
        },
    ),
];

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}
