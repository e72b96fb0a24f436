//! What has to be tried: one look at the clock, one sync.

use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::statvfs;

use super::host::Measured;

/// Looks at the clock that are timed together, and how often the fastest of them is looked for.
const LOOKS: u32 = 1_000;
const ROUNDS: u32 = 20;

/// The most syncs, and the most time they may take.
const SYNCS: usize = 200;
const SYNC_TIME: Duration = Duration::from_millis(500);

/// The size of one write, in bytes: a journal frame of one command.
const WRITE: usize = 512;

/// Tries what can be tried, the disk only where there is a data folder.
pub fn measure(data_dir: Option<&Path>) -> Measured {
    Measured {
        clock_read: Some(clock_read()),
        syncs: data_dir.map(|dir| syncs(dir).map_err(|error| error.to_string())),
        free_bytes: data_dir
            .and_then(|dir| statvfs(dir).ok())
            .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)),
    }
}

/// Nanoseconds of one look at the clock, of the fastest round: what others took of the time is not the clock's.
fn clock_read() -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..LOOKS {
            black_box(Instant::now());
        }
        start.elapsed()
    });
    let fastest = rounds.min().unwrap_or_default();
    fastest.as_nanos() as f64 / f64::from(LOOKS)
}

/// What syncs take, in order of length. The file's name is gone before the first, so it cannot be left behind.
fn syncs(dir: &Path) -> io::Result<Vec<Duration>> {
    let path = dir.join(format!("doctor-{}.tmp", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    // Into blocks that are written already, as the journal does: a sync need not note where they lie.
    file.write_all_at(&vec![0; SYNCS * WRITE], 0)?;
    file.sync_all()?;
    let (start, mut times) = (Instant::now(), Vec::with_capacity(SYNCS));
    while times.len() < SYNCS && (times.is_empty() || start.elapsed() < SYNC_TIME) {
        let began = Instant::now();
        file.write_all_at(&[1; WRITE], (times.len() * WRITE) as u64)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}
