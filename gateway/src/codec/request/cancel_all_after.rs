//! A dead man's switch: a deadline that whoever trades must renew.

use hoga_protocol::AccountName;

use super::account;
use crate::codec::error::ApiError;
use crate::codec::format::Format;
use crate::codec::object::{Field, Object, invalid, missing};

/// A request to cancel all of an account's orders after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelAllAfterRequest {
    /// After how many milliseconds, [`MIN_TIMEOUT_MS`](Self::MIN_TIMEOUT_MS) to [`MAX_TIMEOUT_MS`](Self::MAX_TIMEOUT_MS);
    /// 0 ends the deadline that there is.
    pub timeout_ms: u64,
    /// Whose orders, if that was said.
    pub account: Option<AccountName>,
}

impl CancelAllAfterRequest {
    /// The shortest timeout, in milliseconds.
    pub const MIN_TIMEOUT_MS: u64 = 1_000;
    /// The longest timeout, in milliseconds.
    pub const MAX_TIMEOUT_MS: u64 = 86_400_000;
}

/// Reads the JSON body of a cancel-all-after.
///
/// # Errors
/// [`ApiError`] naming the field, what is wrong with it, and what to send instead.
pub fn parse_cancel_all_after(body: &[u8]) -> Result<CancelAllAfterRequest, ApiError> {
    let mut object = Object::empty();
    object.read(body, Format::Json, "body")?;
    object.check(&[Field::TimeoutMs, Field::Account], "a cancel_all_after")?;
    Ok(CancelAllAfterRequest {
        timeout_ms: timeout(&object)?,
        account: account(&object)?,
    })
}

/// The timeout in milliseconds.
pub(super) fn timeout(object: &Object<'_>) -> Result<u64, ApiError> {
    let (least, most) = (
        CancelAllAfterRequest::MIN_TIMEOUT_MS,
        CancelAllAfterRequest::MAX_TIMEOUT_MS,
    );
    let field = Field::TimeoutMs;
    match object.integer(field)? {
        Some(0) => Ok(0),
        Some(timeout) if (least..=most).contains(&timeout) => Ok(timeout),
        Some(timeout) => Err(invalid(
            field,
            format_args!("must be 0 or from {least} to {most} milliseconds, not {timeout}"),
        )),
        None => Err(missing(
            field,
            "after how many milliseconds all orders are canceled; 0 ends the deadline",
        )),
    }
}
