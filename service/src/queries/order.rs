//! One order.

use hoga_protocol::{AccountId, AccountName, ClientOrderId, OrderId};
use hoga_views::{OrderState, Views};

use crate::access::{Identity, Permission};
use crate::reject::Reject;

/// The order of that id, none where what was sent can be no order's id; when `account` is none, nobody has such an order.
///
/// # Errors
/// [`Reject::UnknownOrder`], also when the order is another account's.
pub fn find_order(
    order: Option<OrderId>,
    account: Option<AccountId>,
    views: &Views,
) -> Result<&OrderState, Reject> {
    order
        .and_then(|order| views.orders().get(order))
        .filter(|order| Some(order.account) == account)
        .ok_or(Reject::UnknownOrder)
}

/// The account's order of that name, the newest if it was given to several; when `account` is none, nobody has such an order.
///
/// # Errors
/// [`Reject::UnknownClientOrder`].
pub fn find_client_order<'v>(
    client_order_id: &ClientOrderId,
    account: Option<AccountId>,
    views: &'v Views,
) -> Result<&'v OrderState, Reject> {
    account
        .and_then(|account| views.orders().by_client_id(account, client_order_id))
        .ok_or(Reject::UnknownClientOrder(*client_order_id))
}

/// The order of that id if the caller may see it: whosever it is when no account is named and none has to be, else that
/// account's.
///
/// # Errors
/// [`Reject::UnknownOrder`], [`Reject::Forbidden`].
pub fn visible_order<'v>(
    identity: Option<&Identity>,
    order: Option<OrderId>,
    named: Option<AccountName>,
    views: &'v Views,
) -> Result<&'v OrderState, Reject> {
    let named = match (identity, named) {
        (None, named) => named,
        (Some(identity), None) if identity.permissions.has(Permission::DropCopy) => None,
        (identity, named) => Some(Identity::account_of(identity, named, true)?),
    };
    match &named {
        Some(name) => find_order(order, views.accounts().by_name(name), views),
        None => order
            .and_then(|order| views.orders().get(order))
            .ok_or(Reject::UnknownOrder),
    }
}
