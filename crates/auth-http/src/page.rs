//! Pages for people: HTML with a policy that runs nothing but the page's own scripts.

use std::borrow::Cow;

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, HeaderValue},
};
use auth_domain::port::Entropy;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::problem::Problem;

/// A page in the making: write its inline scripts and styles with [`nonce`](Self::nonce), then
/// [`respond`](Self::respond).
pub struct Page {
    nonce: String,
}

impl Page {
    /// Begins a page.
    ///
    /// # Errors
    /// 500 when the operating system gives no randomness.
    pub fn begin(entropy: &dyn Entropy) -> Result<Self, Problem> {
        let mut bytes = [0u8; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self { nonce: STANDARD_NO_PAD.encode(bytes) })
    }

    /// The value for `<script nonce="…">` and `<style nonce="…">`, new for every page.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Answers with the page.
    ///
    /// # Errors
    /// 500 never in practice: base64 always is a header's value.
    pub fn respond(self, html: String) -> Result<HttpResponse, Problem> {
        let nonce = &self.nonce;
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'; \
             img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
             object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        );
        let policy = HeaderValue::from_str(&policy).map_err(|error| Problem::internal(&error))?;
        let mut response = HttpResponse::Ok();
        response.content_type("text/html; charset=utf-8").insert_header((CONTENT_SECURITY_POLICY, policy));
        Ok(response.body(html))
    }
}

/// Makes a text safe to stand in HTML, in an element or a quoted attribute.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_html_reads() {
        assert_eq!(
            escaped("Ada & <b>\"x\"</b> 'y'"),
            "Ada &amp; &lt;b&gt;&quot;x&quot;&lt;/b&gt; &#39;y&#39;"
        );
        assert!(matches!(escaped("Ada"), Cow::Borrowed("Ada")));
    }
}
