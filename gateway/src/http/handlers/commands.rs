//! Commands on behalf of an account.

use hoga_protocol::AccountName;
use hoga_service::{Caller, Identity, Reject, Request, Submitted};

use crate::codec::{ApiError, ids, request};
use crate::http::call::Call;
use crate::http::outcome::Handled;
use crate::http::reply::write_reply;
use crate::server::peer::Waiter;

/// `POST /api/v1/orders`
pub(crate) fn place(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (account, order) = request::parse_new_order(&call.request.body)?;
    execute(call, account, &Request::NewOrder(order))
}

/// `PATCH /api/v1/orders/{order_id}`
pub(crate) fn replace(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (account, change) = request::parse_replace(&call.request.body)?;
    let order = ids::parse_order_id(call.parameters.order_id(), call.exchange());
    execute(call, account, &Request::ReplaceOrder { order, change })
}

/// `DELETE /api/v1/orders/{order_id}`
pub(crate) fn cancel(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let order = ids::parse_order_id(call.parameters.order_id(), call.exchange());
    execute(call, call.parameters.account, &Request::CancelOrder { order })
}

/// `DELETE /api/v1/orders/by_client_id`
pub(crate) fn cancel_by_client_id(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let client_order_id = call.parameters.client_order_id;
    let request = Request::CancelClientOrder { client_order_id };
    execute(call, call.parameters.account, &request)
}

/// `DELETE /api/v1/orders`
pub(crate) fn cancel_all(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let symbol = call.parameters.symbol;
    execute(call, call.parameters.account, &Request::CancelAll { symbol })
}

/// `POST /api/v1/orders/cancel_all_after`
pub(crate) fn cancel_all_after(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let after = request::parse_cancel_all_after(&call.request.body)?;
    let timeout_ms = after.timeout_ms;
    execute(call, after.account, &Request::CancelAllAfter { timeout_ms })
}

/// Has a command carried out on behalf of the account that is named, or the key's.
fn execute(
    call: &mut Call<'_, '_>,
    account: Option<AccountName>,
    request: &Request,
) -> Result<Handled, ApiError> {
    let account = Identity::account_of(call.identity, account, false)?;
    let (now, origin, peer) = (call.context.wall(), call.buffer.origin, call.context.peer);
    let caller = Caller::new(origin, call.identity);
    let open = call.context.open.as_mut().ok_or(Reject::Recovering)?;
    let correlation = open.waiters.next();
    match (open.service).execute(now, &account, request, caller, correlation) {
        Ok(Submitted::Sequenced(_)) => {
            open.waiters.add(Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Ok(Submitted::Replied(reply, views)) => {
            write_reply(call.buffer.egress.out(), &reply, views, call.manner);
            Ok(Handled::Done)
        }
        Err(reject) => Err(call.context.refused(origin, &reject)),
    }
}
