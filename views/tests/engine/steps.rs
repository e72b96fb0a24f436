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
    Arm(u32, Option<u64>),
    /// One of the armings in force.
    Disarm(prop::sample::Index),
    Administer(AdminAction),
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
                valid_until: Nanos(0),
                signed_by: SigningKeyId::NONE,
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
        1 => (0..ACCOUNTS, prop::option::of(0..100_u64)).prop_map(|(a, at)| Step::Arm(a, at)),
        1 => any::<prop::sample::Index>().prop_map(Step::Disarm),
        1 => administered().prop_map(Step::Administer),
    ];
    prop::collection::vec(step, 1..160)
}

/// Mostly so that trading goes on.
fn administered() -> impl Strategy<Value = AdminAction> {
    let account = (0..ACCOUNTS).prop_map(AccountId);
    let instrument = (0..INSTRUMENTS).prop_map(InstrumentId);
    (
        0..4_u8,
        account,
        instrument,
        prop::bool::weighted(0.2),
        0..900_i32,
    )
        .prop_map(|(kind, account, instrument, rarely, rate)| match kind {
            0 => AdminAction::SetFees(SetFees {
                instrument,
                maker: FeeRate(rate - 300),
                taker: FeeRate(rate),
            }),
            1 => AdminAction::SetInstrumentStatus(SetInstrumentStatus {
                instrument,
                status: if rarely {
                    InstrumentStatus::CancelOnly
                } else {
                    InstrumentStatus::Open
                },
            }),
            2 => AdminAction::SetAccountStatus(SetAccountStatus {
                account,
                status: if rarely {
                    AccountStatus::Suspended
                } else {
                    AccountStatus::Active
                },
            }),
            _ => AdminAction::SetAccountLimits(SetAccountLimits {
                account,
                max_open_orders: if rarely { 2 } else { u32::MAX },
            }),
        })
}

pub fn client_id(number: u8) -> ClientOrderId {
    ClientOrderId::new(&format!("id-{number}")).unwrap()
}
