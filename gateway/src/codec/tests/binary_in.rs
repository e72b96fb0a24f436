//! What comes in as MessagePack and Protocol Buffers.

use proptest::prelude::*;
use prost_reflect::bytes::Bytes;
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use uuid::Uuid;

use super::fixture::parse;
use super::flat::{plain, pool};
use crate::codec::time::parse_iso;
use crate::codec::{Format, encode};

/// One request of each kind, every field among them, with decimals as strings, as all formats can have them.
pub const GOOD: &[&str] = &[
    r#"{"id":1,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","quantity":"0.5","price":"50000000"}"#,
    r#"{"id":"c-3","op":"place","symbol":"ABC/X","side":"Sell","type":"Limit","quantity":"6","price":"0.10","time_in_force":"GTC","post_only":true,"client_order_id":"mine \" 1"}"#,
    r#"{"id":-7,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Market","quantity":"1.00","time_in_force":"FOK"}"#,
    r#"{"id":9223372036854775807,"op":"place","symbol":"BTC-KRW","side":"Sell","type":"Limit","quantity":"1","price":"1000","time_in_force":"IOC","post_only":false}"#,
    r#"{"id":2,"op":"replace","order_id":"00000000-0005-8000-8000-00005d1c9a27","quantity":"1.2"}"#,
    r#"{"id":-9223372036854775808,"op":"replace","order_id":"00000000-0005-8000-8000-00005d1c9a27","price":"1","quantity":"1234567890123456789012345678901234567890"}"#,
    r#"{"id":"","op":"cancel","order_id":"00000000-0005-8000-8000-00005d1c9a27"}"#,
    r#"{"id":"c","op":"cancel","client_order_id":"mine \" 1"}"#,
    r#"{"id":8,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","quantity":"0.5","price":"50000000","client_order_id":"7","valid_until":"2023-04-30T12:35:10.123Z"}"#,
    r#"{"id":0,"op":"cancel_all"}"#,
    r#"{"id":"호가","op":"cancel_all","symbol":"BTC-KRW"}"#,
    r#"{"id":3,"op":"cancel_on_disconnect","on":true}"#,
    r#"{"id":4,"op":"cancel_on_disconnect","on":false}"#,
    r#"{"id":5,"op":"cancel_all_after","timeout_ms":5000}"#,
    r#"{"id":6,"op":"cancel_all_after","timeout_ms":0}"#,
];

/// A time of JSON as the other formats have it.
fn millis(time: &serde_json::Value) -> i64 {
    let time = parse_iso(time.as_str().unwrap()).unwrap();
    time.millis() as i64
}

fn message_pack(json: &serde_json::Value, raw_ids: bool) -> rmpv::Value {
    match json {
        serde_json::Value::Object(fields) => rmpv::Value::Map(
            fields
                .iter()
                .map(|(name, value)| {
                    let value = match value.as_str().map(Uuid::try_parse) {
                        Some(Ok(id)) if raw_ids => rmpv::Value::Binary(id.as_bytes().to_vec()),
                        _ if name == "valid_until" => millis(value).into(),
                        _ => message_pack(value, raw_ids),
                    };
                    (name.as_str().into(), value)
                })
                .collect(),
        ),
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Bool(flag) => (*flag).into(),
        serde_json::Value::Number(number) => number
            .as_u64()
            .map_or_else(|| number.as_i64().unwrap().into(), Into::into),
        serde_json::Value::Null => rmpv::Value::Nil,
        other => panic!("{other}"),
    }
}

pub fn packed(value: &rmpv::Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, value).unwrap();
    out
}

fn protobuf(json: &serde_json::Value, raw_ids: bool) -> DynamicMessage {
    let mut request = DynamicMessage::new(pool().get_message_by_name("hoga.v1.Request").unwrap());
    let op = json["op"].as_str().unwrap();
    let Kind::Message(descriptor) = request_field(op).kind() else {
        panic!("{op} is no message");
    };
    let mut inner = DynamicMessage::new(descriptor.clone());
    for (name, value) in json.as_object().unwrap() {
        match name.as_str() {
            "op" => {}
            "id" => match value.as_str() {
                Some(text) => request.set_field_by_name("text_id", Value::String(text.into())),
                None => request.set_field_by_name("integer_id", Value::I64(value.as_i64().unwrap())),
            },
            name => inner.set_field_by_name(name, field(&descriptor, name, value, raw_ids)),
        }
    }
    request.set_field_by_name(op, Value::Message(inner));
    request
}

fn request_field(name: &str) -> prost_reflect::FieldDescriptor {
    let request = pool().get_message_by_name("hoga.v1.Request").unwrap();
    request.get_field_by_name(name).unwrap()
}

