//! Exact decimals at the edge: a mantissa and a scale, read from text digit by digit and written without exponent.

use core::fmt;

/// A non-negative decimal, `mantissa × 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Scaled {
    /// The digits.
    pub mantissa: u64,
    /// How many of them stand behind the point, at most [`Scaled::MAX_SCALE`].
    pub scale: u8,
}

impl Scaled {
    /// The most decimals a tick, a lot or a quote unit may have.
    pub const MAX_SCALE: u8 = 18;

    /// The same value with the fewest decimals.
    pub const fn normalized(self) -> Scaled {
        let Scaled {
            mut mantissa,
            mut scale,
        } = self;
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        Scaled { mantissa, scale }
    }
}

/// Writes `units × 10^-scale` in plain digits: no exponent, no trailing zeros, no sign on zero.
#[derive(Clone, Copy, Debug)]
pub struct DecimalText {
    units: i128,
    scale: u8,
}

impl DecimalText {
    /// `units × 10^-scale`; `scale` is at most 38.
    pub const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10u128.pow(u32::from(self.scale));
        let magnitude = self.units.unsigned_abs();
        if self.units < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", magnitude / one)?;
        let mut fraction = magnitude % one;
        if fraction == 0 {
            return Ok(());
        }
        let mut width = usize::from(self.scale);
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        write!(f, ".{fraction:0width$}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_decimal_never_shows_exponent_or_trailing_zeros() {
        let cases = [
            (50_000_000, 0, "50000000"),
            (50_000_000, 8, "0.5"),
            (1, 8, "0.00000001"),
            (0, 8, "0"),
            (-1, 2, "-0.01"),
            (-12_345, 2, "-123.45"),
            (100, 2, "1"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
        ];
        for (units, scale, want) in cases {
            assert_eq!(DecimalText::new(units, scale).to_string(), want);
        }
    }
}
