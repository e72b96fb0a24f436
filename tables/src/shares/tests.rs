//! Shares against a plain model.

extern crate std;

use alloc::vec;
use alloc::vec::Vec;
use std::println;

use super::*;

/// A pseudorandom sequence (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A new seed each time, printed; `HOGA_SEED` sets it.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("HOGA_SEED").ok().and_then(|seed| seed.parse().ok());
    let now = || {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
        since.map_or(1, |since| since.as_nanos() as u64)
    };
    let seed = given.unwrap_or_else(now);
    println!("HOGA_SEED={seed}");
    seed
}

struct Model {
    floor: u32,
    pool: u64,
    counts: Vec<u32>,
}

impl Model {
    fn surplus(&self) -> u64 {
        let above = self.counts.iter().map(|count| count.saturating_sub(self.floor));
        above.map(u64::from).sum()
    }

    fn overfull(&self) -> Option<u32> {
        let most = *self.counts.iter().max()?;
        let exceeds = self.surplus() > self.pool;
        let first = self.counts.iter().position(|&count| count == most)?;
        exceeds.then_some(first as u32)
    }

    fn check(&self, shares: &Shares) {
        assert_eq!(shares.overfull(), self.overfull());
        assert_eq!(shares.surplus(), self.surplus());
        assert_eq!(
            shares.total(),
            self.counts.iter().map(|&count| u64::from(count)).sum()
        );
        for (holder, &count) in self.counts.iter().enumerate() {
            assert_eq!(shares.count(holder as u32), count);
        }
    }
}

#[test]
fn nobody_but_the_largest_holder_gives_up_an_item() {
    let mut random = Random(seed());
    for (floor, pool, holders) in [(0, 40, 12), (4, 40, 12), (4, 0, 30), (3, 1_000, 9), (0, 0, 1)] {
        let mut shares = Shares::new(floor, pool, holders);
        let mut model = Model {
            floor,
            pool,
            counts: vec![0; holders],
        };
        (0..holders).for_each(|holder| assert_eq!(shares.add_holder(), holder as u32));
        for step in 0..4_000 {
            let flooding = random.next().is_multiple_of(2);
            let holder = if flooding {
                0
            } else {
                random.next() as usize % holders
            };
            if random.next() % 10 < 4 {
                shares.add(holder as u32);
                model.counts[holder] += 1;
            } else if random.next() % 10 < 6 {
                model.counts[holder] += 1;
                let largest = model.overfull();
                assert_eq!(shares.exchange(holder as u32), largest);
                if let Some(largest) = largest {
                    model.counts[largest as usize] -= 1;
                }
            } else if model.counts[holder] > 0 {
                shares.remove(holder as u32);
                model.counts[holder] -= 1;
            }
            model.check(&shares);
            if step % 300 == 0 {
                model.pool = random.next() % (pool + 1);
                shares.set_pool(model.pool);
                model.floor = random.next() as u32 % (floor + 3);
                shares.set_floor(model.floor);
            }
            while let Some(largest) = shares.overfull() {
                model.check(&shares);
                shares.remove(largest);
                model.counts[largest as usize] -= 1;
                assert!(shares.count(largest) >= model.floor, "below its floor");
            }
            model.check(&shares);
            if step % 500 == 0 {
                rebuilt_elsewhere(&model)
                    .iter()
                    .for_each(|shares| model.check(shares));
            }
        }
    }
}

/// The same counts, reached in other ways.
fn rebuilt_elsewhere(model: &Model) -> [Shares; 2] {
    [false, true].map(|backwards| {
        let mut shares = Shares::new(model.floor, model.pool, 0);
        model.counts.iter().for_each(|_| _ = shares.add_holder());
        let mut holders: Vec<usize> = (0..model.counts.len()).collect();
        if backwards {
            holders.reverse();
        }
        for holder in holders {
            (0..model.counts[holder]).for_each(|_| shares.add(holder as u32));
        }
        shares
    })
}

#[test]
fn an_item_more_or_less_moves_no_more_holders_than_a_heap_is_deep() {
    let mut random = Random(seed());
    let holders = 100_000;
    let mut shares = Shares::new(1, 300_000, holders);
    (0..holders).for_each(|_| _ = shares.add_holder());
    let mut most = 0;
    for _ in 0..1_000_000 {
        let holder = (random.next() as usize % holders) as u32;
        shares.steps = 0;
        shares.add(holder);
        most = most.max(shares.steps);
        if let Some(largest) = shares.overfull() {
            shares.steps = 0;
            shares.remove(largest);
            most = most.max(shares.steps);
            assert_eq!(shares.overfull(), None);
        }
    }
    assert!(most <= 18, "{most}");
}
