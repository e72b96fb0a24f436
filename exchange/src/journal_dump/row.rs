//! One command as named fields, and the three ways to write them.

use std::io::{self, Write};

use hoga_gateway::codec::{ids, time};
use hoga_protocol::{
    AdminAction, Administer, ArmCause, CancelAll, Command, Genesis, InstrumentSpec, Lots, Nanos, NewOrder,
    OrderId, OrderType, ReplaceOrder, SigningKeyId, Ticks,
};

use super::past::{Outcome, Past, Told};
use crate::hexadecimal::hex;

/// The columns of CSV. Later versions may add columns at the end; these keep their names and places.
const COLUMNS: [&str; 31] = [
    "sequence",
    "time",
    "timestamp_ns",
    "command",
    "outcome",
    "reason",
    "account",
    "account_number",
    "order_id",
    "order",
    "client_order_id",
    "symbol",
    "side",
    "type",
    "time_in_force",
    "post_only",
    "price",
    "quantity",
    "price_ticks",
    "quantity_lots",
    "by",
    "action",
    "status",
    "maker_fee_ppm",
    "taker_fee_ppm",
    "account_limit",
    "arming",
    "cause",
    "deadline",
    "valid_until",
    "signed_by",
];

/// A field's value.
enum Cell {
    /// There is none.
    Null,
    /// Digits of an exact number, or `true` or `false`: the same in JSON, CSV and text.
    Bare(String),
    Text(String),
}

impl Cell {
    fn bare(value: impl ToString) -> Cell {
        Cell::Bare(value.to_string())
    }

    fn text(value: impl ToString) -> Cell {
        Cell::Text(value.to_string())
    }

    fn some(value: Option<impl ToString>) -> Cell {
        value.map_or(Cell::Null, Cell::bare)
    }
}

/// A command's fields in order.
pub struct Row(Vec<(&'static str, Cell)>);

/// Names all fields of a command.
pub fn describe(sequence: u64, timestamp: Nanos, command: &Command, told: &Told, past: &Past) -> Row {
    let (outcome, reason) = match told.outcome {
        Outcome::Accepted => ("accepted", Cell::Null),
        Outcome::Duplicate => ("duplicate", Cell::Null),
        Outcome::Rejected(reason) => ("rejected", Cell::Text(format!("{reason:?}"))),
    };
    let mut row = Row(vec![
        ("sequence", Cell::bare(sequence)),
        ("time", Cell::Text(iso(told.time))),
        ("timestamp_ns", Cell::bare(timestamp.0)),
        ("command", Cell::text(name(command))),
        ("outcome", Cell::text(outcome)),
        ("reason", reason),
    ]);
    let id = |order: OrderId| Cell::text(ids::order_uuid(past.exchange(), order));
    match command {
        Command::Genesis(genesis) => row.genesis(genesis),
        Command::DefineInstrument(spec) => row.instrument(spec),
        Command::OpenAccount(open) => row.account(open.account.0, told),
        Command::NewOrder(order) => {
            row.account(order.account.0, told);
            row.push("order_id", id(OrderId(sequence)));
            row.push("order", Cell::bare(sequence));
            row.new_order(order, told);
        }
        Command::ReplaceOrder(replace) => {
            row.account(replace.account.0, told);
            row.push("order_id", id(replace.order));
            row.push("order", Cell::bare(replace.order.0));
            row.replace(replace, told);
        }
        Command::CancelOrder(cancel) => {
            row.account(cancel.account.0, told);
            row.push("order_id", id(cancel.order));
            row.push("order", Cell::bare(cancel.order.0));
            row.symbol(told);
        }
        Command::CancelClientOrder(cancel) => {
            row.account(cancel.account.0, told);
            row.push("client_order_id", Cell::text(cancel.client_order_id));
        }
        Command::CancelAll(cancel) => row.cancel_all(cancel, told),
        Command::Checkpoint(checkpoint) => {
            let previous = checkpoint.previous;
            row.push(
                "checked",
                Cell::some(previous.map(|previous| previous.sequence.0)),
            );
            row.push(
                "digest",
                previous.map_or(Cell::Null, |previous| Cell::text(hex(&previous.digest))),
            );
        }
        Command::EngineVersion(raise) => row.push("engine_version", Cell::bare(raise.version)),
        Command::Arm(arm) => {
            row.account(arm.account.0, told);
            row.push("arming", Cell::bare(sequence));
            let (cause, deadline) = match arm.cause {
                ArmCause::Disconnect => ("Disconnect", Cell::Null),
                ArmCause::Deadline(at) => ("Deadline", Cell::Text(iso(at))),
            };
            row.push("cause", Cell::text(cause));
            row.push("deadline", deadline);
        }
        Command::Disarm(disarm) => {
            row.account(disarm.account.0, told);
            row.push("arming", Cell::bare(disarm.arming.0));
        }
        Command::Administer(administer) => row.administer(administer, told),
    }
    row
}

/// The name of a kind of command as `command` says it, however its letters are written.
///
/// # Errors
/// In words: there is none of this name.
pub fn parse_kind(text: &str) -> Result<&'static str, String> {
    let found = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(text));
    found
        .copied()
        .ok_or_else(|| format!("no kind of command; there are {}", KINDS.join(", ")))
}

