//! A client whose handshake carried no credentials, until its first message does.

use std::io;
use std::time::Duration;

use crate::api;
use crate::auth::{AuthMessage, Verdict, parse_auth};
use crate::channel::{Channel, Incoming};
use crate::config::GatewayConfig;
use crate::gate::{Caller, Vouched};
use crate::http::Agreed;
use crate::line::Line;
use crate::phase::Phase;
use crate::ports::CommandSink;
use crate::route::Route;
use crate::turn::{Step, Turn};
use crate::wire::{ApiError, codes, encode};

/// No credentials, bad ones, or those of a key that no longer counts.
pub(crate) const UNAUTHENTICATED: u16 = 4401;

/// RFC 6455 §7.4.2: registered with IANA as "try again later".
const TRY_AGAIN_LATER: u16 = 1013;

/// Most frames of one client that are looked at before others have their turn.
const FRAMES_PER_TURN: usize = 8;

/// What a sign-in leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What the handshake asked for.
    pub route: Route,
    /// The handshake's target, which is signed.
    pub target: String,
}

/// A WebSocket on which nothing is sent before its client has shown who it is. What comes behind the first message stays
/// unread until then.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// Control frames, and the close.
    pub channel: Channel,
    agreed: Agreed,
    wanted: Wanted,
    since: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first message is not there yet.
    Expecting,
    /// Its signature is being verified; the id is to be echoed.
    Checking(Option<Box<str>>),
    /// The verdict is there.
    Judged(Option<Box<str>>, Verdict),
    /// It goes on as something else, or ends.
    Done,
}

impl SignIn {
    /// Waits from `now` on for whoever wants `wanted`; `leftover` came right behind the handshake.
    pub fn new(wanted: Wanted, agreed: Agreed, leftover: Vec<u8>, now: Duration) -> Self {
        Self {
            channel: Channel::new(agreed, leftover),
            agreed,
            wanted,
            since: now,
            state: State::Expecting,
        }
    }

    /// Takes the verdict that was waited for.
    pub fn judge(&mut self, verdict: Verdict) {
        if let State::Checking(id) = &mut self.state {
            self.state = State::Judged(id.take(), verdict);
        }
    }

    /// Takes the first message, and goes on as what was wanted once it is verified.
    pub fn serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        self.try_serve(line, turn).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, line: &Line, config: &GatewayConfig) -> Option<Duration> {
        match self.state {
            _ if !self.channel.is_open() => Some(self.channel.deadline(
                line,
                config.ping_after,
                config.close_after,
                config.write_stall,
            )),
            State::Expecting => Some(self.since + config.header_timeout),
            _ => None,
        }
    }

    /// Closes a client that did not show who it is, and gives up one that was closed long enough.
    pub fn expire<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        if self.channel.is_given_up(turn.now, turn.config.write_stall) {
            return Step::Drop;
        }
        if matches!(self.state, State::Expecting) {
            let message = "no auth message came in time";
            self.refuse(&ApiError::new(codes::UNAUTHENTICATED, message), line, turn.now);
        }
        Step::Again
    }

    fn try_serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> io::Result<Step> {
        let mut unread = true;
        for _ in 0..FRAMES_PER_TURN {
            if !self.may_read() {
                break;
            }
            let first = match self.channel.read(line, turn.intake, turn.now)? {
                Incoming::Text(text) => parse_auth(text.as_bytes()),
                Incoming::Binary(_) => Err(ApiError::new(
                    codes::UNAUTHENTICATED,
                    "the first message is an auth, in JSON and as text in every format",
                )),
                Incoming::Control => continue,
                Incoming::Nothing | Incoming::Over => {
                    unread = false;
                    break;
                }
            };
            if self.channel.is_open()
                && let Err(error) = first.and_then(|first| self.check(first, turn))
            {
                self.refuse(&error, line, turn.now);
            }
        }
        if let Some(step) = self.go_on(line, turn) {
            return Ok(step);
        }
        line.flush(turn.now)?;
        Ok(if let Some(end) = self.channel.end(line, turn.now) {
            end
        } else if unread && self.may_read() {
            Step::Again
        } else {
            Step::Idle
        })
    }

    /// What follows a close frame of ours is read for the client's own.
    fn may_read(&self) -> bool {
        !self.channel.is_open() || matches!(self.state, State::Expecting)
    }

    fn check<S>(&mut self, first: AuthMessage, turn: &mut Turn<'_, S>) -> Result<(), ApiError> {
        let (now, subject) = (turn.wall(), ["GET", self.wanted.target.as_str()]);
        turn.gate.ask(turn.peer, now, &first.credentials, subject, b"")?;
        self.state = State::Checking(first.id);
        Ok(())
    }

    fn go_on<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Option<Step> {
        let State::Judged(id, verdict) = std::mem::replace(&mut self.state, State::Done) else {
            return None;
        };
        if !self.channel.is_open() {
            return None;
        }
        match self.admit(&verdict, turn) {
            Ok((caller, upgrade)) => {
                if let (Some(id), Caller::Known(vouched)) = (id, caller) {
                    let mut text = Vec::with_capacity(128);
                    write_reply(&mut text, &id, &vouched);
                    turn.framer
                        .echo(line.egress.buffer(), self.agreed.deflate, true, &text);
                }
                let channel = std::mem::replace(&mut self.channel, Channel::new(self.agreed, Vec::new()));
                Some(Step::Become(Phase::of(upgrade, self.agreed, channel, turn.now)))
            }
            Err(error) => {
                self.refuse(&error, line, turn.now);
                None
            }
        }
    }

    fn admit<S: CommandSink>(
        &self,
        verdict: &Verdict,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Caller, api::Upgrade), ApiError> {
        let (now, route) = (turn.wall(), &self.wanted.route);
        let caller = turn.gate.admit(now, verdict, route.needs())?;
        Ok((caller, api::stream(route, &caller, turn)?))
    }

    fn refuse(&mut self, error: &ApiError, line: &mut Line, now: Duration) {
        self.state = State::Done;
        let (code, reason) = close_of(error);
        self.channel.close(line, now, code, &reason);
    }
}

/// The close that says on an open WebSocket what a status would have said before it.
fn close_of(error: &ApiError) -> (u16, String) {
    let code = match error.status {
        400 => UNAUTHENTICATED,
        status @ (401..=428) => 4_000 + status,
        _ => TRY_AGAIN_LATER,
    };
    let reason = format!("{}: {}", error.code, error.message);
    (code, reason.replace(|char: char| !char.is_ascii(), "?"))
}

fn write_reply(out: &mut Vec<u8>, id: &str, vouched: &Vouched) {
    out.extend_from_slice(b"{\"id\":");
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(b",\"account\":");
    encode::string(out, vouched.identity.account.as_str());
    out.extend_from_slice(b",\"key\":");
    encode::string(out, &vouched.identity.key.to_string());
    out.push(b'}');
}
