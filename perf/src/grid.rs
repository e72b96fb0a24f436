//! The grid of the instrument that a file's prices and quantities are counted on.

use hoga_protocol::{DecimalText, Scaled, Symbol};

use crate::cli::Format;
use crate::failure::{Context, Outcome};

/// The instrument that a format's prices and quantities are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Its name at the exchange.
    pub symbol: Symbol,
    /// What one price step of the script is worth.
    pub tick: Scaled,
    /// What one unit of quantity of the script is.
    pub lot: Scaled,
}

impl Grid {
    /// The instrument of `format`, under `symbol` or the format's own name for it.
    ///
    /// # Errors
    /// When `symbol` cannot be the name of an instrument.
    pub fn new(format: Format, symbol: Option<&str>) -> Outcome<Self> {
        let (name, scale) = match format {
            Format::Flow => ("FLOW-USD", 0),
            Format::Lobster => ("AAPL", 2),
        };
        let name = symbol.unwrap_or(name);
        Ok(Self {
            symbol: Symbol::new(name).context(|| format!("--symbol {name:?}"))?,
            tick: Scaled { mantissa: 1, scale },
            lot: Scaled {
                mantissa: 1,
                scale: 0,
            },
        })
    }

    /// A price of `ticks` as the wire writes it.
    pub fn price(&self, ticks: u64) -> DecimalText {
        DecimalText::new(
            i128::from(ticks) * i128::from(self.tick.mantissa),
            self.tick.scale,
        )
    }

    /// A quantity of `lots` as the wire writes it.
    pub fn quantity(&self, lots: u64) -> DecimalText {
        DecimalText::new(i128::from(lots) * i128::from(self.lot.mantissa), self.lot.scale)
    }
}
