//! Orders that trade on purpose: a large resting one, and small ones that take from it.

use hoga_protocol::DecimalText;

use crate::failure::{Failure, Outcome};

/// How many takes one resting order serves.
pub const TAKES: u32 = 1_000;

/// What an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sell order that rests until so many takes have used it up.
    Rest(u32),
    /// A buy order of so many takes that trades at once.
    Take(u32),
    /// A sell order that finds nobody and is canceled at once, as long as nobody bids.
    Miss,
}

/// An instrument, a price on its grid, and a quantity to take at a time.
#[derive(Clone, Debug)]
pub struct Trading {
    symbol: String,
    price: String,
    /// The quantity of one take: its digits, and how many of them are decimals.
    take: (u64, u8),
}

impl Trading {
    /// Takes `quantity` of `symbol` at `price`, both plain decimals.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn new(symbol: &str, price: &str, quantity: &str) -> Outcome<Self> {
        let plain = |name: &str, text: &str| {
            decimal(text)
                .ok_or_else(|| Failure::new(format!("--{name} {text:?} is not a plain decimal number")))
        };
        plain("price", price)?;
        Ok(Self {
            symbol: symbol.to_owned(),
            price: price.to_owned(),
            take: plain("quantity", quantity)?,
        })
    }

    /// The instrument.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// A request for a resting sell order that [`TAKES`] takes use up.
    pub fn rest(&self, id: u64) -> String {
        self.request(id, Kind::Rest(TAKES))
    }

    /// A request for a buy order that trades at once with the resting one.
    pub fn take(&self, id: u64) -> String {
        self.request(id, Kind::Take(1))
    }

    /// A request on an order socket.
    pub fn request(&self, id: u64, kind: Kind) -> String {
        format!("{{\"id\":{id},\"op\":\"place\",{}", self.order(kind))
    }

    /// The body of a POST by `account`.
    pub fn body(&self, account: &str, kind: Kind) -> String {
        format!("{{\"account\":\"{account}\",{}", self.order(kind))
    }

    fn order(&self, kind: Kind) -> String {
        let (side, takes, time_in_force) = match kind {
            Kind::Rest(takes) => ("Sell", takes, "GTC"),
            Kind::Take(takes) => ("Buy", takes, "IOC"),
            Kind::Miss => ("Sell", 1, "IOC"),
        };
        let (mantissa, scale) = self.take;
        format!(
            "\"symbol\":\"{}\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{},\"quantity\":{},\
             \"time_in_force\":\"{time_in_force}\"}}",
            self.symbol,
            self.price,
            DecimalText::new(i128::from(mantissa) * i128::from(takes), scale),
        )
    }
}

fn decimal(text: &str) -> Option<(u64, u8)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || text.ends_with('.') || !digits(whole) || !digits(fraction) || fraction.len() > 18 {
        return None;
    }
    Some((format!("{whole}{fraction}").parse().ok()?, fraction.len() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resting_order_serves_as_many_takes_as_it_says() {
        let trading = Trading::new("BTC-KRW", "50000000", "0.0015").expect("plain decimals");
        let rest = "{\"id\":1,\"op\":\"place\",\"symbol\":\"BTC-KRW\",\"side\":\"Sell\",\"type\":\"Limit\",\
                    \"price\":50000000,\"quantity\":1.5,\"time_in_force\":\"GTC\"}";
        assert_eq!(trading.rest(1), rest);
        assert!(
            trading.take(2).contains("\"side\":\"Buy\"") && trading.take(2).contains("\"quantity\":0.0015,")
        );
        assert!(trading.body("a", Kind::Take(32)).contains("\"quantity\":0.048,"));
        assert!(
            trading.body("a", Kind::Miss).contains("\"side\":\"Sell\"")
                && !trading.body("a", Kind::Miss).contains("GTC")
        );
        for bad in ["", "1e3", "-1", "0.", "x"] {
            assert!(Trading::new("BTC-KRW", "1", bad).is_err(), "{bad:?} was taken");
        }
    }
}
