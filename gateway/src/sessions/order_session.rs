//! A client of `/ws/orders`: requests in, replies and the account's order updates out.

use std::io;
use std::time::Duration;

use hoga_protocol::{AccountName, ExchangeId, Sequence};
use hoga_service::{Caller, Identity, Reject, Reply, Request, RequestKind, Submitted};
use hoga_views::Views;

use crate::codec::{ApiError, Format, RequestId, WsRequest, encode, ids, parse};
use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::http::reply::write_frame;
use crate::server::connection_buffer::{ConnectionBuffer, READ_PER_VISIT};
use crate::server::context::Context;
use crate::server::peer::Waiter;
use crate::server::step::{OrderSession, Queue, Step};
use crate::ws::framer::Framer;
use crate::ws::stream::{Incoming, SLOW_CONSUMER, WebSocketStream};

/// Most messages of one client that are looked at before others have their turn.
const MESSAGES_PER_TURN: usize = 32;

/// Updates that are encoded while it is the turn of requests: what most commands bring.
const UPDATES_WITH_REPLIES: usize = 2;

/// Updates are encoded while fewer than this many bytes wait for the socket.
const UPDATE_BYTES: usize = 16 * 1024;

/// RFC 6455 §7.4.1: a kind of data that cannot be accepted.
const UNSUPPORTED_DATA: u16 = 1003;

/// A client of order entry.
///
/// Replies are appended when a command's last event is folded, updates only afterwards, when the session is served:
/// so the reply to a command always comes before every update it caused.
#[derive(Debug)]
pub(crate) struct Session {
    /// Control frames, and the close.
    pub websocket: WebSocketStream,
    agreed: Agreed,
    identity: Option<Box<Identity>>,
    account: AccountName,
    from: u64,
    seen: (Sequence, Option<u32>),
    in_flight: usize,
    /// Whether there are more updates than the socket takes for now. Then nothing is read: a client that sends faster than its
    /// own updates leave would fall behind them without end.
    is_behind: bool,
    /// There are updates that the last visit left.
    has_more: bool,
    /// Whether there are updates that it has not been handed. Where there are none, `from` may lag.
    is_owed: bool,
    /// Whether it has been handed everything once.
    was_current: bool,
    /// The arming that is to be carried out when the session is lost; the engine may not have answered it yet.
    arming: Option<Sequence>,
}

impl Session {
    /// A session from `start` on.
    pub fn new(
        websocket: WebSocketStream,
        start: OrderSession,
        agreed: Agreed,
        identity: Option<Box<Identity>>,
    ) -> Self {
        Self {
            websocket,
            agreed,
            identity,
            account: start.account,
            from: start.from,
            seen: start.seen,
            in_flight: 0,
            is_behind: false,
            has_more: false,
            is_owed: true,
            was_current: false,
            arming: None,
        }
    }

    /// Whose key let it in, if it took one.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    /// Whose orders.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// There is an update for it, the one of this number, and perhaps more before it.
    pub fn owe(&mut self, number: u64) {
        if !std::mem::replace(&mut self.is_owed, true) {
            self.from = self.from.max(number);
        }
    }

    /// Whether it was up to date once, and now more than one part in `share` of the updates that are held lies before it.
    pub fn is_far_behind(&self, share: u64, views: &Views) -> bool {
        let updates = views.updates();
        let lag = updates.next().saturating_sub(self.from);
        self.is_owed && self.was_current && self.websocket.is_open() && lag > updates.capacity() / share
    }

    /// Whether there are updates that the last visit left, and its socket takes data.
    pub fn has_updates(&self, buffer: &ConnectionBuffer) -> bool {
        self.has_more && buffer.writable && self.websocket.is_open()
    }

    /// Takes the arming that the session leaves behind.
    pub fn take_arming(&mut self) -> Option<Sequence> {
        self.arming.take()
    }

    /// Appends the reply to a request that was sequenced.
    pub fn answer(
        &mut self,
        buffer: &mut ConnectionBuffer,
        waiter: &Waiter,
        reply: &Reply<'_>,
        views: &Views,
        framer: &mut Framer,
    ) {
        self.in_flight -= 1;
        if let Some(id) = &waiter.id
            && self.websocket.is_open()
        {
            write_frame(buffer.egress.out(), framer, self.agreed, reply, views, id);
        }
    }

