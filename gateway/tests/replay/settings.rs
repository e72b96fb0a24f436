//! What `world` says of the gateway that a session is played to.
//!
//! `auth` (with the holders of `common/guarded.rs`; of the settings below only those of the gateway hold then), `closed` (recovering
//! until `open`), `observed` (pages about the exchange, of `page_bytes=N` at least), `echo`, `loopback` (limits hold for this machine's addresses),
//! `uncompressed`; settings of the gateway, limits of the exchange and of the views by their names; `trades=N`, `resting=N` and
//! `vain=N`: so many trades, resting orders and orders canceled at once of the account `past` before; `lost`: a session of `past`
//! that was armed before.

use std::time::Duration;

use hoga_gateway::GatewayConfig;
use hoga_protocol::{AccountId, Arm, ArmCause, Command, Limits, Side, TimeInForce};
use hoga_views::ViewLimits;

use crate::common::Setup;
use crate::common::history::{opens, order, trade, vain};

/// What to start.
pub struct Settings {
    pub setup: Setup,
    pub auth: bool,
    pub observed: bool,
    /// How long a page about the exchange is at least.
    pub page_bytes: usize,
}

impl Settings {
    pub fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut settings = Self {
            setup: Setup {
                by_hand: true,
                ..Setup::default()
            },
            auth: false,
            observed: false,
            page_bytes: 0,
        };
        for word in words {
            match word.split_once('=') {
                None => settings.flag(word),
                Some((key, value)) => settings.value(key, value),
            }
        }
        settings
    }

    fn flag(&mut self, word: &str) {
        let setup = &mut self.setup;
        match word {
            "auth" => self.auth = true,
            "observed" => self.observed = true,
            "closed" => setup.open = false,
            "echo" => setup.config.test_echo = true,
            "loopback" => setup.config.limit_loopback = true,
            "uncompressed" => setup.config.compression = false,
            "lost" => {
                let (account, cause) = (AccountId(0), ArmCause::Disconnect);
                setup.before.push(Command::Arm(Arm { account, cause }));
            }
            _ => panic!("{word} is no setting"),
        }
    }

    fn value(&mut self, key: &str, value: &str) {
        let setup = &mut self.setup;
        let number = || {
            value
                .parse()
                .unwrap_or_else(|_| panic!("{key}={value} is no number"))
        };
        match key {
            "allowed_origin" => setup.config.allowed_origins.push(value.to_owned()),
            "allowed_host" => setup.config.allowed_hosts.push(value.to_owned()),
            "page_bytes" => self.page_bytes = number(),
            "trades" => {
                past(setup);
                setup.before.extend((0..number()).flat_map(|_| trade(0)));
            }
            "resting" => {
                past(setup);
                let rests = |price: usize| order(0, Side::Buy, price as i64 + 1, 1, TimeInForce::Gtc);
                setup.before.extend((0..number()).map(rests));
            }
            "vain" => {
                past(setup);
                setup.before.extend((0..number()).map(|_| vain(0)));
            }
            _ if of_gateway(&mut setup.config, key, number()) => {}
            _ if of_exchange(&mut setup.limits, key, number() as u32) => {}
            _ if of_views(&mut setup.views, key, number()) => {}
            _ => panic!("{key} is no setting"),
        }
    }
}

/// Opens the account of what was before.
fn past(setup: &mut Setup) {
    if setup.before.is_empty() {
        setup.before.push(opens(0, "past"));
    }
}

fn of_gateway(config: &mut GatewayConfig, key: &str, value: usize) -> bool {
    let millis = Duration::from_millis(value as u64);
    match key {
        "max_connections" => config.max_connections = value,
        "max_connections_per_address" => config.max_connections_per_address = value,
        "max_connections_per_account" => config.max_connections_per_account = value,
        "max_accounts_per_address" => config.max_accounts_per_address = value,
        "address_orders" => config.address_rates.orders = value as u32,
        "address_cancels" => config.address_rates.cancels = value as u32,
        "address_queries" => config.address_rates.queries = value as u32,
        "account_orders" => config.account_rates.orders = value as u32,
        "account_cancels" => config.account_rates.cancels = value as u32,
        "account_queries" => config.account_rates.queries = value as u32,
        "max_head" => config.http.max_head = value,
        "max_headers" => config.http.max_headers = value,
        "max_body" => config.http.max_body = value,
        "max_message" => config.max_message = value,
        "max_waiting_bytes" => config.max_waiting_bytes = value,
        "max_in_flight_per_session" => config.max_in_flight_per_session = value,
        "stream_frames" => config.stream_frames = value,
        "send_buffer" => config.send_buffer = value,
        "heartbeat" => config.heartbeat = millis,
        "ping_after" => config.ping_after = millis,
        "close_after" => config.close_after = millis,
        _ => return false,
    }
    true
}

fn of_exchange(limits: &mut Limits, key: &str, value: u32) -> bool {
    match key {
        "max_instruments" => limits.max_instruments = value,
        "max_accounts" => limits.max_accounts = value,
        "max_open_orders" => limits.max_open_orders = value,
        "max_open_orders_per_account" => limits.max_open_orders_per_account = value,
        "max_touched_orders" => limits.max_touched_orders = value,
        "client_ids_per_account" => limits.client_ids_per_account = value,
        "client_ids_total" => limits.client_ids_total = value,
        _ => return false,
    }
    true
}

fn of_views(views: &mut ViewLimits, key: &str, value: usize) -> bool {
    match key {
        "executions" => views.executions = value,
        "closed_orders" => views.closed_orders = value,
        "order_updates" => views.order_updates = value,
        "account_floor" => views.account_floor = value,
        _ => return false,
    }
    true
}
