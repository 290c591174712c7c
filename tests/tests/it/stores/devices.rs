//! Commands on known devices.

use auth_domain::{
    guard::known_device::KnownDevice,
    id::UserId,
    port::{Repos, StoreError},
};
use auth_testkit::builder;
use proptest::prelude::*;

use super::{minute, said, user};

/// A thing to do with known devices.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Insert { device: i64, user: i64, at: i64, at_most: u32 },
    Look { device: i64, address: u8 },
    Save { device: i64, failures: u32, at: i64 },
    Forget { device: i64 },
    ForgetAll { user: i64 },
    List { user: i64, at: i64 },
    Purge { before: i64, limit: u32 },
}

#[rustfmt::skip]
pub(super) fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let (device, owner, at) = (0..5i64, 1..4i64, 0..15i64);
    prop_oneof![
        (device.clone(), owner.clone(), at.clone(), 1..4u32)
            .prop_map(|(device, user, at, at_most)| Insert { device, user, at, at_most }),
        (device.clone(), 0..4u8).prop_map(|(device, address)| Look { device, address }),
        (device.clone(), 0..4u32, at.clone()).prop_map(|(device, failures, at)| Save { device, failures, at }),
        device.prop_map(|device| Forget { device }),
        owner.clone().prop_map(|user| ForgetAll { user }),
        (owner, at.clone()).prop_map(|(user, at)| List { user, at }),
        (at, 0..3u32).prop_map(|(before, limit)| Purge { before, limit }),
    ]
}

pub(super) async fn answer(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    let owner = UserId::from_i64;
    match *command {
        Command::Insert { device: number, user, at, at_most } => {
            // Only accounts that exist have devices, and no digest comes twice.
            let new = device(number, owner(user), at);
            let is_there = repos.known_devices().lock(&new.digest).await?.is_some();
            if is_there || repos.users().by_id(new.user).await?.is_none() {
                return said("not now");
            }
            said(repos.known_devices().insert(&new, at_most).await?)
        }
        Command::Look { device: number, address } => {
            let (digest, known) = (device(number, owner(1), 0).digest, user(1, address, 0));
            said(repos.known_devices().lock_with_account(&digest, &known.tenant, &known.email).await?)
        }
        Command::Save { device: number, failures, at } => {
            let last_attempt_at = (failures > 0).then(|| minute(at));
            let changed = device(number, owner(1), at);
            let changed = KnownDevice { failures, recent_failures: failures, last_attempt_at, ..changed };
            said(repos.known_devices().save(&changed).await?)
        }
        Command::Forget { device: number } => {
            said(repos.known_devices().forget(&device(number, owner(1), 0).digest).await?)
        }
        Command::ForgetAll { user } => said(repos.known_devices().forget_all(owner(user)).await?),
        Command::List { user, at } => said(repos.known_devices().list(owner(user), minute(at)).await?),
        Command::Purge { before, limit } => said(repos.known_devices().purge(minute(before), limit).await?),
    }
}

fn device(number: i64, user: UserId, at: i64) -> KnownDevice {
    let device = builder::known_device(number, user, minute(at));
    // Digests show as nothing in an answer: the first day tells devices apart.
    KnownDevice { created_at: minute(1000 + number), expires_at: minute(at + 5), ..device }
}
