//! Where a client wants its tokens, and whether it may have them there.

use actix_web::HttpMessage as _;
use serde_json::{Value, json};

use super::{Fields, Refused};
use crate::{
    body::{Unfit, scrub},
    cookie::{CookieStyle, SessionMode, TokenPlace},
    csrf,
    extract::ByCookie,
    problem::FieldError,
};

const SESSION: &str = "session";

impl Fields<'_> {
    /// Where the tokens of the answer go: the field `session`, which may be left out or `null`. What came
    /// by cookie goes back into cookies; a script that could have it in a body could take it away.
    ///
    /// Cookies are for pages that may have them: a foreign page's request is refused, whatever else is
    /// wrong with it.
    pub fn session(&mut self) -> Result<TokenPlace, Refused> {
        let style = CookieStyle::of(self.settings);
        match (self.session_mode()?, self.came_by_cookie()) {
            (Some(SessionMode::Bearer), true) => {
                let msg = "A session kept in cookies stays in cookies";
                Err(self.refuse(FieldError::value("body", SESSION, msg)))
            }
            (None | Some(SessionMode::Cookie), true) => Ok(TokenPlace::Cookies(style)),
            (None | Some(SessionMode::Bearer), false) => Ok(TokenPlace::Body),
            (Some(SessionMode::Cookie), false) => self.first_cookies().map(|()| TokenPlace::Cookies(style)),
        }
    }

    /// Whether the caller's tokens came by cookie.
    pub fn came_by_cookie(&self) -> bool {
        self.request.extensions().contains::<ByCookie>()
    }

    fn session_mode(&mut self) -> Result<Option<SessionMode>, Refused> {
        let value = match self.object.get(SESSION) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let mode = value.as_str().and_then(SessionMode::parse).ok_or_else(|| no_mode(value));
        mode.map(Some).map_err(|error| self.refuse(error))
    }

    fn first_cookies(&mut self) -> Result<(), Refused> {
        let headers = self.request.headers();
        let veto = if !csrf::is_declared_json(headers) {
            Unfit::NotJson
        } else if !csrf::may_ask(headers, self.settings) {
            Unfit::ForeignPage
        } else {
            return Ok(());
        };
        self.veto = Some(veto);
        Err(Refused)
    }
}

fn no_mode(value: &Value) -> FieldError {
    let expected = "'cookie' or 'bearer'";
    let error = FieldError::new("literal_error", "body", format!("Input should be {expected}"));
    error.at(SESSION).with_ctx(json!({ "expected": expected })).with_input(scrub::echo(value))
}
