//! What a gateway counts, in one table: the field, the metric that shows it, and what it means.

/// One of the counts, as `/metrics` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, without the prefix and the suffix that all have.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Whether it goes up and down; else it is a total since the start.
    pub is_gauge: bool,
}

macro_rules! stats {
    ($($kind:ident $field:ident: $type:ident = $name:literal $help:literal;)*) => {
        /// Counts of a gateway, for metrics and tests. Totals are since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct GatewayStats {
            $(#[doc = $help] pub $field: $type,)*
        }

        impl GatewayStats {
            /// How many counts there are.
            pub const COUNT: usize = Self::METRICS.len();

            /// The metrics that show them.
            pub const METRICS: &[Metric] = &[
                $(Metric { name: $name, help: $help, is_gauge: is_gauge!($kind) },)*
            ];

            /// All counts, in the order of [`METRICS`](Self::METRICS).
            pub fn to_array(&self) -> [u64; Self::COUNT] {
                [$(self.$field as u64,)*]
            }

            /// From all counts, as [`to_array`](Self::to_array) gives them.
            pub fn from_array(counts: [u64; Self::COUNT]) -> Self {
                let [$($field,)*] = counts;
                Self { $($field: $field as $type,)* }
            }
        }
    };
}

macro_rules! is_gauge {
    (gauge) => {
        true
    };
    (counter) => {
        false
    };
}

stats! {
    gauge connections: usize = "gateway_connections"
        "Connections open now.";
    gauge subscribers: usize = "gateway_subscribers"
        "Of the connections, subscribers of executions or trades.";
    gauge sessions: usize = "gateway_sessions"
        "Of the connections, order sessions.";
    gauge backlog: usize = "gateway_backlog_commands"
        "Commands sequenced whose events have not come back, and those that the gateway owes and has not sequenced yet.";
    gauge waiting_bytes: usize = "gateway_waiting_bytes"
        "Bytes of memory that answers and frames take up that wait for their readers; queries are refused above `gateway.max_waiting_bytes`.";
    counter accepted: u64 = "gateway_accepted"
        "Connections accepted.";
    counter turned_away: u64 = "gateway_turned_away"
        "Connections turned away because there were too many.";
    counter requests: u64 = "gateway_requests"
        "Requests, by HTTP and WebSocket.";
    counter address_limited: u64 = "gateway_address_limited"
        "Requests refused because their address had sent as many in a second as it may.";
    counter account_limited: u64 = "gateway_account_limited"
        "Requests refused because their account had sent as many in a second as it may.";
    counter account_turned_away: u64 = "gateway_account_turned_away"
        "WebSockets refused because their account had as many as it may.";
    counter busy_refusals: u64 = "gateway_busy_refusals"
        "Commands answered `busy` or `journal_full`.";
    counter query_refusals: u64 = "gateway_query_refusals"
        "Queries answered `busy` because answers that wait took up as much memory as they may.";
    counter query_rows: u64 = "gateway_query_rows"
        "Rows that queries have looked at, whether they were shown or not.";
    counter held_drains: u64 = "gateway_held_drains"
        "How often the gateway left events in the output ring until sessions or subscribers that read were handed what those events would have evicted.";
    counter events: u64 = "gateway_events"
        "Events folded into the views.";
    counter executions: u64 = "executions"
        "Executions since the start, one for each side of a trade.";
    counter executions_streamed: u64 = "executions_streamed"
        "Execution messages handed to sockets, over all subscribers.";
    counter stream_writes: u64 = "gateway_stream_writes"
        "Writes that took execution messages, over all subscribers: fewer than messages where many go together.";
    counter stream_bytes: u64 = "gateway_stream_bytes"
        "Bytes of execution messages that those writes took.";
    counter slow_consumer_closes: u64 = "slow_consumer_closes"
        "Connections closed because they read too slowly, or not at all.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::tests::document::check_table;

    #[test]
    fn the_documents_table_of_gateway_counts_is_that_of_the_code() {
        let mut table = "| metric | | meaning |\n|---|---|---|\n".to_owned();
        for Metric { name, help, is_gauge } in GatewayStats::METRICS {
            let (suffix, kind) = if *is_gauge {
                ("", "gauge")
            } else {
                ("_total", "counter")
            };
            table.push_str(&format!("| `hoga_{name}{suffix}` | {kind} | {help} |\n"));
        }
        check_table("metrics.md", "counts of the gateway", &table);
    }

    #[test]
    fn counts_survive_as_an_array() {
        let counts = std::array::from_fn(|at| at as u64 + 1);
        assert_eq!(GatewayStats::from_array(counts).to_array(), counts);
    }
}
