//! What an operator asks for.

use hoga_protocol::{
    AccountStatus, AsciiText, FeeRate, InstrumentSpec, InstrumentStatus, Lots, MAX_OPEN_ORDERS, Notional,
    OperatorName, Scaled,
};
use hoga_service::decimal::parse_on_grid;
use hoga_service::{AdminRequest, LimitsChange};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::codes;
use crate::codec::error::{ApiError, excerpt, excerpt_json};

/// The paths below `/api/v1/admin/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminPath {
    /// `instruments`
    Instruments,
    /// `fees`
    Fees,
    /// `instrument_status`
    InstrumentStatus,
    /// `account_status`
    AccountStatus,
    /// `account_limits`
    AccountLimits,
    /// `cancel_all`
    CancelAll,
    /// `cancel_instrument`
    CancelInstrument,
    /// `limits`
    Limits,
    /// `clock`
    Clock,
}

impl AdminPath {
    /// The path that ends in `name`.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "instruments" => Self::Instruments,
            "fees" => Self::Fees,
            "instrument_status" => Self::InstrumentStatus,
            "account_status" => Self::AccountStatus,
            "account_limits" => Self::AccountLimits,
            "cancel_all" => Self::CancelAll,
            "cancel_instrument" => Self::CancelInstrument,
            "limits" => Self::Limits,
            "clock" => Self::Clock,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Define<'a> {
    by: Option<String>,
    symbol: String,
    #[serde(borrow)]
    tick_size: &'a RawValue,
    lot_size: &'a RawValue,
    quote_decimals: u8,
    min_quantity: &'a RawValue,
    max_quantity: &'a RawValue,
    min_notional: &'a RawValue,
    maker_fee: &'a RawValue,
    taker_fee: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees<'a> {
    by: Option<String>,
    symbol: String,
    #[serde(borrow)]
    maker_fee: &'a RawValue,
    taker_fee: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfInstrument {
    by: Option<String>,
    symbol: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfAccount {
    by: Option<String>,
    account: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits<'a> {
    by: Option<String>,
    account: String,
    /// Raw, since null is a value of it and may not be left out by mistake.
    #[serde(borrow)]
    max_open_orders: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    by: Option<String>,
    account: String,
    symbol: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelOfInstrument {
    by: Option<String>,
    symbol: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfExchange {
    by: Option<String>,
    max_accounts: Option<u32>,
    max_open_orders_per_account: Option<u32>,
    client_ids_total: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    by: Option<String>,
    #[serde(default)]
    accept: bool,
}

/// Reads the JSON body of a request to `path`, with the name of who does it, if that was said.
///
/// # Errors
/// [`ApiError`] naming the field, and what is wrong with it.
pub fn parse_admin(path: AdminPath, body: &[u8]) -> Result<(Option<OperatorName>, AdminRequest), ApiError> {
    let (by, request) = match path {
        AdminPath::Instruments => {
            let body: Define<'_> = read(body)?;
            (body.by.clone(), AdminRequest::DefineInstrument(spec(&body)?))
        }
        AdminPath::Fees => {
            let body: Fees<'_> = read(body)?;
            let (maker, taker) = (
                rate("maker_fee", body.maker_fee)?,
                rate("taker_fee", body.taker_fee)?,
            );
            let symbol = text("symbol", &body.symbol)?;
            (body.by, AdminRequest::SetFees { symbol, maker, taker })
        }
        AdminPath::InstrumentStatus => {
            let body: OfInstrument = read(body)?;
            let symbol = text("symbol", &body.symbol)?;
            let status = match body.status.as_str() {
                "Open" => InstrumentStatus::Open,
                "CancelOnly" => InstrumentStatus::CancelOnly,
                other => return Err(no_status("Open or CancelOnly", other)),
            };
            (body.by, AdminRequest::SetInstrumentStatus { symbol, status })
        }
        AdminPath::AccountStatus => {
            let body: OfAccount = read(body)?;
            let account = text("account", &body.account)?;
            let status = match body.status.as_str() {
                "Active" => AccountStatus::Active,
                "Suspended" => AccountStatus::Suspended,
                other => return Err(no_status("Active or Suspended", other)),
            };
            (body.by, AdminRequest::SetAccountStatus { account, status })
        }
        AdminPath::AccountLimits => {
            let body: Limits<'_> = read(body)?;
            let account = text("account", &body.account)?;
            let max_open_orders = match body.max_open_orders.get() {
                "null" => u32::MAX,
                number => {
                    let limit = number.parse().ok().filter(|limit| *limit <= MAX_OPEN_ORDERS);
                    limit.ok_or_else(|| {
                        let why = format!(
                            "must be a whole number of at most {MAX_OPEN_ORDERS}, or null for the limit that the exchange \
                             gives every account, not {}",
                            excerpt_json(number)
                        );
                        invalid("max_open_orders", &why)
                    })?
                }
            };
            let request = AdminRequest::SetAccountLimits {
                account,
                max_open_orders,
            };
            (body.by, request)
        }
        AdminPath::CancelAll => {
            let body: Cancel = read(body)?;
            let account = text("account", &body.account)?;
            let symbol = body.symbol.map(|symbol| text("symbol", &symbol)).transpose()?;
            (body.by, AdminRequest::CancelAll { account, symbol })
        }
        AdminPath::CancelInstrument => {
            let body: CancelOfInstrument = read(body)?;
            let symbol = text("symbol", &body.symbol)?;
            (body.by, AdminRequest::CancelInstrument { symbol })
        }
        AdminPath::Limits => {
            let body: OfExchange = read(body)?;
            let change = LimitsChange {
                max_accounts: body.max_accounts,
                max_open_orders_per_account: body.max_open_orders_per_account,
                client_ids_total: body.client_ids_total,
            };
            let all = [
                change.max_accounts,
                change.max_open_orders_per_account,
                change.client_ids_total,
            ];
            if all.iter().all(Option::is_none) {
                let message =
                    "one of max_accounts, max_open_orders_per_account and client_ids_total must be there";
                return Err(ApiError::new(codes::INVALID_FIELD, message));
            }
            (body.by, AdminRequest::SetLimits(change))
        }
        AdminPath::Clock => {
            let body: Clock = read(body)?;
            let request = if body.accept {
                AdminRequest::AcceptClock
            } else {
                AdminRequest::ShowClock
            };
            (body.by, request)
        }
    };
    let by = by.map(|by| text("by", &by)).transpose()?;
    Ok((by, request))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() {
            codes::INVALID_FIELD
        } else {
            codes::INVALID_JSON
        };
        let why = shortened(&error);
        ApiError::new(code, format!("the body is not what this path takes: {why}"))
    })
}

/// Names of fields and values come from the client, and are quoted only so far.
fn shortened(error: &serde_json::Error) -> String {
    const MOST: usize = 200;
    let why = error.to_string();
    match why.char_indices().nth(MOST) {
        Some((at, _)) => format!(
            "{}… at line {} column {}",
            &why[..at],
            error.line(),
            error.column()
        ),
        None => why,
    }
}

fn spec(body: &Define<'_>) -> Result<InstrumentSpec, ApiError> {
    let quote_scale = body.quote_decimals;
    if quote_scale > Scaled::MAX_SCALE {
        return Err(invalid("quote_decimals", "must be at most 18"));
    }
    let lot = step("lot_size", body.lot_size)?;
    let unit = |scale| Scaled { mantissa: 1, scale };
    let lots = |name, value| on_grid(name, value, lot).map(Lots);
    InstrumentSpec::new(
        text("symbol", &body.symbol)?,
        step("tick_size", body.tick_size)?,
        lot,
        quote_scale,
        lots("min_quantity", body.min_quantity)?,
        lots("max_quantity", body.max_quantity)?,
        Notional(on_grid("min_notional", body.min_notional, unit(quote_scale))?.into()),
        rate("maker_fee", body.maker_fee)?,
        rate("taker_fee", body.taker_fee)?,
    )
    .map_err(|error| ApiError::new(codes::INVALID_FIELD, error.to_string()))
}

/// A number's digits: as they are, or in quotes.
fn digits(raw: &RawValue) -> &str {
    let text = raw.get();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

/// A step of a grid, greater than zero.
fn step(name: &str, raw: &RawValue) -> Result<Scaled, ApiError> {
    let decimals = digits(raw)
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let scale = u8::try_from(decimals).unwrap_or(u8::MAX);
    let wrong = "must be a number greater than zero, with at most 18 decimals and no exponent";
    if scale > Scaled::MAX_SCALE {
        return Err(invalid(name, wrong));
    }
    match parse_on_grid(digits(raw), Scaled { mantissa: 1, scale }) {
        Ok(mantissa) if mantissa > 0 => Ok(Scaled { mantissa, scale }),
        _ => Err(invalid(name, wrong)),
    }
}

fn on_grid(name: &str, raw: &RawValue, step: Scaled) -> Result<u64, ApiError> {
    parse_on_grid(digits(raw), step)
        .map_err(|error| invalid(name, &format!("{} {error}", excerpt_json(raw.get()))))
}

/// A fee rate: a fraction of at most six decimals, negative for a rebate.
fn rate(name: &str, raw: &RawValue) -> Result<FeeRate, ApiError> {
    let text = digits(raw);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let parts = parse_on_grid(
        text,
        Scaled {
            mantissa: 1,
            scale: 6,
        },
    );
    let parts = parts
        .ok()
        .and_then(|parts| i32::try_from(parts).ok())
        .filter(|parts| *parts <= FeeRate::MAX.0);
    parts.map(|parts| FeeRate(sign * parts)).ok_or_else(|| {
        let why = "must be a fraction of at most 6 decimals, such as 0.0005";
        invalid(name, &format!("{why}, not {}", excerpt_json(raw.get())))
    })
}

fn text<const N: usize, const KIND: u8>(name: &str, text: &str) -> Result<AsciiText<N, KIND>, ApiError> {
    AsciiText::new(text).map_err(|error| invalid(name, &format!("{} {error}", excerpt(text))))
}

fn no_status(known: &str, text: &str) -> ApiError {
    invalid("status", &format!("must be {known}, not {}", excerpt(text)))
}

fn invalid(name: &str, why: &str) -> ApiError {
    ApiError::new(codes::INVALID_FIELD, format!("{name}: {why}"))
}
