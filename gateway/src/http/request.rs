//! A request.

/// A request, with all of it that outlives the buffer it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method as it was sent; methods are case-sensitive.
    pub method: String,
    /// Path and query, beginning with `/`; `*` only for OPTIONS.
    pub target: String,
    /// Whom the client believes it speaks to: the host of an absolute target, else the `Host` header.
    pub host: Option<String>,
    /// Whether the connection goes on after the response.
    pub keep_alive: bool,
    /// The body.
    pub body: Vec<u8>,
    /// The 1 of HTTP/1.1.
    pub(super) minor_version: u8,
    /// All headers in the order they were sent.
    pub(super) headers: Vec<Header>,
}

/// One header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Box<str>,
    pub(super) value: Box<[u8]>,
}

impl Request {
    /// The first header called `name`, in any case; `None` also when it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Whether its client takes a body in chunks.
    pub fn takes_chunks(&self) -> bool {
        self.minor_version >= 1
    }

    /// Whether only the head of the response is asked for.
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Whether it is a browser's question for leave to send another one (a CORS preflight; Fetch §4.8).
    pub fn asks_leave(&self) -> bool {
        self.method == "OPTIONS" && self.header("access-control-request-method").is_some()
    }

    /// Whether a comma-separated header, given once or more, has `token` in any case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
    }

    /// All headers called `name`, in any case, whatever bytes they have.
    pub(crate) fn lines<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| &*header.value)
    }

    /// Every header called `name`, in any case and in the order they were sent; those that are not UTF-8 are left out.
    pub(crate) fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.lines(name).filter_map(|line| std::str::from_utf8(line).ok())
    }
}
