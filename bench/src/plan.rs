//! What is measured, in which order.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    driver::statistics::percentile,
    figures::{Figure, Goal, median, milliseconds},
    limits::{self, Sql, Trivial},
    load::{Measured, Script, drive},
    scripts, start, storm,
    subject::{Store, Subject},
};

/// How long and how often.
pub(crate) struct Options {
    pub(crate) binary: PathBuf,
    pub(crate) runs: usize,
    pub(crate) seconds: u64,
    pub(crate) quick: bool,
}

/// Clients that hash: enough to keep every core busy, few enough that none is turned away.
const HASHING: usize = 16;
/// Clients that read.
const READING: usize = 32;
/// Chains of refresh tokens.
const CHAINS: usize = 64;
/// People at first, and the ones after them in whose accounts the scenarios take place.
const FEW: usize = 1_000;
/// What the first seconds teach is not measured: plans, prepared statements, connections.
const WARM: Duration = Duration::from_secs(1);

/// MiB that the server may have beside its budget for hashes, and when it does nothing.
const BESIDE_HASHES: f64 = 64.0;
const IDLE: f64 = 30.0;
/// MiB: `HASH_MEMORY_MB` where nobody set it, on a machine of few cores.
const HASH_BUDGET: f64 = 256.0;
const START_MS: f64 = 40.0;
const STORM_MS: f64 = 10.0;
/// What a request may cost in a store that is a thousand times as large.
const GROWTH: f64 = 1.2;

/// What all scenarios are compared with.
struct Limits {
    hashes: f64,
    trivial: f64,
    select: f64,
    rotate: f64,
}

const HASH_RATE: &str = "Argon2id on all cores";
const TRIVIAL_RATE: &str = "trivial actix answer";

impl Options {
    fn long(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn sizes(&self) -> Vec<usize> {
        if self.quick { vec![FEW, 20_000, 100_000] } else { vec![FEW, 20_000, 100_000, 1_000_000] }
    }
}

/// Measures everything.
pub(crate) async fn carry_out(options: &Options) -> Vec<Figure> {
    let mut figures = Vec::new();
    say("hashes");
    let hashes = runs(options, || limits::hashes(options.long()));
    let reference = limits::reference_hashes(options.long());
    let mut ours = Figure::new("", "Argon2id hashes", "1/s", hashes.clone());
    if let Some(reference) = reference {
        ours = ours.of("libargon2", reference).asked(Goal::Share(least_hashing()));
    }
    figures.push(ours);
    let trivial = Trivial::start();
    say("trivial answers");
    let mut plain = scripts::plain(READING);
    let mut rates = Vec::new();
    for _ in 0..options.runs {
        rates.push(drive(trivial.address, &mut plain, &[200], WARM, options.long()).await.rate);
    }
    drop(trivial);
    let mut limits = Limits { hashes: median(&hashes), trivial: median(&rates), select: 0.0, rotate: 0.0 };
    figures.push(Figure::new("", TRIVIAL_RATE, "1/s", rates));
    for store in [Store::postgres(), Store::sqlite()] {
        figures.extend(one_store(options, store, &mut limits).await);
    }
    figures
}

/// The goal for our hashes, as a share of those of the reference implementation.
fn least_hashing() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return 2.0;
    }
    1.3
}

async fn one_store(options: &Options, store: Store, limits: &mut Limits) -> Vec<Figure> {
    let directory = TempDir::new().expect("a temporary directory");
    let mut subject = Subject::start(&options.binary, store, directory.path()).await;
    let name = subject.store.name();
    let mut figures = Vec::new();
    let mut grown: Vec<(usize, Vec<Figure>)> = Vec::new();
    let mut before = 0;
    for size in options.sizes() {
        say(&format!("{name}: {size} people"));
        subject.grow(size);
        if size == 20_000 {
            figures.extend(scenarios(options, &subject, limits, size).await);
        } else {
            grown.push((size, growth(options, &subject, before, size).await));
        }
        before = size;
    }
    figures.extend(compared(grown));
    drop(subject.server);
    figures.extend(starts(options, &subject.store, directory.path()));
    figures
}

