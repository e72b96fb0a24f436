//! From a route to its handler: who may go there, and what a WebSocket's handshake needs.

use hoga_service::{Identity, Reject};

use crate::auth::Credentials;
use crate::codec::{ApiError, codes};
use crate::http::call::Call;
use crate::http::outcome::Handled;
use crate::http::parameters::Parameters;
use crate::http::routes::{Endpoint, Handler, StartOf, route};
use crate::http::{Agreed, Request, write_upgrade};
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::{Context, Stage};
use crate::server::step::{Next, Opening, Start};

/// Has a request answered, its command sequenced, or its handshake accepted.
///
/// # Errors
/// What the client is told; nothing was sequenced then.
pub(crate) fn dispatch(endpoint: &Endpoint, call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    if let Some(identity) = call.identity
        && !endpoint.permissions.is_empty()
    {
        permit(identity, endpoint, call.context)?;
    }
    if endpoint.is_private {
        call.context.hosts.check(call.request)?;
    }
    match endpoint.handler {
        Handler::Answer(answer) => answer(call),
        Handler::Stream(start_of) => {
            let start = begin(start_of, call.parameters, call.identity, call.context)?;
            let compression = call.context.config.compression;
            let agreed = write_upgrade(call.request, compression, call.buffer.egress.out())?;
            let identity = call.identity.copied();
            Ok(Handled::Upgraded(Next::Open(Box::new(Opening {
                start,
                agreed,
                identity,
            }))))
        }
    }
}

/// Accepts the handshake of a client that will say in its first message who it is, if it asks for a stream and shows no
/// key; none otherwise.
///
/// # Errors
/// As of any other handshake.
pub(crate) fn accept_unauthenticated(
    request: &Request,
    endpoint: &Endpoint,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Option<Agreed>, ApiError> {
    let is_stream = matches!(endpoint.handler, Handler::Stream(_));
    if !is_stream || Credentials::from_request(request)?.is_some() {
        return Ok(None);
    }
    if endpoint.is_private {
        context.hosts.check(request)?;
    }
    context.views()?;
    if context.stage >= Stage::Draining {
        return Err(Reject::ShuttingDown.into());
    }
    write_upgrade(request, context.config.compression, buffer.egress.out()).map(Some)
}

/// Where the stream of a client begins that asked for `target` and has said who it is.
///
/// # Errors
/// 403 `forbidden`; what is wrong with the target.
pub(crate) fn start_of(
    target: &str,
    identity: &Identity,
    context: &mut Context<'_>,
) -> Result<Start, ApiError> {
    let (endpoint, parameters) = route("GET", target)?;
    permit(identity, endpoint, context)?;
    match endpoint.handler {
        Handler::Stream(start_of) => begin(start_of, &parameters, Some(identity), context),
        Handler::Answer(_) => Err(ApiError::new(codes::NOT_FOUND, "there is no stream here")),
    }
}

fn begin(
    start_of: StartOf,
    parameters: &Parameters,
    identity: Option<&Identity>,
    context: &mut Context<'_>,
) -> Result<Start, ApiError> {
    if context.stage >= Stage::Draining {
        return Err(Reject::ShuttingDown.into());
    }
    context.check_websockets(identity)?;
    start_of(parameters, identity, context)
}

/// Whether a key is good for an endpoint, by the keys there are now: they may have changed since its signature was verified.
///
/// # Errors
/// 401 `unauthenticated`, 403 `forbidden`.
fn permit(identity: &Identity, endpoint: &Endpoint, context: &Context<'_>) -> Result<(), ApiError> {
    let now = context.wall();
    let authentication = context.authentication.as_ref();
    if authentication.is_some_and(|authentication| !authentication.holds(identity, now)) {
        let message = format!(
            "key {} was revoked, has expired, or means something else now",
            identity.key
        );
        return Err(ApiError::new(codes::UNAUTHENTICATED, message));
    }
    Ok(identity.require_any(endpoint.permissions)?)
}
