//! Parameters of a request: in its path and its query.

use hoga_protocol::{AccountName, ClientOrderId, Event, Sequence, Symbol};
use hoga_service::queries::StatusFilter;
use hoga_views::OrderStatus;

use crate::codec::{ApiError, excerpt};
use crate::http::query::{Query, ascii, digits, invalid};

/// What `limit` and `depth` are when they are not given, save for instruments, of which as many as may be are listed.
pub const DEFAULT_LIMIT: usize = 100;

/// A parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `account`: whose, if it is said.
    Account,
    /// `symbol`: only this instrument's.
    Symbol,
    /// `client_order_id`, which must be there.
    ClientOrderId,
    /// `status`: only these orders.
    Status,
    /// `limit`: how many at most, and how many where it is not given.
    Limit(usize),
    /// `depth`: levels a side.
    Depth,
    /// `cursor`: where an earlier answer ended.
    Cursor,
    /// `after`: the execution to go on after.
    AfterExecution,
    /// `after`: the trade to go on after.
    AfterTrade,
    /// `after`: the command, or the event of it, up to which everything was seen.
    AfterSequence,
}

/// The parameters of a request. Those that its endpoint does not take are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Whose, if it was said.
    pub account: Option<AccountName>,
    /// The instrument.
    pub symbol: Option<Symbol>,
    /// An order's id as it was sent.
    pub order_id: Option<String>,
    /// The name that the client gave the order.
    pub client_order_id: ClientOrderId,
    /// Only these orders.
    pub status: Option<StatusFilter>,
    /// How many at most, 1 to 1,000; or how many levels a side.
    pub limit: usize,
    /// Where an earlier answer ended.
    pub cursor: Option<String>,
    /// The execution id to go on after.
    pub after_execution: Option<String>,
    /// The trade to go on after.
    pub after_trade: Option<u64>,
    /// Everything up to this command, or up to this event of it, was seen.
    pub after_sequence: Option<(Sequence, Option<u32>)>,
}

impl Parameter {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Symbol => "symbol",
            Self::ClientOrderId => "client_order_id",
            Self::Status => "status",
            Self::Limit(_) => "limit",
            Self::Depth => "depth",
            Self::Cursor => "cursor",
            Self::AfterExecution | Self::AfterTrade | Self::AfterSequence => "after",
        }
    }

    /// Takes it out of a query.
    ///
    /// # Errors
    /// 400 `invalid_parameter`.
    pub(super) fn read(self, query: &mut Query, parameters: &mut Parameters) -> Result<(), ApiError> {
        let name = self.name();
        match self {
            Self::Account => parameters.account = query.ascii(name)?,
            Self::Symbol => parameters.symbol = query.ascii(name)?,
            Self::ClientOrderId => {
                parameters.client_order_id = query.ascii(name)?.ok_or_else(|| {
                    invalid(name, format_args!("is needed here, to say which order is meant"))
                })?;
            }
            Self::Status => parameters.status = status(query)?,
            Self::Limit(default) => parameters.limit = query.count(name, default)?,
            Self::Depth => parameters.limit = query.count(name, DEFAULT_LIMIT)?,
            Self::Cursor => parameters.cursor = query.take(name),
            Self::AfterExecution => parameters.after_execution = query.take(name),
            Self::AfterTrade => parameters.after_trade = trade(query)?,
            Self::AfterSequence => parameters.after_sequence = sequence(query)?,
        }
        Ok(())
    }
}

impl Parameters {
    /// An order's id as it was sent; empty where none was.
    pub(crate) fn order_id(&self) -> &str {
        self.order_id.as_deref().unwrap_or_default()
    }

    /// Takes the part of a path that is called `name`.
    ///
    /// # Errors
    /// 400 `invalid_parameter`.
    pub(super) fn read_path(&mut self, name: &str, text: String) -> Result<(), ApiError> {
        match name {
            "symbol" => self.symbol = Some(ascii("symbol", &text)?),
            _ => self.order_id = Some(text),
        }
        Ok(())
    }
}

fn status(query: &mut Query) -> Result<Option<StatusFilter>, ApiError> {
    let Some(text) = query.take("status") else {
        return Ok(None);
    };
    let filter = match text.as_str() {
        "Open" => StatusFilter::Open,
        "Closed" => StatusFilter::Closed,
        "New" => StatusFilter::Is(OrderStatus::New),
        "PartiallyFilled" => StatusFilter::Is(OrderStatus::PartiallyFilled),
        "Filled" => StatusFilter::Is(OrderStatus::Filled),
        "Canceled" => StatusFilter::Is(OrderStatus::Canceled),
        "Expired" => StatusFilter::Is(OrderStatus::Expired),
        _ => {
            let known = "New, PartiallyFilled, Filled, Canceled, Expired, Open or Closed";
            return Err(invalid(
                "status",
                format_args!("must be {known}, not {}", excerpt(&text)),
            ));
        }
    };
    Ok(Some(filter))
}

/// `after=<trade_id>`.
fn trade(query: &mut Query) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.take("after") else {
        return Ok(None);
    };
    let refusal = || {
        let wanted = "must be the trade_id of the last trade seen";
        invalid("after", format_args!("{wanted}, not {}", excerpt(&text)))
    };
    digits(&text).map(Some).ok_or_else(refusal)
}

/// `after=<sequence>` or `after=<sequence>.<index>`.
fn sequence(query: &mut Query) -> Result<Option<(Sequence, Option<u32>)>, ApiError> {
    let Some(text) = query.take("after") else {
        return Ok(None);
    };
    let (sequence, index) = match text.split_once('.') {
        Some((sequence, index)) => (sequence, Some(index)),
        None => (text.as_str(), None),
    };
    let sequence = digits(sequence).filter(|sequence| *sequence <= Sequence::MAX.0);
    let index = index.map(|index| digits(index).filter(|index| *index <= u64::from(Event::MAX_INDEX)));
    match (sequence, index) {
        (Some(sequence), None) => Ok(Some((Sequence(sequence), None))),
        (Some(sequence), Some(Some(index))) => Ok(Some((Sequence(sequence), Some(index as u32)))),
        _ => {
            let wanted = "must be <sequence> or <sequence>.<index> of the last update seen";
            Err(invalid("after", format_args!("{wanted}, not {}", excerpt(&text))))
        }
    }
}
