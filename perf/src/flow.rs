//! The binary flow format: a 64-byte header, then 32-byte records, little endian.
//!
//! | bytes | header | | bytes | record |
//! |---|---|---|---|---|
//! | 8 | `PBCMD001` | | 1 | 1 limit, 2 immediate, 3 cancel, 4 reduce, 5 move |
//! | 8 | records | | 1 | side: 0 bid, 1 ask |
//! | 8 | of them, the first so many build the book | | 2 | symbol, 0 |
//! | 8 | seed | | 4 | quantity |
//! | 32 | zeros | | 8 | order id, dense from 1 |
//! | | | | 4 | price |
//! | | | | 4 | account |
//! | | | | 8 | what remains of the order before |

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use hoga_protocol::Side;

use crate::failure::{Context, Failure, Outcome};
use crate::script::{Action, Placing, Script};

const MAGIC: &[u8; 8] = b"PBCMD001";
const HEADER: usize = 64;
const RECORD: usize = 32;
/// The most records that are read: 2 GiB of file.
const MAX_RECORDS: u64 = (2 << 30) / RECORD as u64;

/// Reads a whole file.
///
/// # Errors
/// When it cannot be read, is not of this format, or a record is not one that the format allows.
pub fn read(path: &Path) -> Outcome<Script> {
    let file = File::open(path).context(|| format!("cannot open the flow file {}", path.display()))?;
    parse(BufReader::with_capacity(1 << 20, file)).context(|| path.display().to_string())
}

fn parse(mut input: impl Read) -> Outcome<Script> {
    let mut header = [0; HEADER];
    input
        .read_exact(&mut header)
        .context(|| "the file is shorter than a flow's header of 64 bytes".to_owned())?;
    if &header[..8] != MAGIC {
        return Err(Failure::new(
            "not a flow file: it does not begin with PBCMD001 (make one with the flow generator)",
        ));
    }
    let (total, fill) = (u64_at(&header, 8), u64_at(&header, 16));
    if total > MAX_RECORDS || fill > total {
        return Err(Failure::new(format!(
            "the header counts {total} records, {fill} of them to build the book; at most {MAX_RECORDS} are read"
        )));
    }
    let mut script = Script {
        actions: Vec::with_capacity(total as usize),
        fill: fill as usize,
        orders: 0,
    };
    let mut record = [0; RECORD];
    for number in 0..total {
        input
            .read_exact(&mut record)
            .context(|| format!("the file ends in record {number} of {total}"))?;
        let action = decode(&record, &mut script.orders).context(|| format!("record {number} of {total}"))?;
        script.actions.push(action);
    }
    match input.read(&mut [0]) {
        Ok(0) => Ok(script),
        _ => Err(Failure::new(format!("bytes follow the last of {total} records"))),
    }
}

fn decode(record: &[u8; RECORD], orders: &mut u32) -> Outcome<Action> {
    let (quantity, id, price) = (u32_at(record, 4), u64_at(record, 8), u32_at(record, 16));
    if !matches!(record[0], 1..=5) {
        return Err(Failure::new(format!("operation {} is not 1 to 5", record[0])));
    }
    let side = match record[1] {
        0 => Side::Buy,
        1 => Side::Sell,
        other => return Err(Failure::new(format!("side {other} is neither 0 nor 1"))),
    };
    if matches!(record[0], 1 | 2) {
        if id != u64::from(*orders) + 1 {
            return Err(Failure::new(format!("order id {id} does not follow {orders}")));
        }
        *orders += 1;
    } else if id == 0 || id > u64::from(*orders) {
        return Err(Failure::new(format!("order {id} was never placed")));
    }
    let order = id as u32;
    Ok(match record[0] {
        1 | 2 => Action::Place(Placing {
            order,
            side,
            price,
            quantity,
            immediate: record[0] == 2,
        }),
        3 => Action::Cancel(order),
        4 => Action::Reduce {
            order,
            by: quantity,
            remaining: Some(u64_at(record, 24) as u32),
        },
        _ => Action::Move { order, price },
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record by its fields: operation, side, quantity, order, price, remaining before.
    pub(crate) type Row = (u8, u8, u32, u64, u32, u64);

    /// The bytes of a file with these rows, the first `fill` of which build the book.
    pub(crate) fn file(fill: u64, rows: &[Row]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((rows.len() as u64).to_le_bytes());
        bytes.extend(fill.to_le_bytes());
        bytes.resize(HEADER, 0);
        for &(op, side, quantity, id, price, remaining) in rows {
            bytes.extend([op, side, 0, 0]);
            bytes.extend(quantity.to_le_bytes());
            bytes.extend(id.to_le_bytes());
            bytes.extend(price.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(remaining.to_le_bytes());
        }
        bytes
    }

    /// The script of such a file.
    pub(crate) fn script(fill: u64, rows: &[Row]) -> Script {
        parse(file(fill, rows).as_slice()).expect("a well-formed file")
    }

    #[test]
    fn each_operation_is_read_with_its_own_fields() {
        let rows = [
            (1, 0, 7, 1, 100, 0),
            (2, 1, 3, 2, 90, 0),
            (4, 0, 2, 1, 100, 7),
            (5, 0, 5, 1, 101, 5),
            (3, 0, 0, 1, 101, 5),
        ];
        let script = script(1, &rows);
        let placing = |order, side, price, quantity, immediate| {
            Action::Place(Placing {
                order,
                side,
                price,
                quantity,
                immediate,
            })
        };
        assert_eq!((script.fill, script.orders), (1, 2));
        assert_eq!(
            script.actions,
            [
                placing(1, Side::Buy, 100, 7, false),
                placing(2, Side::Sell, 90, 3, true),
                Action::Reduce {
                    order: 1,
                    by: 2,
                    remaining: Some(7)
                },
                Action::Move { order: 1, price: 101 },
                Action::Cancel(1),
            ]
        );
    }

    #[test]
    fn a_damaged_file_is_told_and_not_half_read() {
        let whole = file(0, &[(1, 0, 7, 1, 100, 0)]);
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            bytes
        };
        let longer = [whole.as_slice(), &[0]].concat();
        let cases = [
            (whole[..40].to_vec(), "shorter than a flow's header"),
            (with(0, b'X'), "not a flow file"),
            (with(16, 2), "2 of them to build the book"),
            (whole[..whole.len() - 1].to_vec(), "ends in record 0 of 1"),
            (longer, "bytes follow"),
            (with(HEADER, 0), "operation 0"),
            (with(HEADER + 1, 2), "side 2"),
            (with(HEADER + 8, 2), "does not follow"),
            (with(HEADER, 3), "never placed"),
        ];
        for (bytes, want) in cases {
            let error = parse(bytes.as_slice()).expect_err(want).to_string();
            assert!(error.contains(want), "{error:?} does not say {want:?}");
        }
    }
}
