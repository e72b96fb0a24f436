//! One error type for a tool whose errors are read by a person: what is wrong, where, and what to do.

use std::fmt;

/// Why a run could not go on, in plain words.
pub struct Failure(String);

/// What every step of a run returns.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure told by `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Puts what was being done before the cause.
pub trait Context<T> {
    /// `what` names the step that failed and the thing it was about.
    fn context(self, what: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|cause| Failure(format!("{}: {cause}", what())))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
