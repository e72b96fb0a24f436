//! What comes in as MessagePack and Protocol Buffers and is refused.

use super::binary_in::{GOOD, both, packed, place_with};
use super::fixture::parse;
use crate::codec::{ErrorCode, Format, codes};

#[track_caller]
fn refused(format: Format, bytes: &[u8], id: bool, code: ErrorCode, says: &str) {
    let (got, error) = parse(bytes, format).expect_err(says);
    assert!(
        error.is(code) && error.message.contains(says),
        "{error}, not {}: {says}",
        code.code
    );
    assert_eq!(got.is_some(), id, "{error}");
    assert!(error.message.len() < 600, "{error}");
}

#[test]
fn a_message_pack_value_that_no_field_can_have_is_refused_by_name() {
    use rmpv::Value as V;
    let bytes = V::Binary(vec![1, 2, 3]);
    let deep = (0..10_000).fold(V::Nil, |inner, _| V::Array(vec![inner]));
    let cases: Vec<(&str, V, ErrorCode, &str)> = vec![
        (
            "price",
            5e7.into(),
            codes::INVALID_PRICE,
            "price: a float is not exact; send a string of digits",
        ),
        (
            "quantity",
            V::F32(0.5),
            codes::INVALID_QUANTITY,
            "a float is not exact",
        ),
        (
            "price",
            (-1).into(),
            codes::INVALID_PRICE,
            "price: -1 is negative",
        ),
        ("price", "5e7".into(), codes::INVALID_PRICE, "exponent"),
        ("price", "".into(), codes::INVALID_PRICE, "plain decimal"),
        (
            "price",
            true.into(),
            codes::INVALID_PRICE,
            "price: true is not a number",
        ),
        (
            "price",
            V::Array(vec![1.into()]),
            codes::INVALID_PRICE,
            "price: an array is not a number",
        ),
        (
            "price",
            deep,
            codes::INVALID_PRICE,
            "price: an array is not a number",
        ),
        (
            "price",
            V::Map(vec![]),
            codes::INVALID_PRICE,
            "price: a map is not a number",
        ),
        (
            "price",
            V::Ext(-1, vec![0; 4]),
            codes::INVALID_PRICE,
            "an extension value is not a number",
        ),
        (
            "price",
            bytes.clone(),
            codes::INVALID_PRICE,
            "3 raw bytes is not a number",
        ),
        (
            "price",
            V::Nil,
            codes::MISSING_FIELD,
            "price: a Limit order needs it",
        ),
        (
            "side",
            "buy".into(),
            codes::INVALID_FIELD,
            r#"must be one of "Buy", "Sell", not "buy""#,
        ),
        (
            "side",
            1.into(),
            codes::INVALID_FIELD,
            "side: must be a string, not 1",
        ),
        ("side", V::Nil, codes::MISSING_FIELD, "side"),
        (
            "symbol",
            bytes.clone(),
            codes::INVALID_FIELD,
            "symbol: must be a string, not 3 raw bytes",
        ),
        (
            "post_only",
            1.into(),
            codes::INVALID_FIELD,
            "post_only: must be true or false, not 1",
        ),
        (
            "stop_price",
            1.into(),
            codes::UNKNOWN_FIELD,
            "stop_price: place has no such field",
        ),
        ("order_id", bytes.clone(), codes::UNKNOWN_FIELD, "order_id"),
        ("account", "me".into(), codes::INVALID_FIELD, "?account="),
        (
            "valid_until",
            "2023-04-30T12:35:10.123Z".into(),
            codes::INVALID_FIELD,
            "valid_until: must be milliseconds since 1970",
        ),
        ("valid_until", 1.5.into(), codes::INVALID_FIELD, "milliseconds"),
        (
            "valid_until",
            1.into(),
            codes::INVALID_VALID_UNTIL,
            "only an order with a client_order_id",
        ),
    ];
    for (name, value, code, says) in cases {
        refused(Format::MessagePack, &place_with(name, value), true, code, says);
    }
    let ids = [
        V::F64(1.0),
        true.into(),
        bytes.clone(),
        V::Array(vec![]),
        "x".repeat(65).into(),
    ];
    for id in ids {
        refused(
            Format::MessagePack,
            &place_with("id", id),
            false,
            codes::INVALID_FIELD,
            "id: must be a string",
        );
    }
    refused(
        Format::MessagePack,
        &place_with("id", V::Nil),
        false,
        codes::MISSING_FIELD,
        "id",
    );
    let cancel = |order_id: V| {
        let entries = [("id", 1.into()), ("op", "cancel".into()), ("order_id", order_id)];
        packed(&V::Map(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        ))
    };
    let says = "order_id: must be 16 bytes or a string, not 3 raw bytes";
    refused(
        Format::MessagePack,
        &cancel(bytes),
        true,
        codes::INVALID_FIELD,
        says,
    );
    refused(
        Format::MessagePack,
        &cancel(7.into()),
        true,
        codes::INVALID_FIELD,
        "must be a string, not 7",
    );
}

