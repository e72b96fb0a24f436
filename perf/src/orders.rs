//! Orders that trade on purpose: a large resting one, and small ones that take from it.

use hoga_protocol::{DecimalText, Side};

use crate::failure::{Failure, Outcome};

/// How many takes one resting order serves.
pub const TAKES: u32 = 1_000;

/// An instrument, a price on its grid, and a quantity to take at a time.
#[derive(Clone, Debug)]
pub struct Trading {
    symbol: String,
    price: String,
    take: String,
    rest: String,
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
        let (mantissa, scale) = plain("quantity", quantity)?;
        plain("price", price)?;
        Ok(Self {
            symbol: symbol.to_owned(),
            price: price.to_owned(),
            take: quantity.to_owned(),
            rest: DecimalText::new(i128::from(mantissa) * i128::from(TAKES), scale).to_string(),
        })
    }

    /// The instrument.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// A request for a resting sell order that [`TAKES`] takes use up.
    pub fn rest(&self, id: u64) -> String {
        self.place(id, Side::Sell, &self.rest)
    }

    /// A request for a buy order that trades at once with the resting one.
    pub fn take(&self, id: u64) -> String {
        self.place(id, Side::Buy, &self.take)
    }

    /// As [`take`](Self::take), as the body of a POST by `account`.
    pub fn take_body(&self, account: &str) -> String {
        format!(
            "{{\"account\":\"{account}\",{}",
            self.order(Side::Buy, &self.take)
        )
    }

    fn place(&self, id: u64, side: Side, quantity: &str) -> String {
        format!("{{\"id\":{id},\"op\":\"place\",{}", self.order(side, quantity))
    }

    fn order(&self, side: Side, quantity: &str) -> String {
        format!(
            "\"symbol\":\"{}\",\"side\":\"{}\",\"type\":\"Limit\",\"price\":{},\
             \"quantity\":{quantity},\"time_in_force\":\"{}\"}}",
            self.symbol,
            if side == Side::Buy { "Buy" } else { "Sell" },
            self.price,
            if side == Side::Buy { "IOC" } else { "GTC" },
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
        for bad in ["", "1e3", "-1", "0.", "x"] {
            assert!(Trading::new("BTC-KRW", "1", bad).is_err(), "{bad:?} was taken");
        }
    }
}
