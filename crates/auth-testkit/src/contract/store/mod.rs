//! Contract of the store ports.
//!
//! One plain async function per duty, in one file per repository. An adapter runs them all:
//!
//! ```text
//! async fn store() -> (Arc<dyn Store>, Guard) { … }   // an empty, migrated store; the guard removes it
//! auth_testkit::store_contract!(store);
//! ```
//!
//! Every case gets a store of its own and a runtime of several threads, so that races are races.
#![expect(clippy::unwrap_used, reason = "a contract case is a test")]

use std::{future::Future, sync::Arc};

use auth_domain::{
    port::{Repos, Store, StoreError, Tx},
    session::Session,
    user::User,
};
use chrono::{DateTime, Utc};
use tokio::{sync::Barrier, task::JoinSet};

use crate::builder;

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod chain;
pub mod devices;
pub mod enrolment;
pub mod factors;
pub mod identities;
pub mod keys;
pub mod known_devices;
pub mod links;
pub mod locks;
pub mod messages;
pub mod outbox;
pub mod people;
pub mod recovery;
pub mod rotation;
pub mod sealed;
pub mod sessions;
pub mod transaction;
pub mod users;

/// How many callers race in a case.
const CALLERS: u32 = 50;

/// Expands to one test per duty of the store ports. The argument is the name of an async function
/// without arguments that returns `(Arc<dyn Store>, guard)`; the guard lives as long as the test.
#[macro_export]
macro_rules! store_contract {
    ($make:ident) => {
        $crate::store_contract! {
            @cases $make;
            transaction {
                answers_a_ping
                commit_makes_all_repositories_visible
                rollback_discards
                dropping_discards_at_once
                dropping_in_the_middle_of_a_statement_discards
                commit_after_a_failed_statement_fails
                commit_after_a_failed_statement_that_was_ignored_keeps_nothing
                an_open_transaction_is_invisible_outside
                reading_does_not_wait_for_an_open_transaction
                single_statements_work_outside_a_transaction
                a_panicking_owner_discards
                later_statements_see_earlier_ones
                a_clash_kept_back_keeps_nothing
                parallel_transactions_lose_nothing
            }
            users {
                insert_then_find
                every_field_survives
                an_account_without_password_survives
                unknown_is_none
                the_address_is_unique_within_its_tenant_only
                duplicate_email_leaves_the_transaction_usable
                duplicate_email_changes_nothing
                parallel_inserts_of_one_address_make_one_account
                a_clash_of_ids_is_a_conflict
                save_writes_every_field_back
                save_to_a_taken_address_leaves_the_transaction_usable
                parallel_moves_to_one_address_move_one_account
                a_locked_account_does_not_change
                lock_with_live_sessions_gives_both
                lock_with_live_sessions_locks
            }
            accounts {
                pages_join_without_gap_or_overlap
                pages_neither_skip_nor_repeat_while_accounts_are_added
                filters_narrow
                a_search_finds_beginnings
                a_search_is_no_pattern
                counts_tell_what_there_is
                lock_superusers_gives_the_active_ones
                parallel_demotions_leave_one_superuser
                all_of_lists_open_and_ended_sessions
                count_live_counts_what_lives
            }
            sessions {
                insert_then_find_with_user
                every_field_survives
                unknown_is_none
                a_clash_of_ids_is_a_conflict
                end_happens_once
                parallel_ends_end_once
                end_all_spares_one
                end_all_spares_other_users_and_ended_sessions
                live_of_lists_newest_first
                extend_never_shortens
                extend_spares_ended_sessions
                the_time_of_the_second_factor_stays
                step_up_replaces_what_was_proved
                step_up_replaces_the_time_of_the_second_factor
                step_up_spares_ended_sessions
                touch_notes_the_last_use
                purge_deletes_ended_and_expired_with_their_tokens
                purge_respects_its_limit
            }
            rotation {
                presented_shows_the_chain
                an_unknown_token_is_none
                rotate_appends_and_sets_the_last_use
                a_place_is_taken_once
                a_lost_race_leaves_the_transaction_usable
                parallel_rotations_have_one_winner
                parallel_rotations_in_transactions_have_one_winner
                an_ended_session_never_rotates
                an_unknown_session_never_rotates
                rotation_racing_with_the_end_leaves_the_session_ended
                rotation_waits_for_an_end_under_way
                a_chain_survives_many_rotations
                rotate_with_user_gives_the_account
                parallel_rotations_with_user_have_one_winner
            }
            links {
                replace_then_find
                find_does_not_use_up
                the_newest_wins
                the_newest_spares_other_purposes_and_users
                parallel_replacements_leave_one
                consume_happens_once
                parallel_consumption_happens_once
                expired_is_none
                unknown_is_none
                a_discarded_consumption_did_not_happen
                withdraw_removes_one_purpose
                purge_deletes_used_and_expired
                purge_respects_its_limit
            }
            enrolment {
                every_enrolment_survives_the_insert
                save_writes_the_enrolment_back
                every_way_to_an_account_shows_its_factors
            }
            factors {
                nothing_is_stored_at_first
                put_pending_then_totp
                put_pending_replaces_the_one_before
                put_pending_leaves_the_app_at_work_as_it_is
                activate_puts_the_waiting_secret_to_work
                activate_replaces_the_app_before
                activate_needs_what_waits
                parallel_activations_have_one_winner
                activation_racing_with_a_setup_takes_the_proved_secret
                advance_step_happens_once
                advance_step_needs_an_app_at_work
                parallel_advances_have_one_winner
                parallel_advances_never_go_back
                a_discarded_change_did_not_happen
                remove_totp_forgets_both
                an_app_without_account_is_refused
            }
            recovery {
                a_code_works_once
                a_code_works_once_within_a_transaction
                parallel_consumption_happens_once
                replace_removes_the_codes_before
                parallel_replacements_leave_one_set
                unknown_codes_and_those_of_others_are_refused
                a_discarded_use_did_not_happen
            }
            devices {
                every_field_survives
                unknown_and_those_of_others_are_none
                remember_replaces_the_same_fingerprint
                a_clash_of_ids_is_a_conflict
                parallel_remembering_leaves_one
                expired_is_none
                list_is_newest_first
                forget_all_counts_the_good
                a_discarded_change_did_not_happen
                purge_deletes_the_expired
                purge_respects_its_limit
            }
            identities {
                every_field_survives
                unknown_is_none
                an_identity_opens_one_account
                an_account_has_one_identity_of_a_provider
                a_clash_of_ids_is_a_conflict
                parallel_first_logins_make_one_account_and_one_link
                save_writes_everything_but_the_key_back
                unlink_removes
                a_discarded_link_does_not_exist
                lease_due_gives_the_longest_unchecked_first
                a_leased_link_comes_back_when_its_lease_runs_out
                parallel_leases_share_nothing
                counts_tell_who_has_a_password
            }
            known_devices {
                every_field_survives
                unknown_is_none
                save_writes_back_what_changes
                save_does_not_bring_back_what_was_forgotten
                the_longest_unused_gives_way
                those_never_seen_again_give_way_first
                others_devices_do_not_give_way
                no_increment_is_lost
                lock_with_account_gives_both
                lock_with_account_locks
                list_begins_with_the_last_used
                forget_forgets_one
                parallel_forgetting_happens_once
                forget_all_spares_others
                a_discarded_change_did_not_happen
                purge_deletes_the_expired
                purge_respects_its_limit
            }
            api_keys {
                every_field_survives
                unknown_is_none
                the_account_is_the_present_one
                a_clash_is_a_conflict
                list_keeps_owners_apart
                revoke_gives_the_key_once
                others_keys_are_not_revoked
                parallel_revocation_happens_once
                revoke_all_spares_others_and_services
                touch_never_goes_back
                a_discarded_change_did_not_happen
                purge_deletes_the_dead
                purge_respects_its_limit
            }
            locks {
                put_then_lock
                put_replaces
                nothing_is_remembered_at_first
                states_gives_what_is_remembered
                clear_forgets
                clear_from_spares_lower_counts
                no_increment_is_lost
                no_increment_is_lost_next_to_clear
                lock_with_account_gives_both
                lock_with_account_locks
                keys_are_independent
                purge_forgets_the_old
                purge_spares_the_closed_for_longer
                purge_respects_its_limit
            }
            keys {
                all_lists_oldest_first
                every_field_survives
                a_taken_id_is_a_conflict
                retire_sets_the_time
                delete_removes
                parallel_first_keys_make_one
            }
            sealed {
                labels_and_counts_tell_who_sealed_what
                pages_join_without_gap_or_overlap
                replace_changes_one_value
                replace_needs_what_was_found
                parallel_replacements_have_one_winner
                a_discarded_replacement_did_not_happen
            }
            audit {
                lists_newest_first
                every_field_survives
                filters_narrow
                pages_join_without_gap_or_overlap
                limit_is_respected
                a_discarded_entry_is_not_in_the_log
                parallel_appends_lose_nothing
                purge_deletes_old_entries_only
                purge_deletes_the_oldest_first
                purge_respects_its_limit
                an_earlier_purge_is_harmless
                purge_spares_the_last_days
                positions_are_not_given_out_again
            }
            chain {
                nothing_is_chained_at_first
                what_is_not_chained_waits_in_order
                every_field_of_a_link_survives
                a_page_shows_links_with_their_entries
                a_place_is_taken_once
                an_entry_is_chained_once
                every_field_of_a_checkpoint_survives
                the_number_of_a_checkpoint_is_taken_once
                first_since_finds_the_lowest_position
                a_discarded_link_is_not_in_the_chain
                chained_entries_are_not_purged
                prune_deletes_the_beginning_with_its_entries
                prune_keeps_checkpoints_that_are_of_use
                prune_spares_the_last_days
                a_chain_that_was_pruned_altogether_goes_on
                erase_clients_shortens_old_addresses_only
                erase_clients_spares_the_last_days
                two_chainers_next_to_many_writers_make_one_chain
            }
            outbox {
                put_then_lease
                every_intent_survives
                a_clash_of_ids_is_a_conflict
                leases_oldest_first_up_to_the_limit
                leaves_what_is_not_due
                a_leased_message_is_not_leased_again
                a_lease_runs_out
                every_lease_counts_as_a_try
                parallel_leases_share_nothing
                done_forgets
                retry_comes_back_when_due
                a_buried_message_is_never_leased
                depth_counts_what_waits
                dead_letters_are_counted
                purge_deletes_old_dead_letters_only
                purge_respects_its_limit
            }
            messages {
                equal_messages_wait_once
                a_message_met_again_leaves_the_transaction_usable
                parallel_equal_messages_wait_once
                a_message_handed_over_may_be_owed_again
                a_dead_letter_does_not_stand_in_the_way
                oldest_due_looks_at_what_waits
                list_pages_through_what_waits
                list_pages_through_dead_letters
                list_tells_what_became_of_a_message
                retry_now_hurries_what_waits
                retry_now_revives_a_dead_letter
                a_revived_message_stands_beside_its_equal
                discard_deletes_and_gives_back
                what_is_being_sent_is_left_alone
            }
            people {
                present_looks_for_ids_everywhere_and_for_addresses_in_one_tenant
                whoever_was_added_is_there
                many_come_at_once
                a_clash_adds_nobody
                records_are_all_of_one_person
                records_tell_what_was_done_to_others
                erase_leaves_nothing_but_the_log
                an_erased_id_is_remembered
                an_erased_address_is_free
                clients_of_the_erased_go_at_once
                clients_of_others_stay
                other_superusers_are_counted
            }
        }
    };
    (@cases $make:ident; $($module:ident { $($case:ident)* })*) => {$(
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let (store, _guard) = super::$make().await;
                    $crate::contract::store::$module::$case(store).await;
                }
            )*
        }
    )*};
}

