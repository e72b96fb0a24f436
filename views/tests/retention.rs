//! How much of the past is held, and who gives way first.

mod common;

use std::fmt::Write;

use common::{MANY, Tape, image, read};
use hoga_protocol::{
    AccountId, AccountName, AccountOpened, CancelReason, ClientOrderId, Event, EventBody, InstrumentId,
    Limits, Lots, Nanos, NewOrder, Notional, OrderAccepted, OrderCanceled, OrderId, OrderType, Sequence,
    Side, SigningKeyId, Ticks, TimeInForce, Trade, TradeSide,
};
use hoga_views::{ViewLimits, Views};

/// One order that comes and goes; `id` names it.
fn come_and_go(sequence: u64, account: &str, id: &str) -> String {
    format!("{sequence}: new {account} X buy ioc 1@100 {id}; cancel {sequence} ioc\n")
}

fn held(tape: &Tape) -> Vec<u64> {
    let mut held: Vec<u64> = (0..3)
        .flat_map(|account| tape.views.orders().of_account(AccountId(account)))
        .map(|order| order.order.0)
        .collect();
    held.sort_unstable();
    for order in &held {
        assert!(tape.views.orders().get(OrderId(*order)).is_some(), "{order}");
    }
    let orders = tape.views.orders();
    assert_eq!(orders.live() + orders.closed(), held.len());
    held
}

fn tape(closed_orders: usize, account_floor: usize, per_account: u32, total: u32) -> Tape {
    let limits = Limits {
        client_ids_per_account: per_account,
        client_ids_total: total,
        ..Limits::default()
    };
    Tape::with_limits(
        ViewLimits {
            closed_orders,
            account_floor,
            ..MANY
        },
        limits,
    )
}

/// One order after the other comes and goes, from 10 on; `want` are those that are held in the end. A word of `script`
/// is an account, with `+` behind it where the order has an id.
fn check(limits: (usize, usize, u32, u32), script: &str, want: &[u64]) {
    let mut tape = tape(limits.0, limits.1, limits.2, limits.3);
    for (sequence, word) in (10..).zip(script.split_whitespace()) {
        let (account, has_id) = (&word[..1], word.ends_with('+'));
        let id = if has_id {
            format!("id-{sequence}")
        } else {
            String::new()
        };
        tape.play(&come_and_go(sequence, account, &id));
        assert!(
            held(&tape).contains(&sequence),
            "{script}: {sequence} is not shown"
        );
    }
    assert_eq!(held(&tape), want, "{limits:?} {script}");
}

#[test]
fn an_account_that_closes_many_orders_does_not_push_out_those_of_others() {
    // Closed orders without an id above the floors, floor, ids of one account, ids in all above the floors.
    check((2, 1, 9, 9), "a a a a a", &[12, 13, 14]);
    check((2, 1, 9, 9), "b a a a a a a", &[10, 14, 15, 16]);
    check((2, 1, 9, 9), "b b b a a a a a", &[11, 12, 16, 17]);
    check((2, 1, 9, 9), "a a a b b b", &[11, 12, 14, 15]);
    check((0, 3, 9, 9), "a a a a b c c c c c", &[11, 12, 13, 14, 17, 18, 19]);
    check((3, 0, 9, 9), "a b c a a a a", &[11, 12, 13, 14, 15, 16]);
    check((0, 0, 9, 9), "a b c a", &[11, 12, 13]);
    // Those with an id are counted for themselves.
    check((0, 1, 9, 9), "a+ a a a a b", &[10, 14, 15]);
    check((9, 1, 2, 2), "b+ a+ a+ a+ a+", &[10, 12, 13, 14]);
    check((9, 1, 9, 1), "b+ a+ a+ a+ a+", &[10, 13, 14]);
    check((9, 2, 9, 0), "c+ b+ b+ b+ a+ a+ a+", &[10, 12, 13, 15, 16]);
    check((9, 9, 1, 9), "a+ a+ b+ a+", &[10, 11, 12, 13]);
    // Where no id is remembered all are of one kind.
    check((0, 1, 0, 0), "a+ a b+ b a+", &[13, 14]);
}

