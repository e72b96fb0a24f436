//! Administration: who may, and requests to commands.

use std::net::SocketAddr;

use hoga_protocol::OperatorName;
use hoga_service::{AdminRequest, Identity, Reject, Submitted};

use crate::codec::request::{AdminPath, parse_admin};
use crate::codec::{ApiError, codes, encode};
use crate::http::outcome::Handled;
use crate::http::reply::{respond, write_reply};
use crate::http::{Manner, Request};
use crate::ports::LogEvent;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::Context;
use crate::server::peer::Waiter;

/// Who does what is done without authentication by somebody who gives no name.
const OPERATOR: &str = "operator";

/// Headers of a proxy: whoever sent a request that has one is somewhere else.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Sequences what an operator asks for. `identity` is whose key signed it, where authentication is on; its id is then
/// who did it, whatever the request says.
///
/// # Errors
/// What the client is told; nothing was sequenced then, save perhaps the opening of an account.
pub(crate) fn handle(
    path: AdminPath,
    request: &Request,
    identity: Option<&Identity>,
    manner: &Manner,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Handled, ApiError> {
    // Before the body is looked at, so that strangers learn nothing from its errors.
    let certain = match identity {
        Some(identity) => OperatorName::new(identity.key.as_str()).ok(),
        None => {
            // Whatever bytes it has: a proxy may have appended to what a client made up.
            let is_passed_on = FORWARDED.iter().any(|name| request.lines(name).next().is_some());
            unsigned(buffer.socket.peer_addr().ok().filter(|_| !is_passed_on))?;
            None
        }
    };
    let (named, asked) = parse_admin(path, &request.body)?;
    let by = certain.or(named).or(OperatorName::new(OPERATOR).ok());
    let by = by.unwrap_or_default();
    let (now, system) = (context.wall(), context.clock.system());
    let open = context.open.as_mut().ok_or(Reject::Recovering)?;
    if asked == AdminRequest::ShowClock {
        respond(buffer.egress.buffer(), 200, manner, |body| {
            encode::clocks(body, now, system);
        });
        return Ok(Handled::Done);
    }
    let correlation = open.waiters.next();
    match (open.service).administer(now, system, by, &asked, correlation)? {
        Submitted::Sequenced(sequence) => {
            let (action, account, symbol) = asked.about();
            context.telemetry.log(&LogEvent::Administered {
                sequence,
                by,
                action,
                account,
                symbol,
            });
            let peer = context.peer;
            open.waiters.add(Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Submitted::Replied(reply, views) => {
            write_reply(buffer.egress.buffer(), &reply, views, manner);
            Ok(Handled::Done)
        }
    }
}

/// Whether a request without a signature, which authentication would not have let through to here, may operate the
/// exchange: from this address, if the socket still knows it. (That it names this exchange and comes from no page of
/// another origin has been checked.)
///
/// # Errors
/// 403 `forbidden`.
fn unsigned(from: Option<SocketAddr>) -> Result<(), ApiError> {
    if from.is_some_and(|from| from.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    let message = "without authentication the exchange is administered only from its own machine, over 127.0.0.1 or \
                   [::1] and through no proxy";
    Err(ApiError::new(codes::FORBIDDEN, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_does_not_administer_without_authentication() {
        for (from, may) in [
            ("127.0.0.1:5", true),
            ("127.9.9.9:5", true),
            ("[::1]:5", true),
            ("[::ffff:127.0.0.1]:5", true),
            ("192.168.0.1:5", false),
            ("[::ffff:10.0.0.1]:5", false),
            ("[fe80::1]:5", false),
        ] {
            assert_eq!(unsigned(Some(from.parse().unwrap())).is_ok(), may, "{from}");
        }
        assert!(unsigned(None).is_err());
    }
}