/// The store under test.
pub type Subject = Arc<dyn Store>;

async fn begin(store: &Subject) -> Box<dyn Tx> {
    store.begin().await.expect("begin")
}

async fn read(store: &Subject) -> Box<dyn Repos> {
    store.read().await.expect("read")
}

/// Ends a transaction after a statement whose failure may come at the latest from `commit`.
async fn at_the_latest_from_commit(
    tx: Box<dyn Tx>,
    outcome: Result<(), StoreError>,
) -> Result<(), StoreError> {
    match outcome {
        Ok(()) => tx.commit().await,
        Err(error) => {
            tx.commit().await.expect_err("after a failed statement commit fails too");
            Err(error)
        }
    }
}

/// Stores account `number`.
async fn given_user(store: &Subject, number: i64, now: DateTime<Utc>) -> User {
    let user = builder::user(number, now);
    let mut tx = begin(store).await;
    tx.users().insert(&user).await.expect("insert").expect("the address is free");
    tx.commit().await.expect("commit");
    user
}

/// Stores session `number` of `user`, with token 0 of its chain.
async fn given_session(store: &Subject, number: i64, user: &User, now: DateTime<Utc>) -> Session {
    let session = builder::session(number, user, now);
    let first = builder::generation(session.id, 0, now);
    let mut tx = begin(store).await;
    tx.sessions().insert(&session, &first).await.expect("insert");
    tx.commit().await.expect("commit");
    session
}

