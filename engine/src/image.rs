//! The engine as bytes, and back: all that a later outcome can depend on.
//!
//! Little endian, in this order: the form (`u32`); the last sequence and the exchange's time; whether it has begun, and
//! then the genesis, the rules and what the checkpoints keep; the instruments; the accounts; the books; the closed client
//! order ids, the oldest first. A book is its bids and then its asks, each side its levels from the best, each level its
//! orders in the order of their queue. Lists end with a zero that no item begins with. Slots are not written, and what
//! follows from something else is made again: levels' totals, chains of accounts, tables.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{
    AccountId, Command, FeeAccrual, Genesis, InstrumentId, Lots, Nanos, NewOrder, OpenAccount, OrderId,
    Sequence, Side, StateCheck, Ticks,
};

use crate::checkpoint::{Checks, Cursor};
use crate::engine::Engine;
use crate::market::Market;
use crate::order::Order;
use crate::rules::ENGINE_VERSION;
use crate::slab::Slot;

/// The form that is written, and the only one that is read.
const FORM: u32 = 1;

/// No order's fees come near this, and adding to anything below it cannot overflow.
const MOST_FEE: i128 = i128::MAX >> 8;

impl Engine {
    /// Writes the state. Engines that were given the same commands write the same bytes.
    pub fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(FORM);
        sink.put_u64(self.last_sequence().0);
        sink.put_u64(self.now().0);
        sink.put_bool(self.market.is_some());
        if let Some(market) = &self.market {
            market.write_image(sink);
        }
    }

    /// Reads what [`write_image`](Self::write_image) wrote, and nothing behind it.
    ///
    /// # Errors
    /// [`ImageError`] when the bytes are not the image of any engine, or one of a form or of rules that this version does
    /// not know.
    pub fn read_image(source: &mut impl ImageSource) -> Result<Engine, ImageError> {
        match source.take_u32()? {
            FORM => {}
            form => return Err(ImageError::UnknownVersion(form)),
        }
        let last_sequence = Sequence(source.take_u64()?);
        must(last_sequence <= Sequence::MAX, "last_sequence")?;
        let now = Nanos(source.take_u64()?);
        let market = match source.take_bool("begun")? {
            true => Some(Market::read_image(last_sequence, source)?),
            false => None,
        };
        Ok(Engine::restored(last_sequence, now, market))
    }
}

