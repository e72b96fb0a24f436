//! The page at `/`, the time, whether the exchange lives and takes orders, and what it measures.

use hoga_service::Reject;

use crate::codec::{ApiError, encode};
use crate::http::call::Call;
use crate::http::outcome::Handled;
use crate::http::paging::Listing;
use crate::http::reply::{PAGE, PAGE_HEADERS};
use crate::ports::Page;
use crate::server::context::Stage;

/// `/`
pub(crate) fn start_page(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    call.context.check_memory()?;
    call.views()?;
    let page = Listing::text("text/html; charset=utf-8", PAGE_HEADERS, PAGE.as_bytes());
    Ok(Handled::Listing(Box::new(page)))
}

/// `/api/v1/time`
pub(crate) fn time(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    call.views()?;
    let now = call.context.wall();
    call.respond(|body| encode::time(body, now));
    Ok(Handled::Done)
}

/// `/healthz`
pub(crate) fn alive(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    call.respond(|body| encode::status(body, "ok"));
    Ok(Handled::Done)
}

/// `/readyz`: whether clients should be sent here: orders are taken, and will be for a while.
pub(crate) fn ready(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let open = call.context.open.as_ref().ok_or(Reject::Recovering)?;
    if call.context.stage >= Stage::Leaving {
        return Err(Reject::ShuttingDown.into());
    }
    open.service.must_take_orders()?;
    call.respond(|body| encode::status(body, "ready"));
    Ok(Handled::Done)
}

/// `/metrics`
pub(crate) fn metrics(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let openmetrics = call.request.prefers("application/openmetrics-text", "text/plain");
    ask(call, Page::Metrics { openmetrics })
}

/// `/metrics/latency`
pub(crate) fn latency(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    ask(call, Page::Latency)
}

/// Has another thread make a page.
fn ask(call: &mut Call<'_, '_>, page: Page) -> Result<Handled, ApiError> {
    call.context.telemetry.ask(call.context.peer, page)?;
    Ok(Handled::Waiting)
}
