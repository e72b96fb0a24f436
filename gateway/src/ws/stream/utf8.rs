//! Whether bytes that come piece by piece are UTF-8 (RFC 3629 §4).

/// What the bytes so far leave open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// Bytes that the character begun still needs.
    wanted: u8,
    /// What the next one of them must be between.
    from: u8,
    to: u8,
}

impl Utf8 {
    /// Takes in what comes next. Whether it may all be UTF-8, which the first byte that cannot belong to any ends.
    pub fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.wanted > 0
            && let Some((&first, rest)) = bytes.split_first()
        {
            if !self.step(first) {
                return false;
            }
            bytes = rest;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            // What is left is the beginning of one character.
            Err(error) => bytes[error.valid_up_to()..].iter().all(|&byte| self.step(byte)),
        }
    }

    /// Whether it may end here.
    pub fn is_complete(self) -> bool {
        self.wanted == 0
    }

    fn step(&mut self, byte: u8) -> bool {
        if self.wanted > 0 {
            let fits = (self.from..=self.to).contains(&byte);
            (self.wanted, self.from, self.to) = (self.wanted - 1, 0x80, 0xbf);
            return fits;
        }
        (self.wanted, self.from, self.to) = match byte {
            0x00..=0x7f => (0, 0, 0),
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_judged_otherwise_than_by_the_standard_library() {
        // Every sequence of four bytes from those at which something changes.
        const EDGES: [u8; 22] = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed,
            0xef, 0xf0, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        let count = EDGES.len();
        for number in 0..count.pow(4) {
            let bytes = [0, 1, 2, 3].map(|place| EDGES[number / count.pow(place) % count]);
            let (mut whole, mut single) = (Utf8::default(), Utf8::default());
            let judged = whole.push(&bytes);
            let standard = std::str::from_utf8(&bytes);
            assert_eq!(judged && whole.is_complete(), standard.is_ok(), "{bytes:02x?}");
            let begun = standard.is_err_and(|error| error.error_len().is_none());
            assert_eq!(judged && !whole.is_complete(), begun, "{bytes:02x?}");
            assert_eq!(
                bytes.iter().all(|byte| single.push(&[*byte])),
                judged,
                "{bytes:02x?}"
            );
            assert!(!judged || whole.wanted == single.wanted, "{bytes:02x?}");
        }
    }
}
