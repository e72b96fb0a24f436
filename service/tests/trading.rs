//! A trading day without a socket: an engine behind the service, and requests and replies as plain data.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use hoga_engine::Engine;
use hoga_protocol::{
    AccountName, ClientOrderId, Command, Event, FeeRate, Genesis, InstrumentSpec, InstrumentStatus, Limits,
    Lots, Nanos, Notional, OperatorName, OrderId, OrderType, Scaled, Sequence, Side, Symbol, TimeInForce,
};
use hoga_service::queries::{Orders, Rows, Search, StatusFilter};
use hoga_service::{
    AdminRequest, Caller, CommandSink, Correlation, Decimal, NewOrderRequest, Refusal, Reject, Reply,
    Request, Service, Submitted, TradingApi,
};
use hoga_views::{OrderStatus, ViewLimits, Views};

/// An engine, which carries out what is sequenced at once; its events wait to be folded.
struct Exchange {
    engine: Engine,
    sequence: u64,
    events: VecDeque<Event>,
    refuses: Option<Refusal>,
}

#[derive(Clone)]
struct Sink(Rc<RefCell<Exchange>>);

impl CommandSink for Sink {
    fn submit(&mut self, timestamp: Nanos, command: &Command) -> Result<Sequence, Refusal> {
        let Exchange {
            engine,
            sequence,
            events,
            refuses,
        } = &mut *self.0.borrow_mut();
        if let Some(refusal) = *refuses {
            return Err(refusal);
        }
        *sequence += 1;
        let sequence = Sequence(*sequence);
        engine.apply(sequence, timestamp, command, &mut |event| {
            events.push_back(*event);
        });
        Ok(sequence)
    }

    fn is_full(&self) -> bool {
        self.0.borrow().refuses == Some(Refusal::CancelOnly)
    }

    fn reason(&self) -> String {
        "the disk is full".to_owned()
    }
}

struct Day {
    exchange: Rc<RefCell<Exchange>>,
    service: Service<Sink>,
    now: Nanos,
    correlation: u64,
}

impl Day {
    fn begin() -> Self {
        let exchange = Rc::new(RefCell::new(Exchange {
            engine: Engine::new(),
            sequence: 0,
            events: VecDeque::new(),
            refuses: None,
        }));
        let mut sink = Sink(Rc::clone(&exchange));
        let now = Nanos(1_682_858_110_000_000_000);
        let one = Scaled {
            mantissa: 1,
            scale: 0,
        };
        let spec = InstrumentSpec::new(
            Symbol::new("BTC-KRW").unwrap(),
            Scaled {
                mantissa: 1_000,
                scale: 0,
            },
            one,
            0,
            Lots(1),
            Lots::MAX,
            Notional(0),
            FeeRate(0),
            FeeRate(500),
        );
        let genesis = Genesis {
            engine_version: 1,
            exchange: hoga_protocol::ExchangeId(0x00c0_ffee),
            hash_key: [1, 2],
            limits: Limits::default(),
        };
        for command in [
            Command::Genesis(genesis),
            Command::DefineInstrument(spec.unwrap()),
        ] {
            sink.submit(now, &command).unwrap();
        }
        let mut views = Views::new(ViewLimits::default());
        let begun: Vec<Event> = exchange.borrow_mut().events.drain(..).collect();
        begun.iter().for_each(|event| views.fold(event));
        Self {
            exchange,
            service: Service::new(sink, views, 10),
            now,
            correlation: 0,
        }
    }

    /// What a request of an account comes to, as text: its reply, or why it is refused.
    fn ask(&mut self, account: &str, request: &Request) -> String {
        self.correlation += 1;
        let correlation = Correlation(self.correlation);
        let account = AccountName::new(account).unwrap();
        let caller = Caller::new(None, None);
        let submitted = self
            .service
            .execute(self.now, &account, request, caller, correlation);
        match submitted {
            Err(reject) => format!("{reject:?}"),
            Ok(Submitted::Replied(reply, _)) => shown(&reply),
            Ok(Submitted::Sequenced(_)) => self.fold(correlation),
        }
    }

    /// Folds what happened; the reply to the request, which nothing else is answered before.
    fn fold(&mut self, correlation: Correlation) -> String {
        let mut replies = Vec::new();
        loop {
            let event = self.exchange.borrow_mut().events.pop_front();
            match event {
                Some(event) => self.service.fold(&event, &mut |correlation, reply, _| {
                    replies.push((correlation, shown(reply)));
                }),
                None if self.service.send_owed(self.now, &mut |_, _| {}) == 0 => break,
                None => {}
            }
        }
        assert_eq!(replies.len(), 1, "{replies:?}");
        assert_eq!(replies[0].0, correlation);
        replies.remove(0).1
    }

    fn open_orders(&self, account: &str) -> usize {
        let views = self.service.views();
        let account = views.accounts().by_name(&AccountName::new(account).unwrap());
        let mut search = Search::new(
            Rows::Orders(Orders {
                account,
                instrument: None,
                status: Some(StatusFilter::Open),
            }),
            100,
            u64::MAX,
        );
        while !search.look(views, 3) {}
        search.found().len()
    }
}