#[test]
fn live_orders_are_neither_forgotten_nor_listed_in_another_order() {
    let mut tape = tape(1, 1, 9, 9);
    tape.play(
        "10: new a X buy gtc 1@100
         11: new a X buy gtc 1@100
         12: new b X buy gtc 1@100
         13: new a X buy gtc 1@100",
    );
    let steps: [(&str, &[u64]); 4] = [
        ("20: cancel 12 requested", &[10, 11, 12, 13]),
        ("21: cancel 11 requested", &[10, 11, 12, 13]),
        ("22: cancel 10 requested", &[10, 11, 12, 13]),
        ("23: new a Y buy ioc 1@1; cancel 23 ioc", &[10, 12, 13, 23]),
    ];
    for (command, want) in steps {
        tape.play(command);
        assert_eq!(held(&tape), want, "{command}");
    }
    let ids = |orders: &mut dyn Iterator<Item = &hoga_views::OrderState>| -> Vec<u64> {
        orders.map(|order| order.order.0).collect()
    };
    let orders = tape.views.orders();
    assert_eq!(ids(&mut orders.of_account(AccountId(0))), [23, 13, 10]);
    assert_eq!(ids(&mut orders.live_of_account(AccountId(0))), [13]);
}

#[test]
fn when_both_close_in_one_trade_the_resting_order_is_the_older() {
    let mut tape = tape(9, 1, 1, 0);
    tape.play(
        "10: new a X sell gtc 1@100 one
         11: new a X buy gtc 1@100 two; trade 11 10 1@100 left 0/0 fee 0/0",
    );
    assert_eq!(held(&tape), [11]);
}

#[test]
fn a_slot_used_again_belongs_to_its_new_order_only() {
    let mut tape = tape(0, 1, 0, 0);
    for sequence in (10..130).step_by(4) {
        tape.play(&come_and_go(sequence, "a", ""));
        let second = sequence + 1;
        tape.play(&format!("{second}: new a X buy gtc 2@7"));
        assert_eq!(held(&tape), [sequence, second]);
        tape.play(&format!("{}: cancel {second} requested", sequence + 2));
        assert_eq!(held(&tape), [second]);
    }
}

#[test]
fn a_client_order_id_names_no_order_that_is_gone_or_older() {
    let mut tape = tape(9, 2, 2, 0);
    let limits = ViewLimits {
        closed_orders: 9,
        account_floor: 2,
        ..MANY
    };
    let id = |name: &str| ClientOrderId::new(name).unwrap();
    let find = |tape: &Tape, account, name: &str| {
        let order = tape.views.orders().by_client_id(AccountId(account), &id(name));
        order.map(|order| order.order.0)
    };
    let steps = [
        ("10: new a X buy gtc 1@100 mine", Some(10), None),
        ("11: new b X buy gtc 1@100 mine", Some(10), Some(11)),
        ("12: cancel 10 requested", Some(10), Some(11)),
        // The id is used again while the first order is still held.
        ("13: new a X buy gtc 1@100 mine", Some(13), Some(11)),
        ("14: new a X buy ioc 1@100 x; cancel 14 ioc", Some(13), Some(11)),
        ("15: new a X buy ioc 1@100 y; cancel 15 ioc", Some(13), Some(11)),
        ("16: cancel 13 requested", Some(13), Some(11)),
        ("17: new a X buy ioc 1@100 z; cancel 17 ioc", Some(13), Some(11)),
        ("18: new a X buy ioc 1@100 w; cancel 18 ioc", None, Some(11)),
        ("19: cancel 11 requested", None, Some(11)),
    ];
    for (command, of_a, of_b) in steps {
        tape.play(command);
        let again = Tape {
            views: read(limits, &image(&tape.views)).unwrap(),
        };
        for tape in [&tape, &again] {
            assert_eq!(
                (find(tape, 0, "mine"), find(tape, 1, "mine")),
                (of_a, of_b),
                "{command}"
            );
            assert_eq!((find(tape, 2, "mine"), find(tape, 0, "mine2")), (None, None));
        }
    }
}

