//! `hoga journal verify|stat|dump`: looking at a journal without changing it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hoga_journal::{Reader, Summary, verify_with};
use hoga_protocol::{Command, Nanos};
use serde_json::{Value, json};

use crate::cli::print;
use crate::recovery::{decode, journal_dir};
use crate::replay::{bytes_bar, hex};

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
        tail(&summary)
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
    print(&(text + &tail(&summary)))
}

/// A torn tail in words, on a line of its own; nothing when there is none.
fn tail(summary: &Summary) -> String {
    if summary.tail.torn_bytes == 0 {
        return String::new();
    }
    format!(
        "\na torn tail of {} bytes follows at offset {} of segment {}: the next start cuts it; nothing in it was ever \
         acknowledged",
        summary.tail.torn_bytes, summary.tail.offset, summary.tail.segment
    )
}

fn read_all(dir: &Path) -> Result<Summary, String> {
    let bar = bytes_bar("reading");
    let shown = bar.clone();
    let mut reader = Reader::open(dir)
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
        "records": summary.records,
        "record_bytes": summary.record_bytes,
        "frame_bytes": summary.frame_bytes,
        "largest_batch": summary.largest_batch,
        "batches": summary.batches,
        "chain": hex(&summary.chain),
        "torn_bytes": summary.tail.torn_bytes,
    })
}

/// Prints the commands from `from` to `until`, one per line.
///
/// # Errors
/// As [`verify`]; also a record that this program cannot read.
pub fn dump(dir: &Path, from: u64, until: Option<u64>, json: bool) -> Result<(), String> {
    let mut reader = Reader::open(locate(dir)?).map_err(|error| error.to_string())?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some(record) = reader.next_record().map_err(|error| error.to_string())? {
        if until.is_some_and(|until| record.sequence > until) {
            break;
        }
        if record.sequence < from {
            continue;
        }
        let (timestamp, command) = decode(record.sequence, record.bytes)?;
        let line = if json {
            describe(record.sequence, timestamp, &command).to_string()
        } else {
            format!("{:>10} {} {command:?}", record.sequence, timestamp.0)
        };
        match writeln!(out, "{line}") {
            // The reader at the other end of a pipe has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(|error| error.to_string())?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A command in ticks, lots and numbers, as the engine sees it.
fn describe(sequence: u64, timestamp: Nanos, command: &Command) -> Value {
    let mut line = match command {
        Command::Genesis(genesis) => json!({
            "command": "Genesis",
            "engine_version": genesis.engine_version,
            "exchange": genesis.exchange.0,
            "max_open_orders": genesis.limits.max_open_orders,
            "max_accounts": genesis.limits.max_accounts,
            "max_instruments": genesis.limits.max_instruments,
            "client_ids_per_account": genesis.limits.client_ids_per_account,
            "client_ids_total": genesis.limits.client_ids_total,
        }),
        Command::DefineInstrument(spec) => json!({
            "command": "DefineInstrument",
            "symbol": spec.symbol().as_str(),
            "tick_size": spec.price_text(hoga_protocol::Ticks(1)).to_string(),
            "lot_size": spec.quantity_text(hoga_protocol::Lots(1)).to_string(),
            "min_lots": spec.min_quantity.0,
            "max_lots": spec.max_quantity.0,
            "maker_fee_ppm": spec.maker_fee.0,
            "taker_fee_ppm": spec.taker_fee.0,
        }),
        Command::OpenAccount(open) => {
            json!({"command": "OpenAccount", "account": open.account.0, "name": open.name.as_str()})
        }
        Command::NewOrder(order) => json!({
            "command": "NewOrder",
            "account": order.account.0,
            "instrument": order.instrument.0,
            "side": format!("{:?}", order.side),
            "type": format!("{:?}", order.order_type),
            "time_in_force": format!("{:?}", order.time_in_force).to_uppercase(),
            "post_only": order.post_only,
            "price_ticks": order.price.0,
            "quantity_lots": order.quantity.0,
            "client_order_id": (!order.client_order_id.is_empty()).then(|| order.client_order_id.as_str()),
        }),
        Command::ReplaceOrder(replace) => json!({
            "command": "ReplaceOrder",
            "account": replace.account.0,
            "order": replace.order.0,
            "price_ticks": replace.price.map(|price| price.0),
            "quantity_lots": replace.quantity.map(|quantity| quantity.0),
        }),
        Command::CancelOrder(cancel) => {
            json!({"command": "CancelOrder", "account": cancel.account.0, "order": cancel.order.0})
        }
        Command::CancelAll(cancel) => json!({
            "command": "CancelAll",
            "account": cancel.account.0,
            "instrument": cancel.instrument.map(|instrument| instrument.0),
            "before": cancel.before.map(|before| before.0),
        }),
    };
    line["sequence"] = json!(sequence);
    line["timestamp_ns"] = json!(timestamp.0);
    line
}
