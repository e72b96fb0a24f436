//! `[auth]`: whether those who trade must show who they are.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hoga_gateway::auth::AuthConfig;
use serde::{Deserialize, Serialize};

const WINDOW_MS: RangeInclusive<u64> = 100..=60_000;

/// Whether private requests are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// Anybody may name any account.
    #[default]
    Off,
    /// Each private request is signed by a registered key.
    Required,
}

impl AuthMode {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            AuthMode::Off => "off",
            AuthMode::Required => "required",
        }
    }
}

/// `[auth]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSection {
    /// Whether private requests are signed.
    pub mode: AuthMode,
    /// The key file; a relative path begins in the data folder.
    pub keys: PathBuf,
    /// Milliseconds for which a signature counts.
    pub receive_window_ms: u64,
}

impl Default for AuthSection {
    fn default() -> Self {
        Self {
            mode: AuthMode::default(),
            keys: PathBuf::from("keys.toml"),
            receive_window_ms: AuthConfig::default().receive_window.as_millis() as u64,
        }
    }
}

impl AuthSection {
    /// Whether every setting is one that can be kept.
    ///
    /// # Errors
    /// In words: which is not, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if !WINDOW_MS.contains(&self.receive_window_ms) {
            return Err(format!(
                "auth.receive_window_ms is {}: write milliseconds from {} to {}",
                self.receive_window_ms,
                WINDOW_MS.start(),
                WINDOW_MS.end()
            ));
        }
        if self.keys.as_os_str().is_empty() {
            return Err(
                "auth.keys is empty: write the path of the key file, such as \"keys.toml\"".to_owned(),
            );
        }
        Ok(())
    }

    /// The key file of an exchange whose data is in `data_dir`.
    pub fn key_file(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(&self.keys)
    }

    /// The gateway's part.
    pub fn gateway(&self) -> AuthConfig {
        AuthConfig {
            receive_window: Duration::from_millis(self.receive_window_ms),
            ..AuthConfig::default()
        }
    }

    /// Refuses to let strangers trade: without authentication only programs on this machine may connect, unless the
    /// operator insists.
    ///
    /// # Errors
    /// In words, with what to do.
    pub fn check_listen(&self, listen: SocketAddr, insecure: bool) -> Result<(), String> {
        if self.mode == AuthMode::Required || insecure || listen.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(format!(
            "listen is {listen}, which other machines can reach, and authentication is off: anybody there could trade for any \
             account. Set [auth] mode = \"required\" and make keys (`hoga keys new`, docs/operations.md), or listen on 127.0.0.1; \
             --insecure starts it all the same"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_without_authentication_is_not_open_to_other_machines_by_mistake() {
        let check = |listen: &str, mode, insecure| {
            let section = AuthSection {
                mode,
                ..AuthSection::default()
            };
            section.check_listen(listen.parse().unwrap(), insecure)
        };
        for local in [
            "127.0.0.1:3030",
            "127.8.9.10:0",
            "[::1]:3030",
            "[::ffff:127.0.0.1]:3030",
        ] {
            assert_eq!(check(local, AuthMode::Off, false), Ok(()), "{local}");
        }
        for open in [
            "0.0.0.0:3030",
            "[::]:0",
            "10.0.0.7:3030",
            "[::ffff:10.0.0.7]:3030",
            "[fe80::1]:3030",
            "128.0.0.1:1",
        ] {
            let said = check(open, AuthMode::Off, false).unwrap_err();
            assert!(
                said.contains(open) && said.contains("hoga keys new") && said.contains("--insecure"),
                "{said}"
            );
            assert_eq!(check(open, AuthMode::Required, false), Ok(()), "{open}");
            assert_eq!(check(open, AuthMode::Off, true), Ok(()), "{open}");
        }
    }

    #[test]
    fn a_window_that_cannot_be_kept_is_refused_and_its_neighbour_is_not() {
        let check = |receive_window_ms| {
            AuthSection {
                receive_window_ms,
                ..AuthSection::default()
            }
            .check()
        };
        for fine in [100, 5_000, 60_000] {
            assert_eq!(check(fine), Ok(()));
        }
        for wrong in [0, 99, 60_001, u64::MAX] {
            assert!(
                check(wrong)
                    .unwrap_err()
                    .contains(&format!("auth.receive_window_ms is {wrong}"))
            );
        }
    }

    #[test]
    fn a_key_file_is_not_looked_for_in_the_working_folder() {
        let named = |keys: &str| AuthSection {
            keys: keys.into(),
            ..AuthSection::default()
        };
        assert_eq!(
            named("keys.toml").key_file(Path::new("data")),
            Path::new("data/keys.toml")
        );
        assert_eq!(
            named("/etc/hoga/keys.toml").key_file(Path::new("data")),
            Path::new("/etc/hoga/keys.toml")
        );
    }
}
