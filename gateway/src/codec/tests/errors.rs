//! Errors and the document that lists them.

use std::collections::BTreeSet;
use std::path::Path;

use hoga_protocol::{OrderId, RejectReason, Rejected};
use hoga_service::Reject;
use hoga_views::ViewLimits;

use super::document::check_table;
use super::fixture::{EXCHANGE, Exchange, parse_ws};
use crate::codec::request::{AdminPath, parse_admin};
use crate::codec::{
    ApiError, ErrorCode, Format, codes, encode, parse_cancel_all_after, parse_new_order, parse_replace,
};
use crate::http::routes::route;

#[test]
fn an_error_is_json_whatever_its_message_holds() {
    let error = ApiError::new(codes::OFF_TICK, "a \"quote\", a \\, a\nline, 호가");
    let mut out = Vec::new();
    encode::error(&mut out, &error);
    let want = r#"{"error":{"code":"off_tick","message":"a \"quote\", a \\, a\u000aline, 호가"}}"#;
    assert_eq!(std::str::from_utf8(&out).unwrap(), want);
    let id = parse_ws(br#"{"id":"x","op":"cancel_all"}"#).unwrap().id;
    for (id, want) in [(None, "null"), (Some(&id), "\"x\"")] {
        out.clear();
        encode::error_reply(&mut out, id, &ApiError::new(codes::BUSY, "later"), Format::Json);
        let want = format!("{{\"id\":{want},\"error\":{{\"code\":\"busy\",\"message\":\"later\"}}}}");
        assert_eq!(std::str::from_utf8(&out).unwrap(), want);
    }
}

#[test]
fn a_refusal_by_the_engine_has_the_status_that_clients_expect() {
    use RejectReason as R;
    let cases = [
        (R::ExpiredRequest, codes::EXPIRED_REQUEST),
        (R::InvalidValidUntil, codes::INVALID_VALID_UNTIL),
        (R::OutOfPlace, codes::INTERNAL),
        (R::UnknownInstrument, codes::UNKNOWN_SYMBOL),
        (R::UnknownAccount, codes::INTERNAL),
        (R::UnknownOrder, codes::UNKNOWN_ORDER),
        (R::AlreadyExists, codes::ALREADY_EXISTS),
        (R::TableFull, codes::ACCOUNTS_FULL),
        (R::Capacity, codes::CAPACITY),
        (R::InvalidPrice, codes::PRICE_OUT_OF_RANGE),
        (R::QuantityTooSmall, codes::QUANTITY_TOO_SMALL),
        (R::QuantityTooLarge, codes::QUANTITY_TOO_LARGE),
        (R::NotionalTooSmall, codes::NOTIONAL_TOO_SMALL),
        (R::InvalidCombination, codes::INVALID_COMBINATION),
        (R::PostOnlyWouldTrade, codes::POST_ONLY_WOULD_TRADE),
        (R::ClientOrderIdReused, codes::CLIENT_ORDER_ID_REUSED),
        (R::TooLate, codes::TOO_LATE),
        (R::InvalidSettings, codes::INTERNAL),
        (R::InstrumentClosed, codes::INSTRUMENT_CLOSED),
        (R::AccountSuspended, codes::ACCOUNT_SUSPENDED),
        (R::AccountLimit, codes::ACCOUNT_LIMIT),
        (R::TooManyArmings, codes::TOO_MANY_ARMINGS),
        (R::UnknownArming, codes::UNKNOWN_ARMING),
    ];
    for (reason, code) in cases {
        for order in [None, Some(OrderId(7))] {
            let error = of(reason, order);
            assert!(
                error.is(code) && error.status == code.status,
                "{reason:?}: {error}"
            );
            assert!(error.message.len() > 20, "{reason:?}: {error}");
        }
    }
    for reason in [R::ClientOrderIdReused, R::TooLate, R::UnknownOrder] {
        let order = Some(OrderId(7));
        let error = of(reason, order);
        assert!(
            error.message.contains("00000000-0007-8000-8000-00001234abcd"),
            "{error}"
        );
    }
}

fn of(reason: RejectReason, order: Option<OrderId>) -> ApiError {
    let rejected = Rejected { reason, order };
    let exchange = EXCHANGE;
    Reject::Engine { rejected, exchange }.into()
}

#[test]
fn no_code_is_used_twice() {
    let names: BTreeSet<&str> = codes::ALL.iter().map(|code| code.code).collect();
    assert_eq!(names.len(), codes::ALL.len());
}

pub fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire-protocol.md");
    std::fs::read_to_string(&path).expect("docs/wire-protocol.md can be read")
}

