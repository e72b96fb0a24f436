//! Where orders go in: an order socket, or a connection on which POST follows POST.

use mio::{Registry, Token};

use crate::cli::Via;
use crate::client::{Posts, Received, Socket};
use crate::failure::{Context, Failure, Outcome};
use crate::message::{Reply, ReplyReader, is_update};
use crate::orders::{Kind, Trading};

const READ_BUFFER: usize = 16 << 10;

/// A session of one account.
pub enum Session {
    /// On /ws/orders.
    Socket(Box<Socket>),
    /// By POST, for the account named.
    Http(Posts, String),
}

impl Session {
    /// Connects, and registers the connection under `token`.
    ///
    /// # Errors
    /// When the exchange cannot be reached or refuses.
    pub fn connect(
        address: &str,
        via: Via,
        account: &str,
        registry: &Registry,
        token: Token,
    ) -> Outcome<Self> {
        let what = || "cannot watch a session".to_owned();
        Ok(match via {
            Via::Websocket => {
                let path = format!("/ws/orders?account={account}");
                let mut socket = Socket::connect(address, &path, READ_BUFFER)?;
                socket.register(registry, token).context(what)?;
                Session::Socket(Box::new(socket))
            }
            Via::Http => Session::Http(Posts::connect(address, registry, token)?, account.to_owned()),
        })
    }

    /// Sends an order that trades at once, as far as the kernel takes it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn take(&mut self, trading: &Trading, id: u64) -> Outcome<()> {
        match self {
            Session::Socket(socket) => {
                socket.write(&trading.take(id))?;
                socket.flush()
            }
            Session::Http(posts, account) => posts.send(id, &trading.body(account, Kind::Take(1))),
        }
    }

    /// Sends what is still queued.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn flush(&mut self) -> Outcome<()> {
        match self {
            Session::Socket(socket) => socket.flush(),
            Session::Http(posts, _) => posts.flush(),
        }
    }

    /// The next reply, if one is there.
    ///
    /// # Errors
    /// When the connection has ended, or what came is no reply.
    pub fn read(&mut self, reader: &mut ReplyReader) -> Outcome<Option<Reply>> {
        match self {
            Session::Http(posts, _) => posts.read(),
            Session::Socket(socket) => loop {
                return match socket.read()? {
                    Received::Nothing => Ok(None),
                    Received::Text(text) if is_update(&text) => continue,
                    Received::Text(text) => reader.read(&text).map(Some),
                    Received::Closed(closing) => Err(Failure::new(format!(
                        "the exchange ended /ws/orders: {closing:?}"
                    ))),
                };
            },
        }
    }
}
