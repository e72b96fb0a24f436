//! What an operator reads: the start, the stop, and what changes in between.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use hoga_engine::ENGINE_VERSION;
use hoga_gateway::GatewayStats;
use hoga_gateway::auth::Keys as _;
use hoga_protocol::{DecimalText, FeeRate, Lots, Ticks};
use hoga_views::Views;

use crate::clock::ExchangeTime;
use crate::config::{Config, Durability};
use crate::cores::CorePlan;
use crate::keys::ring::Keyring;
use crate::log;
use crate::memory::Locked;
use crate::pipeline::Counters;

/// Says something to whoever reads the log. That nobody does, or that its disk is full, must not stop an exchange.
pub fn tell(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// As [`tell`], for what somebody should look at; in the log, where there is one.
pub fn warn(text: &str) {
    if log::is_on() {
        tracing::warn!(event = "warning", detail = text, "somebody should look at this");
    } else {
        let _ = writeln!(io::stderr(), "hoga: {text}");
    }
}

/// Tells why, and ends the process at once. Nobody need be reading for that.
pub fn die(why: &str) -> ! {
    if log::is_on() {
        log::tell_end(why);
    } else {
        let _ = writeln!(io::stderr(), "hoga: {why}");
    }
    std::process::abort();
}

/// An exchange that is about to open.
pub struct Opening<'a> {
    /// Where it listens.
    pub address: SocketAddr,
    /// Which agent runs on which core.
    pub plan: &'a CorePlan,
    /// What the recovery found.
    pub summary: &'a str,
    /// The version of the rules in force.
    pub rules: u32,
    /// What it shows.
    pub views: &'a Views,
    /// Whether its memory is locked.
    pub locked: &'a Locked,
    /// The registered keys, where they are asked for.
    pub keys: Option<&'a Keyring>,
    /// The exchange's time.
    pub time: &'a ExchangeTime,
}

/// What the start prints.
pub fn banner(config: &Config, opening: &Opening<'_>) -> String {
    let address = opening.address;
    let mut text = format!("hoga {} 호가\n", env!("CARGO_PKG_VERSION"));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<12} {value}");
    };
    line(
        "address",
        &format!("http://{address}/   executions: ws://{address}/ws/executions"),
    );
    line("auth", &authentication(config, opening.keys, opening.time));
    line(
        "data",
        &match config.durability {
            Durability::Memory => "none: nothing is written".to_owned(),
            _ => format!("{}  ({})", config.data_dir.display(), opening.summary),
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
    let rules = opening.rules;
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
    for (thread, agents, core) in opening.plan.describe() {
        let core = core.map_or("any core".to_owned(), |core| format!("core {core}"));
        line(
            "thread",
            &format!("{thread:<10} {agents:<20} {core:<9} idle: {idle}"),
        );
    }
    match opening.locked {
        Locked::No => {}
        Locked::All => line("memory", "locked"),
        Locked::Present => line(
            "memory",
            "locked as it is now; what is taken later is not (that needs LimitMEMLOCK=infinity)",
        ),
        Locked::Refused(_) => line("memory", "not locked"),
    }
    for (_, spec) in opening.views.instruments().iter() {
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
    let body = first_order(opening.views);
    line(
        "first order",
        &format!("curl http://{address}/api/v1/orders -H 'content-type: application/json' -d '{body}'"),
    );
    text.push_str("  ready; Ctrl-C stops");
    text
}

/// Whether those who trade must show who they are, and who can.
fn authentication(config: &Config, keys: Option<&Keyring>, time: &ExchangeTime) -> String {
    let Some(keys) = keys else {
        let whom = match config.listen.ip().to_canonical().is_loopback() {
            true => "any program on this machine",
            false => "ANYBODY who can connect (--insecure)",
        };
        return format!("off: the exchange trusts whoever reaches it; {whom} may trade as any account");
    };
    let (table, file) = (keys.table(), keys.path().display());
    let live = table.live(time.now());
    match (table.len(), live) {
        (0, _) => format!("required, and no key is registered: `hoga keys new` makes one in {file}"),
        (all, live) if all == live => format!("required: {all} keys in {file}"),
        (all, live) => format!("required: {all} keys in {file}, of which {live} are live"),
    }
}

/// A body that the first instrument accepts.
fn first_order(views: &Views) -> String {
    let Some((_, spec)) = views.instruments().iter().next() else {
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
        "hoga: stopped. commands {}, refused_busy {}, refused_no_space {}, input_ring_max {}, output_full_stalls {}, \
         output_room_waits {}",
        count(&counters.matched),
        count(&counters.refused_busy),
        count(&counters.refused_no_space),
        count(&counters.input_high_water),
        count(&counters.output_full_stalls),
        count(&counters.output_room_waits),
    );
    if let Some(stats) = stats {
        text.push_str(&format!(
            ", connections {}, executions_streamed {}, slow_consumer_closes {}",
            stats.accepted, stats.executions_streamed, stats.slow_consumer_closes
        ));
    }
    text
}
