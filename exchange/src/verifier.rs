//! The thread that verifies signatures, so that the gateway never does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use hoga_gateway::Ticket;
use hoga_gateway::auth::{Check, Verdict};

use crate::cores::{self, CorePlan};
use crate::priority;

/// The most checks under way; one more is refused. They are tens of milliseconds of one core's work.
pub const MOST_CHECKS: usize = 1_024;

/// The most bytes of messages under way; more are refused, except that one message alone is always taken.
pub const MOST_BYTES: usize = 8 << 20;

/// What the verifier has done.
#[derive(Debug, Default)]
pub struct VerifierFigures {
    /// Signatures that were right.
    pub good: AtomicU64,
    /// Signatures that were not.
    pub bad: AtomicU64,
}

/// The gateway's end; whoever asks is named by a `T`.
pub struct Asker<T = Ticket> {
    asked: SyncSender<(T, Check)>,
    done: Receiver<(T, Verdict, usize)>,
    under_way: usize,
    bytes: usize,
}

/// Starts the thread; it calls `wake` after each verdict, and ends when the asker is dropped.
///
/// # Errors
/// In words: the system gives no thread.
pub fn start<T: Send + 'static>(
    figures: Arc<VerifierFigures>,
    plan: CorePlan,
    wake: impl Fn() + Send + 'static,
) -> Result<(Asker<T>, JoinHandle<()>), String> {
    // Neither end is ever full: as many checks are under way as each has room for.
    let (asked, asks) = sync_channel::<(T, Check)>(MOST_CHECKS);
    let (give, done) = sync_channel(MOST_CHECKS);
    let body = move || {
        cores::keep_off(&plan);
        priority::go_behind_those_who_trade();
        for (whose, check) in asks {
            let bytes = check.bytes();
            let verdict = check.verify();
            let count = if verdict.is_good() {
                &figures.good
            } else {
                &figures.bad
            };
            count.fetch_add(1, Ordering::Relaxed);
            if give.send((whose, verdict, bytes)).is_err() {
                return;
            }
            wake();
        }
    };
    let thread = thread::Builder::new()
        .name("hoga-verifier".into())
        .spawn(body)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let asker = Asker {
        asked,
        done,
        under_way: 0,
        bytes: 0,
    };
    Ok((asker, thread))
}

impl<T> Asker<T> {
    /// See [`Verifier::ask`](hoga_gateway::auth::Verifier::ask).
    pub fn ask(&mut self, whose: T, check: Check) -> bool {
        let bytes = check.bytes();
        let room = self.under_way < MOST_CHECKS && (self.under_way == 0 || self.bytes + bytes <= MOST_BYTES);
        let taken = room && self.asked.try_send((whose, check)).is_ok();
        if taken {
            self.under_way += 1;
            self.bytes += bytes;
        }
        taken
    }

    /// See [`Verifier::done`](hoga_gateway::auth::Verifier::done).
    pub fn done(&mut self) -> Option<(T, Verdict)> {
        // Most turns of the gateway have nobody waiting, and cost this comparison alone.
        if self.under_way == 0 {
            return None;
        }
        let (whose, verdict, bytes) = self.done.try_recv().ok()?;
        self.under_way -= 1;
        self.bytes -= bytes;
        Some((whose, verdict))
    }
}

impl hoga_gateway::auth::Verifier for Asker {
    fn ask(&mut self, ticket: Ticket, check: Check) -> bool {
        Asker::ask(self, ticket, check)
    }

    fn done(&mut self) -> Option<(Ticket, Verdict)> {
        Asker::done(self)
    }
}

impl<T> fmt::Debug for Asker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker")
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}
