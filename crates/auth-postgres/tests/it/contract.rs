//! The contract of the store ports.

use std::sync::Arc;

use auth_domain::port::Store;

use crate::support::Database;

async fn store() -> (Arc<dyn Store>, Database) {
    let database = Database::migrated();
    (Arc::new(database.store()), database)
}

auth_testkit::store_contract!(store);

mod archive {
    use std::sync::Arc;

    use auth_postgres::PostgresStore;

    use crate::support::Database;

    #[expect(clippy::unused_async, reason = "the contract asks for an async function")]
    async fn store() -> (Arc<PostgresStore>, Database) {
        let database = Database::migrated();
        (Arc::new(database.store()), database)
    }

    auth_testkit::archive_contract!(store);
}
