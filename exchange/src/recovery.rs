//! From a data folder to an engine, views and a journal that go on where they stopped; or to a new exchange.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hoga_engine::ENGINE_VERSION;
use hoga_follower::{ApplyError, Base, Recovery, Replica, spread};
use hoga_journal::{
    Absence, DiskStorage, Journal, NotHere, OpenError, Options, ReadError, Reader, RecoveryReport,
    SnapshotFile, SnapshotHead, Storage, ThreadStart, Writer,
};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, Event, EventBody, ExchangeId, Genesis, InstrumentSpec, Limits, Sequence};
use hoga_views::Views;

use crate::config::{Config, Durability};
use crate::{cores, instruments};

/// An exchange as its journal left it.
pub struct Recovered {
    /// The engine and the views.
    pub replica: Replica,
    /// The journal, which goes on after the engine's last sequence.
    pub writer: Writer,
    /// The sequence of the newest snapshot that was believed; 0 for none.
    pub snapshot: u64,
    /// When it was taken, in nanoseconds since 1970; 0 for none.
    pub snapshot_at: u64,
    /// What was found, in a few words.
    pub summary: String,
    /// What somebody should look at, each in a sentence.
    pub warnings: Vec<String>,
}

/// Where an exchange keeps its files.
#[derive(Clone)]
pub struct Stores {
    /// The journal's folder.
    pub journal: Arc<dyn Storage>,
    /// The snapshots' folder.
    pub snapshots: Arc<dyn Storage>,
}

impl Stores {
    /// The folders in a data folder. Nothing is touched.
    pub fn new(data_dir: &Path) -> Stores {
        Stores {
            journal: Arc::new(DiskStorage::new(journal_dir(data_dir))),
            snapshots: Arc::new(DiskStorage::new(snapshots_dir(data_dir))),
        }
    }
}

/// Where the journal lies in a data folder.
pub fn journal_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}

/// Where the snapshots lie in a data folder.
pub fn snapshots_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("snapshots")
}

/// Recovers the exchange in `stores`, or begins one there. `progress` is told the sequence reached now and then.
///
/// # Errors
/// In words: the journal is in use, damaged or newer than this program, or differs from the configuration; or a snapshot
/// shows that the journal has lost records.
pub fn recover(config: &Config, stores: &Stores, progress: &mut dyn FnMut(u64)) -> Result<Recovered, String> {
    let (mut recovered, report) = open(config, stores, progress)?;
    if report.records == 0 {
        begin(config, &mut recovered.replica, &mut recovered.writer)?;
        recovered.summary = "a new exchange".to_owned();
    } else {
        let warning = compare(config, &recovered.replica.views)?;
        recovered.warnings.extend(warning);
    }
    Ok(recovered)
}

/// As [`recover`], but begins no exchange and compares nothing with the configuration.
///
/// # Errors
/// As [`recover`].
pub fn open(
    config: &Config,
    stores: &Stores,
    progress: &mut dyn FnMut(u64),
) -> Result<(Recovered, RecoveryReport), String> {
    let options = options(config)?;
    let mut warnings = Vec::new();
    let (mut unfit, mut diverged) = (Vec::new(), None);
    let mut recovery =
        Recovery::new(Arc::clone(&stores.snapshots), config.views()).map_err(|error| error.to_string())?;
    if config.durability == Durability::Memory {
        recovery = recovery.from_genesis();
    }
    while let Some(base) = recovery.next_base() {
        let Base {
            mut replica,
            snapshot,
            passed_over,
        } = base;
        warnings.extend(passed_over);
        replica.accept_divergence(config.accept_divergence.map(Sequence));
        if snapshot.is_none() && !unfit.is_empty() && is_empty(stores) {
            return Err(format!(
                "{}. Nothing was changed. Is the disk mounted? Restore the journal; or, to begin a new exchange, name \
                 another data_dir",
                warnings.join("; ")
            ));
        }
        let start = Instant::now();
        let from = snapshot.as_ref().map(|(_, head)| &head.position);
        let (mut replica, opened) = spread(replica, |replica| {
            Journal::open_from(Arc::clone(&stores.journal), &options, from, |sequence, record| {
                if sequence.is_multiple_of(1 << 16) {
                    progress(sequence);
                }
                replica.apply(sequence, record, |_| {})
            })
        });
        match opened {
            Ok((writer, report)) => {
                replica.accept_divergence(None);
                set_aside(&*stores.snapshots, &unfit, &mut warnings);
                let recovered = Recovered {
                    replica,
                    writer,
                    summary: summarize(&report, snapshot.is_some(), start),
                    snapshot: base_sequence(&snapshot),
                    snapshot_at: snapshot.as_ref().map_or(0, |(_, head)| head.taken_at),
                    warnings,
                };
                return Ok((recovered, report));
            }
            Err(OpenError::Read(ReadError::NotHere(absent))) if config.durability != Durability::Fsync => {
                warnings.push(format!(
                    "{}; an earlier state is taken",
                    unfit_words(&snapshot, &absent)
                ));
                // One of another journal says nothing of this one, and is left alone.
                if matches!(absent.why, Absence::Ahead(_)) {
                    unfit.extend(snapshot.map(|(file, _)| file.name));
                }
            }
            // A snapshot may itself be what is wrong: an older state tells.
            Err(
                error @ OpenError::Record {
                    source: ApplyError::Diverged { .. },
                    ..
                },
            ) if snapshot.is_some() => {
                warnings.push(format!(
                    "from the snapshot of sequence {}: {error}",
                    base_sequence(&snapshot)
                ));
                diverged = Some(explain(error, &snapshot));
                unfit.extend(snapshot.map(|(file, _)| file.name));
            }
            Err(error @ OpenError::Record { .. }) => return Err(explain(error, &snapshot)),
            Err(error) => return Err(diverged.unwrap_or_else(|| explain(error, &snapshot))),
        }
    }
    Err(diverged.unwrap_or_else(|| "no state was found to recover from".to_owned()))
}

