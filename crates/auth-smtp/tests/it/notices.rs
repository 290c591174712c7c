//! Every letter says what it should, and nothing that a stranger put into it.

use auth_domain::{
    client::{Client, UserAgent},
    factor::{FactorKind, OneTimeCode, code},
    port::{Letter, Notice},
    tenant::TenantId,
    token::LinkToken,
    user::FullName,
};
use auth_smtp::{MailSettings, Message, Templates};
use auth_testkit::contract::mailbox::letter;
use chrono::DateTime;

use crate::support::settings;

/// With a zero in front, which a number would lose.
const CODE: &str = "048213";
/// 32 zero bytes, written down.
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn token() -> LinkToken {
    LinkToken::parse(TOKEN).expect("a token")
}

fn code() -> OneTimeCode {
    OneTimeCode::parse(CODE).expect("a code")
}

fn letter_of(notice: Notice, name: Option<&str>, agent: &str) -> Letter {
    Letter {
        name: name.map(|name| FullName::parse(name).expect("a name")),
        notice,
        client: Client {
            ip: Some("203.0.113.7".parse().expect("an address")),
            user_agent: UserAgent::new(agent),
            request_id: None,
        },
        at: DateTime::from_timestamp(1_767_268_800, 0).expect("a time"),
        ..letter("ada@example.com")
    }
}

fn render(settings: MailSettings, letter: &Letter) -> Message {
    Templates::new(settings).and_then(|templates| templates.render(letter)).expect("renders")
}

