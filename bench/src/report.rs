//! What was measured, as a file for programs, a page for people, and plots.

use std::{collections::BTreeMap, fmt::Write as _, fs, io, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    figures::{Figure, Goal, median},
    plan::Options,
    svg::{self, Bar, Line, number},
};

/// Writes everything into `folder`, the page beside it as `folder.md`.
pub(crate) fn write(machine: &Machine, figures: &[Figure], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for store in ["sqlite", "postgres"] {
        fs::write(folder.join(format!("shares-{store}.svg")), shares(figures, store))?;
        fs::write(folder.join(format!("growth-{store}.svg")), growth(figures, store))?;
    }
    let page = include_str!("performance.md")
        .replace("{machine}", &machine_lines(machine))
        .replace("{figures}", &tables(figures))
        .replace("{unmet}", &unmet(figures))
        .replace("{why}", include_str!("why.md"));
    fs::write(folder.with_extension("md"), page)
}

/// Everything as JSON.
pub(crate) fn json(machine: &Machine, figures: &[Figure]) -> Value {
    let figures: Vec<Value> = figures.iter().map(Figure::json).collect();
    json!({"machine": machine, "figures": figures})
}

/// What the figures depend on.
pub(crate) type Machine = BTreeMap<&'static str, String>;

/// What it is like now: to be asked before anything is measured.
pub(crate) fn machine(options: &Options) -> Machine {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cpu = file("/proc/cpuinfo");
    let vectors = ["avx512f", "avx2"].into_iter().find(|name| cpu.contains(&format!(" {name} ")));
    let said = |program: &str, word: &str| {
        let output = Command::new(program).arg(word).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    BTreeMap::from([
        (
            "processor",
            format!(
                "{}, {} cores, {}",
                field(&cpu, "model name"),
                crate::limits::cores(),
                vectors.unwrap_or("no AVX2")
            ),
        ),
        ("memory", field(&file("/proc/meminfo"), "MemTotal")),
        ("kernel", file("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load before", file("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
        ("compiler", said("rustc", "--version")),
        ("PostgreSQL", said("pgbench", "--version")),
        ("runs", format!("{} of {} s each, the median counts", options.runs, options.seconds)),
    ])
}

fn machine_lines(machine: &Machine) -> String {
    let lines = machine.iter().map(|(name, value)| format!("| {name} | {value} |\n"));
    let note = if is_busy(machine) {
        "\n**Other programs ran meanwhile (see `load before`): ratios are rough, times and rates say little.**\n"
    } else {
        ""
    };
    format!("| | |\n|---|---|\n{}{note}", lines.collect::<String>())
}

/// Whether something else kept half a core busy, or more, in the minute before.
fn is_busy(machine: &Machine) -> bool {
    let load = machine.get("load before").and_then(|load| load.split(' ').next()?.parse::<f64>().ok());
    load.is_some_and(|load| load > 0.5)
}

fn tables(figures: &[Figure]) -> String {
    let mut all = String::new();
    for (store, title) in [("", "The machine"), ("postgres", "On PostgreSQL"), ("sqlite", "On SQLite")] {
        let head = "| | median | limit | ratio | goal | |\n|---|---:|---:|---:|---|---|\n";
        write!(all, "### {title}\n\n{head}").expect("a string takes everything");
        for figure in figures.iter().filter(|figure| figure.store == store) {
            all.push_str(&row(figure));
        }
        all.push('\n');
    }
    all
}

fn row(figure: &Figure) -> String {
    let limit =
        figure.limit.as_ref().map(|limit| format!("{} ({})", number(median(&limit.runs)), limit.what));
    let ratio = figure.ratio().map(|ratio| format!("{ratio:.2}"));
    let goal = figure.goal.map(|goal| match goal {
        Goal::Share(least) => format!("≥ {least}"),
        Goal::Most(most) => format!("≤ {most} {}", figure.unit),
    });
    let met = figure.is_met().map_or("", |met| if met { "met" } else { "**not met**" });
    let others: u64 = figure.others.values().sum();
    let others = if others > 0 { format!(" ({others} other answers)") } else { String::new() };
    format!(
        "| {}{others} | {} {} | {} | {} | {} | {met} |\n",
        figure.name,
        number(figure.value()),
        figure.unit,
        limit.unwrap_or_default(),
        ratio.unwrap_or_default(),
        goal.unwrap_or_default(),
    )
}

fn unmet(figures: &[Figure]) -> String {
    let unmet: Vec<String> = figures
        .iter()
        .filter(|figure| figure.is_met() == Some(false))
        .map(|figure| {
            format!(
                "* {} {}",
                figure.name,
                if figure.store.is_empty() { String::new() } else { format!("on {}", figure.store) }
            )
        })
        .collect();
    if unmet.is_empty() { "All goals were met.".to_owned() } else { unmet.join("\n") }
}

fn shares(figures: &[Figure], store: &str) -> String {
    let mut bars = Vec::new();
    for figure in figures.iter().filter(|figure| figure.store == store) {
        let Some(ratio) = figure.ratio() else { continue };
        let mark = match figure.goal {
            Some(Goal::Share(least)) => Some(least),
            _ => None,
        };
        bars.push(Bar { label: figure.name.clone(), value: ratio, text: format!("{ratio:.2}"), mark });
    }
    svg::bars(&format!("{store}: share of what the machine could do; the mark is the goal"), &bars)
}

fn growth(figures: &[Figure], store: &str) -> String {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for figure in figures.iter().filter(|figure| figure.store == store) {
        let Some((name, size)) = figure.name.strip_suffix(" people").and_then(|name| name.rsplit_once(", "))
        else {
            continue;
        };
        if let (Ok(size), "1/s") = (size.parse(), figure.unit) {
            lines.entry(name).or_default().push((size, figure.value()));
        }
    }
    let lines: Vec<Line> =
        lines.into_iter().map(|(label, points)| Line { label: label.to_owned(), points }).collect();
    svg::lines(&format!("{store}: answers in a second over the number of people"), "1/s", &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_told_of() {
        let lines = |load: &str| machine_lines(&Machine::from([("load before", load.to_owned())]));
        assert!(lines("0.72 0.10 0.10").contains("**Other programs ran"));
        assert!(!lines("0.31 3.00 3.00").contains("**Other programs ran"));
    }
}
