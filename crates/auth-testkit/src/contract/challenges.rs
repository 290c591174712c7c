//! Contract of the stores of login challenges.

use std::sync::Arc;

use auth_domain::{
    port::{ChallengeStore, StoredChallenge},
    secret::{Digest, Sealed},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::builder::noon;

/// Runs the contract of challenge stores against what `make` gives.
#[macro_export]
macro_rules! challenges_contract {
    ($make:expr) => {
        $crate::async_cases! { $make; challenges;
            hands_the_payload_out_as_it_came_in counts_attempts_down_to_none is_consumed_once
            lets_the_last_attempt_consume answers_alike_for_all_that_is_over keeps_tokens_apart
            decides_by_the_time_of_the_call keeps_no_challenge_without_tries_or_time
            forgets_no_living_challenge_among_many consumes_one_of_parallel_calls
            allows_no_more_parallel_attempts_than_tries
        }
    };
}

fn token(number: i64) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn after(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

fn sealed(text: &str) -> Sealed {
    Sealed::from_bytes(text.as_bytes().to_vec())
}

fn challenge(payload: Sealed, tries: u32, expires_at: DateTime<Utc>) -> StoredChallenge {
    StoredChallenge::new(payload, tries, expires_at).expect("the payload is short")
}

async fn open(challenges: &impl ChallengeStore, token: &Digest, challenge: &StoredChallenge) {
    challenges.open(token, challenge, noon()).await.expect("the store works");
}

/// Opens a challenge with five tries and five minutes.
async fn open_usual(challenges: &impl ChallengeStore, token: &Digest) {
    open(challenges, token, &challenge(sealed("login"), 5, after(300))).await;
}

async fn attempt(challenges: &impl ChallengeStore, token: &Digest, now: DateTime<Utc>) -> Option<Sealed> {
    challenges.attempt(token, now).await.expect("the store works")
}

async fn consume(challenges: &impl ChallengeStore, token: &Digest, now: DateTime<Utc>) -> bool {
    challenges.consume(token, now).await.expect("the store works")
}

/// Empty, long and binary payloads come back byte by byte.
pub async fn hands_the_payload_out_as_it_came_in(challenges: impl ChallengeStore) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let longest: Vec<u8> = every_byte.iter().copied().cycle().take(StoredChallenge::MAX_PAYLOAD).collect();
    for (number, payload) in (0..).zip([vec![], every_byte, longest]) {
        let payload = Sealed::from_bytes(payload);
        open(&challenges, &token(number), &challenge(payload.clone(), 5, after(300))).await;
        for _ in 0..5 {
            assert_eq!(attempt(&challenges, &token(number), noon()).await.as_ref(), Some(&payload));
        }
    }
}

/// Each attempt costs a try.
pub async fn counts_attempts_down_to_none(challenges: impl ChallengeStore) {
    open_usual(&challenges, &token(1)).await;
    for _ in 0..5 {
        assert!(attempt(&challenges, &token(1), noon()).await.is_some());
    }
    for _ in 0..5 {
        assert!(attempt(&challenges, &token(1), noon()).await.is_none());
    }
}

/// A challenge is consumed once, and then there is none.
pub async fn is_consumed_once(challenges: impl ChallengeStore) {
    open_usual(&challenges, &token(1)).await;
    assert!(attempt(&challenges, &token(1), noon()).await.is_some());
    assert!(consume(&challenges, &token(1), noon()).await);
    assert!(!consume(&challenges, &token(1), noon()).await);
    assert!(attempt(&challenges, &token(1), noon()).await.is_none());
}

/// The last try is as good as the first: whoever is right then may finish, even when others find no
/// try left meanwhile.
pub async fn lets_the_last_attempt_consume(challenges: impl ChallengeStore) {
    open_usual(&challenges, &token(1)).await;
    for _ in 0..5 {
        assert!(attempt(&challenges, &token(1), noon()).await.is_some());
    }
    assert!(attempt(&challenges, &token(1), noon()).await.is_none());
    assert!(consume(&challenges, &token(1), noon()).await);
    assert!(!consume(&challenges, &token(1), noon()).await);
}

/// Unknown, used, expired and exhausted look the same to an attempt.
pub async fn answers_alike_for_all_that_is_over(challenges: impl ChallengeStore) {
    let (unknown, used, expired, exhausted) = (token(1), token(2), token(3), token(4));
    open_usual(&challenges, &used).await;
    assert!(consume(&challenges, &used, noon()).await);
    open(&challenges, &expired, &challenge(sealed("login"), 5, after(1))).await;
    open(&challenges, &exhausted, &challenge(sealed("login"), 1, after(300))).await;
    assert!(attempt(&challenges, &exhausted, noon()).await.is_some());
    for token in [unknown, used, expired, exhausted] {
        assert!(attempt(&challenges, &token, after(1)).await.is_none());
    }
    for token in [unknown, used, expired] {
        assert!(!consume(&challenges, &token, after(1)).await);
    }
}

/// One token says nothing about another.
pub async fn keeps_tokens_apart(challenges: impl ChallengeStore) {
    for number in 0..20 {
        let payload = sealed(&number.to_string());
        open(&challenges, &token(number), &challenge(payload, 2, after(300))).await;
    }
    for number in 0..20 {
        let payload = attempt(&challenges, &token(number), noon()).await;
        assert_eq!(payload, Some(sealed(&number.to_string())));
        assert!(consume(&challenges, &token(number), noon()).await);
    }
}

/// A challenge lives up to the microsecond before its end, by the time the caller gives.
pub async fn decides_by_the_time_of_the_call(challenges: impl ChallengeStore) {
    let last = after(300) - TimeDelta::microseconds(1);
    open_usual(&challenges, &token(1)).await;
    assert!(attempt(&challenges, &token(1), last).await.is_some());
    assert!(consume(&challenges, &token(1), last).await);
    open_usual(&challenges, &token(1)).await;
    assert!(!consume(&challenges, &token(1), after(300)).await);
    // Seen to be expired, it is gone: a clock that is set back does not bring it to life again.
    assert!(!consume(&challenges, &token(1), noon()).await);
    open_usual(&challenges, &token(1)).await;
    assert!(attempt(&challenges, &token(1), after(300)).await.is_none());
    assert!(attempt(&challenges, &token(1), noon()).await.is_none());
}

/// What nobody could use is not kept.
pub async fn keeps_no_challenge_without_tries_or_time(challenges: impl ChallengeStore) {
    for (tries, expires_at) in [(0, after(300)), (5, noon()), (5, after(-300))] {
        open(&challenges, &token(1), &challenge(sealed("login"), tries, expires_at)).await;
        assert!(attempt(&challenges, &token(1), after(-600)).await.is_none());
        assert!(!consume(&challenges, &token(1), after(-600)).await);
    }
}

/// However many challenges come and go, one that lives is not forgotten.
pub async fn forgets_no_living_challenge_among_many(challenges: impl ChallengeStore) {
    open(&challenges, &token(-1), &challenge(sealed("kept"), 1, after(3600))).await;
    for number in 0..10_000 {
        let now = noon() + TimeDelta::milliseconds(number * 300);
        let short = challenge(sealed("short"), 5, now + TimeDelta::seconds(10));
        challenges.open(&token(number), &short, now).await.expect("the store works");
    }
    assert_eq!(attempt(&challenges, &token(-1), after(3599)).await, Some(sealed("kept")));
}

/// How many of fifty parallel calls were told yes.
async fn yes_of_fifty<F: Future<Output = bool> + Send + 'static>(call: impl Fn() -> F) -> usize {
    let calls: Vec<_> = (0..50).map(|_| tokio::spawn(call())).collect();
    let mut yes = 0;
    for call in calls {
        yes += usize::from(call.await.expect("the task ends"));
    }
    yes
}

/// Exactly one of many parallel calls consumes, round after round.
pub async fn consumes_one_of_parallel_calls(challenges: impl ChallengeStore + 'static) {
    let challenges = Arc::new(challenges);
    for number in 0..20 {
        open_usual(&*challenges, &token(number)).await;
        let consumed = yes_of_fifty(|| {
            let challenges = Arc::clone(&challenges);
            async move { consume(&*challenges, &token(number), noon()).await }
        });
        assert_eq!(consumed.await, 1);
    }
}

/// As many of many parallel attempts get the payload as there are tries, round after round.
pub async fn allows_no_more_parallel_attempts_than_tries(challenges: impl ChallengeStore + 'static) {
    let challenges = Arc::new(challenges);
    for number in 0..20 {
        open_usual(&*challenges, &token(number)).await;
        let attempted = yes_of_fifty(|| {
            let challenges = Arc::clone(&challenges);
            async move { attempt(&*challenges, &token(number), noon()).await.is_some() }
        });
        assert_eq!(attempted.await, 5);
    }
}
