//! From a data folder to an engine, views and a journal that go on where they stopped; or to a new exchange.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_journal::{Journal, OpenError, Options, RecoveryReport, Storage, Writer};
use hoga_protocol::codec::{MAX_RECORD, decode_command, encode_command};
use hoga_protocol::{Command, ExchangeId, Genesis, InstrumentSpec, Limits, Nanos, Sequence};
use hoga_views::Views;

use crate::config::{Config, Durability};
use crate::instruments;

/// An exchange as its journal left it.
pub struct Recovered {
    /// The engine.
    pub engine: Engine,
    /// The views of the same events.
    pub views: Views,
    /// The journal, which goes on after the engine's last sequence.
    pub writer: Writer,
    /// What was found, in a few words.
    pub summary: String,
}

/// Where the journal lies in a data folder.
pub fn journal_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}

/// Recovers the exchange in `storage`, or begins one there. `progress` is told the sequence reached now and then.
///
/// # Errors
/// In words: the journal is in use, damaged or newer than this program, or differs from the configuration.
pub fn recover(
    config: &Config,
    storage: Arc<dyn Storage>,
    progress: &mut dyn FnMut(u64),
) -> Result<Recovered, String> {
    let start = Instant::now();
    let options = Options {
        journal_id: random_u32()?,
        segment_bytes: config.journal.segment_mib << 20,
        durability: match config.durability {
            Durability::Fsync => hoga_journal::Durability::Fsync,
            Durability::PageCache => hoga_journal::Durability::PageCache,
            Durability::Memory => hoga_journal::Durability::Memory,
        },
        ..Options::default()
    };
    let mut engine = Engine::new();
    let mut views = Views::new(config.views());
    let apply = |sequence: u64, record: &[u8]| -> Result<(), String> {
        let (timestamp, command) = decode(sequence, record)?;
        engine.apply(Sequence(sequence), timestamp, &command, &mut |event| {
            views.fold(event)
        });
        if sequence.is_multiple_of(1 << 16) {
            progress(sequence);
        }
        Ok(())
    };
    let (mut writer, report) = Journal::open_with(storage, &options, apply).map_err(|error| match error {
        OpenError::Record { source, .. } => source,
        other => other.to_string(),
    })?;
    let summary = if report.records == 0 {
        begin(config, &mut engine, &mut views, &mut writer)?;
        "a new exchange".to_owned()
    } else {
        compare(config, &views)?;
        summarize(&report, start)
    };
    Ok(Recovered {
        engine,
        views,
        writer,
        summary,
    })
}

/// Reads a record, and refuses one that this program is too old for.
///
/// # Errors
/// In words, naming the sequence.
pub fn decode(sequence: u64, record: &[u8]) -> Result<(Nanos, Command), String> {
    let (timestamp, command) = decode_command(record).map_err(|error| {
        format!(
            "the journal's record {sequence} cannot be read: {error}. Start the version of hoga that wrote it"
        )
    })?;
    if let Command::Genesis(genesis) = &command
        && genesis.engine_version > ENGINE_VERSION
    {
        return Err(format!(
            "the journal was begun under engine version {}, and this program knows up to {ENGINE_VERSION}: start a \
             newer hoga",
            genesis.engine_version
        ));
    }
    Ok((timestamp, command))
}

fn summarize(report: &RecoveryReport, start: Instant) -> String {
    let mut text = format!(
        "recovered {} commands from {} segment{} in {:.1} s",
        report.records,
        report.segments,
        if report.segments == 1 { "" } else { "s" },
        start.elapsed().as_secs_f64()
    );
    if let Some(cut) = &report.cut {
        text.push_str(&format!("; {cut}"));
    }
    for name in &report.removed {
        text.push_str(&format!("; removed {name}, of which no record was read"));
    }
    text
}

/// Journals the genesis and the instruments of a new exchange, in one commit.
fn begin(config: &Config, engine: &mut Engine, views: &mut Views, writer: &mut Writer) -> Result<(), String> {
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
    let now = hoga_gateway::Clock::now(&crate::serve::SystemClock::new());
    let mut refused = None;
    for command in &commands {
        let mut record = [0; MAX_RECORD];
        let len = encode_command(now, command, &mut record);
        writer.append(&record[..len]).map_err(|error| error.to_string())?;
        engine.apply(engine.last_sequence().next(), now, command, &mut |event| {
            if let hoga_protocol::EventBody::Rejected(rejected) = event.body {
                refused = Some(rejected.reason);
            }
            views.fold(event);
        });
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

/// What the configuration names must be what the journal holds; what it leaves out is the journal's business.
fn compare(config: &Config, views: &Views) -> Result<(), String> {
    let differs = |what: &str, configured: &str, journaled: &str| {
        Err(format!(
            "{what} differs: the configuration says {configured}, the journal says {journaled}. The journal decides: \
             take the key out of the configuration, or make it equal; a new data_dir begins a new exchange"
        ))
    };
    if let (Some(limits), Some(genesis)) = (&config.limits, views.genesis())
        && limits.to_limits() != genesis.limits
    {
        return differs(
            "limits",
            &format!("{:?}", limits.to_limits()),
            &format!("{:?}", genesis.limits),
        );
    }
    let Some(specs) = configured(config)? else {
        return Ok(());
    };
    let journaled: Vec<&InstrumentSpec> = views.instruments().iter().map(|(_, spec)| spec).collect();
    for spec in &specs {
        match journaled.iter().find(|other| other.symbol() == spec.symbol()) {
            Some(other) if *other == spec => {}
            Some(other) => {
                return differs(
                    &format!("instrument {}", spec.symbol()),
                    &show(spec),
                    &show(other),
                );
            }
            None => return differs(&format!("instrument {}", spec.symbol()), &show(spec), "nothing"),
        }
    }
    match journaled
        .iter()
        .find(|other| specs.iter().all(|spec| spec.symbol() != other.symbol()))
    {
        Some(other) => differs(&format!("instrument {}", other.symbol()), "nothing", &show(other)),
        None => Ok(()),
    }
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
