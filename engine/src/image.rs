//! The state of an exchange as bytes, and back: what a snapshot of it holds.
//!
//! An image is everything that a later outcome can depend on and nothing else, so one state has one image, whatever
//! slots its orders lie in. In this order, with the words of [`ImageSink`]:
//!
//! | what | as |
//! |---|---|
//! | the form of the image | `u32`, 1 |
//! | last sequence, time, the digest of all events, whether the exchange has begun | `u64`, `u64`, 16 bytes, `bool`; if not, nothing follows |
//! | what it began with, the rules in force | record, `u32` |
//! | limits as operators have changed them: most accounts, open orders of each, closed client order ids | `u32` each |
//! | instruments | `u32` count, and a record each |
//! | accounts | `u32` count, and a text each |
//! | where the scrub of the next checkpoint begins | `u8` 0, and `u32` `bool` (asks) `i64` `u64`; or `u8` 1, and `u32` account, `bool` behind an id, `u64` |
//! | the newest check | `bool`, and if so `u64` and 16 bytes |
//! | of each instrument its status | `u8` |
//! | accounts that are suspended or have a limit, by number | `u32` count, and of each `u32` account, `u8` status, `u32` most open orders |
//! | by how much time has leapt; armings, oldest first | `u64`; `u32` count, and of each `u64` its name, `u64` by how much time had leapt then, and the record that asked for it |
//! | of each instrument the bids, then the asks | levels, best first, and a price 0 |
//! | a level | `i64` price, `u32` count, and its orders in the order of their queue |
//! | an order | `u64` id, `u32` account, `bool` post-only, `u64` quantity, `u64` leaves, `i128` exact fees, `bool` has a client order id, and if so that |
//! | of each account | `u64` up to which `valid_until` ids may have been forgotten, `u32` count, and its closed client order ids, oldest first |
//! | a client order id | `u64` order, `u64` hash of the id, `u64` hash of the terms, `u64` valid until |

mod read;

use hoga_protocol::codec::ImageSink;
use hoga_protocol::{AccountId, Arm, Command, Side};

use crate::client_ids::Entry;
use crate::engine::Engine;
use crate::market::Market;
use crate::market::checkpoint::{Checks, Cursor};
use crate::slab::Slot;

/// The form that is written, and the only one that is read.
const FORM: u32 = 1;

impl Engine {
    /// Writes the whole state into `sink`. It takes time in proportion to the orders, accounts, instruments and closed
    /// client order ids: about 50 bytes an order, and 32 more for a client order id.
    pub fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(FORM);
        sink.put_u64(self.last_sequence.0);
        sink.put_u64(self.now.0);
        sink.put(&self.history.finish());
        sink.put_bool(self.market.is_some());
        if let Some(market) = &self.market {
            market.write(sink);
        }
    }
}

impl Market {
    pub(crate) fn write(&self, sink: &mut impl ImageSink) {
        sink.put_record(&Command::Genesis(self.settings));
        sink.put_u32(self.rules.version());
        self.write_limits(sink);
        sink.put_u32(self.instruments.len() as u32);
        for instrument in self.instruments.iter() {
            sink.put_record(&Command::DefineInstrument(instrument.spec));
        }
        sink.put_u32(self.accounts.len() as u32);
        for name in self.accounts.names() {
            sink.put_text(&name);
        }
        self.checks.write(sink);
        self.write_administered(sink);
        for instrument in self.instruments.iter() {
            for side in [Side::Buy, Side::Sell] {
                let mut orders = instrument.book.orders(&self.arena, side);
                for level in instrument.book.levels(&self.arena, side) {
                    sink.put_i64(level.price.0);
                    sink.put_u32(level.orders);
                    for slot in orders.by_ref().take(level.orders as usize) {
                        self.write_order(slot, sink);
                    }
                }
                sink.put_i64(0);
            }
        }
        for number in 0..self.accounts.len() as u32 {
            let account = AccountId(number);
            sink.put_u64(self.client_ids.forgotten_until(account).0);
            sink.put_u32(self.client_ids.closed_count(account));
            for entry in self.client_ids.closed(account) {
                entry.write(sink);
            }
        }
    }

    fn write_limits(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.limits.max_accounts);
        sink.put_u32(self.limits.max_open_orders_per_account);
        sink.put_u32(self.limits.client_ids_total);
    }

    fn write_administered(&self, sink: &mut impl ImageSink) {
        for instrument in self.instruments.iter() {
            sink.put_u8(instrument.status as u8);
        }
        sink.put_u32(self.accounts.restricted().count() as u32);
        for (account, standing) in self.accounts.restricted() {
            sink.put_u32(account.0);
            sink.put_u8(standing.status as u8);
            sink.put_u32(standing.max_open_orders);
        }
        sink.put_u64(self.armings.leapt().0);
        sink.put_u32(self.armings.len());
        for entry in self.armings.entries() {
            sink.put_u64(entry.armed.arming.0);
            sink.put_u64(entry.leapt.0);
            sink.put_record(&Command::Arm(Arm {
                account: entry.armed.account,
                cause: entry.armed.cause,
            }));
        }
    }

    fn write_order(&self, slot: Slot, sink: &mut impl ImageSink) {
        let order = &self.arena.orders[slot];
        sink.put_u64(order.id.0);
        sink.put_u32(order.account.0);
        sink.put_bool(order.post_only);
        sink.put_u64(order.quantity.0);
        sink.put_u64(order.leaves.0);
        sink.put_i128(self.arena.orders.fee(slot).exact());
        let entry = self.client_ids.get(self.arena.orders.client_id(slot));
        sink.put_bool(entry.is_some());
        if let Some(entry) = entry {
            entry.write(sink);
        }
    }
}

impl Entry {
    /// Its account follows from where it stands.
    fn write(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.order.0);
        sink.put_u64(self.id);
        sink.put_u64(self.terms);
        sink.put_u64(self.valid_until.0);
    }
}

impl Checks {
    fn write(&self, sink: &mut impl ImageSink) {
        match self.cursor {
            Cursor::Book(at) => {
                sink.put_u8(0);
                sink.put_u32(at.instrument.0);
                sink.put_bool(at.side == Side::Sell);
                sink.put_i64(at.price.0);
                sink.put_u64(at.order.0);
            }
            Cursor::Account(account, behind) => {
                sink.put_u8(1);
                sink.put_u32(account.0);
                sink.put_bool(behind.is_some());
                sink.put_u64(behind.unwrap_or_default());
            }
        }
        sink.put_bool(self.last.is_some());
        if let Some(last) = &self.last {
            sink.put_u64(last.sequence.0);
            sink.put(&last.digest);
        }
    }
}
