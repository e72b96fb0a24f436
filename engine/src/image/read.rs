//! An image back to an engine. Bytes from a disk may say anything, so nothing is taken that commands could not have
//! brought about: what the books, the tables and the sums rely on is checked here, and memory is taken for what was
//! read, never for what a count promises.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSource};
use hoga_protocol::{
    AcceptClock, AccountId, AccountStatus, Arm, Armed, ClientOrderId, Command, FeeAccrual, FeeRate,
    InstrumentId, InstrumentSpec, InstrumentStatus, Limits, Lots, Nanos, NewOrder, OpenAccount, OrderId,
    OrderType, Sequence, Side, SigningKeyId, StateCheck, Ticks, TimeInForce,
};

use super::FORM;
use crate::accounts::Standing;
use crate::client_ids::Entry;
use crate::digest::EventsDigest;
use crate::engine::Engine;
use crate::market::Market;
use crate::market::checkpoint::{BookCursor, Checks, Cursor};
use crate::order::Order;
use crate::slab::Slot;

impl Engine {
    /// Reads what [`write_image`](Engine::write_image) wrote. The engine goes on as the one that was written: the same
    /// commands have the same events, digests and images. It sets aside the memory that the genesis in the image asks
    /// for, as the genesis itself does; what follows the image is left in `source`.
    ///
    /// # Errors
    /// [`ImageError`] for bytes that no engine writes; it names the field.
    pub fn read_image(source: &mut impl ImageSource) -> Result<Engine, ImageError> {
        let form = source.take_u32()?;
        if form != FORM {
            return Err(ImageError::UnknownVersion(form));
        }
        let last_sequence = Sequence(source.take_u64()?);
        let now = Nanos(source.take_u64()?);
        let history = EventsDigest::from_bytes(source.take_array()?);
        let begun = source.take_bool("begun")?;
        let least = Sequence(u64::from(begun));
        check((least..=Sequence::MAX).contains(&last_sequence), "last_sequence")?;
        let market = match begun {
            true => Some(
                Reading {
                    source,
                    last_sequence,
                }
                .market()?,
            ),
            false => None,
        };
        Ok(Engine {
            last_sequence,
            now,
            history,
            market,
        })
    }
}

fn check(holds: bool, field: &'static str) -> Result<(), ImageError> {
    match holds {
        true => Ok(()),
        false => Err(ImageError::BadValue(field)),
    }
}

struct Reading<'a, S> {
    source: &'a mut S,
    last_sequence: Sequence,
}

/// An order that rests, for its account's chains.
struct Live {
    id: OrderId,
    slot: Slot,
    instrument: InstrumentId,
}

