//! How an exchange is started for a measurement.

use std::path::PathBuf;

use clap::Args;

use super::choices::{Idle, Layout};

/// An exchange of one's own.
#[derive(Clone, Debug, Args)]
pub struct HostArgs {
    /// The exchange's binary; by default `hoga` beside this one.
    #[arg(long, conflicts_with = "address")]
    pub hoga: Option<PathBuf>,
    /// The folder in which the started exchange keeps its journals; a fresh one inside it is used and removed.
    #[arg(long, conflicts_with = "address")]
    pub data_dir: Option<PathBuf>,
    /// What idle threads of the started exchange, and of an echo beside it, do.
    #[arg(long, value_enum, default_value_t = Idle::Ladder)]
    pub idle: Idle,
    /// How the started exchange lays journaler and matcher out on threads.
    #[arg(long, value_enum, default_value_t = Layout::Auto, conflicts_with = "address")]
    pub layout: Layout,
    /// Cores of the started exchange: those of `threads.cores`.
    #[arg(long, value_delimiter = ',', conflicts_with = "address")]
    pub cores: Vec<usize>,
}
