//! Administration: accounts of others.

mod accounts;
mod audit;
mod create;
mod devices;
mod password;
mod sessions;
mod stats;
mod status;
mod users;

use auth_domain::{
    id::UserId,
    usecase::{Actor, Caller, Target},
};

use crate::{
    Operation,
    body::{BodyKind, Fields, Input, Refused},
    context::RequestContext,
    operation::InputDoc,
};

/// What works whoever keeps the passwords.
pub(super) fn operations() -> Vec<Operation> {
    let mut table = vec![
        users::operation(),
        accounts::delete(),
        accounts::reactivate(),
        accounts::update(),
        password::unlock(),
        devices::list(),
        devices::revoke(),
        status::status(),
        sessions::list(),
        sessions::revoke(),
        audit::operation(),
        stats::operation(),
    ];
    table.extend(status::shortcuts());
    table
}

/// What sets a password of this server.
pub(super) fn passwords_of_this_server() -> Vec<Operation> {
    vec![create::operation(), password::reset()]
}

/// Who acts, as the use cases know them.
const fn actor<'a>(caller: &'a Caller, context: &'a RequestContext) -> Actor<'a> {
    Actor::Person { caller, client: &context.client }
}

/// The account in the path.
#[derive(Debug)]
struct Named(Target);

fn named(fields: &mut Fields<'_>) -> Result<Target, Refused> {
    fields.path_integer("user_id").map(UserId::from_i64).map(Target::Id)
}

fn describe_named(doc: &mut InputDoc) {
    doc.path_integer("user_id", "The account's id");
}

impl Input for Named {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        named(fields).map(Self)
    }

    fn describe(doc: &mut InputDoc) {
        describe_named(doc);
    }
}
