//! Commands that make a history, without a gateway between.

use hoga_protocol::{
    AccountId, AccountName, ClientOrderId, Command, InstrumentId, Lots, Nanos, NewOrder, OpenAccount,
    OrderType, Side, SigningKeyId, Ticks, TimeInForce,
};

/// Opens the account of that number.
pub fn opens(account: u32, name: &str) -> Command {
    Command::OpenAccount(OpenAccount {
        account: AccountId(account),
        name: AccountName::new(name).unwrap(),
    })
}

/// A limit order for BTC-KRW at a price in ticks.
pub fn order(account: u32, side: Side, price: i64, lots: u64, time_in_force: TimeInForce) -> Command {
    Command::NewOrder(NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        client_order_id: ClientOrderId::EMPTY,
        side,
        order_type: OrderType::Limit,
        time_in_force,
        post_only: false,
        price: Ticks(price),
        quantity: Lots(lots),
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    })
}

/// An order that is canceled at once, since nothing is there to trade with.
pub fn vain(account: u32) -> Command {
    order(account, Side::Buy, 1, 1, TimeInForce::Ioc)
}

/// Two orders that trade with each other: a resting one, and its aggressor.
pub fn trade(account: u32) -> [Command; 2] {
    [
        order(account, Side::Sell, 50_000, 1, TimeInForce::Gtc),
        order(account, Side::Buy, 50_000, 1, TimeInForce::Ioc),
    ]
}
