//! Everything that trades once the exchange has begun: settings, instruments, accounts, live orders, used ids.

mod new_order;

mod matching;

mod replace_order;

mod cancel;

mod administration;

pub(crate) mod checkpoint;

use hoga_protocol::{
    AccountId, AccountOpened, Arm, Command, EngineVersion, Event, EventBody, Genesis, InstrumentDefined,
    InstrumentId, InstrumentSpec, Limits, OpenAccount, OrderId, RejectReason, Rejected, Sequence, Side,
};

use crate::accounts::{Accounts, most_accounts};
use crate::arena::Arena;
use crate::armings::Armings;
use crate::client_ids::{ClientIds, Entry};
use crate::digest::StateDigest;
use crate::emitter::Emitter;
use crate::instruments::Instruments;
use crate::keyed::HashKey;
use crate::rules::Rules;
use crate::slab::Slot;
use checkpoint::Checks;

/// The state of a running exchange.
#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) settings: Genesis,
    /// The genesis's, as operators have changed them.
    pub(crate) limits: Limits,
    pub(crate) instruments: Instruments,
    pub(crate) accounts: Accounts,
    pub(crate) arena: Arena,
    pub(crate) client_ids: ClientIds,
    pub(crate) armings: Armings,
    pub(crate) rules: Rules,
    pub(crate) checks: Checks,
}

/// What a command answers when it is refused; it has then changed nothing.
type Answer = Result<(), Rejected>;

impl Market {
    /// Begins an exchange, unless its version is unknown or a limit is one that the engine cannot keep.
    pub(crate) fn new(genesis: &Genesis) -> Option<Self> {
        let rules = Rules::new(genesis.engine_version)?;
        if !genesis.limits.is_valid() {
            return None;
        }
        let key = HashKey::new(genesis.hash_key);
        let Limits {
            max_instruments,
            max_accounts,
            max_open_orders,
            max_open_orders_per_account,
            ..
        } = genesis.limits;
        Some(Self {
            settings: *genesis,
            limits: genesis.limits,
            instruments: Instruments::new(key, max_instruments),
            accounts: Accounts::new(key, max_accounts, max_open_orders_per_account, max_open_orders),
            arena: Arena::new(max_open_orders),
            client_ids: ClientIds::new(key, &genesis.limits),
            armings: Armings::new(max_accounts),
            rules,
            checks: Checks::NONE,
        })
    }

    /// Carries out one command and pushes at least one event, or refuses it and pushes none.
    pub(crate) fn apply<E: FnMut(&Event)>(
        &mut self,
        sequence: Sequence,
        command: &Command,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        match command {
            Command::Genesis(_) => Err(refused(RejectReason::OutOfPlace)),
            Command::DefineInstrument(spec) => self.define_instrument(spec, out),
            Command::OpenAccount(open) => self.open_account(open, out),
            Command::NewOrder(request) => self.new_order(OrderId(sequence.0), request, out),
            Command::ReplaceOrder(replace) => self.replace_order(replace, out),
            Command::CancelOrder(cancel) => self.cancel_order(cancel, out),
            Command::CancelClientOrder(cancel) => self.cancel_client_order(cancel, out),
            Command::CancelAll(cancel) => self.cancel_all(cancel, out),
            Command::Checkpoint(checkpoint) => self.checkpoint(sequence, checkpoint, out),
            Command::EngineVersion(raise) => self.raise_rules(raise, out),
            Command::Arm(arm) => self.arm(sequence, arm, out),
            Command::Disarm(disarm) => self.disarm(disarm, out),
            Command::Administer(administer) => self.administer(administer, out),
        }
    }

    fn raise_rules<E: FnMut(&Event)>(&mut self, raise: &EngineVersion, out: &mut Emitter<'_, E>) -> Answer {
        let rules = self.rules.raised(raise.version);
        self.rules = rules.ok_or(refused(RejectReason::InvalidSettings))?;
        out.last(EventBody::EngineVersionRaised(*raise));
        Ok(())
    }

    fn define_instrument<E: FnMut(&Event)>(
        &mut self,
        spec: &InstrumentSpec,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let instrument = self.instruments.define(spec).map_err(refused)?;
        out.last(EventBody::InstrumentDefined(InstrumentDefined {
            instrument,
            spec: *spec,
        }));
        Ok(())
    }

    fn open_account<E: FnMut(&Event)>(&mut self, open: &OpenAccount, out: &mut Emitter<'_, E>) -> Answer {
        self.accounts.open(open).map_err(refused)?;
        self.add_account();
        out.last(EventBody::AccountOpened(AccountOpened {
            account: open.account,
            name: open.name,
        }));
        Ok(())
    }

    /// An account was opened: its place in the tables beside the accounts.
    pub(crate) fn add_account(&mut self) {
        self.client_ids.add_account();
        self.armings.add_account();
    }

