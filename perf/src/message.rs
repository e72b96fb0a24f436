//! What is said to and heard from the exchange while a flow is fed to it.

use std::borrow::Cow;
use std::fmt::Write as _;

use hoga_protocol::{Scaled, Side};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::{Context, Failure, Outcome};
use crate::grid::Grid;
use crate::script::Intent;

/// An order's or execution's UUID as a number: it compares as its text does.
pub type Uuid = u128;

/// Reads a UUID's text.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    let dashes = [8, 13, 18, 23];
    if bytes.len() != 36 || dashes.iter().any(|&at| bytes[at] != b'-') {
        return None;
    }
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if !dashes.contains(&at) {
            value = value << 4 | u128::from((byte as char).to_digit(16)?);
        }
    }
    Some(value)
}

/// Appends a UUID's text.
pub fn write_uuid(out: &mut String, uuid: Uuid) {
    let part = |shift: u32, bits: u32| (uuid >> shift) & ((1 << bits) - 1);
    let _ = write!(
        out,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 32),
        part(80, 16),
        part(64, 16),
        part(48, 16),
        part(0, 48)
    );
}

/// Writes the request `id` for `intent` about the order `uuid` (unused when it is a new one) into `out`.
pub fn write_request(out: &mut String, id: u64, intent: Intent, uuid: Uuid, grid: &Grid) {
    out.clear();
    let _ = write!(out, "{{\"id\":{id},\"op\":");
    let named = |out: &mut String, op: &str| {
        let _ = write!(out, "\"{op}\",\"order_id\":\"");
        write_uuid(out, uuid);
        out.push('"');
    };
    match intent {
        Intent::Place(placing) => {
            let side = if placing.side == Side::Buy { "Buy" } else { "Sell" };
            let _ = write!(
                out,
                "\"place\",\"symbol\":\"{}\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{},\"quantity\":{},\
                 \"time_in_force\":\"{}\"",
                grid.symbol,
                grid.price(u64::from(placing.price)),
                grid.quantity(u64::from(placing.quantity)),
                if placing.immediate { "IOC" } else { "GTC" },
            );
        }
        Intent::Cancel(_) => named(out, "cancel"),
        Intent::Resize { total, .. } => {
            named(out, "replace");
            let _ = write!(out, ",\"quantity\":{}", grid.quantity(u64::from(total)));
        }
        Intent::Reprice { price, .. } => {
            named(out, "replace");
            let _ = write!(out, ",\"price\":{}", grid.price(u64::from(price)));
        }
    }
    out.push('}');
}

/// Whether a message of the order socket is an order update rather than a reply.
pub fn is_update(text: &str) -> bool {
    text.starts_with("{\"type\":")
}

/// A reply on the order socket.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// The request's id.
    pub id: u64,
    /// The order, or why there is none.
    pub result: Result<Uuid, Refusal>,
}

/// Why the exchange did not do what was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: String,
    /// For a person.
    pub message: String,
}

#[derive(Deserialize)]
struct RawReply<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    order: Option<RawOrder<'a>>,
    #[serde(borrow)]
    error: Option<RawError<'a>>,
}

#[derive(Deserialize)]
struct RawOrder<'a> {
    order_id: &'a str,
}

#[derive(Deserialize)]
struct RawError<'a> {
    code: &'a str,
    /// May hold what must be escaped.
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// Reads replies.
pub struct ReplyReader;

impl ReplyReader {
    /// A reader.
    pub fn new() -> Self {
        Self
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// When it is not one, or an error that names no request.
    pub fn read(&mut self, text: &str) -> Outcome<Reply> {
        let what = || format!("not a reply: {text}");
        let raw: RawReply<'_> = serde_json::from_str(text).context(what)?;
        let result = match (raw.order, raw.error) {
            (Some(order), None) => Ok(parse_uuid(order.order_id).ok_or_else(|| Failure::new(what()))?),
            (None, Some(error)) => Err(Refusal {
                code: error.code.to_owned(),
                message: error.message.into_owned(),
            }),
            _ => return Err(Failure::new(what())),
        };
        let id = raw.id.ok_or_else(|| Failure::new(what()))?;
        Ok(Reply { id, result })
    }
}

/// One side of a trade, as the founding stream tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Its id, greater than any earlier one.
    pub execution: Uuid,
    /// Whose.
    pub order: Uuid,
    /// In ticks.
    pub price: u64,
    /// In lots.
    pub quantity: u64,
}

#[derive(Deserialize)]
struct RawFill<'a> {
    exec_id: &'a str,
    order_id: &'a str,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    quantity: &'a RawValue,
}

/// Reads an execution. Its numbers are taken by their digits: through a float a price could change.
///
/// # Errors
/// When it is not one, or a number is off the instrument's grid.
pub fn parse_fill(text: &str, grid: &Grid) -> Outcome<Fill> {
    let what = || format!("not an execution of {}: {text}", grid.symbol);
    let raw: RawFill<'_> = serde_json::from_str(text).context(what)?;
    let read = || {
        Some(Fill {
            execution: parse_uuid(raw.exec_id)?,
            order: parse_uuid(raw.order_id)?,
            price: units(raw.price.get(), grid.tick)?,
            quantity: units(raw.quantity.get(), grid.lot)?,
        })
    };
    read().ok_or_else(|| Failure::new(what()))
}

