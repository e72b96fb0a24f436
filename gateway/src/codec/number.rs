//! Exact numbers as text: integers and fixed point, no exponent, no trailing zeros, no float.

/// The most digits of a `u128`, a sign and a point.
const MAX_TEXT: usize = 41;

/// Beyond this, one digit more and a rounding up would not fit an `i128`.
const MOST_UNITS: u128 = i128::MAX as u128 / 10 - 1;

/// The most decimals of an average price.
pub const AVERAGE_DECIMALS: u8 = 18;

/// Appends `value`.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    write_decimal(out, i128::from(value), 0);
}

/// Appends `units × 10^-scale`, as [`DecimalText`](hoga_protocol::DecimalText) writes it. `scale` is at most 38.
pub fn write_decimal(out: &mut Vec<u8>, units: i128, scale: u8) {
    let mut text = [0; MAX_TEXT];
    let start = digits(&mut text, units.unsigned_abs());
    let digits = &text[start..];
    if units < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    let Some(whole) = digits.len().checked_sub(scale).filter(|&whole| whole > 0) else {
        // Nothing stands before the point but a zero.
        write_fraction(out, b"0", scale - digits.len(), digits);
        return;
    };
    let (whole, fraction) = digits.split_at(whole);
    write_fraction(out, whole, 0, fraction);
}

/// Appends the quotient `(numerator / denominator) × step` in units of `10^-scale`: exact when it ends within
/// [`AVERAGE_DECIMALS`] decimals, else rounded half to even there (or where 38 digits are full). The denominator is
/// not zero, and the quotient and `denominator × step` fit an `i128`.
///
/// Long division, digit by digit, so that nothing overflows however many decimals are asked for.
pub fn write_quotient(out: &mut Vec<u8>, numerator: u128, denominator: u128, step: u64, scale: u8) {
    let step = u128::from(step);
    let mut units = numerator / denominator * step + numerator % denominator * step / denominator;
    let mut rest = numerator % denominator * step % denominator;
    let mut decimals = scale;
    while rest != 0 && decimals < AVERAGE_DECIMALS && units < MOST_UNITS {
        rest *= 10;
        units = units * 10 + rest / denominator;
        rest %= denominator;
        decimals += 1;
    }
    let twice = rest * 2;
    if twice > denominator || (twice == denominator && units & 1 == 1) {
        units += 1;
    }
    write_decimal(out, units as i128, decimals);
}

fn write_fraction(out: &mut Vec<u8>, whole: &[u8], zeros: usize, fraction: &[u8]) {
    out.extend_from_slice(whole);
    let Some(last) = fraction.iter().rposition(|&digit| digit != b'0') else {
        return;
    };
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', zeros));
    out.extend_from_slice(&fraction[..=last]);
}

/// Puts the digits of `value` at the end of `text` and returns where they begin.
fn digits(text: &mut [u8; MAX_TEXT], mut value: u128) -> usize {
    let mut at = MAX_TEXT;
    // Division of a `u128` is slow, and only huge amounts need it.
    while value > u128::from(u64::MAX) {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let mut value = value as u64;
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga_protocol::DecimalText;
    use proptest::prelude::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    fn decimal(units: i128, scale: u8) -> String {
        let mut out = Vec::new();
        write_decimal(&mut out, units, scale);
        String::from_utf8(out).unwrap()
    }

    fn quotient(numerator: u128, denominator: u128, step: u64, scale: u8) -> String {
        let mut out = Vec::new();
        write_quotient(&mut out, numerator, denominator, step, scale);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_number_shows_no_exponent_and_no_trailing_zeros() {
        let cases = [
            (0, 0, "0"),
            (0, 8, "0"),
            (50_000_000, 0, "50000000"),
            (50_000_000, 8, "0.5"),
            (1, 8, "0.00000001"),
            (-1, 2, "-0.01"),
            (-12_345, 2, "-123.45"),
            (100, 2, "1"),
            (1_000, 0, "1000"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ];
        for (units, scale, want) in cases {
            assert_eq!(decimal(units, scale), want);
        }
    }

    #[test]
    fn an_average_is_exact_where_it_ends_and_rounded_to_even_where_it_does_not() {
        // (ticks × lots) / lots, tick, decimals of the tick.
        let cases = [
            (50_000, 1, 1000, 0, "50000000"),
            (50_000 + 50_001, 2, 1000, 0, "50000500"),
            (50_000 + 2 * 50_001, 3, 1000, 0, "50000666.666666666666666667"),
            (1, 3, 1, 0, "0.333333333333333333"),
            (2, 3, 1, 0, "0.666666666666666667"),
            (1, 1 << 18, 1, 0, "0.000003814697265625"),
            // A tie at the nineteenth decimal goes to the even neighbour: …6328125 / 2.
            (1, 1 << 19, 1, 0, "0.000001907348632812"),
            (3, 1 << 19, 1, 0, "0.000005722045898438"),
            (7, 2, 1, 18, "0.000000000000000004"),
            (5, 2, 1, 18, "0.000000000000000002"),
            (1 << 82, 1 << 42, 1 << 24, 0, "18446744073709551616"),
            // The dearest of all: as many digits as there is room for.
            (
                (7 << 40) - 1,
                7,
                u64::MAX,
                0,
                "20282409603649035173694352579437.857143",
            ),
        ];
        for (numerator, denominator, step, scale, want) in cases {
            assert_eq!(
                quotient(numerator, denominator, step, scale),
                want,
                "{numerator}/{denominator}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn numbers_are_written_as_the_protocol_writes_them(units: i128, small: i64, scale in 0u8..=38) {
            for units in [units, i128::from(small)] {
                prop_assert_eq!(decimal(units, scale), DecimalText::new(units, scale).to_string());
            }
        }

        #[test]
        fn a_decimal_library_finds_the_same_average(ticks in 1u64..1 << 20, lots in 1u64..1 << 12, scale in 0u8..=4) {
            let want = (Decimal::from(ticks) / Decimal::from(lots) / Decimal::from(10u64.pow(u32::from(scale))))
                .round_dp_with_strategy(18, RoundingStrategy::MidpointNearestEven)
                .normalize();
            let got: Decimal = quotient(u128::from(ticks), u128::from(lots), 1, scale).parse().unwrap();
            prop_assert_eq!(got, want);
        }
    }
}
