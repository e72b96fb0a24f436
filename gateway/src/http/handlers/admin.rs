//! Administration: who may, and requests to commands.

use std::net::SocketAddr;

use hoga_protocol::OperatorName;
use hoga_service::{AdminRequest, Reject, Submitted};

use crate::codec::request::{AdminPath, parse_admin};
use crate::codec::{ApiError, codes, encode};
use crate::http::call::Call;
use crate::http::outcome::Handled;
use crate::http::reply::write_reply;
use crate::ports::LogEvent;
use crate::server::peer::Waiter;

/// Who does what is done without authentication by somebody who gives no name.
const OPERATOR: &str = "operator";

/// Headers of a proxy: whoever sent a request that has one is somewhere else.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Sequences what an operator asks for. Where a key signed it, the key's id is who did it, whatever the request says.
///
/// # Errors
/// What the client is told; nothing was sequenced then, save perhaps the opening of an account.
pub(crate) fn handle(path: AdminPath, call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    // Before the body is looked at, so that strangers learn nothing from its errors.
    let certain = match call.identity {
        Some(identity) => OperatorName::new(identity.key.as_str()).ok(),
        None => {
            // Whatever bytes it has: a proxy may have appended to what a client made up.
            let is_passed_on = |name| call.request.lines(name).next().is_some();
            let is_passed_on = FORWARDED.into_iter().any(is_passed_on);
            let from = call.buffer.socket.peer_addr().ok();
            unsigned(from.filter(|_| !is_passed_on))?;
            None
        }
    };
    let (named, asked) = parse_admin(path, &call.request.body)?;
    let by = certain.or(named).or(OperatorName::new(OPERATOR).ok());
    let by = by.unwrap_or_default();
    let context = &mut *call.context;
    let (now, system, peer) = (context.wall(), context.clock.system(), context.peer);
    let open = context.open.as_mut().ok_or(Reject::Recovering)?;
    if asked == AdminRequest::ShowClock {
        call.respond(|body| encode::clocks(body, now, system));
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
            open.waiters.add(Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Submitted::Replied(reply, views) => {
            write_reply(call.buffer.egress.out(), &reply, views, call.manner);
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
