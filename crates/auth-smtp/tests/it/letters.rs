//! What the letters say.

use auth_domain::{
    client::{Client, UserAgent},
    port::{Letter, Notice},
    token::LinkToken,
    user::FullName,
};
use auth_smtp::{MailSettings, Message, Templates};
use auth_testkit::{contract::mailbox::letter, fake::SeededEntropy};
use chrono::DateTime;

use crate::{settings, templates};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0";

fn token() -> LinkToken {
    LinkToken::mint(&SeededEntropy::default()).expect("the fake gives bytes")
}

fn with(notice: Notice) -> Letter {
    Letter {
        name: Some(FullName::parse("Ada King, Countess of Lovelace").expect("a name")),
        notice,
        client: Client {
            ip: Some("203.0.113.7".parse().expect("an address")),
            user_agent: UserAgent::new(AGENT),
            request_id: None,
        },
        at: DateTime::from_timestamp(1_767_268_800, 0).expect("a time"),
        ..letter("ada@example.com")
    }
}

fn all_notices() -> Vec<Notice> {
    vec![
        Notice::VerifyEmail(token()),
        Notice::AccountExists,
        Notice::ResetPassword(token()),
        Notice::ConfirmEmailChange(token()),
        Notice::EmailChangeRequested { masked: "al***@example.org".to_owned() },
        Notice::PasswordChanged,
        Notice::RefreshReuse,
    ]
}

fn render(notice: Notice) -> Message {
    templates().render(&with(notice)).expect("renders")
}

#[test]
fn links_stand_in_both_parts_with_the_life_they_have() {
    let token = token().expose_secret().to_owned();
    let cases = [
        (Notice::VerifyEmail(self::token()), "Verify your email address", "verify-email", "24 hours"),
        (Notice::ResetPassword(self::token()), "Reset your password", "reset-password", "30 minutes"),
        (
            Notice::ConfirmEmailChange(self::token()),
            "Confirm your new email address",
            "verify-email",
            "1 hour",
        ),
    ];
    for (notice, subject, path, life) in cases {
        let message = render(notice);
        let link = format!("https://app.example.com/{path}?token={token}");
        assert_eq!(message.subject, subject);
        // Alone on its line, so that every mail program finds its end.
        assert!(message.text.lines().any(|line| line == link), "{}", message.text);
        assert!(message.html.contains(&format!("href=\"{link}\"")), "{}", message.html);
        assert!(message.text.contains(life) && message.html.contains(life), "{life}");
    }
}

#[test]
fn the_password_notice_has_the_known_subject_and_says_what_to_do() {
    let message = render(Notice::PasswordChanged);
    assert_eq!(message.subject, "Your Acme Password Has Been Changed");
    for part in [&message.text, &message.html] {
        assert!(part.contains("https://app.example.com/forgot-password"));
        assert!(part.contains("help@example.com"));
    }
}

#[test]
fn every_letter_greets_and_says_when_from_where_and_by_what() {
    for notice in all_notices() {
        let message = render(notice);
        // The engine escapes slashes too, which every mail program undoes.
        for part in [&message.text, &message.html.replace("&#x2f;", "/")] {
            for fact in ["Hello Ada,", "1 January 2026, 12:00 UTC", "203.0.113.7", "Firefox/140.0", "Acme"] {
                assert!(part.contains(fact), "{}: {fact}", message.subject);
            }
            assert!(!part.contains("{{") && !part.contains("{%") && !part.contains("undefined"));
        }
        assert!(!message.subject.contains(['\r', '\n']) && !message.subject.is_empty());
        assert!(message.text.starts_with("Hello Ada,\n\n"));
    }
}

#[test]
fn letters_need_nothing_from_elsewhere_and_suit_small_and_dark_screens() {
    for notice in all_notices() {
        let html = render(notice).html;
        assert!(html.contains("width=device-width") && html.contains("prefers-color-scheme: dark"));
        for outside in ["<img", "<script", "src=", "@import", "url(", "<link"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }
}

#[test]
fn without_a_name_or_client_the_lines_are_left_out() {
    let blank = Letter { name: FullName::parse("   ").ok(), ..letter("ada@example.com") };
    for letter in [letter("ada@example.com"), blank] {
        let message = templates().render(&letter).unwrap();
        assert!(message.text.starts_with("Hello,\n"), "{}", message.text);
        assert!(!message.text.contains("Device:") && !message.html.contains("IP address:"));
    }
}

#[test]
fn a_strangers_name_and_device_bring_no_markup_and_no_link() {
    let mut letter = with(Notice::AccountExists);
    for name in ["<b>Ada</b>", "https://evil.example", "evil.example", "{{7*7}}", "\u{202e}adA"] {
        letter.name = FullName::parse(name).ok();
        letter.client.user_agent = UserAgent::new(&format!("{name} \"><img src=x>"));
        let message = templates().render(&letter).unwrap();
        assert!(!message.html.contains("<b>") && !message.html.contains("<img"), "{name}");
        assert!(!message.text.contains("evil") && !message.html.contains("evil"), "{name}");
        assert!(!message.text.contains("49") && !message.text.contains('\u{202e}'), "{name}");
    }
}

#[test]
fn branding_and_addresses_cannot_break_header_or_html() {
    let settings = MailSettings {
        branding_name: "A & B <x>\r\nBcc: eve@example.com".to_owned(),
        link_base: "https://app.example.com/\"><script>".to_owned(),
        support_email: None,
    };
    let message = Templates::new(settings).unwrap().render(&with(Notice::PasswordChanged)).unwrap();
    assert_eq!(message.subject.lines().count(), 1);
    assert!(message.html.contains("A &amp; B &lt;x&gt;") && !message.html.contains("<script>"));
    assert!(!message.html.contains("Questions?"));
}

#[test]
fn nothing_prints_the_links() {
    let token = token().expose_secret().to_owned();
    let letter = with(Notice::ResetPassword(self::token()));
    let message = templates().render(&letter).unwrap();
    let printed = format!("{message:?} {letter:?} {:?} {:?}", templates(), settings());
    assert!(!printed.contains(&token), "{printed}");
}
