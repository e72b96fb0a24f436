//! The exchange's one clock: what stamps commands, decides deadlines and signature windows, and `/api/v1/time` shows.
//!
//! It advances by `CLOCK_BOOTTIME`, which counts suspends and is never set, and is slewed towards the system's clock by
//! at most 1 %. So it never runs backwards, and never leaps when somebody sets the system's clock. A difference above
//! [`MOST_FOLLOWED`] is not followed at all until an operator accepts it, in the journal.
//! (docs/decisions/0017-one-exchange-clock.md)

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoga_protocol::{AcceptClock, Nanos};
use hoga_service::Clock;
pub use hoga_service::clock::{MOST_FOLLOWED, describe, difference, is_followed};
use rustix::time::{ClockId, clock_gettime};

/// Exchange time gains or loses at most one part in so many: 1 %.
const SLEW: i64 = 100;

/// How often the system's clock is looked at, in nanoseconds of `CLOCK_BOOTTIME`: each step is 10 µs at most.
const STEP: i64 = 1_000_000;

/// How far ahead of the journal the system's clock may be at a start without a warning, in nanoseconds: a day.
const MOST_AT_START: i64 = 86_400_000_000_000;

/// The two clocks of a machine, so that a test can be another machine.
pub trait Readings {
    /// Time since the machine started, suspends counted: never set, never running backwards.
    fn boot(&self) -> Nanos;

    /// The system's clock, which may be set to anything at any moment; at most [`AcceptClock::MAX`].
    fn system(&self) -> Nanos;
}

/// This machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Readings for Machine {
    fn boot(&self) -> Nanos {
        let time = clock_gettime(ClockId::Boottime);
        Nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    fn system(&self) -> Nanos {
        // Through the C library, unlike rustix, so that a program which fakes the system's clock is obeyed.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Nanos(nanos).min(AcceptClock::MAX)
    }
}

/// The system's clock as it is: for tools that run beside an exchange and decide nothing in it.
pub fn system_time() -> Nanos {
    Machine.system()
}

/// Exchange time as a function of readings of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slewed {
    /// When the system's clock was last looked at, by the clock since boot.
    looked: i64,
    /// Exchange time minus time since boot.
    offset: i64,
}

impl Slewed {
    /// Exchange time begins at the system's clock, or at `last` where that is later.
    pub fn begin(boot: Nanos, system: Nanos, last: Nanos) -> Self {
        let boot = boot.0 as i64;
        Self {
            looked: boot,
            offset: (system.0 as i64).max(last.0.min(AcceptClock::MAX.0) as i64) - boot,
        }
    }

    /// The time at `boot`, moved towards the system's clock where it is time to look at that.
    pub fn advance(&mut self, boot: Nanos, system: impl FnOnce() -> Nanos) -> Nanos {
        // Two cores may disagree by a few nanoseconds; the later one counts.
        let boot = (boot.0 as i64).max(self.looked);
        let elapsed = boot - self.looked;
        if elapsed >= STEP {
            self.looked = boot;
            let difference = difference(system(), Nanos((boot + self.offset) as u64));
            if is_followed(difference) {
                let most = elapsed / SLEW;
                self.offset += difference.clamp(-most, most);
            }
        }
        Nanos((boot + self.offset) as u64)
    }

    /// Time is later by `by` from now on.
    pub fn leap(&mut self, by: Nanos) {
        self.offset += by.0 as i64;
    }
}

/// The clock of the gateway, which is the one that sequences. Others have its [`ExchangeTime`].
#[derive(Debug)]
pub struct ExchangeClock<R = Machine> {
    readings: R,
    time: Cell<Slewed>,
    /// The latest time that was given out.
    latest: Cell<Nanos>,
    begun: Nanos,
    offset: Arc<AtomicI64>,
}

impl ExchangeClock {
    /// A clock of this machine, which begins at the system's.
    pub fn new() -> Self {
        Self::of(Machine)
    }
}

impl Default for ExchangeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Readings + Clone> ExchangeClock<R> {
    /// A clock of the machine that `readings` are of, which begins at its system's.
    pub fn of(readings: R) -> Self {
        let begun = readings.boot();
        let time = Slewed::begin(begun, readings.system(), Nanos(0));
        Self {
            readings,
            latest: Cell::new(Nanos(0)),
            begun,
            offset: Arc::new(AtomicI64::new(time.offset)),
            time: Cell::new(time),
        }
    }

    /// The same time, to be read on other threads.
    pub fn time(&self) -> ExchangeTime<R> {
        ExchangeTime {
            readings: self.readings.clone(),
            offset: Arc::clone(&self.offset),
        }
    }

