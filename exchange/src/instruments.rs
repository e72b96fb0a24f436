//! Instruments as an operator writes them, and the exact grid they become.

use std::fmt;

use hoga_protocol::{FeeRate, InstrumentSpec, Lots, Notional, Scaled, Symbol};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// One `[[instruments]]` table of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentConfig {
    /// The name, such as `BTC-KRW`.
    pub symbol: String,
    /// The price step.
    pub tick_size: Exact,
    /// The quantity step.
    pub lot_size: Exact,
    /// The unit in which money is counted, a power of ten; tick × lot must be a whole multiple of it.
    pub quote_unit: Exact,
    /// The smallest quantity of an order.
    pub min_quantity: Exact,
    /// The largest quantity of an order.
    pub max_quantity: Exact,
    /// The smallest price × quantity of a limit order.
    pub min_notional: Exact,
    /// What the resting side pays, as a fraction: 0.0002 is 0.02 %.
    pub maker_fee: Exact,
    /// What the aggressor pays, as a fraction.
    pub taker_fee: Exact,
}

/// An exact decimal: a TOML string or integer. A TOML float has lost its digits already, so it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub Decimal);

/// The instruments of an exchange that was given none: BTC-KRW and ETH-KRW.
pub fn defaults() -> Vec<InstrumentConfig> {
    let instrument = |symbol: &str, tick: i64, max: i64| InstrumentConfig {
        symbol: symbol.to_owned(),
        tick_size: Exact(Decimal::new(tick, 0)),
        lot_size: Exact(Decimal::new(1, 8)),
        quote_unit: Exact(Decimal::new(1, 8)),
        min_quantity: Exact(Decimal::new(1, 8)),
        max_quantity: Exact(Decimal::new(max, 0)),
        min_notional: Exact(Decimal::new(0, 0)),
        maker_fee: Exact(Decimal::new(2, 4)),
        taker_fee: Exact(Decimal::new(5, 4)),
    };
    vec![
        instrument("BTC-KRW", 1000, 1_000),
        instrument("ETH-KRW", 500, 10_000),
    ]
}

impl InstrumentConfig {
    /// The exact instrument.
    ///
    /// # Errors
    /// In words: which key of which instrument is wrong, and what it must be.
    pub fn to_spec(&self) -> Result<InstrumentSpec, String> {
        let wrong = |key: &str, why: &str| format!("instrument {:?}: {key} {why}", self.symbol);
        let symbol = Symbol::new(&self.symbol).map_err(|error| wrong("symbol", &error.to_string()))?;
        let tick = self.tick_size.scaled().ok_or_else(|| wrong("tick_size", STEP))?;
        let lot = self.lot_size.scaled().ok_or_else(|| wrong("lot_size", STEP))?;
        let quote_unit = self.quote_unit.scaled().filter(|unit| unit.mantissa == 1);
        let quote_unit = quote_unit
            .ok_or_else(|| wrong("quote_unit", "must be 1 or a negative power of ten, such as 0.01"))?;
        let lots = |key: &str, value: Exact| {
            let lots = value
                .whole(self.lot_size)
                .and_then(|lots| u64::try_from(lots).ok());
            lots.map(Lots)
                .ok_or_else(|| wrong(key, "must be a whole multiple of lot_size, at most 2^42 of them"))
        };
        let min_notional = self.min_notional.whole(self.quote_unit).map(Notional);
        let min_notional =
            min_notional.ok_or_else(|| wrong("min_notional", "must be a whole multiple of quote_unit"))?;
        let rate = |key: &str, value: Exact| {
            let parts = value
                .whole(Exact(Decimal::new(1, 6)))
                .and_then(|parts| i32::try_from(parts).ok());
            parts
                .map(FeeRate)
                .ok_or_else(|| wrong(key, "must be a fraction of at most 6 decimals, such as 0.0005"))
        };
        InstrumentSpec::new(
            symbol,
            tick,
            lot,
            quote_unit.scale,
            lots("min_quantity", self.min_quantity)?,
            lots("max_quantity", self.max_quantity)?,
            min_notional,
            rate("maker_fee", self.maker_fee)?,
            rate("taker_fee", self.taker_fee)?,
        )
        .map_err(|error| format!("instrument {:?}: {error}", self.symbol))
    }
}

const STEP: &str = "must be greater than zero, with at most 18 decimals";

impl Exact {
    fn scaled(self) -> Option<Scaled> {
        let value = self.0.normalize();
        let scale = u8::try_from(value.scale())
            .ok()
            .filter(|&scale| scale <= Scaled::MAX_SCALE)?;
        let mantissa = u64::try_from(value.mantissa())
            .ok()
            .filter(|&mantissa| mantissa > 0)?;
        Some(Scaled { mantissa, scale })
    }

    /// How many whole `unit`s this is, if it is a whole number of them.
    fn whole(self, unit: Exact) -> Option<i128> {
        if unit.0.is_zero() || !self.0.checked_rem(unit.0)?.is_zero() {
            return None;
        }
        self.0.checked_div(unit.0)?.to_i128()
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExactVisitor)
    }
}

struct ExactVisitor;

impl Visitor<'_> for ExactVisitor {
    type Value = Exact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal in quotes, such as \"0.01\", or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
        Decimal::from_str_exact(text)
            .map(Exact)
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Exact, E> {
        Ok(Exact(Decimal::from(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Exact, E> {
        Ok(Exact(Decimal::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_instruments_stand() {
        let [btc, eth] = defaults().try_into().unwrap();
        let btc = btc.to_spec().unwrap();
        assert_eq!(
            (
                btc.tick().mantissa,
                btc.lot().scale,
                btc.maker_fee.0,
                btc.taker_fee.0
            ),
            (1000, 8, 200, 500)
        );
        assert_eq!(eth.to_spec().unwrap().tick().mantissa, 500);
    }

    #[test]
    fn an_instrument_that_would_be_rounded_is_refused_by_key() {
        let base = || defaults().remove(0);
        let exact = |text: &str| Exact(Decimal::from_str_exact(text).unwrap());
        let cases: [(&str, InstrumentConfig); 5] = [
            (
                "tick_size must be greater",
                InstrumentConfig {
                    tick_size: exact("0"),
                    ..base()
                },
            ),
            (
                "min_quantity must be a whole multiple",
                InstrumentConfig {
                    min_quantity: exact("0.000000001"),
                    ..base()
                },
            ),
            (
                "quote_unit must be",
                InstrumentConfig {
                    quote_unit: exact("0.5"),
                    ..base()
                },
            ),
            (
                "taker_fee must be a fraction",
                InstrumentConfig {
                    taker_fee: exact("0.00000001"),
                    ..base()
                },
            ),
            (
                "smaller quote unit",
                InstrumentConfig {
                    quote_unit: exact("0.01"),
                    ..base()
                },
            ),
        ];
        for (want, config) in cases {
            let error = config.to_spec().unwrap_err();
            assert!(error.contains(want) && error.contains("BTC-KRW"), "{error}");
        }
        let float = toml::from_str::<InstrumentConfig>("symbol = \"X\"\ntick_size = 0.1");
        assert!(float.unwrap_err().to_string().contains("in quotes"));
    }
}
