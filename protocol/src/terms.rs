//! The checks of an order's terms that need no state: the engine makes them, and whoever wants to know beforehand.

use crate::instrument::InstrumentSpec;
use crate::order::{NewOrder, OrderType, TimeInForce};
use crate::reason::RejectReason;
use crate::units::{Lots, Nanos, Notional, Ticks};

impl NewOrder {
    /// The terms against each other, then against the instrument: price, quantity, notional.
    ///
    /// # Errors
    /// The first check that fails: `InvalidCombination`, `InvalidPrice`, `QuantityTooSmall`, `QuantityTooLarge` or
    /// `NotionalTooSmall`.
    #[inline(always)]
    pub fn check_terms(&self, spec: &InstrumentSpec) -> Result<(), RejectReason> {
        let is_limit = self.order_type == OrderType::Limit;
        let may_rest = self.time_in_force == TimeInForce::Gtc;
        if (may_rest && !is_limit) || (self.post_only && !may_rest) {
            return Err(RejectReason::InvalidCombination);
        }
        if !is_limit && self.price != Ticks(0) {
            return Err(RejectReason::InvalidPrice);
        }
        if is_limit {
            check_price(self.price)?;
        }
        check_quantity(self.quantity, spec)?;
        if is_limit {
            check_notional(self.price, self.quantity, spec)?;
        }
        Ok(())
    }

    /// How long the order is valid, at `now` of the exchange. Its account may have forgotten ids that were valid until
    /// `forgotten`, so an order that is valid no longer than that may be one of them, carried out already.
    ///
    /// # Errors
    /// `InvalidValidUntil` or `ExpiredRequest`. Never without [`valid_until`](Self::valid_until).
    pub fn check_validity(&self, now: Nanos, forgotten: Nanos) -> Result<(), RejectReason> {
        if self.valid_until == Nanos(0) {
            return Ok(());
        }
        let latest = Nanos(now.0.saturating_add(NewOrder::MAX_VALIDITY.0));
        if self.client_order_id.is_empty() || self.valid_until > latest {
            return Err(RejectReason::InvalidValidUntil);
        }
        match self.valid_until > now.max(forgotten) {
            true => Ok(()),
            false => Err(RejectReason::ExpiredRequest),
        }
    }
}

/// Whether a limit is one that an order can have.
///
/// # Errors
/// `InvalidPrice`.
#[inline]
pub fn check_price(price: Ticks) -> Result<(), RejectReason> {
    match price {
        Ticks(1..) if price <= Ticks::MAX => Ok(()),
        _ => Err(RejectReason::InvalidPrice),
    }
}

/// Whether a total is within the instrument's limits.
///
/// # Errors
/// `QuantityTooSmall` or `QuantityTooLarge`.
#[inline]
pub fn check_quantity(quantity: Lots, spec: &InstrumentSpec) -> Result<(), RejectReason> {
    if quantity < spec.min_quantity {
        return Err(RejectReason::QuantityTooSmall);
    }
    if quantity > spec.max_quantity {
        return Err(RejectReason::QuantityTooLarge);
    }
    Ok(())
}

/// Whether an order is worth enough. `price` and `quantity` have passed their own checks, so the product fits.
///
/// # Errors
/// `NotionalTooSmall`.
#[inline]
pub fn check_notional(price: Ticks, quantity: Lots, spec: &InstrumentSpec) -> Result<(), RejectReason> {
    if spec.min_notional > Notional(0) && spec.notional(price, quantity) < spec.min_notional {
        return Err(RejectReason::NotionalTooSmall);
    }
    Ok(())
}