#[test]
fn memory_that_is_found_beforehand_changes_nothing_that_is_held() {
    let limits = ViewLimits {
        executions: 50,
        closed_orders: 700,
        order_updates: 90,
        account_floor: 3,
    };
    let mut tapes = [(); 2].map(|()| Tape::with_limits(limits, Limits::default()));
    for round in 0..4 {
        tapes[0].views.touch_memory();
        for tape in &mut tapes {
            for n in 0..600 {
                let sequence = 10 + round * 1_000 + n;
                let rests = format!("{sequence}: new a X buy gtc 1@100 ");
                let goes = come_and_go(sequence, "b", "");
                tape.play(if n % 3 == 0 { &rests } else { &goes });
            }
        }
        assert!(image(&tapes[0].views) == image(&tapes[1].views), "round {round}");
    }
}

#[test]
fn an_order_of_many_fills_takes_out_none_of_what_it_pushes_out_unless_too_much_waits() {
    const FILLS: u64 = 1_000;
    const MOST_FORGOTTEN: usize = 4_096;
    let mut tape = tape(100, 1, 0, 0);
    let (mut sequence, mut pushed_out) = (10, 0);
    for round in 0..8 {
        let before = tape.views.orders().forgotten();
        for _ in 0..FILLS {
            tape.play(&format!("{sequence}: new a X sell gtc 1@100"));
            sequence += 1;
        }
        let mut order = format!("{sequence}: new b X buy ioc {FILLS}@100");
        for fill in 0..FILLS {
            let (resting, left) = (sequence - FILLS + fill, FILLS - 1 - fill);
            write!(order, "; trade {sequence} {resting} 1@100 left {left}/0 fee 0/0").unwrap();
        }
        tape.play(&order);
        sequence += 1;
        let orders = tape.views.orders();
        pushed_out += FILLS as usize + 1;
        if round == 0 {
            pushed_out -= orders.closed();
        }
        match pushed_out {
            0..=MOST_FORGOTTEN => assert_eq!(orders.forgotten(), pushed_out),
            _ => assert!((MOST_FORGOTTEN - 32..=MOST_FORGOTTEN).contains(&orders.forgotten())),
        }
        assert!(orders.forgotten() > before || before >= MOST_FORGOTTEN - 32);
        assert_eq!(orders.live(), 0);
    }
    // What is forgotten is seen by nobody, before it is taken out and after.
    let seen = |tape: &Tape| {
        let orders = tape.views.orders();
        let held = (0..sequence)
            .filter(|&id| orders.get(OrderId(id)).is_some())
            .count();
        let listed = [0, 1].map(|account| orders.of_account(AccountId(account)).count());
        (held, listed.iter().sum::<usize>(), orders.closed())
    };
    let (held, listed, closed) = seen(&tape);
    assert_eq!((held, listed), (closed, closed));
    let mut taken_out = 0;
    loop {
        match tape.views.tidy() {
            0 => break,
            some => taken_out += some,
        }
        assert!(tape.views.orders().forgotten() <= MOST_FORGOTTEN);
    }
    assert!(taken_out >= MOST_FORGOTTEN - 32);
    assert_eq!(tape.views.orders().forgotten(), 0);
    assert_eq!(seen(&tape), (held, listed, closed));
}

const FLOODED: ViewLimits = ViewLimits {
    executions: 200,
    closed_orders: 6,
    order_updates: 6,
    account_floor: 5,
};

/// A quiet account, number 3, that does what it has to keep, and twelve others that flood the exchange.
struct Flood {
    views: Views,
    sequence: u64,
}

const QUIET: AccountId = AccountId(3);
const FLOODING: core::ops::Range<u32> = 4..16;

impl Flood {
    fn new() -> Self {
        let limits = Limits {
            client_ids_per_account: 6,
            client_ids_total: 6,
            ..Limits::default()
        };
        let mut flood = Self {
            views: Tape::with_limits(FLOODED, limits).views,
            sequence: 100,
        };
        for account in QUIET.0..FLOODING.end {
            let name = AccountName::new(&format!("account-{account}")).unwrap();
            let account = AccountId(account);
            flood.fold(&[EventBody::AccountOpened(AccountOpened { account, name })]);
        }
        flood
    }