/// Gives other names to snapshots that the journal contradicts, or that are of a course of events which it has lost. Under
/// their own they would stay the newest for ever. They are evidence, so they are kept.
fn set_aside(snapshots: &dyn Storage, names: &[String], warnings: &mut Vec<String>) {
    for name in names {
        let aside = format!("{name}.unfit");
        warnings.push(match snapshots.rename(name, &aside) {
            Ok(()) => format!("the snapshot {name} is kept as {aside}"),
            Err(error) => format!("the snapshot {name} cannot be renamed to {aside}: {error}"),
        });
    }
}

/// Whether the journal was never begun, or is not there.
fn is_empty(stores: &Stores) -> bool {
    Reader::open_with(Arc::clone(&stores.journal)).is_ok_and(|reader| reader.journal_id().is_none())
}

fn base_sequence(snapshot: &Option<(SnapshotFile, SnapshotHead)>) -> u64 {
    snapshot.as_ref().map_or(0, |(file, _)| file.sequence)
}

fn options(config: &Config) -> Result<Options, String> {
    Ok(Options {
        journal_id: random_u32()?,
        segment_bytes: config.journal.segment_mib << 20,
        durability: match config.durability {
            Durability::Fsync => hoga_journal::Durability::Fsync,
            Durability::PageCache => hoga_journal::Durability::PageCache,
            Durability::Memory => hoga_journal::Durability::Memory,
        },
        // The thread that makes segments is started by one that may run anywhere, while it recovers.
        on_thread_start: config
            .plan()
            .ok()
            .map(|plan| ThreadStart::new(move || cores::keep_off(&plan))),
        ..Options::default()
    })
}

/// Why a snapshot does not fit the journal.
fn unfit_words(snapshot: &Option<(SnapshotFile, SnapshotHead)>, absent: &NotHere) -> String {
    let name = snapshot.as_ref().map_or("", |(file, _)| file.name.as_str());
    let what = match &absent.why {
        Absence::Ahead(tail) if tail.segment == 0 => "is empty".to_owned(),
        Absence::Ahead(tail) => format!("ends before sequence {}", tail.next_sequence),
        Absence::Elsewhere(_) => "goes another way there".to_owned(),
    };
    format!(
        "the snapshot {name} does not fit the journal in {}, which {what}",
        absent.location
    )
}

fn explain(error: OpenError<ApplyError>, snapshot: &Option<(SnapshotFile, SnapshotHead)>) -> String {
    match error {
        OpenError::Record { source, .. } => match source {
            ApplyError::Diverged { sequence, .. } => format!(
                "{source}. Nothing was changed. Once that is done, `hoga serve --accept-divergence {sequence}` goes on \
                 with what the journal gives"
            ),
            source => source.to_string(),
        },
        OpenError::Read(ReadError::NotHere(absent)) => {
            let what = match absent.why {
                Absence::Ahead(_) => "acknowledged commands are lost",
                Absence::Elsewhere(_) => "one of the two is of another exchange, or of another time",
            };
            format!(
                "{}: {what}. Nothing was changed. Restore the journal from a copy that fits; or, to go on without, move the \
                 snapshots that do not fit away",
                unfit_words(snapshot, &absent)
            )
        }
        other => other.to_string(),
    }
}

fn summarize(report: &RecoveryReport, from_snapshot: bool, start: Instant) -> String {
    let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut text = if from_snapshot {
        let at = report.records - report.replayed;
        format!(
            "recovered the snapshot of sequence {at} and {} after it",
            count(report.replayed, "command")
        )
    } else {
        format!(
            "recovered {} from {}",
            count(report.replayed, "command"),
            count(report.segments, "segment")
        )
    };
    text.push_str(&format!(" in {:.1} s", start.elapsed().as_secs_f64()));
    if let Some(cut) = &report.cut {
        text.push_str(&format!("; {cut}"));
    }
    for name in &report.removed {
        text.push_str(&format!("; removed {name}, of which no record was read"));
    }
    text
}

