//! The state of an exchange as bytes, and back: what a snapshot of it holds.
//!
//! An image is everything that a later outcome can depend on and nothing else, so one state has one image, whatever
//! slots its orders lie in. In this order, with the words of [`ImageSink`]:
//!
//! | what | as |
//! |---|---|
//! | the form of the image | `u32`, 1 |
//! | last sequence, time, whether the exchange has begun | `u64`, `u64`, `bool`; if not, nothing follows |
//! | what it began with, the rules in force | record, `u32` |
//! | instruments | `u32` count, and a record each |
//! | accounts | `u32` count, and a text each |
//! | if the rules have checkpoints: cursor, tape, newest check | `u32` `bool` (asks) `i64` `u64`; `u64`; `bool`, and if so `u64` and 16 bytes |
//! | if they have administration: of each instrument its status | `u8` |
//! | accounts that are suspended or have a limit, by number | `u32` count, and of each `u32` account, `u8` status, `u32` most open orders |
//! | armings, oldest first | `u32` count, and of each `u64` its name and the record that asked for it |
//! | of each instrument the bids, then the asks | levels, best first, and a price 0 |
//! | a level | `i64` price, `u32` count, and its orders in the order of their queue |
//! | an order | `u64` id, `u32` account, `bool` post-only, `u64` quantity, `u64` leaves, `i128` exact fees, `bool` has a client order id, and if so the record that was sent under it |
//! | closed client order ids, oldest first | `u32` count, and of each `u64` order and the record that was sent under it |

mod read;

use hoga_protocol::codec::ImageSink;
use hoga_protocol::{Arm, Command, Side};

use crate::engine::Engine;
use crate::market::Market;
use crate::market::checkpoint::Checks;
use crate::slab::Slot;

/// The form that is written, and the only one that is read.
const FORM: u32 = 1;

impl Engine {
    /// Writes the whole state into `sink`. It takes time in proportion to the orders, accounts, instruments and closed
    /// client order ids: about 50 bytes an order, and 100 more for a client order id.
    pub fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(FORM);
        sink.put_u64(self.last_sequence.0);
        sink.put_u64(self.now.0);
        sink.put_bool(self.market.is_some());
        if let Some(market) = &self.market {
            market.write(sink);
        }
    }
}

impl Market {
    fn write(&self, sink: &mut impl ImageSink) {
        sink.put_record(&Command::Genesis(self.settings));
        sink.put_u32(self.rules.version());
        sink.put_u32(self.instruments.len() as u32);
        for instrument in self.instruments.iter() {
            sink.put_record(&Command::DefineInstrument(instrument.spec));
        }
        sink.put_u32(self.accounts.len() as u32);
        for name in self.accounts.names() {
            sink.put_text(&name);
        }
        if self.rules.have_checkpoints() {
            self.checks.write(sink);
        }
        if self.rules.have_administration() {
            self.write_administered(sink);
        }
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
        sink.put_u32(self.client_ids.closed_count());
        for entry in self.client_ids.closed() {
            sink.put_u64(entry.order.0);
            sink.put_record(&Command::NewOrder(entry.request));
        }
    }

    fn write_administered(&self, sink: &mut impl ImageSink) {
        for instrument in self.instruments.iter() {
            sink.put_u8(instrument.status as u8);
        }
        sink.put_u32(self.accounts.restricted().len() as u32);
        for (account, standing) in self.accounts.restricted() {
            sink.put_u32(account.0);
            sink.put_u8(standing.status as u8);
            sink.put_u32(standing.max_open_orders);
        }
        sink.put_u32(self.armings.len() as u32);
        for armed in self.armings.iter() {
            sink.put_u64(armed.arming.0);
            sink.put_record(&Command::Arm(Arm {
                account: armed.account,
                cause: armed.cause,
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
            sink.put_record(&Command::NewOrder(entry.request));
        }
    }
}

impl Checks {
    fn write(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.cursor.instrument.0);
        sink.put_bool(self.cursor.side == Side::Sell);
        sink.put_i64(self.cursor.price.0);
        sink.put_u64(self.cursor.order.0);
        sink.put_u64(self.tape.0);
        sink.put_bool(self.last.is_some());
        if let Some(last) = &self.last {
            sink.put_u64(last.sequence.0);
            sink.put(&last.digest);
        }
    }
}
