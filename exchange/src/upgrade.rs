//! `hoga upgrade`: the newest rules, journaled.

use hoga_engine::ENGINE_VERSION;
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, EngineVersion};

use crate::clock::system_time;
use crate::config::{Config, Durability};
use crate::notices::warn;
use crate::output::counter;
use crate::output::print;
use crate::recovery::{self, Stores};

/// Raises the rules of the exchange in `config.data_dir` to the newest that this program knows. The exchange must be
/// stopped.
///
/// # Errors
/// In words: as a start of the exchange, or there is no exchange.
pub fn run(config: &Config) -> Result<(), String> {
    crate::journal_tools::locate(&config.data_dir)?;
    let bar = counter("recovering", "commands");
    let stores = Stores::new(&config.data_dir);
    let opened = recovery::open(config, &stores, &mut |sequence| bar.set_position(sequence));
    bar.finish_and_clear();
    let (recovered, report) = opened?;
    recovered.warnings.iter().for_each(|warning| warn(warning));
    let (mut replica, mut writer) = (recovered.replica, recovered.writer);
    if config.durability == Durability::Memory {
        return Err("durability is memory, so there is no journal to raise the rules of".to_owned());
    }
    if report.records == 0 {
        return Err("the journal is empty: the first start begins it under the newest rules".to_owned());
    }
    let from = replica.engine.rules();
    if from == ENGINE_VERSION {
        return print(&format!(
            "the rules are of version {from} already, the newest this program knows"
        ));
    }
    let raise = Command::EngineVersion(EngineVersion {
        version: ENGINE_VERSION,
    });
    let mut record = [0; MAX_RECORD];
    let len = encode_command(system_time(), &raise, &mut record);
    let sequence = writer.next_sequence();
    replica
        .apply(sequence, &record[..len], |_| {})
        .map_err(|error| error.to_string())?;
    if replica.engine.rules() != ENGINE_VERSION {
        return Err(format!(
            "the engine does not take rules of version {ENGINE_VERSION}"
        ));
    }
    writer
        .append(&record[..len])
        .and_then(|()| writer.commit())
        .map_err(|error| error.to_string())?;
    print(&format!(
        "the rules are of version {ENGINE_VERSION} from sequence {sequence} on, and were of version {from}. A hoga that \
         knows only version {from} refuses this journal from now on"
    ))
}