impl Market {
    fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_record(&Command::Genesis(self.settings));
        sink.put_u32(self.rules);
        self.checks.write_image(sink);
        sink.put_u32(self.instruments.iter().len() as u32);
        for instrument in self.instruments.iter() {
            sink.put_record(&Command::DefineInstrument(instrument.spec));
        }
        sink.put_u32(self.accounts.len() as u32);
        for name in self.accounts.names() {
            sink.put(&[name.as_bytes().len() as u8]);
            sink.put(name.as_bytes());
        }
        for instrument in self.instruments.iter() {
            for side in [Side::Buy, Side::Sell] {
                let mut orders = instrument.book.orders(&self.arena, side);
                for level in instrument.book.levels(&self.arena, side) {
                    sink.put_u32(level.orders);
                    sink.put_i64(level.price.0);
                    for slot in orders.by_ref().take(level.orders as usize) {
                        self.write_order(slot, sink);
                    }
                }
                sink.put_u32(0);
            }
        }
        for entry in self.client_ids.closed() {
            sink.put_bool(true);
            sink.put_u64(entry.order.0);
            sink.put_record(&Command::NewOrder(entry.request));
        }
        sink.put_bool(false);
    }

    fn write_order(&self, slot: Slot, sink: &mut impl ImageSink) {
        let terms = self.arena.terms(slot);
        let request = self.client_ids.get(self.arena.orders.client_id(slot));
        let mut fixed = [0; 46];
        fixed[..8].copy_from_slice(&terms.order.0.to_le_bytes());
        fixed[8..12].copy_from_slice(&terms.account.0.to_le_bytes());
        fixed[12] = u8::from(terms.post_only);
        fixed[13..21].copy_from_slice(&terms.quantity.0.to_le_bytes());
        fixed[21..29].copy_from_slice(&terms.leaves().0.to_le_bytes());
        fixed[29..45].copy_from_slice(&terms.fee.exact().to_le_bytes());
        fixed[45] = u8::from(request.is_some());
        sink.put(&fixed);
        if let Some(entry) = request {
            sink.put_record(&Command::NewOrder(entry.request));
        }
    }

    fn read_image(last: Sequence, source: &mut impl ImageSource) -> Result<Market, ImageError> {
        let genesis = take_genesis(source)?;
        let rules = source.take_u32()?;
        must(
            (genesis.engine_version..=ENGINE_VERSION).contains(&rules),
            "rules",
        )?;
        let mut market = Market::new(&genesis);
        market.rules = rules;
        market.checks = Checks::read_image(last, source)?;
        for _ in 0..source.take_u32()? {
            let Command::DefineInstrument(spec) = source.take_record()? else {
                return Err(ImageError::BadValue("instrument"));
            };
            market
                .instruments
                .define(&spec)
                .map_err(|_| ImageError::BadValue("instrument"))?;
        }
        for number in 0..source.take_u32()? {
            let open = OpenAccount {
                account: AccountId(number),
                name: source.take_text("account")?,
            };
            market
                .accounts
                .open(&open)
                .map_err(|_| ImageError::BadValue("account"))?;
            market.client_ids.add_account();
        }
        market.read_books(last, source)?;
        while source.take_bool("closed client order id")? {
            let order = take_order_id(last, source)?;
            let request = market.take_request(source)?;
            must(
                market.client_ids.has_room(request.account),
                "closed client order id",
            )?;
            let slot = market.client_ids.insert(order, &request);
            market.client_ids.close(slot);
        }
        Ok(market)
    }

    /// Reads all books, and then chains each account's orders by their ids, which is the order they came in.
    fn read_books(&mut self, last: Sequence, source: &mut impl ImageSource) -> Result<(), ImageError> {
        let mut live: Vec<(OrderId, Slot, InstrumentId)> = Vec::new();
        let count = self.instruments.iter().len() as u32;
        for instrument in (0..count).map(InstrumentId) {
            for side in [Side::Buy, Side::Sell] {
                let mut behind = None;
                loop {
                    let count = source.take_u32()?;
                    if count == 0 {
                        break;
                    }
                    let price = Ticks(source.take_i64()?);
                    self.check_level(instrument, side, behind, price)?;
                    for _ in 0..count {
                        let slot = self.read_order(last, instrument, side, source)?;
                        live.push((self.arena.orders[slot].id, slot, instrument));
                        self.instruments
                            .known(instrument)
                            .book
                            .push(&mut self.arena, slot, price);
                    }
                    behind = Some(price);
                }
            }
        }
        live.sort_unstable_by_key(|(id, ..)| *id);
        for (_, slot, instrument) in live {
            self.accounts.add_live(&mut self.arena.orders, slot, instrument);
        }
        Ok(())
    }

    /// A level stands behind the one before it, and a book is not crossed.
    fn check_level(
        &self,
        instrument: InstrumentId,
        side: Side,
        behind: Option<Ticks>,
        price: Ticks,
    ) -> Result<(), ImageError> {
        must(price >= Ticks(1) && price <= Ticks::MAX, "price")?;
        let is_behind = behind.is_none_or(|before| match side {
            Side::Buy => price < before,
            Side::Sell => price > before,
        });
        let book = self
            .instruments
            .get(instrument)
            .map(|instrument| &instrument.book);
        let crosses = book.is_some_and(|book| book.against(&self.arena, side, price).is_some());
        must(is_behind && !crosses, "price")
    }

    /// Reads an order into the table of orders; it is in no chain yet.
    fn read_order(
        &mut self,
        last: Sequence,
        instrument: InstrumentId,
        side: Side,
        source: &mut impl ImageSource,
    ) -> Result<Slot, ImageError> {
        let id = take_order_id(last, source)?;
        let account = AccountId(source.take_u32()?);
        let post_only = source.take_bool("post_only")?;
        let quantity = Lots(source.take_u64()?);
        let leaves = Lots(source.take_u64()?);
        let fee = source.take_i128()?;
        let spec = self.instruments.get(instrument).map(|instrument| instrument.spec);
        let most = spec.map_or(Lots::ZERO, |spec| spec.max_quantity);
        must(self.arena.orders.find(id).is_none(), "order")?;
        must(self.accounts.contains(account), "account")?;
        must(
            Lots::ZERO < leaves && leaves <= quantity && quantity <= most,
            "quantity",
        )?;
        must((-MOST_FEE..=MOST_FEE).contains(&fee), "fee")?;
        let is_full = self.arena.orders.len() >= self.settings.limits.max_open_orders as usize;
        must(!is_full, "max_open_orders")?;
        let mut client_id = Slot::NONE;
        if source.take_bool("client_order_id")? {
            let request = self.take_request(source)?;
            let is_its =
                request.account == account && request.instrument == instrument && request.side == side;
            must(is_its, "client_order_id")?;
            client_id = self.client_ids.insert(id, &request);
        }
        let orders = &mut self.arena.orders;
        let slot = orders.insert(Order::restored(id, account, side, post_only, quantity, leaves));
        if fee != 0 {
            orders.set_fee(slot, FeeAccrual::from_exact(fee));
        }
        if client_id != Slot::NONE {
            orders.set_client_id(slot, client_id);
        }
        Ok(slot)
    }

    /// A request whose client order id nobody has yet.
    fn take_request(&self, source: &mut impl ImageSource) -> Result<NewOrder, ImageError> {
        let Command::NewOrder(request) = source.take_record()? else {
            return Err(ImageError::BadValue("client_order_id"));
        };
        let taken = self.client_ids.find(request.account, &request.client_order_id);
        let is_known =
            self.accounts.contains(request.account) && self.instruments.get(request.instrument).is_some();
        must(
            taken.is_none() && is_known && !request.client_order_id.is_empty(),
            "client_order_id",
        )?;
        Ok(request)
    }
}

