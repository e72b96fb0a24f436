use super::*;

const CONNECTIONS: usize = 2;

fn limits(rate: u32) -> Quotas {
    let rates = RequestRates {
        orders: rate,
        cancels: rate,
        queries: rate,
    };
    Quotas::new(CONNECTIONS, rates, rates)
}

fn origin(number: u32) -> Origin {
    Origin::of(std::net::Ipv4Addr::from(number).into())
}

/// How many of `tries` orders at `now` are taken.
fn taken(limits: &mut Quotas, tries: u32, now: Duration) -> u32 {
    let mut order = || {
        limits
            .charge_address(Some(origin(1)), RequestKind::Orders, now, &mut None)
            .is_ok()
    };
    (0..tries).map(|_| u32::from(order())).sum()
}

#[test]
fn no_second_takes_more_than_twice_its_share_and_no_minute_more_than_its_own() {
    for rate in [1, 3, 7, 1_000, RequestRates::MOST] {
        let mut limits = limits(rate);
        let start = Duration::from_secs(1_000);
        let tries = 2 * rate.min(2_000);
        assert_eq!(
            taken(&mut limits, tries, start),
            tries.min(rate),
            "{rate}: at once"
        );
        if rate > 1_000 {
            continue;
        }
        let mut of_minute = 0;
        for tick in 1..=600 {
            of_minute += taken(&mut limits, rate, start + Duration::from_millis(100 * tick));
        }
        // An interval is a whole number of nanoseconds, so one more may fit in.
        assert!(
            (60 * rate..=60 * rate + 1).contains(&of_minute),
            "{rate}: {of_minute}"
        );
    }
}

#[test]
fn who_has_placed_all_he_may_is_not_kept_from_canceling_nor_is_anybody_else_from_placing() {
    let mut limits = limits(2);
    let now = Duration::from_secs(9);
    assert_eq!(taken(&mut limits, 5, now), 2);
    for kind in [RequestKind::Cancels, RequestKind::Queries] {
        assert!(
            limits
                .charge_address(Some(origin(1)), kind, now, &mut None)
                .is_ok()
        );
    }
    let mut order = |origin| limits.charge_address(origin, RequestKind::Orders, now, &mut None);
    assert!(order(Some(origin(2))).is_ok());
    assert!(order(None).is_ok(), "an address that is not limited");
    assert!(order(Some(origin(1))).is_err());
}

#[test]
fn what_is_left_is_told_of_the_quota_that_is_used_up_first() {
    let mut limits = limits(4);
    let account = AccountName::new("alice").unwrap();
    let now = Duration::from_secs(9);
    for _ in 0..2 {
        limits
            .charge_account(&account, RequestKind::Orders, now, &mut None)
            .unwrap();
    }
    let mut quota = None;
    limits
        .charge_address(Some(origin(1)), RequestKind::Orders, now, &mut quota)
        .unwrap();
    assert_eq!(quota.unwrap().remaining, 3);
    for remaining in [1, 0, 0] {
        let charged = limits.charge_account(&account, RequestKind::Orders, now, &mut quota);
        assert_eq!(quota.unwrap().remaining, remaining);
        quota = quota.filter(|_| charged.is_ok());
    }
    let refused = limits.charge_account(&account, RequestKind::Orders, now, &mut None);
    let wait = Duration::from_millis(250);
    assert_eq!(
        refused,
        Err(refusal(Holder::Account, RequestKind::Orders, 4, wait))
    );
}

#[test]
fn addresses_that_come_and_go_leave_nothing_behind() {
    let mut limits = limits(10);
    let mut now = Duration::from_secs(5);
    for number in 0..100_000 {
        let origin = origin(number);
        limits.enter_address(origin, now);
        let _ = limits.charge_address(Some(origin), RequestKind::Queries, now, &mut None);
        limits.leave_address(origin, now);
        now += Duration::from_micros(100);
    }
    let most = 2 * SMALL_TABLE.max(1_000);
    assert!(
        limits.addresses.entries.len() <= most,
        "{}",
        limits.addresses.entries.len()
    );
    limits.enter_address(origin(7), now);
    limits.enter_address(origin(7), now);
    assert_eq!(limits.of_address(origin(7)), 2);
    limits.leave_address(origin(7), now);
    assert_eq!(limits.of_address(origin(7)), 1);
}

#[test]
fn one_account_does_not_take_all_the_places_for_websockets() {
    let mut limits = limits(1);
    let [alice, bob] = ["alice", "bob"].map(|name| AccountName::new(name).unwrap());
    let now = Duration::ZERO;
    for _ in 0..CONNECTIONS {
        limits.check_account(&alice).unwrap();
        limits.enter_account(alice, now);
    }
    let refused = Reject::TooManyConnections {
        account: alice,
        most: CONNECTIONS,
    };
    assert_eq!(limits.check_account(&alice), Err(refused));
    limits.check_account(&bob).unwrap();
    limits.leave_account(&alice, now);
    limits.check_account(&alice).unwrap();
}
