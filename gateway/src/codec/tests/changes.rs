//! Replaces, and the messages of the order entry socket.

use hoga_protocol::{AccountId, Lots, OrderId, Side, Symbol, Ticks};
use hoga_service::Request;
use hoga_views::ViewLimits;

use super::fixture::{EXCHANGE, Exchange, limit, parse_ws};
use super::requests::GOOD;
use crate::codec::{ApiError, ErrorCode, codes, ids, parse_new_order, parse_replace};

#[test]
fn a_replace_needs_something_to_change() {
    let mut exchange = Exchange::new(ViewLimits::default());
    let id = exchange.rest(limit(1, Side::Buy, 49_000, 70));
    let order = exchange.views.orders().get(id).unwrap();
    let replace = |body: &str| {
        let (_, request) = parse_replace(body.as_bytes())?;
        Ok::<_, ApiError>(request.to_command(AccountId(1), order, &exchange.views)?)
    };
    let got = replace(r#"{"price":"49001000","quantity":0.000001,"account":"a"}"#).unwrap();
    assert_eq!((got.account, got.order), (AccountId(1), id));
    assert_eq!((got.price, got.quantity), (Some(Ticks(49_001)), Some(Lots(100))));
    let got = replace(r#"{"quantity":0.000001}"#).unwrap();
    assert_eq!((got.price, got.quantity), (None, Some(Lots(100))));
    let cases = [
        ("{}", codes::MISSING_FIELD),
        (r#"{"price":null}"#, codes::MISSING_FIELD),
        (r#"{"price":49001500}"#, codes::OFF_TICK),
        (r#"{"quantity":0}"#, codes::INVALID_QUANTITY),
        (r#"{"quantity":1,"side":"Buy"}"#, codes::UNKNOWN_FIELD),
        (r#"{"quantity":1,"quantity":1}"#, codes::DUPLICATE_FIELD),
    ];
    for (body, code) in cases {
        let error = replace(body).unwrap_err();
        assert!(error.is(code), "{body}: {error}");
    }
}

#[test]
fn a_socket_message_is_one_of_four_ops() {
    let parsed = |text: &str| parse_ws(text.as_bytes()).unwrap();
    let request = parsed(&GOOD.replace('{', r#"{"id":"a","op":"place","#));
    assert_eq!(request.id.as_json(), "\"a\"");
    let (_, order) = parse_new_order(GOOD.as_bytes()).unwrap();
    assert_eq!(request.request, Request::NewOrder(order));
    let request = parsed(r#"{"op":"replace","order_id":"x","quantity":2,"id":12345678901234567890}"#);
    assert_eq!(request.id.as_json(), "12345678901234567890");
    for id in ["-12345678901234567890", r#""\ud83d\ude00""#, r#""\u0041\n\"""#] {
        let request = parsed(&format!(r#"{{"id":{id},"op":"cancel_all"}}"#));
        assert_eq!(request.id.as_json(), id);
    }
    let (_, change) = parse_replace(br#"{"quantity":2}"#).unwrap();
    let order = None;
    assert_eq!(request.request, Request::ReplaceOrder { order, change });
    let order = Some(OrderId(7));
    let id = ids::order_uuid(EXCHANGE, OrderId(7));
    assert_eq!(
        parsed(&format!(r#"{{"id":0,"op":"cancel","order_id":"{id}"}}"#)).request,
        Request::CancelOrder { order }
    );
    let symbol = Some(Symbol::new("ABC/X").unwrap());
    assert_eq!(
        parsed(r#"{"id":0,"op":"cancel_all","symbol":"ABC/X"}"#).request,
        Request::CancelAll { symbol }
    );
    assert_eq!(
        parsed(r#"{"id":0,"op":"cancel_all"}"#).request,
        Request::CancelAll { symbol: None }
    );
}

#[test]
fn a_refused_socket_message_gets_its_id_back_where_it_has_one() {
    let long = format!("{{\"id\":\"{}\",\"op\":\"cancel_all\"}}", "x".repeat(65));
    let cases: &[(&str, Option<&str>, ErrorCode, &str)] = &[
        ("", None, codes::INVALID_JSON, "message is empty"),
        ("{", None, codes::INVALID_JSON, "message"),
        (r#"{"op":"cancel_all"}"#, None, codes::MISSING_FIELD, "id"),
        (
            r#"{"id":null,"op":"cancel_all"}"#,
            None,
            codes::MISSING_FIELD,
            "id",
        ),
        (
            r#"{"id":1.5,"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id",
        ),
        (
            r#"{"id":1e5,"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id",
        ),
        (
            r#"{"id":true,"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id",
        ),
        (
            r#"{"id":[1],"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id",
        ),
        (
            r#"{"id":123456789012345678901,"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "an integer of at most 20 digits",
        ),
        (
            r#"{"id":-123456789012345678901,"op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "20 digits",
        ),
        (
            r#"{"id":"\ud800","op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id: is not a well-formed string",
        ),
        (
            r#"{"id":"a\udc00b","op":"cancel_all"}"#,
            None,
            codes::INVALID_FIELD,
            "id: is not a well-formed string",
        ),
        (&long, None, codes::INVALID_FIELD, "64 bytes"),
        (r#"{"id":7}"#, Some("7"), codes::MISSING_FIELD, "op"),
        (
            r#"{"id":7,"op":"buy"}"#,
            Some("7"),
            codes::INVALID_FIELD,
            "cancel_all",
        ),
        (
            r#"{"id":7,"op":"cancel"}"#,
            Some("7"),
            codes::MISSING_FIELD,
            "order_id",
        ),
        (
            r#"{"id":7,"op":"cancel","order_id":8}"#,
            Some("7"),
            codes::INVALID_FIELD,
            "order_id",
        ),
        (
            r#"{"id":7,"op":"cancel","order_id":"x","price":1}"#,
            Some("7"),
            codes::UNKNOWN_FIELD,
            "price: cancel has no such field",
        ),
        (
            r#"{"id":7,"op":"cancel_all","order_id":"x"}"#,
            Some("7"),
            codes::UNKNOWN_FIELD,
            "order_id: cancel_all has no such field",
        ),
        (
            r#"{"id":7,"op":"cancel_all","account":"me"}"#,
            Some("7"),
            codes::INVALID_FIELD,
            "?account=",
        ),
        (
            r#"{"id":7,"op":"cancel_all","id":7}"#,
            Some("7"),
            codes::DUPLICATE_FIELD,
            "id",
        ),
        (
            r#"{"id":"a","op":"replace","order_id":"x"}"#,
            Some("\"a\""),
            codes::MISSING_FIELD,
            "quantity",
        ),
        (
            r#"{"id":7,"op":"place","symbol":"B"}"#,
            Some("7"),
            codes::MISSING_FIELD,
            "type",
        ),
    ];
    for (text, id, code, says) in cases {
        let (got, error) = parse_ws(text.as_bytes()).unwrap_err();
        assert_eq!(got.as_ref().map(|id| id.as_json()), *id, "{text}");
        assert!(error.is(*code) && error.message.contains(says), "{text}: {error}");
    }
}
