//! A storage that counts and fails the calls that only look, and that notes how much was asked for at once.

use crate::sim::{EIO, Sim};
use hoga_journal::{Access, LockError, LockGuard, SegmentFile, Storage};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[derive(Clone)]
pub struct Reads {
    sim: Sim,
    /// How many more looks succeed before one fails.
    left: Arc<AtomicU64>,
    longest: Arc<AtomicUsize>,
}

struct ReadsFile(Box<dyn SegmentFile>, Reads);

impl Reads {
    pub fn new(sim: &Sim) -> Reads {
        Reads {
            sim: sim.clone(),
            left: Arc::new(AtomicU64::new(u64::MAX)),
            longest: Arc::default(),
        }
    }

    /// Has look number `nth` from now on fail, counted from 0, and all others succeed.
    pub fn fail(&self, nth: u64) {
        self.left.store(nth, Ordering::Relaxed);
    }

    /// Whether the look that was to fail has not come yet.
    pub fn is_waiting(&self) -> bool {
        self.left.load(Ordering::Relaxed) < u64::MAX / 2
    }

    /// The most bytes that one read asked for.
    pub fn longest(&self) -> usize {
        self.longest.load(Ordering::Relaxed)
    }

    fn look(&self) -> io::Result<()> {
        // Below 0 it wraps, and is out of reach.
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(io::Error::from_raw_os_error(EIO)),
            _ => Ok(()),
        }
    }
}

impl Storage for Reads {
    fn location(&self) -> String {
        self.sim.location()
    }

    fn lock(&self) -> Result<LockGuard, LockError> {
        self.sim.lock()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.sim.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(ReadsFile(self.sim.create(name)?, self.clone())))
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(ReadsFile(self.sim.open(name, access)?, self.clone())))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.sim.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.sim.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.sim.sync_dir()
    }
}

impl SegmentFile for ReadsFile {
    fn size(&self) -> io::Result<u64> {
        self.1.look()?;
        self.0.size()
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.0.allocate(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.look()?;
        self.1.longest.fetch_max(buffer.len(), Ordering::Relaxed);
        self.0.read_at(buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.0.forget_cached()
    }
}
