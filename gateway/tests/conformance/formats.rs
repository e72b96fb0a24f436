//! Every form of message over real sockets: three formats, each compressed and not, all at once.

use prost_reflect::{DescriptorPool, DynamicMessage, Value as Proto};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{BINARY, CLOSE, RSV1, Raw, TEXT, frame, inflate};
use crate::common::World;
use crate::common::http::{ask, trade};

const FORMATS: [&str; 3] = ["hoga.json", "hoga.msgpack", "hoga.protobuf"];

/// The handshake's headers for a form, and the first byte that each of its messages has.
fn forms() -> impl Iterator<Item = (&'static str, String, u8)> {
    FORMATS.into_iter().flat_map(|format| {
        [false, true].map(|deflate| {
            let mut headers = format!("Sec-WebSocket-Protocol: hoga.unknown, {format}\r\n");
            if deflate {
                headers += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
            }
            let opcode = if format == "hoga.json" { TEXT } else { BINARY };
            (format, headers, if deflate { opcode | RSV1 } else { opcode })
        })
    })
}

fn connect(world: &World, path: &str, format: &str, headers: &str) -> Raw {
    let (head, raw) = Raw::at(world, path, headers);
    assert!(
        head.contains(&format!("Sec-WebSocket-Protocol: {format}\r\n")),
        "{head}"
    );
    raw
}

/// The next message, whatever its form.
fn message(raw: &mut Raw, first: u8) -> Vec<u8> {
    let (got, payload) = raw.next().unwrap();
    assert_eq!(got, first);
    if first & RSV1 == 0 {
        payload
    } else {
        inflate(&payload)
    }
}

fn declared(message: &str, bytes: &[u8]) -> DynamicMessage {
    let files = protox::compile(["hoga.proto"], [concat!(env!("CARGO_MANIFEST_DIR"), "/proto")]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    DynamicMessage::decode(pool.get_message_by_name(message).unwrap(), bytes).unwrap()
}

fn entry<'m>(message: &'m rmpv::Value, name: &str) -> &'m rmpv::Value {
    let entries = message.as_map().unwrap();
    &entries
        .iter()
        .find(|(key, _)| key.as_str() == Some(name))
        .unwrap_or_else(|| panic!("{message} has no {name}"))
        .1
}

/// Id, price and fee of an execution in a format.
fn execution(format: &str, bytes: &[u8]) -> (Uuid, String, String) {
    match format {
        "hoga.json" => {
            let json: Value = serde_json::from_slice(bytes).unwrap();
            let id = json["exec_id"].as_str().unwrap().parse().unwrap();
            (id, json["price"].to_string(), json["fee"].to_string())
        }
        "hoga.msgpack" => {
            let message = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
            let text = |name| entry(&message, name).as_str().unwrap().to_owned();
            let id = Uuid::from_slice(entry(&message, "exec_id").as_slice().unwrap()).unwrap();
            (id, text("price"), text("fee"))
        }
        _ => {
            let message = declared("hoga.v1.Execution", bytes);
            let field = |name| message.get_field_by_name(name).unwrap().into_owned();
            let text = |name| field(name).as_str().unwrap().to_owned();
            let Proto::Bytes(id) = field("exec_id") else {
                panic!("{message}")
            };
            (Uuid::from_slice(&id).unwrap(), text("price"), text("fee"))
        }
    }
}

#[test]
fn no_form_of_the_stream_loses_repeats_or_changes_an_execution() {
    let world = World::new();
    trade(&world, 3);
    let tape = |limit: usize| {
        let path = format!("/api/v1/executions/BTC-KRW?limit={limit}");
        match ask(&world, "GET", &path, "").json() {
            Value::Array(executions) => executions,
            other => panic!("{other}"),
        }
    };
    // From the first execution on: what came before the lane is encoded for each client alone.
    let path = format!(
        "/ws/executions?after={}",
        tape(10)[0]["exec_id"].as_str().unwrap()
    );
    let mut clients: Vec<_> = forms()
        .map(|(format, headers, first)| (format, connect(&world, &path, format, &headers), first))
        .collect();
    world.until("the subscribers", |stats| stats.subscribers == clients.len());
    trade(&world, 20);
    for (format, raw, first) in &mut clients {
        for want in &tape(100)[1..] {
            let id: Uuid = want["exec_id"].as_str().unwrap().parse().unwrap();
            let got = execution(format, &message(raw, *first));
            assert_eq!(
                got,
                (id, want["price"].to_string(), want["fee"].to_string()),
                "{format}"
            );
        }
    }
    // One who is alone in a form, after a time without anybody in it, begins with what comes then.
    let (format, headers, first) = forms().last().unwrap();
    drop(clients);
    world.until("them to be gone", |stats| stats.subscribers == 0);
    trade(&world, 5);
    let mut late = connect(&world, "/ws/executions", format, &headers);
    world.until("the late one", |stats| stats.subscribers == 1);
    trade(&world, 1);
    let last = tape(2);
    for want in last {
        let (id, ..) = execution(format, &message(&mut late, first));
        assert_eq!(id.to_string(), want["exec_id"].as_str().unwrap());
    }
}

