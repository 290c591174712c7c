//! Refresh rotation over every interleaving of two and three clients.
//!
//! The world is a session's chain, a clock and some clients that hold copies of its tokens. A refresh
//! is two steps, as in the use case: *look* (judge the token by what the store says) and *act* (the one
//! atomic step). Between any two steps every other client may take one, answers may get lost, and time
//! may pass. The search visits every reachable world and checks each.

use std::collections::HashSet;

use auth_domain::{
    client::Client,
    id::{SessionId, UserId},
    secret::Digest,
    session::{
        Authentication, EndReason, Ended, Session,
        rotation::{Generation, Presented, Verdict, judge},
    },
    tenant::TenantId,
};
use chrono::{DateTime, TimeDelta, Utc};

const GRACE: i64 = 10;
const TICK: i64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Seen {
    Rotate,
    Repeat(usize),
    Reuse,
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    Looked(Seen),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Holder {
    /// The token this client would present: its place in the chain.
    token: usize,
    phase: Phase,
    refreshes_left: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    /// When each token of the chain was made.
    minted: Vec<i64>,
    ended: bool,
    now: i64,
    ticks_left: u8,
    holders: Vec<Holder>,
}

impl World {
    fn new(clients: usize, refreshes: u8, ticks: u8) -> Self {
        let holder = Holder { token: 0, phase: Phase::Idle, refreshes_left: refreshes };
        Self { minted: vec![0], ended: false, now: 0, ticks_left: ticks, holders: vec![holder; clients] }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time in range")
    }

    fn generation(&self, number: usize) -> Option<Generation> {
        self.minted.get(number).map(|&minted| Generation {
            number: u32::try_from(number).expect("a short chain"),
            digest: Digest::of(&number.to_le_bytes()),
            salt: [0; 16],
            minted_at: Self::at(minted),
        })
    }

    /// The verdict of the real rule on the token at `number`.
    fn judge(&self, number: usize) -> Seen {
        let mut session = Session::open(
            SessionId::from_i64(1),
            TenantId::default(),
            UserId::from_i64(1),
            Authentication { at: Self::at(0), methods: vec![], second_factor_at: None },
            &Client::default(),
            Self::at(0),
            Self::at(1_000_000),
        );
        session.ended = self.ended.then_some(Ended { at: Self::at(self.now), reason: EndReason::TokenReuse });
        let presented = Presented {
            session,
            token: self.generation(number).expect("a token of the chain"),
            successor: self.generation(number + 1),
        };
        match judge(&presented, Self::at(self.now), TimeDelta::seconds(GRACE)) {
            Verdict::Rotate => Seen::Rotate,
            Verdict::Repeat(next) => Seen::Repeat(usize::try_from(next.number).expect("a short chain")),
            Verdict::Reuse => Seen::Reuse,
            Verdict::Dead => Seen::Dead,
        }
    }

    /// Every world one step away.
    fn successors(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for who in 0..self.holders.len() {
            match self.holders[who].phase {
                Phase::Idle if self.holders[who].refreshes_left > 0 => next.push(self.look(who)),
                Phase::Idle => {}
                Phase::Looked(seen) => {
                    next.push(self.act(who, seen, true));
                    next.push(self.act(who, seen, false));
                }
            }
        }
        if self.ticks_left > 0 {
            next.push(Self { now: self.now + TICK, ticks_left: self.ticks_left - 1, ..self.clone() });
        }
        next
    }

    fn look(&self, who: usize) -> Self {
        let mut world = self.clone();
        world.holders[who].phase = Phase::Looked(self.judge(self.holders[who].token));
        world
    }

    /// The atomic step; `arrives` says whether the client gets to see the answer.
    fn act(&self, who: usize, seen: Seen, arrives: bool) -> Self {
        let mut world = self.clone();
        let presented = self.holders[who].token;
        world.holders[who].phase = Phase::Idle;
        let granted = match seen {
            // The insert of row `presented + 1`: refused once it exists or the session has ended.
            Seen::Rotate if !self.ended && self.minted.len() == presented + 1 => {
                world.minted.push(self.now);
                Some(presented + 1)
            }
            // Overtaken: look again, without using up a refresh.
            Seen::Rotate => return world,
            Seen::Repeat(successor) => Some(successor),
            Seen::Reuse => {
                world.ended = true;
                None
            }
            Seen::Dead => None,
        };
        world.holders[who].refreshes_left -= 1;
        if let (Some(token), true) = (granted, arrives) {
            assert_eq!(token, presented + 1, "a token has exactly one successor");
            world.holders[who].token = token;
        }
        world
    }

    fn live_tokens(&self) -> usize {
        (0..self.minted.len()).filter(|&number| self.judge(number) == Seen::Rotate).count()
    }
}

/// Visits every world reachable from `start`, calls `check` on each step, returns how many there are.
fn explore(start: World, check: impl Fn(&World, &World)) -> usize {
    let mut seen = HashSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(world) = open.pop() {
        for next in world.successors() {
            check(&world, &next);
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen.len()
}

fn invariants(before: &World, after: &World) {
    assert!(after.live_tokens() <= 1, "two live branches: {after:?}");
    assert_eq!(after.live_tokens() == 0, after.ended, "a living session has a living token: {after:?}");
    assert!(!before.ended || after.ended, "an ended session came back: {before:?} -> {after:?}");
    assert!(!before.ended || after.minted == before.minted, "an ended session was refreshed");
    assert!(after.minted.starts_with(&before.minted), "history changed");
}

#[test]
fn two_clients_never_fork_a_session() {
    let worlds = explore(World::new(2, 3, 4), invariants);
    assert!(worlds > 10_000, "the search covered only {worlds} worlds");
}

#[test]
fn three_clients_never_fork_a_session() {
    let worlds = explore(World::new(3, 2, 2), invariants);
    assert!(worlds > 10_000, "the search covered only {worlds} worlds");
}

#[test]
fn clients_that_are_quick_are_never_thrown_out() {
    // One tick is within the grace window: tabs that refresh together, whatever their order and
    // whatever answers they lose, keep their session.
    explore(World::new(3, 2, 1), |_, after| assert!(!after.ended, "thrown out: {after:?}"));
}

#[test]
fn a_thief_is_noticed_when_the_copy_is_used_late() {
    // Somebody rotates; after the grace window anybody who presents the spent token ends the session.
    let mut world = World::new(2, 2, 3);
    world = world.look(0).act(0, Seen::Rotate, true);
    world.now += GRACE + 1;
    assert_eq!(world.judge(0), Seen::Reuse);
    let ended = world.look(1).act(1, Seen::Reuse, true);
    assert!(ended.ended);
    assert_eq!(ended.judge(1), Seen::Dead, "the newest token dies with the session");
}

#[test]
fn without_grace_every_second_use_is_a_reuse() {
    let mut world = World::new(2, 1, 0);
    world = world.look(0).act(0, Seen::Rotate, true);
    let presented = Presented {
        session: Session::open(
            SessionId::from_i64(1),
            TenantId::default(),
            UserId::from_i64(1),
            Authentication { at: World::at(0), methods: vec![], second_factor_at: None },
            &Client::default(),
            World::at(0),
            World::at(100),
        ),
        token: world.generation(0).unwrap(),
        successor: world.generation(1),
    };
    assert_eq!(judge(&presented, World::at(0), TimeDelta::zero()), Verdict::Reuse);
}