/// Every kind of command by its name.
const KINDS: [&str; 13] = [
    "Genesis",
    "DefineInstrument",
    "OpenAccount",
    "NewOrder",
    "ReplaceOrder",
    "CancelOrder",
    "CancelClientOrder",
    "CancelAll",
    "Checkpoint",
    "EngineVersion",
    "Arm",
    "Disarm",
    "Administer",
];

/// The name of a command's kind.
pub fn name(command: &Command) -> &'static str {
    match command {
        Command::Genesis(_) => "Genesis",
        Command::DefineInstrument(_) => "DefineInstrument",
        Command::OpenAccount(_) => "OpenAccount",
        Command::NewOrder(_) => "NewOrder",
        Command::ReplaceOrder(_) => "ReplaceOrder",
        Command::CancelOrder(_) => "CancelOrder",
        Command::CancelClientOrder(_) => "CancelClientOrder",
        Command::CancelAll(_) => "CancelAll",
        Command::Checkpoint(_) => "Checkpoint",
        Command::EngineVersion(_) => "EngineVersion",
        Command::Arm(_) => "Arm",
        Command::Disarm(_) => "Disarm",
        Command::Administer(_) => "Administer",
    }
}

fn iso(at: Nanos) -> String {
    let mut text = Vec::with_capacity(time::TEXT_LEN);
    time::write_iso(&mut text, at);
    String::from_utf8_lossy(&text).into_owned()
}

impl Row {
    fn push(&mut self, name: &'static str, cell: Cell) {
        self.0.push((name, cell));
    }

    fn account(&mut self, number: u32, told: &Told) {
        self.push("account", told.account.map_or(Cell::Null, Cell::text));
        self.push("account_number", Cell::bare(number));
    }

    fn symbol(&mut self, told: &Told) {
        self.push(
            "symbol",
            told.instrument
                .map_or(Cell::Null, |spec| Cell::text(spec.symbol())),
        );
    }

    fn genesis(&mut self, genesis: &Genesis) {
        let limits = &genesis.limits;
        self.push("engine_version", Cell::bare(genesis.engine_version));
        self.push("exchange", Cell::bare(genesis.exchange.0));
        self.push("max_open_orders", Cell::bare(limits.max_open_orders));
        self.push(
            "max_open_orders_per_account",
            Cell::bare(limits.max_open_orders_per_account),
        );
        self.push("max_touched_orders", Cell::bare(limits.max_touched_orders));
        self.push("max_accounts", Cell::bare(limits.max_accounts));
        self.push("max_instruments", Cell::bare(limits.max_instruments));
        self.push(
            "client_ids_per_account",
            Cell::bare(limits.client_ids_per_account),
        );
        self.push("client_ids_total", Cell::bare(limits.client_ids_total));
    }