    fn set(&self, time: Slewed) {
        if time.offset != self.time.get().offset {
            self.offset.store(time.offset, Ordering::Relaxed);
        }
        self.time.set(time);
    }
}

impl<R: Readings + Clone> Clock for ExchangeClock<R> {
    fn now(&self) -> Nanos {
        let mut time = self.time.get();
        let now = time.advance(self.readings.boot(), || self.readings.system());
        self.set(time);
        let now = now.max(self.latest.get());
        self.latest.set(now);
        now
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.readings.boot().0.saturating_sub(self.begun.0))
    }

    fn system(&self) -> Nanos {
        self.readings.system()
    }

    fn go_on(&mut self, last: Nanos) {
        let last = last.max(self.latest.get());
        self.set(Slewed::begin(self.readings.boot(), self.readings.system(), last));
    }

    fn leap(&mut self, by: Nanos) {
        let mut time = self.time.get();
        time.leap(by);
        self.set(time);
    }
}

/// Exchange time as other threads than the gateway's read it.
#[derive(Clone, Debug)]
pub struct ExchangeTime<R = Machine> {
    readings: R,
    offset: Arc<AtomicI64>,
}

impl<R: Readings> ExchangeTime<R> {
    /// Now.
    pub fn now(&self) -> Nanos {
        Nanos((self.readings.boot().0 as i64 + self.offset.load(Ordering::Relaxed)) as u64)
    }

    /// How far the system's clock is ahead of exchange time, in nanoseconds; negative where it is behind.
    pub fn difference(&self) -> i64 {
        difference(self.readings.system(), self.now())
    }
}

/// What changed between the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The system's clock is so many nanoseconds ahead of exchange time, which does not follow it.
    NotFollowed(i64),
    /// It is followed again.
    Followed,
}

/// Tells of each change of what is followed once.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockWatch {
    /// The difference that was told last, while it is not followed.
    told: Option<i64>,
}

impl ClockWatch {
    /// Looks at a difference. While the clock is not followed, another step of it is another change.
    pub fn look(&mut self, difference: i64) -> Option<Change> {
        let followed = is_followed(difference);
        let change = match self.told {
            None if followed => return None,
            Some(_) if followed => Change::Followed,
            Some(told) if is_followed(difference - told) => return None,
            None | Some(_) => Change::NotFollowed(difference),
        };
        self.told = (!followed).then_some(difference);
        Some(change)
    }
}

