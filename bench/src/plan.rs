//! What is measured, in which order.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    driver::statistics::percentile,
    figures::{Figure, Goal, milliseconds},
    flame::Recording,
    limits::{self, Sql, Trivial},
    load::{Measured, Script, drive},
    scripts, start, storm,
    subject::{Memory, Store, Subject},
};

/// How long and how often.
pub(crate) struct Options {
    pub(crate) binary: PathBuf,
    pub(crate) runs: usize,
    pub(crate) seconds: u64,
    pub(crate) quick: bool,
    /// Only what has this in its name.
    pub(crate) only: Option<String>,
    /// Draws flame graphs, and measures nothing: whoever is watched is slower.
    pub(crate) flames: bool,
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

/// What a scenario is compared with.
#[derive(Clone, Copy, Debug)]
enum Against {
    Hashes,
    TrivialAnswer,
    Sql(Sql),
}

impl Options {
    fn long(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Limits are steadier than the server, and measured before each run.
    fn long_for_limits(&self) -> Duration {
        Duration::from_secs((self.seconds / 2).max(1))
    }

    /// Whether this is to be measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    /// How many sessions take turns where a session is not to be seen twice within a second.
    fn many(&self) -> usize {
        if self.quick { 2_000 } else { 10_000 }
    }

    /// Where pages and plots go: into the documentation only what was measured in full.
    pub(crate) fn folder(&self) -> PathBuf {
        let partly = self.quick || self.only.is_some();
        if partly { PathBuf::from("target/bench/performance") } else { PathBuf::from("docs/performance") }
    }

    fn sizes(&self) -> Vec<usize> {
        if self.quick { vec![FEW, 20_000, 100_000] } else { vec![FEW, 20_000, 100_000, 1_000_000] }
    }
}

/// Measures everything.
pub(crate) async fn carry_out(options: &Options) -> Vec<Figure> {
    let mut figures = if options.wants("hashes") { vec![hashes(options)] } else { Vec::new() };
    let trivial = Trivial::start();
    for store in [Store::postgres(), Store::sqlite()] {
        figures.extend(one_store(options, store, &trivial).await);
    }
    figures
}

fn hashes(options: &Options) -> Figure {
    say("hashes");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        theirs.extend(limits::reference_hashes(options.long()));
        ours.push(limits::hashes(options.long()));
    }
    let hashes = Figure::new("", "Argon2id hashes", "1/s", ours);
    if theirs.len() < options.runs {
        return hashes;
    }
    hashes.of("libargon2", theirs).asked(Goal::Share(least_hashing()))
}

/// The goal for our hashes, as a share of those of the reference implementation.
fn least_hashing() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return 2.0;
    }
    1.3
}

async fn one_store(options: &Options, store: Store, trivial: &Trivial) -> Vec<Figure> {
    let directory = TempDir::new().expect("a temporary directory");
    let mut subject = Subject::start(&options.binary, store, directory.path()).await;
    let bench = |people, long| Bench { options, trivial, people, long };
    let name = subject.store.name();
    let mut figures = Vec::new();
    let mut grown: Vec<(usize, Vec<Figure>)> = Vec::new();
    let mut before = 0;
    for size in options.sizes() {
        let is_growing = options.wants(&format!("{name}: growth"));
        if size > 20_000 && !is_growing {
            break;
        }
        say(&format!("{name}: {size} people"));
        subject.grow(size);
        // Every read of the growth shall ask the store, which has grown.
        let memory = if size == 20_000 { Memory::Usual } else { Memory::Off };
        subject.restart(&options.binary, memory).await;
        if size == 20_000 {
            figures.extend(scenarios(&bench(size, options.long()), &subject).await);
        } else if is_growing {
            grown.push((size, growth(&bench(size, options.long_for_limits()), &subject, before).await));
        }
        before = size;
    }
    figures.extend(compared(grown));
    drop(subject.server);
    if !options.wants(&format!("{name}: start")) {
        return figures;
    }
    figures.extend(starts(options, &subject.store, directory.path()));
    figures
}

/// What measuring needs beside the server.
struct Bench<'a> {
    options: &'a Options,
    trivial: &'a Trivial,
    people: usize,
    /// How long a run is.
    long: Duration,
}

