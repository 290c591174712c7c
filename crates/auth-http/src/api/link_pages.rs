//! `GET /verify-email`, `/reset-password` and `/forgot-password`: where mailed links lead when the installation
//! has no front end of its own. `GET /unlock`: where the mail about a lock leads in any case, because
//! existing front ends have no such page.
//!
//! Opening a link uses nothing up: mail scanners open links too. Only the button calls the API.

use actix_web::{HttpResponse, web::Data};

use crate::{
    Gate, Limit, Operation, Problem,
    body::NoBody,
    extract::Open,
    page::{Page, escaped},
};

const STYLE: &str = include_str!("link_pages/style.css");
const SCRIPT: &str = include_str!("link_pages/script.js");

/// One page: a heading and the form whose fields the script sends to the API.
struct LinkPage {
    title: &'static str,
    form: &'static str,
}

const VERIFY: LinkPage =
    LinkPage { title: "Verify your email address", form: include_str!("link_pages/verify_email.html") };
const RESET: LinkPage =
    LinkPage { title: "Set a new password", form: include_str!("link_pages/reset_password.html") };
const FORGOT: LinkPage =
    LinkPage { title: "Forgot your password?", form: include_str!("link_pages/forgot_password.html") };

const UNLOCK: LinkPage =
    LinkPage { title: "Open your account", form: include_str!("link_pages/unlock.html") };

pub(super) fn verify_email() -> Operation {
    Operation::get("/verify-email", async |_: Open<NoBody>, gate: Data<Gate>| VERIFY.answer(&gate))
        .limit(Limit::Exempt)
        .hidden()
}

pub(super) fn reset_password() -> Operation {
    Operation::get("/reset-password", async |_: Open<NoBody>, gate: Data<Gate>| RESET.answer(&gate))
        .limit(Limit::Exempt)
        .hidden()
}

pub(super) fn forgot_password() -> Operation {
    Operation::get("/forgot-password", async |_: Open<NoBody>, gate: Data<Gate>| FORGOT.answer(&gate))
        .limit(Limit::Exempt)
        .hidden()
}

pub(super) fn unlock() -> Operation {
    Operation::get("/unlock", async |_: Open<NoBody>, gate: Data<Gate>| UNLOCK.answer(&gate))
        .limit(Limit::Exempt)
        .hidden()
}

impl LinkPage {
    fn answer(&self, gate: &Gate) -> Result<HttpResponse, Problem> {
        let page = Page::begin(&*gate.entropy)?;
        let html = self.render(&gate.settings.branding, page.nonce());
        page.respond(html)
    }

    fn render(&self, branding: &str, nonce: &str) -> String {
        let (title, form, branding) = (self.title, self.form, escaped(branding));
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content='width=device-width,initial-scale=1'>\
             <title>{title} · {branding}</title><style nonce='{nonce}'>{STYLE}</style>\
             <main><p class=brand>{branding}</p><h1>{title}</h1>{form}<output role=status></output>\
             <noscript><p>This page needs JavaScript.</p></noscript></main>\
             <script nonce='{nonce}'>{SCRIPT}</script></html>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_shown_is_made_safe() {
        let html = VERIFY.render("A & <B>", "abc");
        assert!(html.contains("A &amp; &lt;B&gt;") && !html.contains("<B>"));
    }

    #[test]
    fn password_managers_are_helped() {
        assert!(RESET.form.contains("type=password") && RESET.form.contains("autocomplete=new-password"));
        assert!(FORGOT.form.contains("type=email") && FORGOT.form.contains("autocomplete=username"));
    }

    #[test]
    fn a_link_that_does_not_work_any_more_is_told_of_in_plain_words() {
        for page in [&VERIFY, &RESET, &UNLOCK] {
            assert!(page.form.contains("data-token=required") && page.form.contains("data-spent="));
        }
        assert!(SCRIPT.contains("\"invalid_token\""), "the code that docs/problems.md lists");
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for page in [&VERIFY, &RESET, &FORGOT, &UNLOCK] {
            let html = page.render("Name", "abc");
            assert!(!html.contains("src=") && !html.contains("http:") && !html.contains("https:"));
        }
    }
}
