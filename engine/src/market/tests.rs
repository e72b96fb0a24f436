//! Changes one field of the state at a time, by hand and against all rules: each must show in the digest.

extern crate std;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hoga_protocol::*;

use super::checkpoint::{BookCursor, Cursor};
use super::*;
use crate::ENGINE_VERSION;
use crate::digest::EventsDigest;
use crate::engine::Engine;

fn genesis() -> Genesis {
    Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(7),
        hash_key: [1, 2],
        limits: Limits {
            max_open_orders: 100,
            max_open_orders_per_account: 50,
            ..Limits::default()
        },
    }
}

pub(super) fn spec(symbol: &str) -> InstrumentSpec {
    let one = Scaled {
        mantissa: 1,
        scale: 0,
    };
    let symbol = Symbol::new(symbol).expect("a symbol");
    let (most, fee) = (Lots(1_000_000), FeeRate(500));
    InstrumentSpec::new(symbol, one, one, 0, Lots(1), most, Notional(0), fee, fee).expect("an instrument")
}

pub(crate) fn order(account: u32, side: Side, price: i64, id: &str) -> NewOrder {
    NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(price),
        quantity: Lots(5_000),
        client_order_id: ClientOrderId::new(id).unwrap_or_default(),
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    }
}

/// Two live orders in one queue, the first filled in part and with an id; one in another; two closed ids.
pub(super) fn engine() -> Engine {
    let mut engine = Engine::new();
    let name = |name| AccountName::new(name).expect("a name");
    let open = |number, text| OpenAccount {
        account: AccountId(number),
        name: name(text),
    };
    let mut part = order(1, Side::Sell, 100, "");
    part.quantity = Lots(70);
    let ioc = |id| NewOrder {
        time_in_force: TimeInForce::Ioc,
        ..order(0, Side::Buy, 1, id)
    };
    let commands = [
        Command::Genesis(genesis()),
        Command::DefineInstrument(spec("X")),
        Command::DefineInstrument(spec("Y")),
        Command::OpenAccount(open(0, "a")),
        Command::OpenAccount(open(1, "b")),
        Command::NewOrder(order(0, Side::Buy, 100, "live")),
        Command::NewOrder(order(1, Side::Buy, 100, "")),
        Command::NewOrder(order(1, Side::Sell, 200, "")),
        Command::NewOrder(part),
        Command::NewOrder(ioc("one")),
        Command::NewOrder(ioc("two")),
    ];
    for (command, sequence) in commands.iter().zip(1..) {
        engine.apply(Sequence(sequence), Nanos(sequence), command, &mut |event| {
            assert!(!matches!(event.body, EventBody::Rejected(_)), "{event:?}");
        });
    }
    engine
}

pub(super) type Change = fn(&mut Market);

fn first(market: &Market) -> Slot {
    market
        .arena
        .orders
        .find(OrderId(6))
        .expect("the first order is live")
}

fn level(market: &mut Market) -> &mut crate::level::Level {
    let level = market.arena.orders[first(market)].level;
    &mut market.arena.levels[level]
}

/// Takes the two orders of the first level to another, in their order.
fn move_both(market: &mut Market, side: Side, price: i64) {
    let behind = market
        .arena
        .orders
        .find(OrderId(7))
        .expect("the second order is live");
    let both = [first(market), behind];
    let book = &mut market.instruments.known(InstrumentId(0)).book;
    for slot in both {
        book.remove(&mut market.arena, slot);
        market.arena.orders[slot].side = side;
    }
    for slot in both {
        book.push(&mut market.arena, slot, Ticks(price));
    }
}

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    let orders: [(&str, Change); 8] = [
        ("an order's id", |market| {
            let slot = first(market);
            market.arena.orders[slot].id.0 += 1_000;
        }),
        ("its account", |market| {
            let slot = first(market);
            market.arena.orders[slot].account.0 = 1;
        }),
        ("its total", |market| {
            let slot = first(market);
            market.arena.orders[slot].quantity.0 += 1;
        }),
        ("what it leaves", |market| {
            let slot = first(market);
            market.arena.orders[slot].leaves.0 += 1;
        }),
        ("post-only", |market| {
            let slot = first(market);
            market.arena.orders[slot].post_only = true;
        }),
        ("its fees", |market| {
            let slot = first(market);
            let mut fee = market.arena.orders.fee(slot);
            fee.charge(Notional(1), FeeRate(1));
            market.arena.orders.set_fee(slot, fee);
        }),
        ("whether it has fees", |market| {
            let slot = first(market);
            market.arena.orders[slot].charged = false;
        }),
        ("whether it has an id of its client's", |market| {
            let slot = first(market);
            market.arena.orders[slot].named = false;
        }),
    ];
    let rest: [(&str, Change); 14] = [
        ("a level's price", |market| move_both(market, Side::Buy, 99)),
        ("its volume", |market| level(market).change(1, 0)),
        ("its count", |market| level(market).change(0, 1)),
        ("the order of a queue", |market| {
            let slot = first(market);
            let book = &mut market.instruments.known(InstrumentId(0)).book;
            book.remove(&mut market.arena, slot);
            book.push(&mut market.arena, slot, Ticks(100));
        }),
        ("the side of a level", |market| move_both(market, Side::Sell, 100)),
        ("the engine's version", |market| {
            market.settings.engine_version -= 1
        }),
        ("the exchange's id", |market| market.settings.exchange.0 += 1),
        ("half of the key", |market| market.settings.hash_key[0] += 1),
        ("the other half", |market| market.settings.hash_key[1] += 1),
        ("a limit", |market| market.settings.limits.max_accounts += 1),
        ("an instrument's fee", |market| {
            market.instruments.known(InstrumentId(1)).spec.taker_fee.0 += 1;
        }),
        ("another account's limit", |market| {
            market.accounts.set_standing(
                AccountId(1),
                crate::accounts::Standing {
                    max_open_orders: 3,
                    ..market.accounts.standing(AccountId(1))
                },
            );
        }),
        ("a closed id forgotten", |market| {
            let limits = Limits {
                client_ids_total: 0,
                client_ids_per_account: 0,
                ..market.settings.limits
            };
            market.client_ids = ClientIds::new(HashKey::new([0; 2]), &limits);
            (0..2).for_each(|_| market.client_ids.add_account());
            let slot = first(market);
            market.arena.orders[slot].named = false;
        }),
        ("an account", |market| {
            let open = OpenAccount {
                account: AccountId(2),
                name: AccountName::new("c").expect("a name"),
            };
            market.accounts.open(&open).expect("opened");
            market.add_account();
        }),
    ];
    orders
        .into_iter()
        .chain(rest)
        .chain(limits())
        .chain(client_ids())
        .collect()
}

