//! HTTP on one connection: one request at a time, in order.

use std::time::Duration;

use crate::codec::{ApiError, codes};
use crate::config::GatewayConfig;
use crate::http::call::Call;
use crate::http::dispatch::{accept_unauthenticated, dispatch};
use crate::http::outcome::Handled;
use crate::http::paging::{Budget, Listing, PORTION, ROWS_AT_ONCE, ROWS_PER_VISIT, VISIT_TIME};
use crate::http::parameters::Parameters;
use crate::http::reply::{NO_STORE, allow, refuse, write_reply};
use crate::http::routes::{Endpoint, route};
use crate::http::{Manner, Parse, Request, parse};
use crate::ports::{Printed, Ticket};
use crate::server::connection_buffer::{ConnectionBuffer, Got, READ_PER_VISIT};
use crate::server::context::{Context, Stage};
use crate::server::step::{Next, Queue, Step};
use hoga_protocol::AccountName;
use hoga_service::{Identity, Reply, RequestKind};
use hoga_views::Views;

/// Most requests of one connection that are answered before others have their turn.
const REQUESTS_PER_TURN: usize = 16;

/// Bytes read at once.
const READ: usize = 8 * 1024;

/// An ingress buffer that has grown beyond this many bytes is given back once it is empty.
const KEEP_CAPACITY: usize = 2 * 1024;

