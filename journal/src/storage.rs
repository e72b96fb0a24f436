//! The files beneath the journal, behind two small traits, so that a test can record and fail every call.

use crate::error::StorageError;
use crate::os;
use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file in the journal's folder whose lock keeps a second process out.
pub const LOCK_NAME: &str = "LOCK";

/// Held while a journal is open for writing; dropping it lets the next one in.
pub type LockGuard = Box<dyn Any + Send + Sync>;

/// One folder of files, named without a path.
///
/// A call that returns has been done; one that fails may have been done in part. The journal retries none.
pub trait Storage: Send + Sync {
    /// The folder in words, for messages.
    fn location(&self) -> String;

    /// Makes the folder if it is not there, and takes its lock without waiting.
    fn lock(&self) -> Result<LockGuard, LockError>;

    /// The names of all files in the folder, in any order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file that can be read and written; fails if the name is taken.
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>>;

    /// Opens a file that stands.
    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>>;

    /// Gives a file another name; fails if that name is taken.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns once the folder's names are durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// One open file.
pub trait SegmentFile: Send {
    /// Its size in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Reserves the first `bytes` bytes on the disk, where that is possible; they need not be written yet.
    fn allocate(&self, bytes: u64) -> io::Result<()>;

    /// Writes at `offset`, in bytes, and returns how many bytes were written. The journal takes fewer than
    /// all for a failure.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads at `offset`, in bytes, and returns how many bytes were read; 0 is the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns once everything written, and the size, is durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Drops what the kernel remembers of the file, so that the next read is of the disk. After a failed
    /// sync the memory may hold bytes that never reached it.
    fn forget_cached(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Another opener holds it.
    Held {
        /// The process id found in the lock file, if one could be read.
        pid: Option<u32>,
    },
    /// The folder or the lock file could not be made or locked.
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> LockError {
        LockError::Io(error)
    }
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct DiskStorage {
    folder: PathBuf,
}

impl DiskStorage {
    /// The storage in `folder`. Nothing is touched until the first call.
    pub fn new(folder: impl AsRef<Path>) -> DiskStorage {
        DiskStorage {
            folder: folder.as_ref().to_path_buf(),
        }
    }

    /// Makes the folder and whatever of its path is missing. A new folder's own name must be durable before
    /// anything in it can be; that of one that stands may be left over from a crash before its sync, so the
    /// direct parent is synced in any case.
    fn make_folder(&self) -> io::Result<()> {
        let parent = |folder: &Path| match folder.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_path_buf(),
            None => folder.to_path_buf(),
        };
        let mut missing = Vec::new();
        let mut at = self.folder.clone();
        while !at.is_dir() && at.parent().is_some() && !at.as_os_str().is_empty() {
            missing.push(at.clone());
            at = parent(&at);
        }
        for folder in missing.into_iter().rev() {
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => File::open(parent(&folder))?.sync_all()?,
            }
        }
        File::open(parent(&self.folder.canonicalize()?))?.sync_all()
    }
}

impl Storage for DiskStorage {
    fn location(&self) -> String {
        self.folder.display().to_string()
    }

    fn lock(&self) -> Result<LockGuard, LockError> {
        self.make_folder()?;
        let path = self.folder.join(LOCK_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        if !os::try_lock(&file)? {
            let pid = fs::read_to_string(&path)
                .ok()
                .and_then(|text| text.trim().parse().ok());
            return Err(LockError::Held { pid });
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Box::new(file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            // A name that is not UTF-8 is none of the journal's.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.folder.join(name))?;
        Ok(Box::new(DiskFile(file)))
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        let write = access == Access::ReadWrite;
        let file = OpenOptions::new()
            .read(true)
            .write(write)
            .open(self.folder.join(name))?;
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let to = self.folder.join(to);
        // The lock keeps other writers out, so the name cannot be taken between the look and the renaming.
        if to.try_exists()? {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the new name is taken",
            ));
        }
        fs::rename(self.folder.join(from), to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl SegmentFile for DiskFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        os::allocate(&self.0, bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        os::write_at(&self.0, bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        os::read_at(&self.0, buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        os::sync_data(&self.0)
    }

    fn forget_cached(&self) -> io::Result<()> {
        os::forget_cached(&self.0)
    }
}

/// An error of the storage beneath with the call and the file named; an empty name is the folder itself.
pub(crate) fn failed(
    storage: &dyn Storage,
    operation: &'static str,
    name: &str,
    source: io::Error,
) -> StorageError {
    let path = if name.is_empty() {
        storage.location()
    } else {
        format!("{}/{name}", storage.location())
    };
    StorageError {
        operation,
        path,
        source,
    }
}

/// Writes all of `bytes` in one call; a short count is a failure, since a second try could hide an error.
pub(crate) fn write_whole(file: &dyn SegmentFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let written = file.write_at(bytes, offset)?;
    if written == bytes.len() {
        return Ok(());
    }
    let message = format!(
        "short write: {written} of {} bytes at offset {offset}",
        bytes.len()
    );
    Err(io::Error::new(io::ErrorKind::WriteZero, message))
}

/// Reads until `buffer` is full or the file ends, and returns how many bytes were read.
pub(crate) fn read_full(file: &dyn SegmentFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
