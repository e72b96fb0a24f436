//! Commands written to a journal as its exchange would, without one.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hoga_journal::{Journal, Options, Writer};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, Nanos};

/// Commits one command, stamped with the system's time, and returns its sequence.
pub fn append(writer: &mut Writer, command: &Command) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut record = [0; MAX_RECORD];
    let len = encode_command(Nanos(since.as_nanos() as u64), command, &mut record);
    let sequence = writer.next_sequence();
    writer.append(&record[..len]).unwrap();
    writer.commit().unwrap();
    sequence
}

/// Appends to the journal of an exchange that is stopped, and returns the last command's sequence.
pub fn append_to(data: &Path, commands: &[Command]) -> u64 {
    let opened = Journal::open(data.join("journal"), &Options::default(), |_, _| {
        Ok::<(), std::io::Error>(())
    });
    let (mut writer, _) = opened.unwrap();
    let last = commands.iter().map(|command| append(&mut writer, command)).last();
    last.unwrap()
}
