//! Images that were cut, bent or made up.

mod common;

use common::{MANY, Tape, event, image, read};
use hoga_protocol::codec::ImageError;
use hoga_protocol::*;
use hoga_views::*;

const FEW: ViewLimits = ViewLimits {
    executions: 4,
    closed_orders: 2,
    order_updates: 2,
    account_floor: 1,
};

/// Views that have something of everything: live orders of two accounts, one in part filled; closed ones with and
/// without an id; executions and updates that were dropped and such that are held.
fn small() -> Tape {
    small_with(FEW)
}

fn small_with(view_limits: ViewLimits) -> Tape {
    let limits = Limits {
        max_instruments: 2,
        max_accounts: 3,
        max_open_orders: 8,
        max_open_orders_per_account: 8,
        max_touched_orders: Limits::MAX_TOUCHED,
        client_ids_per_account: 2,
        client_ids_total: 3,
    };
    let mut tape = Tape::with_limits(view_limits, limits);
    tape.play(
        "10: new a X sell gtc 1001@100 mine
         11: new b X buy gtc 2002@90
         12: new c X buy ioc 401@100 take; trade 12 10 401@100 left 0/600 fee 20/-8
         13: new b Y sell gtc 3003@50
         14: cancel 13 requested
         15: new c X buy market 100@0; trade 15 10 100@100 left 0/500 fee 5/2
         16: new a Y buy gtc 7@40
         17: new b X sell fok 9@91; cancel 17 fok
         18: new c X sell ioc 5@90 part; trade 18 11 3@90 left 2/1999 fee 1/0; cancel 18 ioc",
    );
    tape
}

/// As [`small`], with something of everything that operators and armings leave behind.
fn administered() -> Tape {
    let mut tape = small();
    let by = OperatorName::new("ops").unwrap();
    let account = AccountId(1);
    let instrument = InstrumentId(0);
    let bodies = [
        EventBody::FeesSet(FeesSet {
            by,
            instrument,
            maker: FeeRate(1),
            taker: FeeRate(2),
        }),
        EventBody::InstrumentStatusSet(InstrumentStatusSet {
            by,
            instrument: InstrumentId(1),
            status: InstrumentStatus::CancelOnly,
        }),
        EventBody::AccountStatusSet(AccountStatusSet {
            by,
            account,
            status: AccountStatus::Suspended,
        }),
        EventBody::AccountLimitsSet(AccountLimitsSet {
            by,
            account: AccountId(2),
            max_open_orders: 7,
        }),
        EventBody::Armed(Armed {
            account,
            arming: Sequence(24),
            cause: ArmCause::Disconnect,
        }),
        EventBody::Armed(Armed {
            account,
            arming: Sequence(25),
            cause: ArmCause::Deadline(Nanos(9)),
        }),
    ];
    for (sequence, body) in (20..).zip(bodies) {
        tape.views.fold(&event(sequence, 0, true, body));
    }
    tape
}

#[test]
fn what_operators_and_armings_leave_behind_is_not_lost_in_an_image() {
    let bytes = image(&administered().views);
    let views = read(FEW, &bytes).unwrap();
    assert!(image(&views) == bytes);
    let instruments = views.instruments();
    let fees = instruments.get(InstrumentId(0)).unwrap();
    assert_eq!((fees.maker_fee, fees.taker_fee), (FeeRate(1), FeeRate(2)));
    let set = [0, 1].map(|id| instruments.fees_were_set(InstrumentId(id)));
    assert_eq!(set, [true, false]);
    let status = [0, 1].map(|id| instruments.status(InstrumentId(id)));
    assert_eq!(status, [InstrumentStatus::Open, InstrumentStatus::CancelOnly]);
    let terms = [0, 1, 2].map(|id| views.accounts().terms(AccountId(id)));
    assert_eq!(terms[0], AccountTerms::default());
    assert_eq!(terms[1].status, AccountStatus::Suspended);
    assert_eq!(terms[2].max_open_orders, 7);
    let armings: Vec<u64> = views.armings().iter().map(|armed| armed.arming.0).collect();
    assert_eq!(armings, [24, 25]);
}

#[test]
fn no_cut_image_is_believed_and_no_bent_one_means_anything_but_its_own_bytes() {
    for tape in [small(), administered()] {
        cut_and_bend(FEW, &image(&tape.views));
    }
}