impl<S: ImageSource> Reading<'_, S> {
    fn market(&mut self) -> Result<Market, ImageError> {
        let mut market = self.settings()?;
        self.instruments(&mut market)?;
        self.accounts(&mut market)?;
        market.checks = self.checks(&market)?;
        self.administered(&mut market)?;
        let mut live = Vec::new();
        for number in 0..market.instruments.len() as u32 {
            for side in [Side::Buy, Side::Sell] {
                self.side(&mut market, InstrumentId(number), side, &mut live)?;
            }
        }
        // An account's orders are chained in the order of their ids, whatever books they are in.
        live.sort_unstable_by_key(|order| order.id);
        for order in live {
            let orders = &mut market.arena.orders;
            market.accounts.add_live(orders, order.slot, order.instrument);
        }
        self.closed_ids(&mut market)?;
        Ok(market)
    }

    fn settings(&mut self) -> Result<Market, ImageError> {
        let Command::Genesis(genesis) = self.source.take_record()? else {
            return Err(ImageError::BadValue("genesis"));
        };
        let mut market = Market::new(&genesis).ok_or(ImageError::BadValue("genesis"))?;
        let version = self.source.take_u32()?;
        if version != market.rules.version() {
            let raised = market.rules.raised(version);
            market.rules = raised.ok_or(ImageError::BadValue("rules"))?;
        }
        let limits = Limits {
            max_accounts: self.source.take_u32()?,
            max_open_orders_per_account: self.source.take_u32()?,
            client_ids_total: self.source.take_u32()?,
            ..market.limits
        };
        check(market.raise_limits(limits), "limits")?;
        Ok(market)
    }

    fn instruments(&mut self, market: &mut Market) -> Result<(), ImageError> {
        for _ in 0..self.source.take_u32()? {
            let Command::DefineInstrument(spec) = self.source.take_record()? else {
                return Err(ImageError::BadValue("instrument"));
            };
            check(market.instruments.define(&spec).is_ok(), "instrument")?;
        }
        Ok(())
    }

    fn accounts(&mut self, market: &mut Market) -> Result<(), ImageError> {
        for number in 0..self.source.take_u32()? {
            let open = OpenAccount {
                account: AccountId(number),
                name: self.source.take_text("account")?,
            };
            check(market.accounts.open(&open).is_ok(), "account")?;
            market.add_account();
        }
        Ok(())
    }

    fn checks(&mut self, market: &Market) -> Result<Checks, ImageError> {
        let cursor = match self.source.take_bool("cursor")? {
            false => Cursor::Book(self.book_cursor(market)?),
            true => {
                let account = AccountId(self.source.take_u32()?);
                let (is_behind, id) = (self.source.take_bool("cursor")?, self.source.take_u64()?);
                let is_place = market.accounts.contains(account) && (is_behind || id == 0);
                check(is_place, "cursor")?;
                Cursor::Account(account, is_behind.then_some(id))
            }
        };
        let last = match self.source.take_bool("check")? {
            true => Some(StateCheck {
                sequence: Sequence(self.past("check")?),
                digest: self.source.take_array()?,
            }),
            false => None,
        };
        Ok(Checks { cursor, last })
    }

    fn book_cursor(&mut self, market: &Market) -> Result<BookCursor, ImageError> {
        let cursor = BookCursor {
            instrument: InstrumentId(self.source.take_u32()?),
            side: match self.source.take_bool("cursor")? {
                false => Side::Buy,
                true => Side::Sell,
            },
            price: Ticks(self.source.take_i64()?),
            order: OrderId(self.source.take_u64()?),
        };
        // Behind the last instrument, or without one, the cursor waits.
        let is_place = cursor.instrument.0 as usize <= market.instruments.len()
            && (0..=Ticks::MAX.0 + 1).contains(&cursor.price.0)
            && cursor.order.0 <= self.last_sequence.0;
        check(is_place, "cursor")?;
        Ok(cursor)
    }

    fn administered(&mut self, market: &mut Market) -> Result<(), ImageError> {
        for number in 0..market.instruments.len() as u32 {
            if self.source.take_bool("instrument status")? {
                market.instruments.known(InstrumentId(number)).status = InstrumentStatus::CancelOnly;
            }
        }
        let mut last = None;
        for _ in 0..self.source.take_u32()? {
            let account = AccountId(self.source.take_u32()?);
            let is_next = market.accounts.contains(account) && last < Some(account);
            check(is_next, "restricted account")?;
            last = Some(account);
            let standing = Standing {
                status: match self.source.take_bool("account status")? {
                    false => AccountStatus::Active,
                    true => AccountStatus::Suspended,
                },
                max_open_orders: self.source.take_u32()?,
            };
            check(standing != Standing::INITIAL, "restricted account")?;
            market.accounts.set_standing(account, standing);
        }
        self.armings(market)
    }

    fn armings(&mut self, market: &mut Market) -> Result<(), ImageError> {
        let leapt = Nanos(self.source.take_u64()?);
        check(leapt <= AcceptClock::MAX, "leaps")?;
        market.armings.leap(leapt);
        let mut last = 0;
        for _ in 0..self.source.take_u32()? {
            let arming = self.past("arming")?;
            let leapt_then = Nanos(self.source.take_u64()?);
            check(leapt_then <= leapt, "arming")?;
            let Command::Arm(Arm { account, cause }) = self.source.take_record()? else {
                return Err(ImageError::BadValue("arming"));
            };
            check(arming > last && market.accounts.contains(account), "arming")?;
            last = arming;
            let armed = Armed {
                account,
                arming: Sequence(arming),
                cause,
            };
            check(market.armings.take_in(&armed, leapt_then) == Ok(None), "arming")?;
        }
        Ok(())
    }

    /// The sequence of a command that has been.
    fn past(&mut self, field: &'static str) -> Result<u64, ImageError> {
        let sequence = self.source.take_u64()?;
        check((1..=self.last_sequence.0).contains(&sequence), field)?;
        Ok(sequence)
    }

    fn side(
        &mut self,
        market: &mut Market,
        instrument: InstrumentId,
        side: Side,
        live: &mut Vec<Live>,
    ) -> Result<(), ImageError> {
        // Each level lies behind the one before it, and the first ask above the best bid.
        let mut last = match side {
            Side::Buy => Ticks(Ticks::MAX.0 + 1),
            Side::Sell => market.best_bid(instrument).unwrap_or(Ticks(0)),
        };
        loop {
            let price = Ticks(self.source.take_i64()?);
            if price == Ticks(0) {
                return Ok(());
            }
            let is_behind = match side {
                Side::Buy => price < last,
                Side::Sell => price > last,
            };
            check(is_behind, "price")?;
            last = price;
            let count = self.source.take_u32()?;
            check(count > 0, "orders")?;
            for _ in 0..count {
                live.push(self.order(market, instrument, side, price)?);
            }
        }
    }

    /// One order of the level at `price`, put into the book.
    fn order(
        &mut self,
        market: &mut Market,
        instrument: InstrumentId,
        side: Side,
        price: Ticks,
    ) -> Result<Live, ImageError> {
        let max_open_orders = market.limits.max_open_orders as usize;
        check(market.arena.orders.len() < max_open_orders, "orders")?;
        let id = OrderId(self.past("order")?);
        check(market.arena.orders.find(id).is_none(), "order")?;
        let terms = NewOrder {
            account: AccountId(self.source.take_u32()?),
            instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: self.source.take_bool("post_only")?,
            price,
            quantity: Lots(self.source.take_u64()?),
            client_order_id: ClientOrderId::EMPTY,
            valid_until: Nanos(0),
            signed_by: SigningKeyId::NONE,
        };
        let spec = market.could_admit(&terms)?;
        let leaves = Lots(self.source.take_u64()?);
        check((1..=terms.quantity.0).contains(&leaves.0), "leaves")?;
        let fee = FeeAccrual::from_exact(self.source.take_i128()?);
        let filled = Lots(terms.quantity.0 - leaves.0);
        check(market.could_be_charged(&spec, filled, fee), "fee")?;

        let slot = market.arena.orders.insert(Order::new(id, &terms, leaves));
        if fee != FeeAccrual::ZERO {
            market.arena.orders.set_fee(slot, fee);
        }
        if self.source.take_bool("client_order_id")? {
            let entry = self.client_id(market, terms.account)?;
            check(entry.order == id, "client_order_id")?;
            let client_id = market.client_ids.insert(entry);
            market.arena.orders.set_client_id(slot, client_id);
        }
        let book = &mut market.instruments.known(instrument).book;
        book.push(&mut market.arena, slot, price);
        Ok(Live { id, slot, instrument })
    }

    /// A client order id that no order has yet.
    fn client_id(&mut self, market: &Market, account: AccountId) -> Result<Entry, ImageError> {
        let order = OrderId(self.past("client_order_id")?);
        let (id, terms) = (self.source.take_u64()?, self.source.take_u64()?);
        let valid_until = Nanos(self.source.take_u64()?);
        let is_free = market.client_ids.find_hash(account, id).is_none();
        check(is_free, "client_order_id")?;
        Ok(Entry::new(id, terms, order, valid_until, account))
    }

    fn closed_ids(&mut self, market: &mut Market) -> Result<(), ImageError> {
        let mut orders = Vec::new();
        for number in 0..market.accounts.len() as u32 {
            let account = AccountId(number);
            let forgotten_until = Nanos(self.source.take_u64()?);
            for _ in 0..self.source.take_u32()? {
                let entry = self.client_id(market, account)?;
                check(market.arena.orders.find(entry.order).is_none(), "closed order")?;
                let slot = market.client_ids.insert(entry);
                market.client_ids.close(slot);
                orders.push(entry.order);
                // One beyond the shares has another forgotten at once.
                let kept = market.client_ids.closed_total() as usize;
                check(kept == orders.len(), "closed client order ids")?;
            }
            market.client_ids.set_forgotten_until(account, forgotten_until);
        }
        orders.sort_unstable();
        let are_distinct = orders.is_sorted_by(|one, other| one < other);
        check(are_distinct, "closed order")
    }
}

impl Market {
    fn best_bid(&self, instrument: InstrumentId) -> Option<Ticks> {
        let book = &self.instruments.get(instrument)?.book;
        let best = book.levels(&self.arena, Side::Buy).next()?;
        Some(best.price)
    }

    /// The instrument of an order whose terms are ones that an accepted order could have had.
    fn could_admit(&self, terms: &NewOrder) -> Result<InstrumentSpec, ImageError> {
        check(self.accounts.contains(terms.account), "account")?;
        let instrument = self.instruments.get(terms.instrument);
        let spec = instrument.ok_or(ImageError::BadValue("instrument"))?.spec;
        check(terms.check_terms(&spec).is_ok(), "terms")?;
        Ok(spec)
    }

    /// Whether fills of `filled` lots can have come to these fees: no more than all of them at the highest price and the
    /// dearest rate that there can have been. So what may still be charged overflows
    /// nothing.
    fn could_be_charged(&self, spec: &InstrumentSpec, filled: Lots, fee: FeeAccrual) -> bool {
        let most = spec.notional(Ticks::MAX, filled).0 * i128::from(FeeRate::MAX.0);
        (-most..=most).contains(&fee.exact())
    }
}
