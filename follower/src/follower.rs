//! The follower: a replica that keeps up with a journal, and what is made from it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hoga_journal::{
    Access, Compressed, Follow, ReadError, Reader, SnapshotError, SnapshotFile, Snapshots, Storage,
    StorageError, closed_segments, compress_segment, segment_name,
};
use hoga_protocol::Nanos;

use crate::image;
use crate::replica::{ApplyError, Replica};

/// The most frames of one step, so that a follower far behind still looks at its other work.
const FRAMES_PER_STEP: u32 = 256;

/// What a follower makes, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerOptions {
    /// A snapshot after so many commands; 0 for never.
    pub snapshot_commands: u64,
    /// A snapshot after so long, if there is anything new; zero for never.
    pub snapshot_interval: Duration,
    /// How many snapshots are kept, at least one.
    pub keep: usize,
    /// Whether a snapshot is on the disk before it counts.
    pub sync: bool,
    /// What becomes of closed segments.
    pub compression: Compression,
}

/// What becomes of a segment once a later one is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// It stays as it is.
    None,
    /// It is compressed with zstd at this level.
    Zstd(i32),
}

/// How far a follower has come, for others to read.
#[derive(Debug, Default)]
pub struct Lag {
    /// The sequence of the last command applied.
    pub applied: AtomicU64,
    /// The checkpoints compared.
    pub checkpoints: AtomicU64,
    /// The sequence of the newest snapshot.
    pub snapshot: AtomicU64,
    /// When it was taken, in nanoseconds since 1970; 0 while that is not known.
    pub snapshot_at: AtomicU64,
    /// The snapshots made.
    pub snapshots: AtomicU64,
    /// The segments compressed.
    pub compressed: AtomicU64,
}

/// What one step of a follower did.
#[derive(Debug)]
pub enum Progress {
    /// Nothing: it has caught up.
    Idle,
    /// It applied so many commands.
    Applied(u64),
    /// It made a snapshot.
    Snapshot(SnapshotFile),
    /// It compressed a segment.
    Compressed(Compressed),
    /// It could not make what was due, in words. It tries again when that is due the next time.
    Failed(String),
}

/// Why a follower cannot go on.
#[derive(Debug)]
pub enum FollowError {
    /// The journal cannot be read, or is damaged.
    Read(ReadError),
    /// A record cannot be applied, or shows that the live exchange had another state.
    Apply(ApplyError),
    /// A snapshot was not made; those that stand are untouched. Only this one is no end of the follower.
    Snapshot(SnapshotError),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FollowError::Read(error) => error.fmt(f),
            FollowError::Apply(error) => error.fmt(f),
            FollowError::Snapshot(error) => write!(f, "no snapshot could be made: {error}"),
        }
    }
}

impl std::error::Error for FollowError {}

/// Keeps a replica beside a journal that somebody writes.
pub struct Follower {
    replica: Replica,
    follow: Follow,
    journal: Arc<dyn Storage>,
    snapshots: Snapshots,
    journal_id: u32,
    options: FollowerOptions,
    lag: Arc<Lag>,
    /// The sequence of the newest snapshot.
    snapshot_sequence: u64,
    /// Where it stood when one was made or tried last, and when that was.
    snapshot_tried: (u64, Option<Duration>),
    /// Segments below this one have been looked at for compression.
    compressed_below: u64,
    /// Segments below this one are not tried again.
    compress_from: u64,
    /// Whether the last look did not reach the journal's end.
    is_behind: bool,
}

impl Follower {
    /// A follower whose `replica` stands where `follow` goes on. `newest` is the sequence of the newest snapshot there
    /// is, 0 for none.
    pub fn new(
        replica: Replica,
        follow: Follow,
        journal: Arc<dyn Storage>,
        snapshots: Snapshots,
        journal_id: u32,
        options: FollowerOptions,
        newest: u64,
    ) -> Follower {
        let lag = Arc::new(Lag::default());
        lag.applied.store(replica.last_sequence(), Ordering::Relaxed);
        lag.snapshot.store(newest, Ordering::Relaxed);
        Follower {
            snapshot_tried: (replica.last_sequence(), None),
            replica,
            follow,
            journal,
            snapshots,
            journal_id,
            options,
            lag,
            snapshot_sequence: newest,
            compressed_below: 0,
            compress_from: 0,
            is_behind: false,
        }
    }

    /// How far it has come, for others to read.
    pub fn lag(&self) -> Arc<Lag> {
        Arc::clone(&self.lag)
    }

    /// The state it has come to.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// One duty cycle: applies what the journal has more, then makes what is due. `now` is the time since any fixed
    /// moment, `wall` is noted in snapshots.
    ///
    /// # Errors
    /// [`FollowError::Read`] and [`FollowError::Apply`]; the follower must not be used any more.
    pub fn step(&mut self, now: Duration, wall: Nanos) -> Result<Progress, FollowError> {
        let applied = self.catch_up()?;
        if self.snapshot_due(now) {
            self.snapshot_tried = (self.replica.last_sequence(), Some(now));
            return Ok(match self.snapshot(wall) {
                Ok(file) => Progress::Snapshot(file),
                Err(error @ FollowError::Snapshot(_)) => Progress::Failed(error.to_string()),
                Err(error) => return Err(error),
            });
        }
        // Only a follower that has caught up has time for more: one that is behind would fall back further.
        if !self.is_behind
            && let Some(done) = self.compress()
        {
            return Ok(done);
        }
        Ok(match applied {
            0 => Progress::Idle,
            applied => Progress::Applied(applied),
        })
    }

