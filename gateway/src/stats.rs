//! What a gateway counts.

/// Counts of a gateway, for metrics and tests. Totals are since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayStats {
    /// Connections open now.
    pub connections: usize,
    /// Subscribers of the executions stream now.
    pub subscribers: usize,
    /// Order sessions open now.
    pub sessions: usize,
    /// Connections accepted in all.
    pub accepted: u64,
    /// Connections turned away because there were too many.
    pub turned_away: u64,
    /// Executions encoded, each once.
    pub executions: u64,
    /// Execution messages handed to sockets, over all subscribers.
    pub executions_streamed: u64,
    /// Writes to subscribers' sockets that took frames of the executions stream.
    pub stream_writes: u64,
    /// Bytes of frames that those writes took.
    pub stream_bytes: u64,
    /// Connections closed because they read too slowly, or not at all.
    pub slow_consumer_closes: u64,
    /// Requests received, HTTP and WebSocket.
    pub requests: u64,
    /// Requests refused because their address had sent as many in a second as it may.
    pub address_limited: u64,
    /// Requests refused because their account had.
    pub account_limited: u64,
    /// WebSockets refused because their account had as many as it may.
    pub account_turned_away: u64,
    /// Requests refused because the input ring was too full or the journal had no room.
    pub busy_refusals: u64,
    /// Commands sequenced whose events have not come yet, and internal commands not yet sequenced.
    pub backlog: usize,
    /// Events folded into the views.
    pub events: u64,
    /// Queries refused because the answers that wait took up as much memory as they may.
    pub query_refusals: u64,
    /// Rows that queries have looked at.
    pub query_rows: u64,
    /// Bytes of memory that answers and frames take up that wait for their readers.
    pub waiting_bytes: usize,
    /// How often events were left in the output ring because a reader had yet to be handed what they would evict.
    pub held_drains: u64,
}
