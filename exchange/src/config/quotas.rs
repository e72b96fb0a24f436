//! `[quotas]`: how much one account or address may take up.

use hoga_gateway::GatewayConfig;
use hoga_service::RequestRates;
use serde::{Deserialize, Serialize};

/// `[quotas]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotasSection {
    /// Most WebSockets at once of one account.
    pub websockets_per_account: usize,
    /// Most accounts that one address opens while the exchange runs.
    pub accounts_per_address: usize,
    /// Orders and replaces a second of one account; 0 is no limit, here and below.
    pub orders_per_account: u32,
    /// Cancels a second of one account.
    pub cancels_per_account: u32,
    /// Other requests a second of one account.
    pub queries_per_account: u32,
    /// Orders and replaces a second of one address.
    pub orders_per_address: u32,
    /// Cancels a second of one address.
    pub cancels_per_address: u32,
    /// Other requests a second of one address.
    pub queries_per_address: u32,
    /// Most headers of a request.
    pub headers: usize,
    /// Most bytes of a request line and its headers.
    pub header_bytes: usize,
    /// Most bytes of a request's body.
    pub body_bytes: usize,
    /// Most bytes of a WebSocket message.
    pub message_bytes: usize,
}

impl Default for QuotasSection {
    fn default() -> Self {
        let gateway = GatewayConfig::default();
        let (account, address) = (gateway.account_rates, gateway.address_rates);
        Self {
            websockets_per_account: gateway.max_connections_per_account,
            accounts_per_address: gateway.max_accounts_per_address,
            orders_per_account: account.orders,
            cancels_per_account: account.cancels,
            queries_per_account: account.queries,
            orders_per_address: address.orders,
            cancels_per_address: address.cancels,
            queries_per_address: address.queries,
            headers: gateway.http.max_headers,
            header_bytes: gateway.http.max_head,
            body_bytes: gateway.http.max_body,
            message_bytes: gateway.max_message,
        }
    }
}

impl QuotasSection {
    /// `gateway` with these limits.
    pub fn applied_to(&self, mut gateway: GatewayConfig) -> GatewayConfig {
        gateway.max_connections_per_account = self.websockets_per_account;
        gateway.max_accounts_per_address = self.accounts_per_address;
        gateway.account_rates = RequestRates {
            orders: self.orders_per_account,
            cancels: self.cancels_per_account,
            queries: self.queries_per_account,
        };
        gateway.address_rates = RequestRates {
            orders: self.orders_per_address,
            cancels: self.cancels_per_address,
            queries: self.queries_per_address,
        };
        gateway.http.max_headers = self.headers;
        gateway.http.max_head = self.header_bytes;
        gateway.http.max_body = self.body_bytes;
        gateway.max_message = self.message_bytes;
        gateway
    }
}
