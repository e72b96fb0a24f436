//! Section 7: how a connection ends.

use crate::client::*;

#[test]
fn a_close_is_answered_with_its_own_code_and_ends_the_connection() {
    let world = echo();
    let longest = close(1000, &[b'*'; 123]);
    for (what, payload, code) in [
        ("an empty close", vec![], None),
        ("a code", close(1000, b""), Some(1000)),
        ("a code and a reason", close(1000, "안녕".as_bytes()), Some(1000)),
        ("the longest reason", longest.clone(), Some(1000)),
    ] {
        let mut raw = Raw::connect(&world, "");
        raw.send(&frame(CLOSE, &payload), usize::MAX);
        assert_eq!(raw.next(), Some((CLOSE, payload.clone())), "{what}");
        assert!(raw.ends(), "{what}");
        check(&world, "", what, &frame(CLOSE, &payload), &[Back::Close(code)]);
    }
    for (what, payload, code) in [
        ("half a code", vec![3], 1002),
        ("too long a reason", [longest, vec![b'*']].concat(), 1002),
        (
            "a reason that is not UTF-8",
            close(1000, b"\xce\xba\xed\xa0\x80"),
            1007,
        ),
    ] {
        check(&world, "", what, &frame(CLOSE, &payload), &[closed(code)]);
    }
}

#[test]
fn a_code_that_nobody_may_send_is_a_breach_and_every_other_is_not() {
    let world = echo();
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4001, 4999,
    ] {
        check(
            &world,
            "",
            &format!("code {code}"),
            &frame(CLOSE, close(code, b"why")),
            &[closed(code)],
        );
    }
    for code in [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        check(
            &world,
            "",
            &format!("code {code}"),
            &frame(CLOSE, close(code, b"")),
            &[closed(1002)],
        );
    }
}

#[test]
fn what_follows_a_close_is_neither_answered_nor_in_the_way_of_the_answer() {
    let world = echo();
    let large = vec![b'x'; LIMIT];
    for (what, behind) in [
        ("text", frame(TEXT, "late")),
        ("a ping", frame(PING, "late")),
        ("another close", frame(CLOSE, close(1001, b""))),
        ("fragments", frames(&[(MORE_TEXT, b"la"), (LAST, b"te")])),
        ("what is no frame", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("much", frame(BINARY, &large).repeat(4)),
    ] {
        let before = frames(&[(TEXT, b"before"), (CLOSE, &[3, 232])]);
        let back = [text("before"), closed(1000)];
        check(&world, "", what, &[before, behind].concat(), &back);
    }
    world.until("all to be gone", |stats| stats.connections == 0);
}

#[test]
fn a_connection_that_just_ends_is_let_go() {
    let world = echo();
    for (what, bytes) in [
        ("nothing", vec![]),
        ("half a header", vec![TEXT]),
        ("half a frame", frame(TEXT, "half")[..8].to_vec()),
        ("half a message", frame(MORE_TEXT, "half")),
        ("half a compressed message", frame(MORE_TEXT | RSV1, "half")),
    ] {
        let mut raw = Raw::connect(&world, DEFLATE);
        raw.send(&bytes, usize::MAX);
        drop(raw);
        world.until(what, |stats| stats.connections == 0);
    }
}