    /// Takes requests and sends updates, within bounds.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.try_serve(buffer, context).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do. While the session is not read, its silence proves nothing.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Option<Duration> {
        let own = (self.may_read(buffer, config) || !self.websocket.is_open())
            .then(|| self.websocket.deadline(buffer, config));
        match (own, self.heartbeat_due(buffer, config)) {
            (Some(own), Some(due)) => Some(own.min(due)),
            (own, due) => own.or(due),
        }
    }

    /// Pings a silent client, closes one that does not answer, and gives up one that was closed long enough. Sends a
    /// heartbeat to one that was sent nothing for a while.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        let config = context.config;
        if (self.may_read(buffer, config) || !self.websocket.is_open())
            && let Step::Drop = self.websocket.expire(buffer, context.now, config)
        {
            return Step::Drop;
        }
        if self
            .heartbeat_due(buffer, config)
            .is_some_and(|due| context.now >= due)
        {
            let time = context.wall();
            self.push_message(buffer, context.framer, |out, format| {
                encode::heartbeat(out, time, format);
            });
        }
        Step::Again
    }

    /// Tells the client that the exchange goes away, and closes.
    pub fn shut(
        &mut self,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
        code: u16,
        reason: &str,
    ) {
        if self.websocket.is_open() {
            self.push_message(buffer, context.framer, |out, format| {
                encode::server_shutdown(out, reason, format);
            });
        }
        self.websocket.close(buffer, context.now, code, reason);
    }

    /// When a heartbeat is due; never while something waits to be written, which says as much once it is.
    fn heartbeat_due(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Option<Duration> {
        (self.websocket.is_open() && buffer.egress.is_empty()).then(|| buffer.spoke + config.heartbeat)
    }

    fn push_message(
        &self,
        buffer: &mut ConnectionBuffer,
        framer: &mut Framer,
        write: impl FnOnce(&mut Vec<u8>, Format),
    ) {
        let agreed = self.agreed;
        framer.frame(buffer.egress.out(), agreed, |out| write(out, agreed.format));
    }

    fn may_read(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> bool {
        !self.is_behind && self.in_flight < config.max_in_flight_per_session && !buffer.is_full()
    }

    fn try_serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> io::Result<Step> {
        let mut unread = true;
        let most = match context.queue {
            Some(Queue::Replies) => 0,
            _ => MESSAGES_PER_TURN,
        };
        for _ in 0..most {
            if !self.may_read(buffer, context.config) || buffer.taken >= READ_PER_VISIT {
                break;
            }
            match self.websocket.read(buffer, context.intake, context.now)? {
                Incoming::Text(text) if self.agreed.format.is_text() => {
                    self.request(text.as_bytes(), buffer, context)
                }
                Incoming::Binary(bytes) if !self.agreed.format.is_text() => {
                    self.request(&bytes, buffer, context)
                }
                Incoming::Text(_) | Incoming::Binary(_) => {
                    let reason = wanted(self.agreed.format);
                    self.websocket
                        .close(buffer, context.now, UNSUPPORTED_DATA, reason);
                }
                Incoming::Control => {}
                Incoming::Nothing | Incoming::Over => {
                    unread = false;
                    break;
                }
            }
        }
        self.has_more = self.push(buffer, context);
        self.is_behind = self.has_more && !buffer.has_room(UPDATE_BYTES);
        buffer.flush(context.now)?;
        Ok(if let Some(end) = self.websocket.end(buffer) {
            end
        } else if unread && self.may_read(buffer, context.config) {
            Step::Again
        } else {
            Step::Idle
        })
    }

    fn request(&mut self, payload: &[u8], buffer: &mut ConnectionBuffer, context: &mut Context<'_>) {
        if !self.websocket.is_open() {
            return;
        }
        context.stats.requests += 1;
        let exchange = context.views().map_or(ExchangeId::default(), ids::exchange);
        let request = match parse(payload, self.agreed.format, exchange) {
            Ok(request) => request,
            Err((id, error)) => {
                let error = (self.charge(RequestKind::Queries, buffer, context))
                    .err()
                    .unwrap_or(error);
                context.framer.frame(buffer.egress.out(), self.agreed, |out| {
                    encode::error_reply(out, id.as_ref(), &error, self.agreed.format)
                });
                return;
            }
        };
        let WsRequest { id, request } = request;
        let done = self
            .charge(request.kind(), buffer, context)
            .and_then(|()| self.execute(&id, request, buffer, context));
        if let Err(error) = done {
            context.framer.frame(buffer.egress.out(), self.agreed, |out| {
                encode::error_reply(out, Some(&id), &error, self.agreed.format)
            });
        }
    }

    /// Charges a request to the session's address and account.
    fn charge(
        &self,
        kind: RequestKind,
        buffer: &ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        context.charge_address(buffer.origin, kind, &mut None)?;
        context.charge_account(self.identity(), kind, &mut None)
    }

    /// Has a request carried out, whose reply comes later or is written at once.
    fn execute(
        &mut self,
        id: &RequestId,
        mut request: Request,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        let now = context.wall();
        let caller = Caller::new(buffer.origin, self.identity());
        let open = context.open.as_mut().ok_or(Reject::Recovering)?;
        let mut arms = None;
        if let Request::CancelOnDisconnect { on, armed } = &mut request {
            *armed = self.arming;
            arms = Some(*on);
        }
        let correlation = open.waiters.next();
        let submitted = (open.service).execute(now, &self.account, &request, caller, correlation);
        match submitted {
            Ok(Submitted::Sequenced(sequence)) => {
                if let Some(on) = arms {
                    self.arming = on.then_some(sequence);
                }
                let (peer, id) = (context.peer, Some(id.clone()));
                open.waiters.add(Waiter { peer, id });
                self.in_flight += 1;
            }
            Ok(Submitted::Replied(reply, views)) => {
                let out = buffer.egress.out();
                write_frame(out, context.framer, self.agreed, &reply, views, id);
            }
            Err(reject) => return Err(context.refused(buffer.origin, &reject)),
        }
        Ok(())
    }

    /// Encodes the account's updates, as many as the socket may soon take: of many only some where it is the turn of requests, so
    /// that other requests do not wait for them. Whether there are more.
    fn push(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> bool {
        if !self.websocket.is_open() {
            return false;
        }
        let Some(open) = &context.open else {
            return false;
        };
        let (agreed, framer, views) = (self.agreed, &mut *context.framer, open.service.views());
        let updates = views.updates();
        let Some(account) = views.accounts().by_name(&self.account) else {
            self.from = updates.next();
            (self.is_owed, self.was_current) = (false, true);
            return false;
        };
        if updates.is_dropped(account, self.from) {
            self.close_as_slow(buffer, context);
            return false;
        }
        let most = match context.queue {
            Some(Queue::Requests | Queue::Replies) => UPDATES_WITH_REPLIES,
            _ => usize::MAX,
        };
        for (place, update) in updates.of_account(account, self.from).enumerate() {
            if place == most || !buffer.has_room(UPDATE_BYTES) {
                return true;
            }
            framer.frame(buffer.egress.out(), agreed, |out| {
                encode::order_update(out, update, views, agreed.format)
            });
            self.from = update.number + 1;
            self.seen = (update.sequence, Some(update.index));
        }
        self.from = updates.next();
        (self.is_owed, self.was_current) = (false, true);
        false
    }

    fn close_as_slow(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) {
        let after = match self.seen {
            (sequence, Some(index)) => format!("{}.{index}", sequence.0),
            (sequence, None) => sequence.0.to_string(),
        };
        let reason = format!("slow consumer: updates after {after} are no longer in memory");
        context.stats.slow_consumer_closes += 1;
        self.websocket.close(buffer, context.now, SLOW_CONSUMER, &reason);
    }
}

/// What a client is told that sent a message of the other kind.
fn wanted(format: Format) -> &'static str {
    match format {
        Format::Json => "requests are JSON in text messages",
        Format::MessagePack => "requests are MessagePack in binary messages (subprotocol hoga.msgpack)",
        Format::Protobuf => "requests are Protocol Buffers in binary messages (subprotocol hoga.protobuf)",
    }
}
