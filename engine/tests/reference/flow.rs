//! Random flows in a world so small that orders meet, ids come again, and every bound is reached.

use hoga_protocol::*;
use proptest::prelude::*;

use crate::common::{self, Exchange};
use crate::govern;

pub const ACCOUNTS: u32 = 3;

pub fn limits() -> Limits {
    Limits {
        max_open_orders: 9,
        max_open_orders_per_account: 4,
        max_touched_orders: 2,
        client_ids_per_account: 2,
        client_ids_total: 4,
        ..common::LIMITS
    }
}

pub fn specs() -> Vec<InstrumentSpec> {
    vec![
        common::spec("X", [1, 40], 0, [200, 500]),
        common::spec("Y", [2, 30], 250, [-333, 777]),
    ]
}

/// A command, or one that depends on how the exchange stands when it is sent.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Command),
    /// An order that is valid until this many nanoseconds after it comes, for ever where none are given.
    Order(NewOrder, Option<i64>),
    /// To the live order that is so many places down the list, or to a closed one where the list is shorter.
    Change(usize, Change),
    /// The request so many orders back once more, signed by this key.
    Again(usize, u8),
    /// What an operator does or an account arms, drawn by these numbers.
    Govern(Vec<u32>),
    /// A checkpoint that names the right check, or another.
    Check(bool),
}

#[derive(Clone, Debug)]
pub enum Change {
    Cancel,
    ForeignCancel,
    Replace(Option<Ticks>, Option<Lots>),
    /// A total this many lots above what is filled.
    Shrink(u64),
}

pub fn flow(length: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..length)
}

/// What is sent in a step, after `sent`, to an exchange that stands like this.
pub fn command_of(step: &Step, exchange: &Exchange, sent: &[Command]) -> Command {
    let (place, change) = match step {
        Step::Send(command) => return *command,
        Step::Order(order, valid_for) => {
            let valid_until = valid_for.map_or(0, |valid_for| {
                exchange.next_timestamp().0.saturating_add_signed(valid_for)
            });
            return Command::NewOrder(NewOrder {
                valid_until: Nanos(valid_until),
                ..*order
            });
        }
        Step::Again(back, key) => {
            let order = |command: &Command| match command {
                Command::NewOrder(order) => Some(*order),
                _ => None,
            };
            let found = sent.iter().rev().filter_map(order).nth(*back);
            return found.map_or(common::cancel_all(0), |order| {
                Command::NewOrder(NewOrder {
                    signed_by: SigningKeyId([*key; 10]),
                    ..order
                })
            });
        }
        Step::Govern(numbers) => {
            let mut numbers = numbers.iter().copied();
            let mut below = |bound| u64::from(numbers.next().unwrap_or_default()) % bound;
            return govern::command(&exchange.engine, &mut below);
        }
        Step::Check(right) => {
            let last = exchange.engine.last_check();
            let other = StateCheck {
                sequence: exchange.sequence,
                digest: [7; 16],
            };
            return Command::Checkpoint(Checkpoint {
                previous: if *right { last } else { Some(other) },
            });
        }
        Step::Change(place, change) => (place, change),
    };
    let books = [(0, Side::Buy), (0, Side::Sell), (1, Side::Buy), (1, Side::Sell)];
    let live = |(number, side)| exchange.engine.orders(InstrumentId(number), side);
    let found = books.into_iter().flat_map(live).nth(*place);
    let order = found.map_or(OrderId(exchange.sequence.0 / 2), |order| order.order);
    let account = found.map_or(AccountId(0), |order| order.account);
    let filled = found.map_or(0, |order| order.filled.0);
    let replace = |price, quantity| {
        Command::ReplaceOrder(ReplaceOrder {
            account,
            order,
            price,
            quantity,
        })
    };
    match change {
        Change::Cancel => Command::CancelOrder(CancelOrder { account, order }),
        Change::ForeignCancel => Command::CancelOrder(CancelOrder {
            account: AccountId((account.0 + 1) % ACCOUNTS),
            order,
        }),
        Change::Replace(price, quantity) => replace(*price, *quantity),
        Change::Shrink(above) => replace(None, Some(Lots(filled + above))),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let mass = (
        account(),
        proptest::option::of(instrument()),
        proptest::option::of(0u64..400),
    );
    prop_oneof![
        24 => (new_order(), valid_for()).prop_map(|(order, valid_for)| {
            let is_named = !order.client_order_id.is_empty();
            let valid_for = valid_for.filter(|&valid_for| is_named || valid_for == 1);
            Step::Order(order, valid_for)
        }),
        1 => (account(), client_order_id()).prop_map(|(account, client_order_id)| {
            Step::Send(Command::CancelClientOrder(CancelClientOrder { account, client_order_id }))
        }),
        10 => (0usize..6, change()).prop_map(|(place, change)| Step::Change(place, change)),
        1 => (0usize..6, 0u8..2).prop_map(|(back, key)| Step::Again(back, key)),
        1 => any::<bool>().prop_map(Step::Check),
        1 => (0u32..3).prop_map(|version| Step::Send(common::raise(version))),
        5 => proptest::collection::vec(any::<u32>(), 8).prop_map(Step::Govern),
        1 => mass.prop_map(|(account, instrument, before)| {
            Step::Send(Command::CancelAll(CancelAll { account, instrument, before: before.map(Sequence) }))
        }),
    ]
}

/// One nanosecond longer than an order may be valid.
const BEYOND: i64 = 600_000_000_001;

fn valid_for() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => Just(None),
        3 => (1i64..20_000_000).prop_map(Some),
        1 => (-2i64..3).prop_map(Some),
        1 => prop_oneof![Just(Some(BEYOND - 1)), Just(Some(BEYOND))],
    ]
}

