//! One request off the front of a buffer.
//!
//! Where RFC 9112 leaves a choice, the strict one is made: a request that two programs could read differently (two
//! lengths, a length and a transfer coding, an obsolete line folding, a line that ends in LF alone) is refused, so none
//! can be smuggled past a proxy.

use httparse::{EMPTY_HEADER, Error, Status};

use super::authority::Authority;
use super::request::{Header, Request};
use crate::codec::{ApiError, codes};

/// Bounds on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Most bytes of request line and headers together.
    pub max_head: usize,
    /// Most headers, at most [`HttpLimits::MAX_HEADERS`].
    pub max_headers: usize,
    /// Most bytes of body.
    pub max_body: usize,
}

impl HttpLimits {
    /// The most that `max_headers` may be.
    pub const MAX_HEADERS: usize = 128;
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_head: 8 * 1024,
            max_headers: 64,
            max_body: 64 * 1024,
        }
    }
}

/// What the front of a buffer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parse {
    /// The beginning of a request; more bytes are needed.
    NeedMore {
        /// The client waits with its body: answer `HTTP/1.1 100 Continue` and an empty line, once.
        expect_continue: bool,
    },
    /// A whole request.
    Request {
        /// The request.
        request: Request,
        /// How many bytes of the buffer it took.
        consumed: usize,
    },
}

/// Takes one request off the front of `buffer`. It never needs more than `max_head + max_body` bytes.
///
/// # Errors
/// [`ApiError`] for what is not a request. Where the next one would begin is then unknown: answer with
/// `Connection: close` and close.
pub fn parse(buffer: &[u8], limits: &HttpLimits) -> Result<Parse, ApiError> {
    let mut storage = [EMPTY_HEADER; HttpLimits::MAX_HEADERS];
    let most = limits.max_headers.min(HttpLimits::MAX_HEADERS);
    let mut parsed = httparse::Request::new(&mut storage[..most]);
    let window = &buffer[..buffer.len().min(limits.max_head)];
    let status = parsed.parse(window).map_err(|error| bad_head(error, most))?;
    check_line_ends(match status {
        Status::Complete(head_len) => &window[..head_len],
        Status::Partial => window,
    })?;
    let head_len = match status {
        Status::Complete(head_len) => head_len,
        Status::Partial if buffer.len() >= limits.max_head => return Err(head_too_long(window, limits)),
        Status::Partial => {
            return Ok(Parse::NeedMore {
                expect_continue: false,
            });
        }
    };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        host: None,
        keep_alive: false,
        body: Vec::new(),
        minor_version: parsed.version.unwrap_or_default(),
        headers: parsed
            .headers
            .iter()
            .map(|header| Header {
                name: header.name.into(),
                value: header.value.into(),
            })
            .collect(),
    };
    set_target_and_host(&mut request)?;
    check_origin(&request)?;
    request.keep_alive = if request.minor_version == 0 {
        request.has_token("connection", "keep-alive")
    } else {
        !request.has_token("connection", "close")
    };
    let body_len = body_len(&request, limits)?;
    let expects_continue = expects_continue(&request)?;
    let body = &buffer[head_len..];
    if body.len() < body_len {
        return Ok(Parse::NeedMore {
            expect_continue: expects_continue && body.is_empty(),
        });
    }
    request.body = body[..body_len].to_vec();
    Ok(Parse::Request {
        request,
        consumed: head_len + body_len,
    })
}

fn bad(why: impl Into<String>) -> ApiError {
    ApiError::new(codes::BAD_HTTP, why)
}

/// Refuses a CR or an LF without the other, which some programs take for the end of a line and some do not. A CR that
/// is the last byte so far may still find its LF.
fn check_line_ends(head: &[u8]) -> Result<(), ApiError> {
    let mut before = None;
    for &byte in head {
        if (byte == b'\n') != (before == Some(b'\r')) {
            return Err(bad_line_end());
        }
        before = Some(byte);
    }
    Ok(())
}

fn bad_line_end() -> ApiError {
    bad("a line does not end in CR LF, or has one of the two alone within it")
}

fn head_too_long(window: &[u8], limits: &HttpLimits) -> ApiError {
    let max = limits.max_head;
    // Empty lines before a request are skipped, as the parser does.
    let start = window
        .iter()
        .position(|byte| !b"\r\n".contains(byte))
        .unwrap_or(window.len());
    if window[start..].contains(&b'\n') {
        let message =
            format!("request line and headers are longer than {max} bytes; send fewer or shorter headers");
        ApiError::new(codes::HEADERS_TOO_LARGE, message)
    } else {
        ApiError::new(
            codes::TARGET_TOO_LONG,
            format!("the request line is longer than {max} bytes"),
        )
    }
}