/// Each notice with the subject and the link it must have.
fn notices() -> [(Notice, &'static str, String); 22] {
    const BASE: &str = "https://acme.example/app";
    let verify = format!("{BASE}/verify-email?token={TOKEN}");
    let reset = format!("{BASE}/reset-password?token={TOKEN}");
    let unlock = format!("https://auth.acme.example/base/unlock?token={TOKEN}");
    let forgot = format!("{BASE}/forgot-password");
    let moved = Notice::EmailChangeRequested { masked: "ad*@new.example".to_owned() };
    let changed = Notice::EmailChanged { masked: "ad*@new.example".to_owned() };
    [
        (Notice::VerifyEmail(token()), "Verify your email address", verify.clone()),
        (Notice::ResetPassword(token()), "Reset your password", reset),
        (Notice::ConfirmEmailChange(token()), "Confirm your new email address", verify),
        (Notice::AccountExists, "You already have an account at Acme & Sons", forgot.clone()),
        (moved, "Your Acme & Sons email address is about to change", forgot.clone()),
        (Notice::PasswordChanged, "Your Acme & Sons Password Has Been Changed", forgot.clone()),
        (changed, "Your Acme & Sons email address has been changed", forgot.clone()),
        (Notice::NewDevice, "New sign-in to your Acme & Sons account", forgot.clone()),
        (Notice::AccountLocked(token()), "Your Acme & Sons account is locked", unlock),
        (Notice::RefreshReuse, "Your Acme & Sons session was ended for your safety", forgot.clone()),
        (Notice::LoginCode(code()), "Your Acme & Sons Login Code", forgot.clone()),
        (Notice::ProofCode(code()), "Your Acme & Sons Verification Code", forgot.clone()),
        (
            Notice::FactorEnabled(FactorKind::Totp),
            "A second step was set up for your Acme & Sons login",
            forgot.clone(),
        ),
        (
            Notice::FactorDisabled(FactorKind::Totp),
            "A second step was removed from your Acme & Sons login",
            forgot.clone(),
        ),
        (Notice::FactorAutoEnabled, "Email MFA Enabled for Your Acme & Sons Account", forgot.clone()),
        (Notice::RecoveryCodeUsed, "A recovery code of your Acme & Sons account was used", forgot.clone()),
        (Notice::RecoveryCodesReplaced, "New recovery codes for your Acme & Sons account", forgot.clone()),
        (
            Notice::SignInAfterFailures,
            "Sign-in to your Acme & Sons account after failed attempts",
            forgot.clone(),
        ),
        (Notice::IdentityLinked, "AWS Cognito can open your Acme & Sons account now", forgot.clone()),
        (Notice::AccountClaimed, "Your Acme & Sons account was opened through AWS Cognito", forgot.clone()),
        (
            Notice::IdentityUnlinked,
            "AWS Cognito does not open your Acme & Sons account any more",
            forgot.clone(),
        ),
        (Notice::ApiKeyCreated, "A new key for your Acme & Sons account", forgot),
    ]
}

#[test]
fn every_notice_has_its_subject_its_link_and_what_caused_it() {
    for (notice, subject, link) in notices() {
        let message = render(settings(), &letter_of(notice, Some("Ada Lovelace"), "Firefox 140.0"));
        assert_eq!(message.subject, subject);
        assert!(message.html.contains(&format!("href=\"{link}\"")), "{subject}");
        assert!(message.text.lines().any(|line| line == link), "{subject}");
        for part in [&message.text, &message.html] {
            for said in ["Hello Ada,", "1 January 2026, 12:00 UTC", "Firefox 140.0", "203.0.113.7"] {
                assert!(part.contains(said), "{subject}: {said}");
            }
            assert!(!part.contains("Lovelace") && !part.contains("{{") && !part.contains("{%"), "{subject}");
            assert!(part.contains("help@acme.example"), "{subject}");
        }
        assert!(
            message.text.contains("Acme & Sons") && message.html.contains("Acme &amp; Sons"),
            "{subject}"
        );
    }
}

#[test]
fn people_of_a_tenant_come_to_its_page() {
    let tenant = TenantId::parse("acme-eu").expect("a tenant");
    for (notice, subject, link) in notices() {
        let letter = Letter { tenant: tenant.clone(), ..letter_of(notice, None, "") };
        let message = render(settings(), &letter);
        // The token of a link tells its tenant, an address does not.
        let forgot = link.ends_with("/forgot-password");
        let expected = if forgot { format!("{link}?tenant=acme-eu") } else { link };
        assert!(message.html.contains(&format!("href=\"{expected}\"")), "{subject}");
        assert!(message.text.lines().any(|line| line == expected), "{subject}");
    }
}

#[test]
fn a_change_of_address_shows_where_it_goes_without_giving_it_away() {
    let masked = || "ad*@new.example".to_owned();
    for notice in
        [Notice::EmailChangeRequested { masked: masked() }, Notice::EmailChanged { masked: masked() }]
    {
        let message = render(settings(), &letter_of(notice, None, ""));
        assert!(message.text.contains(&masked()) && message.html.contains(&masked()));
    }
}

#[test]
fn links_say_how_long_they_work() {
    for ((notice, ..), life) in notices().into_iter().zip(["24 hours", "30 minutes", "1 hour"]) {
        let message = render(settings(), &letter_of(notice, None, ""));
        assert!(message.text.contains(life) && message.html.contains(life), "{life}");
    }
}

#[test]
fn a_code_stands_where_clients_look_for_it_and_not_in_the_subject() {
    for notice in [Notice::LoginCode(code()), Notice::ProofCode(code())] {
        let message = render(settings(), &letter_of(notice, None, ""));
        let line = message.text.lines().find_map(|line| line.split_once("code is: "));
        assert_eq!(line.map(|(_, code)| code), Some(CODE));
        assert!(message.html.contains(&format!("<p class=\"code\">{CODE}</p>")));
        assert_eq!((message.text.matches(CODE).count(), message.html.matches(CODE).count()), (1, 1));
        assert!(!message.subject.contains(CODE));
        let minutes = format!("{} minutes", code::LIFE.num_minutes());
        assert!(message.text.contains(&minutes) && message.html.contains(&minutes), "{minutes}");
    }
}

#[test]
fn a_login_code_warns_who_did_not_ask_for_it() {
    let message = render(settings(), &letter_of(Notice::LoginCode(code()), None, ""));
    for part in [&message.text, &message.html] {
        assert!(part.contains("If you did not try to sign in, somebody knows your password:"));
    }
}

#[test]
fn a_factor_is_named_in_words() {
    for (kind, words) in [
        (FactorKind::Totp, "account: an authenticator app."),
        (FactorKind::Sms, "account: text messages."),
        (FactorKind::Email, "account: codes by mail."),
    ] {
        for notice in [Notice::FactorEnabled(kind), Notice::FactorDisabled(kind)] {
            let message = render(settings(), &letter_of(notice, None, ""));
            assert!(message.text.contains(words) && message.html.contains(words), "{words}");
        }
    }
}

#[test]
fn notices_say_what_happened_and_what_to_do() {
    for (notice, happened, advice) in [
        (Notice::AccountLocked(token()), "wrong passwords or codes", "choose a new password to be safe"),
        (
            Notice::FactorAutoEnabled,
            "the time to choose one yourself is over",
            "somebody knows your password",
        ),
        (Notice::RecoveryCodeUsed, "cannot be used again", "make new recovery codes"),
        (Notice::RecoveryCodesReplaced, "do not work any more", "make new recovery codes"),
        (Notice::SignInAfterFailures, "several attempts", "somebody found out your password"),
        (Notice::IdentityLinked, "opens this account, too", "remove the link in the settings"),
        (Notice::AccountClaimed, "does not work any more", "choose a new password at once"),
        (Notice::IdentityUnlinked, "only its own password", "choose a new password at once"),
        (Notice::ApiKeyCreated, "in place of signing in", "revokes your keys"),
    ] {
        let message = render(settings(), &letter_of(notice, None, ""));
        for part in [&message.text, &message.html] {
            assert!(part.contains(happened) && part.contains(advice), "{happened}: {part}");
        }
    }
}

#[test]
fn html_is_escaped_and_text_is_not() {
    for (notice, subject, _) in notices() {
        let message = render(settings(), &letter_of(notice, Some("<b>\"Ada\" L"), "<img src=x onerror=1>"));
        assert!(!message.html.contains("<img") && !message.html.contains("<b>"), "{subject}");
        assert!(message.html.contains("&lt;b&gt;") && message.html.contains("&lt;img src=x"), "{subject}");
        assert!(message.text.contains("<img src=x onerror=1>"), "{subject}");
    }
}

#[test]
fn strangers_cannot_put_links_into_a_letter() {
    let letter = letter_of(Notice::RefreshReuse, Some("evil.example now"), "see http://evil.example");
    let message = render(settings(), &letter);
    assert!(!message.text.contains("evil") && !message.html.contains("evil"));
    assert!(message.text.starts_with("Hello,\n\n") && message.html.contains("<p>Hello,</p>"));
    assert!(!message.text.contains("Device:") && !message.html.contains("Device:"));
}

#[test]
fn html_needs_nothing_from_elsewhere_and_suits_small_and_dark_screens() {
    for (notice, subject, _) in notices() {
        let html = render(settings(), &letter_of(notice, None, "")).html;
        assert!(html.contains("width=device-width") && html.contains("prefers-color-scheme: dark"));
        for outside in ["<img", "<script", "src=", "@import", "url(", "<link"] {
            assert!(!html.contains(outside), "{subject}: {outside}");
        }
    }
}

#[test]
fn settings_cannot_break_the_html() {
    let (branding_name, link_base) = ("A <x>".to_owned(), "https://acme.example/\"><script>".to_owned());
    let settings = MailSettings { branding_name, link_base, ..settings() };
    let html = render(settings, &letter_of(Notice::PasswordChanged, None, "")).html;
    assert!(html.contains("A &lt;x&gt;") && !html.contains("<script>"));
}

#[test]
fn a_subject_is_one_line() {
    for (notice, ..) in notices() {
        let branding_name = "Acme\r\nBcc: eve@example.com\n".to_owned();
        let message = render(MailSettings { branding_name, ..settings() }, &letter_of(notice, None, ""));
        assert!(!message.subject.contains(['\r', '\n']), "{}", message.subject);
    }
}

#[test]
fn leaves_out_what_is_not_known() {
    for (notice, subject, _) in notices() {
        let letter = Letter { client: Client::default(), ..letter_of(notice, Some("  "), "") };
        let message = render(MailSettings { support_email: None, ..settings() }, &letter);
        assert!(message.text.starts_with("Hello,\n\n"), "{subject}");
        for part in [&message.text, &message.html] {
            for said in ["Device:", "IP address:", "Questions?", "mailto:", "None", "none,", "undefined"] {
                assert!(!part.contains(said), "{subject}: {said}");
            }
        }
    }
}

#[test]
fn reads_well_as_plain_text() {
    let message = render(settings(), &letter_of(Notice::VerifyEmail(token()), Some("Ada"), "Firefox/140.0"));
    let expected = format!(
        "Hello Ada,\n\n\
         Please confirm that this address belongs to your Acme & Sons account by opening this link:\n\n\
         https://acme.example/app/verify-email?token={TOKEN}\n\n\
         The link works once and for 24 hours. If you did not ask for an account, ignore this message.\n\n\
         Time: 1 January 2026, 12:00 UTC\nDevice: Firefox/140.0\nIP address: 203.0.113.7\n\n\
         Acme & Sons\nQuestions? Write to help@acme.example\n"
    );
    assert_eq!(message.text.trim_end(), expected.trim_end());
}

#[test]
fn shows_no_token_and_no_code_in_debug() {
    for notice in [Notice::ResetPassword(token()), Notice::LoginCode(code()), Notice::ProofCode(code())] {
        let letter = letter_of(notice, None, "");
        let shown = format!("{letter:?} {:?}", render(settings(), &letter));
        assert!(!shown.contains(TOKEN) && !shown.contains(CODE), "{shown}");
    }
}
