//! What can happen to the bytes of a journal, numbered, so that every case of a kind can be done in turn.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{Reader, compress_segment, segment_name};
use std::collections::BTreeMap;
use std::sync::Arc;

const BLOCK: u64 = 512;
/// The records of a frame that fills most of a segment.
const MANY: usize = 110;

/// One way to do harm. Each has as many cases as [`Reference::cases`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One bit of any file is the other way round.
    Flip,
    /// A file ends early, at any length.
    Truncate,
    /// A block is all zeros.
    Zero,
    /// A block holds what another block holds.
    Copy,
    /// Two blocks have changed places.
    Swap,
    /// A block holds what it held at an earlier time.
    Stale,
    /// A file is gone.
    Lose,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Flip,
        Kind::Truncate,
        Kind::Zero,
        Kind::Copy,
        Kind::Swap,
        Kind::Stale,
        Kind::Lose,
    ];
}

/// One case: what becomes of which file.
pub enum Harm {
    /// These bytes stand at this offset of that file.
    Bytes(Vec<(String, usize, Vec<u8>)>),
    /// The file has this length.
    Length(String, usize),
    /// The file is gone.
    Gone(String),
}

impl Harm {
    /// The files after it.
    pub fn done_to(&self, files: &Files) -> Files {
        let mut files = files.clone();
        match self {
            Harm::Bytes(patches) => {
                for (name, at, bytes) in patches {
                    let file = files.get_mut(name).unwrap();
                    file[*at..*at + bytes.len()].copy_from_slice(bytes);
                }
            }
            Harm::Length(name, length) => files.get_mut(name).unwrap().truncate(*length),
            Harm::Gone(name) => {
                files.remove(name);
            }
        }
        files
    }
}

/// A journal of two segments and all that is known of it.
pub struct Reference {
    pub name: &'static str,
    pub files: Files,
    /// What the journal holds.
    pub records: Vec<Vec<u8>>,
    pub frames: Vec<FrameAt>,
    /// The journal after each commit, without blank files. Damage that leaves the very bytes of an earlier moment cannot
    /// be seen on this disk.
    history: Vec<Files>,
    /// Where a block of the files held something before, other than zeros: (file, offset, bytes).
    older: Vec<(String, usize, Vec<u8>)>,
}

impl Reference {
    /// Frames of one block to dozens, the last of several; behind them unused space and a spare.
    pub fn at_rest() -> Reference {
        Reference::build(
            "a spare stands ready, the last frame has several blocks",
            true,
            records(9),
        )
    }

    /// As the roll leaves it for a moment: no spare yet. The last frame is one block.
    pub fn without_spare() -> Reference {
        Reference::build(
            "no spare stands, the last frame is one block",
            false,
            vec![vec![7; 40]],
        )
    }

    /// As [`at_rest`](Self::at_rest), the first segment compressed.
    pub fn compressed() -> Reference {
        let mut reference = Reference {
            name: "the first segment is compressed, the last frame has several blocks",
            ..Reference::at_rest()
        };
        let sim = Sim::with_files(&reference.files);
        compress_segment(&sim, 1, 3).unwrap();
        reference.files = sim.files();
        let files = &reference.files;
        reference.older.retain(|(name, ..)| files.contains_key(name));
        reference
    }

    fn build(name: &'static str, spare: bool, last: Vec<Vec<u8>>) -> Reference {
        let (mut history, mut older) = (Vec::new(), Vec::new());
        // A frame over most of a segment is torn before any other stands there, so that its blocks are the past of the
        // frames written later.
        let sim = torn(&Sim::new(), &mut older);
        let (mut writer, report, _) = open(&sim);
        assert!(report.cut.is_some());
        let mut next = 1;
        let mut group = |writer: &mut hoga_journal::Writer, count: usize| {
            let records: Vec<_> = (next..next + count as u64).map(record).collect();
            commit(writer, &records);
            next += count as u64;
            history.push(begun(&sim.files()));
        };
        for count in [1, 1, 2, 60, 3, 5, 1, 17, 40, 2, 1, 30, 1, 4, 20] {
            group(&mut writer, count);
        }
        drop(writer);
        let sim = torn(&sim, &mut older);
        let (mut writer, report, seen) = open(&sim);
        assert!(report.cut.is_some() && report.segments == 2, "{report:?}");
        // The group that did not fit was in the first segment alone for a moment.
        let mut moment = sim.files();
        history.push(begun(&moment));
        moment.remove(&segment_name(2));
        history.push(begun(&moment));
        let mut next = seen.len() as u64 + 1;
        for count in [1, 3, 50, 2, 1, 10, 1] {
            let records: Vec<_> = (next..next + count as u64).map(record).collect();
            commit(&mut writer, &records);
            next += count as u64;
            history.push(begun(&sim.files()));
        }
        commit(&mut writer, &last);
        history.push(begun(&sim.files()));
        await_spare(&writer, SEGMENT);
        drop(writer);

        let mut files = sim.files();
        if !spare {
            files.remove(&segment_name(3));
        }
        let sim = Sim::with_files(&files);
        let frames = frames(&sim);
        older.retain(|(name, at, bytes)| files[name][*at..*at + bytes.len()] != bytes[..]);
        history.pop();
        Reference {
            name,
            records: read(&sim),
            frames,
            files,
            history,
            older,
        }
    }

