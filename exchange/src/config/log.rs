//! `[log]`: what a running exchange tells of itself, line by line.

use serde::{Deserialize, Serialize};

/// Which events are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What ends the exchange.
    Error,
    /// Also what somebody should look at.
    Warn,
    /// Also what has been done.
    #[default]
    Info,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A sentence and its fields, for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Which events are told.
    pub level: LogLevel,
    /// How each is written.
    pub format: LogFormat,
}
