//! `hoga snapshot list|make|verify`: the snapshots of an exchange.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoga_follower::Progress;
use hoga_gateway::codec::time;
use hoga_journal::{DiskStorage, SnapshotFile, SnapshotHead, Snapshots};
use hoga_protocol::Nanos;
use serde_json::{Value, json};

use crate::clock::system_time;
use crate::config::Config;
use crate::following::{begin, follower, lock};
use crate::hexadecimal::hex;
use crate::output::print;
use crate::output::{bytes_bar, counter};
use crate::recovery::{Stores, snapshots_dir};

/// Lists the snapshots, the newest first, without reading them.
///
/// # Errors
/// In words: the folder cannot be read.
pub fn list(dir: &Path, json: bool) -> Result<(), String> {
    let files = snapshots(dir).list().map_err(|error| error.to_string())?;
    if json {
        let files: Vec<Value> = files.iter().map(|file| describe(file, None)).collect();
        return print(&Value::Array(files).to_string());
    }
    if files.is_empty() {
        return print(&format!("no snapshots in {}", dir.display()));
    }
    let lines: Vec<String> = files
        .iter()
        .map(|file| format!("{}  {}", file.name, size(file)))
        .collect();
    print(&lines.join("\n"))
}

/// Reads and checks every snapshot, or the one of `sequence`.
///
/// # Errors
/// In words: there is none, or one is damaged; the others have been checked and printed then.
pub fn verify(dir: &Path, sequence: Option<u64>, json: bool) -> Result<(), String> {
    let snapshots = snapshots(dir);
    let mut files = snapshots.list().map_err(|error| error.to_string())?;
    files.retain(|file| sequence.is_none_or(|sequence| sequence == file.sequence));
    if files.is_empty() {
        let which = sequence.map_or(String::new(), |sequence| format!(" of sequence {sequence}"));
        return Err(format!("there is no snapshot{which} in {}", dir.display()));
    }
    let mut damaged = Vec::new();
    for file in &files {
        let bar = bytes_bar("verifying");
        let read = snapshots.verify_with(file, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        match read {
            Ok(head) if json => print(&describe(file, Some(&head)).to_string())?,
            Ok(head) => print(&format!(
                "{}  whole: rules {}, state {}, taken {}",
                file.name,
                head.rules,
                hex(&head.state_digest),
                iso(head.taken_at)
            ))?,
            Err(error) => damaged.push(error.to_string()),
        }
    }
    match damaged.is_empty() {
        true => Ok(()),
        false => Err(damaged.join("\nhoga: ")),
    }
}

/// Makes a snapshot of the journal's end.
///
/// # Errors
/// In words: there is no journal, it is damaged, another process makes snapshots, or the disk has no room.
pub fn make(config: &Config, json: bool) -> Result<(), String> {
    crate::journal_tools::locate(&config.data_dir)?;
    let stores = Stores::new(&config.data_dir);
    let _lock = lock(&*stores.snapshots)?;
    let (base, place) = begin(config, &stores)?;
    let newest = base.replica.last_sequence();
    let mut options = config.follower();
    // Only the one snapshot, and nothing beside it.
    options.snapshot_commands = 0;
    options.snapshot_interval = std::time::Duration::ZERO;
    options.compression = hoga_follower::Compression::None;
    options.keep = usize::MAX;
    let mut follower = follower(&stores, base.replica, place, options, newest)?;
    let bar = counter("replaying", "commands");
    loop {
        match follower.step(std::time::Duration::ZERO, Nanos(0)) {
            Ok(Progress::Idle) => break,
            Ok(_) => bar.set_position(follower.replica().last_sequence()),
            Err(error) => return Err(error.to_string()),
        }
    }
    bar.finish_and_clear();
    if !follower.has_news() {
        return match json {
            true => print(&json!({ "sequence": newest }).to_string()),
            false => print(&format!(
                "the newest snapshot holds everything up to sequence {newest} already"
            )),
        };
    }
    let file = follower
        .snapshot(system_time())
        .map_err(|error| error.to_string())?;
    match json {
        true => print(&describe(&file, None).to_string()),
        false => print(&format!("{}  {}, read back and whole", file.name, size(&file))),
    }
}

/// The heads of the snapshots that verify, the newest first; each is read when it is asked for.
///
/// # Errors
/// In words: the folder cannot be read.
pub fn whole_snapshots(dir: &Path) -> Result<impl Iterator<Item = SnapshotHead>, String> {
    let snapshots = snapshots(dir);
    let files = snapshots.list().map_err(|error| error.to_string())?;
    Ok(files
        .into_iter()
        .filter_map(move |file| snapshots.verify(&file).ok()))
}

fn snapshots(dir: &Path) -> Snapshots {
    let inner: PathBuf = snapshots_dir(dir);
    let dir = if inner.is_dir() { inner } else { dir.to_path_buf() };
    Snapshots::new(Arc::new(DiskStorage::new(dir)))
}

fn size(file: &SnapshotFile) -> String {
    file.bytes
        .map_or("of unknown size".to_owned(), |bytes| format!("{bytes} bytes"))
}

fn describe(file: &SnapshotFile, head: Option<&SnapshotHead>) -> Value {
    let mut value = json!({ "name": file.name, "sequence": file.sequence, "bytes": file.bytes });
    if let Some(head) = head {
        value["rules"] = json!(head.rules);
        value["state_digest"] = json!(hex(&head.state_digest));
        value["chain"] = json!(hex(&head.position.chain));
        value["segment"] = json!(head.position.segment);
        value["offset"] = json!(head.position.offset);
        value["taken_at"] = json!(iso(head.taken_at));
    }
    value
}

fn iso(nanos: u64) -> String {
    let mut text = Vec::with_capacity(time::TEXT_LEN);
    time::write_iso(&mut text, Nanos(nanos));
    String::from_utf8_lossy(&text).into_owned()
}