    /// How many cases a kind has here.
    pub fn cases(&self, kind: Kind) -> u64 {
        let files = self.files.len() as u64;
        let (bytes, blocks) = (self.units(1), self.units(BLOCK));
        match kind {
            Kind::Flip => bytes * 8,
            Kind::Truncate => bytes,
            Kind::Zero => blocks,
            Kind::Copy | Kind::Swap => blocks * blocks,
            Kind::Stale => self.older.len() as u64,
            Kind::Lose => files,
        }
    }

    /// Case `number` of a kind; `None` where it would change nothing, or where it is another case seen from behind.
    pub fn harm(&self, kind: Kind, number: u64) -> Option<Harm> {
        let blocks = self.units(BLOCK);
        match kind {
            Kind::Flip => {
                let (name, at) = self.place(number / 8, 1);
                let byte = self.files[&name][at] ^ 1 << (number % 8);
                Some(Harm::Bytes(vec![(name, at, vec![byte])]))
            }
            Kind::Truncate => {
                let (name, length) = self.place(number, 1);
                Some(Harm::Length(name, length))
            }
            Kind::Zero => self.put(number, vec![0; BLOCK as usize]),
            Kind::Copy => self.put(number % blocks, self.block(number / blocks)),
            Kind::Swap => {
                let (one, two) = (number / blocks, number % blocks);
                if one >= two {
                    return None;
                }
                match (self.put(one, self.block(two))?, self.put(two, self.block(one))?) {
                    (Harm::Bytes(one), Harm::Bytes(two)) => Some(Harm::Bytes([one, two].concat())),
                    _ => None,
                }
            }
            Kind::Stale => Some(Harm::Bytes(vec![self.older[number as usize].clone()])),
            Kind::Lose => self.files.keys().nth(number as usize).cloned().map(Harm::Gone),
        }
    }

    /// Whether the journal once stood as `files` do, blank files aside.
    pub fn is_the_past(&self, files: &Files) -> bool {
        self.history.contains(&begun(files))
    }

    /// How many whole units of `bytes` bytes all files have.
    fn units(&self, bytes: u64) -> u64 {
        self.files.values().map(|file| file.len() as u64 / bytes).sum()
    }

    /// The file and the offset of unit `number`, of `bytes` bytes each, over all files in a row.
    fn place(&self, mut number: u64, bytes: u64) -> (String, usize) {
        for (name, file) in &self.files {
            let units = file.len() as u64 / bytes;
            if number < units {
                return (name.clone(), (number * bytes) as usize);
            }
            number -= units;
        }
        unreachable!("there are as many cases as units")
    }

    fn block(&self, number: u64) -> Vec<u8> {
        let (name, at) = self.place(number, BLOCK);
        self.files[&name][at..at + BLOCK as usize].to_vec()
    }

    fn put(&self, number: u64, bytes: Vec<u8>) -> Option<Harm> {
        let (name, at) = self.place(number, BLOCK);
        (bytes != self.block(number)).then(|| Harm::Bytes(vec![(name, at, bytes)]))
    }
}

/// Commits a frame over most of a segment, and takes its last block away, as a power cut would before the sync returned.
/// Notes what stands in its other blocks.
fn torn(sim: &Sim, older: &mut Vec<(String, usize, Vec<u8>)>) -> Sim {
    let (mut writer, _, _) = open(sim);
    let before = frames(sim).len();
    commit(&mut writer, &vec![vec![0xb5; 512]; MANY]);
    drop(writer);
    let all = frames(sim);
    let &(segment, offset, bytes, ..) = all.last().unwrap();
    assert!(all.len() > before && bytes > SEGMENT / 2, "{all:?}");
    let (start, last) = (offset as usize, (offset + bytes - BLOCK) as usize);
    let mut files = sim.files();
    let file = segment_of(&mut files, segment);
    for at in (start..last).step_by(BLOCK as usize) {
        older.push((segment_name(segment), at, file[at..at + BLOCK as usize].to_vec()));
    }
    file[last..last + BLOCK as usize].fill(0);
    Sim::with_files(&files)
}

fn begun(files: &Files) -> Files {
    let all = files
        .iter()
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
    BTreeMap::from_iter(all.map(|(name, bytes)| (name.clone(), bytes.clone())))
}

fn read(sim: &Sim) -> Vec<Vec<u8>> {
    let mut reader = Reader::open_with(Arc::new(sim.clone())).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        records.push(record.bytes.to_vec());
    }
    records
}
