//! Sections 9 and 10: messages up to the limit however they come, and none beyond it.

use crate::client::*;

#[test]
fn a_message_up_to_the_limit_comes_back_in_however_many_fragments_it_comes() {
    let world = echo();
    let message: Vec<u8> = (0..LIMIT).map(|at| b' ' + (at % 90) as u8).collect();
    for size in [64, 1_000, 4_096, 16_384, LIMIT] {
        let mut bytes = Vec::new();
        for (number, piece) in message.chunks(size).enumerate() {
            let opcode = if number == 0 { MORE_TEXT } else { MORE };
            bytes.extend(frame(opcode, piece));
        }
        bytes.extend(frame(LAST, ""));
        check(
            &world,
            "",
            &format!("fragments of {size}"),
            &bytes,
            &[text(&message)],
        );
    }
    let two = frame(BINARY, &message).repeat(8);
    check(
        &world,
        "",
        "eight behind one another",
        &two,
        &vec![binary(&message); 8],
    );
}

#[test]
fn a_message_beyond_the_limit_is_refused_at_the_header_that_says_so() {
    let world = echo();
    let half = vec![b'x'; LIMIT / 2];
    for headers in ["", DEFLATE] {
        for len in [LIMIT as u64 + 1, 1 << 20, 16 << 20, (1 << 63) - 1] {
            for opcode in [TEXT, BINARY, MORE_TEXT, MORE_BINARY] {
                let what = format!("{len} announced by {opcode:02x}");
                check(&world, headers, &what, &header(opcode, len), &[closed(1009)]);
            }
        }
        let parts = [
            frame(MORE_TEXT, &half),
            frame(PING, "still fine"),
            frame(MORE, &half),
            header(MORE, 1),
        ];
        let back = [pong("still fine"), closed(1009)];
        check(&world, headers, "fragments", &parts.concat(), &back);
    }
    let whole = frame(BINARY, vec![b'x'; 4 << 20]);
    let mut raw = Raw::connect(&world, "");
    raw.send(&whole, usize::MAX);
    assert_eq!(
        raw.next().map(|(first, payload)| (first, payload[..2].to_vec())),
        Some((CLOSE, vec![3, 241]))
    );
}
