//! `hoga admin …` and `hoga audit`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use hoga_protocol::{AccountName, Nanos, OperatorName};
use hoga_service::KeyId;
use serde_json::{Value, json};

use super::{data_dir_flag, parse_account, parse_operator};
use crate::admin_tool::{self, Key};
use crate::config::Config;
use crate::journal_dump::{self, Form, Selection, parse_kind, parse_time};
use crate::output::print;

/// Something done to a running exchange, by whom.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The exchange's address, on this machine.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3030")]
    address: String,
    /// Your name, for the journal, where requests are not signed [default: operator].
    #[arg(long, value_name = "NAME", value_parser = parse_operator, conflicts_with = "key")]
    by: Option<OperatorName>,
    /// The id of a key with the permission admin, where requests must be signed. The journal names it.
    #[arg(long, value_name = "ID", env = "HOGA_KEY", requires = "private_key", value_parser = parse_key)]
    key: Option<KeyId>,
    /// The file with that key's private half, as `hoga keys new --out` writes it.
    #[arg(long, value_name = "FILE", env = "HOGA_PRIVATE_KEY", requires = "key")]
    private_key: Option<PathBuf>,
    #[command(subcommand)]
    action: AdminAction,
}

#[derive(Debug, Subcommand)]
enum AdminAction {
    /// Add an instrument.
    DefineInstrument(Box<InstrumentArgs>),
    /// Change an instrument's fees, for every fill from now on.
    Fees {
        /// Which instrument.
        symbol: String,
        /// What the resting side pays, as a fraction; negative for a rebate.
        #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
        maker: String,
        /// What the aggressor pays, as a fraction.
        #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
        taker: String,
    },
    /// Open an instrument, or close it to all but cancels.
    InstrumentStatus {
        /// Which instrument.
        symbol: String,
        status: InstrumentStatus,
    },
    /// Suspend an account, or end its suspension.
    AccountStatus {
        /// Whose.
        #[arg(value_parser = parse_account)]
        account: AccountName,
        status: AccountStatus,
    },
    /// Limit how many orders an account may have in the books.
    AccountLimit {
        /// Whose.
        #[arg(value_parser = parse_account)]
        account: AccountName,
        /// The most, which may be more than the exchange gives every account; `none` for as many as that.
        #[arg(value_parser = parse_limit)]
        max_open_orders: Limit,
    },
    /// Cancel an account's orders.
    CancelAll {
        /// Whose.
        #[arg(value_parser = parse_account)]
        account: AccountName,
        /// Only this instrument's.
        #[arg(long)]
        symbol: Option<String>,
    },
    /// Cancel all orders of an instrument, of all accounts.
    CancelInstrument {
        /// Which instrument.
        symbol: String,
    },
    /// Change limits of the whole exchange; those that are left out stay as they are.
    #[command(group = ArgGroup::new("limit").required(true).multiple(true))]
    Limits {
        /// Most accounts; may only be raised.
        #[arg(long, value_name = "COUNT", group = "limit")]
        max_accounts: Option<u32>,
        /// Most resting orders of each account that has no limit of its own, at most a twentieth of max_open_orders.
        #[arg(long, value_name = "COUNT", group = "limit")]
        max_open_orders_per_account: Option<u32>,
        /// Client order ids of closed orders that all accounts keep together; may only be raised.
        #[arg(long, value_name = "COUNT", group = "limit")]
        client_ids_total: Option<u32>,
    },
    /// Show exchange time and the system's clock, or have exchange time leap to that.
    Clock { what: Option<ClockAction> },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClockAction {
    /// Exchange time leaps forward to the system's clock, which is right; deadlines keep what remains of them.
    Accept,
}

#[derive(Debug, Args)]
struct InstrumentArgs {
    /// Its name.
    symbol: String,
    /// The price step.
    #[arg(long, value_name = "STEP")]
    tick_size: String,
    /// The quantity step.
    #[arg(long, value_name = "STEP")]
    lot_size: String,
    /// Decimals of the unit in which money is counted, at most 18.
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    quote_decimals: u8,
    /// The smallest quantity of an order.
    #[arg(long, value_name = "QUANTITY")]
    min_quantity: String,
    /// The largest quantity of an order.
    #[arg(long, value_name = "QUANTITY")]
    max_quantity: String,
    /// The smallest price × quantity of a limit order.
    #[arg(long, value_name = "MONEY", default_value = "0")]
    min_notional: String,
    /// What the resting side pays, as a fraction; negative for a rebate.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    maker_fee: String,
    /// What the aggressor pays, as a fraction.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    taker_fee: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum InstrumentStatus {
    Open,
    CancelOnly,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum AccountStatus {
    Active,
    Suspended,
}

#[derive(Clone, Copy, Debug)]
struct Limit(Option<u32>);

fn parse_limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        number => (number.parse())
            .map(|limit| Limit(Some(limit)))
            .map_err(|_| "must be a whole number, or none".to_owned()),
    }
}

