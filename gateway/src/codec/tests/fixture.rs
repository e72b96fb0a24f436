//! An exchange in a few events.

use hoga_protocol::{
    AccountId, AccountName, AccountOpened, CancelReason, ClientOrderId, Event, EventBody, ExchangeId, Fee,
    FeeRate, Genesis, InstrumentDefined, InstrumentId, InstrumentSpec, Limits, Lots, Nanos, NewOrder,
    Notional, OrderAccepted, OrderCanceled, OrderId, OrderType, Scaled, Sequence, Side, SigningKeyId, Symbol,
    Ticks, TimeInForce, Trade, TradeSide,
};
use hoga_views::{ViewLimits, Views};

use crate::codec::{ApiError, Format, RequestId, WsRequest};

pub const EXCHANGE: ExchangeId = ExchangeId(0x1234_abcd);

/// A request that is read, or the id of one that is not, and why.
type Parsed = Result<WsRequest, (Option<RequestId>, ApiError)>;

/// A message of that exchange's order entry socket.
pub fn parse(payload: &[u8], format: Format) -> Parsed {
    crate::codec::parse(payload, format, EXCHANGE)
}

/// As [`parse`], in JSON.
pub fn parse_ws(text: &[u8]) -> Parsed {
    crate::codec::parse_ws(text, EXCHANGE)
}

/// 2023-04-30T12:35:10.123Z
pub const START: u64 = 1_682_858_110_123_456_789;

/// Views of an exchange with BTC-KRW (tick 1000, lot 0.00000001), ABC/X (tick 0.05, lot 3) and two accounts.
pub struct Exchange {
    pub views: Views,
    sequence: u64,
}

impl Exchange {
    pub fn new(limits: ViewLimits) -> Self {
        let mut exchange = Self {
            views: Views::new(limits),
            sequence: 0,
        };
        let genesis = Genesis {
            engine_version: 1,
            exchange: EXCHANGE,
            hash_key: [1, 2],
            limits: Limits::default(),
        };
        exchange.command(&[EventBody::Started(genesis)]);
        exchange.define(0, spec("BTC-KRW", (1000, 0), (1, 8)));
        exchange.define(1, spec("ABC/X", (5, 2), (3, 0)));
        for (number, name) in ["anonymous", "trader@desk:1"].into_iter().enumerate() {
            let account = AccountId(number as u32);
            let name = AccountName::new(name).unwrap();
            exchange.command(&[EventBody::AccountOpened(AccountOpened { account, name })]);
        }
        exchange
    }

    /// Folds the events of one command.
    pub fn command(&mut self, bodies: &[EventBody]) -> Sequence {
        self.sequence += 1;
        for (index, body) in bodies.iter().enumerate() {
            self.views.fold(&Event {
                sequence: Sequence(self.sequence),
                timestamp: Nanos(START + self.sequence * 1_000_000_000),
                index: index as u32,
                last: index + 1 == bodies.len(),
                body: *body,
            });
        }
        Sequence(self.sequence)
    }

    fn define(&mut self, instrument: u32, spec: InstrumentSpec) {
        let instrument = InstrumentId(instrument);
        self.command(&[EventBody::InstrumentDefined(InstrumentDefined {
            instrument,
            spec,
        })]);
    }

    pub fn accept(&self, request: NewOrder) -> EventBody {
        let order = OrderId(self.sequence + 1);
        EventBody::OrderAccepted(OrderAccepted { order, request })
    }

    /// A limit order that rests.
    pub fn rest(&mut self, request: NewOrder) -> OrderId {
        let accepted = self.accept(request);
        OrderId(self.command(&[accepted]).0)
    }

    /// A limit order that trades `lots` with each of `resting` at the price given there; the rest of it rests.
    pub fn take(&mut self, request: NewOrder, resting: &[(OrderId, Ticks, Lots)]) -> OrderId {
        let mut bodies = vec![self.accept(request)];
        let mut left = request.quantity.0;
        for &(order, price, quantity) in resting {
            let other = *self.views.orders().get(order).unwrap();
            left -= quantity.0;
            bodies.push(EventBody::Trade(Trade {
                instrument: request.instrument,
                aggressor_side: request.side,
                price,
                quantity,
                aggressor: side(self.sequence + 1, request.account, left, Notional(5_000_000)),
                resting: side(
                    order.0,
                    other.account,
                    other.leaves.0 - quantity.0,
                    Notional(-2_000_000),
                ),
            }));
        }
        OrderId(self.command(&bodies).0)
    }

    /// A market order that finds nothing.
    pub fn kill(&mut self, request: NewOrder) -> OrderId {
        let canceled = EventBody::OrderCanceled(OrderCanceled {
            order: OrderId(self.sequence + 1),
            account: request.account,
            instrument: request.instrument,
            canceled: request.quantity,
            was_resting: false,
            reason: CancelReason::NoLiquidity,
        });
        OrderId(self.command(&[self.accept(request), canceled]).0)
    }
}

/// A limit order of `account` in BTC-KRW.
pub fn limit(account: u32, side: Side, ticks: i64, lots: u64) -> NewOrder {
    NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(ticks),
        quantity: Lots(lots),
        client_order_id: ClientOrderId::EMPTY,
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    }
}

fn side(order: u64, account: AccountId, leaves: u64, fee: Fee) -> TradeSide {
    TradeSide {
        order: OrderId(order),
        account,
        leaves: Lots(leaves),
        fee,
    }
}

fn spec(symbol: &str, tick: (u64, u8), lot: (u64, u8)) -> InstrumentSpec {
    let step = |(mantissa, scale)| Scaled { mantissa, scale };
    let fees = (FeeRate(-20), FeeRate(500));
    InstrumentSpec::new(
        Symbol::new(symbol).unwrap(),
        step(tick),
        step(lot),
        8.min(tick.1 + lot.1),
        Lots(1),
        Lots::MAX,
        Notional(0),
        fees.0,
        fees.1,
    )
    .unwrap()
}
