//! Bytes read as a flow of orders: a byte each for most choices, so that a change of one byte changes one thing.

use hoga_protocol::codec::decode_command;
use hoga_protocol::*;

/// What comes next.
pub enum Step {
    /// A command, under the next sequence.
    Send(Command),
    /// A command under a sequence that has been.
    OutOfPlace(Command),
}

/// The bytes that are left, and the orders that have been accepted.
pub struct Program<'a> {
    bytes: &'a [u8],
    orders: Vec<(OrderId, AccountId)>,
    /// The newest checkpoint's answer.
    check: Option<StateCheck>,
}

const NAMES: [&str; 6] = ["", "", "", "a", "b", "c"];

impl<'a> Program<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            orders: Vec::new(),
            check: None,
        }
    }

    /// Remembers an order that may be canceled or changed, and what the next checkpoint must name.
    pub fn hear(&mut self, event: &Event) {
        match event.body {
            EventBody::OrderAccepted(accepted) => {
                self.orders.push((accepted.order, accepted.request.account));
            }
            EventBody::Checkpointed(checkpointed) => {
                self.check = Some(StateCheck {
                    sequence: event.sequence,
                    digest: checkpointed.digest,
                });
            }
            _ => {}
        }
    }

    /// The next step; none at the end of the bytes.
    pub fn next(&mut self, sequence: Sequence) -> Option<Step> {
        let kind = self.byte()?;
        Some(Step::Send(match kind % 16 {
            0..=7 => self.new_order(kind >= 128)?,
            8 | 9 => {
                let (account, order) = self.target(sequence)?;
                Command::CancelOrder(CancelOrder { account, order })
            }
            10..=12 => self.replace(sequence)?,
            13 => Command::CancelAll(CancelAll {
                account: AccountId(u32::from(kind >> 4) % 4),
                instrument: (kind < 128).then_some(InstrumentId(u32::from(kind >> 6))),
                before: match self.byte()? {
                    0 => None,
                    back => Some(Sequence(sequence.0.saturating_sub(u64::from(back)))),
                },
            }),
            14 => self.record()?,
            _ if kind >= 224 => Command::EngineVersion(EngineVersion {
                version: u32::from(kind >> 4) % 4,
            }),
            _ if kind >= 128 => Command::Checkpoint(Checkpoint {
                previous: self.check.filter(|_| kind < 208),
            }),
            _ if kind >= 64 => self.govern(sequence)?,
            _ => return Some(Step::OutOfPlace(self.new_order(false)?)),
        }))
    }

    fn new_order(&mut self, far: bool) -> Option<Command> {
        let (who, how) = (self.byte()?, self.byte()?);
        let order_type = if how & 0x18 == 0x18 {
            OrderType::Market
        } else {
            OrderType::Limit
        };
        let time_in_force = match how & 7 {
            0..=3 => TimeInForce::Gtc,
            4 | 5 => TimeInForce::Ioc,
            _ => TimeInForce::Fok,
        };
        let price = self.price(far)?;
        let is_priced = order_type == OrderType::Limit || how & 0x20 != 0;
        let quantity = self.quantity()?;
        // Time is the sequence, so some of these have passed and some are to come.
        let (client_order_id, valid_until) = match who >> 7 {
            0 => (ClientOrderId::EMPTY, Nanos(0)),
            _ => {
                let name = self.byte()?;
                (client_order_id(name), Nanos(u64::from(name >> 4) * 16))
            }
        };
        Some(Command::NewOrder(NewOrder {
            account: AccountId(u32::from(who >> 2) % 4),
            instrument: InstrumentId(u32::from(who & 3)),
            side: if who & 0x40 == 0 { Side::Buy } else { Side::Sell },
            order_type,
            time_in_force,
            post_only: how & 0xc0 == 0xc0,
            price: if is_priced { price } else { Ticks(0) },
            quantity,
            client_order_id,
            valid_until,
            signed_by: SigningKeyId::NONE,
        }))
    }

    fn replace(&mut self, sequence: Sequence) -> Option<Command> {
        let (account, order) = self.target(sequence)?;
        let what = self.byte()?;
        Some(Command::ReplaceOrder(ReplaceOrder {
            account,
            order,
            price: if what & 1 == 0 {
                None
            } else {
                Some(self.price(what & 4 != 0)?)
            },
            quantity: if what & 2 == 0 {
                None
            } else {
                Some(self.quantity()?)
            },
        }))
    }

    /// What an account arms or an operator does.
    fn govern(&mut self, sequence: Sequence) -> Option<Command> {
        let (what, who, value) = (self.byte()?, self.byte()?, self.byte()?);
        let account = AccountId(u32::from(who) % 4);
        let instrument = InstrumentId(u32::from(who >> 2) % 4);
        let action = match what % 12 {
            0 => {
                let cause = match value {
                    0..128 => ArmCause::Disconnect,
                    _ => ArmCause::Deadline(Nanos(value.into())),
                };
                return Some(Command::Arm(Arm { account, cause }));
            }
            1 => {
                let arming = Sequence(sequence.0.saturating_sub(value.into()));
                return Some(Command::Disarm(Disarm { account, arming }));
            }
            2 => AdminAction::SetFees(SetFees {
                instrument,
                maker: FeeRate((i32::from(value) - 100) * 1_000),
                taker: FeeRate(i32::from(what) * 1_000),
            }),
            3 => AdminAction::SetInstrumentStatus(SetInstrumentStatus {
                instrument,
                status: match value < 160 {
                    true => InstrumentStatus::Open,
                    false => InstrumentStatus::CancelOnly,
                },
            }),
            4 => AdminAction::SetAccountStatus(SetAccountStatus {
                account,
                status: match value < 160 {
                    true => AccountStatus::Active,
                    false => AccountStatus::Suspended,
                },
            }),
            5 => AdminAction::SetAccountLimits(SetAccountLimits {
                account,
                max_open_orders: match value < 160 {
                    true => u32::MAX,
                    false => u32::from(value - 160) % 16,
                },
            }),
            6 => AdminAction::CancelAll(CancelAll {
                account,
                instrument: (value < 128).then_some(instrument),
                before: None,
            }),
            7 => {
                let client_order_id = client_order_id(value);
                return Some(Command::CancelClientOrder(CancelClientOrder {
                    account,
                    client_order_id,
                }));
            }
            8 => AdminAction::CancelInstrument(CancelInstrument { instrument }),
            9 => AdminAction::SetLimits(SetLimits {
                max_accounts: 3 + u32::from(who >> 6),
                max_open_orders_per_account: u32::from(value),
                client_ids_total: u32::from(value) % 12,
            }),
            10 => AdminAction::AcceptClock(AcceptClock {
                to: Nanos(sequence.0 + u64::from(value)),
            }),
            _ => return self.record(),
        };
        let by = OperatorName::new("ops").unwrap_or_default();
        Some(Command::Administer(Administer::new(by, action)))
    }

    /// Mostly an order of its own account, sometimes of another, sometimes one that never was.
    fn target(&mut self, sequence: Sequence) -> Option<(AccountId, OrderId)> {
        let place = usize::from(self.byte()?);
        let found = self.orders.iter().rev().nth(place % 64).copied();
        let (order, account) = found.unwrap_or((OrderId(sequence.0), AccountId(0)));
        let other = u32::from(place >= 240);
        Some((AccountId((account.0 + other) % 4), order))
    }

    /// Near a hundred; or, far ones, near any power of two, at the bounds, or anything at all.
    fn price(&mut self, far: bool) -> Option<Ticks> {
        let byte = self.byte()?;
        if !far {
            return Some(Ticks(90 + i64::from(byte % 24)));
        }
        let near = i64::from(byte & 3) - 1;
        Some(Ticks(match byte >> 2 {
            power @ 0..=41 => (1 << power) + near,
            42..=50 => Ticks::MAX.0 - near,
            51..=55 => 1_000_000 + near * 70_000,
            _ => i64::from_le_bytes(self.eight()?),
        }))
    }

    fn quantity(&mut self) -> Option<Lots> {
        Some(Lots(match self.byte()? {
            byte @ 0..=199 => u64::from(byte % 64),
            byte @ 200..=243 => (1 << (byte - 200)) - 1,
            244..=250 => Lots::MAX.0,
            _ => u64::from_le_bytes(self.eight()?),
        }))
    }

    /// A journal record as it is; one that is none, or that begins or adds something, cancels nothing instead.
    fn record(&mut self) -> Option<Command> {
        let length = usize::from(self.byte()?).min(self.bytes.len());
        let (record, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        match decode_command(record) {
            Ok((_, Command::Genesis(_) | Command::DefineInstrument(_) | Command::OpenAccount(_)))
            | Err(_) => Some(Command::CancelOrder(CancelOrder {
                account: AccountId(0),
                order: OrderId(0),
            })),
            Ok((_, command)) => Some(command),
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        let (bytes, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*bytes)
    }
}

fn client_order_id(byte: u8) -> ClientOrderId {
    ClientOrderId::new(NAMES[usize::from(byte) % NAMES.len()]).unwrap_or_default()
}
