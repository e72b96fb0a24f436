//! Administration: who may, and requests to commands.

use std::net::SocketAddr;

use hoga_protocol::OperatorName;

use crate::answer::Answer;
use crate::api::Handled;
use crate::desk::Taken;
use crate::http::Request;
use crate::line::Line;
use crate::pending::Waiter;
use crate::ports::CommandSink;
use crate::turn::{Turn, recovering};
use crate::wire::request::{AdminPath, parse_admin};
use crate::wire::{ApiError, codes};

/// Who does what is done without authentication by somebody who gives no name.
const OPERATOR: &str = "operator";

/// Sequences what an operator asks for.
///
/// # Errors
/// What the client is told; nothing was sequenced then, save perhaps the opening of an account.
pub(crate) fn handle<S: CommandSink>(
    path: AdminPath,
    request: &Request,
    keep_alive: bool,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    let asked = if turn.config.authenticated {
        Asked::Signed
    } else {
        Asked::Plainly(line.socket.peer_addr().ok())
    };
    // Before the body is looked at, so that strangers learn nothing from its errors.
    let certain = who(&asked)?;
    let parsed = parse_admin(path, &request.body)?;
    let by = certain.or(parsed.by).or(OperatorName::new(OPERATOR).ok());
    let by = by.unwrap_or_default();
    let now = turn.wall();
    let open = turn.open.as_mut().ok_or_else(recovering)?;
    match open.desk.administer(now, by, &parsed.op)? {
        Taken::Sequenced { sequence, asked } => {
            let peer = turn.peer;
            open.desk.wait(sequence, asked, Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Taken::Stands(outcome) => {
            let views = &open.desk.views;
            Answer::of(outcome, views).write_http(line.egress.buffer(), views, keep_alive);
            Ok(Handled::Done)
        }
    }
}

/// How an operator's request came.
enum Asked {
    /// Authentication is off; from this address, if the socket still knows it.
    Plainly(Option<SocketAddr>),
    /// Authentication is on.
    Signed,
}

/// Who operates the exchange by this request; none where that is whoever the request says. (That it names this exchange and comes from no page of another origin has been
/// checked.)
///
/// # Errors
/// 403 `forbidden`.
fn who(asked: &Asked) -> Result<Option<OperatorName>, ApiError> {
    let refusal = match asked {
        Asked::Plainly(Some(from)) if from.ip().to_canonical().is_loopback() => return Ok(None),
        Asked::Plainly(_) => {
            "without authentication the exchange is administered only from its own machine, over 127.0.0.1 or [::1]"
        }
        Asked::Signed => "with authentication the exchange takes no administration over its API",
    };
    Err(ApiError::new(codes::FORBIDDEN, refusal))
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
            let got = who(&Asked::Plainly(Some(from.parse().unwrap())));
            assert_eq!(got.is_ok(), may, "{from}");
        }
        assert!(who(&Asked::Plainly(None)).is_err());
        assert!(who(&Asked::Signed).is_err(), "nobody has shown who he is");
    }
}
