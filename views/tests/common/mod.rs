//! A tape of commands, written as lines of text, that is folded into views.
//!
//! One line is one command, `SEQUENCE: EVENT; EVENT; …`. The events:
//!
//! ```text
//! new ACCOUNT SYMBOL SIDE FORCE LOTS@PRICE [CLIENT_ORDER_ID]     FORCE: gtc, ioc, fok, market
//! trade AGGRESSOR RESTING LOTS@PRICE left A/R fee A/R
//! cancel ORDER REASON                                            REASON: requested, mass, ioc, fok, dry
//! replace ORDER LOTS@PRICE left LOTS
//! mass | duplicate ORDER | reject
//! ```
//!
//! Accounts are `a`, `b`, `c` and instruments `X`, `Y`, on which one tick times one lot is one quote unit. Commands 1
//! to 6 have made them. Command `n` is at `n` milliseconds.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::fmt::Write;

use hoga_protocol::codec::{ImageError, ImageSink};
use hoga_protocol::*;
use hoga_views::*;

pub const MANY: ViewLimits = ViewLimits {
    executions: 1000,
    closed_orders: 1000,
    order_updates: 1000,
    account_floor: 1,
};

pub struct Tape {
    pub views: Views,
}

impl Tape {
    pub fn new(limits: ViewLimits) -> Self {
        Self::with_limits(limits, Limits::default())
    }

    pub fn with_limits(view_limits: ViewLimits, limits: Limits) -> Self {
        let mut views = Views::new(view_limits);
        let genesis = Genesis {
            engine_version: 1,
            exchange: ExchangeId(7),
            hash_key: [1, 2],
            limits,
        };
        views.fold(&event(1, 0, true, EventBody::Started(genesis)));
        for (number, symbol) in ["X", "Y"].into_iter().enumerate() {
            let defined = InstrumentDefined {
                instrument: InstrumentId(number as u32),
                spec: spec(symbol, 200, 500),
            };
            let body = EventBody::InstrumentDefined(defined);
            views.fold(&event(2 + number as u64, 0, true, body));
        }
        for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
            let opened = AccountOpened {
                account: AccountId(number as u32),
                name: AccountName::new(name).unwrap(),
            };
            let body = EventBody::AccountOpened(opened);
            views.fold(&event(4 + number as u64, 0, true, body));
        }
        Self { views }
    }

    /// Folds all commands of `text`.
    pub fn play(&mut self, text: &str) -> &mut Self {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            for event in self.events(line) {
                self.views.fold(&event);
            }
        }
        self
    }

    /// The events of one command. An order that an event names must have come in an earlier command or in this one.
    pub fn events(&self, line: &str) -> Vec<Event> {
        let (sequence, rest) = line.split_once(':').expect("SEQUENCE: EVENT; …");
        let sequence = sequence.parse().unwrap();
        let texts: Vec<&str> = rest.split(';').collect();
        let mut accepted = None;
        let mut events = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let words: Vec<&str> = text.split_whitespace().collect();
            let body = self.body(sequence, &words, accepted.as_ref());
            if let EventBody::OrderAccepted(OrderAccepted { request, .. }) = &body {
                accepted = Some(*request);
            }
            let last = index + 1 == texts.len();
            events.push(event(sequence, index as u32, last, body));
        }
        events
    }

    fn body(&self, sequence: u64, words: &[&str], accepted: Option<&NewOrder>) -> EventBody {
        let of = |order: OrderId| match accepted {
            Some(new) if order.0 == sequence => (new.account, new.instrument, new.side),
            _ => {
                let held = self.views.orders().get(order).expect("a named order is held");
                (held.account, held.instrument, held.side)
            }
        };
        match words {
            ["new", rest @ ..] => EventBody::OrderAccepted(OrderAccepted {
                order: OrderId(sequence),
                request: new_order(rest),
            }),
            ["trade", aggressor, resting, what, "left", left, "fee", fee] => {
                let (quantity, price) = lots_at(what);
                let (aggressor, resting) = (order(aggressor), order(resting));
                let (left, fee) = (pair(left), pair(fee));
                let side = |order, left: i128, fee| TradeSide {
                    order,
                    account: of(order).0,
                    leaves: Lots(left as u64),
                    fee: Notional(fee),
                };
                EventBody::Trade(Trade {
                    instrument: of(resting).1,
                    aggressor_side: of(resting).2.opposite(),
                    price,
                    quantity,
                    aggressor: side(aggressor, left.0, fee.0),
                    resting: side(resting, left.1, fee.1),
                })
            }
            ["cancel", name, reason] => {
                let reason = match *reason {
                    "requested" => CancelReason::Requested,
                    "mass" => CancelReason::MassCancel,
                    "ioc" => CancelReason::ImmediateOrCancel,
                    "fok" => CancelReason::FillOrKill,
                    "dry" => CancelReason::NoLiquidity,
                    other => panic!("{other}?"),
                };
                let (account, instrument, _) = of(order(name));
                let held = self.views.orders().get(order(name));
                EventBody::OrderCanceled(OrderCanceled {
                    order: order(name),
                    account,
                    instrument,
                    canceled: held.map_or(accepted.map_or(Lots::ZERO, |new| new.quantity), |held| {
                        held.leaves
                    }),
                    was_resting: matches!(reason, CancelReason::Requested | CancelReason::MassCancel),
                    reason,
                })
            }
            ["replace", name, what, "left", left] => {
                let (quantity, price) = lots_at(what);
                let (account, instrument, _) = of(order(name));
                EventBody::OrderReplaced(OrderReplaced {
                    order: order(name),
                    account,
                    instrument,
                    price,
                    quantity,
                    leaves: Lots(left.parse().unwrap()),
                    priority_kept: false,
                })
            }
            ["mass"] => EventBody::MassCancelDone(MassCancelDone {
                account: AccountId(0),
                canceled: 1,
                more: false,
            }),
            ["duplicate", name] => EventBody::DuplicateOrder { order: order(name) },
            ["reject"] => EventBody::Rejected(Rejected {
                reason: RejectReason::TooLate,
                order: None,
            }),
            other => panic!("no such event: {other:?}"),
        }
    }

    /// Books of X and Y, best level first, and all orders of each account, newest first.
    pub fn show(&self) -> String {
        let mut out = String::new();
        for instrument in 0..2 {
            let book = self.views.book(InstrumentId(instrument)).unwrap();
            for side in [Side::Buy, Side::Sell] {
                for Level {
                    price,
                    quantity,
                    orders,
                } in book.levels(side)
                {
                    let symbol = ["X", "Y"][instrument as usize];
                    writeln!(out, "{symbol} {side:?} {}@{} of {orders}", quantity.0, price.0).unwrap();
                }
            }
        }
        for account in 0..3 {
            for order in self.views.orders().of_account(AccountId(account)) {
                writeln!(out, "{}", show_order(order)).unwrap();
            }
        }
        out
    }
}

