//! What it takes to know who trades: the keys, and the thread that verifies.

use std::sync::Arc;
use std::thread::JoinHandle;

use hoga_gateway::GatewayWaker;

use crate::config::{AuthMode, Config};
use crate::cores::CorePlan;
use crate::keys::ring::{Keyring, Seen, Watching};
use crate::metrics::AuthFigures;
use crate::verifier::{self, Asker, VerifierFigures};

/// Reads the keys, where they are asked for.
///
/// # Errors
/// In words: the key file is damaged or cannot be read.
pub fn open_keys(config: &Config) -> Result<Option<(Keyring, Seen)>, String> {
    match config.auth.mode {
        AuthMode::Off => Ok(None),
        AuthMode::Required => Keyring::open(&config.auth.key_file(&config.data_dir)).map(Some),
    }
}

/// Authentication at work.
pub struct Authentication {
    /// The keys of the moment.
    pub keyring: Keyring,
    figures: Arc<VerifierFigures>,
    watching: Watching,
    verifier: JoinHandle<()>,
}

impl Authentication {
    /// Watches the key file and verifies signatures from now on, off the agents' cores; `waker` is the gateway's, which
    /// takes the asker. The verifier ends once that is dropped.
    ///
    /// # Errors
    /// In words: the system gives no thread.
    pub fn start(
        (keyring, seen): (Keyring, Seen),
        plan: CorePlan,
        waker: GatewayWaker,
    ) -> Result<(Self, Asker), String> {
        let figures = Arc::new(VerifierFigures::default());
        let (asker, verifier) = verifier::start(Arc::clone(&figures), plan, move || waker.wake())?;
        let watching = Watching::start(keyring.clone(), seen, plan)?;
        let this = Self {
            keyring,
            figures,
            watching,
            verifier,
        };
        Ok((this, asker))
    }

    /// What `/metrics` tells of it.
    pub fn figures(&self) -> AuthFigures {
        AuthFigures {
            keyring: self.keyring.clone(),
            verifier: Arc::clone(&self.figures),
        }
    }

    /// Ends its threads; the gateway has ended before.
    pub fn stop(self) {
        self.watching.stop();
        let _ = self.verifier.join();
    }
}
