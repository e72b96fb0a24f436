//! Where a campaign's commands come from: a small generator whose markets change their weather now and then.

use hoga_protocol::*;

use crate::ACCOUNTS;

/// Whom nobody opens.
const NOBODY: AccountId = AccountId(99);

/// The ids that clients give.
const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(word ^ (word >> 31)) * u128::from(bound)) >> 64) as u64
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// A generator of commands, with what it has heard.
pub struct Weather {
    random: Random,
    middle: u64,
    width: u64,
    /// Ticks by which the middle moves from one order to the next.
    drift: i64,
    /// Orders accepted last that might rest, in a ring: some of them live, some gone.
    heard: [(OrderId, AccountId); 48],
    count: usize,
    last: NewOrder,
    /// The exchange's time when the command is drawn.
    now: u64,
}

impl Weather {
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            middle: 100,
            width: 3,
            drift: 0,
            heard: [(OrderId(1), AccountId(0)); 48],
            count: 0,
            last: crate::common::limit(Side::Buy, 1, 1),
            now: 0,
        }
    }

    /// What the generator ought to know of an event.
    pub fn hear(&mut self, body: &EventBody) {
        if let EventBody::OrderAccepted(accepted) = body
            && accepted.request.time_in_force == TimeInForce::Gtc
        {
            self.heard[self.count % self.heard.len()] = (accepted.order, accepted.request.account);
            self.count += 1;
        }
    }

    /// A command to an exchange whose time is `now`.
    pub fn command(&mut self, sequence: Sequence, now: Nanos) -> Command {
        self.now = now.0;
        if self.random.one_in(2_000) {
            self.change();
        }
        let account = AccountId(self.random.below(u64::from(ACCOUNTS)) as u32);
        match self.random.below(100) {
            0..64 => Command::NewOrder(self.order(account)),
            64 => self.again(),
            65..67 => Command::CancelClientOrder(CancelClientOrder {
                account,
                client_order_id: self.client_order_id(),
            }),
            67..77 => self.cancel(account, sequence),
            77..99 => self.replace(account, sequence),
            _ => {
                let instrument = InstrumentId(self.random.below(4) as u32);
                Command::CancelAll(CancelAll {
                    account: match self.random.below(u64::from(ACCOUNTS) + 1) as u32 {
                        ACCOUNTS => NOBODY,
                        account => AccountId(account),
                    },
                    instrument: self.random.one_in(2).then_some(instrument),
                    before: self
                        .random
                        .one_in(4)
                        .then_some(Sequence(sequence.0.saturating_sub(20))),
                })
            }
        }
    }

    /// Another weather: still and narrow, wide, swinging, or a leap to anywhere.
    fn change(&mut self) {
        let scale = self.random.below(40);
        self.drift = 0;
        match self.random.below(5) {
            0 => (self.middle, self.width) = (100, 3),
            1 => self.width = 1 + self.random.below(200),
            2 => self.drift = self.random.below(41) as i64 - 20,
            3 => self.middle = 1 + self.random.below(1 << scale),
            _ => self.width = 1 + self.random.below(1 << scale),
        }
    }

    fn price(&mut self) -> Ticks {
        if self.random.one_in(200) {
            let edges = [
                -1,
                0,
                1,
                2,
                Ticks::MAX.0 - 1,
                Ticks::MAX.0,
                Ticks::MAX.0 + 1,
                i64::MAX,
                i64::MIN,
            ];
            return Ticks(self.random.pick(&edges));
        }
        self.middle = self
            .middle
            .saturating_add_signed(self.drift)
            .clamp(1, Ticks::MAX.0 as u64);
        let span = self.random.below(2 * self.width + 1);
        let price = (self.middle + span).saturating_sub(self.width);
        Ticks(price.clamp(1, Ticks::MAX.0 as u64) as i64)
    }

    fn quantity(&mut self) -> Lots {
        match self.random.below(40) {
            0 => Lots(
                self.random
                    .pick(&[0, 1, 30, 31, 60, 61, Lots::MAX.0, Lots::MAX.0 + 1]),
            ),
            1..6 => Lots(1 + self.random.below(60)),
            _ => Lots(1 + self.random.below(9)),
        }
    }

    fn order(&mut self, account: AccountId) -> NewOrder {
        use TimeInForce::{Fok, Gtc, Ioc};
        let mut order_type = OrderType::Limit;
        let (mut time_in_force, mut post_only) = (Gtc, false);
        match self.random.below(32) {
            0..3 => time_in_force = Ioc,
            3..6 => time_in_force = Fok,
            6..9 => post_only = true,
            9 => (order_type, time_in_force) = (OrderType::Market, Ioc),
            10 => (order_type, time_in_force) = (OrderType::Market, Fok),
            11 if self.random.one_in(4) => order_type = OrderType::Market,
            12 if self.random.one_in(4) => (time_in_force, post_only) = (Ioc, true),
            _ => {}
        }
        let price = self.price();
        let with_price = order_type == OrderType::Limit || self.random.one_in(50);
        let client_order_id = match self.random.below(6) {
            0 => self.client_order_id(),
            _ => ClientOrderId::EMPTY,
        };
        let is_named = !client_order_id.is_empty() || self.random.one_in(100);
        self.last = NewOrder {
            account: if self.random.one_in(300) { NOBODY } else { account },
            instrument: InstrumentId(self.random.pick(&[0, 0, 0, 0, 0, 1, 1, 2, 2, 2]) as u32),
            side: self.random.pick(&[Side::Buy, Side::Sell]),
            order_type,
            time_in_force,
            post_only,
            price: if with_price { price } else { Ticks(0) },
            quantity: self.quantity(),
            client_order_id,
            valid_until: if is_named { self.valid_until() } else { Nanos(0) },
            signed_by: SigningKeyId([self.random.pick(&[0, 0, 1, 2]); 10]),
        };
        if self.random.one_in(300) {
            self.last.instrument = InstrumentId(3);
        }
        self.last
    }

    /// The last order once more, sometimes signed anew or valid for longer.
    fn again(&mut self) -> Command {
        if self.random.one_in(3) && !self.last.client_order_id.is_empty() {
            self.last.valid_until = self.valid_until();
            self.last.signed_by.0[0] ^= 1;
        }
        Command::NewOrder(self.last)
    }

    fn client_order_id(&mut self) -> ClientOrderId {
        ClientOrderId::new(self.random.pick(&IDS)).unwrap()
    }

    /// For ever, for a little while, up to a time that is past, or to the furthest time there may be and beyond.
    fn valid_until(&mut self) -> Nanos {
        let furthest = NewOrder::MAX_VALIDITY.0;
        match self.random.below(40) {
            0..18 => Nanos(0),
            18..34 => Nanos(self.now + 1 + self.random.below(400)),
            34..38 => Nanos(self.now.saturating_sub(self.random.below(3))),
            38 => Nanos(self.now + furthest),
            _ => Nanos(self.now + furthest + 1 + self.random.below(3)),
        }
    }

    /// An order to change, mostly one that was accepted not long ago and mostly by its owner.
    fn target(&mut self, account: AccountId, sequence: Sequence) -> (OrderId, AccountId) {
        let (order, owner) = self.random.pick(&self.heard);
        match self.random.below(60) {
            0 => (OrderId(self.random.below(sequence.0 + 2)), account),
            1 => (order, NOBODY),
            2 => (order, account),
            _ => (order, owner),
        }
    }

    fn cancel(&mut self, account: AccountId, sequence: Sequence) -> Command {
        let (order, account) = self.target(account, sequence);
        Command::CancelOrder(CancelOrder { account, order })
    }

    fn replace(&mut self, account: AccountId, sequence: Sequence) -> Command {
        let (order, account) = self.target(account, sequence);
        let (price, quantity) = (self.price(), self.quantity());
        Command::ReplaceOrder(ReplaceOrder {
            account,
            order,
            price: (!self.random.one_in(4)).then_some(price),
            quantity: self.random.one_in(2).then_some(quantity),
        })
    }
}
