//! What leaves in MessagePack and Protocol Buffers says what the JSON of the same message says.

use hoga_protocol::{
    CancelReason, ClientOrderId, InstrumentId, Lots, Nanos, Notional, OrderId, OrderType, Sequence, Side,
    Ticks, TimeInForce,
};
use hoga_views::{Execution, OrderState, OrderStatus, OrderUpdate};
use proptest::prelude::*;

use super::encoding::traded;
use super::errors::document;
use super::fixture::parse_ws;
use super::flat::{self, pool};
use crate::codec::{ApiError, Format, codes, encode};

/// Writes one message in all formats and compares what a reader that is not ours finds in each.
#[track_caller]
fn check(protobuf: &str, write: impl Fn(&mut Vec<u8>, Format)) {
    let [json, message_pack, proto] = Format::ALL.map(|format| {
        // What is appended does not depend on what stands before it.
        let mut out = b"before".to_vec();
        write(&mut out, format);
        assert!(out.starts_with(b"before"));
        out.split_off(6)
    });
    let shown = String::from_utf8(json.clone()).unwrap();
    let want = flat::of_json(&json);
    assert_eq!(flat::of_message_pack(&message_pack), want, "{shown}");
    assert_eq!(
        flat::names_of_message_pack(&message_pack),
        flat::names_of_json(&json),
        "{shown}"
    );
    assert_eq!(
        flat::of_protobuf(protobuf, &proto),
        flat::with_plain_words(want),
        "{shown}"
    );
}