    /// Whether anything was applied since the newest snapshot.
    pub fn has_news(&self) -> bool {
        self.replica.last_sequence() > self.snapshot_sequence
    }

    /// Makes a snapshot of where it stands, and removes those beyond the number that is kept.
    ///
    /// # Errors
    /// [`FollowError::Snapshot`] if it could not be written, or what was read back is not what was written; those that
    /// stand are untouched. [`FollowError::Read`] if the disk does not hold the journal up to here.
    pub fn snapshot(&mut self, wall: Nanos) -> Result<SnapshotFile, FollowError> {
        if self.options.sync && !self.follow.knows_durable() {
            self.settle().map_err(FollowError::Read)?;
        }
        let position = self.follow.position();
        let (replica, sync) = (&self.replica, self.options.sync);
        let file = image::take(replica, &self.snapshots, self.journal_id, position, wall, sync)
            .map_err(FollowError::Snapshot)?;
        self.snapshot_sequence = file.sequence;
        self.lag.snapshot.store(file.sequence, Ordering::Relaxed);
        self.lag.snapshot_at.store(wall.0, Ordering::Relaxed);
        self.lag.snapshots.fetch_add(1, Ordering::Relaxed);
        self.snapshots
            .prune(self.options.keep)
            .map_err(FollowError::Snapshot)?;
        Ok(file)
    }

    /// Makes what was read durable, and finds it on the disk again: a snapshot must never be ahead of the journal. The
    /// writer, another process, may have failed to sync what this one has read out of the page cache, and then a later
    /// sync reports success although the bytes are gone.
    fn settle(&self) -> Result<(), ReadError> {
        self.follow.make_durable()?;
        let position = self.follow.position();
        let name = segment_name(position.segment);
        if let Ok(file) = self.journal.open(&name, Access::Read) {
            file.forget_cached().map_err(|source| StorageError {
                operation: "drop the cached pages of",
                path: format!("{}/{name}", self.journal.location()),
                source,
            })?;
        }
        Reader::open_at(Arc::clone(&self.journal), Some(&position)).map(|_| ())
    }

    /// Applies what the journal has more, at most some hundred frames of it, and returns how many commands those held.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn catch_up(&mut self) -> Result<u64, FollowError> {
        let before = self.replica.last_sequence();
        let replica = &mut self.replica;
        let mut checkpoints = 0;
        self.is_behind = true;
        for _ in 0..FRAMES_PER_STEP {
            let Some(frame) = self.follow.next_frame().map_err(FollowError::Read)? else {
                self.is_behind = false;
                break;
            };
            for record in frame.records() {
                let check = replica.engine.last_check();
                replica
                    .apply(record.sequence, record.bytes, |_| {})
                    .map_err(FollowError::Apply)?;
                checkpoints += u64::from(replica.engine.last_check() != check);
            }
        }
        let applied = self.replica.last_sequence() - before;
        if applied > 0 {
            self.lag
                .applied
                .store(self.replica.last_sequence(), Ordering::Relaxed);
            self.lag.checkpoints.fetch_add(checkpoints, Ordering::Relaxed);
        }
        Ok(applied)
    }

    /// Time counts from the first look.
    fn snapshot_due(&mut self, now: Duration) -> bool {
        let (tried, at) = &mut self.snapshot_tried;
        let (tried, at) = (*tried, *at.get_or_insert(now));
        let news = self.replica.last_sequence() - tried.max(self.snapshot_sequence);
        let FollowerOptions {
            snapshot_commands,
            snapshot_interval,
            ..
        } = self.options;
        let by_count = snapshot_commands > 0 && news >= snapshot_commands;
        let by_time = snapshot_interval > Duration::ZERO && now.saturating_sub(at) >= snapshot_interval;
        self.has_news() && (by_count || by_time)
    }

    /// Compresses one closed segment that it has read, if there is one.
    fn compress(&mut self) -> Option<Progress> {
        let Compression::Zstd(level) = self.options.compression else {
            return None;
        };
        let reading = self.follow.position().segment;
        if self.compressed_below >= reading {
            return None;
        }
        let closed = match closed_segments(&*self.journal) {
            Ok(closed) => closed,
            Err(error) => {
                self.compressed_below = reading;
                return Some(Progress::Failed(format!(
                    "no segment could be compressed: {error}"
                )));
            }
        };
        let is_next = |number: &u64| *number < reading && *number >= self.compress_from;
        let Some(number) = closed.into_iter().find(is_next) else {
            self.compressed_below = reading;
            return None;
        };
        match compress_segment(&*self.journal, number, level) {
            Ok(done) => {
                self.lag.compressed.fetch_add(1, Ordering::Relaxed);
                Some(Progress::Compressed(done))
            }
            Err(error) => {
                // The ones behind it need not wait for what is wrong with this one.
                self.compress_from = number + 1;
                Some(Progress::Failed(format!(
                    "segment {number} could not be compressed: {error}"
                )))
            }
        }
    }
}
