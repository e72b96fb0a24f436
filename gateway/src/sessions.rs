//! Order sessions: `/ws/orders`. Requests come in; replies and the order updates of the session's account go out, which
//! the session reads out of the views as its socket takes them.

pub(crate) mod by_account;

pub(crate) mod order_session;
