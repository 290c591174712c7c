//! Where a second factor is demanded of everybody.

use auth_domain::{
    factor::{FactorKind, MfaPolicy},
    port::Clock as _,
    usecase::Policy,
};
use auth_testkit::fake::NoticeKind;
use chrono::TimeDelta;

use super::{Ada, number, without_proof};

#[tokio::test]
async fn codes_by_mail_begin_when_the_grace_period_ends() {
    let mfa = MfaPolicy { required: true, ..MfaPolicy::default() };
    let ada = Ada::registered(Policy { mfa, ..Policy::default() }).await;
    ada.test.clock.advance(TimeDelta::days(29));
    let signed_in = ada.enter().await;
    let grace = ada.test.engine.factors.grace_period(&signed_in.user, ada.test.clock.now());
    assert_eq!((grace.days_left, grace.auto_enable), (1, Some(FactorKind::Email)));

    ada.test.clock.advance(TimeDelta::days(1));
    let required = ada.challenged().await;
    assert_eq!(required.factors, [FactorKind::Email]);
    assert_eq!(ada.letters(NoticeKind::FactorAutoEnabled).await, 1);
    ada.challenged().await;
    assert_eq!(ada.letters(NoticeKind::FactorAutoEnabled).await, 1, "once");
}

#[tokio::test]
async fn a_number_that_waits_does_not_become_the_factor() {
    let mfa = MfaPolicy { required: true, auto_enable: Some(FactorKind::Sms), ..MfaPolicy::default() };
    let ada = Ada::registered(Policy { mfa, ..Policy::default() }).await;
    let caller = ada.caller(&ada.enter().await).await;
    ada.test.engine.factors.set_up_sms(&caller, &number(), &without_proof()).await.expect("a message");
    ada.test.clock.advance(TimeDelta::days(30));
    assert_eq!(ada.challenged().await.factors, [FactorKind::Email]);
    assert_eq!(ada.again(&caller).await.user.factors.sms.pending, None);
}
