//! The state that a journal comes to.

use std::fmt;
use std::hash::Hasher as _;

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::codec::{CodecError, ImageSink, decode_command};
use hoga_protocol::{Command, Event, EventBody, Nanos, Sequence, StateCheck};
use hoga_views::{ViewLimits, Views};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// An engine and the views of its events.
#[derive(Clone)]
pub struct Replica {
    /// The engine.
    pub engine: Engine,
    /// The views.
    pub views: Views,
    pub(crate) accepted: Accepted,
}

/// Which disagreements are passed over. Each checkpoint covers the digest of the one before, so after one that disagrees
/// all that the same exchange wrote disagree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accepted {
    first: Option<u64>,
    begun: bool,
}

impl Accepted {
    fn passes(&mut self, checkpoint: u64) -> bool {
        self.begun |= self.first == Some(checkpoint);
        self.begun
    }
}

impl Replica {
    /// An exchange that has not begun.
    pub fn new(limits: ViewLimits) -> Replica {
        Replica::of(Engine::new(), Views::new(limits))
    }

    pub(crate) fn of(engine: Engine, views: Views) -> Replica {
        Replica {
            engine,
            views,
            accepted: Accepted::default(),
        }
    }

    /// Goes on when the checkpoint of this sequence disagrees, and from there on all others that do, which else is an
    /// error. `None` takes that back.
    pub fn accept_divergence(&mut self, checkpoint: Option<Sequence>) {
        self.accepted = Accepted {
            first: checkpoint.map(|checkpoint| checkpoint.0),
            begun: false,
        };
    }

    /// Applies one record of the journal and hands its events to `also`, after the views have them.
    ///
    /// # Errors
    /// [`ApplyError`]: the record is none that this program can carry out, or it is a checkpoint that the live
    /// matcher answered otherwise. In the latter case it has been applied.
    #[inline]
    pub fn apply(
        &mut self,
        sequence: u64,
        record: &[u8],
        mut also: impl FnMut(&Event),
    ) -> Result<(), ApplyError> {
        let views = &mut self.views;
        apply_to(
            &mut self.engine,
            &mut self.accepted,
            sequence,
            record,
            &mut |event| {
                views.fold(event);
                also(event);
            },
        )
    }

    /// The sequence of the last record applied; 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        self.engine.last_sequence().0
    }

    /// A digest of everything the views hold (SipHash-2-4, 128 bits, of their image). It shows accidents, not
    /// forgeries, and takes time in proportion to all they hold.
    pub fn views_digest(&self) -> [u8; 16] {
        struct Digest(SipHasher24);
        impl ImageSink for Digest {
            fn put(&mut self, bytes: &[u8]) {
                self.0.write(bytes);
            }
        }
        let mut digest = Digest(SipHasher24::new());
        self.views.write_image(&mut digest);
        digest.0.finish128().as_bytes()
    }
}

/// Applies one record to an engine, and finds out whether it is a checkpoint that disagrees.
#[inline]
pub(crate) fn apply_to(
    engine: &mut Engine,
    accepted: &mut Accepted,
    sequence: u64,
    record: &[u8],
    emit: &mut impl FnMut(&Event),
) -> Result<(), ApplyError> {
    let (timestamp, command) = decode(sequence, record)?;
    let Command::Checkpoint(checkpoint) = &command else {
        engine.apply(Sequence(sequence), timestamp, &command, emit);
        return Ok(());
    };
    let ours = engine.last_check();
    let mut agrees = true;
    engine.apply(Sequence(sequence), timestamp, &command, &mut |event| {
        if let EventBody::Checkpointed(checkpointed) = &event.body {
            agrees = checkpointed.agrees;
        }
        emit(event);
    });
    if agrees || accepted.passes(sequence) {
        return Ok(());
    }
    Err(ApplyError::Diverged {
        sequence,
        live: checkpoint.previous,
        ours,
    })
}

/// Reads a record, and refuses one that this program is too old for.
///
/// # Errors
/// [`ApplyError::Record`], [`ApplyError::Newer`].
pub fn decode(sequence: u64, record: &[u8]) -> Result<(Nanos, Command), ApplyError> {
    let (timestamp, command) =
        decode_command(record).map_err(|source| ApplyError::Record { sequence, source })?;
    let version = match &command {
        Command::Genesis(genesis) => genesis.engine_version,
        Command::EngineVersion(raise) => raise.version,
        _ => 0,
    };
    if version > ENGINE_VERSION {
        return Err(ApplyError::Newer { sequence, version });
    }
    Ok((timestamp, command))
}

/// Why a record was not applied, or is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// Its bytes are no command that this program knows.
    Record {
        /// The record's sequence.
        sequence: u64,
        /// What is wrong with them.
        source: CodecError,
    },
    /// It asks for rules that this program does not know.
    Newer {
        /// The record's sequence.
        sequence: u64,
        /// The version of the rules.
        version: u32,
    },
    /// The live matcher's state was not the one that the journal gives.
    Diverged {
        /// The checkpoint that shows it.
        sequence: u64,
        /// What the live matcher answered to the checkpoint before.
        live: Option<StateCheck>,
        /// What the journal gives there.
        ours: Option<StateCheck>,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::Record { sequence, source } => write!(
                f,
                "the journal's record {sequence} cannot be read: {source}. Start the version of hoga that wrote it"
            ),
            ApplyError::Newer { sequence, version } => write!(
                f,
                "the journal's record {sequence} asks for engine version {version}, and this program knows up to \
                 {ENGINE_VERSION}: start a newer hoga"
            ),
            ApplyError::Diverged { sequence, live, ours } => {
                let show = |check: &Option<StateCheck>| match check {
                    Some(check) => format!(
                        "{:032x} at {}",
                        u128::from_be_bytes(check.digest),
                        check.sequence.0
                    ),
                    None => "nothing".to_owned(),
                };
                write!(
                    f,
                    "the exchange that wrote this journal had another state than the journal gives: checkpoint \
                     {sequence} says {}, the journal gives {}. What was told to clients between the last checkpoint \
                     that agrees and this one must be compared with `hoga journal dump`",
                    show(live),
                    show(ours)
                )
            }
        }
    }
}

impl std::error::Error for ApplyError {}
