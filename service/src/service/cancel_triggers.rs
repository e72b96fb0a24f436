//! Armings: asked for, ended, and carried out when a session is lost or a deadline has passed.

use hoga_protocol::{
    AccountId, AccountName, Arm, ArmCause, Armed, CancelAll, Command, Disarm, Nanos, Sequence,
};
use hoga_views::Views;

use super::{Service, Taken};
use crate::account_opening::Opener;
use crate::pending::{Asked, Behalf, CancelMany, Outcome, Whose};
use crate::ports::CommandSink;
use crate::reject::Reject;
use crate::request::Caller;

const NANOS_PER_MILLI: u64 = 1_000_000;

impl<S: CommandSink> Service<S> {
    /// Arms a session, or ends its arming; `arming` is the one that the session has.
    ///
    /// # Errors
    /// Why it is refused; the session is armed as it was then.
    pub(super) fn cancel_on_disconnect(
        &mut self,
        now: Nanos,
        name: &AccountName,
        arming: Option<Sequence>,
        on: bool,
        caller: Caller,
    ) -> Result<Taken, Reject> {
        let armed = arming.and_then(|arming| self.views.armings().get(arming));
        let asked = Asked::CancelOnDisconnect;
        match (on, armed, arming) {
            (true, Some(_), _) | (false, _, None) => Ok(Taken::Stands(Outcome::CancelOnDisconnect(on))),
            (true, None, _) => {
                let account = self.open_account(now, name, Opener::Client(caller.origin))?;
                let cause = ArmCause::Disconnect;
                let sequence = self.submit(now, &Command::Arm(Arm { account, cause }))?;
                // One that is under way is not waited for: its own answer comes, and the new one takes its place.
                if let Some(before) = arming.filter(|&before| before > self.views.sequence()) {
                    self.owe_disarm(account, before);
                }
                Ok(Taken::Sequenced { sequence, asked })
            }
            (false, _, Some(arming)) => {
                // Whoever has an arming has an account.
                let Some(account) = self.opening.find(name, &self.views) else {
                    return Ok(Taken::Stands(Outcome::CancelOnDisconnect(false)));
                };
                let sequence = self.submit(now, &Command::Disarm(Disarm { account, arming }))?;
                Ok(Taken::Sequenced { sequence, asked })
            }
        }
    }

    /// Sets or renews an account's deadline, or ends it with a timeout of 0.
    ///
    /// # Errors
    /// Why it is refused; the deadline is what it was then.
    pub(super) fn cancel_all_after(
        &mut self,
        now: Nanos,
        name: &AccountName,
        timeout_ms: u64,
        caller: Caller,
    ) -> Result<Taken, Reject> {
        let (account, command) = match timeout_ms {
            0 => {
                let known = self.opening.find(name, &self.views);
                let deadline = |account| Some((account, self.timers.deadline_of(account, &self.views)?));
                match known.and_then(deadline) {
                    Some((account, arming)) => (account, Command::Disarm(Disarm { account, arming })),
                    None => return Ok(Taken::Stands(Outcome::CancelAllAfter(None))),
                }
            }
            timeout_ms => {
                let account = self.open_account(now, name, Opener::Client(caller.origin))?;
                let at = now.0.saturating_add(timeout_ms.saturating_mul(NANOS_PER_MILLI));
                let cause = ArmCause::Deadline(Nanos(at));
                (account, Command::Arm(Arm { account, cause }))
            }
        };
        let sequence = self.submit(now, &command)?;
        self.timers
            .renew(account, sequence, matches!(command, Command::Arm(_)));
        let asked = Asked::CancelAllAfter;
        Ok(Taken::Sequenced { sequence, asked })
    }

    /// The session of this arming is lost: its account's orders are owed a cancel.
    pub fn lose(&mut self, arming: Sequence) {
        self.timers.lose(arming);
    }

    /// Whoever armed a session before the exchange went down is gone, and so may deadlines be: everything of those is owed a
    /// cancel. To be called once, before anybody is served.
    pub fn recover(&mut self, now: Nanos) {
        self.timers.recover(now, &self.views);
    }

    /// When the next deadline passes, if there is one.
    pub fn next_deadline(&self) -> Option<Nanos> {
        self.timers.next_deadline(&self.views)
    }

    /// Owes the commands of armings whose time has come, as many as may be under way at once.
    pub(super) fn fire_triggers(&mut self, now: Nanos, fired: &mut dyn FnMut(&Armed, &Views)) {
        self.timers.fire(now, &self.views);
        while let Some(armed) = self.timers.next(&self.views) {
            fired(&armed, &self.views);
            let Armed { account, arming, .. } = armed;
            let command = CancelAll {
                account,
                instrument: None,
                before: None,
            };
            let cancel = CancelMany::new(Whose::Account { command, by: None });
            let behalf = Behalf::Arming(Disarm { account, arming });
            self.owe(Asked::CancelMany(cancel), cancel.command(), behalf);
        }
    }

    /// A command on behalf of an arming is through.
    pub(super) fn arming_done(&mut self, disarm: Disarm, outcome: Outcome) {
        match outcome {
            Outcome::Canceled(_) => {
                self.owe(Asked::Disarm, Command::Disarm(disarm), Behalf::Arming(disarm));
            }
            // Disarmed, or somebody had disarmed it meanwhile.
            _ => self.timers.done(disarm.arming),
        }
    }

    fn owe_disarm(&mut self, account: AccountId, arming: Sequence) {
        let disarm = Disarm { account, arming };
        self.owe(Asked::Disarm, Command::Disarm(disarm), Behalf::Arming(disarm));
    }
}
