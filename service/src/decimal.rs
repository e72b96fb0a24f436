//! Exact decimal numbers, as they are asked for, and units of a grid.

use std::fmt;

use hoga_protocol::{DecimalText, Scaled};

/// The most digits a number may have, before and behind the point together.
pub const MAX_DIGITS: usize = 40;

/// Why digits are not a whole number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not digits with at most one point between them; leading zeros, `+`, `NaN` and spaces are refused too.
    NotANumber,
    /// It has an exponent.
    Exponent,
    /// It has a minus sign.
    Negative,
    /// It lies between two steps.
    OffGrid {
        /// How many whole steps lie below it.
        below: u64,
    },
    /// It has more than [`MAX_DIGITS`] digits, or more steps than a `u64` counts.
    TooLarge,
}

/// A plain non-negative decimal of at most [`MAX_DIGITS`] digits, on no grid yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    bytes: [u8; MAX_DIGITS + 1],
    len: u8,
}

impl Decimal {
    /// The number that `text` is: `0` or digits that do not begin with `0`, then at most one point with digits behind it.
    ///
    /// # Errors
    /// [`DecimalError`], but never [`OffGrid`](DecimalError::OffGrid), for anything else.
    pub fn new(text: &str) -> Result<Self, DecimalError> {
        split(text)?;
        let mut bytes = [0; MAX_DIGITS + 1];
        bytes
            .get_mut(..text.len())
            .ok_or(DecimalError::TooLarge)?
            .copy_from_slice(text.as_bytes());
        Ok(Self {
            bytes,
            len: text.len() as u8,
        })
    }

    /// The number's text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// How many `step`s the number `text` is, exactly; it never rounds. The mantissa of `step` is not zero.
///
/// The text is `0` or digits that do not begin with `0`, then at most one point with digits behind it.
///
/// # Errors
/// [`DecimalError`] for anything but such a number on the grid.
pub fn parse_on_grid(text: &str, step: Scaled) -> Result<u64, DecimalError> {
    let (whole, fraction) = split(text)?;
    let Scaled { mantissa, scale } = step.normalized();
    let decimals = usize::from(scale);
    let fraction = trim_zeros(fraction);
    // A multiple of the step has no more decimals than the step; what is cut off here only decides that it is none.
    let (kept, cut) = fraction.split_at(fraction.len().min(decimals));
    let mut value: u128 = 0;
    let padding = decimals - kept.len();
    for digit in whole
        .iter()
        .chain(kept)
        .map(|byte| byte - b'0')
        .chain(std::iter::repeat_n(0, padding))
    {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u128::from(digit)))
            .ok_or(DecimalError::TooLarge)?;
    }
    let steps = u64::try_from(value / u128::from(mantissa)).map_err(|_| DecimalError::TooLarge)?;
    if cut.is_empty() && value.is_multiple_of(u128::from(mantissa)) {
        Ok(steps)
    } else {
        Err(DecimalError::OffGrid { below: steps })
    }
}

/// `steps` steps as a number, for a message.
pub fn text_of(steps: u64, step: Scaled) -> DecimalText {
    DecimalText::new(i128::from(steps) * i128::from(step.mantissa), step.scale)
}

/// The digits before and behind the point.
fn split(text: &str) -> Result<(&[u8], &[u8]), DecimalError> {
    let bytes = text.as_bytes();
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    // A second sign, or a word behind the sign, makes it no number at all.
    if let Some(rest) = text.strip_prefix('-')
        && rest.starts_with(|first: char| first.is_ascii_digit())
    {
        return split(rest).and(Err(DecimalError::Negative));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == b'e' || byte == b'E') {
        let unsigned = bytes[at + 1..]
            .strip_prefix(b"-")
            .or(bytes[at + 1..].strip_prefix(b"+"));
        let mantissa = split(&text[..at]);
        if digits(unsigned.unwrap_or(&bytes[at + 1..])) && mantissa != Err(DecimalError::NotANumber) {
            return Err(DecimalError::Exponent);
        }
        return Err(DecimalError::NotANumber);
    }
    let (whole, fraction) = match bytes.iter().position(|&byte| byte == b'.') {
        Some(at) if digits(&bytes[at + 1..]) => (&bytes[..at], &bytes[at + 1..]),
        Some(_) => return Err(DecimalError::NotANumber),
        None => (bytes, &[][..]),
    };
    if !digits(whole) || (whole.len() > 1 && whole[0] == b'0') {
        return Err(DecimalError::NotANumber);
    }
    if whole.len() + fraction.len() > MAX_DIGITS {
        return Err(DecimalError::TooLarge);
    }
    Ok((whole, fraction))
}

fn trim_zeros(fraction: &[u8]) -> &[u8] {
    let used = fraction
        .iter()
        .rposition(|&digit| digit != b'0')
        .map_or(0, |last| last + 1);
    &fraction[..used]
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecimalError::NotANumber => {
                f.write_str("is not a plain decimal number; write digits such as 50000000 or 0.5")
            }
            DecimalError::Exponent => {
                f.write_str("has an exponent; write all digits out, such as 50000000 instead of 5e7")
            }
            DecimalError::Negative => f.write_str("is negative; it must be greater than zero"),
            DecimalError::OffGrid { .. } => f.write_str("lies between two steps of the grid"),
            DecimalError::TooLarge => write!(f, "is too large or has more than {MAX_DIGITS} digits"),
        }
    }
}

