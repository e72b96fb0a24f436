//! Random flows in a world so small that orders meet, ids come again, and every bound is reached.

use hoga_protocol::*;
use proptest::prelude::*;

use crate::common::{self, Exchange};
use crate::govern;

pub const ACCOUNTS: u32 = 3;

pub fn limits() -> Limits {
    Limits {
        max_open_orders: 14,
        max_open_orders_per_account: 14,
        max_touched_orders: Limits::MAX_TOUCHED,
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
    /// To the live order that is so many places down the list, or to a closed one where the list is shorter.
    Change(usize, Change),
    /// The request so many orders back once more.
    Again(usize),
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
        Step::Again(back) => {
            let is_order = |command: &&Command| matches!(command, Command::NewOrder(_));
            let found = sent.iter().rev().filter(is_order).nth(*back);
            return *found.unwrap_or(&Command::CancelAll(CancelAll {
                account: AccountId(0),
                instrument: None,
                before: None,
            }));
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
        24 => new_order().prop_map(|order| Step::Send(Command::NewOrder(order))),
        10 => (0usize..16, change()).prop_map(|(place, change)| Step::Change(place, change)),
        1 => (0usize..6).prop_map(Step::Again),
        1 => any::<bool>().prop_map(Step::Check),
        2 => proptest::sample::select(vec![0, 1, 2, 2, 3, 3, 3, 4])
            .prop_map(|version| Step::Send(common::raise(version))),
        3 => proptest::collection::vec(any::<u32>(), 8).prop_map(Step::Govern),
        1 => mass.prop_map(|(account, instrument, before)| {
            Step::Send(Command::CancelAll(CancelAll { account, instrument, before: before.map(Sequence) }))
        }),
    ]
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
        10 => Just((OrderType::Limit, TimeInForce::Gtc, false)),
        2 => Just((OrderType::Limit, TimeInForce::Gtc, true)),
        2 => Just((OrderType::Limit, TimeInForce::Ioc, false)),
        2 => Just((OrderType::Limit, TimeInForce::Fok, false)),
        1 => Just((OrderType::Market, TimeInForce::Ioc, false)),
        1 => Just((OrderType::Market, TimeInForce::Fok, false)),
        1 => Just((OrderType::Market, TimeInForce::Gtc, false)),
        1 => Just((OrderType::Limit, TimeInForce::Ioc, true)),
    ];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let id = prop_oneof![12 => Just(""), 1 => Just("a"), 1 => Just("b"), 1 => Just("c"), 1 => Just("d")];
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
                    client_order_id: ClientOrderId::new(id).unwrap_or_default(),
                    valid_until: Nanos(0),
                    signed_by: SigningKeyId::NONE,
                }
            },
        )
}

fn account() -> impl Strategy<Value = AccountId> {
    prop_oneof![60 => 0..ACCOUNTS, 1 => Just(ACCOUNTS)].prop_map(AccountId)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![40 => Just(0u32), 20 => Just(1), 1 => Just(2)].prop_map(InstrumentId)
}

fn price() -> impl Strategy<Value = Ticks> {
    prop_oneof![60 => 97i64..=103, 1 => Just(0), 1 => Just(1), 1 => Just(Ticks::MAX.0), 1 => Just(-1)]
        .prop_map(Ticks)
}

fn quantity() -> impl Strategy<Value = Lots> {
    prop_oneof![30 => 1u64..=12, 2 => 13u64..=45, 1 => Just(0)].prop_map(Lots)
}
