//! The real engine under random commands: after each one the views are compared with the engine's own state and with
//! a record that keeps every event and works everything out anew.
//!
//! A failure prints its commands, made as few as possible, and the seed; `HOGA_TEST_SEED` runs a seed again.

#[path = "../common/mod.rs"]
mod common;

mod steps;

mod walk;

mod kept;

mod check_orders;

mod check_streams;

mod restarts;

use std::hash::{BuildHasher, Hasher, RandomState};

use hoga_views::ViewLimits;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const ACCOUNTS: u32 = 3;
const INSTRUMENTS: u32 = 2;
const IDS: u8 = 9;

const VIEW_LIMITS: ViewLimits = ViewLimits {
    executions: 40,
    closed_orders: 5,
    order_updates: 40,
    account_floor: 4,
};

/// Client order ids of closed orders: of one account, and of all above the floors.
const IDS_PER_ACCOUNT: u32 = 6;
const IDS_TOTAL: u32 = 6;

#[test]
fn views_do_not_drift_from_the_engine() {
    let inputs = (steps::steps(), 0..50_usize, 0..200_u64);
    check(150, inputs, |(steps, limit, number)| {
        let mut walk = walk::Walk::new();
        for step in &steps {
            walk.step(step);
            walk.check();
        }
        walk.check_executions(limit, number);
        walk.check_updates();
    });
}

/// Runs a test on random inputs.
fn check<S: Strategy>(cases: u32, inputs: S, test: impl Fn(S::Value)) {
    let given = std::env::var("HOGA_TEST_SEED").ok();
    let seed: u64 = match given {
        Some(seed) => seed.parse().expect("HOGA_TEST_SEED is a whole number"),
        None => RandomState::new().build_hasher().finish(),
    };
    println!("HOGA_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(&inputs, |input| {
        test(input);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
