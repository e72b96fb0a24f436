//! One order in flight at a time, so this is the walk itself and no queue before it: back to back, and one per period, which
//! finds everything asleep. A bare echo takes its turns in the same run.

use std::time::{Duration, Instant};

use super::echo::EchoClient;
use super::lone::LoneTrader;
use crate::cli::WireArgs;
use crate::failure::Outcome;
use crate::progress::{Stop, bar};
use crate::recording::Recording;
use crate::results::Measured;

/// Pairs of rounds, the echo's and the exchange's, that the orders back to back are split into.
const PAIRS: u32 = 10;
/// More than an order takes, for the length of intervals.
const GENEROUS: Duration = Duration::from_micros(300);

/// What one order, and one echo, took.
struct Three {
    echo: Recording,
    execution: Recording,
    reply: Recording,
    begin: Instant,
}

impl Three {
    fn new(most: Duration) -> Self {
        Self {
            echo: Recording::new(most),
            execution: Recording::new(most),
            reply: Recording::new(most),
            begin: Instant::now(),
        }
    }

    fn echo(&mut self, echo: &mut EchoClient) -> Outcome<()> {
        let took = echo.turn()?;
        self.echo.add(self.begin.elapsed(), took);
        Ok(())
    }

    fn trade(&mut self, trader: &mut LoneTrader) -> Outcome<()> {
        let times = trader.trade()?;
        let at = self.begin.elapsed();
        self.execution.add(at, times.execution);
        self.reply.add(at, times.reply);
        Ok(())
    }

    fn row(self, name: String) -> Measured {
        let mut row = Measured::new(name, self.execution);
        row.beside.push(("reply", self.reply));
        row.beside.push(("echo", self.echo));
        row
    }
}

/// Orders that follow each other at once.
///
/// # Errors
/// When the exchange or the echo answers out of place or is silent.
pub fn back_to_back(
    args: &WireArgs,
    name: String,
    trader: &mut LoneTrader,
    echo: &mut EchoClient,
    stop: &Stop,
) -> Outcome<Measured> {
    for _ in 0..args.warm_up {
        trader.trade()?;
        echo.turn()?;
    }
    let mut three = Three::new(GENEROUS * args.orders);
    let progress = bar(u64::from(args.orders), "back to back");
    for pair in 0..PAIRS {
        if stop.is_set() {
            break;
        }
        let orders = args.orders / PAIRS + u32::from(pair < args.orders % PAIRS);
        for half in 0..2 {
            // Who goes first alternates, so that a drift of the machine favours neither.
            for _ in 0..orders {
                match (pair + half) % 2 {
                    0 => three.echo(echo)?,
                    _ => three.trade(trader)?,
                }
            }
        }
        progress.inc(u64::from(orders));
    }
    progress.finish_and_clear();
    Ok(three.row(name))
}

/// One order each period, and one echo halfway between.
///
/// # Errors
/// As [`back_to_back`].
pub fn paced(
    args: &WireArgs,
    name: String,
    trader: &mut LoneTrader,
    echo: &mut EchoClient,
    stop: &Stop,
) -> Outcome<Measured> {
    let mut three = Three::new(args.every * args.paced);
    let progress = bar(u64::from(args.paced), "paced");
    let begin = Instant::now();
    let sleep_until = |due: Duration| std::thread::sleep(due.saturating_sub(begin.elapsed()));
    for number in 0..args.paced {
        if stop.is_set() {
            break;
        }
        sleep_until(args.every * number);
        three.trade(trader)?;
        sleep_until(args.every * number + args.every / 2);
        three.echo(echo)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(three.row(name))
}
