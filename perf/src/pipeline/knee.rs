//! Looking for the highest rate that passes: double or halve until it lies between two rates, then bisect.

use crate::failure::Outcome;

/// Below this many commands per second no rate is tried.
const LEAST: u32 = 1_000;
/// The two rates between which the knee lies differ by at most one part in so many when the search ends.
const PARTS: u32 = 20;

/// The highest rate from `LEAST` to `most` that `judge` passed; `None` where none did. `judge` answers `None` to end
/// the search at once.
///
/// # Errors
/// Those of `judge`.
pub fn search(
    first: u32,
    most: u32,
    judge: &mut dyn FnMut(u32) -> Outcome<Option<bool>>,
) -> Outcome<Option<u32>> {
    let (mut passed, mut failed) = (None, None);
    let mut rate = first.clamp(LEAST.min(most), most);
    while let Some(is_within) = judge(rate)? {
        match is_within {
            true => passed = Some(rate),
            false => failed = Some(rate),
        }
        rate = match (passed, failed) {
            (Some(low), None) if low < most => low.saturating_mul(2).min(most),
            (None, Some(high)) if high / 2 >= LEAST => high / 2,
            (Some(low), Some(high)) if high - low > low / PARTS => low + (high - low) / 2,
            _ => break,
        };
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_neither_missed_nor_sought_for_ever() {
        // The first rate, the most, the rate from which all fail, and how many trials there may be.
        let cases = [
            (100_000, 1_000_000, 730_000, 9),
            (100_000, 1_000_000, u32::MAX, 5),
            (100_000, 1_000_000, 30_000, 8),
            (100_000, 1_000_000, 500, 8),
            (4_000_000, 1_000_000, 900_001, 8),
            (7, 1_000_000, 1_100, 7),
            (100, 500, 400, 1),
        ];
        for (first, most, knee, trials) in cases {
            let mut tried = Vec::new();
            let found = search(first, most, &mut |rate| {
                tried.push(rate);
                Ok(Some(rate < knee))
            });
            let found = found.expect("a search");
            assert!(tried.len() <= trials, "{first} {most} {knee}: {tried:?}");
            assert!(tried.iter().all(|&rate| rate <= most), "{tried:?}");
            match found {
                Some(rate) => {
                    let highest = knee.min(most);
                    assert!(
                        rate <= highest && highest - rate <= rate / PARTS + 1,
                        "{knee}: {rate} of {tried:?}"
                    );
                }
                None => assert!(knee <= LEAST, "{knee}: none of {tried:?}"),
            }
        }
        let stopped = search(100_000, 1_000_000, &mut |rate| {
            Ok((rate < 200_000).then_some(true))
        });
        assert_eq!(stopped.expect("a search"), Some(100_000));
    }
}