fn cut_and_bend(limits: ViewLimits, whole: &[u8]) {
    assert!(image(&read(limits, whole).unwrap()) == whole);
    for len in 0..whole.len() {
        assert!(read(limits, &whole[..len]).is_err(), "cut at {len}");
    }
    let mut bent = whole.to_vec();
    let mut refused = 0;
    for bit in 0..whole.len() * 8 {
        bent[bit / 8] ^= 1 << (bit % 8);
        match read(limits, &bent) {
            Ok(views) => assert!(image(&views) == bent, "bit {bit}"),
            Err(_) => refused += 1,
        }
        bent[bit / 8] = whole[bit / 8];
    }
    assert!(refused > whole.len() * 2, "{refused} of {} bits", whole.len() * 8);
}

#[test]
fn views_that_have_not_begun_are_not_lost_either() {
    let views = read(MANY, &image(&Views::new(MANY))).unwrap();
    assert_eq!((views.sequence(), views.genesis()), (Sequence(0), None));
}

#[test]
fn an_image_of_a_later_form_is_not_guessed_at() {
    let mut image = image(&small().views);
    for form in [1, 2, 4] {
        image[0] = form;
        let error = read(FEW, &image).unwrap_err();
        assert_eq!(error, ImageError::UnknownVersion(form.into()));
    }
}

#[test]
#[should_panic(expected = "within command 20")]
fn half_a_command_is_not_written() {
    let mut tape = small();
    let events = tape.events("20: new a X buy ioc 1@50; cancel 20 ioc");
    tape.views.fold(&events[0]);
    image(&tape.views);
}

/// The beginning of an order in an image. Its other fields stand where the constants below say.
fn order(id: u64, account: u32, instrument: u32) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(account.to_le_bytes());
    bytes.extend(instrument.to_le_bytes());
    bytes
}

const COUNT: isize = -4;
const ID: isize = 0;
const ACCOUNT: isize = 8;
const INSTRUMENT: isize = 12;
const SIDE: isize = 16;
const ORDER_TYPE: isize = 17;
const TIME_IN_FORCE: isize = 18;
const POST_ONLY: isize = 19;
const REASON: isize = 20;
const PRICE: isize = 21;
const QUANTITY: isize = 29;
const FILLED: isize = 37;
const SEQUENCE: isize = 45;
const CREATED_AT: isize = 53;
const UPDATED_AT: isize = 61;
const NOTIONAL: isize = 69;
const FEE: isize = 85;

/// Refused, for `field`, once the bytes at `at` from the first place of `place` on are `with`.
fn check(place: &[u8], at: isize, with: &[u8], field: &'static str) {
    check_with(FEW, place, at, with, field);
}

fn check_with(limits: ViewLimits, place: &[u8], at: isize, with: &[u8], field: &'static str) {
    let mut image = image(&small_with(limits).views);
    let found = image.windows(place.len()).position(|bytes| bytes == place);
    let from = found
        .expect("the place is in the image")
        .checked_add_signed(at)
        .unwrap();
    image[from..from + with.len()].copy_from_slice(with);
    let error = read(limits, &image).map(drop).expect_err(field);
    assert_eq!(
        error,
        ImageError::BadValue(field),
        "{at} from {place:?}: {with:?}"
    );
}

