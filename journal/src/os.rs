//! The Linux calls beneath the journal.

use rustix::fs::{Advice, FallocateFlags, FlockOperation};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io;

/// Takes the exclusive lock on `file` without waiting; `false` if another holds it.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reserves the first `bytes` bytes of `file`; does nothing on a file system that cannot.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match retry_on_intr(|| rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes)) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// One `pwrite`. An interrupted call has written nothing and is made again; any other failure is reported.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::pwrite(file, bytes, offset))?)
}

/// One `pread`, made again if interrupted.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::pread(file, &mut *buffer, offset))?)
}

/// One `fdatasync`, never made again: the sync after a failed one reports success with the data lost.
pub(crate) fn sync_data(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fdatasync(file)?)
}

/// Drops the clean pages of `file` from the page cache.
pub(crate) fn forget_cached(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}
