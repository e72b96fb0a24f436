//! Sections 1 to 4: lengths, pings and pongs, reserved bits, opcodes.

use crate::client::*;

#[test]
fn a_message_of_any_length_comes_back_as_it_was() {
    let world = echo();
    for len in [0, 1, 125, 126, 127, 128, 512, 1_024, 65_535, LIMIT] {
        let message: Vec<u8> = (0..len).map(|at| b'*' + (at % 80) as u8).collect();
        check(
            &world,
            "",
            &format!("text of {len}"),
            &frame(TEXT, &message),
            &[text(&message)],
        );
        let message: Vec<u8> = (0..len).map(|at| (at * 7) as u8 | 0x80).collect();
        check(
            &world,
            "",
            &format!("binary of {len}"),
            &frame(BINARY, &message),
            &[binary(&message)],
        );
    }
}

#[test]
fn many_messages_in_one_write_come_back_in_order() {
    let world = echo();
    let messages: Vec<String> = (0..500).map(|number| format!("message {number}")).collect();
    let bytes: Vec<u8> = messages.iter().flat_map(|message| frame(TEXT, message)).collect();
    let back: Vec<Back> = messages.iter().map(text).collect();
    check(&world, "", "500 messages", &bytes, &back);
}

#[test]
fn a_ping_is_answered_with_its_payload_and_a_pong_with_nothing() {
    let world = echo();
    let full = [0xfe; 125];
    let ten: Vec<String> = (0..10).map(|number| format!("payload-{number}")).collect();
    let pings: Vec<u8> = ten.iter().flat_map(|payload| frame(PING, payload)).collect();
    let pongs: Vec<Back> = ten.iter().map(pong).collect();
    for (what, bytes, back) in [
        ("an empty ping", frame(PING, ""), vec![pong("")]),
        (
            "a ping",
            frame(PING, "Hello, world!"),
            vec![pong("Hello, world!")],
        ),
        (
            "a binary ping",
            frame(PING, [0, 0xff, 0xfe, 0xfd]),
            vec![pong([0, 0xff, 0xfe, 0xfd])],
        ),
        ("the longest ping", frame(PING, full), vec![pong(full)]),
        ("too long a ping", frame(PING, [0xfe; 126]), vec![closed(1002)]),
        (
            "a pong nobody asked for",
            frames(&[(PONG, b""), (TEXT, b"on")]),
            vec![text("on")],
        ),
        (
            "one with a payload",
            frames(&[(PONG, b"unasked"), (PING, b"asked")]),
            vec![pong("asked")],
        ),
        ("too long a pong", frame(PONG, [0; 126]), vec![closed(1002)]),
        ("ten pings", pings, pongs),
    ] {
        check(&world, "", what, &bytes, &back);
    }
}

#[test]
fn a_reserved_bit_that_nobody_agreed_on_fails_the_connection() {
    let world = echo();
    for bits in 1..8u8 {
        let rsv = bits << 4;
        for headers in ["", DEFLATE] {
            if headers == DEFLATE && bits == 4 {
                continue;
            }
            for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
                let what = format!("bits {rsv:02x} on {opcode:02x}, {headers:?}");
                let back = [text("before"), pong("between"), closed(1002)];
                let before = frames(&[(TEXT, b"before"), (PING, b"between")]);
                if headers.is_empty() {
                    check(
                        &world,
                        headers,
                        &what,
                        &[before, frame(opcode | rsv, "x")].concat(),
                        &back,
                    );
                } else {
                    check(&world, headers, &what, &frame(opcode | rsv, "x"), &back[2..]);
                }
            }
        }
    }
    for opcode in [PING, PONG, CLOSE] {
        let bytes = frame(opcode | RSV1, "");
        check(
            &world,
            DEFLATE,
            &format!("RSV1 on {opcode:02x}"),
            &bytes,
            &[closed(1002)],
        );
    }
}

#[test]
fn an_opcode_that_means_nothing_fails_the_connection() {
    let world = echo();
    for opcode in (3..8).chain(11..16) {
        for payload in [&b""[..], b"payload"] {
            let bytes = [
                frame(TEXT, "before"),
                frame(0x80 | opcode, payload),
                frame(PING, "behind"),
            ];
            let back = [text("before"), closed(1002)];
            check(&world, "", &format!("opcode {opcode}"), &bytes.concat(), &back);
        }
    }
}

#[test]
fn a_header_that_breaks_the_rules_fails_the_connection() {
    let world = echo();
    for (what, bytes) in [
        ("no mask", &[TEXT, 0][..]),
        ("no mask, with a payload", &[TEXT, 2, b'h', b'i']),
        ("no mask on a ping", &[PING, 0]),
        ("16 bits for 125", &[TEXT, 0xfe, 0, 125, 0, 0, 0, 0]),
        ("16 bits for 0", &[TEXT, 0xfe, 0, 0, 0, 0, 0, 0]),
        (
            "64 bits for 65,535",
            &[TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0],
        ),
        (
            "64 bits for 1",
            &[BINARY, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        ),
        (
            "the highest bit",
            &[TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        ("a control frame of 16 bits", &[PING, 0xfe, 0, 126, 0, 0, 0, 0]),
        (
            "a control frame of 64 bits",
            &[PING, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        ),
    ] {
        // No payload follows, so that only the header can be what is judged.
        check(&world, "", what, bytes, &[closed(1002)]);
        let before = frames(&[(TEXT, b"before")]);
        check(
            &world,
            "",
            what,
            &[&before, bytes].concat(),
            &[text("before"), closed(1002)],
        );
    }
}
