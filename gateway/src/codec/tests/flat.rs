//! Messages of every format as one thing that can be compared: the path of each leaf, and what JSON says there.
//!
//! MessagePack is read by `rmpv`, Protocol Buffers by `hoga.proto` itself: neither shares a line with what is tested.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use hoga_protocol::Nanos;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::codec::time::write_iso;

/// `order.price` to `50000000`, `order.price` to `null`, `type` to `heartbeat`.
pub type Flat = BTreeMap<String, String>;

/// What `gateway/proto/hoga.proto` declares.
pub fn pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
        let files = protox::compile(["hoga.proto"], [folder]).unwrap_or_else(|error| panic!("{error:?}"));
        DescriptorPool::from_file_descriptor_set(files).unwrap()
    });
    &POOL
}

pub fn of_json(json: &[u8]) -> Flat {
    let mut flat = Flat::new();
    json_into(&mut flat, "", std::str::from_utf8(json).unwrap());
    flat
}

fn json_into(flat: &mut Flat, path: &str, raw: &str) {
    match raw.as_bytes()[0] {
        b'{' => {
            for (name, value) in entries(raw) {
                json_into(flat, &join(path, &name), value.get());
            }
        }
        b'"' => put(flat, path, serde_json::from_str(raw).unwrap()),
        _ => put(flat, path, raw.to_owned()),
    }
}

pub fn of_message_pack(bytes: &[u8]) -> Flat {
    let mut left = bytes;
    let value = rmpv::decode::read_value(&mut left).unwrap();
    assert!(left.is_empty(), "{} bytes follow", left.len());
    let mut flat = Flat::new();
    message_pack_into(&mut flat, "", &value);
    flat
}

fn message_pack_into(flat: &mut Flat, path: &str, value: &rmpv::Value) {
    let text = match value {
        rmpv::Value::Map(entries) => {
            for (name, value) in entries {
                message_pack_into(flat, &join(path, name.as_str().unwrap()), value);
            }
            return;
        }
        rmpv::Value::Nil => "null".to_owned(),
        rmpv::Value::Binary(bytes) => uuid(bytes),
        rmpv::Value::Integer(millis) if is_time(path) => iso(millis.as_u64().unwrap()),
        rmpv::Value::Integer(number) => number.to_string(),
        rmpv::Value::Boolean(flag) => flag.to_string(),
        rmpv::Value::String(text) => text.as_str().unwrap().to_owned(),
        other => panic!("{path}: {other}"),
    };
    put(flat, path, text);
}

/// The names of a map and of the maps in it, in the order they come in.
pub fn names_of_message_pack(bytes: &[u8]) -> Vec<String> {
    fn walk(names: &mut Vec<String>, value: &rmpv::Value) {
        for (name, value) in value.as_map().into_iter().flatten() {
            names.push(name.as_str().unwrap().to_owned());
            walk(names, value);
        }
    }
    let mut names = Vec::new();
    walk(&mut names, &rmpv::decode::read_value(&mut &bytes[..]).unwrap());
    names
}

/// The same of JSON.
pub fn names_of_json(json: &[u8]) -> Vec<String> {
    fn walk(names: &mut Vec<String>, raw: &str) {
        if raw.starts_with('{') {
            for (name, value) in entries(raw) {
                names.push(name);
                walk(names, value.get());
            }
        }
    }
    let mut names = Vec::new();
    walk(&mut names, std::str::from_utf8(json).unwrap());
    names
}

/// The names and values of a JSON object in their order.
fn entries(raw: &str) -> Vec<(String, Box<RawValue>)> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    let mut json = serde_json::Deserializer::from_str(raw);
    let entries = json.deserialize_map(Entries).unwrap();
    json.end().unwrap();
    entries
}

pub fn of_protobuf(message: &str, bytes: &[u8]) -> Flat {
    let message = pool().get_message_by_name(&format!("hoga.v1.{message}")).unwrap();
    let message = DynamicMessage::decode(message, bytes).unwrap();
    let mut flat = Flat::new();
    protobuf_into(&mut flat, "", &message);
    flat
}

fn protobuf_into(flat: &mut Flat, path: &str, message: &DynamicMessage) {
    assert_eq!(message.unknown_fields().count(), 0, "{path}: {message}");
    let descriptor = message.descriptor();
    for field in descriptor.fields() {
        let at = join(path, field.name());
        let value = message.get_field(&field);
        match &*value {
            // The envelope: its field says what JSON says by `type`.
            Value::Message(inner) if descriptor.name() == "ServerMessage" => {
                if message.has_field(&field) {
                    protobuf_into(flat, "", inner);
                    match field.name() {
                        "reply" => {
                            flat.entry("id".into()).or_insert_with(|| "null".into());
                        }
                        "order_update" => put(flat, "type", "order".into()),
                        kind => put(flat, "type", kind.to_owned()),
                    }
                }
            }
            Value::Message(inner) => {
                if message.has_field(&field) {
                    protobuf_into(flat, &at, inner);
                }
            }
            _ if field.field_descriptor_proto().proto3_optional() && !message.has_field(&field) => {
                put(flat, &at, "null".into());
            }
            // One of several that was not chosen.
            _ if field.containing_oneof().is_some() && !message.has_field(&field) => {}
            value if matches!(field.name(), "text_id" | "integer_id") => {
                put(flat, "id", leaf(&field, "id", value));
            }
            value => put(flat, &at, leaf(&field, &at, value)),
        }
    }
}

fn leaf(field: &FieldDescriptor, path: &str, value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => uuid(bytes),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::I64(millis) if is_time(path) => iso(u64::try_from(*millis).unwrap()),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::EnumNumber(number) => {
            let Kind::Enum(declared) = field.kind() else {
                panic!("{path} is no enumeration");
            };
            let prefix = plain(declared.name());
            let name = declared.get_value(*number).unwrap();
            plain(name.name()).strip_prefix(&prefix).unwrap().to_owned()
        }
        other => panic!("{path}: {other:?}"),
    }
}

/// What JSON says, with the enumerations as they can be compared to those of Protocol Buffers: `partiallyfilled`.
pub fn with_plain_words(mut flat: Flat) -> Flat {
    for (path, text) in &mut flat {
        let name = path.rsplit('.').next().unwrap();
        let word = matches!(name, "side" | "time_in_force" | "status") || path.ends_with("order.type");
        // The reason of a shutdown is a text, that of an order a word.
        if word || path.ends_with("order.reason") {
            *text = plain(text);
        }
    }
    flat
}

/// Letters alone, small.
pub fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

fn put(flat: &mut Flat, path: &str, text: String) {
    assert!(flat.insert(path.to_owned(), text).is_none(), "{path} twice");
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

fn is_time(path: &str) -> bool {
    path == "time"
        || ["_time", "_at", ".deadline"]
            .iter()
            .any(|end| path.ends_with(end))
}

fn iso(millis: u64) -> String {
    let mut out = Vec::new();
    write_iso(&mut out, Nanos(millis * 1_000_000));
    String::from_utf8(out).unwrap()
}

fn uuid(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).unwrap().hyphenated().to_string()
}