/// The scenarios, in the accounts from [`FEW`] to `people`.
async fn scenarios(options: &Options, subject: &Subject, limits: &mut Limits, people: usize) -> Vec<Figure> {
    let store = subject.store.name();
    let mut all = Vec::new();
    if let Store::Postgres { cluster, database } = &subject.store {
        say("postgres: pgbench");
        let rates = |sql, clients| {
            runs(options, || limits::pgbench(cluster, database, sql, clients, people, options.long()))
        };
        limits.select = median(&rates(Sql::Select, READING));
        limits.rotate = median(&rates(Sql::Rotate, CHAINS));
    }
    let many = if options.quick { 2_000 } else { 10_000 };
    let (_, tokens) = subject.sessions(FEW + 1..=FEW + many).await;
    let (chains, _) = subject.sessions(FEW + many + 1..=FEW + many + CHAINS).await;
    let is_postgres = store == "postgres";
    let run = async |name: &str, mut scripts: Vec<Script>, wanted: &'static [u16]| {
        measure(options, subject, name, &mut scripts, wanted).await
    };
    all.push(
        run("login", scripts::logins(HASHING, people, 0), &[200])
            .await
            .of(HASH_RATE, limits.hashes)
            .asked(Goal::Share(0.95)),
    );
    all.push(
        run("login, a tenth wrong", scripts::logins(HASHING, people, 10), &[200, 401])
            .await
            .of(HASH_RATE, limits.hashes)
            .asked(Goal::Share(0.95)),
    );
    all.push(run("register", scripts::registrations(HASHING), &[201]).await.of(HASH_RATE, limits.hashes));
    all.push(
        run("me, seen within a second", scripts::reads("/api/auth/me", READING, &tokens[..READING]), &[200])
            .await
            .of(TRIVIAL_RATE, limits.trivial)
            .asked(Goal::Share(0.5)),
    );
    let unseen =
        run("me, thousands of sessions in turn", scripts::reads("/api/auth/me", READING, &tokens), &[200])
            .await;
    all.push(if is_postgres {
        unseen.of("pgbench: read session and account", limits.select).asked(Goal::Share(0.5))
    } else {
        unseen.of(TRIVIAL_RATE, limits.trivial)
    });
    all.push(
        run("list of sessions", scripts::reads("/api/auth/sessions", READING, &tokens), &[200])
            .await
            .of(TRIVIAL_RATE, limits.trivial),
    );
    let refresh = run("refresh, 64 chains", scripts::chains(chains), &[200]).await;
    all.push(if is_postgres {
        refresh.of("pgbench: read chain, add token", limits.rotate).asked(Goal::Share(0.5))
    } else {
        refresh
    });
    all.extend(storms(options, subject, limits, &tokens[..READING], people).await);
    all
}

async fn measure(
    options: &Options,
    subject: &Subject,
    name: &str,
    scripts: &mut Vec<Script>,
    wanted: &'static [u16],
) -> Figure {
    say(&format!("{}: {name}", subject.store.name()));
    let mut figure = Figure::new(subject.store.name(), name, "1/s", Vec::new());
    for _ in 0..options.runs {
        let Measured { rate, others, .. } =
            drive(subject.server.address, scripts, wanted, WARM, options.long()).await;
        figure.runs.push(rate);
        for (status, count) in others {
            *figure.others.entry(status).or_default() += count;
        }
    }
    figure
}