fn shown(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Order { order, is_new } => {
            let (id, status, leaves) = (order.order, order.status, order.quantity.0 - order.filled.0);
            format!("{id:?} {status:?} leaves {leaves} new {is_new}")
        }
        Reply::Refused(reject) => format!("{reject:?}"),
        reply => format!("{reply:?}"),
    }
}

fn order(side: Side, price: &str, quantity: &str, id: &str) -> NewOrderRequest {
    NewOrderRequest {
        symbol: Symbol::new("BTC-KRW").unwrap(),
        side,
        order_type: OrderType::Limit,
        price: Some(Decimal::new(price).unwrap()),
        quantity: Decimal::new(quantity).unwrap(),
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        client_order_id: ClientOrderId::new(id).unwrap_or_default(),
        valid_until: None,
    }
}

#[test]
fn a_day_of_requests_needs_no_socket_and_no_bytes() {
    let mut day = Day::begin();
    let sell = Request::NewOrder(order(Side::Sell, "50000000", "5", "s-1"));
    // The account's opening is command 3, its order command 4.
    assert_eq!(day.ask("alice", &sell), "OrderId(4) New leaves 5 new true");
    assert_eq!(day.ask("alice", &sell), "OrderId(4) New leaves 5 new false");
    let buy = Request::NewOrder(order(Side::Buy, "50001000", "2", ""));
    assert_eq!(day.ask("bob", &buy), "OrderId(7) Filled leaves 0 new true");
    assert_eq!(day.open_orders("alice"), 1);
    let off = Request::NewOrder(order(Side::Buy, "50000500", "2", ""));
    assert!(day.ask("bob", &off).starts_with("OffGrid(OffGrid { term: Price"));
    let cancel = |order| Request::CancelOrder { order };
    for (account, request, want) in [
        ("bob", cancel(Some(OrderId(4))), "UnknownOrder"),
        ("bob", cancel(None), "UnknownOrder"),
        ("bob", cancel(Some(OrderId(7))), "OrderClosed(Filled)"),
        (
            "alice",
            cancel(Some(OrderId(4))),
            "OrderId(4) Canceled leaves 3 new false",
        ),
        ("carol", Request::CancelAll { symbol: None }, "Canceled(0)"),
    ] {
        assert_eq!(day.ask(account, &request), want, "{account} {request:?}");
    }
    assert_eq!(day.open_orders("alice"), 0);
}

#[test]
fn a_deadline_that_passes_cancels_everything_of_its_account() {
    let mut day = Day::begin();
    day.ask(
        "alice",
        &Request::NewOrder(order(Side::Sell, "50000000", "5", "")),
    );
    let after = Request::CancelAllAfter { timeout_ms: 1_000 };
    let at = day.now.0 + 1_000_000_000;
    assert_eq!(
        day.ask("alice", &after),
        format!("CancelAllAfter(Some(Nanos({at})))")
    );
    let mut fired = 0;
    for now in [at - 1, at] {
        day.service.send_owed(Nanos(now), &mut |_, _| fired += 1);
        assert_eq!(fired, u32::from(now == at));
    }
    let events: Vec<Event> = day.exchange.borrow_mut().events.drain(..).collect();
    for event in &events {
        (day.service).fold(event, &mut |_, reply, _| panic!("nobody asked: {reply:?}"));
    }
    assert_eq!(day.open_orders("alice"), 0);
}

#[test]
fn a_full_journal_and_a_shutdown_are_reasons_of_their_own() {
    let mut day = Day::begin();
    let sell = Request::NewOrder(order(Side::Sell, "50000000", "5", ""));
    day.ask("alice", &sell);
    day.exchange.borrow_mut().refuses = Some(Refusal::CancelOnly);
    let full = |even_cancels| {
        let reason = "the disk is full".to_owned();
        format!("{:?}", Reject::JournalFull { even_cancels, reason })
    };
    assert_eq!(day.ask("alice", &sell), full(false));
    assert_eq!(day.ask("alice", &Request::CancelAll { symbol: None }), full(true));
    day.exchange.borrow_mut().refuses = Some(Refusal::Busy);
    assert_eq!(day.ask("alice", &sell), "Busy");
    day.service.drain();
    assert_eq!(day.ask("alice", &sell), "ShuttingDown");
    assert!(day.service.is_settled());
}

#[test]
fn an_operator_closes_an_instrument_and_clients_are_told_why() {
    let mut day = Day::begin();
    let sell = Request::NewOrder(order(Side::Sell, "50000000", "5", ""));
    day.ask("alice", &sell);
    let symbol = Symbol::new("BTC-KRW").unwrap();
    let status = InstrumentStatus::CancelOnly;
    let close = AdminRequest::SetInstrumentStatus { symbol, status };
    let (by, correlation) = (OperatorName::new("op").unwrap(), Correlation(1 << 40));
    let submitted = (day.service).administer(day.now, day.now, by, &close, correlation);
    assert!(matches!(submitted, Ok(Submitted::Sequenced(Sequence(5)))));
    assert_eq!(day.fold(correlation), "Administered(Sequence(5))");
    assert!(day.ask("alice", &sell).contains("InstrumentClosed"));
    let order = day.service.views().orders().get(OrderId(4)).unwrap();
    assert_eq!(order.status, OrderStatus::New);
}
