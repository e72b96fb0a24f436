//! Operating the exchange without being its operator.

use super::arena::{ORDER, ORDERS, request, signed};
use super::table::{Attack, line};

const PATH: &str = "/api/v1/admin/account_status";
const BODY: &[u8] = br#"{"account":"nobody","status":"Active"}"#;

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "administration without a signature",
        "from this machine, to each path, with and without a good body",
        "401 unauthenticated",
        |arena| {
            let names = [
                "instruments",
                "fees",
                "instrument_status",
                "account_status",
                "account_limits",
                "cancel_all",
                "cancel_instrument",
                "limits",
            ];
            let bodies = [BODY, b"", b"{"];
            arena.each(names.iter().flat_map(|name| {
                bodies.map(|body| request("POST", &format!("/api/v1/admin/{name}"), body, ""))
            }))
        },
    ),
    line(
        "administration by a trader",
        "signed by a key with `trade`, by one with `read`",
        "403 forbidden",
        |arena| {
            arena
                .each([&arena.keys.trader, &arena.keys.reader].map(|key| signed(key, "POST", PATH, BODY, "")))
        },
    ),
    line(
        "administration by a trader who learns from errors",
        "signed by a key with `trade`, with bodies that are wrong",
        "403 forbidden",
        |arena| {
            arena.each(
                [&b"{"[..], b"", br#"{"account":7}"#]
                    .map(|body| signed(&arena.keys.trader, "POST", PATH, body, "")),
            )
        },
    ),
    line(
        "trading by an operator",
        "an order, a look at orders, executions, signed by a key with `admin`",
        "403 forbidden",
        |arena| {
            let key = &arena.keys.operator;
            arena.each([
                signed(key, "POST", ORDERS, ORDER.as_bytes(), ""),
                signed(key, "GET", ORDERS, b"", ""),
                signed(key, "GET", "/api/v1/executions/BTC-KRW", b"", ""),
            ])
        },
    ),
    line(
        "an operator in another's name",
        "signed by a key with `admin`, `by` another; the journal has the key",
        "200",
        |arena| {
            arena.ask(signed(
                &arena.keys.operator,
                "POST",
                PATH,
                br#"{"by":"ann","account":"nobody","status":"Active"}"#,
                "",
            ))
        },
    ),
    line(
        "an operator with a replayed command",
        "the same signed command twice",
        "200, then 401 replayed",
        |arena| {
            let bytes = signed(&arena.keys.operator, "POST", PATH, BODY, "");
            Ok(format!("{}, then {}", arena.ask(&bytes)?, arena.ask(&bytes)?))
        },
    ),
    line(
        "an operator with strange bodies",
        "numbers of 1e400, 10^5000, NaN, deep nesting, unknown, missing and repeated fields",
        "400",
        |arena| {
            let limits = |value: &str| format!(r#"{{"account":"nobody","max_open_orders":{value}}}"#);
            let digits = "9".repeat(5_000);
            let deep = "[".repeat(20_000);
            let bodies = ["1e400", "-1", "0.5", &digits, "NaN", &deep, "true", "\"many\""]
                .map(limits)
                .into_iter()
                .chain(
                    [
                        "{}",
                        "[]",
                        "",
                        "null",
                        r#"{"account":"nobody"}"#,
                        r#"{"account":"nobody","account":"desk","max_open_orders":1}"#,
                        r#"{"account":"nobody","max_open_orders":1,"x":1}"#,
                        r#"{"account":"\ud800","max_open_orders":1}"#,
                        r#"{"account":"no body","max_open_orders":1}"#,
                    ]
                    .map(str::to_owned),
                );
            let told = arena.each(bodies.map(|body| {
                signed(
                    &arena.keys.operator,
                    "POST",
                    "/api/v1/admin/account_limits",
                    body.as_bytes(),
                    "",
                )
            }))?;
            let refused = told
                .split("; ")
                .all(|one| one.starts_with("400 ") && !one.contains(','));
            Ok(if refused { "400".to_owned() } else { told })
        },
    ),
    line(
        "administration through a proxy",
        "X-Forwarded-For, X-Real-IP or Forwarded, no authentication",
        "403 forbidden",
        |arena| {
            let headers = [
                "X-Forwarded-For: 127.0.0.1\r\n",
                "x-forwarded-for: \r\n",
                "X-Real-IP: 10.0.0.7\r\n",
                "Forwarded: for=127.0.0.1\r\n",
            ];
            arena.open(headers.map(|header| request("POST", PATH, BODY, header)))
        },
    ),
    line(
        "administration under another name",
        "Host: evil.example, no authentication",
        "403 unknown_host",
        |arena| {
            let bytes = request("POST", PATH, BODY, "");
            arena.open([String::from_utf8_lossy(&bytes).replacen("localhost", "evil.example", 1)])
        },
    ),
    line(
        "administration by another method",
        "GET, PUT, DELETE of each path; a path that is not there",
        "404 or 405",
        |arena| {
            let asks = ["GET", "PUT", "DELETE"]
                .map(|method| request(method, PATH, b"", ""))
                .into_iter()
                .chain(
                    [
                        "/api/v1/admin",
                        "/api/v1/admin/",
                        "/api/v1/admin/fees/",
                        "/api/v1/admin/stop",
                    ]
                    .map(|path| request("POST", path, BODY, "")),
                );
            let told = arena.open(asks)?;
            let refused = told
                .split("; ")
                .all(|one| matches!(one, "404 not_found" | "405 method_not_allowed"));
            Ok(if refused { "404 or 405".to_owned() } else { told })
        },
    ),
];
