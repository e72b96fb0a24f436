//! What two replays of one journal compare: a digest of the state, and one of the events.
//!
//! The state's is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012) under the key of all zeros. Both show
//! accidents, not forgeries.

use core::hash::Hasher;

use hoga_protocol::codec::{MAX_EVENT, MAX_RECORD, encode_command, encode_event};
use hoga_protocol::{Command, Event, EventBody, Limits, Nanos, OrderAccepted, SigningKeyId, Trade};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::level::LevelTotals;

/// A digest of events in order, over everything that each says: two histories with one digest are one.
///
/// It is 128 bits that each word of an event changes by a step which can be undone, so two histories that differ once
/// stay apart for as long as the same events are added to both. Two fields that share a word lie in it with bits of
/// their own, or one of them is turned by half a word. It shows accidents, not forgeries. The steps are those
/// of a multiplicative congruential generator with odd multipliers (2⁶⁴ over the golden ratio, and one of Steele and
/// Vigna's, 2021), one for every other word; at the end of each event the halves are mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsDigest {
    halves: [u64; 2],
}

impl EventsDigest {
    /// The digest of no events.
    pub fn new() -> Self {
        Self { halves: [0; 2] }
    }

    /// Adds an event. Where the kind of event is known to the caller only its arm is left.
    #[inline(always)]
    pub fn push(&mut self, event: &Event) {
        let mut words = Words(self.halves);
        let place = u64::from(event.index) << 32 | u64::from(event.last) << 31;
        let moment = event.sequence.0 ^ event.timestamp.0.rotate_left(32);
        match &event.body {
            EventBody::OrderAccepted(accepted) => words.accepted(moment, place | 1, accepted),
            EventBody::Trade(trade) => words.trade(moment, place | 2, trade),
            EventBody::OrderCanceled(canceled) => {
                let how = u64::from(canceled.reason as u8) << 8 | u64::from(canceled.was_resting) << 16;
                words.pair(moment, place | how | 3);
                let whose = u64::from(canceled.account.0) << 32 | u64::from(canceled.instrument.0);
                words.pair(canceled.order.0 ^ canceled.canceled.0.rotate_left(32), whose);
            }
            EventBody::OrderReplaced(replaced) => {
                words.pair(moment, place | u64::from(replaced.priority_kept) << 8 | 4);
                let whose = u64::from(replaced.account.0) << 32 | u64::from(replaced.instrument.0);
                words.pair(
                    replaced.order.0 ^ (replaced.price.0 as u64).rotate_left(32),
                    whose,
                );
                words.pair(replaced.quantity.0, replaced.leaves.0);
            }
            _ => words.encoded(event),
        }
        self.halves = words.mixed();
    }

    /// The digest of what was added so far. Adding may go on.
    pub fn finish(&self) -> [u8; 16] {
        let [one, other] = self.halves.map(u64::to_le_bytes);
        core::array::from_fn(|at| if at < 8 { one[at] } else { other[at - 8] })
    }

    /// The digest that [`finish`](Self::finish) gave.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let half = |from: usize| u64::from_le_bytes(core::array::from_fn(|at| bytes[from + at]));
        Self {
            halves: [half(0), half(8)],
        }
    }
}

/// Both halves of a fee in one word.
#[inline(always)]
const fn fold(fee: i128) -> u64 {
    fee as u64 ^ ((fee >> 64) as u64).rotate_left(32)
}

/// The two halves while the words of one event are added.
struct Words([u64; 2]);

impl Words {
    #[inline(always)]
    fn pair(&mut self, one: u64, other: u64) {
        let [first, second] = &mut self.0;
        *first = (first.rotate_left(23) ^ one).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        *second = (second.rotate_left(29) ^ other).wrapping_mul(0xd134_2543_de82_ef95);
    }

    #[inline(always)]
    fn mixed(self) -> [u64; 2] {
        let [first, second] = self.0;
        let first = first ^ second.rotate_left(32);
        [first, second.wrapping_add(first)]
    }

