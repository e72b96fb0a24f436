//! Every command, and how many events it may have.

use hoga_protocol::*;

use super::super::common::history::{opens, order, vain};
use super::super::venue::{self, ASK, BID, FORGOTTEN, MAKERS, Size, define, with_id};
use super::Core;

/// One operation, the most events that it may have, and what the last of them must begin with.
pub type Case = (&'static str, Command, u64, &'static str);

fn new(
    account: u32,
    side: Side,
    price: i64,
    lots: u64,
    tif: TimeInForce,
    change: impl FnOnce(&mut NewOrder),
) -> Command {
    let Command::NewOrder(mut order) = order(account, side, price, lots, tif) else {
        unreachable!()
    };
    change(&mut order);
    Command::NewOrder(order)
}

fn admin(action: AdminAction) -> Command {
    Command::Administer(Administer::new(OperatorName::new("ops").unwrap(), action))
}

/// Orders of every kind. `touched` is the bound of one command; there are ten lots in each order that rests.
pub fn orders(touched: u64) -> Vec<Case> {
    use Side::{Buy, Sell};
    use TimeInForce::{Fok, Gtc, Ioc};
    let (most, sweep) = (touched + 2, touched * 100);
    let all = |order: &mut NewOrder| {
        order.order_type = OrderType::Market;
        order.price = Ticks(0);
    };
    let (me, far) = (FORGOTTEN, ASK + 1_000_000);
    let passive = |order: &mut NewOrder| order.post_only = true;
    vec![
        (
            "limit that rests",
            with_id(order(me, Buy, 1, 1, Gtc), "mine"),
            1,
            "OrderAccepted",
        ),
        (
            "post-only that rests",
            new(me, Buy, BID, 1, Gtc, passive),
            1,
            "OrderAccepted",
        ),
        (
            "post-only that would trade",
            new(me, Buy, far, 1, Gtc, passive),
            1,
            "Rejected",
        ),
        (
            "limit, no room left",
            new(me, Buy, BID, 1, Gtc, |_| {}),
            1,
            "Rejected",
        ),
        (
            "market through the book",
            new(me, Buy, 1, sweep, Ioc, all),
            most,
            "OrderCanceled",
        ),
        (
            "market sell through the book",
            new(me, Sell, 1, sweep, Ioc, all),
            most,
            "OrderCanceled",
        ),
        (
            "IOC through the book",
            new(me, Buy, far, sweep, Ioc, |_| {}),
            most,
            "OrderCanceled",
        ),
        (
            "GTC through the book",
            new(me, Buy, far, sweep, Gtc, |_| {}),
            most,
            "OrderCanceled",
        ),
        ("IOC that finds nobody", vain(me), 2, "OrderCanceled"),
        (
            "FOK that fills",
            new(me, Buy, far, touched * 10, Fok, |_| {}),
            most,
            "Trade",
        ),
        (
            "FOK of one order too many",
            new(me, Buy, far, touched * 10 + 1, Fok, |_| {}),
            2,
            "OrderCanceled",
        ),
        (
            "FOK that the book lacks",
            new(me, Buy, far, Lots::MAX.0, Fok, |_| {}),
            2,
            "OrderCanceled",
        ),
        (
            "FOK within a price",
            new(me, Buy, ASK + touched as i64, sweep, Fok, |_| {}),
            2,
            "OrderCanceled",
        ),
        (
            "market FOK",
            new(me, Buy, 1, sweep, Fok, |order| {
                (all(order), order.time_in_force = Fok).1
            }),
            2,
            "OrderCanceled",
        ),
        (
            "new client order id, table full",
            with_id(vain(me), "one-more"),
            2,
            "OrderCanceled",
        ),
        (
            "new client order id, good until a time",
            until(with_id(vain(me), "for-a-while"), Nanos(1_000_000_000)),
            2,
            "OrderCanceled",
        ),
        (
            "repeated client order id",
            with_id(vain(me), "one-more"),
            1,
            "DuplicateOrder",
        ),
        (
            "reused client order id",
            with_id(order(me, Buy, 2, 1, Ioc), "one-more"),
            1,
            "Rejected",
        ),
    ]
}

fn until(order: Command, time: Nanos) -> Command {
    let Command::NewOrder(order) = order else {
        unreachable!()
    };
    Command::NewOrder(NewOrder {
        valid_until: time,
        ..order
    })
}

