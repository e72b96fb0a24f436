//! Changes one field of the state at a time, by hand and against all rules: each must show in the digest.

extern crate std;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hoga_protocol::*;

use super::*;
use crate::ENGINE_VERSION;
use crate::engine::Engine;

fn genesis() -> Genesis {
    Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(7),
        hash_key: [1, 2],
        limits: Limits {
            max_open_orders: 100,
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

pub(super) fn order(account: u32, side: Side, price: i64, id: &str) -> NewOrder {
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

/// Under the newest rules: two live orders in one queue, the first filled in part and with an id; one in another; two closed ids.
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

fn level(market: &mut Market) -> &mut crate::order_book::Level {
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
    let rest: [(&str, Change); 13] = [
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
        ("a closed id forgotten", |market| {
            let limits = Limits {
                client_ids_total: 0,
                client_ids_per_account: 0,
                ..market.settings.limits
            };
            market.client_ids = ClientIds::new(HashKey::new([0; 2]), &limits);
            let slot = first(market);
            market.arena.orders[slot].named = false;
        }),
        ("an account", |market| {
            let open = OpenAccount {
                account: AccountId(2),
                name: AccountName::new("c").expect("a name"),
            };
            market.accounts.open(&open).expect("opened");
        }),
    ];
    orders.into_iter().chain(rest).collect()
}

/// Of what checkpoints keep, which is state where the rules have them.
fn kept() -> [(&'static str, Change); 8] {
    [
        ("the rules in force", |market| {
            market.rules = Rules::new(1).expect("known")
        }),
        ("the cursor's instrument", |market| {
            market.checks.cursor.instrument.0 += 1
        }),
        ("its side", |market| market.checks.cursor.side = Side::Sell),
        ("its price", |market| market.checks.cursor.price.0 -= 1),
        ("its order", |market| market.checks.cursor.order.0 += 1),
        ("the tape", |market| market.checks.tape.0 += 1),
        ("the newest check", |market| {
            market.checks.last = Some(StateCheck {
                sequence: Sequence(1),
                digest: [0; 16],
            });
        }),
        ("its digest", |market| {
            market.checks.last = Some(StateCheck {
                sequence: Sequence(1),
                digest: [1; 16],
            });
        }),
    ]
}

/// Of what operators and armings leave behind, which is state where the rules have them.
fn administered() -> [(&'static str, Change); 9] {
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
    ]
}

fn digest(market: &Market) -> [u8; 16] {
    let mut digest = StateDigest::new();
    market.digest(&mut digest);
    digest.finish()
}

#[test]
fn what_checkpoints_keep_is_no_state_where_the_rules_have_none() {
    let mut market = engine().market.expect("begun");
    market.rules = Rules::new(1).expect("known");
    let before = digest(&market);
    for (name, change) in &kept()[1..] {
        change(&mut market);
        assert_eq!(digest(&market), before, "{name}");
    }
}

#[test]
fn what_operators_set_is_no_state_where_the_rules_have_none() {
    let mut market = engine().market.expect("begun");
    market.rules = Rules::new(2).expect("known");
    let before = digest(&market);
    for (name, change) in administered() {
        let mut changed = market.clone();
        change(&mut changed);
        assert_eq!(digest(&changed), before, "{name}");
    }
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