    /// The order's id is the event's sequence.
    #[inline(always)]
    fn accepted(&mut self, moment: u64, place: u64, accepted: &OrderAccepted) {
        let request = &accepted.request;
        let terms = u64::from(request.side as u8) << 8
            | u64::from(request.order_type as u8) << 9
            | u64::from(request.time_in_force as u8) << 10
            | u64::from(request.post_only) << 12
            | (request.client_order_id.as_bytes().len() as u64) << 16;
        self.pair(moment, place | terms);
        let whose = u64::from(request.account.0) << 32 | u64::from(request.instrument.0);
        let amounts = request.quantity.0 ^ (request.price.0 as u64).rotate_left(32);
        self.pair(whose, amounts);
        if !request.client_order_id.is_empty() {
            self.bytes(request.client_order_id.as_bytes());
        }
        if request.valid_until != Nanos(0) || request.signed_by != SigningKeyId::NONE {
            self.pair(request.valid_until.0, accepted.order.0);
            self.bytes(&request.signed_by.0);
        }
    }

    #[inline(always)]
    fn trade(&mut self, moment: u64, place: u64, trade: &Trade) {
        let (aggressor, resting) = (&trade.aggressor, &trade.resting);
        let side = u64::from(trade.aggressor_side as u8) << 8;
        self.pair(moment, place | side);
        let orders = aggressor.order.0 ^ resting.order.0.rotate_left(32);
        let accounts = u64::from(aggressor.account.0) << 32 | u64::from(resting.account.0);
        self.pair(orders, accounts);
        let amounts = trade.quantity.0 ^ (trade.price.0 as u64).rotate_left(32);
        let leaves = aggressor.leaves.0 ^ resting.leaves.0.rotate_left(32);
        self.pair(amounts, leaves ^ u64::from(trade.instrument.0).rotate_left(44));
        self.pair(fold(aggressor.fee.0), fold(resting.fee.0));
    }

    /// A length and as many bytes, so that no two lists of texts give the same words.
    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(16) {
            let mut padded = [0; 16];
            padded[..chunk.len()].copy_from_slice(chunk);
            let word = u128::from_le_bytes(padded);
            self.pair(word as u64, (word >> 64) as u64 ^ (chunk.len() as u64) << 59);
        }
    }

    /// Any event by the bytes that [`encode_event`] gives it.
    #[inline(never)]
    fn encoded(&mut self, event: &Event) {
        let mut bytes = [0; MAX_EVENT];
        let len = encode_event(event, &mut bytes);
        self.pair(len as u64, 0);
        self.bytes(&bytes[..len]);
    }
}

impl Default for EventsDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// A digest of state, field by field. A list follows its length or ends with a zero that no item begins with, so no two
/// states give the same bytes.
pub(crate) struct StateDigest {
    hasher: SipHasher24,
    /// How many bytes it covers.
    #[cfg(test)]
    pub(crate) covered: usize,
}

impl StateDigest {
    pub(crate) fn new() -> Self {
        Self {
            hasher: SipHasher24::new(),
            #[cfg(test)]
            covered: 0,
        }
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.write(&value.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.write(&value.to_le_bytes());
    }

    /// A text, after its length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.write(bytes);
    }

    /// A level's price and totals; its count, which is not 0, comes first.
    pub(crate) fn level(&mut self, level: &LevelTotals) {
        self.u64(u64::from(level.orders));
        self.i64(level.price.0);
        self.u64(level.volume.0);
    }

    /// Limits as they are in force.
    pub(crate) fn limits(&mut self, limits: &Limits) {
        for limit in [
            limits.max_instruments,
            limits.max_accounts,
            limits.max_open_orders,
            limits.max_open_orders_per_account,
            limits.max_touched_orders,
            limits.client_ids_per_account,
            limits.client_ids_total,
        ] {
            self.u64(u64::from(limit));
        }
    }

    /// A command's record stands for what the command brought in, whole.
    pub(crate) fn record(&mut self, command: &Command) {
        let mut bytes = [0; MAX_RECORD];
        let len = encode_command(Nanos(0), command, &mut bytes);
        self.write(&bytes[..len]);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        #[cfg(test)]
        {
            self.covered += bytes.len();
        }
    }

    pub(crate) fn finish(&self) -> [u8; 16] {
        self.hasher.finish128().as_bytes()
    }
}