/// Journals the genesis and the instruments of a new exchange, in one commit.
fn begin(config: &Config, replica: &mut Replica, writer: &mut Writer) -> Result<(), String> {
    let genesis = Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(writer.journal_id()),
        hash_key: [random_u64()?, random_u64()?],
        limits: config
            .limits
            .as_ref()
            .map_or(Limits::default(), |limits| limits.to_limits()),
    };
    let mut commands = vec![Command::Genesis(genesis)];
    for spec in configured(config)?.unwrap_or_else(default_specs) {
        commands.push(Command::DefineInstrument(spec));
    }
    let now = crate::clock::system_time();
    let mut refused = None;
    for command in &commands {
        let mut record = [0; MAX_RECORD];
        let len = encode_command(now, command, &mut record);
        writer.append(&record[..len]).map_err(|error| error.to_string())?;
        let note = |event: &Event| {
            if let EventBody::Rejected(rejected) = event.body {
                refused = Some(rejected.reason);
            }
        };
        (replica.apply(replica.last_sequence() + 1, &record[..len], note))
            .map_err(|error| error.to_string())?;
    }
    match refused {
        Some(reason) => Err(format!("the exchange cannot begin as configured: {reason:?}")),
        None => writer.commit().map_err(|error| error.to_string()),
    }
}

fn default_specs() -> Vec<InstrumentSpec> {
    instruments::defaults()
        .iter()
        .filter_map(|instrument| instrument.to_spec().ok())
        .collect()
}

fn configured(config: &Config) -> Result<Option<Vec<InstrumentSpec>>, String> {
    let Some(instruments) = &config.instruments else {
        return Ok(None);
    };
    instruments
        .iter()
        .map(instruments::InstrumentConfig::to_spec)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// What the configuration names must be what the journal holds; what it leaves out, among it the instruments that
/// operators have defined and the fees that they have set since, is the journal's business. Limits that operators change
/// while the exchange runs may differ, and then there is a warning.
fn compare(config: &Config, views: &Views) -> Result<Option<String>, String> {
    let differs = |what: &str, configured: &str, journaled: &str| {
        Err(format!(
            "{what} differs: the configuration says {configured}, the journal says {journaled}. The journal decides: \
             take the key out of the configuration, or make it equal; a new data_dir begins a new exchange"
        ))
    };
    let mut warning = None;
    if let (Some(limits), Some(genesis)) = (&config.limits, views.genesis()) {
        let (limits, journaled) = (limits.to_limits(), genesis.limits);
        let same_but_for_those = Limits {
            max_accounts: journaled.max_accounts,
            max_open_orders_per_account: journaled.max_open_orders_per_account,
            client_ids_total: journaled.client_ids_total,
            ..limits
        };
        if same_but_for_those != journaled {
            return differs("limits", &format!("{limits:?}"), &format!("{journaled:?}"));
        }
        warning = (limits != journaled).then(|| {
            format!(
                "limits differ: the configuration says {limits:?}, the journal says {journaled:?}, and the journal's are in \
                 force. Operators change them with `hoga admin limits`; make the configuration equal"
            )
        });
    }
    let Some(specs) = configured(config)? else {
        return Ok(warning);
    };
    let journaled: Vec<_> = views.instruments().iter().collect();
    for spec in &specs {
        match journaled
            .iter()
            .find(|(_, other)| other.symbol() == spec.symbol())
        {
            Some((_, other)) if *other == spec => {}
            // An operator has changed the fees since, and nothing else can have changed.
            Some((id, other))
                if views.instruments().fees_were_set(*id)
                    && Ok(**other) == spec.with_fees(other.maker_fee, other.taker_fee) => {}
            Some((_, other)) => {
                return differs(
                    &format!("instrument {}", spec.symbol()),
                    &show(spec),
                    &show(other),
                );
            }
            None => return differs(&format!("instrument {}", spec.symbol()), &show(spec), "nothing"),
        }
    }
    Ok(warning)
}

fn show(spec: &InstrumentSpec) -> String {
    let rate = |rate: hoga_protocol::FeeRate| hoga_protocol::DecimalText::new(i128::from(rate.0), 6);
    format!(
        "(tick_size {}, lot_size {}, quote_unit {}, min_quantity {}, max_quantity {}, min_notional {}, maker_fee {}, \
         taker_fee {})",
        spec.price_text(hoga_protocol::Ticks(1)),
        spec.quantity_text(hoga_protocol::Lots(1)),
        spec.money_text(hoga_protocol::Notional(1)),
        spec.quantity_text(spec.min_quantity),
        spec.quantity_text(spec.max_quantity),
        spec.money_text(spec.min_notional),
        rate(spec.maker_fee),
        rate(spec.taker_fee)
    )
}

fn random_u32() -> Result<u32, String> {
    getrandom::u32().map_err(|error| format!("the system gives no random numbers: {error}"))
}

fn random_u64() -> Result<u64, String> {
    getrandom::u64().map_err(|error| format!("the system gives no random numbers: {error}"))
}
