//! Section 5: messages in fragments.

use crate::client::*;

#[test]
fn fragments_make_one_message_whatever_comes_between_them() {
    let world = echo();
    for (what, parts, back) in [
        (
            "two",
            &[(MORE_TEXT, &b"frag"[..]), (LAST, b"ment")][..],
            vec![text("fragment")],
        ),
        (
            "binary",
            &[(MORE_BINARY, b"\xff"), (LAST, b"\xfe")],
            vec![binary(b"\xff\xfe")],
        ),
        (
            "three",
            &[(MORE_TEXT, b"a"), (MORE, b"b"), (LAST, b"c")],
            vec![text("abc")],
        ),
        (
            "empty ones",
            &[(MORE_TEXT, b""), (MORE, b""), (LAST, b"")],
            vec![text("")],
        ),
        (
            "empty but one",
            &[(MORE_TEXT, b""), (MORE, b"middle"), (LAST, b"")],
            vec![text("middle")],
        ),
        (
            "a ping between",
            &[(MORE_TEXT, b"frag"), (PING, b"now"), (LAST, b"ment")],
            vec![pong("now"), text("fragment")],
        ),
        (
            "pings and pongs between",
            &[
                (MORE_TEXT, b"a"),
                (PONG, b"x"),
                (PING, b"1"),
                (MORE, b"b"),
                (PING, b"2"),
                (PING, b"3"),
                (LAST, b"c"),
            ],
            vec![pong("1"), pong("2"), pong("3"), text("abc")],
        ),
        (
            "two messages",
            &[(MORE_TEXT, b"a"), (LAST, b"b"), (MORE_BINARY, b"c"), (LAST, b"d")],
            vec![text("ab"), binary("cd")],
        ),
        (
            "a close between",
            &[(MORE_TEXT, b"a"), (CLOSE, &[3, 232]), (LAST, b"b")],
            vec![closed(1000)],
        ),
    ] {
        check(&world, "", what, &frames(parts), &back);
    }
    let parts: Vec<(u8, &[u8])> = (0..1_000)
        .map(|number| match number {
            0 => (MORE_BINARY, &b"x"[..]),
            999 => (LAST, &b"x"[..]),
            _ => (MORE, &b"x"[..]),
        })
        .collect();
    check(
        &world,
        "",
        "a thousand",
        &frames(&parts),
        &[binary([b'x'; 1_000])],
    );
}

#[test]
fn fragments_that_make_no_message_fail_the_connection() {
    let world = echo();
    for (what, parts) in [
        ("a last one of nothing", &[(LAST, &b"x"[..])][..]),
        ("one of nothing", &[(MORE, b"x"), (LAST, b"y")]),
        (
            "one behind a message",
            &[(MORE_TEXT, b"a"), (LAST, b"b"), (LAST, b"c")],
        ),
        ("an empty one of nothing", &[(LAST, b"")]),
        ("text within text", &[(MORE_TEXT, b"a"), (TEXT, b"b")]),
        (
            "text in fragments within text",
            &[(MORE_TEXT, b"a"), (MORE_TEXT, b"b")],
        ),
        (
            "binary within text",
            &[(MORE_TEXT, b"a"), (MORE, b"b"), (BINARY, b"c")],
        ),
        ("text within binary", &[(MORE_BINARY, b"a"), (TEXT, b"b")]),
        ("a ping in fragments", &[(PING & 0x0f, b"a"), (LAST, b"b")]),
        ("a close in fragments", &[(CLOSE & 0x0f, b"")]),
        (
            "RSV1 on a later fragment",
            &[(MORE_TEXT, b"a"), (LAST | RSV1, b"b")],
        ),
    ] {
        let whole = parts.starts_with(&[(MORE_TEXT, b"a"), (LAST, b"b")]);
        let back = [text("ab"), closed(1002)];
        for headers in ["", DEFLATE] {
            if whole && headers == DEFLATE {
                continue;
            }
            check(
                &world,
                headers,
                what,
                &frames(parts),
                &back[usize::from(!whole)..],
            );
        }
    }
}