#[test]
fn what_is_no_message_pack_map_is_refused_whole() {
    let good = &both(GOOD[7], true)[0].1;
    let follows = [&good[..], &[0xc0]].concat();
    // {"id":1,"id":1,"op":"cancel_all"}
    let twice = b"\x83\xa2id\x01\xa2id\x01\xa2op\xaacancel_all";
    let cases: &[(&[u8], &str)] = &[
        (b"", "it is empty"),
        (b"\xc0", "it is not a map"),
        (b"\x93\x01\x02\x03", "it is not a map"),
        (b"{\"id\":1}", "it is not a map"),
        (&follows, "1 bytes follow the map"),
        (b"\x81", "1 bytes should follow, and 0 do"),
        (b"\x81\x01\x02", "a key of the map is 1, not a string"),
        (b"\x81\xc4\x02id\x01", "a key of the map is 2 raw bytes"),
        (b"\x81\xa2\xff\xfe\x01", "not UTF-8"),
        (b"\x81\xa2id\xc1", "0xc1"),
        (b"\xdf\xff\xff\xff\xff", "1 bytes should follow"),
        (b"\xdf\xff\xff\xff\xff\xa2id\x01", "1 bytes should follow"),
        (
            b"\x81\xa2id\xdb\xff\xff\xff\xff",
            "4294967295 bytes should follow, and 0 do",
        ),
        (
            b"\x81\xa2id\xc6\xff\xff\xff\xffxx",
            "4294967295 bytes should follow, and 2 do",
        ),
        (
            b"\x81\xa2id\xc9\xff\xff\xff\xff\x01",
            "4294967296 bytes should follow",
        ),
        (
            b"\x81\xa2id\xdd\xff\xff\xff\xff\x01",
            "an array in it has fewer values than it says",
        ),
        (
            b"\x81\xa2id\xdf\xff\xff\xff\xff\x01",
            "a map in it has fewer values than it says",
        ),
        (b"\x81\xa1x\x91\xdd\xff\xff\xff\xff", "fewer values"),
    ];
    for (bytes, says) in cases {
        refused(Format::MessagePack, bytes, false, codes::INVALID_MESSAGE, says);
    }
    refused(
        Format::MessagePack,
        twice,
        true,
        codes::DUPLICATE_FIELD,
        "id: given more than once",
    );
    // Depth costs neither stack nor time.
    for open in [&b"\x91"[..], b"\x81\x01"] {
        let mut deep = b"\x81\xa1x".to_vec();
        deep.extend(open.repeat(30_000));
        refused(
            Format::MessagePack,
            &deep,
            false,
            codes::INVALID_MESSAGE,
            "the message is not MessagePack",
        );
        deep.push(0xc0);
        refused(Format::MessagePack, &deep, false, codes::MISSING_FIELD, "id");
    }
}

