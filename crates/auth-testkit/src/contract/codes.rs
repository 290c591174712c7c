//! Contract of the stores of one-time codes.

use std::sync::Arc;

use auth_domain::{
    id::UserId,
    port::{CodeMac, CodePurpose, CodeSlot, CodeStore, Redemption, StoredCode},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::builder::noon;

/// Runs the contract of code stores against what `make` gives.
#[macro_export]
macro_rules! codes_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; codes;
            accepts_the_right_answer_once counts_wrong_answers_down_to_none
            replaces_a_code_with_the_newest_and_its_tries keeps_slots_apart expires_by_the_time_of_the_call
            empties_a_slot_when_discarded keeps_no_code_without_tries_or_time bears_odd_numbers
            forgets_no_living_code_among_many accepts_one_of_parallel_right_answers
            looks_at_no_more_parallel_wrong_answers_than_tries accepts_one_code_of_parallel_puts
        }
    };
}

const SLOT: CodeSlot = slot(CodePurpose::SmsLogin, 7);

const fn slot(purpose: CodePurpose, user: i64) -> CodeSlot {
    CodeSlot { purpose, user: UserId::from_i64(user) }
}

/// A stand-in for the keyed hash of a code. It holds bytes that are no text, as hashes do.
fn mac(code: u8) -> CodeMac {
    let mut bytes = [0xff; 32];
    bytes[..4].copy_from_slice(&[0, b'\r', b'\n', code]);
    CodeMac::from_bytes(bytes)
}

fn after(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

/// A code with five tries and five minutes.
fn code(code: u8) -> StoredCode {
    StoredCode { mac: mac(code), tries: 5, expires_at: after(300) }
}

async fn put(codes: &impl CodeStore, slot: CodeSlot, code: &StoredCode) {
    codes.put(slot, code, noon()).await.expect("the store works");
}

async fn redeem(codes: &impl CodeStore, slot: CodeSlot, answer: u8, now: DateTime<Utc>) -> Redemption {
    codes.redeem(slot, &mac(answer), now).await.expect("the store works")
}

/// The right answer is accepted, and then there is no code.
pub async fn accepts_the_right_answer_once(codes: impl CodeStore) {
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Absent);
    put(&codes, SLOT, &code(1)).await;
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Accepted);
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Absent);
}

/// Each wrong answer costs a try; after the last one even the right answer comes too late.
pub async fn counts_wrong_answers_down_to_none(codes: impl CodeStore) {
    put(&codes, SLOT, &code(1)).await;
    for tries_left in (0..5).rev() {
        assert_eq!(redeem(&codes, SLOT, 2, noon()).await, Redemption::Wrong { tries_left });
    }
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Absent);
    // The last try is as good as the first.
    put(&codes, SLOT, &code(1)).await;
    for _ in 0..4 {
        redeem(&codes, SLOT, 2, noon()).await;
    }
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Accepted);
}

/// The newest code wins; its tries and its end are its own.
pub async fn replaces_a_code_with_the_newest_and_its_tries(codes: impl CodeStore) {
    put(&codes, SLOT, &code(1)).await;
    redeem(&codes, SLOT, 9, noon()).await;
    put(&codes, SLOT, &StoredCode { tries: 3, expires_at: after(600), ..code(2) }).await;
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Wrong { tries_left: 2 });
    assert_eq!(redeem(&codes, SLOT, 2, after(599)).await, Redemption::Accepted);
    put(&codes, SLOT, &StoredCode { expires_at: after(600), ..code(1) }).await;
    put(&codes, SLOT, &code(2)).await;
    assert_eq!(redeem(&codes, SLOT, 2, after(300)).await, Redemption::Absent);
}

/// A code opens no other slot: neither another purpose nor another user.
pub async fn keeps_slots_apart(codes: impl CodeStore) {
    let users = [0, 7, 71, i64::MAX, -7];
    let slots: Vec<_> =
        CodePurpose::ALL.iter().flat_map(|&purpose| users.map(|user| slot(purpose, user))).collect();
    for (number, &slot) in (0u8..).zip(&slots) {
        put(&codes, slot, &code(number)).await;
    }
    for (number, &slot) in (0u8..).zip(&slots) {
        let answer = redeem(&codes, slot, number.wrapping_add(1), noon()).await;
        assert_eq!(answer, Redemption::Wrong { tries_left: 4 }, "{slot:?}");
        assert_eq!(redeem(&codes, slot, number, noon()).await, Redemption::Accepted, "{slot:?}");
        assert_eq!(redeem(&codes, slot, number, noon()).await, Redemption::Absent, "{slot:?}");
    }
}

/// A code is accepted up to the microsecond before its end, by the time the caller gives.
pub async fn expires_by_the_time_of_the_call(codes: impl CodeStore) {
    let last = after(300) - TimeDelta::microseconds(1);
    put(&codes, SLOT, &code(1)).await;
    assert_eq!(redeem(&codes, SLOT, 2, last).await, Redemption::Wrong { tries_left: 4 });
    assert_eq!(redeem(&codes, SLOT, 1, last).await, Redemption::Accepted);
    put(&codes, SLOT, &code(1)).await;
    assert_eq!(redeem(&codes, SLOT, 1, after(300)).await, Redemption::Absent);
    // Seen to be expired, it is gone: a clock that is set back does not bring it to life again.
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Absent);
}

