//! A change of a resting order.

use hoga_protocol::AccountName;
use hoga_service::ReplaceRequest;

use super::{account, decimal};
use crate::codec::codes;
use crate::codec::error::ApiError;
use crate::codec::format::Format;
use crate::codec::object::{Field, Object};

/// The fields of a replace.
pub(super) const FIELDS: &[Field] = &[Field::Price, Field::Quantity, Field::Account];

/// Reads the JSON body of a replace, with the account whose order it must be, if that was said.
///
/// # Errors
/// [`ApiError`] naming the field, what is wrong with it, and what to send instead.
pub fn parse_replace(body: &[u8]) -> Result<(Option<AccountName>, ReplaceRequest), ApiError> {
    let mut object = Object::empty();
    object.read(body, Format::Json, "body")?;
    object.check(FIELDS, "a replace")?;
    let request = read(&object)?;
    Ok((account(&object)?, request))
}

/// Takes a replace's fields off an object.
pub(super) fn read(object: &Object<'_>) -> Result<ReplaceRequest, ApiError> {
    let request = ReplaceRequest {
        price: decimal(object, Field::Price, codes::INVALID_PRICE)?,
        quantity: decimal(object, Field::Quantity, codes::INVALID_QUANTITY)?,
    };
    if request.price.is_none() && request.quantity.is_none() {
        return Err(ApiError::new(
            codes::MISSING_FIELD,
            "price, quantity: a replace needs one of them, or both; quantity is the order's new total",
        ));
    }
    Ok(request)
}
