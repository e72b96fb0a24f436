//! Agents, idle strategies and the loop that runs them.
//!
//! An agent is a named duty cycle that returns how much work it did (the idea is Agrona's). Agents compose onto
//! threads: one thread may run several in turn, and one idle strategy decides what it does when none has work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use hoga_gateway::GatewayWaker;
use serde::{Deserialize, Serialize};

/// How long a parked thread sleeps at most; a missed wake-up could cost no more than this.
pub const LONGEST_PARK: Duration = Duration::from_secs(1);

/// How long [`IdleStrategy::Ladder`] spins before it yields.
const SPIN_FOR: Duration = Duration::from_micros(50);
const YIELDS: u32 = 8;
const SPINS_PER_CLOCK_READ: u32 = 64;

/// What a thread does while it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdleStrategy {
    /// Spins: lowest latency, burns its core.
    Spin,
    /// Offers its core to others between looks: burns what nobody else wants.
    Yield,
    /// Sleeps at once until woken.
    Park,
    /// Looks for 50 µs, yields a few times, then sleeps until woken. A thread that is pinned to a core of its own spins
    /// between its looks; any other offers its core, which somebody may want who has the next piece of the work.
    Ladder,
}

/// What [`Idler`] tells a thread to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Look again at once.
    Again,
    /// Sleep until woken.
    Sleep,
}

/// Applies an [`IdleStrategy`] to a sequence of duty cycles.
#[derive(Debug)]
pub struct Idler {
    strategy: IdleStrategy,
    /// Whether the thread has a core of its own.
    is_pinned: bool,
    spins: u32,
    yields: u32,
    since: Option<Instant>,
}

impl Idler {
    /// A fresh idler of a thread that is pinned to `core`, or to none.
    pub fn new(strategy: IdleStrategy, core: Option<usize>) -> Self {
        Self {
            strategy,
            is_pinned: core.is_some(),
            spins: 0,
            yields: 0,
            since: None,
        }
    }

    /// To be called when a cycle did something.
    pub fn reset(&mut self) {
        self.spins = 0;
        self.yields = 0;
        self.since = None;
    }

    /// To be called when a cycle did nothing; spins or yields itself where the strategy says so.
    pub fn idle(&mut self) -> Idle {
        match self.strategy {
            IdleStrategy::Spin => std::hint::spin_loop(),
            IdleStrategy::Yield => thread::yield_now(),
            IdleStrategy::Park => return Idle::Sleep,
            IdleStrategy::Ladder => return self.climb(),
        }
        Idle::Again
    }

    fn climb(&mut self) -> Idle {
        if self.yields == 0 {
            let since = *self.since.get_or_insert_with(Instant::now);
            self.spins += 1;
            let looks_at_clock = !self.is_pinned || self.spins.is_multiple_of(SPINS_PER_CLOCK_READ);
            if !looks_at_clock || since.elapsed() < SPIN_FOR {
                match self.is_pinned {
                    true => std::hint::spin_loop(),
                    false => thread::yield_now(),
                }
                return Idle::Again;
            }
        }
        if self.yields < YIELDS {
            self.yields += 1;
            thread::yield_now();
            return Idle::Again;
        }
        Idle::Sleep
    }
}

/// A flag by which a sleeper and its waker never miss each other.
///
/// The waker publishes, fences, and reads the flag; the sleeper sets the flag, fences, and looks once more before it
/// sleeps. With sequentially consistent fences on both sides at least one of them sees the other (the store-buffer
/// litmus test; C++ memory model, [atomics.fences]).
#[derive(Debug, Default)]
pub struct SleepFlag {
    sleeping: AtomicBool,
}

impl SleepFlag {
    /// The sleeper's first half: announce. Then look for work once more, and only then sleep.
    pub fn announce(&self) {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The sleeper is up again.
    pub fn clear(&self) {
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// The waker's half, after publishing: whether the sleeper must be woken. True to one caller only.
    pub fn must_wake(&self) -> bool {
        fence(Ordering::SeqCst);
        self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed)
    }
}

/// Wakes a thread that [`run`] has put to sleep.
#[derive(Clone, Debug)]
pub struct Unparker {
    flag: Arc<SleepFlag>,
    thread: Thread,
}

impl Unparker {
    /// To be called after publishing something for the thread. Costs a fence and a load while the thread is up.
    pub fn wake(&self) {
        if self.flag.must_wake() {
            self.thread.unpark();
        }
    }
}

/// What a duty cycle came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// This many things were done.
    Done(usize),
    /// The agent is through: its input has ended and it will never have work again.
    Ended,
}

