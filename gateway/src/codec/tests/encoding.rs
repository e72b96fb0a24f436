//! What leaves.

use hoga_protocol::{ClientOrderId, Lots, Nanos, OrderId, OrderType, Side, Ticks, TimeInForce};
use hoga_views::{Execution, ViewLimits};
use proptest::prelude::*;
use serde_json::Value;

use super::fixture::{EXCHANGE, Exchange, START, limit, parse_ws};
use crate::codec::{Format, encode, ids};

/// One order half filled by another; then an empty-handed market order.
pub fn traded() -> (Exchange, OrderId, OrderId, OrderId) {
    let mut exchange = Exchange::new(ViewLimits::default());
    let ask = exchange.rest(limit(1, Side::Sell, 50_000, 150_000_000));
    let bid = exchange.take(
        limit(0, Side::Buy, 50_001, 50_000_000),
        &[(ask, Ticks(50_000), Lots(50_000_000))],
    );
    let mut market = limit(0, Side::Buy, 0, 70);
    market.order_type = OrderType::Market;
    market.time_in_force = TimeInForce::Fok;
    market.client_order_id = ClientOrderId::new("a \"quoted\" \\ id").unwrap();
    let killed = exchange.kill(market);
    (exchange, ask, bid, killed)
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    let _: Value = serde_json::from_str(&text).unwrap();
    text
}

#[test]
fn an_execution_is_byte_for_byte_the_documents_object() {
    let (exchange, ..) = traded();
    let number = exchange.views.executions().first();
    let mut execution = exchange.views.executions().get(number).unwrap();
    execution.timestamp = Nanos(START);
    assert_eq!(
        text(|out| encode::execution(out, &execution, &exchange.views, Format::Json)),
        "{\"exec_id\":\"00000000-0007-8000-8004-00011234abcd\",\
         \"order_id\":\"00000000-0007-8000-8000-00001234abcd\",\"symbol\":\"BTC-KRW\",\"side\":\"Buy\",\
         \"price\":50000000,\"quantity\":0.5,\"fee\":0.05,\"transaction_time\":\"2023-04-30T12:35:10.123Z\"}"
    );
    let resting = exchange.views.executions().get(number + 1).unwrap();
    assert_eq!(
        text(|out| encode::executions(out, [resting].into_iter(), &exchange.views)),
        "[{\"exec_id\":\"00000000-0007-8000-8004-00021234abcd\",\
         \"order_id\":\"00000000-0006-8000-8000-00001234abcd\",\"symbol\":\"BTC-KRW\",\"side\":\"Sell\",\
         \"price\":50000000,\"quantity\":0.5,\"fee\":-0.02,\"transaction_time\":\"2023-04-30T12:35:17.123Z\"}]"
    );
}

#[test]
fn an_order_has_its_nineteen_fields_in_order() {
    let (exchange, ask, bid, killed) = traded();
    let order = |id| {
        let state = exchange.views.orders().get(id).unwrap();
        text(|out| encode::order(out, state, &exchange.views))
    };
    let cases = [
        (
            ask,
            r#"{"order_id":"00000000-0006-8000-8000-00001234abcd","client_order_id":null,"account":"trader@desk:1","symbol":"BTC-KRW","side":"Sell","type":"Limit","time_in_force":"GTC","post_only":false,"price":50000000,"quantity":1.5,"filled_quantity":0.5,"remaining_quantity":1,"average_price":50000000,"fee":-0.02,"status":"PartiallyFilled","reason":null,"sequence":7,"created_at":"2023-04-30T12:35:16.123Z","updated_at":"2023-04-30T12:35:17.123Z"}"#,
        ),
        (
            bid,
            r#"{"order_id":"00000000-0007-8000-8000-00001234abcd","client_order_id":null,"account":"anonymous","symbol":"BTC-KRW","side":"Buy","type":"Limit","time_in_force":"GTC","post_only":false,"price":50001000,"quantity":0.5,"filled_quantity":0.5,"remaining_quantity":0,"average_price":50000000,"fee":0.05,"status":"Filled","reason":null,"sequence":7,"created_at":"2023-04-30T12:35:17.123Z","updated_at":"2023-04-30T12:35:17.123Z"}"#,
        ),
        (
            killed,
            r#"{"order_id":"00000000-0008-8000-8000-00001234abcd","client_order_id":"a \"quoted\" \\ id","account":"anonymous","symbol":"BTC-KRW","side":"Buy","type":"Market","time_in_force":"FOK","post_only":false,"price":null,"quantity":0.0000007,"filled_quantity":0,"remaining_quantity":0,"average_price":null,"fee":0,"status":"Canceled","reason":"no_liquidity","sequence":8,"created_at":"2023-04-30T12:35:18.123Z","updated_at":"2023-04-30T12:35:18.123Z"}"#,
        ),
    ];
    for (id, want) in cases {
        assert_eq!(order(id), want);
    }
    let states = [ask, bid].map(|id| exchange.views.orders().get(id).unwrap());
    assert_eq!(
        text(|out| encode::orders(out, states.into_iter(), &exchange.views)),
        format!("{{\"orders\":[{},{}]}}", order(ask), order(bid))
    );
}