/// What a request asks for.
type Route = (&'static Endpoint, Parameters);

/// One connection's requests.
///
/// While a command of the connection waits for its events, nothing more is read or parsed: pipelined requests stay in
/// the ingress buffer, or in the socket, and are answered in the order they came.
#[derive(Debug)]
pub(crate) struct Requests {
    ingress: Vec<u8>,
    state: State,
    /// When the request being read began, or the last one ended, or the connection came.
    since: Duration,
    /// How far the request being read has come.
    part: Part,
    /// How the request is to be answered that came last.
    manner: Manner,
    /// The request whose signature is being verified, and what it asks for.
    held: Option<Box<(Request, Route)>>,
    /// What came of that.
    verdict: Option<Result<Identity, ApiError>>,
    /// The answer that is being made in portions.
    listing: Option<Box<Listing>>,
    /// The account that the request is charged to.
    payer: Option<AccountName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Reading requests.
    Reading,
    /// The signature of the request held is being verified.
    Checking,
    /// A command is sequenced or a page asked for, the response is not there yet.
    Waiting,
    /// The response is being made in portions.
    Listing,
    /// The last response is in the egress; nothing more is read.
    Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing came yet on this connection.
    First,
    /// Between two requests.
    Between,
    /// Some of the head is there.
    Head,
    /// The head is there, the body not yet.
    Body { continued: bool },
}

impl Requests {
    /// A connection accepted at `now`.
    pub fn new(now: Duration) -> Self {
        Self {
            ingress: Vec::new(),
            state: State::Reading,
            since: now,
            part: Part::First,
            manner: Manner {
                keep_alive: true,
                ..Manner::LAST
            },
            held: None,
            verdict: None,
            listing: None,
            payer: None,
        }
    }

    /// A connection that is only told why it is not wanted.
    pub fn turned_away(buffer: &mut ConnectionBuffer, now: Duration, error: &ApiError) -> Self {
        refuse(buffer.egress.out(), error, &Manner::LAST);
        Self {
            state: State::Ending,
            ..Self::new(now)
        }
    }

    /// Appends the response that was waited for.
    pub fn answer(&mut self, buffer: &mut ConnectionBuffer, reply: &Reply<'_>, views: &Views, now: Duration) {
        if self.state != State::Waiting {
            return;
        }
        write_reply(buffer.egress.out(), reply, views, &self.manner);
        self.next(now);
    }

    /// Begins the page that was waited for.
    pub fn print(&mut self, page: Printed) {
        if self.state == State::Waiting {
            self.begin_listing(Listing::text(page.content_type, &[NO_STORE], page.body));
        }
    }

    /// The bytes that came behind the last request.
    pub fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ingress)
    }

    /// Bytes of memory that the answer takes up that is being made.
    pub fn held(&self) -> usize {
        self.listing.as_ref().map_or(0, |listing| listing.held())
    }

    /// What came of the signature of the request that is held.
    pub fn admit(&mut self, identity: Result<Identity, ApiError>) {
        if self.held.is_some() {
            self.verdict = Some(identity);
        }
    }

    /// No request after the one being answered.
    pub fn shut(&mut self) {
        self.manner.keep_alive = false;
        if self.state == State::Reading {
            self.state = State::Ending;
        }
    }

    /// Reads, answers and writes, within bounds.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        let mut more = true;
        let rows = match (&self.listing, context.queue == Some(Queue::Answers)) {
            (None, _) => ROWS_AT_ONCE,
            (Some(_), true) => ROWS_PER_VISIT,
            (Some(_), false) => 0,
        };
        let most = match context.queue {
            Some(Queue::Replies) => 0,
            _ => REQUESTS_PER_TURN,
        };
        for _ in 0..most {
            if !self.may_go_on() || buffer.is_full() || buffer.taken >= READ_PER_VISIT {
                break;
            }
            match self.request(buffer, context) {
                Ok(Some(Handled::Upgraded(next))) => return Step::Become(next),
                Ok(Some(_)) => {}
                Ok(None) => {
                    more = false;
                    break;
                }
                Err(_) => return Step::Drop,
            }
        }
        if rows > 0 {
            self.go_on(rows, buffer, context);
        }
        if buffer.flush(context.now).is_err() {
            return Step::Drop;
        }
        match self.state {
            // Otherwise the socket calls once it has taken what waits.
            State::Listing if buffer.has_room(PORTION) => Step::Later,
            State::Ending if buffer.egress.is_empty() => Step::Become(Next::Close),
            State::Reading if buffer.ended && !more && buffer.egress.is_empty() => Step::Drop,
            State::Reading if more && !buffer.is_full() => Step::Again,
            _ => Step::Idle,
        }
    }

    /// When [`expire`](Self::expire) has something to do. Writing has a deadline of its own.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Option<Duration> {
        if self.state != State::Reading || !buffer.egress.is_empty() {
            return None;
        }
        let patience = match self.part {
            Part::First | Part::Head => config.header_timeout,
            Part::Between => config.idle_timeout,
            Part::Body { .. } => config.body_timeout,
        };
        Some(self.since + patience)
    }

    /// Gives up a request that does not become complete, or a connection that asks for nothing.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer) -> Step {
        if matches!(self.part, Part::First | Part::Between) {
            return Step::Drop;
        }
        let part = if self.part == Part::Head { "head" } else { "body" };
        let message = format!("the {part} of the request was not complete in time");
        let error = ApiError::new(codes::REQUEST_TIMEOUT, message);
        refuse(buffer.egress.out(), &error, &Manner::LAST);
        self.state = State::Ending;
        Step::Again
    }

    fn may_go_on(&self) -> bool {
        match self.state {
            State::Reading => true,
            State::Checking => self.verdict.is_some(),
            State::Waiting | State::Listing | State::Ending => false,
        }
    }

    /// Answers the next request; `None` when it is not there yet.
    fn request(
        &mut self,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> std::io::Result<Option<Handled>> {
        if let Some(verdict) = self.verdict.take()
            && let Some(held) = self.held.take()
        {
            let (request, route) = *held;
            let handled =
                verdict.and_then(|identity| self.act(&request, route, Some(identity), buffer, context));
            return Ok(Some(self.conclude(handled, buffer, context.now)));
        }
        loop {
            if !self.ingress.is_empty() {
                match parse(&self.ingress, &context.config.http) {
                    Ok(Parse::Request { request, consumed }) => {
                        self.ingress.drain(..consumed);
                        return Ok(Some(self.handle(request, buffer, context)));
                    }
                    Ok(Parse::NeedMore { expect_continue }) => {
                        self.incomplete(expect_continue, buffer, context.now)
                    }
                    Err(error) => {
                        context.stats.requests += 1;
                        refuse(buffer.egress.out(), &error, &Manner::LAST);
                        self.state = State::Ending;
                        return Ok(Some(Handled::Done));
                    }
                }
            }
            let mut bytes = [0; READ];
            match buffer.read(&mut bytes, context.now)? {
                Got::Bytes(count) => self.ingress.extend_from_slice(&bytes[..count]),
                Got::Nothing | Got::End => return Ok(None),
            }
        }
    }

    fn handle(
        &mut self,
        request: Request,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> Handled {
        context.stats.requests += 1;
        self.manner = Manner {
            keep_alive: request.keep_alive && context.stage < Stage::Draining,
            head_only: request.is_head(),
            quota: None,
            chunks: request.takes_chunks(),
            reader: context.hosts.reader(&request),
        };
        self.payer = None;
        let handled = self.begin(request, buffer, context);
        self.conclude(handled, buffer, context.now)
    }

    /// Charges a request to its address, has its signature verified if it must have one, and carries it out if not.
    fn begin(
        &mut self,
        request: Request,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> Result<Handled, ApiError> {
        let route = route(&request.method, &request.target);
        let kind = route
            .as_ref()
            .map_or(RequestKind::Queries, |(endpoint, _)| endpoint.kind);
        context.charge_address(buffer.origin, kind, &mut self.manner.quota)?;
        if self.manner.reader.is_some() && request.asks_leave() {
            allow(buffer.egress.out(), &self.manner);
            return Ok(Handled::Done);
        }
        let route = route?;
        if context.authentication.is_some() && !route.0.permissions.is_empty() {
            if let Some(agreed) = accept_unauthenticated(&request, route.0, buffer, context)? {
                let target = request.target.as_str().into();
                return Ok(Handled::Upgraded(Next::Authenticate { agreed, target }));
            }
            let now = context.wall();
            if let Some(authentication) = &mut context.authentication {
                let (peer, origin) = (context.peer, buffer.origin);
                authentication.ask(Ticket { peer, origin }, now, &request)?;
                self.held = Some(Box::new((request, route)));
                return Ok(Handled::Checking);
            }
        }
        self.act(&request, route, None, buffer, context)
    }

    /// Carries out a request of whoever it is from, whose account it is charged to.
    fn act(
        &mut self,
        request: &Request,
        route: Route,
        identity: Option<Identity>,
        buffer: &mut ConnectionBuffer,
        context: &mut Context<'_>,
    ) -> Result<Handled, ApiError> {
        let (endpoint, parameters) = route;
        context.charge_account(identity.as_ref(), endpoint.kind, &mut self.manner.quota)?;
        self.payer = identity.map(|identity| identity.account);
        let mut call = Call {
            request,
            parameters: &parameters,
            identity: identity.as_ref(),
            manner: &self.manner,
            buffer,
            context,
        };
        dispatch(endpoint, &mut call)
    }

    fn begin_listing(&mut self, listing: Listing) {
        self.listing = Some(Box::new(listing));
        self.state = State::Listing;
    }

    /// Makes the next portion of an answer, after looking at no more than so many rows, and charges for both.
    fn go_on(&mut self, rows: usize, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) {
        let Some(listing) = &mut self.listing else { return };
        // A portion waits until the socket has taken the one before it.
        if !buffer.has_room(PORTION) {
            return;
        }
        let budget = Budget {
            rows,
            until: context.clock.monotonic() + VISIT_TIME,
            clock: context.clock,
        };
        let before = listing.looked_at();
        let views = context.open.as_ref().map(|open| open.service.views());
        listing.go_on(buffer.egress.out(), views, &mut self.manner, budget);
        context.stats.query_rows += (listing.looked_at() - before) as u64;
        let (units, is_over) = (listing.owed_units(), listing.is_over());
        context.charge_query(buffer.origin, self.payer.as_ref(), units);
        if is_over {
            self.listing = None;
            self.next(context.now);
        }
    }

    /// Writes the refusal, if it is one, and goes on as what became of the request demands.
    fn conclude(
        &mut self,
        handled: Result<Handled, ApiError>,
        buffer: &mut ConnectionBuffer,
        now: Duration,
    ) -> Handled {
        let handled = handled.unwrap_or_else(|error| {
            refuse(buffer.egress.out(), &error, &self.manner);
            Handled::Done
        });
        match handled {
            Handled::Checking => self.state = State::Checking,
            Handled::Waiting => self.state = State::Waiting,
            Handled::Done => self.next(now),
            Handled::Listing(listing) => {
                self.begin_listing(*listing);
                return Handled::Waiting;
            }
            Handled::Upgraded(_) => {}
        }
        handled
    }

    /// After a response.
    fn next(&mut self, now: Duration) {
        self.state = if self.manner.keep_alive {
            State::Reading
        } else {
            State::Ending
        };
        self.part = Part::Between;
        self.since = now;
        if self.ingress.is_empty() && self.ingress.capacity() > KEEP_CAPACITY {
            self.ingress = Vec::new();
        }
    }

    /// Starts the clock of the part that is being read.
    fn incomplete(&mut self, expect_continue: bool, buffer: &mut ConnectionBuffer, now: Duration) {
        if matches!(self.part, Part::First | Part::Between) {
            self.part = Part::Head;
            self.since = now;
        }
        if self.part == Part::Head && has_head(&self.ingress) {
            self.part = Part::Body { continued: false };
            self.since = now;
        }
        if expect_continue && self.part == (Part::Body { continued: false }) {
            buffer
                .egress
                .out()
                .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.part = Part::Body { continued: true };
        }
    }
}

/// Whether a whole head is there. Empty lines before it are no part of it (RFC 9112 §2.2).
fn has_head(ingress: &[u8]) -> bool {
    let start = ingress.iter().position(|byte| !b"\r\n".contains(byte));
    start.is_some_and(|start| ingress[start..].windows(4).any(|window| window == b"\r\n\r\n"))
}