/// What clients do, in the accounts from [`FEW`] on.
async fn planned(options: &Options, subject: &Subject) -> Vec<Scenario> {
    let people = 20_000;
    let many = options.many();
    let (_, tokens) = subject.sessions(FEW + 1..=FEW + many).await;
    let (chains, _) = subject.sessions(FEW + many + 1..=FEW + many + CHAINS).await;
    let (me, list) = ("/api/auth/me", "/api/auth/sessions");
    let (hashes, trivial) = (Some(Against::Hashes), Some(Against::TrivialAnswer));
    let (read, rotate) = match subject.store {
        Store::Postgres { .. } => (Some(Against::Sql(Sql::Select)), Some(Against::Sql(Sql::Rotate))),
        Store::Sqlite(_) => (trivial, None),
    };
    let tenth = scripts::logins(HASHING, people, 10);
    vec![
        Scenario::new("login", scripts::logins(HASHING, people, 0)).of(hashes).asked(0.95),
        Scenario { wanted: &[200, 401], ..Scenario::new("login, a tenth wrong", tenth) }
            .of(hashes)
            .asked(0.95),
        Scenario { wanted: &[201], ..Scenario::new("register", scripts::registrations(HASHING)) }.of(hashes),
        Scenario::new("me, seen within a second", scripts::reads(me, READING, &tokens[..READING]))
            .of(trivial)
            .asked(0.5),
        Scenario::new("me, thousands of sessions in turn", scripts::reads(me, READING, &tokens)).of(read),
        Scenario::new("list of sessions", scripts::reads(list, READING, &tokens)).of(trivial),
        Scenario::new("refresh, 64 chains", scripts::chains(chains)).of(rotate),
    ]
}

/// The scenarios and the storm.
async fn scenarios(bench: &Bench<'_>, subject: &Subject) -> Vec<Figure> {
    let mut all = Vec::new();
    let wants = |what: &str| bench.options.wants(&format!("{}: {what}", subject.store.name()));
    for scenario in planned(bench.options, subject).await.into_iter().filter(|scenario| wants(scenario.name))
    {
        all.push(bench.measure(subject, scenario).await);
    }
    if !wants("storm") {
        return all;
    }
    let last = FEW + bench.options.many() + CHAINS;
    let (_, tokens) = subject.sessions(last + 1..=last + READING).await;
    all.extend(storms(bench, subject, &tokens).await);
    all
}

/// Scenarios whose flame graphs are drawn, with the names of the files.
const WATCHED: [(&str, &str); 3] =
    [("login", "login"), ("me, seen within a second", "me"), ("refresh, 64 chains", "refresh")];

/// Draws where the time goes on PostgreSQL.
pub(crate) async fn watch(options: &Options) -> io::Result<()> {
    let directory = TempDir::new()?;
    let mut subject = Subject::start(&options.binary, Store::postgres(), directory.path()).await;
    subject.grow(20_000);
    let folder = options.folder();
    fs::create_dir_all(&folder)?;
    for mut scenario in planned(options, &subject).await {
        let Some((_, name)) = WATCHED.iter().find(|(watched, _)| *watched == scenario.name) else { continue };
        say(&format!("flame graph of {name}"));
        let (stacks, long) = (directory.path().join("stacks"), options.long());
        let recording = Recording::start(subject.server.process(), WARM + long, &stacks)?;
        drive(subject.server.address, &mut scenario.scripts, scenario.wanted, WARM, long).await;
        fs::write(folder.join(format!("flame-{name}.svg")), recording.draw(scenario.name, &stacks)?)?;
    }
    Ok(())
}

impl Bench<'_> {
    async fn measure(&self, subject: &Subject, mut scenario: Scenario) -> Figure {
        say(&format!("{}: {}", subject.store.name(), scenario.name));
        let mut figure = Figure::new(subject.store.name(), scenario.name, "1/s", Vec::new());
        let mut limits = Vec::new();
        for _ in 0..self.options.runs {
            if let Some(against) = scenario.against {
                limits.push(self.limit(subject, against).await);
            }
            let (address, long) = (subject.server.address, self.long);
            let Measured { rate, others, .. } =
                drive(address, &mut scenario.scripts, scenario.wanted, WARM, long).await;
            figure.runs.push(rate);
            for (status, count) in others {
                *figure.others.entry(status).or_default() += count;
            }
        }
        figure.goal = scenario.goal;
        match scenario.against {
            Some(against) => figure.of(against.what(), limits),
            None => figure,
        }
    }

    async fn limit(&self, subject: &Subject, against: Against) -> f64 {
        let long = self.options.long_for_limits();
        match (against, &subject.store) {
            (Against::Hashes, _) => limits::hashes(long),
            (Against::Sql(sql), Store::Postgres { cluster, database }) => {
                let clients = if matches!(sql, Sql::Select) { READING } else { CHAINS };
                limits::pgbench(cluster, database, sql, clients, self.people, long)
            }
            _ => {
                let mut scripts = scripts::plain(READING);
                drive(self.trivial.address, &mut scripts, &[200], Duration::from_millis(200), long).await.rate
            }
        }
    }
}

