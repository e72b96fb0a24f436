//! What the exchange says of itself over HTTP: its instruments, its book, its last execution.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::get;
use crate::failure::{Context, Failure, Outcome};
use crate::grid::Grid;
use crate::message::{Uuid, parse_uuid, units, write_uuid};
use crate::tally::{BookTotals, SideTotals};

/// Levels a side that one request shows at most.
const DEPTH: usize = 1_000;
/// Executions that one request shows at most.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
struct Instruments<'a> {
    #[serde(borrow)]
    instruments: Vec<Instrument<'a>>,
}

#[derive(Deserialize)]
struct Instrument<'a> {
    symbol: &'a str,
    #[serde(borrow)]
    tick_size: &'a RawValue,
    #[serde(borrow)]
    lot_size: &'a RawValue,
}

#[derive(Deserialize)]
struct Book<'a> {
    #[serde(borrow)]
    bids: Vec<Level<'a>>,
    #[serde(borrow)]
    asks: Vec<Level<'a>>,
}

#[derive(Deserialize)]
struct Level<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    volume: &'a RawValue,
    order_count: u64,
}

#[derive(Deserialize)]
struct Execution<'a> {
    exec_id: &'a str,
}

/// Checks that the exchange at `address` trades the instrument on just this grid.
///
/// # Errors
/// When it does not, and what to do.
pub fn check_instrument(address: &str, grid: &Grid) -> Outcome<()> {
    let body = get(address, "/api/v1/instruments")?;
    let all: Instruments<'_> =
        serde_json::from_str(&body).context(|| format!("not a list of instruments: {body}"))?;
    let remedy = "start a fresh exchange with the feed's instruments: `cargo run --release -- serve --config \
                  perf/feed.toml --data-dir FOLDER`, or name another by --symbol";
    let found = all
        .instruments
        .iter()
        .find(|one| one.symbol == grid.symbol.as_str());
    let Some(found) = found else {
        let symbols: Vec<&str> = all.instruments.iter().map(|one| one.symbol).collect();
        return Err(Failure::new(format!(
            "the exchange at {address} does not trade {}, only {}; {remedy}",
            grid.symbol,
            symbols.join(", ")
        )));
    };
    let (tick, lot) = (grid.price(1).to_string(), grid.quantity(1).to_string());
    let unquoted = |value: &RawValue| value.get().trim_matches('"').to_owned();
    if (unquoted(found.tick_size), unquoted(found.lot_size)) != (tick.clone(), lot.clone()) {
        return Err(Failure::new(format!(
            "{} at {address} has tick {} and lot {}, the file needs {tick} and {lot}; {remedy}",
            grid.symbol, found.tick_size, found.lot_size
        )));
    }
    Ok(())
}

/// The whole book of the instrument.
///
/// # Errors
/// When it cannot be read, or has more levels than one request shows.
pub fn book(address: &str, grid: &Grid) -> Outcome<BookTotals> {
    let body = get(
        address,
        &format!("/api/v1/orderbook/{}?depth={DEPTH}", grid.symbol),
    )?;
    let book: Book<'_> = serde_json::from_str(&body).context(|| format!("not an order book: {body}"))?;
    let mut totals = BookTotals::default();
    for (index, levels) in [&book.bids, &book.asks].into_iter().enumerate() {
        if levels.len() == DEPTH {
            return Err(Failure::new(format!(
                "the book of {} has {DEPTH} levels or more",
                grid.symbol
            )));
        }
        let mut side = SideTotals {
            levels: levels.len() as u64,
            ..SideTotals::default()
        };
        for level in levels {
            let lots = units(level.volume.get(), grid.lot);
            let lots = lots.ok_or_else(|| Failure::new(format!("a level off the lot: {}", level.volume)))?;
            side.lots += lots;
            side.orders += level.order_count;
        }
        totals.sides[index] = side;
        totals.best[index] = levels.first().map(|level| level.price.get().to_owned());
    }
    Ok(totals)
}

/// The id of the instrument's last execution, if there was any.
///
/// # Errors
/// When it cannot be read.
pub fn last_execution(address: &str, symbol: &str) -> Outcome<Option<Uuid>> {
    Ok(executions(address, &format!("{symbol}?limit=1"))?.pop())
}

/// The ids of all the instrument's executions after `last`, in order.
///
/// # Errors
/// When they cannot be read, or `last` is older than what the exchange keeps.
pub fn executions_after(address: &str, symbol: &str, mut last: Uuid) -> Outcome<Vec<Uuid>> {
    let mut all = Vec::new();
    loop {
        let mut target = format!("{symbol}?limit={PAGE}&after=");
        write_uuid(&mut target, last);
        let page = executions(address, &target)?;
        let Some(&newest) = page.last() else {
            return Ok(all);
        };
        last = newest;
        all.extend(page);
    }
}

fn executions(address: &str, target: &str) -> Outcome<Vec<Uuid>> {
    let body = get(address, &format!("/api/v1/executions/{target}"))?;
    let what = || format!("not a list of executions: {body}");
    let list: Vec<Execution<'_>> = serde_json::from_str(&body).context(what)?;
    let ids = list
        .iter()
        .map(|one| parse_uuid(one.exec_id).ok_or_else(|| Failure::new(what())));
    ids.collect()
}