fn client_order_id() -> impl Strategy<Value = ClientOrderId> {
    "[a-f]".prop_map(|id| ClientOrderId::new(&id).unwrap())
}

fn change() -> impl Strategy<Value = Change> {
    let (price, quantity) = (proptest::option::of(price()), proptest::option::of(quantity()));
    prop_oneof![
        2 => Just(Change::Cancel),
        1 => Just(Change::ForeignCancel),
        6 => (price, quantity).prop_map(|(price, quantity)| Change::Replace(price, quantity)),
        2 => (0u64..3).prop_map(Change::Shrink),
    ]
}

fn new_order() -> impl Strategy<Value = NewOrder> {
    let terms = prop_oneof![
        24 => Just((OrderType::Limit, TimeInForce::Gtc, false)),
        3 => Just((OrderType::Limit, TimeInForce::Gtc, true)),
        3 => Just((OrderType::Limit, TimeInForce::Ioc, false)),
        7 => Just((OrderType::Limit, TimeInForce::Fok, false)),
        1 => Just((OrderType::Market, TimeInForce::Ioc, false)),
        1 => Just((OrderType::Market, TimeInForce::Fok, false)),
        1 => Just((OrderType::Market, TimeInForce::Gtc, false)),
        1 => Just((OrderType::Limit, TimeInForce::Ioc, true)),
    ];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let id = prop_oneof![5 => Just(ClientOrderId::EMPTY), 1 => client_order_id()];
    let price_of_market = prop_oneof![9 => Just(Ticks(0)), 1 => Just(Ticks(100))];
    (
        account(),
        instrument(),
        side,
        terms,
        price(),
        price_of_market,
        quantity(),
        id,
    )
        .prop_map(
            |(account, instrument, side, terms, price, price_of_market, quantity, id)| {
                let (order_type, time_in_force, post_only) = terms;
                let is_limit = order_type == OrderType::Limit;
                NewOrder {
                    account,
                    instrument,
                    side,
                    order_type,
                    time_in_force,
                    post_only,
                    price: if is_limit { price } else { price_of_market },
                    quantity,
                    client_order_id: id,
                    valid_until: Nanos(0),
                    signed_by: SigningKeyId::NONE,
                }
            },
        )
}

fn account() -> impl Strategy<Value = AccountId> {
    prop_oneof![60 => 0..ACCOUNTS, 1 => Just(govern::NOBODY)].prop_map(AccountId)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![40 => Just(0u32), 20 => Just(1), 1 => Just(2)].prop_map(InstrumentId)
}

fn price() -> impl Strategy<Value = Ticks> {
    prop_oneof![60 => 97i64..=103, 1 => Just(0), 1 => Just(1), 1 => Just(Ticks::MAX.0), 1 => Just(-1)]
        .prop_map(Ticks)
}

fn quantity() -> impl Strategy<Value = Lots> {
    prop_oneof![20 => 1u64..=4, 14 => 5u64..=12, 2 => 13u64..=45, 1 => Just(0)].prop_map(Lots)
}
