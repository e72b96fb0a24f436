//! The Hoga exchange: configuration, recovery, the ring pipeline and the command line.
//!
//! [`pipeline`] draws the rings and threads. The rest of the walk lives in the rooms it joins: `hoga-gateway`,
//! `hoga-journal`, `hoga-engine`, `hoga-views`.

pub mod cli;
pub mod config;
pub mod hexadecimal;
pub mod instruments;
pub mod output;

pub mod keys;
pub mod verifier;

pub mod descriptors;
pub mod log;
pub mod manager;
pub mod memory;
pub mod notices;
pub mod recovery;
pub mod serve;
pub mod watchdog;

pub mod clock;

pub mod pipeline;

pub mod agent;
pub mod checkpoints;
pub mod cores;
pub mod counters;
pub mod journaler;
pub mod matcher;
pub mod priority;
pub mod recorder;
pub mod slots;

pub mod metrics;

pub mod histograms;

pub mod following;
pub mod upgrade;

pub mod doctor;

pub mod admin_tool;
pub mod archive;
pub mod client;
pub mod journal_dump;
pub mod journal_tools;
pub mod latency_tool;
pub mod replay;
pub mod snapshot_tools;