fn parse_key(text: &str) -> Result<KeyId, &'static str> {
    text.parse()
}

impl AdminArgs {
    /// Does it, and prints the exchange's answer.
    ///
    /// # Errors
    /// In words: the exchange cannot be reached, or refuses.
    pub fn run(self) -> Result<(), String> {
        let (path, mut body) = self.action.request();
        if let Some(by) = &self.by {
            body["by"] = json!(by.as_str());
        }
        let key = self.key.zip(self.private_key.as_deref());
        let key = key.map(|(id, file)| Key::read(id, file)).transpose()?;
        let path = format!("/api/v1/admin/{path}");
        let answer = admin_tool::post(&self.address, &path, &body.to_string(), key.as_ref())?;
        print(&answer)
    }
}

impl AdminAction {
    /// The path below `/api/v1/admin/`, and the body.
    fn request(&self) -> (&'static str, Value) {
        match self {
            Self::DefineInstrument(args) => {
                let body = json!({
                    "symbol": args.symbol,
                    "tick_size": args.tick_size,
                    "lot_size": args.lot_size,
                    "quote_decimals": args.quote_decimals,
                    "min_quantity": args.min_quantity,
                    "max_quantity": args.max_quantity,
                    "min_notional": args.min_notional,
                    "maker_fee": args.maker_fee,
                    "taker_fee": args.taker_fee,
                });
                ("instruments", body)
            }
            Self::Fees { symbol, maker, taker } => (
                "fees",
                json!({"symbol": symbol, "maker_fee": maker, "taker_fee": taker}),
            ),
            Self::InstrumentStatus { symbol, status } => {
                let status = format!("{status:?}");
                ("instrument_status", json!({"symbol": symbol, "status": status}))
            }
            Self::AccountStatus { account, status } => {
                let status = format!("{status:?}");
                (
                    "account_status",
                    json!({"account": account.as_str(), "status": status}),
                )
            }
            Self::AccountLimit {
                account,
                max_open_orders,
            } => (
                "account_limits",
                json!({"account": account.as_str(), "max_open_orders": max_open_orders.0}),
            ),
            Self::CancelAll { account, symbol } => (
                "cancel_all",
                json!({"account": account.as_str(), "symbol": symbol}),
            ),
            Self::CancelInstrument { symbol } => ("cancel_instrument", json!({"symbol": symbol})),
            Self::Limits {
                max_accounts,
                max_open_orders_per_account,
                client_ids_total,
            } => (
                "limits",
                json!({
                    "max_accounts": max_accounts,
                    "max_open_orders_per_account": max_open_orders_per_account,
                    "client_ids_total": client_ids_total,
                }),
            ),
            Self::Clock { what } => ("clock", json!({"accept": what.is_some()})),
        }
    }
}

/// What operators did, and what was armed.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The data folder of the exchange.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file (TOML), the one of the exchange.
    #[arg(long, value_name = "FILE", env = "HOGA_CONFIG")]
    config: Option<PathBuf>,
    /// Only what is about this account.
    #[arg(long, value_name = "NAME", value_parser = parse_account)]
    account: Option<AccountName>,
    /// Only what this operator did.
    #[arg(long, value_name = "NAME", value_parser = parse_operator)]
    by: Option<OperatorName>,
    /// Only what came at this time or later: 2023-04-30T12:35:10.123Z, 2023-04-30, or milliseconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Nanos>,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// Comma-separated values (RFC 4180) with a header.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl AuditArgs {
    /// Prints it.
    ///
    /// # Errors
    /// As [`journal_dump::dump`].
    pub fn run(self) -> Result<(), String> {
        let flags = data_dir_flag(self.data_dir.as_deref())?;
        let config = Config::load(self.config.as_deref(), std::env::vars(), flags)?;
        let kinds = ["Administer", "Arm", "Disarm"].map(parse_kind);
        let selection = Selection {
            since: self.since,
            account: self.account,
            kinds: kinds.into_iter().collect::<Result<_, _>>()?,
            by: self.by,
            ..Selection::default()
        };
        journal_dump::dump(&config.data_dir, &selection, Form::chosen(self.json, self.csv))
    }
}