/// What changes and cancels orders that rest.
pub fn changes(core: &Core, size: &Size) -> Vec<Case> {
    let most = core.engine.most_events();
    let resting = |side| core.engine.orders(InstrumentId(0), side);
    let best = resting(Side::Buy).next().unwrap();
    let (account, order) = (best.account, best.order);
    let replace = |price, quantity| {
        Command::ReplaceOrder(ReplaceOrder {
            account,
            order,
            price,
            quantity,
        })
    };
    let slice = u64::from(CancelAll::MAX_ORDERS.min(size.limits.max_touched_orders)) + 1;
    let cancel = CancelAll {
        account: AccountId(MAKERS + 1),
        instrument: None,
        before: None,
    };
    let of_instrument = CancelAll {
        instrument: Some(InstrumentId(0)),
        ..cancel
    };
    let unknown = CancelOrder {
        account: AccountId(MAKERS),
        order: OrderId(1),
    };
    let by_id = |id: &str| {
        Command::CancelClientOrder(CancelClientOrder {
            account: AccountId(FORGOTTEN),
            client_order_id: ClientOrderId::new(id).unwrap(),
        })
    };
    let last = resting(Side::Sell).last().unwrap();
    let one = CancelOrder {
        account: last.account,
        order: last.order,
    };
    vec![
        (
            "replace in place",
            replace(None, Some(Lots(9))),
            1,
            "OrderReplaced",
        ),
        (
            "replace at another price",
            replace(Some(Ticks(BID - 1)), None),
            1,
            "OrderReplaced",
        ),
        (
            "replace through the book",
            replace(
                Some(Ticks(ASK * 9)),
                Some(Lots(u64::from(size.limits.max_touched_orders) * 100)),
            ),
            most,
            "OrderCanceled",
        ),
        ("cancel", Command::CancelOrder(one), 1, "OrderCanceled"),
        (
            "cancel of an unknown order",
            Command::CancelOrder(unknown),
            1,
            "Rejected",
        ),
        ("cancel by client order id", by_id("mine"), 1, "OrderCanceled"),
        (
            "cancel by an unknown client order id",
            by_id("nobody's"),
            1,
            "Rejected",
        ),
        ("cancel_all", Command::CancelAll(cancel), slice, "MassCancelDone"),
        (
            "cancel_all of an instrument",
            Command::CancelAll(of_instrument),
            slice,
            "MassCancelDone",
        ),
        (
            "admin: cancel account",
            admin(AdminAction::CancelAll(cancel)),
            slice,
            "MassCancelDone",
        ),
        (
            "admin: cancel instrument",
            admin(AdminAction::CancelInstrument(CancelInstrument {
                instrument: InstrumentId(0),
            })),
            slice,
            "InstrumentCanceled",
        ),
    ]
}

/// What concerns accounts and the exchange as a whole.
pub fn others(core: &Core, size: &Size) -> Vec<Case> {
    let account = AccountId(FORGOTTEN);
    let arm = |cause| Command::Arm(Arm { account, cause });
    let arming = core.engine.last_sequence().next();
    let last = size.last_account();
    let limits = SetLimits {
        max_accounts: size.limits.max_accounts + 1,
        max_open_orders_per_account: size.limits.max_open_orders_per_account,
        client_ids_total: size.limits.client_ids_total + 1,
    };
    let instrument = InstrumentId(0);
    let fees = SetFees {
        instrument,
        maker: FeeRate(1),
        taker: FeeRate(2),
    };
    let status = SetInstrumentStatus {
        instrument,
        status: InstrumentStatus::CancelOnly,
    };
    let suspended = SetAccountStatus {
        account,
        status: AccountStatus::Suspended,
    };
    let own = SetAccountLimits {
        account,
        max_open_orders: 1,
    };
    let Command::DefineInstrument(spec) = define("LAST-KRW") else {
        unreachable!()
    };
    let clock = AcceptClock {
        to: Nanos(1_000_000_000),
    };
    vec![
        ("cancel_on_disconnect", arm(ArmCause::Disconnect), 1, "Armed"),
        (
            "one cancel_on_disconnect too many",
            arm(ArmCause::Disconnect),
            1,
            "Rejected",
        ),
        (
            "its end",
            Command::Disarm(Disarm { account, arming }),
            1,
            "Disarmed",
        ),
        (
            "cancel_all_after",
            arm(ArmCause::Deadline(Nanos(u64::MAX >> 2))),
            2,
            "Armed",
        ),
        (
            "open an account",
            opens(last, &venue::name(last)),
            1,
            "AccountOpened",
        ),
        (
            "open one account too many",
            opens(last + 1, "one-too-many"),
            1,
            "Rejected",
        ),
        (
            "admin: define",
            admin(AdminAction::DefineInstrument(spec)),
            1,
            "InstrumentDefined",
        ),
        (
            "admin: define one too many",
            admin(AdminAction::DefineInstrument(spec)),
            1,
            "Rejected",
        ),
        ("admin: fees", admin(AdminAction::SetFees(fees)), 1, "FeesSet"),
        (
            "admin: account status",
            admin(AdminAction::SetAccountStatus(suspended)),
            1,
            "AccountStatusSet",
        ),
        (
            "admin: account limits",
            admin(AdminAction::SetAccountLimits(own)),
            1,
            "AccountLimitsSet",
        ),
        (
            "admin: limits",
            admin(AdminAction::SetLimits(limits)),
            1,
            "LimitsSet",
        ),
        (
            "admin: clock",
            admin(AdminAction::AcceptClock(clock)),
            1,
            "ClockAccepted",
        ),
        (
            "admin: instrument status",
            admin(AdminAction::SetInstrumentStatus(status)),
            1,
            "InstrumentStatusSet",
        ),
    ]
}