    fn instrument(&mut self, spec: &InstrumentSpec) {
        self.push("symbol", Cell::text(spec.symbol()));
        self.push("tick_size", Cell::text(spec.price_text(Ticks(1))));
        self.push("lot_size", Cell::text(spec.quantity_text(Lots(1))));
        self.push("min_lots", Cell::bare(spec.min_quantity.0));
        self.push("max_lots", Cell::bare(spec.max_quantity.0));
        self.push("maker_fee_ppm", Cell::bare(spec.maker_fee.0));
        self.push("taker_fee_ppm", Cell::bare(spec.taker_fee.0));
    }

    fn cancel_all(&mut self, cancel: &CancelAll, told: &Told) {
        self.account(cancel.account.0, told);
        self.symbol(told);
        self.push("before", Cell::some(cancel.before.map(|before| before.0)));
    }

    fn administer(&mut self, administer: &Administer, told: &Told) {
        self.push("by", Cell::text(administer.by()));
        let doing = administer.action();
        let (action, status) = match &doing {
            AdminAction::DefineInstrument(_) => ("DefineInstrument", None),
            AdminAction::SetFees(_) => ("SetFees", None),
            AdminAction::SetInstrumentStatus(set) => {
                ("SetInstrumentStatus", Some(format!("{:?}", set.status)))
            }
            AdminAction::SetAccountStatus(set) => ("SetAccountStatus", Some(format!("{:?}", set.status))),
            AdminAction::SetAccountLimits(_) => ("SetAccountLimits", None),
            AdminAction::CancelAll(_) => ("CancelAll", None),
            AdminAction::CancelInstrument(_) => ("CancelInstrument", None),
            AdminAction::SetLimits(_) => ("SetLimits", None),
            AdminAction::AcceptClock(_) => ("AcceptClock", None),
        };
        self.push("action", Cell::text(action));
        match &doing {
            AdminAction::DefineInstrument(spec) => self.instrument(spec),
            AdminAction::SetFees(set) => {
                self.symbol(told);
                self.push("maker_fee_ppm", Cell::bare(set.maker.0));
                self.push("taker_fee_ppm", Cell::bare(set.taker.0));
            }
            AdminAction::SetInstrumentStatus(_) => self.symbol(told),
            AdminAction::SetAccountStatus(set) => self.account(set.account.0, told),
            AdminAction::SetAccountLimits(set) => {
                self.account(set.account.0, told);
                let limit = (set.max_open_orders < u32::MAX).then_some(set.max_open_orders);
                self.push("account_limit", Cell::some(limit));
            }
            AdminAction::CancelAll(cancel) => self.cancel_all(cancel, told),
            AdminAction::CancelInstrument(_) => self.symbol(told),
            AdminAction::SetLimits(set) => {
                self.push("max_accounts", Cell::bare(set.max_accounts));
                self.push(
                    "max_open_orders_per_account",
                    Cell::bare(set.max_open_orders_per_account),
                );
                self.push("client_ids_total", Cell::bare(set.client_ids_total));
            }
            AdminAction::AcceptClock(accept) => self.push("accepted_time", Cell::Text(iso(accept.to))),
        }
        if let Some(status) = status {
            self.push("status", Cell::Text(status));
        }
    }

