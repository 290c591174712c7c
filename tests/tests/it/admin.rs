//! Administration over HTTP: the texts that front ends know, and what must not be possible.

use std::{sync::Arc, time::Duration};

use auth_domain::user::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{
    Answer, PASSWORD, TestServer,
    staff::{On, Person, Staffed, address},
};

const SUPER: Person = (21, "default", &[Role::Superuser]);
const SECOND: Person = (22, "default", &[Role::Superuser]);
const ADMIN: Person = (23, "default", &[Role::ApplicationAdmin]);
const ADA: Person = (24, "default", &[]);
const PEOPLE: [Person; 4] = [SUPER, SECOND, ADMIN, ADA];
const NEW: &str = "another sentence at noon 9";

/// Somebody with a token.
struct Who<'a>(&'a Staffed, String);

impl Who<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.0.call(method, path, (Some(&self.1), "default"), body.as_ref()).await
    }
}

async fn who(staffed: &Staffed, person: Person) -> Who<'_> {
    Who(staffed, staffed.token(person).await)
}

async fn login(server: &TestServer, email: &str, password: &str) -> Answer {
    server.login(email, password).await
}

/// The text of the first mail to somebody that has these words in it.
async fn mail(server: &TestServer, to: &str, words: &str) -> String {
    for _ in 0..200 {
        if let Some(text) = server.messages(to).await.into_iter().find(|text| text.contains(words)) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail with {words:?} came to {to}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_goes_through_everything_an_administrator_can_do() {
    let staffed = Staffed::start(On::Sqlite, &PEOPLE, &[]).await;
    let admin = who(&staffed, ADMIN).await;
    let body = json!({ "email": "New@Example.com", "password": NEW, "full_name": "Grace", "is_manager": true,
        "is_one_time_password": true, "is_superuser": true, "id": 7 });
    let made = admin.call("POST", "/api/auth/admin/create-user", Some(body.clone())).await;
    let made = made.expect(StatusCode::CREATED).body;
    let keys: Vec<&String> = made.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["email", "full_name", "id", "is_verified", "mfa_enabled", "created_at", "updated_at"]);
    let id = made["id"].as_i64().expect("a number");
    assert!(mail(&staffed.server, "new@example.com", "temporary password").await.contains(NEW));
    let entered = login(&staffed.server, "new@example.com", NEW).await.expect(StatusCode::OK);
    assert_eq!(entered.body["password_change_required"], true);
    let token = entered.body["access_token"].as_str().expect("a token").to_owned();

    let again = admin.call("POST", "/api/auth/admin/create-user", Some(body.clone())).await;
    again.refused(409, "User with this email already exists");
    admin
        .call("PUT", &format!("/api/auth/admin/update-user/{id}"), Some(json!({ "application_admin": true })))
        .await
        .message("User roles updated successfully");
    let grace = Who(&staffed, token);
    let list = grace.call("GET", "/api/auth/users", None).await.expect(StatusCode::OK);
    assert_eq!(list.body.as_array().expect("a list").len(), 3, "at once, and no superuser: {list:?}");
    admin
        .call("DELETE", &format!("/api/auth/admin/delete-user/{id}"), None)
        .await
        .message("User new@example.com has been successfully deactivated");
    grace.call("GET", "/api/auth/users", None).await.refused(401, "Could not validate credentials");

    let removed = admin.call("POST", "/api/auth/admin/create-user", Some(body)).await;
    assert_eq!(removed.status, 409);
    let detail = removed.body["detail"].as_object().expect("an object");
    assert_eq!((&detail["type"], &detail["user_id"]), (&json!("user_deleted"), &json!(id)));
    assert_eq!(detail.keys().collect::<Vec<_>>(), ["type", "message", "user_id", "deleted_at", "suggestion"]);
    let back = admin.call("POST", &format!("/api/auth/admin/reactivate-user/{id}"), None).await;
    assert_eq!(back.body["message"], "User new@example.com has been successfully reactivated");
    assert_eq!(
        back.body["user"],
        json!({ "id": id, "email": "new@example.com", "full_name": "Grace", "status": "active" })
    );
    admin
        .call("POST", &format!("/api/auth/admin/reactivate-user/{id}"), None)
        .await
        .refused(400, "User is not deleted. Current status: active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_reset_and_its_owner_reads_it() {
    let staffed = Staffed::start(On::Postgres, &PEOPLE, &[]).await;
    let (admin, ada) = (who(&staffed, ADMIN).await, who(&staffed, ADA).await);
    let body = json!({ "email": address(ADA.0), "new_password": NEW });
    let reset = admin.call("POST", "/api/auth/admin/reset-password", Some(body)).await.expect(StatusCode::OK);
    assert_eq!(
        reset.body,
        json!({
            "message": "Password reset successfully. The user will receive an email with the new password.",
            "require_target_user_logout": true,
            "target_user_email": address(ADA.0),
        })
    );
    ada.call("GET", "/api/auth/me", None).await.refused(401, "Could not validate credentials");
    login(&staffed.server, &address(ADA.0), PASSWORD).await.refused(401, "Incorrect email or password");
    assert!(mail(&staffed.server, &address(ADA.0), "new password").await.contains(NEW));
    let entered = login(&staffed.server, &address(ADA.0), NEW).await.expect(StatusCode::OK);
    assert_eq!(entered.body["password_change_required"], true);

    for (email, status, text) in [
        (address(SUPER.0), 403, "Application admins are not permitted to modify superuser accounts"),
        (address(ADMIN.0), 400, "Cannot reset your own password"),
        ("nobody@example.com".to_owned(), 404, "User not found"),
    ] {
        let body = json!({ "email": email, "new_password": NEW });
        admin.call("POST", "/api/auth/admin/reset-password", Some(body)).await.refused(status, text);
    }
    let weak = json!({ "email": address(ADA.0), "new_password": "Xk7!" });
    let weak = admin.call("POST", "/api/auth/admin/reset-password", Some(weak)).await;
    assert_eq!((weak.status.as_u16(), &weak.body["detail"][0]["loc"][1]), (422, &json!("new_password")));
    assert!(!weak.body.to_string().contains("Xk7!"), "{weak:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn superusers_change_states_and_end_sessions() {
    let staffed = Staffed::start(On::Sqlite, &PEOPLE, &[]).await;
    let (boss, ada) = (who(&staffed, SUPER).await, who(&staffed, ADA).await);
    let of_ada = |action: &str| format!("/api/admin/users/{}/{action}", ADA.0);
    let sessions = boss.call("GET", &of_ada("sessions"), None).await.expect(StatusCode::OK).body;
    assert_eq!(
        (&sessions["total_sessions"], &sessions["active_sessions"], &sessions["sessions"][0]["is_active"]),
        (&json!(1), &json!(1), &json!(true))
    );
    let revoked = boss.call("POST", &of_ada("revoke-sessions"), None).await.expect(StatusCode::OK).body;
    assert_eq!(
        revoked,
        json!({ "user_id": ADA.0, "email": address(ADA.0), "sessions_revoked": 1,
            "message": "Successfully revoked 1 session(s)" })
    );
    ada.call("GET", "/api/auth/me", None).await.refused(401, "Could not validate credentials");

    let ada = who(&staffed, ADA).await;
    let body = json!({ "status": "suspended", "reason": "too loud" });
    let change = boss.call("POST", &of_ada("status"), Some(body)).await.expect(StatusCode::OK).body;
    assert_eq!(
        (&change["old_status"], &change["new_status"], &change["changed_by"], &change["reason"]),
        (&json!("active"), &json!("suspended"), &json!(SUPER.0), &json!("too loud"))
    );
    ada.call("GET", "/api/auth/me", None).await.refused(401, "Could not validate credentials");
    for (action, status) in [("activate", "active"), ("deactivate", "inactive"), ("suspend", "suspended")] {
        let path = format!("{}?reason=because", of_ada(action));
        let change = boss.call("POST", &path, None).await.expect(StatusCode::OK).body;
        assert_eq!((&change["new_status"], &change["reason"]), (&json!(status), &json!("because")));
    }
    let list = boss.call("GET", "/api/auth/users?status=suspended", None).await.body;
    assert_eq!((&list[0]["status"], &list[0]["account_status"]), (&json!("inactive"), &json!("suspended")));
    let bad = boss.call("POST", &of_ada("status"), Some(json!({ "status": "deleted" }))).await;
    assert_eq!(bad.body["detail"][0]["type"], "string_pattern_mismatch", "{bad:?}");
    assert_eq!(
        bad.body["detail"][0]["msg"],
        "String should match pattern '^(active|inactive|suspended|pending)$'"
    );
    let own = format!("/api/admin/users/{}/suspend", SUPER.0);
    boss.call("POST", &own, None).await.refused(400, "Cannot modify your own account status");
    let nobody = boss.call("POST", "/api/admin/users/999999/suspend", None).await;
    nobody.refused(404, "User with ID 999999 not found");
    let odd = boss.call("POST", "/api/admin/users/abc/suspend", None).await;
    assert_eq!(odd.body["detail"][0]["type"], "int_parsing", "{odd:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_admins_do_not_climb() {
    let staffed = Staffed::start(On::Sqlite, &PEOPLE, &[]).await;
    let admin = who(&staffed, ADMIN).await;
    let id = SUPER.0;
    let refusals = [
        ("DELETE", format!("/api/auth/admin/delete-user/{id}"), "Cannot delete superuser accounts"),
        (
            "POST",
            format!("/api/auth/admin/reactivate-user/{id}"),
            "Application admins cannot reactivate superuser accounts",
        ),
        (
            "POST",
            format!("/api/auth/admin/unlock-account?email={}", address(id)),
            "Application admins are not permitted to modify superuser accounts",
        ),
        ("POST", format!("/api/admin/users/{id}/suspend"), "The user doesn't have enough privileges"),
        ("GET", "/api/admin/audit".to_owned(), "The user doesn't have enough privileges"),
    ];
    for (method, path, text) in refusals {
        admin.call(method, &path, None).await.refused(403, text);
    }
    let roles = json!({ "application_admin": true, "is_superuser": true, "superuser": true });
    let own = format!("/api/auth/admin/update-user/{}", ADMIN.0);
    admin.call("PUT", &own, Some(roles.clone())).await.refused(400, "Cannot change your own roles");
    let ada = format!("/api/auth/admin/update-user/{}", ADA.0);
    admin.call("PUT", &ada, Some(roles)).await.message("User roles updated successfully");
    let ada = who(&staffed, ADA).await.call("GET", "/api/auth/me", None).await.body;
    assert_eq!((&ada["application_admin"], &ada["is_superuser"]), (&json!(true), &json!(false)));
    let seen = admin.call("GET", &format!("/api/admin/users/{id}/sessions"), None).await;
    seen.refused(404, &format!("User with ID {id} not found"));
    let boss = who(&staffed, SUPER).await;
    let denied = boss.call("GET", "/api/admin/audit?event=authz.denied&limit=100", None).await.body;
    let by_admin =
        denied["items"].as_array().expect("items").iter().filter(|item| item["actor_id"] == ADMIN.0);
    assert_eq!(by_admin.count(), 7, "{denied:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages_with_cursors_that_cannot_be_made_up() {
    let people: Vec<Person> = (100..130).map(|number| (number, "default", [].as_slice())).collect();
    let people: Vec<Person> = PEOPLE.into_iter().chain(people).collect();
    let staffed = Staffed::start(On::Postgres, &people, &[]).await;
    let boss = who(&staffed, SUPER).await;
    let all = boss.call("GET", "/api/auth/users", None).await;
    assert_eq!(all.body.as_array().expect("a list").len(), people.len());
    assert!(!all.headers.contains_key("x-next-cursor"), "{:?}", all.headers);
    let (mut seen, mut path) = (Vec::new(), "/api/auth/users?limit=7".to_owned());
    loop {
        let page = boss.call("GET", &path, None).await.expect(StatusCode::OK);
        seen.extend(page.body.as_array().expect("a list").iter().map(|user| user["id"].as_i64()));
        let Some(cursor) = page.headers.get("x-next-cursor") else { break };
        path = format!("/api/auth/users?limit=7&cursor={}", cursor.to_str().expect("text"));
    }
    let ids: Vec<_> = people.iter().map(|person| Some(person.0)).collect();
    assert_eq!(seen, ids);
    let found = boss.call("GET", "/api/auth/users?q=USER10", None).await.body;
    assert_eq!(found.as_array().expect("a list").len(), 10);
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=AAAA", "status=odd", "q=%00", "limit=1&limit=2"]
    {
        let refused = boss.call("GET", &format!("/api/auth/users?{query}"), None).await;
        assert_eq!(refused.status, 422, "{query}: {refused:?}");
    }
    let stats = boss.call("GET", "/api/admin/stats", None).await.expect(StatusCode::OK).body;
    assert_eq!((&stats["users"]["total"], &stats["live_sessions"]), (&json!(people.len()), &json!(1)));
    assert_eq!(stats["logins"]["last_24_hours"], 1);
    for query in ["event=odd", "user_id=x", "since=yesterday", "cursor=AAAA", "limit=501"] {
        let refused = boss.call("GET", &format!("/api/admin/audit?{query}"), None).await;
        assert_eq!(refused.status, 422, "{query}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administrators_can_be_asked_for_a_second_factor() {
    let staffed = Staffed::start(On::Sqlite, &PEOPLE, &[("ADMIN_REQUIRES_MFA", "true")]).await;
    let refused = who(&staffed, SUPER).await.call("GET", "/api/auth/users", None).await;
    refused.refused(403, "Second factor required");
    assert_eq!(refused.body["code"], "second_factor_required");
    let nobody = who(&staffed, ADA).await.call("GET", "/api/auth/users", None).await;
    nobody.refused(403, "The user doesn't have enough privileges");
}

/// AZ-09: two superusers remove each other at the same moment. One stays, and nothing hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_superusers_who_delete_each_other_one_stays() {
    for on in [On::Sqlite, On::Postgres] {
        let staffed = Arc::new(Staffed::start(on, &PEOPLE, &[]).await);
        let tokens = [staffed.token(SUPER).await, staffed.token(SECOND).await];
        let mut tasks = JoinSet::new();
        for number in 0..50 {
            let (staffed, me) = (Arc::clone(&staffed), number % 2);
            let (token, whom) = (tokens[me].clone(), [SECOND.0, SUPER.0][me]);
            tasks.spawn(async move {
                let path = format!("/api/auth/admin/delete-user/{whom}");
                staffed.call("DELETE", &path, (Some(&token), "default"), None).await.status.as_u16()
            });
        }
        let statuses = tasks.join_all().await;
        let removed = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(removed, 1, "{on:?}: {statuses:?}");
        // Whoever waits for too long for the others is told to come back.
        assert!(statuses.iter().all(|status| *status < 500 || *status == 503), "{on:?}: {statuses:?}");
        let mut left = 0;
        for token in &tokens {
            let list = staffed.call("GET", "/api/auth/users", (Some(token), "default"), None).await;
            left += usize::from(list.status == StatusCode::OK);
        }
        assert_eq!(left, 1, "{on:?}");
    }
}
