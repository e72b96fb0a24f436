//! What may be traded: an instrument's grid, limits and fees.

use core::fmt;

use crate::decimal::{DecimalText, Scaled};
use crate::text::Symbol;
use crate::units::{FeeRate, Lots, MAX_TICK_LOT_UNITS, Notional, Ticks};

/// An instrument, well-formed by construction: one tick times one lot is a whole number of quote units, so every
/// trade's notional is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentSpec {
    symbol: Symbol,
    tick: Scaled,
    lot: Scaled,
    quote_scale: u8,
    tick_lot_units: u32,
    /// The smallest quantity of an order, in lots.
    pub min_quantity: Lots,
    /// The largest quantity of an order, in lots.
    pub max_quantity: Lots,
    /// The smallest price × quantity of a limit order, in quote units.
    pub min_notional: Notional,
    /// What the resting side pays.
    pub maker_fee: FeeRate,
    /// What the aggressor pays.
    pub taker_fee: FeeRate,
}

/// Why an instrument cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentError {
    /// Tick or lot is zero.
    ZeroStep,
    /// Tick, lot or quote unit has more than [`Scaled::MAX_SCALE`] decimals.
    TooManyDecimals,
    /// Tick × lot is not a whole multiple of the quote unit.
    QuoteUnitTooCoarse,
    /// Tick × lot is worth more than 65,536 quote units.
    QuoteUnitTooFine,
    /// The quantity limits are zero, reversed or beyond [`Lots::MAX`].
    QuantityLimits,
    /// The minimum notional is negative.
    NegativeMinNotional,
    /// A fee rate lies outside ±[`FeeRate::MAX`], or the two add up to less than nothing.
    FeeRate,
}

impl InstrumentSpec {
    /// Checks the parts and puts them together.
    ///
    /// `quote_scale` is the number of decimals of the quote unit in which money is counted (8: 0.00000001 KRW).
    ///
    /// # Errors
    /// [`InstrumentError`] says which rule is broken.
    #[allow(
        clippy::too_many_arguments,
        reason = "a row of the instrument table, read field by field"
    )]
    pub fn new(
        symbol: Symbol,
        tick: Scaled,
        lot: Scaled,
        quote_scale: u8,
        min_quantity: Lots,
        max_quantity: Lots,
        min_notional: Notional,
        maker_fee: FeeRate,
        taker_fee: FeeRate,
    ) -> Result<Self, InstrumentError> {
        let (tick, lot) = (tick.normalized(), lot.normalized());
        let tick_lot_units = tick_lot_units(tick, lot, quote_scale)?;
        if min_quantity.0 == 0 || min_quantity > max_quantity || max_quantity > Lots::MAX {
            return Err(InstrumentError::QuantityLimits);
        }
        if min_notional.0 < 0 {
            return Err(InstrumentError::NegativeMinNotional);
        }
        check_fees(maker_fee, taker_fee)?;
        Ok(Self {
            symbol,
            tick,
            lot,
            quote_scale,
            tick_lot_units,
            min_quantity,
            max_quantity,
            min_notional,
            maker_fee,
            taker_fee,
        })
    }

    /// The same instrument with other fees.
    ///
    /// # Errors
    /// [`InstrumentError::FeeRate`].
    pub fn with_fees(self, maker_fee: FeeRate, taker_fee: FeeRate) -> Result<Self, InstrumentError> {
        check_fees(maker_fee, taker_fee)?;
        Ok(Self {
            maker_fee,
            taker_fee,
            ..self
        })
    }

    /// The instrument's name.
    pub const fn symbol(&self) -> Symbol {
        self.symbol
    }

    /// The price step.
    pub const fn tick(&self) -> Scaled {
        self.tick
    }

    /// The quantity step.
    pub const fn lot(&self) -> Scaled {
        self.lot
    }

    /// Decimals of the quote unit.
    pub const fn quote_scale(&self) -> u8 {
        self.quote_scale
    }

    /// Quote units that one tick times one lot is worth.
    pub const fn tick_lot_units(&self) -> u32 {
        self.tick_lot_units
    }

    /// What `lots` cost at `price`, exactly.
    pub const fn notional(&self, price: Ticks, lots: Lots) -> Notional {
        Notional(price.0 as i128 * lots.0 as i128 * self.tick_lot_units as i128)
    }

    /// `price` as it is written on the wire.
    pub const fn price_text(&self, price: Ticks) -> DecimalText {
        DecimalText::new(price.0 as i128 * self.tick.mantissa as i128, self.tick.scale)
    }

    /// `lots` as they are written on the wire.
    pub const fn quantity_text(&self, lots: Lots) -> DecimalText {
        DecimalText::new(lots.0 as i128 * self.lot.mantissa as i128, self.lot.scale)
    }

    /// An amount of money (a notional or a fee) as it is written on the wire.
    pub const fn money_text(&self, amount: Notional) -> DecimalText {
        DecimalText::new(amount.0, self.quote_scale)
    }
}

fn check_fees(maker: FeeRate, taker: FeeRate) -> Result<(), InstrumentError> {
    let in_range = |rate: FeeRate| (-FeeRate::MAX.0..=FeeRate::MAX.0).contains(&rate.0);
    match in_range(maker) && in_range(taker) && maker.0 + taker.0 >= 0 {
        true => Ok(()),
        false => Err(InstrumentError::FeeRate),
    }
}