#[test]
fn an_average_price_that_ends_is_exact() {
    let mut exchange = Exchange::new(ViewLimits::default());
    let first = exchange.rest(limit(1, Side::Sell, 50_000, 100));
    let second = exchange.rest(limit(1, Side::Sell, 50_001, 300));
    let bid = exchange.take(
        limit(0, Side::Buy, 50_001, 700),
        &[
            (first, Ticks(50_000), Lots(100)),
            (second, Ticks(50_001), Lots(300)),
        ],
    );
    let state = exchange.views.orders().get(bid).unwrap();
    let json = text(|out| encode::order(out, state, &exchange.views));
    assert!(json.contains("\"average_price\":50000750,"), "{json}");
}

#[test]
fn a_push_tells_the_order_and_its_fill() {
    let (exchange, _, bid, _) = traded();
    let updates = exchange.views.updates();
    let account = exchange.views.orders().get(bid).unwrap().account;
    let accepted = updates.of_account(account, 0).next().unwrap();
    let push = text(|out| encode::order_update(out, accepted, &exchange.views, Format::Json));
    assert!(
        push.starts_with("{\"type\":\"order\",\"sequence\":7,\"index\":0,\"order\":{\"order_id\":"),
        "{push}"
    );
    assert!(push.ends_with("}}") && !push.contains("\"fill\""), "{push}");
    let filled = updates.of_account(account, accepted.number + 1).next().unwrap();
    let push = text(|out| encode::order_update(out, filled, &exchange.views, Format::Json));
    assert!(
        push.starts_with("{\"type\":\"order\",\"sequence\":7,\"index\":1,"),
        "{push}"
    );
    let fill = "},\"fill\":{\"exec_id\":\"00000000-0007-8000-8004-00011234abcd\",\"price\":50000000,\"quantity\":0.5,\
                \"fee\":0.05}}";
    assert!(push.ends_with(fill), "{push}");
}

#[test]
fn a_book_shows_the_best_levels_first() {
    let mut exchange = Exchange::new(ViewLimits::default());
    for (ticks, lots) in [(49_998, 1), (49_999, 20), (49_999, 30)] {
        exchange.rest(limit(0, Side::Buy, ticks, lots));
    }
    for ticks in [50_002, 50_001] {
        exchange.rest(limit(1, Side::Sell, ticks, 100_000_000));
    }
    let found = exchange
        .views
        .instruments()
        .iter()
        .next()
        .map(|(id, spec)| (id, *spec));
    let (id, spec) = found.unwrap();
    let book = exchange.views.book(id).unwrap();
    assert_eq!(
        text(|out| encode::book(out, book, &spec, 1)),
        "{\"symbol\":\"BTC-KRW\",\"sequence\":10,\"timestamp\":\"2023-04-30T12:35:20.123Z\",\
         \"bids\":[{\"price\":49999000,\"volume\":0.0000005,\"order_count\":2}],\
         \"asks\":[{\"price\":50001000,\"volume\":1,\"order_count\":1}]}"
    );
    let deep: Value = serde_json::from_str(&text(|out| encode::book(out, book, &spec, 1000))).unwrap();
    assert_eq!(deep["bids"].as_array().unwrap().len(), 2);
}