/// The storm, and the memory it leaves behind.
async fn storms(
    options: &Options,
    subject: &Subject,
    limits: &Limits,
    tokens: &[String],
    people: usize,
) -> Vec<Figure> {
    let store = subject.store.name();
    say(&format!("{store}: storm"));
    let long = options.long() * 2;
    let address = subject.server.address;
    let calm = storm::measure(address, tokens, people, false, long).await;
    let loud = storm::measure(address, tokens, people, true, long).await;
    let at = |times: &[Duration], percent| milliseconds(percentile(&mut times.to_vec(), percent));
    let mut slow = Figure::new(store, "me in a storm of logins, p99", "ms", vec![at(&loud.times, 99.0)]);
    slow.others.insert(0, loud.failed);
    let mut logins = Figure::new(store, "logins in the storm", "1/s", vec![loud.logins]);
    logins.others.insert(503, loud.shed);
    vec![
        Figure::new(store, "me at 320/s in the calm, p50", "ms", vec![at(&calm.times, 50.0)]),
        Figure::new(store, "me at 320/s in the calm, p99", "ms", vec![at(&calm.times, 99.0)]),
        Figure::new(store, "me in a storm of logins, p50", "ms", vec![at(&loud.times, 50.0)]),
        slow.asked(Goal::Most(STORM_MS)),
        logins.of(HASH_RATE, limits.hashes).asked(Goal::Share(0.9)),
        Figure::new(store, "memory after the storm", "MiB", vec![subject.server.memory()])
            .asked(Goal::Most(HASH_BUDGET + BESIDE_HASHES)),
    ]
}

/// What each indexed way costs with so many people; the accounts after `before` have not been used.
async fn growth(options: &Options, subject: &Subject, before: usize, size: usize) -> Vec<Figure> {
    let step = (size - before) / 500;
    let (_, access) = subject.sessions((before + 1..size).step_by(step).take(400)).await;
    let (chains, _) = subject.sessions((before + 2..size).step_by(step).take(CHAINS)).await;
    let mut figures = Vec::new();
    for (name, mut scripts) in [
        ("login", scripts::logins(HASHING, size, 0)),
        ("me", scripts::reads("/api/auth/me", READING, &access)),
        ("list of sessions", scripts::reads("/api/auth/sessions", READING, &access)),
        ("refresh", scripts::chains(chains)),
    ] {
        figures.push(measure(options, subject, name, &mut scripts, &[200]).await);
    }
    figures
}

/// The figures of each size, with what a request costs beside the smallest one.
fn compared(grown: Vec<(usize, Vec<Figure>)>) -> Vec<Figure> {
    let Some((_, first)) = grown.first().cloned() else { return Vec::new() };
    let mut all = Vec::new();
    for (size, figures) in grown {
        for (mut figure, small) in figures.into_iter().zip(&first) {
            let name = std::mem::take(&mut figure.name);
            figure.name = format!("{name}, {size} people");
            let cost = small.value() / figure.value();
            let store = figure.store;
            all.push(figure);
            if size > FEW {
                let name = format!("cost of {name}, {size} to {FEW} people");
                all.push(Figure::new(store, name, "times", vec![cost]).asked(Goal::Most(GROWTH)));
            }
        }
    }
    all
}

/// Starts on the store as it is by now.
fn starts(options: &Options, store: &Store, directory: &Path) -> Vec<Figure> {
    say(&format!("{}: start", store.name()));
    let settings = store.settings(directory);
    let all: Vec<_> =
        (0..options.runs * 3).map(|_| start::measure(&options.binary, &settings, directory)).collect();
    let took = all.iter().map(|start| milliseconds(start.took)).collect();
    let idle = all.iter().map(|start| start.idle).collect();
    vec![
        Figure::new(store.name(), "start to the first answer", "ms", took).asked(Goal::Most(START_MS)),
        Figure::new(store.name(), "memory when idle", "MiB", idle).asked(Goal::Most(IDLE)),
    ]
}

fn runs(options: &Options, mut measure: impl FnMut() -> f64) -> Vec<f64> {
    (0..options.runs).map(|_| measure()).collect()
}

#[expect(clippy::print_stderr, reason = "tells what takes so long")]
fn say(what: &str) {
    eprintln!("{what}");
}
