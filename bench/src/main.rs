//! Measures the server beside what this machine could do at best, in one run.
//!
//! ```text
//! just bench                       # 3 runs of 4 s; writes docs/performance.md and docs/performance/
//! just bench --quick               # a look in two minutes; writes nothing into docs
//! just bench --runs 5 --seconds 10
//! just bench --only me             # what has this in its name; writes nothing into docs
//! just flames                      # where the time goes; needs perf
//! ```
//!
//! It starts the server itself, on SQLite and on a throw-away PostgreSQL. Server, database and driver share the
//! cores: compare ratios, not rates.

#[path = "../../tests/examples/driver/mod.rs"]
#[expect(dead_code, reason = "each driver uses a part")]
mod driver;
mod figures;
mod flame;
mod limits;
mod load;
mod plan;
mod report;
mod scripts;
mod start;
mod storm;
mod subject;
mod svg;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use plan::Options;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = if words.first().is_some_and(|word| word == limits::TRIVIAL) {
        limits::serve_trivially()
    } else {
        options(&words).map_err(io::Error::other).and_then(|options| measure(&options))
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool says what is wrong")]
fn fail(error: &io::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn measure(options: &Options) -> io::Result<()> {
    let machine = report::machine(options);
    // One thread: the driver runs on the cores it measures.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if options.flames {
        return runtime.block_on(plan::watch(options));
    }
    let figures = runtime.block_on(async {
        tokio::select! {
            figures = plan::carry_out(options) => Ok(figures),
            told = told_to_stop() => Err(told),
        }
    })?;
    let target = Path::new("target/bench");
    fs::create_dir_all(target)?;
    fs::write(target.join("results.json"), format!("{:#}\n", report::json(&machine, &figures)))?;
    report::write(&machine, &figures, &options.folder())
}

/// Waits for Ctrl-C or TERM: then what was started is dropped, and so stopped.
async fn told_to_stop() -> io::Error {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => return error,
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    io::Error::other("told to stop")
}

/// Reads the command line: `PATH [--quick] [--runs N] [--seconds N] [--only TEXT] [--flames]`.
fn options(words: &[String]) -> Result<Options, String> {
    let quick = words.iter().any(|word| word == "--quick");
    let (runs, seconds) = if quick { (1, 1) } else { (3, 4) };
    let binary = PathBuf::from("target/dist/auth-server");
    let mut options = Options { binary, runs, seconds, quick, only: None, flames: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let number = |words: &mut std::slice::Iter<'_, String>| {
            let value = words.next().and_then(|value| value.parse::<u32>().ok()).filter(|value| *value > 0);
            value.ok_or_else(|| format!("{word} needs a number above zero"))
        };
        match word.as_str() {
            "--quick" => {}
            "--flames" => options.flames = true,
            "--only" => options.only = Some(words.next().ok_or("--only needs a text")?.clone()),
            "--runs" => options.runs = number(&mut words)? as usize,
            "--seconds" => options.seconds = number(&mut words)?.into(),
            path if !path.starts_with('-') => options.binary = PathBuf::from(path),
            _ => {
                return Err(format!(
                    "unknown word {word}; usage: [PATH] [--quick] [--runs N] [--seconds N] [--only TEXT]"
                ));
            }
        }
    }
    options.binary = options.binary.canonicalize().map_err(|error| format!("no server: {error}"))?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options, String> {
        options(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_says_how_long_and_how_often() {
        let given = read(&["/dev/null", "--runs", "5", "--seconds", "9"]).unwrap();
        assert_eq!((given.runs, given.seconds, given.quick), (5, 9, false));
        let quick = read(&["--quick", "/dev/null"]).unwrap();
        assert_eq!((quick.runs, quick.seconds, quick.quick), (1, 1, true));
        let one = read(&["/dev/null", "--only", "refresh"]).unwrap();
        assert!(one.wants("postgres: refresh, 64 chains") && !one.wants("login"));
        for wrong in [
            &["/dev/null", "--only"][..],
            &["/dev/null", "--runs"],
            &["/dev/null", "--runs", "0"],
            &["/dev/null", "--slow"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
