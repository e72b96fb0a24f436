//! Units of price, quantity, money, fee and time, with the bounds that keep every sum inside its type.

/// A price in whole ticks of its instrument. A limit price lies in `1..=Ticks::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub i64);

/// A quantity in whole lots of its instrument. An order's quantity lies in `1..=Lots::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lots(pub u64);

/// An amount of money in whole quote units of its instrument (`10^-quote_scale` of the quote currency).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Notional(pub i128);

/// A fee in whole quote units; negative when the account is paid a rebate.
pub type Fee = Notional;

/// Nanoseconds since 1970-01-01T00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

/// A fee rate in parts per million of the notional: 500 is 0.05 %. Negative is a rebate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FeeRate(pub i32);

/// The most orders that may rest in an exchange at once, over all instruments.
///
/// With [`Lots::MAX`] it keeps the sum of any set of resting quantities inside a `u64`.
pub const MAX_OPEN_ORDERS: u32 = (1 << 22) - 1;

impl Ticks {
    /// The highest price an order may carry.
    pub const MAX: Ticks = Ticks(1 << 40);
}

impl Lots {
    /// The largest quantity an order may carry.
    pub const MAX: Lots = Lots(1 << 42);
    /// No quantity.
    pub const ZERO: Lots = Lots(0);
}

impl FeeRate {
    /// The highest fee rate, and the deepest rebate: 10 % of the notional.
    pub const MAX: FeeRate = FeeRate(100_000);
    /// Parts of a whole: a rate of `SCALE` would be 100 %.
    pub const SCALE: i128 = 1_000_000;
}

/// The most quote units that one tick times one lot may be worth.
pub(crate) const MAX_TICK_LOT_UNITS: u32 = 1 << 16;

// The dearest order times the highest rate stays inside an i128, and all resting lots inside a u64.
const _: () = {
    assert!(
        Ticks::MAX.0.ilog2() + Lots::MAX.0.ilog2() + MAX_TICK_LOT_UNITS.ilog2() + FeeRate::MAX.0.ilog2()
            < 123
    );
    assert!((MAX_OPEN_ORDERS as u128) * (Lots::MAX.0 as u128) <= u64::MAX as u128);
};

impl Nanos {
    /// Whole milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

/// The fee that an order has run up so far, kept exactly so that many small fills never cost more than one large one.
///
/// Each fill is charged the difference between the rounded total after it and the rounded total before it. The total is
/// rounded up: a fee to the next whole unit, a rebate to the next smaller one. So an order pays less than one unit more
/// than its exact fee, and the venue never receives less than the sum of all exact fees, however many orders share a
/// rebate. Maker and taker fills of one order add up in the same accrual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeeAccrual {
    /// Quote units times [`FeeRate::SCALE`].
    exact: i128,
}

impl FeeAccrual {
    /// Nothing charged yet.
    pub const ZERO: FeeAccrual = FeeAccrual { exact: 0 };

    /// The accrual whose exact value is `exact`, quote units times [`FeeRate::SCALE`]. Nothing is checked: an order of
    /// any terms accrues less than 2^123, and only such a value may be charged further.
    pub const fn from_exact(exact: i128) -> Self {
        Self { exact }
    }

    /// Adds a fill of `notional` at `rate` and returns what this fill is charged.
    pub fn charge(&mut self, notional: Notional, rate: FeeRate) -> Fee {
        let before = self.total();
        self.exact += notional.0 * i128::from(rate.0);
        Notional(self.total().0 - before.0)
    }

    /// Everything charged so far, in whole quote units.
    pub fn total(self) -> Fee {
        // Nearly every order's fits 64 bits, where dividing by a constant is a multiplication.
        match i64::try_from(self.exact) {
            Ok(exact) => Notional(i128::from(millionths_up(exact))),
            Err(_) => Notional(millionths_up_wide(self.exact)),
        }
    }

    /// The exact accrual, quote units times [`FeeRate::SCALE`]; a state digest covers it.
    pub const fn exact(self) -> i128 {
        self.exact
    }
}

/// As [`millionths_up_wide`].
fn millionths_up(exact: i64) -> i64 {
    const SCALE: i64 = FeeRate::SCALE as i64;
    exact.div_euclid(SCALE) + i64::from(exact.rem_euclid(SCALE) > 0)
}

/// `exact / FeeRate::SCALE`, rounded towards positive infinity.
fn millionths_up_wide(exact: i128) -> i128 {
    exact.div_euclid(FeeRate::SCALE) + i128::from(exact.rem_euclid(FeeRate::SCALE) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_never_rounded_against_the_venue() {
        let unit = FeeRate::SCALE as i64;
        let cases = [
            (0, 0),
            (1, 1),
            (unit - 1, 1),
            (unit, 1),
            (unit + 1, 2),
            (-1, 0),
            (1 - unit, 0),
            (-unit, -1),
            (-unit - 1, -1),
        ];
        for (exact, want) in cases {
            assert_eq!(millionths_up(exact), want, "{exact}");
        }
    }

    #[test]
    fn a_small_fee_is_not_rounded_unlike_a_large_one() {
        let unit = FeeRate::SCALE as i64;
        let edges = [0, 1, unit - 1, unit, unit + 1, 7 * unit, i64::MAX / 2, i64::MAX];
        for exact in edges.into_iter().flat_map(|edge| [edge, -edge]) {
            let wide = millionths_up_wide(i128::from(exact));
            assert_eq!(i128::from(millionths_up(exact)), wide, "{exact}");
        }
    }

    #[test]
    fn many_rebates_do_not_cost_the_venue_more_than_the_taker_pays() {
        let (maker, taker) = (FeeRate(-600), FeeRate(600));
        let mut paid = FeeAccrual::ZERO;
        let venue: i128 = (0..10_000)
            .map(|_| {
                let mut earned = FeeAccrual::ZERO;
                paid.charge(Notional(1_000), taker).0 + earned.charge(Notional(1_000), maker).0
            })
            .sum();
        assert!(venue >= 0, "the venue loses {venue}");
    }

    #[test]
    fn many_small_fills_do_not_cost_more_than_one_large_fill() {
        let rate = FeeRate(333);
        let mut split = FeeAccrual::ZERO;
        let charged: i128 = (0..1_000).map(|_| split.charge(Notional(777), rate).0).sum();
        let mut whole = FeeAccrual::ZERO;
        assert_eq!(charged, whole.charge(Notional(777_000), rate).0);
    }

    #[test]
    fn the_dearest_order_overflows_no_fee() {
        let dearest =
            Notional(i128::from(Ticks::MAX.0) * i128::from(Lots::MAX.0) * i128::from(MAX_TICK_LOT_UNITS));
        let mut fee = FeeAccrual::ZERO;
        assert_eq!(fee.charge(dearest, FeeRate::MAX).0, (dearest.0 + 9) / 10);
    }
}
