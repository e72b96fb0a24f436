//! Engine and views alone: one command after the other.

mod cases;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::*;
use hoga_views::Views;

use super::table::{Count, Table};
use super::venue::{Size, define};
use cases::{Case, changes, orders, others};

/// The most entries that one command moves within a growing table, as `HashIndex::MOST_MOVED` says.
const MOST_MOVED: u64 = 32;
/// The most bytes that the engine takes from the system for one command: a chunk of a table, and its directory.
const ENGINE_BYTES: u64 = 128 << 10;
/// The most that the views take for one event, as views/tests/memory.rs says.
const FOLD_BYTES: u64 = 1 << 20;
/// The most bytes of an image for each thing held.
const IMAGE_BYTES: u64 = 128;

struct Core {
    engine: Engine,
    views: Views,
    /// Of the last command.
    events: Vec<Event>,
}

/// What one command did.
struct Work {
    /// Of the engine, and of the views.
    times: [Duration; 2],
    engine_bytes: u64,
    fold_bytes: u64,
}

impl Core {
    fn full(size: &Size) -> Self {
        let mut core = Self {
            engine: Engine::new(),
            views: Views::new(size.views),
            events: Vec::with_capacity(1 << 16),
        };
        core.apply(&Command::Genesis(Genesis {
            engine_version: ENGINE_VERSION,
            exchange: ExchangeId(7),
            hash_key: [1, 2],
            limits: size.limits,
        }));
        for symbol in ["BTC-KRW", "ETH-KRW"] {
            core.apply(&define(symbol));
        }
        for command in size.fill().chain(size.arm_sessions()) {
            core.apply(&command);
            let body = &core.events[0].body;
            assert!(!matches!(body, EventBody::Rejected(_)), "{command:?}: {body:?}");
        }
        let open = size.limits.max_open_orders as usize - 2;
        assert_eq!(core.engine.open_orders(), open);
        core
    }

    fn apply(&mut self, command: &Command) -> Work {
        let (engine, events) = (&mut self.engine, &mut self.events);
        events.clear();
        let sequence = engine.last_sequence().next();
        let begin = Instant::now();
        let allocated = measure(|| {
            engine.apply(sequence, Nanos(1), command, &mut |event| events.push(*event));
        });
        let applied = begin.elapsed();
        let mut fold_bytes = 0;
        for event in &self.events {
            fold_bytes = fold_bytes.max(measure(|| self.views.fold(event)).bytes_total);
        }
        Work {
            times: [applied, begin.elapsed() - applied],
            engine_bytes: allocated.bytes_total,
            fold_bytes,
        }
    }

    /// Resting orders that the last command traded with or canceled.
    fn touched(&self) -> BTreeSet<OrderId> {
        let touched = self.events.iter().filter_map(|event| match &event.body {
            EventBody::Trade(trade) => Some(trade.resting.order),
            EventBody::OrderCanceled(canceled) if canceled.was_resting => Some(canceled.order),
            _ => None,
        });
        touched.collect()
    }

    /// Prices at which it traded.
    fn levels(&self) -> usize {
        let prices = self.events.iter().filter_map(|event| match &event.body {
            EventBody::Trade(trade) => Some(trade.price.0),
            _ => None,
        });
        prices.collect::<BTreeSet<_>>().len()
    }
}

/// Fills a venue, and then counts what each command does.
pub fn check(size: &Size) {
    let begin = Instant::now();
    let mut core = Core::full(size);
    let mut table = Table::begin(&format!(
        "engine and views: {} resting orders, {} accounts, {} instruments, filled in {:.1} s",
        core.engine.open_orders(),
        core.engine.accounts(),
        core.engine.instruments().count(),
        begin.elapsed().as_secs_f64()
    ));
    let touched = u64::from(size.limits.max_touched_orders);
    for case in orders(touched) {
        measured(&mut core, &mut table, touched, case);
    }
    for case in changes(&core, size) {
        measured(&mut core, &mut table, touched, case);
    }
    for case in others(&core, size) {
        measured(&mut core, &mut table, touched, case);
    }
    for _ in 0..2 {
        let previous = core.engine.last_check();
        let checkpoint = Command::Checkpoint(Checkpoint { previous });
        measured(
            &mut core,
            &mut table,
            touched,
            ("checkpoint", checkpoint, 1, "Checkpointed"),
        );
    }
    let moved = core.engine.most_moved() as u64;
    table.row("any command so far", &[], &[("entries moved", moved, MOST_MOVED)]);
    snapshot(&core, size, &mut table);
    table.end();
}

fn measured(core: &mut Core, table: &mut Table, touched: u64, (name, command, most, last): Case) {
    let work = core.apply(&command);
    let said = format!("{:?}", core.events.last().unwrap().body);
    assert!(said.starts_with(last), "{name}: {said}");
    let counts: [Count; 5] = [
        ("events", core.events.len() as u64, most),
        ("orders", core.touched().len() as u64, touched),
        ("levels", core.levels() as u64, touched),
        ("engine bytes", work.engine_bytes, ENGINE_BYTES),
        ("bytes of a fold", work.fold_bytes, FOLD_BYTES),
    ];
    table.row(name, &work.times, &counts);
}

/// A snapshot is written by the follower, off the path of orders: its bytes are in proportion to what is held.
fn snapshot(core: &Core, size: &Size, table: &mut Table) {
    let limits = &size.limits;
    // The engine has each order, each closed client order id and each arming, and so have the views.
    let of_account = limits.client_ids_per_account + Arm::PER_ACCOUNT + 1;
    let shared = limits.max_open_orders + limits.client_ids_total + Arm::MAX_SHARED;
    let both = u64::from(shared) + u64::from(limits.max_accounts) * u64::from(of_account);
    let views = size.views.executions + size.views.closed_orders + size.views.order_updates;
    let all = 2 * both + views as u64;
    let mut image = Vec::new();
    let begin = Instant::now();
    core.engine.write_image(&mut image);
    core.views.write_image(&mut image);
    table.row(
        "snapshot (follower)",
        &[begin.elapsed()],
        &[("image bytes", image.len() as u64, all * IMAGE_BYTES)],
    );
}