#[test]
fn every_message_says_the_same_in_every_format() {
    let (exchange, ask, bid, killed) = traded();
    let views = &exchange.views;
    for number in views.executions().first()..views.executions().next() {
        let execution = views.executions().get(number).unwrap();
        check("Execution", |out, format| {
            encode::execution(out, &execution, views, format)
        });
        check("Trade", |out, format| {
            encode::trade(out, &execution, views, format)
        });
    }
    let ids = [
        "0",
        "-7",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "99999999999999999999",
        "-99999999999999999999",
        r#""""#,
        r#""c-3""#,
        r#""\u00e9 \" 7""#,
    ];
    for id in ids {
        let id = parse_ws(format!(r#"{{"id":{id},"op":"cancel_all"}}"#).as_bytes())
            .unwrap()
            .id;
        for order in [ask, bid, killed] {
            let order = views.orders().get(order).unwrap();
            check("ServerMessage", |out, format| {
                encode::order_reply(out, &id, order, views, format)
            });
        }
        for canceled in [0, 1, 1 << 40] {
            check("ServerMessage", |out, format| {
                encode::cancel_all_reply(out, &id, canceled, format)
            });
        }
        for on in [true, false] {
            check("ServerMessage", |out, format| {
                encode::cancel_on_disconnect_reply(out, &id, on, format)
            });
        }
        for deadline in [None, Some(Nanos(1_682_858_110_123_456_789))] {
            check("ServerMessage", |out, format| {
                encode::cancel_all_after_reply(out, &id, deadline, format)
            });
        }
        for message in ["later".to_owned(), "a \"quote\", \\, a\nline, 호가 ".repeat(20)] {
            let error = ApiError::new(codes::BUSY, message);
            for id in [None, Some(&id)] {
                check("ServerMessage", |out, format| {
                    encode::error_reply(out, id, &error, format)
                });
            }
        }
    }
    let updates = views.updates();
    let mut fills = 0;
    for order in [ask, killed] {
        let account = views.orders().get(order).unwrap().account;
        for update in updates.of_account(account, 0) {
            check("ServerMessage", |out, format| {
                encode::order_update(out, update, views, format)
            });
            fills += u32::from(update.fill.is_some());
        }
    }
    assert_eq!(fills, 2);
    for time in [0, 1_682_858_110_123_456_789] {
        check("ServerMessage", |out, format| {
            encode::heartbeat(out, Nanos(time), format)
        });
    }
    for reason in ["", "maintenance", "a \"quote\"\t"] {
        check("ServerMessage", |out, format| {
            encode::server_shutdown(out, reason, format)
        });
    }
}

#[test]
fn an_order_that_is_no_longer_in_memory_is_named_in_every_format() {
    let (exchange, ask, ..) = traded();
    let id = parse_ws(br#"{"id":1,"op":"cancel_all"}"#).unwrap().id;
    let [json, message_pack, protobuf] = Format::ALL.map(|format| {
        let mut out = Vec::new();
        encode::unknown_order_reply(&mut out, &id, ask, &exchange.views, format);
        out
    });
    assert_eq!(
        std::str::from_utf8(&json).unwrap(),
        r#"{"id":1,"order":{"order_id":"00000000-0006-8000-8000-00001234abcd","status":"Unknown"}}"#
    );
    let want = flat::of_json(&json);
    assert_eq!(flat::of_message_pack(&message_pack), want);
    let got = flat::of_protobuf("ServerMessage", &protobuf);
    for (path, text) in flat::with_plain_words(want) {
        assert_eq!(got.get(&path), Some(&text), "{path}");
    }
}

#[test]
fn the_new_pushes_are_what_the_document_says() {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        text(&|out| encode::heartbeat(out, Nanos(1_682_858_110_123_456_789), Format::Json)),
        r#"{"type":"heartbeat","time":"2023-04-30T12:35:10.123Z"}"#
    );
    assert_eq!(
        text(&|out| encode::server_shutdown(out, "maintenance", Format::Json)),
        r#"{"type":"server_shutdown","reason":"maintenance"}"#
    );
}

/// The documents of both formats fix types as well as values.
#[test]
fn an_execution_is_byte_for_byte_what_was_promised() {
    let (exchange, ..) = traded();
    let mut execution = exchange.views.executions().get(0).unwrap();
    execution.timestamp = Nanos(1_682_858_110_123_456_789);
    let cases = [
        (
            Format::MessagePack,
            "88 a7657865635f6964 c4100000000000078000800400011234abcd \
             a86f726465725f6964 c4100000000000078000800000001234abcd \
             a673796d626f6c a74254432d4b5257 a473696465 a3427579 a57072696365 a83530303030303030 \
             a87175616e74697479 a3302e35 a3666565 a4302e3035 \
             b07472616e73616374696f6e5f74696d65 cf00000187d228ecab",
        ),
        (
            Format::Protobuf,
            "0a100000000000078000800400011234abcd 12100000000000078000800000001234abcd \
             1a074254432d4b5257 2001 2a083530303030303030 3203302e35 3a04302e3035 40abd9a391fd30",
        ),
    ];
    for (format, want) in cases {
        let mut out = Vec::new();
        encode::execution(&mut out, &execution, &exchange.views, format);
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, want.replace([' ', '\n'], ""), "{format:?}");
        assert!(
            document().contains(&hex),
            "{format:?}: the document shows other bytes"
        );
    }
}

/// Messages and enumerations with their numbers, names and types, one to a line.
fn declared() -> String {
    let mut lines = String::new();
    let package = "hoga.v1.";
    for message in pool().all_messages() {
        for field in message.fields() {
            let kind = format!("{:?}", field.kind()).replace(package, "");
            let optional = match field.field_descriptor_proto().proto3_optional() {
                true => " optional",
                false => "",
            };
            let (message, name, number) = (message.name(), field.name(), field.number());
            lines += &format!("{message} {number} {name} {kind}{optional}\n");
        }
    }
    for declared in pool().all_enums() {
        for value in declared.values() {
            lines += &format!("{} {} {}\n", declared.name(), value.number(), value.name());
        }
    }
    lines
}

#[test]
fn a_number_in_the_proto_file_never_changes_its_meaning() {
    let known = include_str!("../../../proto/hoga.numbers");
    let declared = declared();
    for line in known.lines() {
        assert!(
            declared.lines().any(|now| now == line),
            "hoga.proto no longer says {line:?}; a client in the field still does"
        );
    }
    for line in declared.lines() {
        assert!(
            known.lines().any(|before| before == line),
            "{line:?} is new: add it to hoga.numbers"
        );
    }
}

fn execution() -> impl Strategy<Value = Execution> {
    let (exchange, ..) = traded();
    let template = exchange.views.executions().get(0).unwrap();
    (
        1u64..1 << 48,
        0u32..1 << 24,
        1..=Ticks::MAX.0,
        1..=Lots::MAX.0,
        -(1i128 << 90)..1 << 90,
        0u32..2,
        0u64..18_446_744_073_709,
    )
        .prop_map(
            move |(sequence, index, price, quantity, fee, instrument, millis)| Execution {
                sequence: Sequence(sequence),
                index,
                instrument: InstrumentId(instrument),
                side: if sequence % 2 == 0 { Side::Buy } else { Side::Sell },
                price: Ticks(price),
                quantity: Lots(quantity),
                fee: Notional(fee),
                timestamp: Nanos(millis * 1_000_000),
                ..template
            },
        )
}

fn order() -> impl Strategy<Value = OrderState> {
    let (exchange, ask, ..) = traded();
    let template = *exchange.views.orders().get(ask).unwrap();
    let status = prop::sample::select(vec![
        OrderStatus::New,
        OrderStatus::PartiallyFilled,
        OrderStatus::Filled,
        OrderStatus::Canceled,
        OrderStatus::Expired,
    ]);
    let reason = prop::option::of(prop::sample::select(CancelReason::ALL));
    let terms = (any::<bool>(), any::<bool>(), 0usize..3, status, reason);
    let numbers = (
        1u64..1 << 48,
        1..=Ticks::MAX.0,
        1..=Lots::MAX.0,
        0..=1u64 << 20,
        0u128..1 << 80,
        -(1i128 << 90)..1 << 90,
        0u64..18_446_744_073_709,
    );
    (terms, numbers, "[ -~]{0,36}").prop_map(
        move |((market, post_only, time_in_force, status, reason), numbers, name)| {
            let (sequence, price, quantity, filled, notional, fee, millis) = numbers;
            OrderState {
                order: OrderId(sequence),
                client_order_id: ClientOrderId::new(&name).unwrap_or_default(),
                order_type: if market {
                    OrderType::Market
                } else {
                    OrderType::Limit
                },
                time_in_force: [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok][time_in_force],
                post_only,
                price: Ticks(price),
                quantity: Lots(quantity),
                filled: Lots(filled),
                leaves: Lots(quantity),
                notional: Notional(notional as i128),
                fee: Notional(fee),
                status,
                reason,
                sequence: Sequence(sequence),
                created_at: Nanos(millis * 1_000_000),
                updated_at: Nanos(millis * 1_000_000),
                ..template
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_execution_says_the_same_in_every_format(execution in execution()) {
        let (exchange, ..) = traded();
        check("Execution", |out, format| {
            encode::execution(out, &execution, &exchange.views, format)
        });
        check("Trade", |out, format| {
            encode::trade(out, &execution, &exchange.views, format)
        });
    }

    #[test]
    fn any_order_says_the_same_in_every_format(order in order(), id: i64, index: u32) {
        let (exchange, ..) = traded();
        let id = parse_ws(format!(r#"{{"id":{id},"op":"cancel_all"}}"#).as_bytes()).unwrap().id;
        check("ServerMessage", |out, format| {
            encode::order_reply(out, &id, &order, &exchange.views, format)
        });
        let update = OrderUpdate {
            order,
            index,
            sequence: order.sequence,
            ..*exchange.views.updates().of_account(order.account, 0).next().unwrap()
        };
        check("ServerMessage", |out, format| {
            encode::order_update(out, &update, &exchange.views, format)
        });
    }
}
