//! The frames of one connection (RFC 6455 §5.2), told apart without looking at what they carry.

/// Payloads longer than this are none of the exchange's.
const MAX_PAYLOAD: u64 = 1 << 20;
/// The longest header of a frame without a mask.
const MAX_HEAD: usize = 10;

const FIN: u8 = 0x80;
/// Set on a compressed message (RFC 7692 §6).
pub const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Text or binary: a whole message.
    Data,
    /// The end.
    Close,
    /// To be answered.
    Ping,
    /// An answer.
    Pong,
}

/// Where in its frames a connection is.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; MAX_HEAD],
    have: usize,
    /// Bytes of the payload that are still to come; none while the header is incomplete.
    rest: Option<u64>,
    payload: Vec<u8>,
}

impl Frames {
    /// Takes bytes as they came, and calls `each` for every frame that ends in them, with its first byte and, where it is a
    /// control frame or `keep` is set, its payload.
    ///
    /// # Errors
    /// When they are not whole, unmasked messages.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        keep: bool,
        mut each: impl FnMut(Opcode, u8, &[u8]),
    ) -> Result<(), &'static str> {
        loop {
            let rest = match self.rest {
                Some(rest) => rest,
                None => match self.header(&mut bytes)? {
                    Some(rest) => rest,
                    None => return Ok(()),
                },
            };
            let opcode = opcode(self.head[0])?;
            let now = rest.min(bytes.len() as u64) as usize;
            let (part, after) = bytes.split_at(now);
            bytes = after;
            let keep = keep || opcode != Opcode::Data;
            if now as u64 == rest {
                let whole = match (keep, self.payload.is_empty()) {
                    (false, _) => &[],
                    (true, true) => part,
                    (true, false) => {
                        self.payload.extend_from_slice(part);
                        &self.payload
                    }
                };
                each(opcode, self.head[0], whole);
                self.payload.clear();
                (self.have, self.rest) = (0, None);
            } else {
                if keep {
                    self.payload.extend_from_slice(part);
                }
                self.rest = Some(rest - now as u64);
                return Ok(());
            }
        }
    }

    /// Completes the header as far as `bytes` go; the length of the payload once it is known.
    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<u64>, &'static str> {
        loop {
            if self.have >= 2 && self.have == head_len(self.head[1]) {
                let length = match self.head[1] {
                    126 => u64::from(u16::from_be_bytes([self.head[2], self.head[3]])),
                    127 => u64::from_be_bytes(self.head[2..].try_into().map_err(|_| "a header")?),
                    length => u64::from(length),
                };
                return match length {
                    0..=MAX_PAYLOAD => Ok(Some(length)),
                    _ => Err("a message of more than a MiB"),
                };
            }
            let Some((&first, rest)) = bytes.split_first() else {
                return Ok(None);
            };
            *bytes = rest;
            self.head[self.have] = first;
            self.have += 1;
            if self.have == 2 && first & MASKED != 0 {
                return Err("a masked frame from a server");
            }
        }
    }
}

fn head_len(second: u8) -> usize {
    match second {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

fn opcode(first: u8) -> Result<Opcode, &'static str> {
    match (first & FIN != 0, first & OPCODE) {
        (true, 1 | 2) => Ok(Opcode::Data),
        (true, 8) => Ok(Opcode::Close),
        (true, 9) => Ok(Opcode::Ping),
        (true, 10) => Ok(Opcode::Pong),
        _ => Err("a fragment, or a frame of no known kind"),
    }
}

/// Appends an unmasked frame of at most 65,535 bytes.
pub fn write(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    out.push(FIN | first);
    match u8::try_from(payload.len()) {
        Ok(length @ ..126) => out.push(length),
        _ => {
            out.push(126);
            out.extend((payload.len() as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_is_lost_wherever_the_bytes_are_cut() {
        let mut bytes = Vec::new();
        let lengths = [0usize, 1, 125, 126, 230, 127, 4_000];
        for (number, &length) in lengths.iter().enumerate() {
            write(&mut bytes, 1 + (number % 2) as u8, &vec![number as u8; length]);
            write(&mut bytes, 9, b"hey");
        }
        for step in [1, 2, 3, 7, 100, 1_000, bytes.len()] {
            for keep in [true, false] {
                let (mut frames, mut data, mut pings) = (Frames::default(), Vec::new(), 0);
                for part in bytes.chunks(step) {
                    frames
                        .take(part, keep, |opcode, _, payload| match opcode {
                            Opcode::Data => data.push(payload.to_vec()),
                            Opcode::Ping => {
                                assert_eq!(payload, b"hey");
                                pings += 1;
                            }
                            other => panic!("{other:?}"),
                        })
                        .expect("frames");
                }
                let want: Vec<_> = lengths
                    .iter()
                    .enumerate()
                    .map(|(number, &length)| vec![number as u8; if keep { length } else { 0 }])
                    .collect();
                assert_eq!((data, pings), (want, lengths.len()), "{step} {keep}");
            }
        }
    }

    #[test]
    fn what_is_no_message_of_a_server_is_refused() {
        for bad in [
            &[0x81u8, 0x80][..],
            &[0x01, 0x02],
            &[0x83, 0],
            &[0x82, 127, 1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let outcome = Frames::default().take(&[bad, &[0; 8]].concat(), false, |_, _, _| {});
            assert!(outcome.is_err(), "{bad:?}");
        }
    }
}
