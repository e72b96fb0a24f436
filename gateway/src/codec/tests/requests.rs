//! What comes in.

use hoga_protocol::{
    AccountId, AccountName, ClientOrderId, InstrumentId, Lots, OrderType, Side, Ticks, TimeInForce,
};
use hoga_views::ViewLimits;
use proptest::prelude::*;

use super::fixture::{Exchange, limit, parse_ws};
use crate::codec::{ApiError, ErrorCode, codes, parse_new_order, parse_replace};

/// A limit order for 0.5 BTC.
pub const GOOD: &str = r#"{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5}"#;

fn place(body: &[u8]) -> Result<hoga_protocol::NewOrder, ApiError> {
    let exchange = Exchange::new(ViewLimits::default());
    let (_, request) = parse_new_order(body)?;
    Ok(request.to_order(AccountId(1), &exchange.views)?)
}

#[track_caller]
fn refused(body: &[u8], code: ErrorCode, says: &[&str]) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let error = place(body).expect_err(&shown);
    assert!(error.is(code), "{shown}: {error}, not {}", code.code);
    for part in says {
        assert!(
            error.message.contains(part),
            "{shown}: {error:?} does not say {part:?}"
        );
    }
    assert!(error.message.len() < 600, "{shown}: {error}");
}

#[test]
fn a_limit_order_lands_on_its_grid() {
    let want = limit(1, Side::Buy, 50_000, 50_000_000);
    assert_eq!(place(GOOD.as_bytes()), Ok(want));
    let texts = GOOD
        .replace("50000000", "\"50000000.00\"")
        .replace("0.5", "\"0.50000000\"");
    assert_eq!(place(texts.as_bytes()), Ok(want));
    let nulls = GOOD.replace(
        '}',
        r#","time_in_force":null,"post_only":null,"client_order_id":null,"account":null}"#,
    );
    assert_eq!(place(nulls.as_bytes()), Ok(want));
    let escaped = GOOD.replace("symbol", "s\\u0079mbol").replace("Buy", "\\u0042uy");
    assert_eq!(place(escaped.as_bytes()), Ok(want));
    let spaced = format!(" \r\n\t{GOOD}\n ");
    assert_eq!(place(spaced.as_bytes()), Ok(want));
}

