//! A change of a resting order.

use hoga_protocol::{AccountId, AccountName, ReplaceOrder};
use hoga_views::{OrderState, Views};

use super::{Digits, account};
use crate::wire::codes;
use crate::wire::error::ApiError;
use crate::wire::format::Format;
use crate::wire::object::{Field, Object};

/// A request to change an order's price, its total, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceRequest {
    /// The new limit price; `None` keeps it.
    pub price: Option<Digits>,
    /// The new total, filled part included; `None` keeps it.
    pub quantity: Option<Digits>,
    /// Whose order it must be, if that was said.
    pub account: Option<AccountName>,
}

/// The fields of a replace.
pub(super) const FIELDS: &[Field] = &[Field::Price, Field::Quantity, Field::Account];

/// Reads the JSON body of a replace.
///
/// # Errors
/// [`ApiError`] naming the field, what is wrong with it, and what to send instead.
pub fn parse_replace(body: &[u8]) -> Result<ReplaceRequest, ApiError> {
    let mut object = Object::empty();
    object.read(body, Format::Json, "body")?;
    object.check(FIELDS, "a replace")?;
    read(&object)
}

/// Takes a replace's fields off an object.
pub(super) fn read(object: &Object<'_>) -> Result<ReplaceRequest, ApiError> {
    let request = ReplaceRequest {
        price: Digits::of(object, Field::Price, codes::INVALID_PRICE)?,
        quantity: Digits::of(object, Field::Quantity, codes::INVALID_QUANTITY)?,
        account: account(object)?,
    };
    if request.price.is_none() && request.quantity.is_none() {
        return Err(ApiError::new(
            codes::MISSING_FIELD,
            "price, quantity: a replace needs one of them, or both; quantity is the order's new total",
        ));
    }
    Ok(request)
}

impl ReplaceRequest {
    /// The command of `account`, on the grid of the instrument of `order`.
    ///
    /// # Errors
    /// [`ApiError`] when the price or quantity is zero, too large or off the grid.
    pub fn to_command(
        &self,
        account: AccountId,
        order: &OrderState,
        views: &Views,
    ) -> Result<ReplaceOrder, ApiError> {
        let spec = views.instruments().get(order.instrument).ok_or_else(|| {
            ApiError::new(
                codes::INTERNAL,
                "the order's instrument is not among the exchange's instruments",
            )
        })?;
        Ok(ReplaceOrder {
            account,
            order: order.order,
            price: self.price.map(|digits| digits.to_price(spec)).transpose()?,
            quantity: self.quantity.map(|digits| digits.to_quantity(spec)).transpose()?,
        })
    }
}