fn tick_lot_units(tick: Scaled, lot: Scaled, quote_scale: u8) -> Result<u32, InstrumentError> {
    if tick.mantissa == 0 || lot.mantissa == 0 {
        return Err(InstrumentError::ZeroStep);
    }
    if [tick.scale, lot.scale, quote_scale]
        .iter()
        .any(|&scale| scale > Scaled::MAX_SCALE)
    {
        return Err(InstrumentError::TooManyDecimals);
    }
    let product = u128::from(tick.mantissa) * u128::from(lot.mantissa);
    let product_scale = tick.scale + lot.scale;
    let units = if quote_scale >= product_scale {
        product
            .checked_mul(10u128.pow(u32::from(quote_scale - product_scale)))
            .ok_or(InstrumentError::QuoteUnitTooFine)?
    } else {
        let coarser = 10u128.pow(u32::from(product_scale - quote_scale));
        if !product.is_multiple_of(coarser) {
            return Err(InstrumentError::QuoteUnitTooCoarse);
        }
        product / coarser
    };
    match u32::try_from(units) {
        Ok(units) if units <= MAX_TICK_LOT_UNITS => Ok(units),
        _ => Err(InstrumentError::QuoteUnitTooFine),
    }
}

impl fmt::Display for InstrumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstrumentError::ZeroStep => "tick and lot must be greater than zero",
            InstrumentError::TooManyDecimals => "tick, lot and quote unit may have at most 18 decimals",
            InstrumentError::QuoteUnitTooCoarse => {
                "tick × lot is not a whole multiple of the quote unit: choose a smaller quote unit"
            }
            InstrumentError::QuoteUnitTooFine => {
                "tick × lot is worth more than 65,536 quote units: choose a larger quote unit, or a smaller tick or lot"
            }
            InstrumentError::QuantityLimits => {
                "quantities must satisfy 0 < min_quantity <= max_quantity <= 2^42 lots"
            }
            InstrumentError::NegativeMinNotional => "min_notional must not be negative",
            InstrumentError::FeeRate => {
                "fee rates must lie within ±10 %, and a maker rebate may not exceed the taker fee"
            }
        })
    }
}

impl core::error::Error for InstrumentError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    fn spec(tick: Scaled, lot: Scaled, quote_scale: u8) -> Result<InstrumentSpec, InstrumentError> {
        let symbol = Symbol::new("BTC-KRW").unwrap();
        let (maker, taker) = (FeeRate(200), FeeRate(500));
        InstrumentSpec::new(
            symbol,
            tick,
            lot,
            quote_scale,
            Lots(1),
            Lots::MAX,
            Notional(0),
            maker,
            taker,
        )
    }

    const THOUSAND: Scaled = Scaled {
        mantissa: 1000,
        scale: 0,
    };
    const SATOSHI: Scaled = Scaled {
        mantissa: 1,
        scale: 8,
    };

    #[test]
    fn a_trade_whose_money_is_not_a_whole_number_of_quote_units_cannot_be_defined() {
        assert_eq!(spec(THOUSAND, SATOSHI, 8).unwrap().tick_lot_units(), 1000);
        assert_eq!(
            spec(THOUSAND, SATOSHI, 4),
            Err(InstrumentError::QuoteUnitTooCoarse)
        );
        assert_eq!(
            spec(THOUSAND, SATOSHI, 10),
            Err(InstrumentError::QuoteUnitTooFine)
        );
        assert_eq!(
            spec(Scaled::default(), SATOSHI, 8),
            Err(InstrumentError::ZeroStep)
        );
        assert_eq!(
            spec(
                THOUSAND,
                Scaled {
                    mantissa: 1,
                    scale: 19
                },
                18
            ),
            Err(InstrumentError::TooManyDecimals)
        );
    }

    #[test]
    fn no_fee_rate_is_so_deep_that_it_passes_for_none() {
        let symbol = Symbol::new("X").unwrap();
        for (maker, taker) in [
            (i32::MIN, i32::MIN),
            (i32::MIN, 0),
            (0, i32::MAX),
            (-300, 200),
            (100_001, 0),
        ] {
            let (maker, taker) = (FeeRate(maker), FeeRate(taker));
            let spec = InstrumentSpec::new(
                symbol,
                THOUSAND,
                SATOSHI,
                8,
                Lots(1),
                Lots::MAX,
                Notional(0),
                maker,
                taker,
            );
            assert_eq!(spec, Err(InstrumentError::FeeRate), "{maker:?} {taker:?}");
        }
    }

    #[test]
    fn wire_numbers_are_exact() {
        let btc = spec(THOUSAND, SATOSHI, 8).unwrap();
        assert_eq!(btc.price_text(Ticks(50_000)).to_string(), "50000000");
        assert_eq!(btc.quantity_text(Lots(50_000_000)).to_string(), "0.5");
        assert_eq!(
            btc.money_text(btc.notional(Ticks(50_000), Lots(50_000_000)))
                .to_string(),
            "25000000"
        );
    }
}