/// What clients do at once, as often as they can.
struct Scenario {
    name: &'static str,
    scripts: Vec<Script>,
    wanted: &'static [u16],
    against: Option<Against>,
    goal: Option<Goal>,
}

impl Scenario {
    fn new(name: &'static str, scripts: Vec<Script>) -> Self {
        Self { name, scripts, wanted: &[200], against: None, goal: None }
    }

    /// The goal for this is half of its limit where the limit is the database's: the driver has a share, too.
    fn of(self, against: Option<Against>) -> Self {
        let goal = matches!(against, Some(Against::Sql(_))).then_some(Goal::Share(0.5));
        Self { against, goal, ..self }
    }

    fn asked(self, share: f64) -> Self {
        Self { goal: Some(Goal::Share(share)), ..self }
    }
}

impl Against {
    const fn what(self) -> &'static str {
        match self {
            Self::Hashes => "Argon2id on all cores",
            Self::TrivialAnswer => "trivial actix answer",
            Self::Sql(Sql::Select) => "pgbench: read session and account",
            Self::Sql(Sql::Rotate) => "pgbench: read chain, add token",
        }
    }
}

/// The storm, and the memory it leaves behind.
async fn storms(bench: &Bench<'_>, subject: &Subject, tokens: &[String]) -> Vec<Figure> {
    let store = subject.store.name();
    say(&format!("{store}: storm"));
    let (address, long) = (subject.server.address, bench.options.long() * 2);
    let calm = storm::measure(address, tokens, bench.people, false, long).await;
    let hashes = bench.limit(subject, Against::Hashes).await;
    let loud = storm::measure(address, tokens, bench.people, true, long).await;
    let at = |times: &[Duration], percent| milliseconds(percentile(&mut times.to_vec(), percent));
    let mut slow = Figure::new(store, "me in a storm of logins, p99", "ms", vec![at(&loud.times, 99.0)]);
    if loud.failed > 0 {
        slow.others.insert(0, loud.failed);
    }
    let mut logins = Figure::new(store, "logins in the storm", "1/s", vec![loud.logins]);
    logins.others.insert(503, loud.shed);
    vec![
        Figure::new(store, "me at 320/s in the calm, p50", "ms", vec![at(&calm.times, 50.0)]),
        Figure::new(store, "me at 320/s in the calm, p99", "ms", vec![at(&calm.times, 99.0)]),
        Figure::new(store, "me in a storm of logins, p50", "ms", vec![at(&loud.times, 50.0)]),
        slow.asked(Goal::Most(STORM_MS)),
        logins.of(Against::Hashes.what(), vec![hashes]).asked(Goal::Share(0.9)),
        Figure::new(store, "memory after the storm", "MiB", vec![subject.server.memory()])
            .asked(Goal::Most(HASH_BUDGET + BESIDE_HASHES)),
    ]
}

/// What each indexed way costs; the accounts after `before` have not been used.
async fn growth(bench: &Bench<'_>, subject: &Subject, before: usize) -> Vec<Figure> {
    let size = bench.people;
    let step = (size - before) / 500;
    let (_, access) = subject.sessions((before + 1..size).step_by(step).take(400)).await;
    let (chains, _) = subject.sessions((before + 2..size).step_by(step).take(CHAINS)).await;
    let mut figures = Vec::new();
    for scenario in [
        Scenario::new("login", scripts::logins(HASHING, size, 0)),
        Scenario::new("me from the store", scripts::reads("/api/auth/me", READING, &access)),
        Scenario::new("list of sessions", scripts::reads("/api/auth/sessions", READING, &access)),
        Scenario::new("refresh", scripts::chains(chains)),
    ] {
        figures.push(bench.measure(subject, scenario).await);
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

#[expect(clippy::print_stderr, reason = "tells what takes so long")]
fn say(what: &str) {
    eprintln!("{what}");
}
