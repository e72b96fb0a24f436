//! `hoga journal archive`: moves segments that snapshots cover to another folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoga_journal::{DiskStorage, Reader, SnapshotHead, Storage};

use crate::journal_tools::locate;
use crate::output::print;
use crate::snapshot_tools::whole_snapshots;

/// How many snapshots must cover a segment before it may go: one to begin with, and one to fall back to.
const COVERED_BY: usize = 2;

/// Moves every segment that lies before the two newest snapshots that verify from the journal in `dir` to the folder `to`,
/// which is made if it is not there. A file is removed only after its copy is on the disk and was compared with it there.
/// With `dry_run` it only says which.
///
/// # Errors
/// In words: fewer than two snapshots verify and fit the journal, the folder is the journal's own, or a file cannot be read,
/// written or removed; what was moved before stays moved.
pub fn run(dir: &Path, to: &Path, dry_run: bool) -> Result<(), String> {
    let journal = locate(dir)?;
    let storage: Arc<dyn Storage> = Arc::new(DiskStorage::new(&journal));
    // One that recovery would not begin with covers nothing.
    let fits = |head: &SnapshotHead| Reader::open_at(Arc::clone(&storage), Some(&head.position)).is_ok();
    let whole: Vec<SnapshotHead> = whole_snapshots(dir)?.filter(fits).take(COVERED_BY).collect();
    if whole.len() < COVERED_BY {
        return Err(format!(
            "{} of the snapshots in {} verify and fit its journal, and {COVERED_BY} must before a segment may go: nothing \
             was moved. The follower of a running exchange makes them, or `hoga snapshot make`",
            whole.len(),
            dir.display()
        ));
    }
    let first_kept = whole.iter().map(|head| head.position.segment).min().unwrap_or(0);
    let files = segments_before(&journal, first_kept)?;
    if files.is_empty() {
        return print(&format!(
            "no segment lies before segment {first_kept}, where the older of the two snapshots stands"
        ));
    }
    if dry_run {
        let names: Vec<String> = files.iter().map(|name| format!("would move {name}")).collect();
        return print(&names.join("\n"));
    }
    make_folder(to).map_err(|error| format!("cannot make {}: {error}", to.display()))?;
    if is_one_file(&journal, to).map_err(|error| format!("cannot look at {}: {error}", to.display()))? {
        return Err(format!(
            "{} is the journal's own folder: name another one",
            to.display()
        ));
    }
    move_all(&journal, to, first_kept)
}

/// Moves the files, and those that a running exchange has compressed meanwhile under their new names.
fn move_all(journal: &Path, to: &Path, first_kept: u64) -> Result<(), String> {
    loop {
        let mut moved = 0;
        for name in segments_before(journal, first_kept)? {
            match move_file(journal, to, &name) {
                Ok(()) => print(&format!("moved {name}"))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("cannot move {name}: {error}")),
            }
            moved += 1;
        }
        if moved == 0 {
            return Ok(());
        }
    }
}

fn make_folder(to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let whole = to.canonicalize()?;
    File::open(whole.parent().unwrap_or(&whole))?.sync_all()
}

/// Whether two names, links followed, are of one file or folder.
fn is_one_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::metadata(one)?, fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// The names of the files of segments below `bound`, compressed or not, in order.
fn segments_before(journal: &Path, bound: u64) -> Result<Vec<String>, String> {
    let entries =
        fs::read_dir(journal).map_err(|error| format!("cannot read {}: {error}", journal.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| number(name).is_some_and(|number| number < bound))
        .collect();
    names.sort();
    Ok(names)
}

/// The number in the name of a segment's file.
fn number(name: &str) -> Option<u64> {
    let digits = name
        .strip_suffix(".hoga")
        .or_else(|| name.strip_suffix(".hoga.zst"))?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn move_file(from: &Path, to: &Path, name: &str) -> io::Result<()> {
    let (source, target) = (from.join(name), to.join(name));
    if !target.try_exists()? {
        let temporary: PathBuf = to.join(format!("{name}.tmp"));
        io::copy(&mut File::open(&source)?, &mut File::create(&temporary)?)?;
        File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, &target)?;
    }
    let refuse = |why: &str| {
        let why = format!("{} {why}", target.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
    };
    if is_one_file(&source, &target)? {
        return refuse("is the same file, not a copy of it: remove that link first");
    }
    // A copy that was there before may be in memory only, like its name.
    let copy = File::open(&target)?;
    copy.sync_all()?;
    File::open(to)?.sync_all()?;
    rustix::fs::fadvise(&copy, 0, None, rustix::fs::Advice::DontNeed)?;
    if !is_same(&source, &target)? {
        return refuse("is there and has other bytes");
    }
    fs::remove_file(&source)?;
    File::open(from)?.sync_all()
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (
        io::BufReader::new(File::open(one)?),
        io::BufReader::new(File::open(other)?),
    );
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let length = one.read(&mut left)?;
        if length == 0 {
            return Ok(other.read(&mut right)? == 0);
        }
        match other.read_exact(&mut right[..length]) {
            Ok(()) if left[..length] == right[..length] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
