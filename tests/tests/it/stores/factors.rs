//! Commands on second factors.

use auth_domain::{
    factor::{TimeStep, TrustedDevice},
    id::{DeviceId, SessionId, UserId},
    port::{Repos, StoreError},
    session::Authentication,
    token::AuthMethod,
};
use auth_testkit::builder;
use proptest::prelude::*;

use super::{minute, said};

/// A thing to do with second factors.
#[derive(Clone, Debug)]
pub(super) enum Command {
    SetUp { user: i64, app: u32 },
    Activate { user: i64, app: u32, step: i64 },
    Advance { user: i64, step: i64 },
    Remove { user: i64 },
    Replace { user: i64, codes: Vec<u32> },
    UseCode { user: i64, owner: i64, code: u32 },
    Remember { id: i64, user: i64, device: i64, at: i64 },
    Known { user: i64, device: i64, at: i64 },
    Forget { user: i64, at: i64 },
    Purge { before: i64, limit: u32 },
    StepUp { session: i64, at: i64, second: Option<i64> },
}

#[rustfmt::skip]
pub(super) fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let (user, app, step, code) = (1..4i64, 0..2u32, 0..6i64, 0..5u32);
    let (device, at) = (0..4i64, 0..15i64);
    let codes = proptest::sample::subsequence((0..5u32).collect::<Vec<_>>(), 0..4);
    prop_oneof![
        (user.clone(), app.clone()).prop_map(|(user, app)| SetUp { user, app }),
        (user.clone(), app, step.clone()).prop_map(|(user, app, step)| Activate { user, app, step }),
        (user.clone(), step).prop_map(|(user, step)| Advance { user, step }),
        user.clone().prop_map(|user| Remove { user }),
        (user.clone(), codes).prop_map(|(user, codes)| Replace { user, codes }),
        (user.clone(), user.clone(), code).prop_map(|(user, owner, code)| UseCode { user, owner, code }),
        (0..6i64, user.clone(), device.clone(), at.clone())
            .prop_map(|(id, user, device, at)| Remember { id, user, device, at }),
        (user.clone(), device, at.clone()).prop_map(|(user, device, at)| Known { user, device, at }),
        (user, at.clone()).prop_map(|(user, at)| Forget { user, at }),
        (at.clone(), 0..3u32).prop_map(|(before, limit)| Purge { before, limit }),
        (1..5i64, at.clone(), proptest::option::of(at))
            .prop_map(|(session, at, second)| StepUp { session, at, second }),
    ]
}

pub(super) async fn answer(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    let step = TimeStep::from_i64;
    let app = |number| builder::pending_totp(number, builder::noon());
    match command.clone() {
        Command::SetUp { user, app: number } => {
            let Some(user) = known(repos, user).await? else { return said("nobody") };
            repos.factors().put_pending_totp(user, &app(number)).await?;
            shown(repos, user).await
        }
        Command::Activate { user, app: number, step: first } => {
            let user = UserId::from_i64(user);
            let activated = repos.factors().activate_totp(user, &app(number), step(first)).await?;
            said((activated, shown(repos, user).await?))
        }
        Command::Advance { user, step: next } => {
            said(repos.factors().advance_step(UserId::from_i64(user), step(next)).await?)
        }
        Command::Remove { user } => said(repos.factors().remove_totp(UserId::from_i64(user)).await?),
        Command::Replace { user, codes } => {
            let Some(user) = known(repos, user).await? else { return said("nobody") };
            let codes: Vec<_> = codes.into_iter().map(|number| code(user.as_i64(), number)).collect();
            said(repos.factors().replace_recovery_codes(user, &codes, minute(0)).await?)
        }
        Command::UseCode { user, owner, code: number } => {
            let user = UserId::from_i64(user);
            let accepted =
                repos.factors().consume_recovery_code(user, &code(owner, number), minute(0)).await?;
            said((accepted, repos.factors().recovery_codes_left(user).await?))
        }
        _ => answer_about_devices(repos, command).await,
    }
}

async fn answer_about_devices(repos: &mut dyn Repos, command: &Command) -> Result<String, StoreError> {
    match *command {
        Command::Remember { id, user, device: number, at } => {
            let Some(user) = known(repos, user).await? else { return said("nobody") };
            let device = device(user, number, at);
            said(repos.devices().remember(&TrustedDevice { id: DeviceId::from_i64(id), ..device }).await?)
        }
        Command::Known { user, device: number, at } => {
            let user = UserId::from_i64(user);
            let fingerprint = device(user, number, at).fingerprint;
            let one = repos.devices().find(user, &fingerprint, minute(at)).await?;
            said((one, repos.devices().list(user, minute(at)).await?))
        }
        Command::Forget { user, at } => {
            said(repos.devices().forget_all(UserId::from_i64(user), minute(at)).await?)
        }
        Command::Purge { before, limit } => said(repos.devices().purge(minute(before), limit).await?),
        Command::StepUp { session, at, second } => {
            let methods = vec![AuthMethod::Password, AuthMethod::Totp];
            let second_factor_at = second.map(minute);
            let proved = Authentication { at: minute(at), methods, second_factor_at };
            said(repos.sessions().step_up(SessionId::from_i64(session), &proved).await?)
        }
        _ => unreachable!("it is about apps and codes"),
    }
}

/// Only accounts that exist have factors.
async fn known(repos: &mut dyn Repos, user: i64) -> Result<Option<UserId>, StoreError> {
    Ok(repos.users().by_id(UserId::from_i64(user)).await?.map(|user| user.id))
}

/// Codes are random: two accounts never have one in common.
fn code(owner: i64, number: u32) -> auth_domain::secret::Digest {
    builder::recovery_code(number + 100 * u32::try_from(owner).expect("a small number"))
}

fn device(user: UserId, number: i64, at: i64) -> TrustedDevice {
    builder::device(number, user, minute(at))
}

/// `Debug` shows no sealed bytes; here they are the point.
async fn shown(repos: &mut dyn Repos, user: UserId) -> Result<String, StoreError> {
    let stored = repos.factors().totp(user).await?;
    let waiting = stored.pending.as_ref().map(|pending| (pending.secret.as_bytes(), pending.since));
    said((stored.secret.as_ref().map(auth_domain::secret::Sealed::as_bytes), stored.last_step, waiting))
}
