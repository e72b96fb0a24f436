//! `hoga replay`: a journal through the engine and the views again, for their digests.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hoga_engine::EventsDigest;
use hoga_follower::{Recovery, spread};
use hoga_journal::{DiskStorage, Reader};
use hoga_protocol::{Event, Sequence};
use hoga_views::ViewLimits;

use crate::hexadecimal::hex;
use crate::journal_tools::locate;
use crate::output::{bytes_bar, print};
use crate::recovery::snapshots_dir;

/// What to replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The last sequence; all of the journal without it.
    pub until: Option<u64>,
    /// Begin with the newest snapshot that verifies, and not with the first record.
    pub from_snapshot: bool,
    /// The first checkpoint whose disagreement is passed over.
    pub accept_divergence: Option<u64>,
    /// Whether the events are digested.
    pub events: bool,
    /// How much the views hold; their digest depends on it.
    pub views: ViewLimits,
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// The sequence of the snapshot it began with; 0 for none.
    pub snapshot: u64,
    /// Commands applied.
    pub records: u64,
    /// The last one's sequence.
    pub last_sequence: u64,
    /// Events emitted.
    pub events: u64,
    /// Orders that rest.
    pub open_orders: usize,
    /// Version of the rules at the end.
    pub rules: u32,
    /// The newest checkpoint that was compared or made; 0 for none.
    pub last_checkpoint: u64,
    /// Digest of the engine's state, 32 hexadecimal digits.
    pub state_digest: String,
    /// Digest of all that the views hold, 32 hexadecimal digits.
    pub views_digest: String,
    /// Digest of every event in order, 32 hexadecimal digits; none where it was not asked for.
    pub events_digest: Option<String>,
    /// How fast it went, digests of the end not counted; the only figure here that differs between two runs.
    pub records_per_second: u64,
}

/// Replays the journal in `data_dir` and prints the outcome.
///
/// # Errors
/// In words: there is no journal, it is damaged, it is newer than this program, or a checkpoint in it disagrees.
pub fn run(data_dir: &Path, scope: &Scope, json: bool) -> Result<(), String> {
    let outcome = replay(data_dir, scope)?;
    if let Some(until) = scope.until.filter(|until| *until > outcome.last_sequence) {
        eprintln!(
            "hoga: the journal ends at sequence {}, before {until}: all of it was replayed",
            outcome.last_sequence
        );
    }
    if json {
        return print(&serde_json::to_string(&outcome).map_err(|error| error.to_string())?);
    }
    print(&format!(
        "snapshot           {}\nrecords            {}\nlast_sequence      {}\nevents             {}\n\
         open_orders        {}\nrules              {}\nlast_checkpoint    {}\nstate_digest       {}\n\
         views_digest       {}\nevents_digest      {}\nrecords_per_second {}",
        match outcome.snapshot {
            0 => "none".to_owned(),
            sequence => sequence.to_string(),
        },
        outcome.records,
        outcome.last_sequence,
        outcome.events,
        outcome.open_orders,
        outcome.rules,
        outcome.last_checkpoint,
        outcome.state_digest,
        outcome.views_digest,
        outcome.events_digest.as_deref().unwrap_or("not taken"),
        outcome.records_per_second
    ))
}

/// Replays the journal in `dir`, an exchange's data folder or the journal's own.
///
/// # Errors
/// As [`run`].
pub fn replay(dir: &Path, scope: &Scope) -> Result<Outcome, String> {
    let journal = locate(dir)?;
    let snapshots = Arc::new(DiskStorage::new(snapshots_dir(dir)));
    let mut recovery = Recovery::new(snapshots, scope.views)
        .map_err(|error| error.to_string())?
        .until(scope.until.unwrap_or(u64::MAX));
    if !scope.from_snapshot {
        recovery = recovery.from_genesis();
    }
    let mut base = recovery.next_base().ok_or("there is no state to begin from")?;
    base.replica
        .accept_divergence(scope.accept_divergence.map(Sequence));
    for why in &base.passed_over {
        eprintln!("hoga: {why}");
    }
    if scope.from_snapshot && base.snapshot.is_none() {
        eprintln!("hoga: there is no snapshot that can be used: replaying from the first record");
    }
    let snapshot = base.replica.last_sequence();
    let bar = bytes_bar("replaying");
    let shown = bar.clone();
    let at = base.snapshot.as_ref().map(|(_, head)| &head.position);
    let mut reader = Reader::open_at(Arc::new(DiskStorage::new(journal)), at)
        .map_err(|error| error.to_string())?
        .with_progress(move |done, total| {
            shown.set_length(total);
            shown.set_position(done);
        });
    let start = Instant::now();
    let mut digest = scope.events.then(EventsDigest::new);
    let mut events = 0;
    let (replica, applied) = spread(base.replica, |replica| {
        while let Some(record) = reader.next_record().map_err(|error| error.to_string())? {
            if scope.until.is_some_and(|until| record.sequence > until) {
                break;
            }
            let note = |event: &Event| {
                events += 1;
                if let Some(digest) = &mut digest {
                    digest.push(event);
                }
            };
            (replica.apply(record.sequence, record.bytes, note)).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    });
    applied?;
    let took = start.elapsed().as_secs_f64().max(1e-9);
    bar.finish_and_clear();
    let records = replica.last_sequence() - snapshot;
    Ok(Outcome {
        snapshot,
        records,
        last_sequence: replica.last_sequence(),
        events,
        open_orders: replica.engine.open_orders(),
        rules: replica.engine.rules(),
        last_checkpoint: replica.engine.last_check().map_or(0, |check| check.sequence.0),
        state_digest: hex(&replica.engine.state_digest()),
        views_digest: hex(&replica.views_digest()),
        events_digest: digest.map(|digest| hex(&digest.finish())),
        records_per_second: (records as f64 / took) as u64,
    })
}