    fn fold(&mut self, bodies: &[EventBody]) {
        self.sequence += 1;
        for (index, body) in bodies.iter().enumerate() {
            self.views.fold(&Event {
                last: index + 1 == bodies.len(),
                ..common::event(self.sequence, index as u32, true, *body)
            });
        }
    }

    /// An order that trades with an order of the same account, and one with an id that is canceled.
    fn trade_and_cancel(&mut self, account: AccountId) {
        let accepted = |sequence, side, id: &str| {
            EventBody::OrderAccepted(OrderAccepted {
                order: OrderId(sequence),
                request: NewOrder {
                    account,
                    instrument: InstrumentId(0),
                    side,
                    order_type: OrderType::Limit,
                    time_in_force: TimeInForce::Gtc,
                    post_only: false,
                    price: Ticks(100),
                    quantity: Lots(1),
                    client_order_id: ClientOrderId::new(id).unwrap_or_default(),
                    valid_until: Nanos(0),
                    signed_by: SigningKeyId::NONE,
                },
            })
        };
        let side = |order| TradeSide {
            order: OrderId(order),
            account,
            leaves: Lots(0),
            fee: Notional(0),
        };
        let first = self.sequence + 1;
        self.fold(&[accepted(first, Side::Buy, "")]);
        let trade = EventBody::Trade(Trade {
            instrument: InstrumentId(0),
            aggressor_side: Side::Sell,
            price: Ticks(100),
            quantity: Lots(1),
            aggressor: side(first + 1),
            resting: side(first),
        });
        self.fold(&[accepted(first + 1, Side::Sell, ""), trade]);
        let canceled = EventBody::OrderCanceled(OrderCanceled {
            order: OrderId(first + 2),
            account,
            instrument: InstrumentId(0),
            canceled: Lots(1),
            was_resting: false,
            reason: CancelReason::Requested,
        });
        let id = format!("id-{}", first + 2);
        self.fold(&[accepted(first + 2, Side::Buy, &id), canceled]);
    }
}

#[test]
fn twelve_accounts_that_flood_the_exchange_do_not_take_what_a_quiet_one_keeps() {
    let mut flood = Flood::new();
    for _ in 0..5 {
        flood.trade_and_cancel(QUIET);
    }
    let since = Sequence(flood.sequence - 2);
    let seen = |views: &Views| {
        let orders: Vec<u64> = views
            .orders()
            .of_account(QUIET)
            .map(|order| order.order.0)
            .collect();
        let fills: Vec<u64> = views
            .executions()
            .newest_of(QUIET)
            .map(|fill| fill.number)
            .collect();
        let updates: Vec<u64> = views
            .updates()
            .of_account(QUIET, 0)
            .map(|update| update.number)
            .collect();
        (orders, fills, updates)
    };
    let before = seen(&flood.views);
    let from = flood.views.updates().resume(QUIET, since, None).unwrap();
    for round in 0..400 {
        for account in FLOODING {
            // Not all of them flood as fast.
            if round % (1 + account % 3) == 0 {
                flood.trade_and_cancel(AccountId(account));
            }
        }
        if round % 100 == 50 {
            flood.views = read(FLOODED, &image(&flood.views)).unwrap();
        }
    }
    let floor = FLOODED.account_floor;
    let (orders, fills, updates) = seen(&flood.views);
    // Five orders with an id and five without.
    assert_eq!(orders.len(), 2 * floor);
    assert!(orders.iter().all(|order| before.0.contains(order)));
    assert_eq!(fills, before.1[..floor]);
    assert_eq!(updates, before.2[before.2.len() - floor..]);
    assert!(
        flood.views.executions().first() > fills[0],
        "the tape has none of them"
    );
    // Reading on from within the floor misses nothing; from before it, the account is told.
    let held = flood.views.updates();
    assert_eq!(held.resume(QUIET, since, None), Ok(from));
    assert!(!held.is_dropped(QUIET, from) && held.is_dropped(QUIET, 0));
    assert!(held.resume(QUIET, Sequence(since.0 - 3), None).is_err());
    // All are within the bounds.
    let accounts = flood.views.accounts().len();
    assert!(held.held() as usize <= FLOODED.order_updates + floor * accounts);
    assert!(flood.views.orders().closed() <= 2 * (FLOODED.closed_orders + floor * accounts));
}
