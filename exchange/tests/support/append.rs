//! Commands written to a journal as its exchange would, without one.

use std::path::Path;

use hoga_journal::{Journal, Options, Writer};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, Nanos};

/// Commits one command, of a time that no clock has yet, and returns its sequence.
pub fn append(writer: &mut Writer, command: &Command) -> u64 {
    let mut record = [0; MAX_RECORD];
    let len = encode_command(Nanos(u64::MAX / 4), command, &mut record);
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
