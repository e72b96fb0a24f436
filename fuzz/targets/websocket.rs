//! Any bytes as a client's frames: the same messages and answers however the bytes come, all of them within bounds.
#![no_main]

use hoga_gateway::fuzzing::Fed;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 65_536;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says whether compression was agreed on, the second how the rest is cut.
    let [flags, cut, bytes @ ..] = bytes else { return };
    let mut whole = Fed::new(flags & 1 != 0);
    whole.feed(bytes);
    let (mut parts, mut rest, mut len) = (Fed::new(flags & 1 != 0), bytes, usize::from(*cut));
    while !rest.is_empty() && !parts.is_over() {
        len = len * 5 % 61 + 1;
        let (part, behind) = rest.split_at(len.min(rest.len()));
        parts.feed(part);
        rest = behind;
    }
    assert_eq!(whole.messages, parts.messages);
    assert_eq!(whole.is_over(), parts.is_over());
    assert_eq!(whole.answers(), parts.answers());

    for (is_text, message) in &whole.messages {
        assert!(message.len() <= LIMIT);
        assert!(!is_text || std::str::from_utf8(message).is_ok());
    }
    // Answers are pongs, and at most one close, which is the end.
    let (over, mut answers) = (whole.is_over(), whole.answers());
    let mut closes = 0;
    while let [first, len, rest @ ..] = answers {
        assert!([0x88, 0x8a].contains(first) && *len <= 125 && closes == 0, "{answers:02x?}");
        closes += usize::from(*first == 0x88);
        answers = &rest[usize::from(*len)..];
    }
    assert_eq!((closes == 1, answers.len()), (over, 0));
});
