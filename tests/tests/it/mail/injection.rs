//! Whatever strangers write into a request, a mail has one recipient, its own headers, and text that stays
//! text.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use auth_testkit::part::KeptMail;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{PostOffice, eventually, verifies, waiting};
use crate::harness::{Answer, Api, PASSWORD, token_after};

/// Stands for everything that a stranger wants in a mail.
const EVIL: &str = "evil.example";

/// What a JSON string can carry.
const TEXTS: [&str; 14] = [
    "Ada\r\nBcc: eve@evil.example",
    "Ada\nBcc: eve@evil.example\n\nhttps://evil.example",
    "Ada\rBcc: eve@evil.example",
    "Ada%0d%0aBcc:eve@evil.example",
    "Ada\u{2028}Bcc: eve@evil.example\u{2029}\u{85}To: eve@evil.example",
    "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<eve@evil.example>\r\nDATA\r\n",
    "{{7777*7777}}{%raw%}{{branding}}",
    "<script>alert(1)</script>",
    "<a href=\"https://evil.example\">Click</a>",
    "<img/src=x/onerror=alert(1)>",
    "\"><svg/onload=alert(1)>",
    "</p></main></body><h1>Urgent</h1>",
    "\u{202e}gro.elpmaxe.live//:sptth",
    "https://evil.example/login now!",
];

/// What a recipient may not become; and what it becomes where it is an address.
const ADDRESSES: [(&str, Option<&str>); 14] = [
    ("ada@example.com\r\nBcc: eve@evil.example", None),
    ("ada@example.com\nRCPT TO:<eve@evil.example>", None),
    ("ada@example.com,eve@evil.example", None),
    ("ada@example.com eve@evil.example", None),
    ("ada@example.com\u{2028}eve@evil.example", None),
    ("ada\u{0}@example.com", None),
    ("\"ada\r\nBcc: eve@evil.example\"@example.com", None),
    ("<script>@example.com", None),
    ("ada@[127.0.0.1]", None),
    ("Eve\r\nBcc: eve@evil.example <ada@example.com>", None),
    ("ada@example.com <eve@evil.example>", None),
    ("Eve <one@example.com>", Some("one@example.com")),
    ("{{7777*7777}}@example.com", Some("{{7777*7777}}@example.com")),
    ("two'or'1'='1@example.com", Some("two'or'1'='1@example.com")),
];

/// The only headers there are, once each.
const HEADERS: [&str; 8] =
    ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"];