/// A discarded code is gone, and only that one; an empty slot may be discarded too.
pub async fn empties_a_slot_when_discarded(codes: impl CodeStore) {
    let other = slot(CodePurpose::SmsSetup, 7);
    for slot in [SLOT, other] {
        codes.discard(slot).await.expect("the store works");
        put(&codes, slot, &code(1)).await;
    }
    codes.discard(SLOT).await.expect("the store works");
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Absent);
    assert_eq!(redeem(&codes, other, 1, noon()).await, Redemption::Accepted);
}

/// What nobody could redeem is not kept, and what waited before is replaced all the same.
pub async fn keeps_no_code_without_tries_or_time(codes: impl CodeStore) {
    let hopeless = [
        StoredCode { tries: 0, ..code(2) },
        StoredCode { expires_at: noon(), ..code(2) },
        StoredCode { expires_at: after(-300), ..code(2) },
    ];
    for hopeless in hopeless {
        put(&codes, SLOT, &code(1)).await;
        put(&codes, SLOT, &hopeless).await;
        for answer in [1, 2] {
            assert_eq!(redeem(&codes, SLOT, answer, after(-600)).await, Redemption::Absent, "{hopeless:?}");
        }
    }
}

/// The most tries, the longest life and times before 1970 work like others.
pub async fn bears_odd_numbers(codes: impl CodeStore) {
    let odd = StoredCode { tries: u32::MAX, expires_at: DateTime::<Utc>::MAX_UTC, ..code(1) };
    put(&codes, SLOT, &odd).await;
    let answer = redeem(&codes, SLOT, 2, after(1_000_000_000)).await;
    assert_eq!(answer, Redemption::Wrong { tries_left: u32::MAX - 1 });
    assert_eq!(redeem(&codes, SLOT, 1, noon()).await, Redemption::Accepted);

    let (then, end) = (DateTime::UNIX_EPOCH - TimeDelta::days(1), DateTime::UNIX_EPOCH);
    let early = StoredCode { expires_at: end, ..code(1) };
    codes.put(SLOT, &early, then).await.expect("the store works");
    let last = end - TimeDelta::microseconds(1);
    assert_eq!(redeem(&codes, SLOT, 2, last).await, Redemption::Wrong { tries_left: 4 });
    assert_eq!(redeem(&codes, SLOT, 1, end).await, Redemption::Absent);
}

/// However many codes come and go, one that lives is not forgotten.
pub async fn forgets_no_living_code_among_many(codes: impl CodeStore) {
    put(&codes, SLOT, &StoredCode { expires_at: after(3600), ..code(1) }).await;
    for number in 0..10_000 {
        let now = noon() + TimeDelta::milliseconds(number * 300);
        let short = StoredCode { expires_at: now + TimeDelta::seconds(10), ..code(2) };
        let slot = slot(CodePurpose::EmailLogin, number);
        codes.put(slot, &short, now).await.expect("the store works");
    }
    assert_eq!(redeem(&codes, SLOT, 1, after(3599)).await, Redemption::Accepted);
}

/// What came of many parallel calls.
async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    calls: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::with_capacity(calls.len());
    for call in calls {
        outcomes.push(call.await.expect("the task ends"));
    }
    outcomes
}

/// Of many parallel right answers exactly one is accepted, round after round.
pub async fn accepts_one_of_parallel_right_answers(codes: impl CodeStore + 'static) {
    let codes = Arc::new(codes);
    for _ in 0..20 {
        put(&*codes, SLOT, &code(1)).await;
        let answers = together((0..50).map(|_| {
            let codes = Arc::clone(&codes);
            async move { redeem(&*codes, SLOT, 1, noon()).await }
        }))
        .await;
        assert_eq!(answers.iter().filter(|answer| **answer == Redemption::Accepted).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Redemption::Absent).count(), 49);
    }
}

/// Of many parallel wrong answers as many are looked at as there are tries, each told its own rest.
pub async fn looks_at_no_more_parallel_wrong_answers_than_tries(codes: impl CodeStore + 'static) {
    let codes = Arc::new(codes);
    for _ in 0..20 {
        put(&*codes, SLOT, &code(1)).await;
        let answers = together((0..50).map(|_| {
            let codes = Arc::clone(&codes);
            async move { redeem(&*codes, SLOT, 2, noon()).await }
        }))
        .await;
        let mut left: Vec<u32> = answers
            .iter()
            .filter_map(|answer| match answer {
                Redemption::Wrong { tries_left } => Some(*tries_left),
                _ => None,
            })
            .collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4]);
        assert_eq!(redeem(&*codes, SLOT, 1, noon()).await, Redemption::Absent);
    }
}

/// Of several codes put at once exactly one is left to be accepted.
pub async fn accepts_one_code_of_parallel_puts(codes: impl CodeStore + 'static) {
    let codes = Arc::new(codes);
    for _ in 0..20 {
        together((0..8).map(|number| {
            let codes = Arc::clone(&codes);
            let code = StoredCode { tries: 20, ..code(number) };
            async move { codes.put(SLOT, &code, noon()).await.expect("the store works") }
        }))
        .await;
        let answers = together((0..8).map(|number| {
            let codes = Arc::clone(&codes);
            async move { redeem(&*codes, SLOT, number, noon()).await }
        }))
        .await;
        assert_eq!(answers.iter().filter(|answer| **answer == Redemption::Accepted).count(), 1);
    }
}
