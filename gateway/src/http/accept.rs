//! What a client would rather have (RFC 9110 §12.5.1).

use super::Request;

impl Request {
    /// Whether the client names `special` in its `Accept`, and wants it no less than `usual`, which also stands for
    /// what the wildcards ask for. Both are media types such as `text/plain`, in lower case and without parameters.
    pub fn prefers(&self, special: &str, usual: &str) -> bool {
        let kind = usual.split('/').next().unwrap_or_default();
        let (mut wants_special, mut wants_usual) = (0.0f32, 0.0f32);
        for range in self.values("accept").flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
                .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
            if name == special {
                wants_special = wants_special.max(quality);
            } else if name == usual || name == "*/*" || name.strip_suffix("/*") == Some(kind) {
                wants_usual = wants_usual.max(quality);
            }
        }
        wants_special > 0.0 && wants_special >= wants_usual
    }
}

#[cfg(test)]
mod tests {
    use crate::http::{HttpLimits, Parse, parse};

    #[test]
    fn a_scraper_gets_the_format_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, openmetrics) in [
            (prometheus, true),
            ("application/openmetrics-text", true),
            ("Application/OpenMetrics-Text; version=1.0.0, text/plain", true),
            (
                "text/plain;version=0.0.4, application/openmetrics-text;q=0.5",
                false,
            ),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=x", false),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("*/*", false),
            ("", false),
        ] {
            let bytes = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
            let Ok(Parse::Request { request, .. }) = parse(bytes.as_bytes(), &HttpLimits::default()) else {
                panic!("{bytes} is a request");
            };
            let got = request.prefers("application/openmetrics-text", "text/plain");
            assert_eq!(got, openmetrics, "{accept}");
        }
    }
}
