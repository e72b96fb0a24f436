//! The `hoga` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    hoga::cli::run()
}
