//! LOBSTER message files: one hour or day of a NASDAQ book, a line per message,
//! `time,type,order id,size,price × 10,000,direction` (1 buy, -1 sell).
//!
//! Types: 1 submission, 2 partial cancellation, 3 deletion, 4 execution of a visible order, 5 execution of a hidden
//! one, 7 halt. An execution becomes an immediate order of the opposite side at its price and size: an exact
//! price-time book fills first the very order that NASDAQ filled, unless elders are missing from the file.

use std::collections::HashMap;
use std::path::Path;

use hoga_protocol::Side;

use crate::failure::{Context, Failure, Outcome};
use crate::script::{Action, OrderKey, Placing, Script};

/// One tick of the price column: a cent in units of 1/10,000 dollar.
const TICK: u32 = 100;
/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// A message file, read.
#[derive(Debug, Default)]
pub struct Hour {
    /// What it asks of an exchange.
    pub script: Script,
    /// How many messages there are of each type, 1 to 7; the first entry counts nothing.
    pub by_type: [u64; 8],
    /// Visible executions of orders never submitted in the file, which are skipped.
    pub skipped_executions: u64,
    /// Cancellations and deletions of orders never submitted in the file, which are skipped.
    pub skipped_cancels: u64,
    /// Each execution sent: the order that stands for it, and the order that NASDAQ filled.
    pub executions: Vec<(OrderKey, OrderKey)>,
}

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, or a line is not a message.
pub fn read(path: &Path) -> Outcome<Hour> {
    let what = || format!("cannot read the message file {}", path.display());
    if std::fs::metadata(path).context(what)?.len() > MAX_BYTES {
        return Err(Failure::new(format!("{}: larger than 1 GiB", path.display())));
    }
    parse(&std::fs::read_to_string(path).context(what)?).context(|| path.display().to_string())
}

fn parse(text: &str) -> Outcome<Hour> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        reader
            .message(line)
            .context(|| format!("line {}: {line:?}", index + 1))?;
    }
    Ok(reader.hour)
}

#[derive(Default)]
struct Reader {
    hour: Hour,
    keys: HashMap<u64, OrderKey>,
}

impl Reader {
    fn message(&mut self, line: &str) -> Outcome<()> {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let &[_time, kind, id, size, price, direction] = fields.as_slice() else {
            return Err(Failure::new(format!("{} columns instead of 6", fields.len())));
        };
        let kind = number(kind, "type")?;
        if !matches!(kind, 1..=5 | 7) {
            return Err(Failure::new(format!("type {kind} is not 1 to 5 or 7")));
        }
        self.hour.by_type[kind as usize] += 1;
        if matches!(kind, 5 | 7) {
            return Ok(());
        }
        let id = number(id, "order id")?;
        let size = u32::try_from(number(size, "size")?).context(|| "size".to_owned())?;
        let price = ticks(number(price, "price")?)?;
        let side = match direction {
            "1" => Side::Buy,
            "-1" => Side::Sell,
            other => return Err(Failure::new(format!("direction {other:?} is neither 1 nor -1"))),
        };
        self.act(kind, id, size, price, side)
    }

    fn act(&mut self, kind: u64, id: u64, size: u32, price: u32, side: Side) -> Outcome<()> {
        let known = self.keys.get(&id).copied();
        let action = match (kind, known) {
            (1, Some(_)) => return Err(Failure::new(format!("order {id} is submitted twice"))),
            (1, None) => {
                let action = self.place(side, price, size, false);
                self.keys.insert(id, self.hour.script.orders);
                action
            }
            (2, Some(order)) => Action::Reduce {
                order,
                by: size,
                remaining: None,
            },
            (3, Some(order)) => Action::Cancel(order),
            (4, Some(target)) => {
                let action = self.place(side.opposite(), price, size, true);
                self.hour.executions.push((self.hour.script.orders, target));
                action
            }
            (4, None) => {
                self.hour.skipped_executions += 1;
                return Ok(());
            }
            _ => {
                self.hour.skipped_cancels += 1;
                return Ok(());
            }
        };
        self.hour.script.actions.push(action);
        Ok(())
    }

    fn place(&mut self, side: Side, price: u32, quantity: u32, immediate: bool) -> Action {
        self.hour.script.orders += 1;
        Action::Place(Placing {
            order: self.hour.script.orders,
            side,
            price,
            quantity,
            immediate,
        })
    }
}

fn number(text: &str, column: &str) -> Outcome<u64> {
    text.parse().context(|| format!("the {column} {text:?}"))
}

fn ticks(price: u64) -> Outcome<u32> {
    if !price.is_multiple_of(u64::from(TICK)) {
        return Err(Failure::new(format!(
            "the price {price} is not a whole number of cents"
        )));
    }
    u32::try_from(price / u64::from(TICK)).context(|| "the price".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_sent_as_the_opposite_side_and_unknown_orders_are_counted() {
        let hour = parse(
            "34200.01,1,900,18,5853300,1\n34200.02,4,900,5,5853300,1\n34200.03,2,900,3,5853300,1\n\
             34200.04,3,900,10,5853300,1\n34200.05,4,77,1,5853300,-1\n34200.06,3,78,1,5853300,-1\n\
             34200.07,2,79,1,5853300,-1\n34200.08,5,0,1,5853350,-1\n34200.09,7,0,0,-1,-1\r\n",
        )
        .expect("a well-formed file");
        assert_eq!(hour.by_type, [0, 1, 2, 2, 2, 1, 0, 1]);
        assert_eq!((hour.skipped_executions, hour.skipped_cancels), (1, 2));
        assert_eq!(hour.executions, [(2, 1)]);
        let placing = |order, side, quantity, immediate| {
            Action::Place(Placing {
                order,
                side,
                price: 58_533,
                quantity,
                immediate,
            })
        };
        let reduce = Action::Reduce {
            order: 1,
            by: 3,
            remaining: None,
        };
        assert_eq!(
            hour.script.actions,
            [
                placing(1, Side::Buy, 18, false),
                placing(2, Side::Sell, 5, true),
                reduce,
                Action::Cancel(1),
            ]
        );
    }

    #[test]
    fn a_line_that_is_not_a_message_is_refused_with_its_number() {
        let cases = [
            ("1,1,1,1,100", "5 columns"),
            ("1,6,1,1,100,1", "type 6"),
            ("1,1,1,1,150,1", "whole number of cents"),
            ("1,1,1,1,100,0", "direction"),
            ("1,1,1,-1,100,1", "the size \"-1\""),
            ("1,1,1,1,100,1\n2,1,1,1,100,1", "line 2"),
        ];
        for (text, want) in cases {
            let error = parse(text).expect_err(want).to_string();
            assert!(error.contains(want), "{error:?} does not say {want:?}");
        }
    }
}
