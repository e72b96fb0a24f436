//! What can happen to the bytes of a snapshot, numbered, so that every case of a kind can be done in turn.

use crate::making::bytes_of;

const BLOCK: usize = 512;
pub const SEQUENCE: u64 = 9;

/// One way to do harm. Each has as many cases as [`Reference::cases`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One bit is the other way round.
    Flip,
    /// The file ends early, at any length.
    Truncate,
    /// Bytes stand behind its end: zeros, or its own first ones again.
    Extend,
    /// A block is all zeros.
    Zero,
    /// A block holds what another block holds.
    Copy,
    /// Two blocks have changed places.
    Swap,
    /// A block holds what it holds in an earlier snapshot of the same journal.
    Stale,
    /// The file is an earlier snapshot up to a block and the right one from there on, or the other way round.
    Splice,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Flip,
        Kind::Truncate,
        Kind::Extend,
        Kind::Zero,
        Kind::Copy,
        Kind::Swap,
        Kind::Stale,
        Kind::Splice,
    ];
}

/// A snapshot, and an earlier one of the same journal whose sections have the same lengths.
pub struct Reference {
    pub bytes: Vec<u8>,
    earlier: Vec<u8>,
}

impl Reference {
    /// A snapshot with these lengths of sections. Its last block is not full unless they make it so.
    pub fn new(lengths: &[usize]) -> Reference {
        Reference {
            bytes: bytes_of(SEQUENCE, lengths),
            earlier: bytes_of(SEQUENCE - 1, lengths),
        }
    }

    /// How many cases a kind has here.
    pub fn cases(&self, kind: Kind) -> usize {
        let (bytes, blocks) = (self.bytes.len(), self.blocks());
        match kind {
            Kind::Flip => bytes * 8,
            Kind::Truncate => bytes,
            Kind::Extend => 2 * BLOCK,
            Kind::Zero | Kind::Stale => blocks,
            Kind::Copy | Kind::Swap => blocks * blocks,
            Kind::Splice => 2 * blocks,
        }
    }

    /// The bytes after case `number` of a kind; `None` where it would change nothing, or where it is another case seen
    /// from behind.
    pub fn harm(&self, kind: Kind, number: usize) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        let (one, two) = (number / self.blocks(), number % self.blocks());
        match kind {
            Kind::Flip => bytes[number / 8] ^= 1 << (number % 8),
            Kind::Truncate => bytes.truncate(number),
            Kind::Extend => {
                let source = if number < BLOCK {
                    &[0; BLOCK][..]
                } else {
                    &self.bytes[..]
                };
                bytes.extend_from_slice(&source[..=number % BLOCK]);
            }
            Kind::Zero => put(&mut bytes, number, &[0; BLOCK]),
            Kind::Copy => put(&mut bytes, two, block(&self.bytes, one)),
            Kind::Swap if one >= two => return None,
            Kind::Swap => {
                put(&mut bytes, one, block(&self.bytes, two));
                put(&mut bytes, two, block(&self.bytes, one));
            }
            Kind::Stale => put(&mut bytes, number, block(&self.earlier, number)),
            Kind::Splice => {
                let at = ((two + 1) * BLOCK).min(bytes.len());
                let range = if one == 0 { 0..at } else { at..bytes.len() };
                bytes[range.clone()].copy_from_slice(&self.earlier[range]);
            }
        }
        (bytes != self.bytes).then_some(bytes)
    }

    fn blocks(&self) -> usize {
        self.bytes.len().div_ceil(BLOCK)
    }
}

fn block(bytes: &[u8], number: usize) -> &[u8] {
    &bytes[number * BLOCK..((number + 1) * BLOCK).min(bytes.len())]
}

/// Puts as much of a block as both it and its new place have.
fn put(bytes: &mut [u8], number: usize, block: &[u8]) {
    let at = number * BLOCK;
    let length = block.len().min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&block[..length]);
}