/// Of the limits in force, which need not be the genesis's.
fn limits() -> [(&'static str, Change); 7] {
    [
        ("most instruments", |market| market.limits.max_instruments += 1),
        ("most accounts", |market| market.limits.max_accounts += 1),
        ("most open orders", |market| market.limits.max_open_orders += 1),
        ("most of an account", |market| {
            market.limits.max_open_orders_per_account += 1;
        }),
        ("most touched", |market| market.limits.max_touched_orders += 1),
        ("ids of an account", |market| {
            market.limits.client_ids_per_account += 1;
        }),
        ("ids of all", |market| market.limits.client_ids_total += 1),
    ]
}

/// Of what is kept of client order ids.
fn client_ids() -> [(&'static str, Change); 8] {
    fn change(market: &mut Market, id: &str, change: fn(&mut Entry)) {
        let id = ClientOrderId::new(id).expect("an id");
        let found = market.client_ids.find(AccountId(0), &id);
        let hash = found.expect("known").id;
        market.client_ids.change(AccountId(0), hash, change);
    }
    [
        ("a closed id's hash", |market| {
            change(market, "one", |entry| entry.id ^= 1);
        }),
        ("its terms", |market| {
            change(market, "one", |entry| entry.terms ^= 1)
        }),
        ("its order", |market| {
            change(market, "one", |entry| entry.order.0 += 100);
        }),
        ("how long it is valid", |market| {
            change(market, "one", |entry| entry.valid_until.0 = 9);
        }),
        ("a live id's terms", |market| {
            change(market, "live", |entry| entry.terms ^= 1);
        }),
        ("how long that is valid", |market| {
            change(market, "live", |entry| entry.valid_until.0 = 9);
        }),
        ("until when ids may have been forgotten", |market| {
            market.client_ids.set_forgotten_until(AccountId(0), Nanos(5));
        }),
        ("another account's", |market| {
            market.client_ids.set_forgotten_until(AccountId(1), Nanos(5));
        }),
    ]
}

/// Of what checkpoints keep.
pub(super) fn kept() -> [(&'static str, Change); 9] {
    fn stand(market: &mut Market, change: fn(&mut BookCursor)) {
        let mut cursor = BookCursor::start(InstrumentId(0), Side::Buy);
        change(&mut cursor);
        market.checks.cursor = Cursor::Book(cursor);
    }
    fn check(market: &mut Market, digest: [u8; 16]) {
        let sequence = Sequence(1);
        market.checks.last = Some(StateCheck { sequence, digest });
    }
    [
        ("the rules in force", |market| market.rules = Rules::LATER),
        ("the cursor's instrument", |market| {
            stand(market, |cursor| cursor.instrument.0 += 1);
        }),
        ("its side", |market| {
            stand(market, |cursor| cursor.side = Side::Sell)
        }),
        ("its price", |market| stand(market, |cursor| cursor.price.0 -= 1)),
        ("its order", |market| stand(market, |cursor| cursor.order.0 += 1)),
        ("a cursor in the accounts", |market| {
            market.checks.cursor = Cursor::Account(AccountId(0), None);
        }),
        ("behind an id", |market| {
            market.checks.cursor = Cursor::Account(AccountId(0), Some(0));
        }),
        ("the newest check", |market| check(market, [0; 16])),
        ("its digest", |market| check(market, [1; 16])),
    ]
}

/// Of what operators and armings leave behind.
fn administered() -> [(&'static str, Change); 11] {
    fn arm(market: &mut Market, account: u32, arming: u64, cause: ArmCause) {
        let armed = Armed {
            account: AccountId(account),
            arming: Sequence(arming),
            cause,
        };
        assert_eq!(market.armings.arm(&armed), Ok(None));
    }
    fn stand(market: &mut Market, account: u32, status: AccountStatus, max_open_orders: u32) {
        let standing = crate::accounts::Standing {
            status,
            max_open_orders,
        };
        market.accounts.set_standing(AccountId(account), standing);
    }
    [
        ("an instrument's status", |market| {
            market.instruments.known(InstrumentId(0)).status = InstrumentStatus::CancelOnly;
        }),
        ("another's", |market| {
            market.instruments.known(InstrumentId(1)).status = InstrumentStatus::CancelOnly;
        }),
        ("an account's status", |market| {
            stand(market, 0, AccountStatus::Suspended, u32::MAX);
        }),
        ("another's", |market| {
            stand(market, 1, AccountStatus::Suspended, u32::MAX)
        }),
        ("an account's limit", |market| {
            stand(market, 0, AccountStatus::Active, 7)
        }),
        ("an arming", |market| arm(market, 0, 3, ArmCause::Disconnect)),
        ("its account", |market| arm(market, 1, 3, ArmCause::Disconnect)),
        ("its name", |market| arm(market, 0, 4, ArmCause::Disconnect)),
        ("its deadline", |market| {
            arm(market, 0, 3, ArmCause::Deadline(Nanos(0)))
        }),
        ("a leap after it", |market| {
            arm(market, 0, 3, ArmCause::Deadline(Nanos(0)));
            market.armings.leap(Nanos(5));
        }),
        ("a leap before it", |market| {
            market.armings.leap(Nanos(5));
            arm(market, 0, 3, ArmCause::Deadline(Nanos(0)));
        }),
    ]
}

fn digest(market: &Market) -> [u8; 16] {
    let mut digest = StateDigest::new();
    market.digest(&mut digest);
    digest.finish()
}

#[test]
fn no_field_can_change_without_the_digest() {
    let engine = engine();
    let market = engine.market.as_ref().expect("begun");
    let mut seen = BTreeMap::from([(digest(market), "nothing")]);
    for (name, change) in changes().into_iter().chain(kept()).chain(administered()) {
        let mut changed = market.clone();
        change(&mut changed);
        if let Some(other) = seen.insert(digest(&changed), name) {
            panic!("the digest does not tell a change of {name:?} from one of {other:?}");
        }
    }
}

#[test]
fn no_history_and_no_time_can_change_without_the_digest() {
    let engine = engine();
    let mut seen = BTreeMap::from([(engine.state_digest(), "nothing")]);
    let changes: [(&str, fn(&mut Engine)); 4] = [
        ("the last sequence", |engine| engine.last_sequence.0 += 1),
        ("the time", |engine| engine.now.0 += 1),
        ("the history", |engine| engine.history = EventsDigest::new()),
        ("whether it has begun", |engine| engine.market = None),
    ];
    for (name, change) in changes {
        let mut changed = engine.clone();
        change(&mut changed);
        if let Some(other) = seen.insert(changed.state_digest(), name) {
            panic!("the digest does not tell a change of {name:?} from one of {other:?}");
        }
    }
}

#[test]
fn the_slot_of_an_order_does_not_show_in_a_digest_or_an_image() {
    let state = |fills_a_hole: bool| {
        let mut market = engine().market.expect("begun");
        let mut history = EventsDigest::new();
        let mut send = |sequence: u64, command: Command| {
            let mut emit = |_: &Event| {};
            let mut out = Emitter::new(Sequence(sequence), Nanos(1), &mut history, &mut emit);
            market.apply(Sequence(sequence), &command, &mut out)
        };
        let cancel = |order| {
            Command::CancelOrder(CancelOrder {
                account: AccountId(0),
                order: OrderId(order),
            })
        };
        let new = |price| Command::NewOrder(order(0, Side::Buy, price, ""));
        // The last order takes the slot that one left before it, or a new one.
        send(50, new(1)).expect("accepted");
        if fills_a_hole {
            send(51, cancel(50)).expect("canceled");
        }
        send(52, new(2)).expect("accepted");
        if !fills_a_hole {
            send(53, cancel(50)).expect("canceled");
        }
        let slot = market.arena.orders.find(OrderId(52)).expect("rests");
        let mut image = Vec::new();
        market.write(&mut image);
        (slot, (digest(&market), image))
    };
    let [reused, fresh] = [true, false].map(state);
    assert_ne!(reused.0, fresh.0);
    assert_eq!(reused.1, fresh.1);
}
