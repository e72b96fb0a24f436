//! Views that were written and read again, beside views that never were.

use hoga_views::*;

use crate::common::{image, read};
use crate::walk::Walk;
use crate::{VIEW_LIMITS, check, steps};

const WIDE: ViewLimits = ViewLimits {
    executions: 10_000,
    closed_orders: 10_000,
    order_updates: 10_000,
    account_floor: 1_000,
};

#[test]
fn a_restart_loses_nothing_that_is_shown_or_will_be() {
    let inputs = (steps::steps(), 1..40_usize, 0..50_usize, 0..200_u64);
    check(100, inputs, |(steps, every, limit, number)| {
        let mut walk = Walk::new();
        let mut twin = walk.views.clone();
        for (place, step) in steps.iter().enumerate() {
            let told = walk.events.len();
            walk.step(step);
            walk.events[told..].iter().for_each(|event| twin.fold(event));
            if place % every == 0 {
                walk.views = read(VIEW_LIMITS, &image(&walk.views)).unwrap();
                twin = twin.clone();
            }
            // One of them takes out at once what is forgotten, the other one late or never.
            while place % 3 != 0 && walk.views.tidy() > 0 {}
            assert!(image(&twin) == image(&walk.views), "after step {place}");
            walk.check();
        }
        walk.check_executions(limit, number);
        walk.check_updates();
    });
}

#[test]
fn views_read_under_smaller_limits_do_not_differ_from_views_that_always_had_them() {
    let limits = |executions, closed_orders, order_updates, account_floor| ViewLimits {
        executions,
        closed_orders,
        order_updates,
        account_floor,
    };
    let narrow = [
        VIEW_LIMITS,
        limits(0, 0, 0, 0),
        limits(3, 1, 2, 9),
        limits(41, 30, 1, 2),
    ];
    check(60, (steps::steps(), 1..40_usize), |(steps, every)| {
        let mut walk = Walk::new();
        let mut wide = Views::new(WIDE);
        let mut always = narrow.map(Views::new);
        let mut told = 0;
        for (place, step) in steps.iter().enumerate() {
            walk.step(step);
            for event in &walk.events[told..] {
                wide.fold(event);
                always.iter_mut().for_each(|views| views.fold(event));
            }
            told = walk.events.len();
            if place % every == 0 {
                for (limits, always) in narrow.iter().zip(&always) {
                    let read = read(*limits, &image(&wide)).unwrap();
                    assert!(image(&read) == image(always), "{limits:?} after step {place}");
                }
            }
        }
    });
}

#[test]
fn views_read_under_greater_limits_keep_what_the_image_has_and_from_there_on_all() {
    check(60, (steps::steps(), 0..160_usize), |(steps, at)| {
        let mut walk = Walk::new();
        let mut grown = None;
        for (place, step) in steps.iter().enumerate() {
            if place == at % steps.len() {
                let written = image(&walk.views);
                let read = read(WIDE, &written).unwrap();
                assert!(image(&read) == written, "after step {place}");
                let first = read.executions().first();
                grown = Some((first, walk.views.orders().closed(), read));
            }
            let told = walk.events.len();
            walk.step(step);
            if let Some((_, _, grown)) = &mut grown {
                walk.events[told..].iter().for_each(|event| grown.fold(event));
                let read = read(VIEW_LIMITS, &image(grown)).unwrap();
                assert!(image(&read) == image(&walk.views), "after step {place}");
            }
        }
        let (first, closed, grown) = grown.expect("some step came after the image");
        assert_eq!(grown.executions().first(), first);
        assert!(grown.orders().closed() >= closed);
        for number in walk.views.executions().first()..walk.views.executions().next() {
            assert_eq!(
                grown.executions().get(number),
                walk.views.executions().get(number)
            );
        }
    });
}