#[test]
fn every_field_reaches_the_command() {
    let body =
        br#"{"symbol":"ABC/X","side":"Sell","type":"Limit","quantity":"6","price":0.1,"time_in_force":"GTC",
        "post_only":true,"client_order_id":"mine \" 1","account":"desk"}"#;
    let (account, _) = parse_new_order(body).unwrap();
    assert_eq!(account, Some(AccountName::new("desk").unwrap()));
    let order = place(body).unwrap();
    assert_eq!((order.instrument, order.side), (InstrumentId(1), Side::Sell));
    assert_eq!((order.price, order.quantity), (Ticks(2), Lots(2)));
    assert!(order.post_only);
    assert_eq!(order.client_order_id, ClientOrderId::new("mine \" 1").unwrap());
    for (sent, want) in [
        ("", TimeInForce::Ioc),
        (r#","time_in_force":"FOK""#, TimeInForce::Fok),
    ] {
        let body = format!(r#"{{"symbol":"BTC-KRW","side":"Buy","type":"Market","quantity":1{sent}}}"#);
        let order = place(body.as_bytes()).unwrap();
        assert_eq!(
            (order.order_type, order.time_in_force, order.price),
            (OrderType::Market, want, Ticks(0))
        );
    }
}

#[test]
fn a_validity_is_taken_exactly_or_not_at_all() {
    let body = |named: &str, time: &str| GOOD.replace('}', &format!(r#"{named},"valid_until":{time}}}"#));
    let id = r#","client_order_id":"c-1""#;
    for (time, want) in [
        (r#""2023-04-30T12:35:10.123Z""#, 1_682_858_110_123_000_000),
        (r#""2023-04-30T12:35:10.123456789Z""#, 1_682_858_110_123_456_789),
        (r#""2023-04-30T12:35:10\u005a""#, 1_682_858_110_000_000_000),
        (r#""9999-12-31T23:59:59.999Z""#, u64::MAX),
        ("null", 0),
    ] {
        assert_eq!(
            place(body(id, time).as_bytes()).unwrap().valid_until.0,
            want,
            "{time}"
        );
    }
    let good = r#""2023-04-30T12:35:10.123Z""#;
    for (named, time, code, says) in [
        ("", good, codes::INVALID_VALID_UNTIL, "client_order_id"),
        (
            id,
            r#""1970-01-01T00:00:00Z""#,
            codes::EXPIRED_REQUEST,
            "has passed",
        ),
        (
            id,
            r#""1969-12-31T23:59:59Z""#,
            codes::EXPIRED_REQUEST,
            "has passed",
        ),
        (
            id,
            r#""2023-04-30T12:35:10.1234567890Z""#,
            codes::INVALID_FIELD,
            "a time in UTC",
        ),
        (
            id,
            r#""2023-04-30T12:35:10+09:00""#,
            codes::INVALID_FIELD,
            "a time in UTC",
        ),
        (
            id,
            r#""2023-02-30T12:35:10Z""#,
            codes::INVALID_FIELD,
            "a time in UTC",
        ),
        (id, r#""1682858110123""#, codes::INVALID_FIELD, "a time in UTC"),
        (id, "1682858110123", codes::INVALID_FIELD, "a time in UTC"),
        (id, r#""""#, codes::INVALID_FIELD, "a time in UTC"),
        (id, "true", codes::INVALID_FIELD, "a time in UTC"),
    ] {
        refused(body(named, time).as_bytes(), code, &["valid_until", says]);
    }
}

#[test]
fn a_cancel_names_one_order_by_one_id() {
    for (fields, code) in [
        (r#""order_id":"x","client_order_id":"y""#, codes::INVALID_FIELD),
        (r#""order_id":null,"client_order_id":null"#, codes::MISSING_FIELD),
        (r#""client_order_id":"""#, codes::INVALID_FIELD),
        (r#""client_order_id":"\u00e9""#, codes::INVALID_FIELD),
        (r#""client_order_ID":"y""#, codes::UNKNOWN_FIELD),
    ] {
        let (_, error) = parse_ws(format!(r#"{{"id":1,"op":"cancel",{fields}}}"#).as_bytes()).unwrap_err();
        assert!(error.is(code), "{fields}: {error}");
    }
    let replace = br#"{"id":1,"op":"replace","client_order_id":"y","quantity":1}"#;
    let (_, error) = parse_ws(replace).unwrap_err();
    assert!(error.is(codes::UNKNOWN_FIELD), "{error}");
}

#[test]
fn a_price_that_is_not_exactly_on_the_grid_is_refused() {
    let cases: &[(&str, ErrorCode, &[&str])] = &[
        (
            "50000000.0000000000000000000000001",
            codes::OFF_TICK,
            &[
                "price: 50000000.0000000000000000000000001",
                "tick 1000",
                "50000000 and 50001000",
            ],
        ),
        ("50000500", codes::OFF_TICK, &["50000000 and 50001000"]),
        ("\"50000500\"", codes::OFF_TICK, &["50000000 and 50001000"]),
        ("999", codes::OFF_TICK, &["lowest is 1000"]),
        (
            "1099511627776000.5",
            codes::OFF_TICK,
            &["highest is 1099511627776000"],
        ),
        (
            "1099511627777000",
            codes::INVALID_PRICE,
            &["highest is 1099511627776000"],
        ),
        (
            "1234567890123456789012345678901234567890",
            codes::INVALID_PRICE,
            &["highest"],
        ),
        (
            "12345678901234567890123456789012345678901",
            codes::INVALID_PRICE,
            &["price", "40 digits"],
        ),
        ("0", codes::INVALID_PRICE, &["price", "greater than zero"]),
        ("0.000", codes::INVALID_PRICE, &["greater than zero"]),
        ("-0", codes::INVALID_PRICE, &["negative"]),
        ("-50000000", codes::INVALID_PRICE, &["price", "negative"]),
        ("5e7", codes::INVALID_PRICE, &["price", "5e7", "exponent"]),
        ("5E+7", codes::INVALID_PRICE, &["exponent"]),
        (
            "\"0x3e8\"",
            codes::INVALID_PRICE,
            &["price: \"0x3e8\"", "plain decimal"],
        ),
        ("\"NaN\"", codes::INVALID_PRICE, &["NaN", "plain decimal"]),
        ("\"+50000000\"", codes::INVALID_PRICE, &["plain decimal"]),
        ("\"0050000000\"", codes::INVALID_PRICE, &["plain decimal"]),
        ("\" 50000000\"", codes::INVALID_PRICE, &["plain decimal"]),
        ("\"\"", codes::INVALID_PRICE, &["plain decimal"]),
        ("\"50,000,000\"", codes::INVALID_PRICE, &["plain decimal"]),
        ("true", codes::INVALID_PRICE, &["not a number"]),
        ("[50000000]", codes::INVALID_PRICE, &["not a number"]),
        ("{\"a\":1}", codes::INVALID_PRICE, &["not a number"]),
        ("null", codes::MISSING_FIELD, &["price", "Limit"]),
        ("\"\\ud800\"", codes::INVALID_FIELD, &["price", "string"]),
        // These are not JSON at all.
        ("NaN", codes::INVALID_JSON, &["line 1 column"]),
        ("+50000000", codes::INVALID_JSON, &["line 1 column"]),
        ("0050000000", codes::INVALID_JSON, &["line 1 column"]),
        (".5", codes::INVALID_JSON, &["line 1 column"]),
        ("0x10", codes::INVALID_JSON, &["line 1 column"]),
        ("Infinity", codes::INVALID_JSON, &["line 1 column"]),
        ("", codes::INVALID_JSON, &["line 1 column"]),
    ];
    for (price, code, says) in cases {
        let body = GOOD.replace("50000000", price);
        refused(body.as_bytes(), *code, says);
    }
    for quantity in cases
        .iter()
        .map(|case| case.0)
        .filter(|text| text.contains("e7") || text.contains("NaN"))
    {
        let want = if quantity == "NaN" {
            codes::INVALID_JSON
        } else {
            codes::INVALID_QUANTITY
        };
        refused(GOOD.replace("0.5", quantity).as_bytes(), want, &[]);
    }
    let cases: &[(&str, ErrorCode, &[&str])] = &[
        (
            "0.123456789",
            codes::OFF_LOT,
            &["quantity", "lot 0.00000001", "0.12345678 and 0.12345679"],
        ),
        ("0.000000001", codes::OFF_LOT, &["lowest is 0.00000001"]),
        ("0", codes::INVALID_QUANTITY, &["greater than zero"]),
        ("-1", codes::INVALID_QUANTITY, &["negative"]),
        (
            "43980.46511105",
            codes::INVALID_QUANTITY,
            &["largest is 43980.46511104"],
        ),
        ("null", codes::MISSING_FIELD, &["quantity"]),
    ];
    for (quantity, code, says) in cases {
        refused(GOOD.replace("0.5", quantity).as_bytes(), *code, says);
    }
}

#[test]
fn a_body_that_is_not_one_clear_object_is_refused() {
    let with = |field: &str| GOOD.replace('}', &format!(",{field}}}"));
    let without = |field: &str| GOOD.replace(field, "");
    let cases: &[(String, ErrorCode, &[&str])] = &[
        (String::new(), codes::INVALID_JSON, &["body is empty"]),
        ("  ".into(), codes::INVALID_JSON, &["body is empty"]),
        ("null".into(), codes::INVALID_JSON, &["object"]),
        ("[]".into(), codes::INVALID_JSON, &["object"]),
        ("\"text\"".into(), codes::INVALID_JSON, &["object"]),
        ("{".into(), codes::INVALID_JSON, &["line 1 column 1"]),
        (GOOD[..GOOD.len() - 1].into(), codes::INVALID_JSON, &["line 1"]),
        (format!("{GOOD}{GOOD}"), codes::INVALID_JSON, &["trailing"]),
        (format!("{GOOD}x"), codes::INVALID_JSON, &["trailing"]),
        (format!("\u{feff}{GOOD}"), codes::INVALID_JSON, &[]),
        (
            with("\"price\":50000000"),
            codes::DUPLICATE_FIELD,
            &["price", "once"],
        ),
        (with("\"pr\\u0069ce\":1"), codes::DUPLICATE_FIELD, &["price"]),
        (with("\"price\":null"), codes::DUPLICATE_FIELD, &["price"]),
        (
            with("\"stop_price\":1"),
            codes::UNKNOWN_FIELD,
            &["stop_price: a new order has", "symbol, side, type"],
        ),
        (with("\"Price\":1"), codes::UNKNOWN_FIELD, &["Price: "]),
        (with("\"a b\":1"), codes::UNKNOWN_FIELD, &["\"a b\": "]),
        (with("\"order_id\":\"x\""), codes::UNKNOWN_FIELD, &["order_id: "]),
        (with("\"id\":1"), codes::UNKNOWN_FIELD, &["id: "]),
        (with("\"\":1"), codes::UNKNOWN_FIELD, &["\"\""]),
        (
            with(&format!("\"{}\":1", "k".repeat(9_999))),
            codes::UNKNOWN_FIELD,
            &["kkk"],
        ),
        (
            without(r#""symbol":"BTC-KRW","#),
            codes::MISSING_FIELD,
            &["symbol"],
        ),
        (
            without(r#""side":"Buy","#),
            codes::MISSING_FIELD,
            &["side", "Buy"],
        ),
        (
            without(r#""type":"Limit","#),
            codes::MISSING_FIELD,
            &["type", "Limit"],
        ),
        (
            GOOD.replace("\"Buy\"", "\"buy\""),
            codes::INVALID_FIELD,
            &["side", "\"Buy\", \"Sell\"", "\"buy\""],
        ),
        (
            GOOD.replace("\"Buy\"", "1"),
            codes::INVALID_FIELD,
            &["side", "a string, not 1"],
        ),
        (
            GOOD.replace("\"Limit\"", "\"Stop\""),
            codes::INVALID_FIELD,
            &["type", "Market"],
        ),
        (
            GOOD.replace("\"BTC-KRW\"", "\"BTC KRW\""),
            codes::INVALID_FIELD,
            &["symbol", "0x20"],
        ),
        (
            GOOD.replace("\"BTC-KRW\"", "[\"BTC-KRW\"]"),
            codes::INVALID_FIELD,
            &["symbol"],
        ),
        (
            GOOD.replace("BTC-KRW", "BTC-XXX"),
            codes::UNKNOWN_SYMBOL,
            &["BTC-XXX", "/api/v1/instruments"],
        ),
        (
            with("\"post_only\":\"true\""),
            codes::INVALID_FIELD,
            &["post_only", "true or false"],
        ),
        (with("\"post_only\":1"), codes::INVALID_FIELD, &["post_only"]),
        (
            with("\"time_in_force\":\"GTD\""),
            codes::INVALID_FIELD,
            &["time_in_force", "FOK"],
        ),
        (
            with("\"client_order_id\":\"\""),
            codes::INVALID_FIELD,
            &["client_order_id", "empty"],
        ),
        (
            with("\"client_order_id\":\"a\\tb\""),
            codes::INVALID_FIELD,
            &["client_order_id", "0x09"],
        ),
        (
            with("\"client_order_id\":7"),
            codes::INVALID_FIELD,
            &["client_order_id", "string"],
        ),
        (
            with("\"client_order_id\":\"1234567890123456789012345678901234567\""),
            codes::INVALID_FIELD,
            &["client_order_id", "36 bytes"],
        ),
        (with("\"account\":\"\u{e9}\""), codes::INVALID_FIELD, &["account"]),
        (
            with("\"post_only\":true,\"time_in_force\":\"IOC\""),
            codes::INVALID_COMBINATION,
            &["post_only"],
        ),
        (GOOD.replace("Limit", "Market"), codes::INVALID_PRICE, &["Market"]),
        (
            r#"{"symbol":"BTC-KRW","side":"Buy","type":"Market","quantity":1,"time_in_force":"GTC"}"#.into(),
            codes::INVALID_COMBINATION,
            &["time_in_force", "IOC"],
        ),
        (
            r#"{"symbol":"BTC-KRW","side":"Buy","type":"Market","quantity":1,"post_only":true}"#.into(),
            codes::INVALID_COMBINATION,
            &["post_only"],
        ),
    ];
    for (body, code, says) in cases {
        refused(body.as_bytes(), *code, says);
    }
    refused(
        &[b"{\"symbol\":\"", &b"\xff\xfe"[..], b"\"}"].concat(),
        codes::INVALID_JSON,
        &["UTF-8", "offset 11"],
    );
}

#[test]
fn a_body_nested_beyond_reason_neither_overflows_the_stack_nor_passes() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = open.repeat(30_000) + "1" + &close.repeat(30_000);
        refused(
            GOOD.replace("50000000", &deep).as_bytes(),
            codes::INVALID_PRICE,
            &["not a number"],
        );
        refused(
            GOOD.replace("\"symbol\"", &format!("\"x\":{deep},\"symbol\""))
                .as_bytes(),
            codes::UNKNOWN_FIELD,
            &[],
        );
        refused(open.repeat(60_000).as_bytes(), codes::INVALID_JSON, &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (parse_new_order(&bytes), parse_replace(&bytes), parse_ws(&bytes));
    }

    /// A good message with some bytes changed reaches deeper than noise does.
    #[test]
    fn no_damaged_message_panics(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = GOOD.replace('{', r#"{"id":"a","op":"place","#).into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = (place(&bytes), parse_ws(&bytes));
    }
}
