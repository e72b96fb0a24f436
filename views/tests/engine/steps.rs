//! Random commands that meet each other often: few accounts, prices, quantities and client order ids.

use hoga_protocol::*;
use proptest::prelude::*;

use crate::{ACCOUNTS, IDS, INSTRUMENTS};

#[derive(Clone, Debug)]
pub enum Step {
    Place(NewOrder),
    /// The order is picked among all that were ever accepted.
    Replace(prop::sample::Index, Option<Ticks>, Option<Lots>),
    Cancel(prop::sample::Index),
    CancelAll(u32, Option<u32>),
}

fn placed() -> impl Strategy<Value = NewOrder> {
    let who = (
        0..ACCOUNTS,
        0..INSTRUMENTS,
        any::<bool>(),
        prop::option::of(0..IDS),
    );
    (who, 0..10_u8, 1..9_i64, 1..30_u64).prop_map(
        |((account, instrument, buy, id), kind, price, quantity)| {
            let (order_type, time_in_force) = match kind {
                0 => (OrderType::Market, TimeInForce::Ioc),
                1 => (OrderType::Limit, TimeInForce::Ioc),
                2 => (OrderType::Limit, TimeInForce::Fok),
                _ => (OrderType::Limit, TimeInForce::Gtc),
            };
            NewOrder {
                account: AccountId(account),
                instrument: InstrumentId(instrument),
                side: if buy { Side::Buy } else { Side::Sell },
                order_type,
                time_in_force,
                post_only: kind == 9,
                price: Ticks(if kind == 0 { 0 } else { price }),
                quantity: Lots(quantity),
                client_order_id: id.map(client_id).unwrap_or_default(),
            }
        },
    )
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let price = prop::option::of((1..9_i64).prop_map(Ticks));
    let quantity = prop::option::of((1..30_u64).prop_map(Lots));
    let step = prop_oneof![
        10 => placed().prop_map(Step::Place),
        3 => (any::<prop::sample::Index>(), price, quantity).prop_map(|(i, p, q)| Step::Replace(i, p, q)),
        2 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        1 => (0..ACCOUNTS, prop::option::of(0..INSTRUMENTS)).prop_map(|(a, i)| Step::CancelAll(a, i)),
    ];
    prop::collection::vec(step, 1..160)
}

pub fn client_id(number: u8) -> ClientOrderId {
    ClientOrderId::new(&format!("id-{number}")).unwrap()
}