/// A new order as a request in a format, whose id is 7.
fn place(format: &str) -> Vec<u8> {
    const TERMS: [(&str, &str); 5] = [
        ("symbol", "BTC-KRW"),
        ("side", "Buy"),
        ("type", "Limit"),
        ("price", "50000000"),
        ("quantity", "0.5"),
    ];
    match format {
        "hoga.json" => {
            let terms: Vec<String> = TERMS
                .iter()
                .map(|(name, value)| format!(r#","{name}":"{value}""#))
                .collect();
            format!(r#"{{"id":7,"op":"place"{}}}"#, terms.concat()).into_bytes()
        }
        "hoga.msgpack" => {
            let mut entries = vec![
                (rmpv::Value::from("id"), rmpv::Value::from(7)),
                (rmpv::Value::from("op"), rmpv::Value::from("place")),
            ];
            entries.extend(TERMS.map(|(name, value)| (name.into(), value.into())));
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &rmpv::Value::Map(entries)).unwrap();
            bytes
        }
        _ => {
            use prost_reflect::prost::Message as _;
            let mut request = declared("hoga.v1.Request", b"");
            let mut place = declared("hoga.v1.Place", b"");
            for (name, value) in [
                ("symbol", Proto::String("BTC-KRW".into())),
                ("side", Proto::EnumNumber(1)),
                ("type", Proto::EnumNumber(1)),
                ("price", Proto::String("50000000".into())),
                ("quantity", Proto::String("0.5".into())),
            ] {
                place.set_field_by_name(name, value);
            }
            request.set_field_by_name("integer_id", Proto::I64(7));
            request.set_field_by_name("place", Proto::Message(place));
            request.encode_to_vec()
        }
    }
}

/// The id that a reply answers, and the status of its order.
fn reply(format: &str, bytes: &[u8]) -> (i64, String) {
    match format {
        "hoga.json" => {
            let json: Value = serde_json::from_slice(bytes).unwrap();
            let status = json["order"]["status"].as_str().unwrap();
            (json["id"].as_i64().unwrap(), status.to_owned())
        }
        "hoga.msgpack" => {
            let message = rmpv::decode::read_value(&mut &bytes[..]).unwrap();
            let status = entry(entry(&message, "order"), "status").as_str().unwrap();
            (entry(&message, "id").as_i64().unwrap(), status.to_owned())
        }
        _ => {
            let message = declared("hoga.v1.ServerMessage", bytes);
            let reply = message.get_field_by_name("reply").unwrap().into_owned();
            let reply = reply.as_message().unwrap();
            let id = reply.get_field_by_name("integer_id").unwrap().as_i64().unwrap();
            let order = reply.get_field_by_name("order").unwrap().into_owned();
            let status = order.as_message().unwrap().get_field_by_name("status").unwrap();
            assert_eq!(status.as_enum_number(), Some(1));
            (id, "New".to_owned())
        }
    }
}

#[test]
fn an_order_is_placed_in_every_form_and_answered_in_it() {
    let world = World::new();
    for (format, headers, first) in forms() {
        let mut raw = connect(&world, "/ws/orders?account=alice", format, &headers);
        // A client may leave its own messages as they are whatever was agreed on.
        raw.send(&frame(first & !RSV1, place(format)), usize::MAX);
        assert_eq!(
            reply(format, &message(&mut raw, first)),
            (7, "New".to_owned()),
            "{format}"
        );
        // Its push, and then a message of the wrong kind.
        message(&mut raw, first);
        let wrong = if first & 0x0f == TEXT & 0x0f { BINARY } else { TEXT };
        raw.send(&frame(wrong, b"{}"), usize::MAX);
        let (got, payload) = raw.next().unwrap();
        assert_eq!(
            (got, &payload[..2]),
            (CLOSE, &1003u16.to_be_bytes()[..]),
            "{format}"
        );
    }
}
