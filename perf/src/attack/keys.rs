//! Keys that are not what they should be, and what belongs to others.

use super::arena::{ORDER, ORDERS, order_of, request, signed};
use super::table::{Attack, line};

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "an unknown key",
        "a good signature by a key that is registered nowhere",
        "401 bad_signature",
        |arena| arena.ask(order_of(&arena.keys.unknown)),
    ),
    line(
        "another's key id",
        "a good signature under the id of a key that did not make it",
        "401 bad_signature",
        |arena| {
            let mut sign = arena.keys.other.sign("POST", ORDERS, ORDER.as_bytes());
            sign.key = arena.keys.trader.id.to_string();
            arena.ask(request("POST", ORDERS, ORDER.as_bytes(), &sign.headers()))
        },
    ),
    line(
        "a malformed key id",
        "none, 15 and 17 characters, capitals, 0 and 1",
        "401 unauthenticated",
        |arena| {
            let ids = [
                "",
                "aaaaaaaaaaaaaaa",
                "aaaaaaaaaaaaaaaaa",
                "AAAAAAAAAAAAAAAA",
                "0101010101010101",
            ];
            arena.each(ids.map(|id| {
                let mut sign = arena.keys.trader.sign("POST", ORDERS, ORDER.as_bytes());
                sign.key = id.to_owned();
                request("POST", ORDERS, ORDER.as_bytes(), &sign.headers())
            }))
        },
    ),
    line(
        "a revoked key",
        "a good signature by its holder",
        "401 unauthenticated",
        |arena| arena.ask(order_of(&arena.keys.revoked)),
    ),
    line(
        "a revoked key, not by its holder",
        "a wrong signature under its id",
        "401 bad_signature",
        |arena| {
            let mut sign = arena.keys.revoked.sign("POST", ORDERS, ORDER.as_bytes());
            sign.signature[9] ^= 1;
            arena.ask(request("POST", ORDERS, ORDER.as_bytes(), &sign.headers()))
        },
    ),
    line(
        "an expired key",
        "a good signature by its holder",
        "401 unauthenticated",
        |arena| arena.ask(order_of(&arena.keys.expired)),
    ),
    line(
        "an order for another's account",
        "`account` of the body is not the key's",
        "403 forbidden",
        |arena| arena.order(format!(r#"{{"account":"other",{}"#, &ORDER[1..])),
    ),
    line(
        "another's orders",
        "a list of them, a cancel of all of them",
        "403 forbidden",
        |arena| {
            let target = "/api/v1/orders?account=other";
            arena.each(["GET", "DELETE"].map(|method| signed(&arena.keys.trader, method, target, b"", "")))
        },
    ),
    line(
        "another's order by its id",
        "a look, a cancel and a replace of it",
        "404 unknown_order",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send(order_of(&arena.keys.other));
            let placed = wire.answer().map(|answer| answer.body).unwrap_or_default();
            let placed: serde_json::Value = serde_json::from_slice(&placed).unwrap_or_default();
            let target = format!("{ORDERS}/{}", placed["order_id"].as_str().unwrap_or("none"));
            let asks: [(&str, &[u8]); 3] = [
                ("GET", b""),
                ("DELETE", b""),
                ("PATCH", br#"{"quantity":0.0005}"#),
            ];
            arena.each(asks.map(|(method, body)| signed(&arena.keys.trader, method, &target, body, "")))
        },
    ),
    line(
        "an order by a key that may only look",
        "a good signature by a key with `read`",
        "403 forbidden",
        |arena| arena.ask(order_of(&arena.keys.reader)),
    ),
];
