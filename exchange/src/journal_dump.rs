//! `hoga journal dump`: the commands of a journal, chosen by sequence, time, account or order, as text, JSON or CSV.

mod past;

mod row;

mod time;

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use hoga_follower::decode;
use hoga_journal::Reader;
use hoga_protocol::{AccountName, Command, Nanos, OperatorName};
use indicatif::ProgressBar;

use crate::journal_tools::locate;
use crate::output::bytes_bar;
use past::Past;

pub use row::parse_kind;
pub use time::parse_time;

/// Which commands are wanted: those that satisfy everything given.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The first sequence.
    pub from: u64,
    /// The last sequence.
    pub until: Option<u64>,
    /// No earlier than this, in the exchange's time.
    pub since: Option<Nanos>,
    /// Earlier than this, in the exchange's time.
    pub before: Option<Nanos>,
    /// Only what this account sent or an operator did to it, and its opening.
    pub account: Option<AccountName>,
    /// Only these kinds of commands, by the names that [`parse_kind`] gives; all where none is named.
    pub kinds: Vec<&'static str>,
    /// Only what this operator did.
    pub by: Option<OperatorName>,
    /// Only what concerns the order of this id, as the wire writes it: its placing, its replaces and cancels, and the mass
    /// cancels of its account that cover it.
    pub order: Option<String>,
}

/// How commands are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people, a line each.
    Text,
    /// A JSON object a line.
    Json,
    /// RFC 4180, with a header.
    Csv,
}

impl Form {
    /// The one that the flags of a command line choose.
    pub fn chosen(json: bool, csv: bool) -> Form {
        match (json, csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        }
    }
}

/// Reads the journal in `dir` from its beginning and prints the commands of `selection`. What the engine makes of each is
/// printed with it.
///
/// # Errors
/// In words: there is no journal, it is damaged or newer than this program, the order's id is none of this exchange, or
/// standard output cannot be written. What came before the damage has been printed.
pub fn dump(dir: &Path, selection: &Selection, form: Form) -> Result<(), String> {
    let bar = progress();
    let shown = bar.clone();
    let reader = Reader::open(locate(dir)?).map_err(|error| error.to_string())?;
    let reader = reader.with_progress(move |done, total| {
        shown.set_length(total);
        shown.set_position(done);
    });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = write_all(reader, selection, form, &mut out);
    bar.finish_and_clear();
    match result.and_then(|matched| out.flush().map(|()| matched).map_err(Failure::Output)) {
        Ok(0) => eprintln!("hoga: no command of the journal matches"),
        Ok(_) => {}
        // The reader at the other end of a pipe has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(Failure::Output(error)) => return Err(format!("standard output cannot be written: {error}")),
        Err(Failure::Journal(message)) => return Err(message),
    }
    Ok(())
}

/// A bar on standard error, unless the commands themselves show on the terminal.
fn progress() -> ProgressBar {
    if io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    bytes_bar("reading")
}

enum Failure {
    Journal(String),
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Writes what is wanted, and returns how many commands that were.
fn write_all(
    mut reader: Reader,
    selection: &Selection,
    form: Form,
    out: &mut impl Write,
) -> Result<u64, Failure> {
    let mut past = Past::new(selection.order.clone());
    let mut matched = 0;
    if form == Form::Csv {
        row::write_header(out)?;
    }
    loop {
        let record = reader.next_record();
        let Some(record) = record.map_err(|error| Failure::Journal(error.to_string()))? else {
            break;
        };
        let sequence = record.sequence;
        if selection.until.is_some_and(|until| sequence > until) {
            break;
        }
        let (timestamp, command) =
            decode(sequence, record.bytes).map_err(|error| Failure::Journal(error.to_string()))?;
        let told = past
            .tell(sequence, timestamp, &command)
            .map_err(Failure::Journal)?;
        // The exchange's time never runs backwards, so nothing that follows is earlier.
        if selection.before.is_some_and(|before| told.time >= before) {
            break;
        }
        let wanted = sequence >= selection.from
            && selection.since.is_none_or(|since| told.time >= since)
            && selection.account.is_none_or(|name| told.account == Some(name))
            && (selection.kinds.is_empty() || selection.kinds.contains(&row::name(&command)))
            && selection.by.is_none_or(|by| done_by(&command) == Some(by))
            && (selection.order.is_none() || told.concerns_order);
        if wanted {
            matched += 1;
            let row = row::describe(sequence, timestamp, &command, &told, &past);
            match form {
                Form::Text => row.write_text(out)?,
                Form::Json => row.write_json(out)?,
                Form::Csv => row.write_csv(out)?,
            }
        }
    }
    Ok(matched)
}

/// The operator who did it, if one did.
fn done_by(command: &Command) -> Option<OperatorName> {
    match command {
        Command::Administer(administer) => Some(administer.by()),
        _ => None,
    }
}