#[test]
fn instruments_tell_their_grid_limits_and_fees() {
    let exchange = Exchange::new(ViewLimits::default());
    assert_eq!(
        text(|out| encode::instruments(out, &exchange.views)),
        "{\"instruments\":[{\"symbol\":\"BTC-KRW\",\"tick_size\":1000,\"lot_size\":0.00000001,\
         \"min_quantity\":0.00000001,\"max_quantity\":43980.46511104,\"min_notional\":0,\"quote_decimals\":8,\
         \"maker_fee\":-0.00002,\"taker_fee\":0.0005},\
         {\"symbol\":\"ABC/X\",\"tick_size\":0.05,\"lot_size\":3,\"min_quantity\":3,\"max_quantity\":13194139533312,\
         \"min_notional\":0,\"quote_decimals\":2,\"maker_fee\":-0.00002,\"taker_fee\":0.0005}]}"
    );
}

#[test]
fn small_answers_are_what_the_document_says() {
    let now = text(|out| encode::time(out, Nanos(START)));
    assert_eq!(
        now,
        "{\"time\":\"2023-04-30T12:35:10.123Z\",\"unix_ms\":1682858110123}"
    );
    assert_eq!(text(|out| encode::canceled(out, 12)), "{\"canceled\":12}");
    assert_eq!(text(|out| encode::status(out, "ready")), "{\"status\":\"ready\"}");
    let id = parse_ws(br#"{"id":"\u00e9 \" 7","op":"cancel_all"}"#).unwrap().id;
    let reply = text(|out| encode::cancel_all_reply(out, &id, 0, Format::Json));
    assert_eq!(reply, r#"{"id":"\u00e9 \" 7","canceled":0}"#);
    let (exchange, ask, ..) = traded();
    let state = exchange.views.orders().get(ask).unwrap();
    let order = text(|out| encode::order(out, state, &exchange.views));
    let id = parse_ws(br#"{"id":-7,"op":"cancel_all"}"#).unwrap().id;
    let reply = text(|out| encode::order_reply(out, &id, state, &exchange.views, Format::Json));
    assert_eq!(reply, format!("{{\"id\":-7,\"order\":{order}}}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_survives_the_way_through_json(sent in "\\PC{0,40}", control in "[\\x00-\\x1f\"\\\\/\\x7f]{0,8}") {
        let sent = sent + &control;
        let json = text(|out| encode::string(out, &sent));
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), sent);
    }

    #[test]
    fn a_parser_reads_the_same_execution(
        sequence in 1u64..1 << 48,
        index in 0u32..1 << 24,
        price in 1..=Ticks::MAX.0,
        quantity in 1..=Lots::MAX.0,
        fee in -(1i128 << 90)..1 << 90,
        instrument in 0u32..2,
        millis in 0u64..18_446_744_073_709,
    ) {
        let (exchange, ..) = traded();
        let template = exchange.views.executions().get(0).unwrap();
        let execution = Execution {
            sequence: hoga_protocol::Sequence(sequence),
            index,
            instrument: hoga_protocol::InstrumentId(instrument),
            price: Ticks(price),
            quantity: Lots(quantity),
            fee: hoga_protocol::Notional(fee),
            timestamp: Nanos(millis * 1_000_000),
            ..template
        };
        let json = text(|out| encode::execution(out, &execution, &exchange.views, Format::Json));
        // Numbers are compared as text: a parser's float would not hold them.
        let raw: std::collections::HashMap<&str, &serde_json::value::RawValue> =
            serde_json::from_str(&json).unwrap();
        let spec = exchange.views.instruments().get(execution.instrument).unwrap();
        prop_assert_eq!(raw.len(), 8);
        prop_assert_eq!(raw["price"].get(), spec.price_text(execution.price).to_string());
        prop_assert_eq!(raw["quantity"].get(), spec.quantity_text(execution.quantity).to_string());
        prop_assert_eq!(raw["fee"].get(), spec.money_text(execution.fee).to_string());
        let parsed: Value = serde_json::from_str(&json).unwrap();
        let symbol = spec.symbol();
        prop_assert_eq!(&parsed["symbol"], symbol.as_str());
        prop_assert_eq!(
            ids::parse_execution_id(parsed["exec_id"].as_str().unwrap(), EXCHANGE),
            Some((execution.sequence, index, execution.role))
        );
        prop_assert_eq!(
            ids::parse_order_id(parsed["order_id"].as_str().unwrap(), EXCHANGE),
            Some(execution.order)
        );
    }
}
