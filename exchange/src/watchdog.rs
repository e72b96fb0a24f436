//! The watch: a thread that looks once a second at whether the exchange lives, the journal has room, and the system's
//! clock is followed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hoga_journal::Space;
use tracing::{info, warn};

use crate::agent::LONGEST_PARK;
use crate::clock::{Change, ClockWatch, ExchangeTime, describe};
use crate::cores::{self, CorePlan};
use crate::manager;
use crate::pipeline::Counters;

/// How often the watch looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How long an agent may stand still. A gateway with nothing to do turns once in [`LONGEST_PARK`], and a disk that takes
/// longer than this for one sync is as good as lost.
pub const STUCK_AFTER: Duration = Duration::from_secs(5);
const _: () = assert!(STUCK_AFTER.as_secs() > 2 * LONGEST_PARK.as_secs());

/// What the watch looks at.
pub struct Watched {
    /// The journal's room.
    pub space: Arc<Space>,
    /// What the core's threads count.
    pub counters: Arc<Counters>,
    /// How often the gateway's loop has turned.
    pub turns: Arc<AtomicU64>,
    /// Whether the exchange stops: from then on it is the stop that has a time limit.
    pub stopping: Arc<AtomicBool>,
    /// The exchange's time.
    pub time: ExchangeTime,
}

/// A running watch.
pub struct Watchdog {
    done: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    /// Starts it, off the cores of `plan`.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub fn start(watched: Watched, plan: CorePlan) -> io::Result<Watchdog> {
        let done = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&done);
        let body = move || {
            cores::keep_off(&plan);
            look_until(&watched, &raised);
        };
        let thread = thread::Builder::new().name("hoga-watch".into()).spawn(body)?;
        Ok(Watchdog { done, thread })
    }

    /// Ends it, after one more look.
    pub fn stop(self) {
        self.done.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}

/// How far the agents have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Turns of the gateway.
    pub turns: u64,
    /// Commands in the input ring so far.
    pub submitted: u64,
    /// Of these, the ones that the matcher is through with.
    pub matched: u64,
}

/// How the exchange does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Well.
    Alive,
    /// The gateway's loop has not turned for so long.
    GatewayStuck(Duration),
    /// Commands wait for the journal or the matcher, and none has come through for so long.
    CoreStuck(Duration),
}

/// Tells an exchange that stands still from one that has nothing to do. Time comes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    last: Pulse,
    looked: Duration,
    turned: Duration,
    matched: Duration,
}

impl Liveness {
    /// Begins to look, at `now`.
    pub fn new(now: Duration, pulse: Pulse) -> Self {
        Self {
            last: pulse,
            looked: now,
            turned: now,
            matched: now,
        }
    }

    /// Looks again. After a look that comes late itself (the whole process was stopped, or the machine slept) the agents
    /// have had no time either, and counting begins anew.
    pub fn look(&mut self, now: Duration, pulse: Pulse) -> Health {
        let is_late = now.saturating_sub(self.looked) >= STUCK_AFTER;
        if is_late || pulse.turns != self.last.turns {
            self.turned = now;
        }
        if is_late || pulse.matched != self.last.matched || pulse.submitted == pulse.matched {
            self.matched = now;
        }
        (self.last, self.looked) = (pulse, now);
        let [turned, matched] = [self.turned, self.matched].map(|since| now.saturating_sub(since));
        if turned >= STUCK_AFTER {
            Health::GatewayStuck(turned)
        } else if matched >= STUCK_AFTER {
            Health::CoreStuck(matched)
        } else {
            Health::Alive
        }
    }
}

fn look_until(watched: &Watched, done: &AtomicBool) {
    let start = Instant::now();
    let watchdog = manager::watchdog();
    let every = watchdog.map_or(WATCH_EVERY, |within| (within / 3).min(WATCH_EVERY));
    let mut liveness = Liveness::new(Duration::ZERO, pulse(watched));
    let (mut no_room, mut was) = (None, Health::Alive);
    let mut clocks = ClockWatch::default();
    loop {
        // Looked at first, so that the last look is behind the stop and what changed before it is told.
        let is_last = done.load(Ordering::SeqCst);
        look_at_room(&watched.space, &mut no_room);
        if let Some(change) = clocks.look(watched.time.difference()) {
            tell_of_clock(change);
        }
        let health = match watched.stopping.load(Ordering::SeqCst) {
            true => Health::Alive,
            false => liveness.look(start.elapsed(), pulse(watched)),
        };
        tell_change(was, health);
        was = health;
        if watchdog.is_some() && health == Health::Alive {
            manager::alive();
        }
        if is_last {
            return;
        }
        thread::park_timeout(every);
    }
}

fn pulse(watched: &Watched) -> Pulse {
    let counters = &watched.counters;
    // The matched ones first: so what was submitted is never behind them.
    let matched = counters.matched.load(Ordering::Acquire);
    Pulse {
        turns: watched.turns.load(Ordering::Relaxed),
        submitted: counters.submitted.load(Ordering::Relaxed),
        matched,
    }
}