#[test]
fn the_documents_table_of_error_codes_is_that_of_the_code() {
    let mut table = "| code | status | meaning | remedy |\n|---|---|---|---|\n".to_owned();
    for ErrorCode {
        status,
        code,
        meaning,
        remedy,
    } in codes::ALL
    {
        assert!(!meaning.is_empty() && !remedy.is_empty(), "{code}");
        table.push_str(&format!("| `{code}` | {status} | {meaning} | {remedy} |\n"));
    }
    check_table("wire-protocol.md", "error codes", &table);
}

#[test]
fn an_operators_error_does_not_repeat_what_was_sent_at_length() {
    let long = "\u{e9}".repeat(30_000);
    for body in [
        format!("{{\"{long}\":1}}"),
        format!(r#"{{"account":"desk","max_open_orders":"{long}"}}"#),
        format!(r#"{{"account":"{long}","max_open_orders":1}}"#),
        format!(r#"{{"account":"desk","max_open_orders":1,"by":{{"{long}":1}}}}"#),
        format!(r#""{long}""#),
    ] {
        let error = parse_admin(AdminPath::AccountLimits, body.as_bytes()).unwrap_err();
        assert!(error.message.len() <= 600, "{} bytes", error.message.len());
    }
}

#[test]
fn the_documents_own_examples_are_accepted() {
    let document = document();
    let messages: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("{") && line.contains("\"op\":"))
        .collect();
    assert_eq!(messages.len(), 7);
    for message in messages {
        assert!(parse_ws(message.as_bytes()).is_ok(), "{message}");
    }
    let bodies: Vec<&str> = document
        .lines()
        .filter_map(|line| line.split("-d '").nth(1))
        .collect();
    assert_eq!(bodies.len(), 4);
    let body = |at: usize| bodies[at].trim_end_matches('\'').as_bytes();
    assert!(
        parse_new_order(body(0)).is_ok() && parse_replace(body(1)).is_ok(),
        "{bodies:?}"
    );
    assert!(
        parse_cancel_all_after(body(2)).is_ok() && parse_admin(AdminPath::InstrumentStatus, body(3)).is_ok(),
        "{bodies:?}"
    );
    let targets: Vec<&str> = document
        .lines()
        .filter(|line| line.contains("curl -s") && !line.contains("-d") && !line.contains("DELETE"))
        .filter_map(|line| line.split("127.0.0.1:3030").nth(1))
        .filter_map(|rest| rest.split(['\'', '`', ' ']).next())
        .collect();
    assert_eq!(targets.len(), 8);
    for target in targets {
        assert!(route("GET", target).is_ok(), "{target}");
    }
}

#[test]
fn the_documents_samples_have_the_fields_that_are_sent() {
    // The fields in their order, wherever lines are broken: each is what stands before `":`.
    let fields = |json: &str| -> Vec<String> {
        let parts: Vec<&str> = json.split("\":").collect();
        let before = &parts[..parts.len() - 1];
        before
            .iter()
            .filter_map(|part| part.rsplit('"').next())
            .map(str::to_owned)
            .collect()
    };
    let document = document();
    let samples: Vec<&str> = document
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let exchange = Exchange::new(ViewLimits::default());
    let mut instruments = Vec::new();
    encode::instruments(&mut instruments, &exchange.views);
    let instruments = String::from_utf8(instruments).unwrap();
    let sample = samples
        .iter()
        .find(|sample| sample.contains("tick_size"))
        .unwrap();
    assert_eq!(fields(sample), fields(&instruments)[..10]);
    let execution = [
        "exec_id",
        "order_id",
        "symbol",
        "side",
        "price",
        "quantity",
        "fee",
        "transaction_time",
    ];
    assert_eq!(fields(samples[0])[..8], execution);
    let order = fields(
        samples
            .iter()
            .find(|sample| sample.contains("client_order_id"))
            .unwrap(),
    );
    let want = "order_id client_order_id account symbol side type time_in_force post_only price quantity \
                filled_quantity remaining_quantity average_price fee status reason sequence created_at updated_at";
    assert_eq!(order[..19].join(" "), want);
}