fn bad_head(error: Error, most: usize) -> ApiError {
    match error {
        Error::TooManyHeaders => ApiError::new(
            codes::HEADERS_TOO_LARGE,
            format!("the request has more than {most} headers"),
        ),
        Error::Version => ApiError::new(
            codes::UNSUPPORTED_HTTP_VERSION,
            "only HTTP/1.1 and HTTP/1.0 are spoken here, without TLS",
        ),
        Error::HeaderName => bad(
            "a header name is malformed: a forbidden character, a space before the colon, or a line folded in the \
             obsolete way",
        ),
        Error::HeaderValue => bad("a header value has a forbidden character"),
        Error::NewLine => bad_line_end(),
        Error::Token | Error::Status => {
            bad("the request line is malformed; it is METHOD, one space, a path, one space, HTTP/1.1")
        }
    }
}

/// Brings the target to origin form and finds the host (RFC 9112 §3.2, §3.2.2).
fn set_target_and_host(request: &mut Request) -> Result<(), ApiError> {
    let mut hosts = request
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("host"));
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("Host is given more than once"));
    }
    let host = host
        .map(|header| std::str::from_utf8(&header.value).map(str::to_owned))
        .transpose()
        .map_err(|_| bad("Host is not text"))?;
    // Empty is what RFC 9110 §7.2 has a client send that knows no host; no private route answers to it.
    if let Some(host) = &host
        && !host.is_empty()
        && Authority::parse(host).is_none()
    {
        return Err(bad(
            "Host is not a host, or a host and a port, such as 127.0.0.1:3030",
        ));
    }
    if host.is_none() && request.minor_version >= 1 {
        return Err(ApiError::new(
            codes::MISSING_HOST,
            "an HTTP/1.1 request needs a Host header, such as Host: 127.0.0.1:3030",
        ));
    }
    request.host = host;
    let target = &request.target;
    if target.contains('#') {
        return Err(bad("the request target has a fragment (#…); leave it out"));
    }
    if target.starts_with('/') || (target == "*" && request.method == "OPTIONS") {
        return Ok(());
    }
    // The absolute form is what clients send to a proxy; its host then counts, and the header is ignored.
    let rest = match target.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("http://") => &target[7..],
        _ => {
            return Err(bad(
                "the request target must be a path that begins with /, or an http:// address",
            ));
        }
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if Authority::parse(authority).is_none() {
        return Err(bad(
            "the request target must name a host, or a host and a port, without a user or password",
        ));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let (authority, target) = (authority.to_owned(), format!("{slash}{path}"));
    (request.host, request.target) = (Some(authority), target);
    Ok(())
}

/// Refuses an `Origin` that cannot be judged, lest it pass for none: who may reach order entry depends on it.
fn check_origin(request: &Request) -> Result<(), ApiError> {
    let sent = request
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("origin"));
    match (sent.count(), request.header("origin")) {
        (0, _) | (1, Some(_)) => Ok(()),
        _ => Err(bad("Origin is not text, or given more than once")),
    }
}

/// The body's length (RFC 9112 §6), which only one strict `Content-Length` can tell.
fn body_len(request: &Request, limits: &HttpLimits) -> Result<usize, ApiError> {
    let named = |name: &'static str| {
        request
            .headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    let mut lengths = named("content-length");
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(bad("Content-Length is given more than once; send it once"));
    }
    if let Some(coding) = named("transfer-encoding").next() {
        if length.is_some() {
            return Err(bad(
                "Content-Length and Transfer-Encoding contradict each other; send Content-Length only",
            ));
        }
        return Err(if coding.value.eq_ignore_ascii_case(b"chunked") {
            let message = "a chunked body is not taken; send the body whole, with Content-Length";
            ApiError::new(codes::LENGTH_REQUIRED, message)
        } else {
            let message = "no Transfer-Encoding is understood; send the body whole, with Content-Length";
            ApiError::new(codes::UNSUPPORTED_TRANSFER_ENCODING, message)
        });
    }
    let Some(length) = length else {
        return Ok(0);
    };
    let digits = &length.value;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(bad("Content-Length is not a number of bytes in plain digits"));
    }
    let length = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse::<usize>().ok());
    length.filter(|length| *length <= limits.max_body).ok_or_else(|| {
        ApiError::new(
            codes::BODY_TOO_LARGE,
            format!("the body is longer than {} bytes", limits.max_body),
        )
    })
}

/// Whether the client waits for `100 Continue` (RFC 9110 §10.1.1). HTTP/1.0 knows no such thing.
fn expects_continue(request: &Request) -> Result<bool, ApiError> {
    let mut expectations = request
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("expect"));
    if request.minor_version == 0 {
        return Ok(false);
    }
    match expectations.next() {
        None => Ok(false),
        Some(header)
            if header.value.eq_ignore_ascii_case(b"100-continue") && expectations.next().is_none() =>
        {
            Ok(true)
        }
        Some(_) => Err(ApiError::new(
            codes::EXPECTATION_FAILED,
            "the only expectation met here is Expect: 100-continue",
        )),
    }
}
