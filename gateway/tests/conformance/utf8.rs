//! Section 6: text is UTF-8, and what is not is told as soon as it is there.

use crate::client::*;

const GOOD: [&[u8]; 19] = [
    "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(),
    "κόσμε".as_bytes(),
    "호가".as_bytes(),
    // The first and the last of each length, and around the surrogates.
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    // Characters that are none, and yet may be sent.
    b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf3\xbf\xbf\xbe",
    b"\xef\xbb\xbf",
    b"",
];

/// Up to which byte it may be UTF-8, and what it is.
const BAD: [(usize, &[u8]); 27] = [
    (0, b"\x80"),
    (0, b"\xbf\x80"),
    (0, b"\xc0\xaf"),
    (0, b"\xc1\xbf"),
    (1, b"\xe0\x80\xaf"),
    (1, b"\xe0\x9f\xbf"),
    (1, b"\xf0\x80\x80\xaf"),
    (1, b"\xf0\x8f\xbf\xbf"),
    (0, b"\xf8\x88\x80\x80\x80"),
    (0, b"\xfc\x84\x80\x80\x80\x80"),
    (0, b"\xfe"),
    (0, b"\xff"),
    (1, b"\xf4\x90\x80\x80"),
    (0, b"\xf5\x80\x80\x80"),
    (0, b"\xf7\xbf\xbf\xbf"),
    (1, b"\xed\xa0\x80"),
    (1, b"\xed\xbf\xbf"),
    (1, b"\xed\xa0\x80\xed\xb0\x80"),
    (1, b"\xc2 "),
    (2, b"\xe2\x82 "),
    (3, b"\xf0\x9f\x92 "),
    (5, b"Hello\xff"),
    (1, b"\xc3\xc3"),
    // Cut at the end: nothing is wrong before it is.
    (1, b"\xc2"),
    (2, b"\xe2\x82"),
    (3, b"\xf0\x9f\x92"),
    (6, b"Hello\xc3"),
];

#[test]
fn text_that_is_utf_8_passes_wherever_it_is_cut() {
    let world = echo();
    for good in GOOD {
        let what = format!("{good:02x?}");
        check(&world, "", &what, &frame(TEXT, good), &[text(good)]);
        for cut in 0..=good.len() {
            let (one, other) = good.split_at(cut);
            let parts = frames(&[(MORE_TEXT, one), (PING, b"\xff"), (LAST, other)]);
            let mut raw = Raw::connect(&world, "");
            raw.send(&parts, usize::MAX);
            raw.expect(&format!("{what} cut at {cut}"), &[pong(b"\xff"), text(good)]);
        }
        let single: Vec<u8> = good
            .iter()
            .enumerate()
            .flat_map(|(at, byte)| frame(if at == 0 { MORE_TEXT } else { MORE }, [*byte]))
            .collect();
        if !single.is_empty() {
            let whole = [single, frame(LAST, "")].concat();
            check(&world, "", &format!("{what} byte by byte"), &whole, &[text(good)]);
        }
    }
}

#[test]
fn text_that_is_not_utf_8_fails_wherever_it_is_cut() {
    let world = echo();
    for (_, bad) in BAD {
        let what = format!("{bad:02x?}");
        check(&world, "", &what, &frame(TEXT, bad), &[closed(1007)]);
        let compressed = frame(TEXT | RSV1, deflate(bad, 6, 15));
        check(
            &world,
            DEFLATE,
            &format!("{what} compressed"),
            &compressed,
            &[closed(1007)],
        );
        // The same is fine where it is no text.
        check(&world, "", &what, &frame(BINARY, bad), &[binary(bad)]);
        for cut in 0..=bad.len() {
            let (one, other) = bad.split_at(cut);
            let parts = frames(&[(MORE_TEXT, one), (LAST, other)]);
            let mut raw = Raw::connect(&world, "");
            raw.send(&parts, usize::MAX);
            raw.expect(&format!("{what} cut at {cut}"), &[closed(1007)]);
        }
    }
}

#[test]
fn the_byte_that_ends_all_hope_fails_the_message_before_its_end() {
    let world = echo();
    for (fine, bad) in BAD {
        let Some(first) = bad.get(fine) else { continue };
        let what = format!("{bad:02x?}");
        // A frame that goes on, cut right behind that byte; and a message that goes on, behind that fragment.
        let mut begun = frame(TEXT, [bad, &[b'x'; 100]].concat());
        begun.truncate(begun.len() - 100 - (bad.len() - fine - 1));
        check(
            &world,
            "",
            &format!("{what}, a part of a frame"),
            &begun,
            &[closed(1007)],
        );
        let parts = frames(&[(MORE_TEXT, &bad[..fine]), (MORE, &[*first])]);
        check(
            &world,
            "",
            &format!("{what}, a fragment"),
            &parts,
            &[closed(1007)],
        );
    }
}
