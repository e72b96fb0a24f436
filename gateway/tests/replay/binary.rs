//! Requests of an order session in the binary formats, from their JSON.

use hoga_gateway::codec::time;
use prost_reflect::bytes::Bytes;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::Value as Json;
use uuid::Uuid;

/// A time of JSON as the binary formats have it.
fn millis(time: &Json) -> i64 {
    time::parse_iso(time.as_str().unwrap()).unwrap().millis() as i64
}

/// The request in MessagePack.
pub fn message_pack(json: &str) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &packed(&serde_json::from_str(json).unwrap())).unwrap();
    out
}

fn packed(json: &Json) -> rmpv::Value {
    match json {
        Json::Object(fields) => {
            let pair = |(name, value): (&String, &Json)| {
                let value = match value.as_str().map(Uuid::try_parse) {
                    Some(Ok(id)) => rmpv::Value::Binary(id.as_bytes().to_vec()),
                    _ if name == "valid_until" => millis(value).into(),
                    _ => packed(value),
                };
                (name.as_str().into(), value)
            };
            rmpv::Value::Map(fields.iter().map(pair).collect())
        }
        Json::String(text) => text.as_str().into(),
        Json::Bool(flag) => (*flag).into(),
        // A fraction becomes the float that the exchange refuses.
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => number.as_f64().unwrap().into(),
        },
        Json::Null => rmpv::Value::Nil,
        Json::Array(items) => rmpv::Value::Array(items.iter().map(packed).collect()),
    }
}

/// The request in Protocol Buffers.
pub fn protobuf(json: &str) -> Vec<u8> {
    let files = protox::compile(["hoga.proto"], [concat!(env!("CARGO_MANIFEST_DIR"), "/proto")]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    let mut request = DynamicMessage::new(pool.get_message_by_name("hoga.v1.Request").unwrap());
    let json: Json = serde_json::from_str(json).unwrap();
    let op = json["op"].as_str().unwrap();
    let Kind::Message(descriptor) = request.descriptor().get_field_by_name(op).unwrap().kind() else {
        panic!("{op} is no message");
    };
    let mut inner = DynamicMessage::new(descriptor.clone());
    for (name, value) in json.as_object().unwrap() {
        match (name.as_str(), value) {
            ("op", _) => {}
            ("id", Json::String(text)) => request.set_field_by_name("text_id", Value::String(text.clone())),
            ("id", value) => request.set_field_by_name("integer_id", Value::I64(value.as_i64().unwrap())),
            (name, value) => inner.set_field_by_name(name, field(&descriptor, name, value)),
        }
    }
    request.set_field_by_name(op, Value::Message(inner));
    request.encode_to_vec()
}

fn field(of: &MessageDescriptor, name: &str, value: &Json) -> Value {
    let text = || value.as_str().unwrap();
    match of.get_field_by_name(name).unwrap().kind() {
        Kind::String => Value::String(text().into()),
        Kind::Int64 if name == "valid_until" => Value::I64(millis(value)),
        Kind::Int64 => Value::I64(value.as_i64().unwrap()),
        Kind::Bool => Value::Bool(value.as_bool().unwrap()),
        Kind::Bytes => Value::Bytes(Bytes::copy_from_slice(
            Uuid::try_parse(text()).unwrap().as_bytes(),
        )),
        Kind::Enum(declared) => {
            let wanted = plain(declared.name()) + &plain(text());
            let found = declared.values().find(|value| plain(value.name()) == wanted);
            Value::EnumNumber(found.unwrap().number())
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// A name in the style of neither Rust nor Protocol Buffers.
fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}
