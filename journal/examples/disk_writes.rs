//! Measures how a commit reaches the disk: `pwrite` and `fdatasync`, `pwrite` to a file opened with `O_DSYNC`, and
//! `pwrite` to one opened with `O_DIRECT | O_DSYNC`.
//!
//! `cargo run --release -p hoga-journal --example disk_writes -- FOLDER` makes a temporary folder in FOLDER (else in the
//! current one), with one file for each, reserved and written with zeros as a segment is, and removes it afterwards. It
//! takes up to 1 GB. The methods take turns within one run, some writes each, at offsets never written before, so that
//! what else the machine does meets all alike.

use rustix::fs::{Advice, FallocateFlags, OFlags};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The size of a write in bytes, how many there are of each method, and how many come in one turn.
const ROUNDS: [(usize, usize, usize); 5] = [
    (512, 3_000, 50),
    (4 << 10, 3_000, 50),
    (16 << 10, 3_000, 50),
    (128 << 10, 1_000, 50),
    (1 << 20, 300, 20),
];
/// What every file system and disk asks of an address for `O_DIRECT`, at most.
const ALIGNMENT: usize = 4_096;
/// Writes before the first that is timed, for each method.
const WARM_UP: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Fdatasync,
    Dsync,
    DirectDsync,
}

impl Method {
    const ALL: [Method; 3] = [Method::Fdatasync, Method::Dsync, Method::DirectDsync];

    fn name(self) -> &'static str {
        match self {
            Method::Fdatasync => "`pwrite`, `fdatasync`",
            Method::Dsync => "`O_DSYNC`",
            Method::DirectDsync => "`O_DIRECT \\| O_DSYNC`",
        }
    }

    fn flags(self) -> OFlags {
        match self {
            Method::Fdatasync => OFlags::empty(),
            Method::Dsync => OFlags::DSYNC,
            Method::DirectDsync => OFlags::DIRECT | OFlags::DSYNC,
        }
    }
}

/// A file that a method writes, from its start on; it is removed when dropped.
struct Target {
    method: Method,
    path: PathBuf,
    file: File,
    offset: u64,
    times: Vec<Duration>,
}

impl Target {
    fn make(folder: &Path, method: Method, bytes: u64) -> io::Result<Target> {
        let path = folder.join(format!("{method:?}"));
        let made = zeroed(&path, bytes).and_then(|file| {
            if method == Method::DirectDsync {
                // The others write into pages that the kernel still holds, as the journal does.
                rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
            }
            OpenOptions::new()
                .write(true)
                .custom_flags(method.flags().bits() as i32)
                .open(&path)
        });
        match made {
            Ok(file) => Ok(Target {
                method,
                path,
                file,
                offset: 0,
                times: Vec::new(),
            }),
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = Instant::now();
        self.file.write_all_at(bytes, self.offset)?;
        if self.method == Method::Fdatasync {
            rustix::fs::fdatasync(&self.file)?;
        }
        self.times.push(start.elapsed());
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A file of zeros, durable, as a segment is before its first frame.
fn zeroed(path: &Path, bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        reserved => reserved?,
    }
    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(zeros.len() as u64);
        (&file).write_all(&zeros[..length as usize])?;
        left -= length;
    }
    file.sync_all()?;
    Ok(file)
}

/// The first place in `slack` whose address is aligned.
fn aligned(slack: &mut [u8]) -> &mut [u8] {
    let at = slack.as_ptr() as usize;
    &mut slack[at.next_multiple_of(ALIGNMENT) - at..]
}

fn measure(folder: &Path, size: usize, count: usize, turn: usize) -> io::Result<()> {
    let bytes = (size * (count + WARM_UP)) as u64;
    let mut targets = Vec::new();
    for method in Method::ALL {
        match Target::make(folder, method, bytes.next_multiple_of(1 << 20)) {
            Ok(target) => targets.push(target),
            Err(error) => eprintln!("{} is refused here: {error}", method.name()),
        }
    }
    let mut slack: Vec<u8> = (0..size + ALIGNMENT).map(|at| (at * 31) as u8).collect();
    let buffer = &mut aligned(&mut slack)[..size];
    targets.retain_mut(|target| {
        let warm = (0..WARM_UP).try_for_each(|_| target.write(buffer));
        target.times.clear();
        if let Err(error) = &warm {
            eprintln!(
                "{} of {size} bytes is refused here: {error}",
                target.method.name()
            );
        }
        warm.is_ok()
    });
    let mut done = 0;
    while done < count {
        let now = turn.min(count - done);
        for target in &mut targets {
            for write in 0..now {
                buffer[..8].copy_from_slice(&((done + write) as u64).to_le_bytes());
                target.write(buffer)?;
            }
        }
        // Whoever comes first after a change of turns shall not always be the same.
        targets.rotate_left(1);
        done += now;
    }
    targets.sort_by_key(|target| target.method as u8);
    for target in &mut targets {
        print_row(size, target);
    }
    Ok(())
}

fn print_row(size: usize, target: &mut Target) {
    let times = &mut target.times;
    times.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let at = |share: f64| micros(times[((times.len() - 1) as f64 * share).round() as usize]);
    let total: Duration = times.iter().sum();
    let rate = (size * times.len()) as f64 / total.as_secs_f64() / f64::from(1 << 20);
    println!(
        "| {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {rate:.1} |",
        words(size),
        target.method.name(),
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
    );
}

fn words(size: usize) -> String {
    match size {
        0..1_024 => format!("{size} B"),
        1_024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

fn told_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |error| format!("{program}: {error}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(folder)?;
    let at = folder.path().to_string_lossy().into_owned();
    println!("{}", told_by("uname", &["-srvm"]));
    println!("{}", told_by("df", &["--output=source,fstype,size,avail", &at]));
    println!("{}\n", told_by("uptime", &[]));
    println!("| write | method | writes | p50 µs | p90 | p99 | p99.9 | max | MiB/s |");
    println!("|---:|---|---:|---:|---:|---:|---:|---:|---:|");
    for (size, count, turn) in ROUNDS {
        measure(folder.path(), size, count, turn)?;
    }
    println!("\n{}", told_by("uptime", &[]));
    Ok(())
}
