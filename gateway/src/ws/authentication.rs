//! A WebSocket whose handshake carried no credentials: its first message must say who it is.

use std::io;
use std::time::Duration;

use hoga_service::{Identity, Origin};

use crate::auth::{Subject, parse_auth};
use crate::codec::{ApiError, codes};
use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::http::dispatch;
use crate::ports::Ticket;
use crate::server::connection_buffer::{ConnectionBuffer, READ_PER_VISIT};
use crate::server::context::Context;
use crate::server::step::{Next, Opening, Step};
use crate::ws::stream::{Incoming, NOT_LET_IN, WebSocketStream};

/// Registered by IANA for RFC 6455 §7.4: nothing is wrong with the client.
const TRY_AGAIN_LATER: u16 = 1013;

/// A client that has been answered the handshake and nothing else yet. Its first message is an auth, in JSON and text
/// whatever format was agreed on; only when that is verified does the stream or the session begin, and until then
/// nothing more of it is read.
#[derive(Debug)]
pub(crate) struct Authenticating {
    /// Control frames, and the close; the stream goes on with it.
    pub websocket: WebSocketStream,
    agreed: Agreed,
    /// Path and query of the handshake, which the signature covers.
    target: Box<str>,
    since: Duration,
    /// Whether its signature is being verified.
    asked: bool,
    verdict: Option<Result<Identity, ApiError>>,
}

impl Authenticating {
    /// A client whose handshake for `target` was answered at `now`.
    pub fn new(target: Box<str>, agreed: Agreed, websocket: WebSocketStream, now: Duration) -> Self {
        Self {
            websocket,
            agreed,
            target,
            since: now,
            asked: false,
            verdict: None,
        }
    }

    /// The stream, with which the subscription or session goes on.
    pub fn take_stream(&mut self) -> WebSocketStream {
        let closed = WebSocketStream::new(self.agreed, Vec::new(), 0);
        std::mem::replace(&mut self.websocket, closed)
    }

    /// What came of its signature.
    pub fn admit(&mut self, identity: Result<Identity, ApiError>) {
        self.verdict = Some(identity);
    }

    /// Reads the first message, or goes on as what was asked for.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.try_serve(buffer, context).unwrap_or(Step::Drop)
    }

    /// By when it must have said who it is; then, by when it must have answered the close.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Option<Duration> {
        match self.websocket.is_open() {
            true => (!self.asked).then(|| self.since + config.header_timeout),
            false => Some(self.websocket.deadline(buffer, config)),
        }
    }

    /// Closes a client that does not say who it is, and gives up one that was closed long enough.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        if !self.websocket.is_open() {
            return self.websocket.expire(buffer, context.now, context.config);
        }
        let why = ApiError::new(codes::UNAUTHENTICATED, "no auth message came in time");
        self.close(&why, buffer, context.now);
        Step::Again
    }

    fn try_serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> io::Result<Step> {
        if let Some(verdict) = self.verdict.take()
            && self.websocket.is_open()
        {
            let begun = verdict
                .and_then(|identity| Ok((dispatch::start_of(&self.target, &identity, context)?, identity)));
            match begun {
                Ok((start, identity)) => {
                    let opening = Opening {
                        start,
                        agreed: self.agreed,
                        identity: Some(identity),
                    };
                    return Ok(Step::Become(Next::Open(Box::new(opening))));
                }
                Err(error) => self.close(&error, buffer, context.now),
            }
        }
        let mut unread = true;
        while self.may_read(buffer) && buffer.taken < READ_PER_VISIT {
            match self.websocket.read(buffer, context.intake, context.now)? {
                Incoming::Text(text) if self.websocket.is_open() => {
                    if let Err(error) = self.ask(text.as_bytes(), buffer.origin, context) {
                        self.close(&error, buffer, context.now);
                    }
                }
                Incoming::Binary(_) if self.websocket.is_open() => {
                    let why = "the first message must be an auth, in JSON and text";
                    self.close(&ApiError::new(codes::UNAUTHENTICATED, why), buffer, context.now);
                }
                Incoming::Nothing | Incoming::Over => {
                    unread = false;
                    break;
                }
                _ => break,
            }
        }
        buffer.flush(context.now)?;
        let idle = match unread && self.may_read(buffer) {
            true => Step::Again,
            false => Step::Idle,
        };
        Ok(self.websocket.end(buffer).unwrap_or(idle))
    }

    /// Pings are answered before the auth, too, and those answers are bounded. Behind a close the client's own is awaited.
    fn may_read(&self, buffer: &ConnectionBuffer) -> bool {
        (!self.asked || !self.websocket.is_open()) && !buffer.is_full()
    }

    fn ask(
        &mut self,
        message: &[u8],
        origin: Option<Origin>,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        let credentials = parse_auth(message)?.credentials;
        let subject = Subject::new("GET", &self.target, b"")
            .ok_or_else(|| ApiError::new(codes::UNAUTHENTICATED, "a target that cannot be signed"))?;
        let now = context.wall();
        let Some(authentication) = &mut context.authentication else {
            return Ok(());
        };
        let peer = context.peer;
        authentication.ask_for(Ticket { peer, origin }, now, &credentials, &subject)?;
        self.asked = true;
        Ok(())
    }

    fn close(&mut self, error: &ApiError, buffer: &mut ConnectionBuffer, now: Duration) {
        // A reason is ASCII here, and what a client sent is quoted with its own letters.
        let reason: String = format!("{}: {}", error.code, error.message)
            .chars()
            .map(|letter| if letter.is_ascii() { letter } else { '?' })
            .collect();
        let code = if error.status < 429 {
            NOT_LET_IN
        } else {
            TRY_AGAIN_LATER
        };
        self.websocket.close(buffer, now, code, &reason);
    }
}
