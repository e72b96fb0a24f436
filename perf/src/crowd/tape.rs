//! Executions as a subscriber hears them, in any format.

use flate2::{Decompress, FlushDecompress, Status};

use crate::cli::StreamFormat;
use crate::message::{Uuid, parse_uuid};
use crate::tally::mix;

/// What a flushed block ends with, and a compressed message does not (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The longest message that is inflated.
const MAX_MESSAGE: usize = 64 << 10;

/// Executions heard, by number and by a digest of their ids in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// How many.
    pub count: u64,
    digest: u64,
}

impl Tape {
    /// Adds one.
    pub fn add(&mut self, execution: Uuid) {
        self.count += 1;
        self.digest = mix(mix(self.digest, (execution >> 64) as u64), execution as u64);
    }
}

/// Reads compressed messages, each by itself.
pub struct Inflater {
    stream: Decompress,
    plain: Vec<u8>,
}

impl Inflater {
    /// An inflater.
    pub fn new() -> Self {
        Self {
            stream: Decompress::new(false),
            plain: Vec::with_capacity(MAX_MESSAGE),
        }
    }

    /// What a compressed message says; none where it is no such message, or too long.
    pub fn inflate(&mut self, message: &[u8]) -> Option<&[u8]> {
        self.stream.reset(false);
        self.plain.clear();
        for part in [message, &TAIL] {
            let before = self.stream.total_in();
            let status = self
                .stream
                .decompress_vec(part, &mut self.plain, FlushDecompress::Sync)
                .ok()?;
            let taken = (self.stream.total_in() - before) as usize;
            if status == Status::StreamEnd {
                break;
            }
            if taken < part.len() {
                return None;
            }
        }
        Some(&self.plain)
    }
}

/// The id of an execution, which stands first in every format: as the member of a JSON object, whose bytes are fixed; as the
/// first value of a MessagePack array, or of a map whose first key is `exec_id`; as field 1 of a Protocol Buffers message. It is
/// text of 36 characters, or 16 bytes.
pub fn execution_id(format: StreamFormat, message: &[u8]) -> Option<Uuid> {
    match format {
        StreamFormat::Json => text(message.strip_prefix(b"{\"exec_id\":\"")?.get(..36)?),
        StreamFormat::Protobuf => match message {
            [0x0a, 36, rest @ ..] => text(rest.get(..36)?),
            [0x0a, 16, rest @ ..] => bytes(rest.get(..16)?),
            _ => None,
        },
        StreamFormat::Msgpack => {
            let value = match message {
                [0x90..=0x9f, rest @ ..] => rest,
                [0x80..=0x8f, rest @ ..] => rest.strip_prefix(b"\xa7exec_id")?,
                _ => return None,
            };
            match value {
                [0xd9, 36, rest @ ..] => text(rest.get(..36)?),
                [0xc4, 16, rest @ ..] => bytes(rest.get(..16)?),
                _ => None,
            }
        }
    }
}

fn text(text: &[u8]) -> Option<Uuid> {
    parse_uuid(std::str::from_utf8(text).ok()?)
}

fn bytes(bytes: &[u8]) -> Option<Uuid> {
    Some(Uuid::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_a_gap_and_a_swap_each_change_the_tape() {
        let tape = |ids: &[Uuid]| {
            let mut tape = Tape::default();
            ids.iter().for_each(|&id| tape.add(id));
            tape
        };
        let want = tape(&[1, 2, 3]);
        assert_eq!(tape(&[1, 2, 3]), want);
        for wrong in [&[1, 2, 2, 3][..], &[1, 3], &[1, 3, 2], &[1, 2, 3 << 64]] {
            assert_ne!(tape(wrong), want, "{wrong:?}");
        }
    }

    #[test]
    fn an_id_that_does_not_stand_first_is_not_the_founding_stream() {
        use StreamFormat::{Json, Msgpack, Protobuf};
        const TEXT: &str = "00000000-000a-8000-8000-0000deadbeef";
        let id = parse_uuid(TEXT).expect("an id");
        let raw = id.to_be_bytes();
        let with = |head: &[u8], id: &[u8]| [head, id, b"rest"].concat();
        for (format, message, is_first) in [
            (
                Json,
                format!("{{\"exec_id\":\"{TEXT}\",\"order_id\":\"x\"}}").into_bytes(),
                true,
            ),
            (Json, format!("{{\"order_id\":\"{TEXT}\"}}").into_bytes(), false),
            (Json, b"{\"exec_id\":\"short\"}".to_vec(), false),
            (Protobuf, with(&[0x0a, 36], TEXT.as_bytes()), true),
            (Protobuf, with(&[0x0a, 16], &raw), true),
            (Protobuf, with(&[0x12, 16], &raw), false),
            (Msgpack, with(b"\x88\xa7exec_id\xd9\x24", TEXT.as_bytes()), true),
            (Msgpack, with(b"\x88\xa7exec_id\xc4\x10", &raw), true),
            (Msgpack, with(b"\x98\xc4\x10", &raw), true),
            (Msgpack, with(b"\x88\xa8order_id\xd9\x24", TEXT.as_bytes()), false),
        ] {
            let got = execution_id(format, &message);
            assert_eq!(got, is_first.then_some(id), "{format:?} {message:?}");
        }
    }

    #[test]
    fn a_compressed_message_is_read_and_a_damaged_one_is_not() {
        use flate2::{Compress, Compression, FlushCompress};
        let plain: Vec<u8> = (0..5_000u32).map(|at| (at * at / 7) as u8).collect();
        let mut small = Vec::with_capacity(10_000);
        Compress::new(Compression::new(1), false)
            .compress_vec(&plain, &mut small, FlushCompress::Sync)
            .expect("compressed");
        assert!(small.ends_with(&TAIL));
        small.truncate(small.len() - TAIL.len());
        let mut inflater = Inflater::new();
        for _ in 0..2 {
            assert_eq!(inflater.inflate(&small), Some(&plain[..]));
        }
        small[0] |= 0b110;
        assert_eq!(inflater.inflate(&small), None);
    }
}