/// `ORDER LOTS@PRICE STATUS filled LOTS left LOTS cost UNITS fee UNITS at SEQUENCE [REASON]`
pub fn show_order(order: &OrderState) -> String {
    let mut out = format!(
        "{} {}@{} {:?} filled {} left {} cost {} fee {} at {}",
        order.order.0,
        order.quantity.0,
        order.price.0,
        order.status,
        order.filled.0,
        order.leaves.0,
        order.notional.0,
        order.fee.0,
        order.sequence.0,
    );
    assert_eq!(order.updated_at, Nanos(order.sequence.0 * 1_000_000), "{out}");
    assert_eq!(order.created_at, Nanos(order.order.0 * 1_000_000), "{out}");
    if let Some(reason) = order.reason {
        write!(out, " {reason:?}").unwrap();
    }
    out
}

struct Bytes(Vec<u8>);

impl ImageSink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The image of the views.
pub fn image(views: &Views) -> Vec<u8> {
    let mut bytes = Bytes(Vec::new());
    views.write_image(&mut bytes);
    bytes.0
}

/// The views of a whole image.
pub fn read(limits: ViewLimits, mut image: &[u8]) -> Result<Views, ImageError> {
    let views = Views::read_image(limits, &mut image)?;
    match image {
        [] => Ok(views),
        _ => Err(ImageError::TrailingBytes),
    }
}

/// An instrument on which one tick times one lot is one quote unit.
pub fn spec(symbol: &str, maker: i32, taker: i32) -> InstrumentSpec {
    let one = Scaled {
        mantissa: 1,
        scale: 0,
    };
    InstrumentSpec::new(
        Symbol::new(symbol).unwrap(),
        one,
        one,
        0,
        Lots(1),
        Lots::MAX,
        Notional(0),
        FeeRate(maker),
        FeeRate(taker),
    )
    .unwrap()
}

pub fn event(sequence: u64, index: u32, last: bool, body: EventBody) -> Event {
    Event {
        sequence: Sequence(sequence),
        timestamp: Nanos(sequence * 1_000_000),
        index,
        last,
        body,
    }
}

fn new_order(words: &[&str]) -> NewOrder {
    let [account, symbol, side, force, what, id @ ..] = words else {
        panic!("new {words:?}?");
    };
    let (quantity, price) = lots_at(what);
    let number = |of: &str, name: &str| of.find(name).unwrap() as u32;
    NewOrder {
        account: AccountId(number("abc", account)),
        instrument: InstrumentId(number("XY", symbol)),
        side: if *side == "buy" { Side::Buy } else { Side::Sell },
        order_type: if *force == "market" {
            OrderType::Market
        } else {
            OrderType::Limit
        },
        time_in_force: match *force {
            "gtc" => TimeInForce::Gtc,
            "fok" => TimeInForce::Fok,
            _ => TimeInForce::Ioc,
        },
        post_only: false,
        price,
        quantity,
        client_order_id: id
            .first()
            .map(|id| ClientOrderId::new(id).unwrap())
            .unwrap_or_default(),
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    }
}

fn order(word: &str) -> OrderId {
    OrderId(word.parse().unwrap())
}

fn lots_at(word: &str) -> (Lots, Ticks) {
    let (lots, price) = word.split_once('@').unwrap();
    (Lots(lots.parse().unwrap()), Ticks(price.parse().unwrap()))
}

fn pair(word: &str) -> (i128, i128) {
    let (first, second) = word.split_once('/').unwrap();
    (first.parse().unwrap(), second.parse().unwrap())
}