/// How many of `step` the decimal `text` is; `None` off the grid or where it is no plain decimal.
pub fn units(text: &str, step: Scaled) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > usize::from(step.scale) {
        return None;
    }
    let scaled = format!("{whole}{fraction:0<width$}", width = usize::from(step.scale));
    let value: u64 = scaled.parse().ok()?;
    (value.is_multiple_of(step.mantissa)).then(|| value / step.mantissa)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;
    use crate::script::Placing;

    const ID: &str = "00000000-000a-8000-8000-0000deadbeef";

    fn grid() -> Grid {
        Grid::new(Format::Lobster, None).expect("a grid")
    }

    #[test]
    fn a_uuid_does_not_change_on_its_way_through_a_number() {
        let mut text = String::new();
        write_uuid(&mut text, parse_uuid(ID).expect("a UUID"));
        assert_eq!(text, ID);
        for bad in [
            "",
            "00000000-000a-8000-8000-0000deadbee",
            &ID.replace('-', "_"),
            &ID.replace('d', "g"),
        ] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_price_is_written_and_read_without_a_float() {
        let step = |mantissa, scale| Scaled { mantissa, scale };
        let cases = [
            ("585.69", step(1, 2), Some(58_569)),
            ("585.7", step(1, 2), Some(58_570)),
            ("585", step(1, 2), Some(58_500)),
            ("585.690", step(1, 2), Some(58_569)),
            ("585.691", step(1, 2), None),
            ("50000000", step(1_000, 0), Some(50_000)),
            ("50000500", step(1_000, 0), None),
            ("1e3", step(1, 0), None),
            ("-1", step(1, 0), None),
            (".5", step(1, 1), None),
            ("", step(1, 0), None),
        ];
        for (text, step, want) in cases {
            assert_eq!(units(text, step), want, "{text} by {step:?}");
        }
    }

    #[test]
    fn each_request_names_its_order_and_only_what_changes() {
        let place = Intent::Place(Placing {
            order: 1,
            side: Side::Sell,
            price: 58_570,
            quantity: 18,
            immediate: true,
        });
        let resize = Intent::Resize {
            order: 1,
            total: 5,
            or_cancel: false,
        };
        let cases = [
            (
                place,
                "{\"id\":7,\"op\":\"place\",\"symbol\":\"AAPL\",\"side\":\"Sell\",\"type\":\"Limit\",\
                 \"price\":585.7,\"quantity\":18,\"time_in_force\":\"IOC\"}"
                    .to_owned(),
            ),
            (
                Intent::Cancel(1),
                format!("{{\"id\":7,\"op\":\"cancel\",\"order_id\":\"{ID}\"}}"),
            ),
            (
                resize,
                format!("{{\"id\":7,\"op\":\"replace\",\"order_id\":\"{ID}\",\"quantity\":5}}"),
            ),
            (
                Intent::Reprice { order: 1, price: 7 },
                format!("{{\"id\":7,\"op\":\"replace\",\"order_id\":\"{ID}\",\"price\":0.07}}"),
            ),
        ];
        let mut out = String::new();
        for (intent, want) in cases {
            write_request(&mut out, 7, intent, parse_uuid(ID).expect("a UUID"), &grid());
            assert_eq!(out, want);
        }
    }

    #[test]
    fn a_refusal_is_not_taken_for_an_order() {
        let mut reader = ReplyReader::new();
        let order = format!(
            "{{\"id\":7,\"order\":{{\"order_id\":\"{ID}\",\"client_order_id\":null,\"price\":585.7,\"fee\":-0.1,\
             \"status\":\"New\"}}}}"
        );
        let reply = reader.read(&order).expect("a reply");
        assert_eq!((reply.id, reply.result), (7, Ok(parse_uuid(ID).expect("a UUID"))));
        let reply = reader
            .read("{\"id\":8,\"error\":{\"code\":\"too_late\",\"message\":\"say \\\"no\\\"\"}}")
            .expect("a reply");
        let refusal = reply.result.expect_err("a refusal");
        assert_eq!(
            (reply.id, refusal.code.as_str(), refusal.message.as_str()),
            (8, "too_late", "say \"no\"")
        );
        for bad in [
            "{\"id\":7}",
            "{\"id\":null,\"error\":{\"code\":\"x\",\"message\":\"y\"}}",
            "[]",
            "{",
        ] {
            assert!(reader.read(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn an_execution_off_the_grid_is_refused() {
        let text = |price: &str| {
            format!(
                "{{\"exec_id\":\"{ID}\",\"order_id\":\"{ID}\",\"symbol\":\"AAPL\",\"side\":\"Buy\",\"price\":{price},\
                 \"quantity\":18,\"fee\":0.05,\"transaction_time\":\"2023-04-30T12:35:10.123Z\"}}"
            )
        };
        let fill = parse_fill(&text("585.69"), &grid()).expect("an execution");
        assert_eq!((fill.price, fill.quantity), (58_569, 18));
        assert!(parse_fill(&text("585.695"), &grid()).is_err());
        assert!(parse_fill("{}", &grid()).is_err());
    }
}