/// A named duty cycle.
pub trait Agent: Send {
    /// Its name, as shown at start and in thread listings.
    fn name(&self) -> &'static str;
    /// Does what there is to do now, without blocking on anything but its own disk.
    fn do_work(&mut self) -> Work;
    /// Whether work waits: looked at once more before the thread sleeps.
    fn has_work(&self) -> bool;
}

/// A thread's wake-up handle, made before the thread runs so that others can hold it.
#[derive(Debug, Default)]
pub struct Sleeper {
    flag: Arc<SleepFlag>,
}

impl Sleeper {
    /// The handle that wakes the calling thread.
    pub fn unparker(&self) -> Unparker {
        Unparker {
            flag: Arc::clone(&self.flag),
            thread: thread::current(),
        }
    }
}

/// Runs agents on the calling thread, in the order given, until all have ended.
pub fn run(agents: &mut [Box<dyn Agent>], mut idler: Idler, sleeper: &Sleeper) {
    loop {
        let mut done = 0;
        let mut ended = 0;
        for agent in agents.iter_mut() {
            match agent.do_work() {
                Work::Done(n) => done += n,
                Work::Ended => ended += 1,
            }
        }
        if ended == agents.len() {
            return;
        }
        if done > 0 {
            idler.reset();
        } else if idler.idle() == Idle::Sleep {
            sleeper.flag.announce();
            if !agents.iter().any(|agent| agent.has_work()) {
                thread::park_timeout(LONGEST_PARK);
            }
            sleeper.flag.clear();
        }
    }
}

/// Wakes the gateway's poll when it sleeps.
#[derive(Clone)]
pub struct WakeGateway {
    pub(crate) flag: Arc<SleepFlag>,
    pub(crate) waker: GatewayWaker,
}

impl WakeGateway {
    /// To be called after publishing to the output ring.
    pub fn wake(&self) {
        if self.flag.must_wake() {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_ends_in_sleep_with_a_core_of_its_own_and_without() {
        for core in [None, Some(0)] {
            let mut idler = Idler::new(IdleStrategy::Ladder, core);
            for _ in 0..2 {
                let begin = Instant::now();
                while idler.idle() == Idle::Again {}
                assert!(begin.elapsed() >= SPIN_FOR, "{core:?}: it fell asleep at once");
                idler.reset();
            }
        }
    }

    #[test]
    fn a_parked_thread_is_not_left_asleep_when_work_arrives() {
        struct Counter(Arc<std::sync::atomic::AtomicU64>, u64);
        impl Agent for Counter {
            fn name(&self) -> &'static str {
                "counter"
            }
            fn do_work(&mut self) -> Work {
                let seen = self.0.load(Ordering::Acquire);
                if self.1 == 10_000 {
                    return Work::Ended;
                }
                let news = seen - self.1;
                self.1 = seen;
                Work::Done(news as usize)
            }
            fn has_work(&self) -> bool {
                self.0.load(Ordering::Acquire) > self.1 || self.1 == 10_000
            }
        }
        let published = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (send, receive) = std::sync::mpsc::channel();
        let agent = Counter(Arc::clone(&published), 0);
        let worker = thread::spawn(move || {
            let sleeper = Sleeper::default();
            send.send(sleeper.unparker()).unwrap();
            let mut agents: Vec<Box<dyn Agent>> = vec![Box::new(agent)];
            run(&mut agents, Idler::new(IdleStrategy::Park, None), &sleeper);
        });
        let unparker = receive.recv().unwrap();
        for _ in 0..10_000 {
            published.fetch_add(1, Ordering::Release);
            unparker.wake();
        }
        worker.join().unwrap();
    }
}
