//! `hoga journal verify|stat`: looking at a journal without changing it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoga_journal::{DiskStorage, Reader, Summary, verify_with};
use serde_json::{Value, json};

use crate::hexadecimal::hex;
use crate::output::bytes_bar;
use crate::output::print;
use crate::recovery::journal_dir;

/// The journal's folder, given it or the data folder around it.
///
/// # Errors
/// In words, when there is no journal in either.
pub fn locate(dir: &Path) -> Result<PathBuf, String> {
    let inner = journal_dir(dir);
    let has_segments = |dir: &Path| {
        let entries = std::fs::read_dir(dir).ok()?;
        entries
            .flatten()
            .any(|entry| entry.path().extension().is_some_and(|end| end == "hoga"))
            .then_some(())
    };
    [inner, dir.to_path_buf()]
        .into_iter()
        .find(|dir| has_segments(dir).is_some())
        .ok_or_else(|| {
            format!(
                "there is no journal in {}: name the data folder of an exchange (--data-dir of hoga serve)",
                dir.display()
            )
        })
}

/// Reads and checks everything; prints what stands there.
///
/// # Errors
/// The first damage, in words: segment, offset, sequence and what to do.
pub fn verify(dir: &Path, json: bool) -> Result<(), String> {
    let summary = read_all(&locate(dir)?)?;
    if json {
        return print(&to_json(&summary).to_string());
    }
    print(&format!(
        "whole: {} records in {} frames of {} segments; chain {}{}",
        summary.records,
        summary.frames,
        summary.segments,
        hex(&summary.chain),
        head(&summary) + &tail(&summary)
    ))
}

/// Counts what is there.
///
/// # Errors
/// As [`verify`].
pub fn stat(dir: &Path, json: bool) -> Result<(), String> {
    let summary = read_all(&locate(dir)?)?;
    if json {
        return print(&to_json(&summary).to_string());
    }
    let per = |bytes: u64, count: u64| bytes as f64 / count.max(1) as f64;
    let id = summary.journal_id.map_or("none".to_owned(), |id| id.to_string());
    let mut text = format!(
        "journal id    {id}\nsegments      {}\nframes        {}\nrecords       {}  (the last sequence)\n\
         record bytes  {}  ({:.1} a record)\nframe bytes   {}  ({:.1} a record)\n\
         batches       mean {:.1} records, largest {}",
        summary.segments,
        summary.frames,
        summary.records,
        summary.record_bytes,
        per(summary.record_bytes, summary.records),
        summary.frame_bytes,
        per(summary.frame_bytes, summary.records),
        per(summary.records, summary.frames),
        summary.largest_batch
    );
    for (class, frames) in summary
        .batches
        .iter()
        .enumerate()
        .filter(|(_, frames)| **frames > 0)
    {
        text.push_str(&format!(
            "\n  {:>5} to {:>5} records: {frames} frames",
            1u64 << class,
            (2u64 << class) - 1
        ));
    }
    print(&(text + &head(&summary) + &tail(&summary)))
}

/// Where a journal begins whose first segments are elsewhere, on a line of its own; nothing when they are here.
fn head(summary: &Summary) -> String {
    match summary.first_sequence {
        1 => String::new(),
        first => format!("\nit begins at sequence {first}: the segments before were moved away"),
    }
}

/// A torn tail in words, on a line of its own; nothing when there is none.
fn tail(summary: &Summary) -> String {
    if summary.tail.torn_bytes == 0 {
        return String::new();
    }
    format!(
        "\na torn tail of {} bytes follows at offset {} of segment {}: the next start cuts it; some of its sectors were \
         never written, so under fsync nothing in it was acknowledged",
        summary.tail.torn_bytes, summary.tail.offset, summary.tail.segment
    )
}

fn read_all(dir: &Path) -> Result<Summary, String> {
    let bar = bytes_bar("reading");
    let shown = bar.clone();
    let mut reader = Reader::open_present(Arc::new(DiskStorage::new(dir)))
        .map_err(|error| error.to_string())?
        .with_progress(move |done, total| {
            shown.set_length(total);
            shown.set_position(done);
        });
    let summary = verify_with(&mut reader).map_err(|error| error.to_string());
    bar.finish_and_clear();
    summary
}

fn to_json(summary: &Summary) -> Value {
    json!({
        "journal_id": summary.journal_id,
        "segments": summary.segments,
        "frames": summary.frames,
        "first_sequence": summary.first_sequence,
        "records": summary.records,
        "record_bytes": summary.record_bytes,
        "frame_bytes": summary.frame_bytes,
        "largest_batch": summary.largest_batch,
        "batches": summary.batches,
        "chain": hex(&summary.chain),
        "torn_bytes": summary.tail.torn_bytes,
    })
}