#[test]
fn an_order_that_cannot_be_is_refused() {
    let (past, zero) = (u64::MAX.to_le_bytes(), 0u64.to_le_bytes());
    let too_many = (Lots::MAX.0 + 1).to_le_bytes();
    let cases: [(isize, &[u8], &'static str); 29] = [
        (COUNT, &[255; 4], "live orders"),
        (COUNT, &[9, 0, 0, 0], "live orders"),
        (ID, &zero, "order"),
        (ID, &past, "order"),
        (ACCOUNT, &[3], "account"),
        (INSTRUMENT, &[2], "instrument"),
        (SIDE, &[2], "side"),
        (ORDER_TYPE, &[2], "order_type"),
        (ORDER_TYPE, &[1], "price"),
        (TIME_IN_FORCE, &[3], "time_in_force"),
        (TIME_IN_FORCE, &[1], "live orders"),
        (POST_ONLY, &[2], "post_only"),
        (REASON, &[9], "reason"),
        (REASON, &[1], "live orders"),
        (PRICE, &zero, "price"),
        (PRICE, &i64::MIN.to_le_bytes(), "price"),
        (PRICE, &i64::MAX.to_le_bytes(), "price"),
        (QUANTITY, &zero, "quantity"),
        (QUANTITY, &too_many, "quantity"),
        (QUANTITY, &500u64.to_le_bytes(), "filled"),
        (FILLED, &past, "filled"),
        (FILLED, &1001u64.to_le_bytes(), "live orders"),
        (SEQUENCE, &9u64.to_le_bytes(), "order"),
        (SEQUENCE, &past, "sequence"),
        (CREATED_AT, &past, "timestamp"),
        (UPDATED_AT, &past, "timestamp"),
        (NOTIONAL, &(-1i128).to_le_bytes(), "notional"),
        (NOTIONAL, &i128::MAX.to_le_bytes(), "notional"),
        (FEE, &i128::MIN.to_le_bytes(), "fee"),
    ];
    for (at, with, field) in cases {
        check(&order(10, 0, 0), at, with, field);
    }
}

#[test]
fn orders_that_do_not_go_together_are_refused() {
    let id = |id: u64| id.to_le_bytes();
    // Live ones of one account are 10 and 16, closed ones of b 13 and 17, of c 15 and with an id 12 and 18.
    check(&order(16, 0, 1), ID, &id(10), "order");
    check(&order(10, 0, 0), ID, &id(16), "order");
    check(&order(15, 2, 0), ID, &id(10), "order");
    check(&order(18, 2, 0), ID, &id(12), "order");
    check(&order(17, 1, 0), SEQUENCE, &id(14), "order");
    check(&order(13, 1, 1), SEQUENCE, &id(18), "closed orders");
    check(&order(13, 1, 1), ACCOUNT, &[2], "closed orders");
    check(&order(12, 2, 0), FEE + 16, &[0], "client_order_id");
    // An order that was neither filled nor canceled stands among the closed ones.
    check(&order(17, 1, 0), REASON, &[0], "closed orders");
}

#[test]
fn what_an_account_or_instrument_may_be_called_once_is_not_called_twice() {
    check(b"\x01b", 1, b"a", "account name");
    check(b"\x01b", 0, b"\x00", "account name");
    check(b"\x01a\x01b", COUNT, &[4], "accounts");
    check(b"\x01Y\0\0\0", 1, b"X", "symbol");
    let first_record = |kind: u8| [&[0; 8][..], &[kind]].concat();
    check(&first_record(2), -5, &[3], "instruments");
    check(&first_record(2), 0, &[1], "record");
    check(&first_record(1), 0, &[1], "record");
    // More orders at once than the sum of a book has room for.
    check(
        &8u32.to_le_bytes(),
        0,
        &(MAX_OPEN_ORDERS + 1).to_le_bytes(),
        "genesis",
    );
}

/// The beginning of a trade in an image.
fn trade(sequence: u64, index: u32) -> Vec<u8> {
    let mut bytes = sequence.to_le_bytes().to_vec();
    bytes.extend(index.to_le_bytes());
    bytes.extend((sequence * 1_000_000).to_le_bytes());
    bytes
}

#[test]
fn a_trade_that_cannot_be_is_refused() {
    let zero = 0u64.to_le_bytes();
    let cases: [(isize, &[u8], &'static str); 14] = [
        (-12, &zero, "executions"),
        (-20, &[255; 8], "executions"),
        (0, &18u64.to_le_bytes(), "sequence"),
        (0, &zero, "sequence"),
        (0, &19u64.to_le_bytes(), "sequence"),
        (8, &u32::MAX.to_le_bytes(), "index"),
        (12, &[255; 8], "timestamp"),
        (20, &[2], "instrument"),
        (24, &[2], "side"),
        (25, &zero, "price"),
        (33, &zero, "quantity"),
        (41, &zero, "order"),
        (49, &[3], "account"),
        (53, &i128::MAX.to_le_bytes(), "fee"),
    ];
    for (at, with, field) in cases {
        check(&trade(15, 1), at, with, field);
    }
}

#[test]
fn an_update_that_cannot_be_is_refused() {
    // The number of the next, then of each account whether one was dropped, and number, sequence and index of the newest
    // dropped one: 9 (15.2), 11 (17.0) and 13 (18.0).
    let numbers = [&17u64.to_le_bytes()[..], &[1], &9u64.to_le_bytes()].concat();
    let dropped = |account: isize| 8 + 21 * account;
    // Behind the count the held ones: 10 (16.0) of a, 12 (17.1) and 15 (18.2) of b, 14 (18.1) and 16 (18.3) of c.
    let held = dropped(3) + 4;
    let id = |id: u64| id.to_le_bytes();
    let cases: [(isize, &[u8], &'static str); 12] = [
        (0, &id(18), "updates"),
        (0, &id(16), "updates"),
        (0, &[255; 8], "updates"),
        (dropped(0), &[2], "dropped update"),
        (dropped(0) + 1, &id(10), "update order"),
        (dropped(1) + 9, &id(19), "dropped update"),
        (dropped(1) + 9, &id(0), "dropped update"),
        (dropped(1) + 17, &[255; 4], "dropped update"),
        (dropped(2) + 1, &id(12), "update order"),
        (held, &id(9), "update order"),
        (held, &id(14), "update order"),
        (held + 8, &[1], "update order"),
    ];
    for (at, with, field) in cases {
        check(&numbers, at, with, field);
    }
}

#[test]
fn an_execution_that_was_not_pushed_out_is_kept_for_its_account() {
    let limits = ViewLimits {
        executions: 2,
        account_floor: 2,
        ..FEW
    };
    // The trade of command 18 is held for everybody, numbers 4 and 5; kept are 1 and 3 of a, and 2 of c.
    let kept = [&3u32.to_le_bytes()[..], &1u64.to_le_bytes(), &12u64.to_le_bytes()].concat();
    let item = |number: isize| 4 + 77 * number;
    let id = |id: u64| id.to_le_bytes();
    let cases: [(isize, &[u8], &'static str); 14] = [
        (item(0), &id(3), "kept executions"),
        (item(0), &id(6), "kept executions"),
        (item(0) + 8, &id(15), "kept executions"),
        (item(0) + 8, &id(0), "sequence"),
        (item(0) + 8, &id(19), "sequence"),
        (item(0) + 16, &[255; 4], "index"),
        (item(0) + 20, &[2], "instrument"),
        (item(0) + 24, &id(13), "order"),
        (item(0) + 32, &[3], "account"),
        (item(0) + 32, &[1], "kept executions"),
        (item(0) + 36, &[2], "side"),
        (item(0) + 37, &id(0), "price"),
        (item(0) + 45, &id(0), "quantity"),
        (item(0) + 53, &i128::MAX.to_le_bytes(), "fee"),
    ];
    for (at, with, field) in cases {
        check_with(limits, &kept, at, with, field);
    }
    let views = small_with(limits).views;
    let own: Vec<u64> = views
        .executions()
        .newest_of(AccountId(2))
        .map(|execution| execution.number)
        .collect();
    assert_eq!(own, [4, 2]);
    // Bent, it may tell of more for one account than the limits have it keep.
    let wide = ViewLimits {
        account_floor: 100,
        ..limits
    };
    cut_and_bend(wide, &image(&views));
}

#[test]
fn a_million_executions_are_not_too_many_to_be_read_again() {
    let limits = ViewLimits {
        executions: 1_000_000,
        ..FEW
    };
    let mut tape = Tape::new(limits);
    tape.play(&format!("10: new a X sell gtc {}@100", Lots::MAX.0));
    for number in 1..=500_000 {
        let sequence = 10 + number;
        let request = NewOrder {
            account: AccountId(1),
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Ioc,
            post_only: false,
            price: Ticks(100),
            quantity: Lots(1),
            client_order_id: ClientOrderId::EMPTY,
            valid_until: Nanos(0),
            signed_by: SigningKeyId::NONE,
        };
        let order = OrderId(sequence);
        let accepted = EventBody::OrderAccepted(OrderAccepted { order, request });
        tape.views.fold(&event(sequence, 0, false, accepted));
        let side = |order, account, leaves| TradeSide {
            order,
            account: AccountId(account),
            leaves: Lots(leaves),
            fee: Notional(0),
        };
        let trade = Trade {
            instrument: InstrumentId(0),
            aggressor_side: Side::Buy,
            price: Ticks(100),
            quantity: Lots(1),
            aggressor: side(order, 1, 0),
            resting: side(OrderId(10), 0, Lots::MAX.0 - number),
        };
        tape.views
            .fold(&event(sequence, 1, true, EventBody::Trade(trade)));
    }
    let written = image(&tape.views);
    let views = read(limits, &written).unwrap();
    let executions = views.executions();
    assert_eq!((executions.first(), executions.next()), (0, 1_000_000));
    assert_eq!(executions.get(999_999), tape.views.executions().get(999_999));
    assert!(image(&views) == written);
}