impl std::error::Error for DecimalError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::Decimal as Number;

    const THOUSAND: Scaled = Scaled {
        mantissa: 1000,
        scale: 0,
    };
    const SATOSHI: Scaled = Scaled {
        mantissa: 1,
        scale: 8,
    };
    const HALF: Scaled = Scaled {
        mantissa: 5,
        scale: 1,
    };
    const ONE: Scaled = Scaled {
        mantissa: 1,
        scale: 0,
    };

    #[test]
    fn a_number_off_the_grid_is_never_rounded_onto_it() {
        use DecimalError::{Exponent, Negative, NotANumber, OffGrid, TooLarge};
        let off = |below| Err(OffGrid { below });
        let cases = [
            ("50000000", THOUSAND, Ok(50_000)),
            ("50000000.0", THOUSAND, Ok(50_000)),
            ("50000000.000000000000000000000000", THOUSAND, Ok(50_000)),
            ("50000000.0000000000000000000000001", THOUSAND, off(50_000)),
            ("50000000.00000000000000000000000000000001", THOUSAND, off(50_000)),
            ("50000500", THOUSAND, off(50_000)),
            ("49999999.999999999999999999999999999999", THOUSAND, off(49_999)),
            ("0.5", SATOSHI, Ok(50_000_000)),
            ("0.00000001", SATOSHI, Ok(1)),
            ("0.000000001", SATOSHI, off(0)),
            ("0.000000010", SATOSHI, Ok(1)),
            ("0.25", HALF, off(0)),
            ("0.75", HALF, off(1)),
            ("1.5", HALF, Ok(3)),
            ("0", ONE, Ok(0)),
            ("0.0", ONE, Ok(0)),
            ("18446744073709551615", ONE, Ok(u64::MAX)),
            ("18446744073709551616", ONE, Err(TooLarge)),
            ("1234567890123456789012345678901234567890", ONE, Err(TooLarge)),
            ("1.0000000000000000000000000000000000000000", ONE, Err(TooLarge)),
            (
                "1000000000000000000000000000000000000000",
                THOUSAND,
                Err(TooLarge),
            ),
            ("-1", ONE, Err(Negative)),
            ("-0", ONE, Err(Negative)),
            ("--1", ONE, Err(NotANumber)),
            ("-", ONE, Err(NotANumber)),
            ("+5", ONE, Err(NotANumber)),
            ("5e7", ONE, Err(Exponent)),
            ("5E-1", ONE, Err(Exponent)),
            ("5e+7", ONE, Err(Exponent)),
            ("5e", ONE, Err(NotANumber)),
            ("e5", ONE, Err(NotANumber)),
            ("0x3e8", ONE, Err(NotANumber)),
            ("0x3e", ONE, Err(NotANumber)),
            ("1e5e5", ONE, Err(NotANumber)),
            ("05e1", ONE, Err(NotANumber)),
            ("5.e1", ONE, Err(NotANumber)),
            ("1,5e1", ONE, Err(NotANumber)),
            ("-0x3e8", ONE, Err(NotANumber)),
            ("1.5e1", ONE, Err(Exponent)),
            ("-1.5e1", ONE, Err(Exponent)),
            ("007", ONE, Err(NotANumber)),
            ("00", ONE, Err(NotANumber)),
            ("0x10", ONE, Err(NotANumber)),
            ("1_000", ONE, Err(NotANumber)),
            ("1,000", ONE, Err(NotANumber)),
            (".5", HALF, Err(NotANumber)),
            ("5.", HALF, Err(NotANumber)),
            (".", HALF, Err(NotANumber)),
            ("1.2.3", HALF, Err(NotANumber)),
            ("", ONE, Err(NotANumber)),
            (" 1", ONE, Err(NotANumber)),
            ("1 ", ONE, Err(NotANumber)),
            ("NaN", ONE, Err(NotANumber)),
            ("Infinity", ONE, Err(NotANumber)),
            ("١", ONE, Err(NotANumber)),
        ];
        for (text, step, want) in cases {
            assert_eq!(parse_on_grid(text, step), want, "{text} on {}", text_of(1, step));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// What `rust_decimal` can hold must come out as it says.
        #[test]
        fn exact_arithmetic_agrees_with_a_decimal_library(
            mantissa in 0u64..=1 << 50,
            decimals in 0u32..=12,
            step_mantissa in 1u64..=5_000,
            step_scale in 0u8..=8,
            on_grid: bool,
        ) {
            let step = Scaled { mantissa: step_mantissa, scale: step_scale };
            let step_decimal = Number::from_i128_with_scale(i128::from(step_mantissa), u32::from(step_scale));
            let value = if on_grid {
                step_decimal * Number::from(mantissa >> 16)
            } else {
                Number::from_i128_with_scale(i128::from(mantissa), decimals)
            };
            let quotient = (value / step_decimal).trunc();
            let exact = step_decimal * quotient == value;
            prop_assert!(exact || !on_grid);
            let want = match u64::try_from(quotient) {
                Ok(steps) if exact => Ok(steps),
                Ok(below) => Err(DecimalError::OffGrid { below }),
                Err(_) => Err(DecimalError::TooLarge),
            };
            prop_assert_eq!(parse_on_grid(&value.to_string(), step), want, "{} on {}", value, step_decimal);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,50}", mantissa in 1u64.., scale in 0u8..=18) {
            let _ = parse_on_grid(&text, Scaled { mantissa, scale });
        }

        #[test]
        fn written_steps_are_read_back(steps: u64, mantissa in 1u64..=1 << 40, scale in 0u8..=18) {
            let step = Scaled { mantissa, scale };
            let text = text_of(steps, step).to_string();
            let want = if text.len() > MAX_DIGITS { parse_on_grid(&text, step) } else { Ok(steps) };
            prop_assert_eq!(parse_on_grid(&text, step), want);
        }
    }
}
