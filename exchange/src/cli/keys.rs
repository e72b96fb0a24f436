//! `hoga keys …`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use hoga_gateway::auth::PublicKey;
use hoga_service::KeyId;

use crate::config::Config;
use crate::keys::file::{Account, Moment, PermissionName};
use crate::keys::tool::{self, NewKey};

/// What can be done about API keys.
#[derive(Debug, Subcommand)]
pub enum KeysMode {
    /// Make a key pair, register its public half and print the private one, once.
    New(Box<NewArgs>),
    /// List the keys.
    List {
        #[command(flatten)]
        place: PlaceArgs,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key, for good.
    Revoke {
        /// The key's id.
        #[arg(value_parser = parse::<KeyId>)]
        id: KeyId,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The data folder of the exchange, with keys.toml in it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The key file, where it is not the configuration's.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Configuration file (TOML), the one of the exchange.
    #[arg(long, value_name = "FILE", env = "HOGA_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct NewArgs {
    /// Whose the key is.
    #[arg(long, value_name = "NAME", value_parser = parse::<Account>)]
    account: Account,
    /// What it may be used for: read, trade, drop_copy, admin.
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',', value_parser = parse::<PermissionName>)]
    permissions: Vec<PermissionName>,
    #[command(flatten)]
    place: PlaceArgs,
    /// Register this public key, whose holder keeps the private one: 32 bytes in base64.
    #[arg(long, value_name = "BASE64", value_parser = parse::<PublicKey>, conflicts_with = "out")]
    public_key: Option<PublicKey>,
    /// Write the private key into this new file, which only its owner may read, and do not print it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// From when on the key is good for nothing: 2027-01-01, 2027-01-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse::<Moment>)]
    expires: Option<Moment>,
    /// What you want to remember of it.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl PlaceArgs {
    fn path(&self) -> Result<PathBuf, String> {
        if let Some(path) = &self.keys {
            return std::path::absolute(path).map_err(|error| format!("--keys {}: {error}", path.display()));
        }
        let flags = super::data_dir_flag(self.data_dir.as_deref())?;
        let config = Config::load(self.config.as_deref(), std::env::vars(), flags)?;
        Ok(config.auth.key_file(&config.data_dir))
    }
}

impl KeysMode {
    /// Does it.
    ///
    /// # Errors
    /// In words.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::List { place, json } => tool::list(&place.path()?, json),
            Self::Revoke { id, place } => tool::revoke(&place.path()?, id),
            Self::New(args) => {
                let path = args.place.path()?;
                let wanted = NewKey {
                    account: args.account,
                    permissions: args
                        .permissions
                        .into_iter()
                        .map(|permission| permission.0)
                        .collect(),
                    public: args.public_key,
                    expires: args.expires,
                    note: args.note,
                    out: args.out,
                    json: args.json,
                };
                tool::new(&path, wanted)
            }
        }
    }
}

fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: T::Err| why.to_string())
}