/// What an operator is told at a start, if anything, where the journal's last stamp is `last`; 0 for none.
pub fn at_start(system: Nanos, last: Nanos) -> Option<String> {
    let difference = difference(system, last.min(AcceptClock::MAX));
    let apart = describe(difference);
    if last == Nanos(0) || (0..=MOST_AT_START).contains(&difference) {
        return None;
    }
    Some(if difference > 0 {
        format!(
            "the system's clock is {apart} the journal's last stamp, more than a day. Exchange time is taken from it. Is it \
             right? Stamps never run backwards, so a wrong one cannot be taken back once orders are stamped"
        )
    } else if is_followed(difference) {
        format!(
            "the system's clock is {apart} the journal's last stamp. Exchange time goes on from that stamp, and is slewed \
             towards the system's clock"
        )
    } else {
        format!(
            "the system's clock is {apart} the journal's last stamp. Exchange time goes on from that stamp, and does not \
             follow the system's clock while that is more than 10 s behind. See docs/operations.md, Time"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const DAY: i64 = 86_400 * SECOND;
    const YEAR: i64 = 365 * DAY;
    /// 2026-01-01.
    const START: i64 = 1_767_225_600 * SECOND;
    const BOOT: i64 = 1_000 * SECOND;

    /// Runs an exchange for `for_` after both clocks have taken their steps at once, looking every `every`, and gives how far
    /// exchange time came. It must never run backwards, nor gain or lose more than 1 %.
    fn run(boot_step: i64, system_step: i64, for_: i64, every: i64) -> i64 {
        let nanos = |time: i64| Nanos(time as u64);
        let mut time = Slewed::begin(nanos(BOOT), nanos(START), Nanos(0));
        let mut last = time.advance(nanos(BOOT), || nanos(START));
        assert_eq!(last.0 as i64, START);
        let mut passed = boot_step;
        let mut before = 0;
        loop {
            let system = START + system_step + (passed - boot_step);
            let now = time.advance(nanos(BOOT + passed), || nanos(system));
            let (gained, elapsed) = ((now.0 - last.0) as i64, passed - before);
            assert!(now >= last, "time runs backwards");
            assert!(
                (gained - elapsed).abs() <= elapsed.max(STEP) / 100,
                "{gained} in {elapsed}"
            );
            if passed >= boot_step + for_ {
                return now.0 as i64 - START;
            }
            (last, before) = (now, passed);
            passed += every;
        }
    }

    #[test]
    fn a_step_of_the_systems_clock_is_neither_a_leap_nor_a_way_back() {
        let hour = 3_600 * SECOND;
        for (what, boot_step, system_step, for_, want) in [
            ("no step", 0, 0, hour, hour),
            ("back an hour", 0, -hour, hour, hour),
            ("ahead ten years", 0, 10 * YEAR, hour, hour),
            ("ahead a day", 0, DAY, 60 * SECOND, 60 * SECOND),
            ("a day's suspend", DAY, DAY, 60 * SECOND, DAY + 60 * SECOND),
            ("to 1970", 0, -START, 60 * SECOND, 60 * SECOND),
            // Slewed by 1 % both ways, until it is met.
            (
                "a second ahead",
                0,
                SECOND,
                10 * SECOND,
                10 * SECOND + SECOND / 10,
            ),
            (
                "a second behind",
                0,
                -SECOND,
                10 * SECOND,
                10 * SECOND - SECOND / 10,
            ),
            ("met from behind", 0, SECOND, 101 * SECOND, 102 * SECOND),
            ("met from ahead", 0, -SECOND, 101 * SECOND, 100 * SECOND),
            (
                "10 s ahead",
                0,
                10 * SECOND,
                10 * SECOND,
                10 * SECOND + SECOND / 10,
            ),
            (
                "10 s behind",
                0,
                -10 * SECOND,
                10 * SECOND,
                10 * SECOND - SECOND / 10,
            ),
            (
                "more than 10 s ahead",
                0,
                10 * SECOND + 1,
                10 * SECOND,
                10 * SECOND,
            ),
            (
                "more than 10 s behind",
                0,
                -10 * SECOND - 1,
                10 * SECOND,
                10 * SECOND,
            ),
        ] {
            for every in [STEP, 10 * STEP, SECOND] {
                assert_eq!(
                    run(boot_step, system_step, for_, every),
                    want,
                    "{what}, every {every}"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_is_looked_at_all_the_time_is_slewed_all_the_same() {
        assert_eq!(run(0, SECOND, SECOND / 10, 1_000), SECOND / 10 + SECOND / 1_000);
    }

    #[test]
    fn a_clock_that_goes_on_after_a_restart_is_not_behind_the_journal() {
        let at = |time: i64| Nanos(time as u64);
        for (system, last, want) in [
            (START, 0, START),
            (START, START - DAY, START),
            (START - 3_600 * SECOND, START, START),
            (START, START + 10 * YEAR, START + 10 * YEAR),
        ] {
            let mut time = Slewed::begin(at(BOOT), at(system), at(last));
            assert_eq!(time.advance(at(BOOT), || at(system)), at(want));
        }
    }

    #[test]
    fn a_difference_is_told_once_and_not_at_every_look() {
        let mut watch = ClockWatch::default();
        let told = [
            (0, None),
            (10 * SECOND, None),
            (10 * SECOND + 1, Some(Change::NotFollowed(10 * SECOND + 1))),
            (10 * SECOND + 2, None),
            (-20 * SECOND, Some(Change::NotFollowed(-20 * SECOND))),
            (-20 * SECOND, None),
            (-10 * SECOND, Some(Change::Followed)),
            (0, None),
            (DAY, Some(Change::NotFollowed(DAY))),
        ];
        for (difference, want) in told {
            assert_eq!(watch.look(difference), want, "{difference}");
        }
    }

    #[test]
    fn a_start_under_a_wrong_clock_is_not_passed_over_in_silence() {
        let at = |time: i64| Nanos(time as u64);
        for (system, last, want) in [
            (START, 0, None),
            (START, START, None),
            (START + DAY, START, None),
            (START + DAY + 1, START, Some("more than a day")),
            (START - 1_000_000, START, Some("is slewed towards")),
            (
                START - 3_600 * SECOND,
                START,
                Some("3600.000 s behind the journal's last stamp"),
            ),
        ] {
            let told = at_start(at(system), at(last));
            match want {
                None => assert_eq!(told, None),
                Some(want) => assert!(told.as_ref().is_some_and(|told| told.contains(want)), "{told:?}"),
            }
        }
    }
}
