//! Cancels that are due when a session is lost or a deadline passes: which armings have to be carried out, and when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hoga_protocol::{AccountId, ArmCause, Armed, Event, EventBody, Nanos, Sequence};
use hoga_views::Views;

/// How many armings are carried out at once, so that a crowd of lost sessions leaves room in the input ring.
const AT_ONCE: usize = 64;

/// The deadlines in force, and the armings whose time has come. The engine's bounds on armings bound everything here.
#[derive(Debug)]
pub(crate) struct CancelTimers {
    deadlines: BTreeMap<AccountId, Deadline>,
    /// The same by time. Times here are without the leaps of exchange time so far, so that all deadlines move with a leap
    /// and none has to be looked at.
    by_time: BTreeSet<(Nanos, AccountId)>,
    /// The newest command that sets an account's deadline or ends it, at least while it is under way. A deadline that passes
    /// meanwhile is not the account's any more.
    renewals: BTreeMap<AccountId, Renewal>,
    /// Armings whose time has come and of which nothing is sequenced yet.
    lost: VecDeque<Sequence>,
    /// Armings of which something is sequenced, or owed.
    under_way: BTreeSet<Sequence>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Nanos,
    arming: Sequence,
}

#[derive(Clone, Copy, Debug)]
struct Renewal {
    sequence: Sequence,
    /// Whether it sets one.
    arms: bool,
}

impl CancelTimers {
    /// CancelTimerses the deadlines that `views` hold.
    pub fn new(views: &Views) -> Self {
        let mut timers = Self {
            deadlines: BTreeMap::new(),
            by_time: BTreeSet::new(),
            renewals: BTreeMap::new(),
            lost: VecDeque::new(),
            under_way: BTreeSet::new(),
        };
        for armed in views.armings().iter() {
            timers.arm(&armed, views);
        }
        timers
    }

    /// Takes every session's arming in `views` for lost, and the deadlines that have passed by `now`.
    pub fn recover(&mut self, now: Nanos, views: &Views) {
        let sessions = views.armings().iter();
        let sessions = sessions.filter(|armed| armed.cause == ArmCause::Disconnect);
        self.lost.extend(sessions.map(|armed| armed.arming));
        self.fire(now, views);
    }

    /// How many armings' time has come without anything being sequenced yet.
    pub fn waiting(&self) -> usize {
        self.lost.len()
    }

    /// The arming that is the account's deadline, or will be.
    pub fn deadline_of(&self, account: AccountId, views: &Views) -> Option<Sequence> {
        match self.renewal_of(account, views) {
            Some(renewal) => renewal.arms.then_some(renewal.sequence),
            None => self.deadlines.get(&account).map(|deadline| deadline.arming),
        }
    }

    /// When the next deadline passes.
    pub fn next_deadline(&self, views: &Views) -> Option<Nanos> {
        let leapt = views.armings().leapt();
        let first = self.by_time.first();
        first.map(|(at, _)| Nanos(at.0.saturating_add(leapt.0)))
    }

    /// A command that sets the account's deadline, or ends it, is sequenced.
    pub fn renew(&mut self, account: AccountId, sequence: Sequence, arms: bool) {
        self.renewals.insert(account, Renewal { sequence, arms });
    }

    /// Takes note of an event that the views have folded.
    pub fn fold(&mut self, event: &Event, views: &Views) {
        match &event.body {
            EventBody::Armed(armed) => {
                self.forget_renewal(armed.account, event.sequence);
                self.arm(armed, views);
            }
            EventBody::Disarmed(disarm) => {
                self.forget_renewal(disarm.account, event.sequence);
                let found = self.deadlines.get(&disarm.account).copied();
                if let Some(deadline) = found.filter(|found| found.arming == disarm.arming) {
                    self.deadlines.remove(&disarm.account);
                    self.by_time.remove(&(deadline.at, disarm.account));
                }
            }
            _ => {}
        }
    }

    /// The arming's session is lost.
    pub fn lose(&mut self, arming: Sequence) {
        self.under_way.remove(&arming);
        self.lost.push_back(arming);
    }

    /// Takes the deadlines that have passed by `now`. One that is being renewed waits for what comes of that.
    pub fn fire(&mut self, now: Nanos, views: &Views) {
        if !views.is_complete() || self.next_deadline(views).is_none_or(|next| next > now) {
            return;
        }
        let now = without_leaps(now, views);
        let passed = self.by_time.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<_> = passed
            .filter(|(_, account)| self.renewal_of(*account, views).is_none())
            .copied()
            .collect();
        for entry in due {
            self.by_time.remove(&entry);
            let deadline = self.deadlines.get(&entry.1);
            self.lost.extend(deadline.map(|deadline| deadline.arming));
        }
    }

    /// The next arming to carry out; none when as many are under way as may be, or the rest is not in the views yet.
    pub fn next(&mut self, views: &Views) -> Option<Armed> {
        while self.under_way.len() < AT_ONCE {
            let arming = *self.lost.front()?;
            if arming > views.sequence() || !views.is_complete() {
                return None;
            }
            self.lost.pop_front();
            // One that the engine refused, or that is over, is owed nothing.
            if let Some(armed) = views.armings().get(arming)
                && self.under_way.insert(arming)
            {
                return Some(armed);
            }
        }
        None
    }

    /// The arming is carried out.
    pub fn done(&mut self, arming: Sequence) {
        self.under_way.remove(&arming);
    }

    /// The command under way that sets the account's deadline or ends it, if there is one. One that the engine refused stays
    /// in the table until the next, and is under way no more.
    fn renewal_of(&self, account: AccountId, views: &Views) -> Option<Renewal> {
        let renewal = self.renewals.get(&account).copied();
        renewal.filter(|renewal| renewal.sequence > views.sequence())
    }

    fn forget_renewal(&mut self, account: AccountId, through: Sequence) {
        if self
            .renewals
            .get(&account)
            .is_some_and(|renewal| renewal.sequence <= through)
        {
            self.renewals.remove(&account);
        }
    }

    fn arm(&mut self, armed: &Armed, views: &Views) {
        if let ArmCause::Deadline(at) = armed.cause {
            let (at, arming) = (without_leaps(at, views), armed.arming);
            self.by_time.insert((at, armed.account));
            self.deadlines.insert(armed.account, Deadline { at, arming });
        }
    }
}

/// What exchange time would be if it had never leapt.
fn without_leaps(time: Nanos, views: &Views) -> Nanos {
    Nanos(time.0.saturating_sub(views.armings().leapt().0))
}