    /// Takes limits for which nothing has to be given up; false when they are not such.
    pub(crate) fn raise_limits(&mut self, limits: Limits) -> bool {
        let is_raised = limits.max_accounts >= self.limits.max_accounts
            && limits.client_ids_total >= self.limits.client_ids_total;
        let most = most_accounts(self.settings.limits.max_accounts);
        if !limits.is_valid() || !is_raised || limits.max_accounts > most {
            return false;
        }
        self.limits = limits;
        self.accounts
            .set_limits(limits.max_accounts, limits.max_open_orders_per_account);
        self.client_ids.set_total(limits.client_ids_total);
        true
    }

    /// Whether one more order of this account, which is open, may rest.
    #[inline]
    fn has_room(&self, account: AccountId) -> bool {
        self.arena.orders.len() < self.limits.max_open_orders as usize && self.accounts.has_room(account)
    }

    /// The most entries that one command has moved within a table that grows.
    pub(crate) fn most_moved(&self) -> usize {
        let moved = [
            self.accounts.most_moved(),
            self.client_ids.most_moved(),
            self.armings.most_moved(),
        ];
        moved.into_iter().max().unwrap_or_default()
    }

    /// Ends the life of the order at `slot`, which hangs in no level of `instrument` any more.
    fn close(&mut self, slot: Slot, instrument: InstrumentId) {
        self.accounts
            .remove_live(&mut self.arena.orders, slot, instrument);
        let client_id = self.arena.orders.remove(slot);
        self.client_ids.close(client_id);
    }

    /// Walks all state that an outcome can depend on, in an order that replays give again. The chains of an account
    /// need no walk of their own: they are in the order of ids.
    pub(crate) fn digest(&self, digest: &mut StateDigest) {
        digest.record(&Command::Genesis(self.settings));
        digest.limits(&self.limits);
        digest.u64(self.accounts.len() as u64);
        for (number, name) in self.accounts.names().enumerate() {
            digest.u64(number as u64);
            digest.bytes(name.as_bytes());
        }
        digest.u64(self.instruments.len() as u64);
        for instrument in self.instruments.iter() {
            digest.record(&Command::DefineInstrument(instrument.spec));
            for side in [Side::Buy, Side::Sell] {
                for level in instrument.book.levels(&self.arena, side) {
                    digest.level(&level);
                }
                digest.u64(0);
                for slot in instrument.book.orders(&self.arena, side) {
                    self.digest_order(slot, digest);
                }
            }
        }
        for number in 0..self.accounts.len() as u32 {
            let account = AccountId(number);
            digest.u64(self.client_ids.forgotten_until(account).0);
            for entry in self.client_ids.closed(account) {
                digest_closed(entry, digest);
            }
            digest.u64(0);
        }
        digest.u64(u64::from(self.rules.version()));
        self.checks.digest(digest);
        self.digest_administered(digest);
    }

    fn digest_administered(&self, digest: &mut StateDigest) {
        for instrument in self.instruments.iter() {
            digest.u64(instrument.status as u64);
        }
        digest.u64(self.accounts.restricted().count() as u64);
        for (account, standing) in self.accounts.restricted() {
            digest.u64(u64::from(account.0));
            digest.u64(standing.status as u64);
            digest.u64(u64::from(standing.max_open_orders));
        }
        digest.u64(self.armings.leapt().0);
        digest.u64(u64::from(self.armings.len()));
        for entry in self.armings.entries() {
            digest.u64(entry.armed.arming.0);
            digest.record(&Command::Arm(Arm {
                account: entry.armed.account,
                cause: entry.armed.cause,
            }));
            digest.u64(entry.leapt.0);
        }
    }

    fn digest_order(&self, slot: Slot, digest: &mut StateDigest) {
        let terms = self.arena.terms(slot);
        digest.u64(terms.order.0);
        digest.u64(u64::from(terms.account.0));
        digest.u64(u64::from(terms.post_only));
        digest.i64(terms.price.0);
        digest.u64(terms.quantity.0);
        digest.u64(terms.filled.0);
        digest.i128(terms.fee.exact());
        match self.client_ids.get(self.arena.orders.client_id(slot)) {
            Some(entry) => digest_closed(entry, digest),
            None => digest.u64(0),
        }
    }
}

/// An entry of a client order id; its order, which is not 0, comes first.
fn digest_closed(entry: &Entry, digest: &mut StateDigest) {
    digest.u64(entry.order.0);
    digest.u64(entry.id);
    digest.u64(entry.terms);
    digest.u64(entry.valid_until.0);
}

/// A refusal that is about no order.
pub(crate) const fn refused(reason: RejectReason) -> Rejected {
    Rejected { reason, order: None }
}

/// A refusal about one order.
const fn refused_for(order: OrderId, reason: RejectReason) -> Rejected {
    Rejected {
        reason,
        order: Some(order),
    }
}

#[cfg(test)]
pub(crate) mod tests;
