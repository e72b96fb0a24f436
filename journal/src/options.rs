//! What the opener of a journal chooses.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The size of a segment file unless chosen otherwise, in bytes: 64 MiB.
pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
/// The smallest segment file, in bytes.
pub const MIN_SEGMENT_BYTES: u64 = 64 << 10;
/// The largest segment file, in bytes: 16 GiB.
pub const MAX_SEGMENT_BYTES: u64 = 16 << 30;
/// A segment file's size is a multiple of this, in bytes.
pub const SEGMENT_GRAIN_BYTES: u64 = 4_096;

/// What has happened to a record once [`Writer::commit`](crate::Writer::commit) has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk: a crash of the process, the kernel or the power loses nothing committed.
    #[default]
    Fsync,
    /// It is in the kernel's page cache: a crash of the process loses nothing, one of the kernel or the power
    /// may, and may leave a journal that is refused at the next start.
    PageCache,
    /// It is nowhere: no file is made, read or written, and nothing survives the process.
    Memory,
}

/// How a journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The id given to a journal that is made by this opening. A journal that stands keeps its own.
    pub journal_id: u32,
    /// The size of the segment files made from now on, in bytes: [`MIN_SEGMENT_BYTES`] to
    /// [`MAX_SEGMENT_BYTES`], a multiple of [`SEGMENT_GRAIN_BYTES`]. Files that stand keep their size.
    pub segment_bytes: u64,
    /// What a commit promises.
    pub durability: Durability,
    /// How long the maker of spare segments waits after a failure before it tries again.
    pub retry_interval: Duration,
    /// What each thread that the journal starts does first; nothing unless chosen.
    pub on_thread_start: Option<ThreadStart>,
}

/// What a thread does first, such as choosing the cores it runs on: a thread inherits those of the one that starts it.
#[derive(Clone)]
pub struct ThreadStart(Arc<dyn Fn() + Send + Sync>);

impl ThreadStart {
    /// Has `act` called on each such thread.
    pub fn new(act: impl Fn() + Send + Sync + 'static) -> ThreadStart {
        ThreadStart(Arc::new(act))
    }

    pub(crate) fn act(&self) {
        (self.0)();
    }
}

impl fmt::Debug for ThreadStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadStart")
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            journal_id: 0,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            durability: Durability::Fsync,
            retry_interval: Duration::from_secs(1),
            on_thread_start: None,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), String> {
        let size = self.segment_bytes;
        if !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&size)
            || !size.is_multiple_of(SEGMENT_GRAIN_BYTES)
        {
            return Err(format!(
                "segment size {size} is not usable: choose {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES} bytes, a \
                 multiple of {SEGMENT_GRAIN_BYTES}"
            ));
        }
        Ok(())
    }
}
