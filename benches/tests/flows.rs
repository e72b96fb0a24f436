//! The flows are what they say they are.

use hoga_benches::{EventHash, Flow, FlowKind, apply};

/// Enough for a sweep each way.
const MESSAGES: usize = 20_002;

/// Each share in percent, with how far it may lie off.
fn near(flow: &Flow, what: &str, part: u64, percent: f64, off: f64) {
    let share = flow.facts.percent(part);
    assert!(
        (share - percent).abs() <= off,
        "{what} are {share:.1} % and not {percent} %\n{}",
        flow.facts
    );
}

#[test]
fn a_flow_is_the_same_each_time_and_fits_the_room_that_its_exchange_has() {
    for kind in FlowKind::ALL {
        if kind == FlowKind::B1m {
            continue;
        }
        let (one, two) = (kind.make(5_000), kind.make(5_000));
        assert!(
            one.opening == two.opening && one.steady == two.steady,
            "{}",
            kind.name()
        );
        assert_eq!(one.steady.len(), 5_000);
        let (mut engine, mut hash, mut events) = (one.engine(), EventHash::default(), 0);
        apply(&mut engine, &one.steady, &mut |event| {
            events += 1;
            hash.add(event);
        });
        assert_eq!(events, one.facts.events);
        assert_eq!(engine.open_orders() as u64, one.facts.resting_end);
        let mut other = EventHash::default();
        two.events().1.iter().for_each(|event| other.add(event));
        assert_eq!(hash, other);
    }
}

#[test]
fn moves_dominate_flow_a_and_its_book_stays_as_deep_as_it_began() {
    for (kind, depth) in [(FlowKind::A, 1_000), (FlowKind::B100k, 100_000)] {
        let flow = kind.make(MESSAGES);
        let facts = &flow.facts;
        near(&flow, "orders", facts.gtc, 13.0, 2.0);
        near(&flow, "immediate orders", facts.ioc, 2.0, 0.5);
        near(&flow, "moves", facts.moves, 71.0, 2.0);
        near(
            &flow,
            "cancels and reduces",
            facts.cancels + facts.reduces,
            14.0,
            2.0,
        );
        let off = facts.resting_end.abs_diff(depth);
        assert!(off < depth / 10, "{} rest", facts.resting_end);
        assert!(facts.trades > 100, "{facts}");
    }
}

#[test]
fn nearly_all_equity_orders_are_canceled_and_some_come_in_again() {
    let flow = FlowKind::CNormal.make(200_000);
    let facts = &flow.facts;
    let of_new = facts.ioc as f64 * 100.0 / (facts.ioc + facts.gtc) as f64;
    let modified = facts.modified as f64 * 100.0 / facts.gtc as f64;
    assert!((90.0..98.0).contains(&facts.percent_canceled()), "{facts}");
    assert!(
        (11.0..17.0).contains(&of_new),
        "{of_new} % are immediate\n{facts}"
    );
    assert!((13.0..23.0).contains(&modified), "{facts}");
}

#[test]
fn the_weather_moves_the_market_as_far_as_it_says() {
    for (kind, low, high) in [
        (FlowKind::CStatic, 0.99, 1.01),
        (FlowKind::CNormal, 0.90, 1.10),
        (FlowKind::CSwing25, 0.77, 1.23),
        (FlowKind::CSwing40, 0.62, 1.38),
        (FlowKind::CCrash, 0.65, 1.0),
    ] {
        let flow = kind.make(200_000);
        let (least, most) = flow.facts.traded.expect("it trades");
        let far =
            |traded: i64, bound: f64| (traded as f64 - 10_000.0).abs() >= 10_000.0 * (bound - 1.0).abs();
        let calm = matches!(kind, FlowKind::CStatic | FlowKind::CNormal);
        assert!(
            calm != (far(least.0, low) && far(most.0, high)),
            "{}: {}",
            kind.name(),
            flow.facts
        );
    }
}

#[test]
fn a_sweep_takes_ten_thousand_levels() {
    let facts = FlowKind::F.make(MESSAGES).facts;
    assert_eq!((facts.trades_max, facts.trades), (10_000, 20_000));
    assert_eq!((facts.levels_max, facts.resting_end), (10_000, 0));
}
