//! What tools print, and the progress that they show.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Prints a tool's result. A reader that has seen enough and gone is no failure.
///
/// # Errors
/// In words: standard output cannot be written.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// A bar over bytes; it shows on a terminal only.
pub fn bytes_bar(what: &'static str) -> ProgressBar {
    styled(
        ProgressBar::no_length(),
        what,
        "{msg} [{bar:40}] {bytes}/{total_bytes} {eta}",
    )
}

/// A count without a known end; it shows on a terminal only.
pub fn counter(what: &'static str, of: &'static str) -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        what,
        &format!("{{msg}} {{spinner}} {{human_pos}} {of}"),
    )
}

/// Milliseconds that pass, of so many; it shows on a terminal only.
pub fn seconds(what: &'static str, of: Duration) -> ProgressBar {
    let bar = ProgressBar::new(of.as_millis() as u64);
    styled(bar, what, "{msg} {wide_bar} {elapsed}, {eta} to go")
}

fn styled(bar: ProgressBar, what: &'static str, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
