//! The keys of a running exchange: read at the start, and again whenever their file has changed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hoga_gateway::auth::{KeyTable, Keys};
use tracing::{info, warn};

use super::file;
use crate::cores::{self, CorePlan};
use crate::priority;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The table that counts now. Whoever holds one of these sees it change.
#[derive(Clone, Debug)]
pub struct Keyring {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    generation: AtomicU64,
    table: Mutex<Arc<KeyTable>>,
    failures: AtomicU64,
}

impl Keyring {
    /// Reads the file at `path`; one that is not there yet has no keys. What was read, to be told from what comes later, goes
    /// into the second result.
    ///
    /// # Errors
    /// As [`file::parse`] and [`file::read`].
    pub fn open(path: &Path) -> Result<(Self, Seen), String> {
        let (mut seen, mut keys) = (Seen(None), KeyTable::default());
        if let Some(file) = open(path)? {
            seen = Seen(Some(Stamp::of(&file.1)));
            keys = table(path, file.0)?;
        }
        let shared = Shared {
            path: path.to_owned(),
            generation: AtomicU64::new(1),
            table: Mutex::new(Arc::new(keys)),
            failures: AtomicU64::new(0),
        };
        let shared = Arc::new(shared);
        Ok((Self { shared }, seen))
    }

    /// Where the keys are registered.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How often the file had changed and could not be read.
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Reads the file again if it is another than `seen`. Whatever goes wrong, the keys that there were go on to count.
    ///
    /// # Errors
    /// In words; the same change is told once.
    pub fn refresh(&self, seen: &mut Seen) -> Result<Option<Arc<KeyTable>>, String> {
        let path = self.path();
        // Asked by name first, so that a look that finds nothing new opens nothing.
        let now = match std::fs::metadata(path) {
            Ok(found) => Some(Stamp::of(&found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Stamp::unreadable(&error)),
        };
        if now == seen.0 {
            return Ok(None);
        }
        seen.0 = now;
        let read = match open(path) {
            Ok(Some((file, found))) => {
                seen.0 = Some(Stamp::of(&found));
                table(path, file)
            }
            Ok(None) => Err(format!("the key file {} is gone", path.display())),
            Err(error) => Err(error),
        };
        let table = read.map(Arc::new).inspect_err(|_| {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
        })?;
        *self.shared.table.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&table);
        self.shared.generation.fetch_add(1, Ordering::Release);
        Ok(Some(table))
    }
}

impl Keys for Keyring {
    fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    fn table(&self) -> Arc<KeyTable> {
        // Whoever holds the lock exchanges one pointer.
        Arc::clone(&self.shared.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Which state of the file was read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(Option<Stamp>);

/// What tells one state of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            length: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }

    /// Stands for a file that may not even be looked at; the same refusal is the same state.
    fn unreadable(error: &io::Error) -> Self {
        Self {
            inode: 0,
            length: 0,
            modified: (i64::from(error.raw_os_error().unwrap_or_default()), -1),
        }
    }
}

fn open(path: &Path) -> Result<Option<(File, Metadata)>, String> {
    let opened = File::open(path).and_then(|file| file.metadata().map(|found| (file, found)));
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("the key file {} cannot be read: {error}", path.display())),
    }
}

fn table(path: &Path, file: File) -> Result<KeyTable, String> {
    let entries = file::parse(path, &file::read_from(path, file)?)?;
    Ok(KeyTable::new(entries.iter().map(file::Entry::to_key)))
}

/// The thread that looks at the file.
#[derive(Debug)]
pub struct Watching {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watching {
    /// Looks at the file once a second from now on, off the agents' cores.
    ///
    /// # Errors
    /// In words: the system gives no thread.
    pub fn start(keyring: Keyring, mut seen: Seen, plan: CorePlan) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&stop);
        let body = move || {
            cores::keep_off(&plan);
            priority::go_last();
            while !raised.load(Ordering::SeqCst) {
                thread::park_timeout(EVERY);
                match keyring.refresh(&mut seen) {
                    Ok(None) => {}
                    Ok(Some(table)) => {
                        info!(
                            event = "keys_read",
                            keys = table.len(),
                            "the API keys were read again"
                        );
                    }
                    Err(error) => warn!(
                        event = "keys_failed",
                        error, "the key file cannot be read; the API keys that there were go on to count"
                    ),
                }
            }
        };
        let thread = thread::Builder::new()
            .name("hoga-keys".into())
            .spawn(body)
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}
