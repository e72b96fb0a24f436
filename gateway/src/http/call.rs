//! One request on its way to its handler.

use hoga_protocol::ExchangeId;
use hoga_service::{Identity, Reject};
use hoga_views::Views;

use crate::codec::ids;
use crate::http::parameters::Parameters;
use crate::http::reply::respond;
use crate::http::{Manner, Request};
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::Context;

/// A request that may reach its endpoint, and what it is answered with.
pub(crate) struct Call<'a, 'c> {
    pub request: &'a Request,
    pub parameters: &'a Parameters,
    /// Whose key signed it, where authentication is on.
    pub identity: Option<&'a Identity>,
    /// How it is answered.
    pub manner: &'a Manner,
    pub buffer: &'a mut ConnectionBuffer,
    pub context: &'a mut Context<'c>,
}

impl Call<'_, '_> {
    /// Appends a JSON response of 200 whose body `write` appends.
    pub fn respond(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        respond(self.buffer.egress.out(), 200, self.manner, write);
    }

    /// The views.
    ///
    /// # Errors
    /// [`Reject::Recovering`].
    pub fn views(&self) -> Result<&Views, Reject> {
        self.context.views()
    }

    /// The exchange that ids are of; 0 while it recovers.
    pub fn exchange(&self) -> ExchangeId {
        self.views().map_or(ExchangeId::default(), ids::exchange)
    }
}