    fn new_order(&mut self, order: &NewOrder, told: &Told) {
        let id = order.client_order_id;
        let id = if id.is_empty() { Cell::Null } else { Cell::text(id) };
        self.push("client_order_id", id);
        let valid_until = (order.valid_until > Nanos(0)).then(|| iso(order.valid_until));
        self.push("valid_until", valid_until.map_or(Cell::Null, Cell::Text));
        let key = (order.signed_by != SigningKeyId::NONE).then_some(order.signed_by);
        self.push("signed_by", key.map_or(Cell::Null, Cell::text));
        self.symbol(told);
        self.push("side", Cell::Text(format!("{:?}", order.side)));
        self.push("type", Cell::Text(format!("{:?}", order.order_type)));
        let time_in_force = format!("{:?}", order.time_in_force).to_uppercase();
        self.push("time_in_force", Cell::Text(time_in_force));
        self.push("post_only", Cell::bare(order.post_only));
        let limit = (order.order_type == OrderType::Limit).then_some(order.price);
        self.terms(limit, Some(order.quantity), told);
    }

    fn replace(&mut self, replace: &ReplaceOrder, told: &Told) {
        self.symbol(told);
        self.terms(replace.price, replace.quantity, told);
    }

    /// Price and quantity as on the wire, where the instrument is known, and in ticks and lots.
    fn terms(&mut self, price: Option<Ticks>, quantity: Option<Lots>, told: &Told) {
        let spec = told.instrument;
        let price_text = spec.zip(price).map(|(spec, price)| spec.price_text(price));
        let quantity_text = spec.zip(quantity).map(|(spec, lots)| spec.quantity_text(lots));
        self.push("price", Cell::some(price_text));
        self.push("quantity", Cell::some(quantity_text));
        self.push("price_ticks", Cell::some(price.map(|price| price.0)));
        self.push("quantity_lots", Cell::some(quantity.map(|quantity| quantity.0)));
    }

    /// Writes `sequence time command name=value …`, with what became of the command before the names unless it was
    /// carried out. A value with a space or a quote in it stands in quotes.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for (at, (name, cell)) in self.0.iter().enumerate() {
            match (*name, cell) {
                (_, Cell::Null) | ("timestamp_ns", _) => {}
                ("sequence", Cell::Bare(value)) => write!(out, "{value:>10}")?,
                ("outcome", Cell::Text(value)) if value == "accepted" => {}
                (_, Cell::Text(value)) if at < 6 => write!(out, " {value}")?,
                (name, Cell::Text(value)) if value.contains([' ', '"']) => write!(out, " {name}={value:?}")?,
                (name, Cell::Bare(value) | Cell::Text(value)) => write!(out, " {name}={value}")?,
            }
        }
        writeln!(out)
    }

    /// Writes one JSON object and a line's end.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let mut before = '{';
        for (name, cell) in &self.0 {
            write!(out, "{before}\"{name}\":")?;
            match cell {
                Cell::Null => out.write_all(b"null")?,
                Cell::Bare(value) => out.write_all(value.as_bytes())?,
                Cell::Text(value) => serde_json::to_writer(&mut *out, value)?,
            }
            before = ',';
        }
        writeln!(out, "}}")
    }

    /// Writes one CSV record; fields that have no column are left out.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        for (at, column) in COLUMNS.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            let cell = self.0.iter().find(|(name, _)| name == column);
            if let Some((_, Cell::Bare(value) | Cell::Text(value))) = cell {
                write_csv_field(out, value)?;
            }
        }
        out.write_all(b"\r\n")
    }
}

/// Writes the line that names the columns.
pub fn write_header(out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}\r\n", COLUMNS.join(","))
}

/// RFC 4180 §2: a field with a comma, a quote or a line's end stands in quotes, and quotes in it are doubled.
fn write_csv_field(out: &mut impl Write, value: &str) -> io::Result<()> {
    if value.contains([',', '"', '\r', '\n']) {
        write!(out, "\"{}\"", value.replace('"', "\"\""))
    } else {
        out.write_all(value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_break_out_of_its_column() {
        let cases = [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("", ""),
        ];
        for (value, want) in cases {
            let mut out = Vec::new();
            write_csv_field(&mut out, value).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }
}
