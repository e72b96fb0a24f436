//! What an operator reads: the start, the stop, and what changes in between.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hoga_engine::ENGINE_VERSION;
use hoga_gateway::GatewayStats;
use hoga_journal::Space;
use hoga_protocol::{DecimalText, FeeRate, Lots, Ticks};

use crate::config::{Config, Durability};
use crate::cores::CorePlan;
use crate::pipeline::Counters;
use crate::recovery::Recovered;

/// How often the watch looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Says something to whoever reads the log. That nobody does, or that its disk is full, must not stop an exchange.
pub fn tell(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// As [`tell`], for what somebody should look at.
pub fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "hoga: {text}");
}

/// Tells, once for each change, when the journal runs out of room and when it has room again.
///
/// # Errors
/// The system cannot start a thread.
pub fn watch(space: Arc<Space>, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    let body = move || {
        let mut told = None;
        loop {
            // Looked at first, so that the last look is behind the stop and what changed before it is told.
            let is_last = stop.load(Ordering::SeqCst);
            let failure = space.failure();
            match (&told, &failure) {
                (None, Some(reason)) => warn(&format!(
                    "the journal cannot make its next segment: {reason}. When the present one is nearly full, new \
                     orders are refused (journal_full) and cancels still taken; it goes on by itself once there is room"
                )),
                (Some(_), None) => warn("the journal has room again"),
                _ => {}
            }
            told = failure;
            if is_last {
                return;
            }
            thread::park_timeout(WATCH_EVERY);
        }
    };
    thread::Builder::new().name("hoga-watch".into()).spawn(body)
}

/// What the start prints.
pub fn banner(config: &Config, address: SocketAddr, plan: &CorePlan, recovered: &Recovered) -> String {
    let mut text = format!("hoga {} 호가\n", env!("CARGO_PKG_VERSION"));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<12} {value}");
    };
    line(
        "address",
        &format!("http://{address}/   executions: ws://{address}/ws/executions"),
    );
    line(
        "data",
        &match config.durability {
            Durability::Memory => "none: nothing is written".to_owned(),
            _ => format!("{}  ({})", config.data_dir.display(), recovered.summary),
        },
    );
    line(
        "durability",
        match config.durability {
            Durability::Fsync => "fsync: an order is acknowledged once it is on disk",
            Durability::PageCache => {
                "page-cache: an acknowledged order survives a crash of hoga, NOT of the machine"
            }
            Durability::Memory => "memory: NOTHING survives a stop; for experiments",
        },
    );
    let rules = recovered.replica.engine.rules();
    if rules < ENGINE_VERSION {
        line(
            "rules",
            &format!(
                "version {rules}; this program knows {ENGINE_VERSION}: `hoga upgrade` journals the change"
            ),
        );
    }
    if config.durability != Durability::Memory && !config.follower.enabled {
        line(
            "follower",
            "off: no snapshots, no comparison of checkpoints, no compression",
        );
    }
    let idle = format!("{:?}", config.threads.idle).to_lowercase();
    for (thread, agents, core) in plan.describe() {
        let core = core.map_or("any core".to_owned(), |core| format!("core {core}"));
        line(
            "thread",
            &format!("{thread:<10} {agents:<20} {core:<9} idle: {idle}"),
        );
    }
    for (_, spec) in recovered.replica.views.instruments().iter() {
        let (tick, lot) = (spec.price_text(Ticks(1)), spec.quantity_text(Lots(1)));
        let percent = |rate: FeeRate| DecimalText::new(i128::from(rate.0), 4);
        line(
            "instrument",
            &format!(
                "{:<10} tick {tick}, lot {lot}, maker {} %, taker {} %",
                spec.symbol().as_str(),
                percent(spec.maker_fee),
                percent(spec.taker_fee)
            ),
        );
    }
    let body = first_order(recovered);
    line(
        "first order",
        &format!("curl http://{address}/api/v1/orders -H 'content-type: application/json' -d '{body}'"),
    );
    text.push_str("  ready; Ctrl-C stops");
    text
}

/// A body that the first instrument accepts.
fn first_order(recovered: &Recovered) -> String {
    let Some((_, spec)) = recovered.replica.views.instruments().iter().next() else {
        return "{}".to_owned();
    };
    let price = if spec.symbol().as_str() == "BTC-KRW" {
        50_000
    } else {
        1_000
    };
    let price = Ticks(price);
    let mut lots = spec.min_quantity.max(Lots(1));
    let half = 10u64.pow(u32::from(spec.lot().scale)) / 2 / spec.lot().mantissa.max(1);
    if half > lots.0 && half < spec.max_quantity.0 {
        lots = Lots(half);
    }
    format!(
        r#"{{"symbol":"{}","side":"Sell","type":"Limit","price":{},"quantity":{}}}"#,
        spec.symbol(),
        spec.price_text(price),
        spec.quantity_text(lots)
    )
}

/// What the stop prints: what was done, in one line.
pub fn farewell(counters: &Counters, stats: Option<&GatewayStats>) -> String {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = format!(
        "hoga: stopped. commands {}, refused_busy {}, refused_no_space {}, input_ring_max {}, output_full_stalls {}",
        count(&counters.matched),
        count(&counters.refused_busy),
        count(&counters.refused_no_space),
        count(&counters.input_high_water),
        count(&counters.output_full_stalls),
    );
    if let Some(stats) = stats {
        text.push_str(&format!(
            ", connections {}, executions_streamed {}, slow_consumer_closes {}",
            stats.accepted, stats.executions_streamed, stats.slow_consumer_closes
        ));
    }
    text
}