#[test]
fn what_is_no_protobuf_request_is_refused_by_number_or_by_name() {
    let place = |fields: &[u8]| {
        let mut out = vec![0x10, 7, 0x1a, fields.len() as u8];
        out.extend_from_slice(fields);
        out
    };
    // symbol "B", side Buy, type Limit, quantity "1", price "1"
    let good = b"\x0a\x01B\x10\x01\x18\x01\x22\x011\x2a\x011";
    assert!(parse(&place(good), Format::Protobuf).is_ok());
    let but = |fields: &[u8]| place(&[&good[..], fields].concat());
    let without_price = &good[..good.len() - 3];
    let cases: Vec<(Vec<u8>, bool, ErrorCode, &str)> = vec![
        (b"".to_vec(), false, codes::MISSING_FIELD, "id"),
        (b"\x10\x07".to_vec(), true, codes::MISSING_FIELD, "op"),
        (
            b"\x0a\x01a\x10\x07\x32\x00".to_vec(),
            true,
            codes::DUPLICATE_FIELD,
            "id",
        ),
        (
            b"\x10\x07\x32\x00\x2a\x00".to_vec(),
            true,
            codes::DUPLICATE_FIELD,
            "op",
        ),
        (
            b"\x10\x07\x32\x00\x48\x01".to_vec(),
            true,
            codes::UNKNOWN_FIELD,
            "field 9: cancel_all has no such field",
        ),
        (
            b"\x10\x07\x2a\x00".to_vec(),
            true,
            codes::MISSING_FIELD,
            "order_id",
        ),
        (
            b"\x10\x07\x2a\x02\x0a\x00".to_vec(),
            true,
            codes::MISSING_FIELD,
            "order_id",
        ),
        (
            b"\x10\x07\x2a\x05\x0a\x03abc".to_vec(),
            true,
            codes::INVALID_FIELD,
            "order_id: must be 16 bytes or a string",
        ),
        (
            b"\x10\x07\x30\x00".to_vec(),
            true,
            codes::INVALID_FIELD,
            "op: must be a string, not a varint",
        ),
        (
            b"\x0a\x41".iter().copied().chain([b'x'; 65]).collect(),
            false,
            codes::INVALID_FIELD,
            "64 bytes",
        ),
        (
            b"\x08\x01\x32\x00".to_vec(),
            false,
            codes::INVALID_FIELD,
            "id: must be a string of at most",
        ),
        (
            but(b"\x50\x01"),
            true,
            codes::UNKNOWN_FIELD,
            "field 10: place has no such field",
        ),
        (but(b"\x0a\x01C"), true, codes::DUPLICATE_FIELD, "symbol"),
        (
            but(b"\x30\x09"),
            true,
            codes::INVALID_FIELD,
            r#"time_in_force: must be one of "GTC", "IOC", "FOK", not 9"#,
        ),
        (but(b"\x32\x01x"), true, codes::INVALID_FIELD, "time_in_force"),
        (
            but(b"\x3a\x01x"),
            true,
            codes::INVALID_FIELD,
            "post_only: must be true or false",
        ),
        (but(b"\x42\x00"), true, codes::INVALID_FIELD, "client_order_id"),
        (
            place(without_price),
            true,
            codes::MISSING_FIELD,
            "price: a Limit order needs it",
        ),
        (
            place(&[without_price, b"\x28\x05"].concat()),
            true,
            codes::INVALID_PRICE,
            "price: a varint is not a number",
        ),
        (
            place(&[without_price, b"\x2d\x00\x00\x80\x3f"].concat()),
            true,
            codes::INVALID_PRICE,
            "price: a fixed-width number",
        ),
        (
            place(&[without_price, b"\x2a\x035e7"].concat()),
            true,
            codes::INVALID_PRICE,
            "exponent",
        ),
        (
            b"\x0a\x02\xff\xfe\x32\x00".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "field 1 is not UTF-8",
        ),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "18446744073709551615 bytes",
        ),
        (
            b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "too long",
        ),
        (
            b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "too long",
        ),
        (
            b"\x10\x07\x1a\x05\x0a".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "should have 5 bytes, and 1 are left",
        ),
        (
            b"\x10\x07\x33\x34".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "field 6 is a group",
        ),
        (
            b"\x10\x07\x36\x00".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "Protocol Buffers",
        ),
        (
            b"\x00\x01".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "Protocol Buffers",
        ),
        (
            b"\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            false,
            codes::INVALID_MESSAGE,
            "Protocol Buffers",
        ),
        (b"{\"id\":1}".to_vec(), false, codes::INVALID_MESSAGE, "group"),
    ];
    for (bytes, id, code, says) in cases {
        refused(Format::Protobuf, &bytes, id, code, says);
    }
}