/// Tells, once for each change, when the journal runs out of room and when it has room again.
fn look_at_room(space: &Space, told: &mut Option<String>) {
    let failure = space.failure();
    match (&told, &failure) {
        (None, Some(reason)) => warn!(
            event = "journal_out_of_room",
            reason,
            "the journal cannot make its next segment. When the present one is nearly full, new orders are refused \
             (journal_full) and cancels still taken; it goes on by itself once there is room"
        ),
        (Some(_), None) => info!(event = "journal_has_room", "the journal has room again"),
        _ => {}
    }
    *told = failure;
}

fn tell_of_clock(change: Change) {
    match change {
        Change::Followed => info!(
            event = "clock_followed",
            "exchange time follows the system's clock again"
        ),
        Change::NotFollowed(difference) => {
            let what_to_do = match difference > 0 {
                true => {
                    "Set the system's clock right; if it is right, hoga admin clock accept lets exchange time leap to it"
                }
                false => {
                    "Set the system's clock right; if it is right, exchange time waits for it, and never runs backwards"
                }
            };
            warn!(
                event = "clock_not_followed",
                difference_ms = difference / 1_000_000,
                "the system's clock is {} exchange time, more than 10 s, and is not followed: exchange time goes on without \
                 it. {what_to_do}",
                describe(difference)
            );
        }
    }
}

fn tell_change(was: Health, is: Health) {
    let what = match (was, is) {
        (Health::Alive, Health::GatewayStuck(since)) => {
            format!("the gateway has not turned for {} s", since.as_secs())
        }
        (Health::Alive, Health::CoreStuck(since)) => format!(
            "commands wait, and the journal or the matcher has not come on for {} s: look at the disk",
            since.as_secs()
        ),
        (Health::GatewayStuck(_) | Health::CoreStuck(_), Health::Alive) => {
            "the exchange goes on again".to_owned()
        }
        _ => return,
    };
    manager::status(&what);
    match is {
        Health::Alive => info!(event = "goes_on", "{what}"),
        Health::GatewayStuck(since) => {
            warn!(event = "gateway_stuck", seconds = since.as_secs(), "{what}");
        }
        Health::CoreStuck(since) => warn!(event = "core_stuck", seconds = since.as_secs(), "{what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once a second at pulses `(turns, submitted, matched)` and compares the last answer.
    fn check(what: &str, pulses: &[(u64, u64, u64)], want: Health) {
        let at = |second: usize| Duration::from_secs(second as u64);
        let mut liveness = Liveness::new(at(0), Pulse::default());
        let mut health = Health::Alive;
        for (second, &(turns, submitted, matched)) in (1..).zip(pulses) {
            let pulse = Pulse {
                turns,
                submitted,
                matched,
            };
            health = liveness.look(at(second), pulse);
        }
        assert_eq!(health, want, "{what}");
    }

    #[test]
    fn an_exchange_that_stands_still_is_not_called_alive_nor_an_idle_one_stuck() {
        let seconds = |n| Duration::from_secs(n);
        let nothing_to_do: Vec<_> = (1..60).map(|turn| (turn, 9, 9)).collect();
        check("nothing to do", &nothing_to_do, Health::Alive);
        let busy: Vec<_> = (1..60).map(|turn| (turn, turn * 9, turn * 8)).collect();
        check("ever more commands, and all come on", &busy, Health::Alive);
        check(
            "a gateway that hangs",
            &[(1, 0, 0); 6],
            Health::GatewayStuck(seconds(5)),
        );
        check("not yet", &[(1, 0, 0); 5], Health::Alive);
        let sync: Vec<_> = (1..8).map(|turn| (turn, 3, 0)).collect();
        check("a sync that never ends", &sync, Health::CoreStuck(seconds(7)));
        let slow: Vec<_> = (1..40).map(|turn| (turn, 100, turn / 4)).collect();
        check("one command in four seconds", &slow, Health::Alive);
        let late_start: Vec<_> = (1..14).map(|turn| (turn, u64::from(turn > 9), 0)).collect();
        check("the first command after an idle time", &late_start, Health::Alive);
        let again = [[(1, 5, 1); 8].as_slice(), &[(2, 5, 2)]].concat();
        check("it goes on", &again, Health::Alive);
        let both = [(1, 5, 0); 9];
        check(
            "both: the gateway is named",
            &both,
            Health::GatewayStuck(seconds(8)),
        );
    }

    #[test]
    fn a_process_that_was_stopped_as_a_whole_is_not_called_stuck() {
        let pulse = Pulse {
            turns: 1,
            submitted: 2,
            matched: 1,
        };
        let mut liveness = Liveness::new(Duration::ZERO, Pulse::default());
        assert_eq!(liveness.look(Duration::from_secs(1), pulse), Health::Alive);
        assert_eq!(liveness.look(Duration::from_secs(61), pulse), Health::Alive);
        assert_eq!(liveness.look(Duration::from_secs(64), pulse), Health::Alive);
        assert_eq!(
            liveness.look(Duration::from_secs(66), pulse),
            Health::GatewayStuck(Duration::from_secs(5))
        );
    }
}
