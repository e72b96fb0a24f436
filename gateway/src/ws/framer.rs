//! One message as one frame (RFC 6455 §5.2).

use crate::http::Agreed;
use crate::ws::deflate::Deflater;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// Writes messages as frames, compressed where that was agreed.
#[derive(Debug)]
pub(crate) struct Framer {
    deflater: Deflater,
    /// A message before it is compressed.
    plain: Vec<u8>,
}

impl Framer {
    pub fn new() -> Self {
        Self {
            deflater: Deflater::new(),
            plain: Vec::new(),
        }
    }

    /// Appends one unmasked frame around the message that `payload` appends.
    pub fn frame(&mut self, out: &mut Vec<u8>, agreed: Agreed, payload: impl FnOnce(&mut Vec<u8>)) {
        let opcode = if agreed.format.is_text() { TEXT } else { BINARY };
        self.write(out, agreed.deflate, opcode, payload);
    }

    /// Appends one unmasked frame around a message of a client's, text or binary as it was.
    pub fn echo(&mut self, out: &mut Vec<u8>, deflate: bool, is_text: bool, message: &[u8]) {
        let opcode = if is_text { TEXT } else { BINARY };
        self.write(out, deflate, opcode, |out| out.extend_from_slice(message));
    }

    fn write(&mut self, out: &mut Vec<u8>, deflate: bool, opcode: u8, payload: impl FnOnce(&mut Vec<u8>)) {
        if deflate {
            self.plain.clear();
            payload(&mut self.plain);
            envelop(out, FIN | RSV1 | opcode, |out| {
                self.deflater.deflate(&self.plain, out)
            });
        } else {
            envelop(out, FIN | opcode, payload);
        }
    }
}

fn envelop(out: &mut Vec<u8>, first: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Nearly every message of ours is between 126 and 65,535 bytes, so room for that length is made beforehand.
    out.extend_from_slice(&[first, LENGTH_16, 0, 0]);
    payload(out);
    let len = out.len() - start - 4;
    if len < usize::from(LENGTH_16) {
        out[start + 1] = len as u8;
        out.drain(start + 2..start + 4);
    } else if let Ok(len) = u16::try_from(len) {
        out[start + 2..start + 4].copy_from_slice(&len.to_be_bytes());
    } else {
        out[start + 1] = LENGTH_64;
        out.splice(start + 2..start + 4, (len as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_tells_its_length() {
        for len in [0usize, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let mut out = b"before".to_vec();
            Framer::new().frame(&mut out, Agreed::default(), |out| {
                out.resize(out.len() + len, b'x')
            });
            let header: &[u8] = match len {
                0..126 => &[0x81, len as u8],
                126..65_536 => &[0x81, 126, (len >> 8) as u8, len as u8],
                _ => &[
                    0x81,
                    127,
                    0,
                    0,
                    0,
                    0,
                    0,
                    (len >> 16) as u8,
                    (len >> 8) as u8,
                    len as u8,
                ],
            };
            assert_eq!(&out[6..6 + header.len()], header, "{len}");
            assert_eq!(out.len(), 6 + header.len() + len);
        }
    }
}
