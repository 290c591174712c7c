//! The commands about accounts, as an operator runs them one after another.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::Place;

/// A place with a database of its own, and the command line in it.
struct Shell(Place);

impl Shell {
    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
        command.args(words).current_dir(self.0.path()).env_clear().envs(self.0.variables()).output().unwrap()
    }

    /// What a command that succeeds says.
    fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// The same for programs.
    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[words, &["--json"]].concat())).unwrap()
    }

    /// What a command that fails says.
    fn refuses(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn status_of(&self, account: &str) -> Value {
        self.json(&["users", "show", account])["status"].clone()
    }
}

/// A superuser and two others, one of them of another tenant.
fn populated() -> Shell {
    let shell = Shell(Place::new().file(".env", "TENANTS=web"));
    shell.says(&["users", "create", "root@example.com", "--superuser"]);
    shell.says(&["users", "create", "ada@example.com", "--name", "Ada", "--role", "manager"]);
    shell.says(&["users", "create", "eve@example.com", "--tenant", "web"]);
    shell
}

#[test]
fn an_account_is_made_with_a_password_that_is_shown_once() {
    let shell = populated();
    let made = shell.json(&["users", "create", "zoe@example.com", "--name", "Zoë"]);
    let password = made["password"].as_str().unwrap();
    assert_eq!((&made["email"], &made["roles"]), (&json!("zoe@example.com"), &json!([])));
    for words in [&["users", "show", "zoe@example.com"][..], &["users", "list"], &["audit", "tail"]] {
        assert!(!shell.says(words).contains(password), "{words:?}");
    }
    let refused = shell.refuses(&["users", "create", "zoe@example.com"]);
    assert!(refused.contains("the address has an account already"), "{refused}");
}

#[test]
fn accounts_are_listed_searched_and_paged() {
    let shell = populated();
    let emails = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["email"].as_str().unwrap().to_owned()).collect()
    };
    let all = shell.json(&["users", "list"]);
    assert_eq!(emails(&all), ["root@example.com", "ada@example.com", "eve@example.com"]);
    assert_eq!(emails(&shell.json(&["users", "list", "ADA"])), ["ada@example.com"]);
    assert_eq!(emails(&shell.json(&["users", "list", "--tenant", "web"])), ["eve@example.com"]);
    let first = shell.json(&["users", "list", "--limit", "2"]);
    assert_eq!(emails(&first).len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = shell.json(&["users", "list", "--limit", "2", "--cursor", cursor]);
    assert_eq!((emails(&rest), &rest["next_cursor"]), (vec!["eve@example.com".to_owned()], &Value::Null));
    shell.says(&["users", "delete", "ada@example.com"]);
    assert_eq!(emails(&shell.json(&["users", "list"])).len(), 2);
    assert_eq!(emails(&shell.json(&["users", "list", "--status", "deleted"])), ["ada@example.com"]);
    let table = shell.says(&["users", "list", "root"]);
    assert!(table.starts_with("ID ") && table.contains("superuser") && table.lines().count() == 2, "{table}");
    assert_eq!(shell.says(&["users", "list", "nobody"]), "no account fits\n");
}

#[test]
fn states_change_back_and_forth_and_leave_a_trace() {
    let shell = populated();
    let ada = "ada@example.com";
    let off = shell.json(&["users", "disable", ada, "--suspend", "--reason", "left the company"]);
    assert_eq!((&off["status"], &off["old_status"]), (&json!("suspended"), &json!("active")));
    shell.says(&["users", "enable", ada]);
    assert_eq!(shell.status_of(ada), "active");
    let id = shell.json(&["users", "delete", ada])["id"].to_string();
    assert_eq!(shell.status_of(&id), "deleted");
    assert!(shell.refuses(&["users", "disable", &id]).contains("there is no such account"));
    shell.says(&["users", "restore", &id]);
    assert_eq!(shell.status_of(ada), "active");
    let trail = shell.says(&["audit", "tail", "--user", &id]);
    for trace in ["reason=\"left the company\"", "to=suspended", "admin.user_deleted"] {
        assert!(trail.contains(trace), "{trace}: {trail}");
    }
}

#[test]
fn roles_are_given_and_taken_but_a_superuser_stays() {
    let shell = populated();
    let roles = shell.json(&["users", "grant", "ada@example.com", "--role", "application_admin"]);
    assert_eq!(roles["roles"], json!(["application_admin", "manager"]));
    let roles = shell.json(&["users", "revoke", "ada@example.com", "--role", "manager"]);
    assert_eq!(roles["roles"], json!(["application_admin"]));
    for words in [
        &["users", "revoke", "root@example.com", "--role", "superuser"][..],
        &["users", "disable", "root@example.com"],
        &["users", "delete", "root@example.com"],
    ] {
        let refused = shell.refuses(words);
        assert!(refused.contains("the account is the last active superuser's"), "{refused}");
    }
}

#[test]
fn locks_factors_and_sessions_of_an_account_are_shown_and_reset() {
    let shell = populated();
    let ada = "ada@example.com";
    let shown = shell.says(&["users", "show", ada]);
    for line in
        ["name       Ada", "status     active, address not proved", "roles      manager", "factors    none"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!(shell.json(&["users", "locks", ada])["passwords"]["is_locked"], false);
    assert_eq!(shell.json(&["users", "unlock", ada])["email"], ada);
    assert_eq!(shell.json(&["users", "reset-mfa", ada])["removed"], json!([]));
    assert_eq!(shell.json(&["sessions", "list", ada]), json!([]));
    assert_eq!(shell.json(&["sessions", "revoke", ada])["sessions_revoked"], 0);
    assert_eq!(shell.json(&["sessions", "revoke", "--everyone"])["accounts"], 3);
    assert_eq!(shell.json(&["sessions", "revoke", "--everyone", "--tenant", "web"])["accounts"], 1);
}

#[test]
fn tenants_are_those_of_the_settings_and_those_with_accounts() {
    let shell = populated();
    shell.says(&["users", "create", "old@example.com", "--tenant", "gone"]);
    let tenants = shell.json(&["tenants"]);
    let seen: Vec<(&str, bool, u64)> = tenants
        .as_array()
        .unwrap()
        .iter()
        .map(|tenant| {
            let name = tenant["tenant"].as_str().unwrap();
            (name, tenant["is_served"].as_bool().unwrap(), tenant["active"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(seen, [("default", true, 2), ("gone", false, 1), ("web", true, 1)]);
    assert!(shell.says(&["tenants"]).starts_with("TENANT   SERVED  ACTIVE"));
}
