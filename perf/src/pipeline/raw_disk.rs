//! The disk without a journal: one write and one sync at a time, into a file whose bytes are all there already.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Context, Outcome};

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
        for _ in 0..200 {
            disk.write().expect("a write");
        }
        assert_eq!(length(), before);
        let bytes = std::fs::read(folder.path().join("raw")).expect("a file");
        assert_eq!(bytes.iter().filter(|&&byte| byte == 0xa5).count(), 200 * 512);
    }
}