/// The only tags that our templates write.
const TAGS: [&str; 13] =
    ["!doctype", "a", "body", "br", "h1", "head", "html", "main", "meta", "p", "strong", "style", "title"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_stays_a_name() {
    let office = PostOffice::open();
    let server = office.server(&[]);
    let api = Api::at(server.base());
    for (number, name) in TEXTS.iter().enumerate() {
        let address = format!("name{number}@example.com");
        let body = json!({"email": address, "password": PASSWORD, "full_name": name});
        api.post("/api/auth/register", &body).await.expect(StatusCode::CREATED);
        inspect(&office.mail_to(&address).await, &address);
    }
    let mail = office.mail_to("name7@example.com").await;
    assert!(mail.html.contains("Hello &lt;script&gt;alert(1)&lt;"), "{}", mail.html);
    assert!(
        mail.text.starts_with("Hello <script>alert(1)</script>,"),
        "it is escaped where it must be: {}",
        mail.text
    );
    settled(&office, &api, TEXTS.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_is_one_recipient() {
    let office = PostOffice::open();
    let server = office.server(&[]);
    let api = Api::at(server.base());
    for (written, becomes) in ADDRESSES {
        let answer = api.register(written).await;
        match becomes {
            Some(address) => {
                answer.expect(StatusCode::CREATED);
                inspect(&office.mail_to(address).await, address);
            }
            None => drop(answer.expect(StatusCode::UNPROCESSABLE_ENTITY)),
        }
    }
    settled(&office, &api, 3).await;

    // The same as a new address; each change tells the old one.
    api.register("ada@example.org").await.expect(StatusCode::CREATED);
    let link = token_after(&office.mail_to("ada@example.org").await.text, "/verify-email?token=");
    api.post("/api/auth/verify-email", &json!({"token": link})).await.expect(StatusCode::OK);
    let tokens = api.login("ada@example.org", PASSWORD).await.tokens();
    for (written, becomes) in ADDRESSES {
        let written = written.replace("example.com", "example.net");
        let body = json!({"new_email": written, "password": PASSWORD});
        let path = "/api/auth/me/change-email";
        let answer = api.send(reqwest::Method::POST, path, &tokens.access, Some(&body)).await;
        match becomes {
            Some(address) => {
                answer.expect(StatusCode::OK);
                let address = address.replace("example.com", "example.net");
                inspect(&office.mail_to(&address).await, &address);
            }
            None => drop(answer.expect(StatusCode::UNPROCESSABLE_ENTITY)),
        }
    }
    settled(&office, &api, 3 + 1 + 2 * 3).await;
    for mail in office.mails_to("ada@example.org") {
        inspect(&mail, "ada@example.org");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_of_a_request_do_not_become_headers_of_a_mail() {
    let office = PostOffice::open();
    // So that what the request says of its way is believed.
    let server = office.server(&[("TRUSTED_PROXIES", "127.0.0.1"), ("TENANTS", "default,acme")]);
    let api = Api::at(server.base());
    let mut expected = 0;
    let names = ["User-Agent", "X-Forwarded-For", "X-Request-Id", "X-Tenant-ID", "Accept-Language"];
    for (number, text) in TEXTS.iter().enumerate() {
        for name in names {
            let address = format!("{}{number}@example.com", name.to_ascii_lowercase());
            let status = block_in_place(|| register_raw(server.base(), &address, &format!("{name}: {text}")));
            assert!((200..500).contains(&status), "{name}: {text:?} gave {status}");
            if status == 201 {
                expected += 1;
                inspect(&office.mail_to(&address).await, &address);
            }
        }
    }
    assert!(expected >= 2 * TEXTS.len(), "most are harmless, and only {expected} got through");
    let mail = office.mail_to("user-agent7@example.com").await;
    assert!(mail.html.contains("Device: &lt;script&gt;alert(1)&lt;"), "{}", mail.html);
    settled(&office, &api, expected).await;

    // The name of a tenant has no room for anything.
    for tenant in ["{{7777*7777}}", "<script>", "acme evil.example", "acme,default", "\u{2028}acme"] {
        let body = json!({"email": "tenant@example.com", "password": PASSWORD});
        let request = api.request(reqwest::Method::POST, "/api/auth/register").json(&body);
        let answer = Answer::of(request.header("x-tenant-id", tenant.as_bytes()).send().await).await;
        answer.refused(400, "Unknown tenant");
    }
    settled(&office, &api, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_people_come_back_to_their_tenant() {
    let office = PostOffice::open();
    let server = office.server(&[("TENANTS", "default,acme"), ("HIDE_EXISTING_ACCOUNTS", "true")]);
    let api = Api::at(server.base());
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let post = async |path: &str, body: &Value| {
        let request = api.request(reqwest::Method::POST, path).header("x-tenant-id", "acme").json(body);
        Answer::of(request.send().await).await
    };
    post("/api/auth/register", &body).await.expect(StatusCode::CREATED);
    settled(&office, &api, 1).await;
    let proof = office.mails_to("ada@example.com").remove(0);
    assert!(verifies(&api, &proof).await, "{proof:?}");
    post("/api/auth/register", &body).await.expect(StatusCode::CREATED);
    settled(&office, &api, 2).await;
    let told = office.mails_to("ada@example.com").remove(1);
    let page = format!("{}/forgot-password?tenant=acme", server.base());
    assert!(told.text.lines().any(|line| line == page), "{}", told.text);
    let link = format!("href=\"{page}\"");
    assert!(told.html.contains(&link), "{}", told.html);
    let page =
        Answer::of(api.request(reqwest::Method::GET, "/forgot-password?tenant=acme").send().await).await;
    page.expect(StatusCode::OK);
    // What the page's script sends, with the tenant of its address.
    post("/api/auth/forgot-password", &json!({"email": "ada@example.com"})).await.expect(StatusCode::OK);
    settled(&office, &api, 3).await;
    let reset = office.mails_to("ada@example.com").remove(2);
    let token = token_after(&reset.text, "/reset-password?token=").expect("a link");
    let body = json!({"token": token, "new_password": "An0ther&Zebra&1"});
    api.post("/api/auth/reset-password", &body).await.expect(StatusCode::OK);
}

/// Sends a registration as it stands, and gives the status of the answer.
fn register_raw(base: &str, address: &str, header: &str) -> u16 {
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a running server");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let body = json!({"email": address, "password": PASSWORD}).to_string();
    let head = format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    // What ends the head early makes a body of the rest.
    stream.write_all(format!("{head}{header}\r\n\r\n{body}").as_bytes()).expect("a server that listens");
    let mut answer = String::new();
    // A refusal may cut the connection off; its head came before.
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer to {header:?}: {answer:?}"));
    status.parse().expect("a status")
}

/// Waits until nothing is left to send, and sees that exactly so many mails came.
async fn settled(office: &PostOffice, api: &Api, mails: usize) {
    eventually(Duration::from_secs(30), "all mails", async || office.smtp.mails().len() >= mails).await;
    eventually(Duration::from_secs(30), "an empty outbox", async || waiting(api).await == 0).await;
    assert_eq!(office.smtp.mails().len(), mails);
}

/// A mail is to one address, has its own headers, and nothing in it is more than text.
fn inspect(mail: &KeptMail, address: &str) {
    assert_eq!(mail.to, [address]);
    assert_eq!(mail.from, "no-reply@auth.example.com");
    let (head, _) = mail.raw.split_once("\r\n\r\n").expect("a head and a body");
    // Folded lines begin with a space.
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let names: Vec<String> = lines.map(|line| line.split(':').next().unwrap_or("").to_lowercase()).collect();
    let sorted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!((names.len(), sorted), (HEADERS.len(), HEADERS.into()), "{head}");
    assert_eq!(mail.header("to"), [address]);
    assert!(!head.contains(EVIL) && !mail.text.contains(EVIL) && !mail.html.contains(EVIL), "{}", mail.raw);
    for part in [&mail.text, &mail.html] {
        let odd =
            |c: &char| c.is_control() && !"\r\n\t".contains(*c) || "\u{2028}\u{2029}\u{202e}".contains(*c);
        assert_eq!(part.chars().find(odd), None, "{part}");
        assert!(!part.contains("60481729"), "a template ran: {part}");
    }
    assert!(mail.text.starts_with("Hello"), "{}", mail.text);
    for tag in mail.html.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '>').next();
        let name = name.unwrap_or_default().to_lowercase();
        assert!(TAGS.contains(&name.as_str()), "<{tag}");
    }
    for link in mail.html.split("href=\"").skip(1) {
        assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    }
}
