//! A running hash of events. It is cheap, because it is taken inside the clock, and no event escapes it.

use hoga_protocol::{Event, EventBody};

/// The hash of all events so far, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHash(u64);

impl EventHash {
    /// Adds an event: its place, its kind, its orders and its amounts. The products do not wait for each other; only
    /// one multiplication an event is in the chain.
    #[inline]
    pub fn add(&mut self, event: &Event) {
        let [a, b, c] = words(&event.body);
        let place = event.sequence.0 ^ (u64::from(event.index) << 40) ^ (u64::from(event.last) << 63);
        let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ a.wrapping_mul(0xbf58_476d_1ce4_e5b9)
            ^ b.wrapping_mul(0x94d0_49bb_1331_11eb)
            ^ c.wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 = (self.0.rotate_left(5) ^ mixed).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// The hash.
    pub const fn value(self) -> u64 {
        self.0
    }
}

fn words(body: &EventBody) -> [u64; 3] {
    match body {
        EventBody::OrderAccepted(accepted) => {
            let request = &accepted.request;
            let terms = request.side as u64 ^ (request.time_in_force as u64) << 1;
            [
                accepted.order.0,
                request.price.0 as u64,
                request.quantity.0 << 3 ^ terms,
            ]
        }
        EventBody::Trade(trade) => {
            let (aggressor, resting) = (&trade.aggressor, &trade.resting);
            let orders = resting.order.0 ^ aggressor.order.0.rotate_left(24);
            let amounts = trade.price.0 as u64 ^ trade.quantity.0.rotate_left(42);
            let leaves = resting.leaves.0 ^ aggressor.leaves.0.rotate_left(32);
            let fees = (aggressor.fee.0 as u64).rotate_left(16) ^ resting.fee.0 as u64;
            [orders, amounts, leaves ^ fees.rotate_left(7) ^ 1]
        }
        EventBody::OrderCanceled(canceled) => [
            canceled.order.0,
            canceled.canceled.0,
            2 ^ (canceled.reason as u64) << 8,
        ],
        EventBody::OrderReplaced(replaced) => {
            let amounts = replaced.quantity.0 ^ replaced.leaves.0.rotate_left(21);
            let kept = u64::from(replaced.priority_kept) << 63;
            [replaced.order.0, replaced.price.0 as u64, amounts ^ kept]
        }
        EventBody::Rejected(rejected) => [4, rejected.reason as u64, rejected.order.unwrap_or_default().0],
        EventBody::MassCancelDone(done) => [5, u64::from(done.canceled), u64::from(done.more)],
        EventBody::DuplicateOrder { order } => [6, order.0, 0],
        EventBody::AccountOpened(opened) => [7, u64::from(opened.account.0), 0],
        EventBody::InstrumentDefined(defined) => [8, u64::from(defined.instrument.0), 0],
        EventBody::Started(genesis) => [9, u64::from(genesis.engine_version), 0],
        EventBody::Checkpointed(checkpointed) => {
            let digest = u128::from_le_bytes(checkpointed.digest);
            [
                10 ^ u64::from(checkpointed.agrees) << 63,
                digest as u64,
                (digest >> 64) as u64,
            ]
        }
        EventBody::EngineVersionRaised(raised) => [11, u64::from(raised.version), 0],
        EventBody::Armed(armed) => [12, u64::from(armed.account.0), armed.arming.0],
        EventBody::Disarmed(disarmed) => [13, u64::from(disarmed.account.0), disarmed.arming.0],
        EventBody::FeesSet(set) => [
            14,
            u64::from(set.instrument.0),
            set.maker.0 as u64 ^ (set.taker.0 as u64) << 32,
        ],
        EventBody::InstrumentStatusSet(set) => [15, u64::from(set.instrument.0), set.status as u64],
        EventBody::AccountStatusSet(set) => [16, u64::from(set.account.0), set.status as u64],
        EventBody::AccountLimitsSet(set) => [17, u64::from(set.account.0), u64::from(set.max_open_orders)],
        EventBody::InstrumentCanceled(done) => [18, u64::from(done.instrument.0), u64::from(done.canceled)],
        EventBody::LimitsSet(set) => [
            19,
            u64::from(set.limits.max_accounts),
            u64::from(set.limits.client_ids_total),
        ],
        EventBody::ClockAccepted(accepted) => [20, accepted.from.0, accepted.to.0],
    }
}