impl Checks {
    fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.tape);
        sink.put_u32(self.cursor.instrument.0);
        sink.put_u8(self.cursor.side as u8);
        sink.put_i64(self.cursor.behind.map_or(0, |price| price.0));
        sink.put_bool(self.last.is_some());
        if let Some(last) = &self.last {
            sink.put_u64(last.sequence.0);
            sink.put(&last.digest);
        }
    }

    fn read_image(last: Sequence, source: &mut impl ImageSource) -> Result<Checks, ImageError> {
        let tape = source.take_u64()?;
        let instrument = InstrumentId(source.take_u32()?);
        let side = match source.take_bool("cursor")? {
            false => Side::Buy,
            true => Side::Sell,
        };
        let behind = match source.take_i64()? {
            0 => None,
            price => Some(Ticks(price)),
        };
        must(
            behind.is_none_or(|price| price >= Ticks(1) && price <= Ticks::MAX),
            "cursor",
        )?;
        let check = match source.take_bool("last checkpoint")? {
            true => Some(StateCheck {
                sequence: Sequence(source.take_u64()?),
                digest: source.take_array()?,
            }),
            false => None,
        };
        must(
            check.is_none_or(|check| check.sequence <= last),
            "last checkpoint",
        )?;
        Ok(Checks {
            tape,
            cursor: Cursor {
                instrument,
                side,
                behind,
            },
            last: check,
        })
    }
}

fn take_genesis(source: &mut impl ImageSource) -> Result<Genesis, ImageError> {
    let Command::Genesis(genesis) = source.take_record()? else {
        return Err(ImageError::BadValue("genesis"));
    };
    must(
        genesis.engine_version >= 1 && genesis.limits.is_valid(),
        "genesis",
    )?;
    Ok(genesis)
}

fn take_order_id(last: Sequence, source: &mut impl ImageSource) -> Result<OrderId, ImageError> {
    let id = OrderId(source.take_u64()?);
    must(id.0 >= 1 && id.0 <= last.0, "order")?;
    Ok(id)
}

fn must(holds: bool, field: &'static str) -> Result<(), ImageError> {
    match holds {
        true => Ok(()),
        false => Err(ImageError::BadValue(field)),
    }
}