/// Starts [`CALLERS`] tasks at one moment and gathers what they return, in no order.
async fn race<T, F>(call: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(CALLERS as usize));
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (start, call) = (Arc::clone(&start), call(caller));
        tasks.spawn(async move {
            start.wait().await;
            call.await
        });
    }
    tasks.join_all().await
}

/// Runs a transaction until it does not conflict, as use cases do.
async fn retried<T, F>(attempt: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 0..100 {
        match attempt().await {
            Err(StoreError::Conflict) => tokio::task::yield_now().await,
            done => return done.expect("the transaction runs"),
        }
    }
    panic!("the transaction conflicts for ever")
}

#[cfg(test)]
mod tests {
    /// A case that no test runs would look like a promise kept.
    #[test]
    fn the_macro_runs_every_case() {
        let listed = include_str!("mod.rs");
        let sources = [
            include_str!("api_keys.rs"),
            include_str!("accounts.rs"),
            include_str!("audit.rs"),
            include_str!("devices.rs"),
            include_str!("enrolment.rs"),
            include_str!("factors.rs"),
            include_str!("identities.rs"),
            include_str!("keys.rs"),
            include_str!("known_devices.rs"),
            include_str!("links.rs"),
            include_str!("locks.rs"),
            include_str!("messages.rs"),
            include_str!("outbox.rs"),
            include_str!("recovery.rs"),
            include_str!("rotation.rs"),
            include_str!("sessions.rs"),
            include_str!("transaction.rs"),
            include_str!("users.rs"),
        ];
        for source in sources {
            for case in source.split("pub async fn ").skip(1) {
                let name = case.split('(').next().unwrap_or_default();
                assert!(listed.contains(&format!("                {name}\n")), "{name} is not run");
            }
        }
    }
}
