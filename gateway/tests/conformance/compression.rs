//! Sections 12 and 13: compressed messages.

use crate::client::*;

fn words(len: usize) -> Vec<u8> {
    let words = [
        r#"{"symbol":"BTC-KRW","#,
        r#""side":"Buy","#,
        "50000000",
        "호가",
        "\n",
    ];
    let mut text = String::new();
    let mut number = 7u64;
    while text.len() < len {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let word = words[(number >> 33) as usize % words.len()];
        if text.len() + word.len() <= len {
            text.push_str(word);
        } else {
            text.push('.');
        }
    }
    text.into_bytes()
}

fn noise(len: usize) -> Vec<u8> {
    let mut number = 11u64;
    let mut next = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (number >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn compressed(first: u8, message: &[u8]) -> Back {
    Back::Compressed(first, message.to_vec())
}

#[test]
fn a_compressed_message_comes_back_whatever_its_length_and_its_compressor() {
    let world = echo();
    for len in [
        0, 1, 16, 64, 125, 126, 127, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_535, LIMIT,
    ] {
        for (level, window) in [(0, 15), (1, 9), (1, 15), (6, 12), (9, 15)] {
            let (text, binary) = (words(len), noise(len));
            let bytes = [
                frame(TEXT | RSV1, deflate(&text, level, window)),
                frame(BINARY | RSV1, deflate(&binary, level, window)),
                frame(TEXT | RSV1, deflate(&text, level, window)),
            ];
            let back = [
                compressed(TEXT, &text),
                compressed(BINARY, &binary),
                compressed(TEXT, &text),
            ];
            let what = format!("{len} bytes, level {level}, window {window}");
            let mut raw = Raw::connect(&world, DEFLATE);
            raw.send(&bytes.concat(), 3_001);
            raw.expect(&what, &back);
        }
    }
}

#[test]
fn a_compressed_message_may_be_cut_and_mixed_like_any_other() {
    let world = echo();
    let message = words(500);
    let small = deflate(&message, 6, 15);
    for cut in [0, 1, 2, small.len() / 2, small.len() - 1, small.len()] {
        let (one, other) = small.split_at(cut);
        let parts = [
            (MORE_TEXT | RSV1, one),
            (PING, &b"now"[..]),
            (MORE, b""),
            (LAST, other),
        ];
        let back = [pong("now"), compressed(TEXT, &message)];
        check(&world, DEFLATE, &format!("cut at {cut}"), &frames(&parts), &back);
    }
    let single: Vec<u8> = small
        .iter()
        .enumerate()
        .flat_map(|(at, byte)| frame(if at == 0 { MORE_BINARY | RSV1 } else { MORE }, [*byte]))
        .chain(frame(LAST, ""))
        .collect();
    check(
        &world,
        DEFLATE,
        "byte by byte",
        &single,
        &[compressed(BINARY, &message)],
    );
    // A client need not compress, and need not compress everything.
    let parts = [
        frame(TEXT, &message),
        frame(TEXT | RSV1, &small),
        frames(&[(MORE_TEXT, b"pla"), (LAST, b"in")]),
        frame(BINARY, ""),
        frame(BINARY | RSV1, [0]),
        frame(TEXT | RSV1, []),
    ];
    let back = [
        compressed(TEXT, &message),
        compressed(TEXT, &message),
        compressed(TEXT, b"plain"),
        compressed(BINARY, b""),
        compressed(BINARY, b""),
        compressed(TEXT, b""),
    ];
    check(&world, DEFLATE, "both kinds", &parts.concat(), &back);
}

#[test]
fn the_streams_of_the_standard_are_read() {
    // RFC 7692 §7.2.3: one block, two blocks, a stored block, a final block.
    let world = echo();
    for payload in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
    ] {
        let what = format!("{payload:02x?}");
        check(
            &world,
            DEFLATE,
            &what,
            &frame(TEXT | RSV1, payload),
            &[compressed(TEXT, b"Hello")],
        );
    }
    // The second message leans on the window of the first, which nobody keeps (§7.2.3.2).
    let parts = [
        (TEXT | RSV1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]),
        (TEXT | RSV1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ];
    check(
        &world,
        DEFLATE,
        "a window kept",
        &frames(&parts),
        &[compressed(TEXT, b"Hello"), closed(1007)],
    );
}

#[test]
fn a_small_message_that_becomes_a_large_one_is_refused() {
    let world = echo();
    let fits = vec![b' '; LIMIT];
    let bytes = frame(TEXT | RSV1, deflate(&fits, 9, 15));
    check(
        &world,
        DEFLATE,
        "as large as may be",
        &bytes,
        &[compressed(TEXT, &fits)],
    );
    for len in [LIMIT + 1, 1 << 20, 60 << 20] {
        let bomb = deflate(&vec![b' '; len], 9, 15);
        let bytes = frame(BINARY | RSV1, &bomb);
        let what = format!("{} bytes that become {len}", bomb.len());
        check(&world, DEFLATE, &what, &bytes, &[closed(1009)]);
    }
    // More compressed bytes than any message of the limit can need, and their end never comes.
    for first in [TEXT, MORE_BINARY] {
        let bytes = header(first | RSV1, LIMIT as u64 * 2);
        check(&world, DEFLATE, "announced", &bytes, &[closed(1009)]);
    }
    let half = noise(LIMIT / 2);
    let parts = [
        frame(MORE_BINARY | RSV1, &half),
        frame(PING, "still fine"),
        frame(MORE, &half),
        header(MORE, LIMIT as u64 / 2),
    ];
    check(
        &world,
        DEFLATE,
        "fragments",
        &parts.concat(),
        &[pong("still fine"), closed(1009)],
    );
}

#[test]
fn a_compressed_message_that_is_no_deflate_stream_is_refused() {
    let world = echo();
    let small = deflate(&words(500), 6, 15);
    for (what, payload) in [
        ("a block of no type", vec![0x06]),
        ("noise", vec![0xff; 64]),
        ("plain text", b"{\"id\":1}".to_vec()),
        ("a stored block cut", vec![0x00, 0x20, 0x00, 0xdf, 0xff, 0x48]),
        ("one cut in its middle", small[..small.len() / 2].to_vec()),
    ] {
        check(
            &world,
            DEFLATE,
            what,
            &frame(BINARY | RSV1, payload),
            &[closed(1007)],
        );
    }
}

#[test]
fn the_rules_of_fragments_hold_while_a_compressed_message_is_collected() {
    let world = echo();
    let begun = frame(MORE_TEXT | RSV1, deflate(b"begun", 6, 15));
    for (what, next) in [
        ("a new message", frame(TEXT, "x")),
        ("a new compressed message", frame(TEXT | RSV1, [0])),
        ("RSV1 again", frame(LAST | RSV1, "x")),
        ("RSV2", frame(LAST | 0x20, "x")),
        ("RSV3", frame(MORE | 0x10, "x")),
        ("an opcode that means nothing", frame(0x83, "x")),
        ("a ping in fragments", frame(0x09, "x")),
        ("too long a ping", frame(PING, [0; 126])),
        ("RSV1 on a ping", frame(PING | RSV1, "x")),
        ("no mask", vec![LAST, 1, b'x']),
        (
            "a length that is not the shortest",
            vec![LAST, 0xfe, 0, 1, 0, 0, 0, 0],
        ),
    ] {
        let bytes = [begun.clone(), frame(PING, "fine"), next].concat();
        check(&world, DEFLATE, what, &bytes, &[pong("fine"), closed(1002)]);
    }
    let bytes = [begun.clone(), frame(CLOSE, close(1001, b""))].concat();
    check(&world, DEFLATE, "a close", &bytes, &[closed(1001)]);
}
