//! Engine and views alone: one command after the other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::*;
use hoga_views::Views;

use super::common::history::{opens, order, vain};
use super::table::{Count, Table};
use super::venue::{self, ASK, BID, FORGOTTEN, MAKERS, Size, define, with_id};

/// The most entries that one command moves within a growing table, as `HashIndex::MOST_MOVED` says.
const MOST_MOVED: u64 = 32;
/// The most bytes that the engine takes from the system for one command: a chunk of a table, and its directory.
const ENGINE_BYTES: u64 = 128 << 10;
/// The most that the views take for one event, as views/tests/memory.rs says.
const FOLD_BYTES: u64 = 1 << 20;
/// The most bytes of an image for each thing held.
const IMAGE_BYTES: u64 = 128;

struct Core {
    engine: Engine,
    views: Views,
    /// Of the last command.
    events: Vec<Event>,
}

/// What one command did.
struct Work {
    /// Of the engine, and of the views.
    times: [Duration; 2],
    engine_bytes: u64,
    fold_bytes: u64,
}

impl Core {
    fn full(size: &Size) -> Self {
        let mut core = Self {
            engine: Engine::new(),
            views: Views::new(size.views),
            events: Vec::with_capacity(1 << 16),
        };
        core.apply(&Command::Genesis(Genesis {
            engine_version: ENGINE_VERSION,
            exchange: ExchangeId(7),
            hash_key: [1, 2],
            limits: size.limits,
        }));
        for symbol in ["BTC-KRW", "ETH-KRW"] {
            core.apply(&define(symbol));
        }
        for command in size.fill() {
            core.apply(&command);
            let body = &core.events[0].body;
            assert!(!matches!(body, EventBody::Rejected(_)), "{command:?}: {body:?}");
        }
        let open = size.limits.max_open_orders as usize - 2;
        assert_eq!(core.engine.open_orders(), open);
        core
    }

    fn apply(&mut self, command: &Command) -> Work {
        let (engine, events) = (&mut self.engine, &mut self.events);
        events.clear();
        let sequence = engine.last_sequence().next();
        let begin = Instant::now();
        let allocated = measure(|| {
            engine.apply(sequence, Nanos(1), command, &mut |event| events.push(*event));
        });
        let applied = begin.elapsed();
        let mut fold_bytes = 0;
        for event in &self.events {
            fold_bytes = fold_bytes.max(measure(|| self.views.fold(event)).bytes_total);
        }
        Work {
            times: [applied, begin.elapsed() - applied],
            engine_bytes: allocated.bytes_total,
            fold_bytes,
        }
    }

    /// Resting orders that the last command traded with or canceled.
    fn touched(&self) -> BTreeSet<OrderId> {
        let touched = self.events.iter().filter_map(|event| match &event.body {
            EventBody::Trade(trade) => Some(trade.resting.order),
            EventBody::OrderCanceled(canceled) if canceled.was_resting => Some(canceled.order),
            _ => None,
        });
        touched.collect()
    }

    /// Prices at which it traded.
    fn levels(&self) -> usize {
        let prices = self.events.iter().filter_map(|event| match &event.body {
            EventBody::Trade(trade) => Some(trade.price.0),
            _ => None,
        });
        prices.collect::<BTreeSet<_>>().len()
    }
}

/// One operation, the most events that it may have, and what the last of them must begin with.
type Case = (&'static str, Command, u64, &'static str);

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
fn orders(touched: u64) -> Vec<Case> {
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

/// What changes and cancels orders that rest.
fn changes(core: &Core, size: &Size) -> Vec<Case> {
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
fn others(core: &Core, size: &Size) -> Vec<Case> {
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

/// Fills a venue, and then counts what each command does.
pub fn check(size: &Size) {
    let begin = Instant::now();
    let mut core = Core::full(size);
    let mut table = Table::begin(&format!(
        "engine and views: {} resting orders, {} accounts, {} instruments, filled in {:.1} s",
        core.engine.open_orders(),
        core.engine.accounts(),
        core.engine.instruments().count(),
        begin.elapsed().as_secs_f64()
    ));
    let touched = u64::from(size.limits.max_touched_orders);
    for case in orders(touched) {
        measured(&mut core, &mut table, touched, case);
    }
    for case in changes(&core, size) {
        measured(&mut core, &mut table, touched, case);
    }
    for case in others(&core, size) {
        measured(&mut core, &mut table, touched, case);
    }
    for _ in 0..2 {
        let previous = core.engine.last_check();
        let checkpoint = Command::Checkpoint(Checkpoint { previous });
        measured(
            &mut core,
            &mut table,
            touched,
            ("checkpoint", checkpoint, 1, "Checkpointed"),
        );
    }
    let moved = core.engine.most_moved() as u64;
    table.row("any command so far", &[], &[("entries moved", moved, MOST_MOVED)]);
    snapshot(&core, size, &mut table);
    table.end();
}

fn measured(core: &mut Core, table: &mut Table, touched: u64, (name, command, most, last): Case) {
    let work = core.apply(&command);
    let said = format!("{:?}", core.events.last().unwrap().body);
    assert!(said.starts_with(last), "{name}: {said}");
    let counts: [Count; 5] = [
        ("events", core.events.len() as u64, most),
        ("orders", core.touched().len() as u64, touched),
        ("levels", core.levels() as u64, touched),
        ("engine bytes", work.engine_bytes, ENGINE_BYTES),
        ("bytes of a fold", work.fold_bytes, FOLD_BYTES),
    ];
    table.row(name, &work.times, &counts);
}

/// A snapshot is written by the follower, off the path of orders: its bytes are in proportion to what is held.
fn snapshot(core: &Core, size: &Size, table: &mut Table) {
    let limits = &size.limits;
    // The engine has each order and each client order id, and so have the views.
    let both = limits.max_open_orders + limits.client_ids_total + limits.max_accounts;
    let views = size.views.executions + size.views.closed_orders + size.views.order_updates;
    let all = 2 * u64::from(both) + views as u64;
    let mut image = Vec::new();
    let begin = Instant::now();
    core.engine.write_image(&mut image);
    core.views.write_image(&mut image);
    table.row(
        "snapshot (follower)",
        &[begin.elapsed()],
        &[("image bytes", image.len() as u64, all * IMAGE_BYTES)],
    );
}
