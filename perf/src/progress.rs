//! A bar for a person at a terminal, and Ctrl-C that still tells what was done.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{Context, Outcome};

/// Set by the first Ctrl-C; the second one ends the process.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for Ctrl-C.
    ///
    /// # Errors
    /// When the handler cannot be installed.
    pub fn on_ctrl_c() -> Outcome<Self> {
        let stop = Self::default();
        let what = || "cannot listen for Ctrl-C".to_owned();
        let signal = signal_hook::consts::SIGINT;
        signal_hook::flag::register_conditional_shutdown(signal, 130, stop.0.clone()).context(what)?;
        signal_hook::flag::register(signal, stop.0.clone()).context(what)?;
        Ok(stop)
    }

    /// Asks for it, as Ctrl-C does.
    #[cfg(test)]
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A bar over `length` steps, drawn only where someone looks.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:12} {wide_bar} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(length)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(what)
}