fn field(of: &MessageDescriptor, name: &str, value: &serde_json::Value, raw_ids: bool) -> Value {
    let text = || value.as_str().unwrap();
    match of.get_field_by_name(name).unwrap().kind() {
        Kind::String => Value::String(text().into()),
        Kind::Int64 if name == "valid_until" => Value::I64(millis(value)),
        Kind::Int64 => Value::I64(value.as_i64().unwrap()),
        Kind::Bool => Value::Bool(value.as_bool().unwrap()),
        Kind::Bytes if raw_ids => Value::Bytes(Bytes::copy_from_slice(
            Uuid::try_parse(text()).unwrap().as_bytes(),
        )),
        Kind::Bytes => Value::Bytes(Bytes::copy_from_slice(text().as_bytes())),
        Kind::Enum(declared) => {
            let wanted = plain(declared.name()) + &plain(text());
            let found = declared.values().find(|value| plain(value.name()) == wanted);
            Value::EnumNumber(found.unwrap().number())
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// The same request in both binary formats.
pub fn both(json: &str, raw_ids: bool) -> [(Format, Vec<u8>); 2] {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    [
        (Format::MessagePack, packed(&message_pack(&json, raw_ids))),
        (Format::Protobuf, protobuf(&json, raw_ids).encode_to_vec()),
    ]
}

#[test]
fn a_request_means_the_same_in_every_format() {
    for json in GOOD {
        let want = parse(json.as_bytes(), Format::Json).unwrap();
        for raw_ids in [true, false] {
            for (format, bytes) in both(json, raw_ids) {
                let got =
                    parse(&bytes, format).unwrap_or_else(|error| panic!("{format:?} {json}: {error:?}"));
                assert_eq!(got.request, want.request, "{format:?} {json}");
                assert_eq!(got.id.value(), want.id.value(), "{format:?} {json}");
            }
        }
    }
}

#[test]
fn an_id_comes_back_in_the_form_it_was_sent_in() {
    for json in GOOD {
        let sent: serde_json::Value = serde_json::from_str(json).unwrap();
        let [(_, map), (_, message)] = both(json, true);
        let echo = |bytes: &[u8], format| {
            let id = parse(bytes, format).unwrap().id;
            let mut out = Vec::new();
            encode::cancel_all_reply(&mut out, &id, 3, format);
            out
        };
        let reply = echo(&map, Format::MessagePack);
        let reply = rmpv::decode::read_value(&mut &reply[..]).unwrap();
        assert_eq!(reply["id"], message_pack(&sent["id"], false), "{json}");
        let envelope = pool().get_message_by_name("hoga.v1.ServerMessage").unwrap();
        let reply = DynamicMessage::decode(envelope, &echo(&message, Format::Protobuf)[..]).unwrap();
        let reply = reply.get_field_by_name("reply").unwrap();
        let reply = reply.as_message().unwrap();
        let name = if sent["id"].is_string() {
            "text_id"
        } else {
            "integer_id"
        };
        assert!(reply.has_field_by_name(name), "{json}");
        let echoed = match &*reply.get_field_by_name(name).unwrap() {
            Value::String(text) => serde_json::Value::from(text.as_str()),
            Value::I64(number) => serde_json::Value::from(*number),
            other => panic!("{other:?}"),
        };
        assert_eq!(echoed, sent["id"], "{json}");
    }
}

/// A place request with one field's value changed, or the field added.
pub fn place_with(name: &str, value: rmpv::Value) -> Vec<u8> {
    let json = serde_json::from_str(GOOD[0]).unwrap();
    let rmpv::Value::Map(mut entries) = message_pack(&json, true) else {
        panic!("a map");
    };
    entries.retain(|(known, _)| known.as_str() != Some(name));
    entries.push((name.into(), value));
    packed(&rmpv::Value::Map(entries))
}

#[test]
fn a_whole_number_is_exact_and_taken_as_it_is() {
    let want = parse(GOOD[0].as_bytes(), Format::Json).unwrap();
    for value in [50_000_000u64.into(), rmpv::Value::from("50000000")] {
        let got = parse(&place_with("price", value), Format::MessagePack).unwrap();
        assert_eq!(got.request, want.request);
    }
}

#[test]
fn a_message_that_was_cut_short_is_never_taken_for_another() {
    for json in GOOD {
        for (format, bytes) in both(json, true) {
            for len in 0..bytes.len() {
                assert!(
                    parse(&bytes[..len], format).is_err(),
                    "{format:?} {json}: {len} bytes"
                );
            }
        }
    }
}

fn parse_all(bytes: &[u8]) {
    for format in Format::ALL {
        let _ = parse(bytes, format);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    /// A good message with some bytes changed reaches deeper than noise does.
    #[test]
    fn no_damaged_message_panics(
        good in prop::sample::select(GOOD),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (_, mut bytes) in both(good, true) {
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            parse_all(&bytes);
        }
    }
}
