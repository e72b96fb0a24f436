//! The disk without a journal: one write and one sync at a time, into a file whose bytes are all there already.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hoga::cores;

use crate::failure::{Context, Failure, Outcome};

/// The first write goes behind as many bytes as a segment's header takes.
const START: u64 = 512;
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// A file that is written from front to back, as a segment is.
pub struct RawDisk {
    file: File,
    bytes: Vec<u8>,
    offset: u64,
}

impl RawDisk {
    /// Makes the file in `folder`, with room for so many writes of `size` bytes, written with zeros and synced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn make(folder: &Path, size: u64, writes: u64) -> Outcome<Self> {
        let path = folder.join("raw");
        let what = || format!("cannot write {}", path.display());
        let file = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .open(&path)
            .context(what)?;
        let mut offset = 0;
        while offset < START + size * writes {
            file.write_all_at(&ZEROS, offset).context(what)?;
            offset += ZEROS.len() as u64;
        }
        file.sync_all().context(what)?;
        Ok(Self {
            file,
            bytes: vec![0xa5; size as usize],
            offset: START,
        })
    }

    /// One `pwrite` and one `fdatasync`, at the next place.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(&mut self) -> Outcome<Duration> {
        let what = || "the raw disk".to_owned();
        let begin = Instant::now();
        self.file.write_all_at(&self.bytes, self.offset).context(what)?;
        self.file.sync_data().context(what)?;
        let took = begin.elapsed();
        self.offset += self.bytes.len() as u64;
        Ok(took)
    }

    /// So many writes where a journaler makes its own: by a thread on `core`, beside the calling one, which looks all the
    /// time. What a sync takes depends on which core the disk interrupts, and on what the others do.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn writes_on(&mut self, core: Option<usize>, writes: u64) -> Outcome<Vec<Duration>> {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let writing = scope.spawn(|| {
                cores::pin(core);
                let took = (0..writes).map(|_| self.write()).collect();
                done.store(true, Ordering::Release);
                took
            });
            while !done.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            writing
                .join()
                .map_err(|_| Failure::new("the thread of the raw writes has died"))?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_write_makes_the_file_longer_or_falls_on_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = RawDisk::make(folder.path(), 512, 200).expect("a file");
        let length = || {
            std::fs::metadata(folder.path().join("raw"))
                .expect("a file")
                .len()
        };
        let before = length();
        let took = disk.writes_on(None, 200).expect("200 writes");
        assert_eq!(took.len(), 200);
        assert_eq!(length(), before);
        let bytes = std::fs::read(folder.path().join("raw")).expect("a file");
        assert_eq!(bytes.iter().filter(|&&byte| byte == 0xa5).count(), 200 * 512);
    }
}
