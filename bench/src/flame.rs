//! Where the time goes: stacks that `perf` took of the server, drawn as a flame graph.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::svg::escaped;

/// Samples a second: no multiple of anything the server does at fixed times.
const RATE: &str = "199";
const WIDTH: f64 = 1200.0;
const ROW: f64 = 15.0;
/// Parts of the whole that are too narrow to be seen.
const NARROW: f64 = 0.003;
/// Pixels a letter takes.
const LETTER: f64 = 5.6;

/// `perf`, at work.
pub(crate) struct Recording {
    perf: Child,
}

impl Recording {
    /// Takes stacks of a process for so long.
    pub(crate) fn start(process: u32, long: Duration, file: &Path) -> io::Result<Self> {
        let perf = Command::new("perf")
            .args([
                "record",
                "-q",
                "-F",
                RATE,
                "--call-graph",
                "dwarf,65528",
                "-p",
                &process.to_string(),
                "-o",
            ])
            .arg(file)
            .args(["--", "sleep", &long.as_secs_f64().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let perf = perf.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("perf does not start ({error}); Debian has it as linux-perf"),
            )
        })?;
        Ok(Self { perf })
    }

    /// Waits for the end, and draws what `file` has.
    pub(crate) fn draw(mut self, title: &str, file: &Path) -> io::Result<String> {
        self.perf.wait()?;
        let script = Command::new("perf")
            .args(["script", "--no-inline", "-F", "comm,ip,sym", "-i"])
            .arg(file)
            .stderr(Stdio::null())
            .output()?;
        let stacks = Frame::of(&String::from_utf8_lossy(&script.stdout));
        if stacks.samples == 0 {
            return Err(io::Error::other(
                "perf took no stacks: is it allowed to (kernel.perf_event_paranoid)?",
            ));
        }
        Ok(stacks.draw(title))
    }
}

/// A function as called from one place, with what it called.
#[derive(Default)]
struct Frame {
    samples: u64,
    calls: BTreeMap<String, Frame>,
}

impl Frame {
    /// Reads what `perf script` says: a line with the thread's name, then the stack from its end, then nothing.
    fn of(script: &str) -> Self {
        let mut all = Self::default();
        for sample in script.split("\n\n") {
            let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
            let Some(thread) = lines.next() else { continue };
            let mut stack: Vec<&str> = lines
                .filter_map(|line| Some(line.trim().split_once(' ')?.1))
                .filter(|name| *name != "[unknown]")
                .collect();
            stack.reverse();
            all.add(std::iter::once(thread.trim()).chain(stack));
        }
        all
    }

    fn add<'a>(&mut self, stack: impl Iterator<Item = &'a str>) {
        self.samples += 1;
        let mut at = self;
        for name in stack {
            at = at.calls.entry(name.to_owned()).or_default();
            at.samples += 1;
        }
    }

    fn depth(&self, least: u64) -> usize {
        let seen = self.calls.values().filter(|frame| frame.samples >= least);
        seen.map(|frame| frame.depth(least)).max().map_or(0, |deepest| deepest + 1)
    }

    fn draw(&self, title: &str) -> String {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "thousands"
        )]
        let (least, scale) = ((self.samples as f64 * NARROW).ceil() as u64, WIDTH / self.samples as f64);
        #[expect(clippy::cast_precision_loss, reason = "dozens")]
        let height = (self.depth(least) + 2) as f64 * ROW + 10.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"9\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"4\" y=\"12\" font-size=\"11\">{}</text>\n",
            escaped(&format!("{title}: {} samples; callers above, called functions below", self.samples))
        );
        self.rows(&mut svg, (0.0, 20.0), scale, least);
        svg.push_str("</svg>\n");
        svg
    }

    fn rows(&self, svg: &mut String, (mut x, y): (f64, f64), scale: f64, least: u64) {
        for (name, frame) in &self.calls {
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            let width = frame.samples as f64 * scale;
            if frame.samples >= least {
                let share = width / WIDTH * 100.0;
                let (colour, full) = (colour(name), escaped(name));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a few hundred letters"
                )]
                let room = (width / LETTER) as usize;
                let label: String = short(name).chars().take(if room > 3 { room - 1 } else { 0 }).collect();
                writeln!(
                    svg,
                    "<g><title>{full} ({share:.1} %)</title><rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"14\" \
                     fill=\"{colour}\" stroke=\"#fff\" stroke-width=\".4\"/><text x=\"{:.1}\" y=\"{:.0}\">{}</text></g>",
                    x + 2.0,
                    y + 10.0,
                    escaped(&label)
                )
                .expect("a string takes everything");
                frame.rows(svg, (x, y + ROW), scale, least);
            }
            x += width;
        }
    }
}

/// What a function belongs to.
fn colour(name: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["argon2", "ring_core", "sha2", "OPENSSL", "x25519", "fiat", "blake2"]) {
        "#e8776a"
    } else if name.contains("auth_") {
        "#8fb8de"
    } else if has(&["actix", "tokio", "diesel", "sqlite", "tracing", "serde", "hyper", "mio"]) {
        "#b7d7a8"
    } else if name.contains("::") {
        "#dcdcdc"
    } else {
        "#f3d19c"
    }
}

/// A name without where it stands and what it is made for: `<a::B<C> as d::E>::f` is `B::f`, `a::b::c` is `b::c`.
fn short(name: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_u32;
    for letter in name.trim_start_matches('<').chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let plain = match plain.split_once(" as ") {
        Some((of, rest)) => format!("{of}::{}", rest.rsplit("::").next().unwrap_or_default()),
        None => plain,
    };
    let parts: Vec<&str> =
        plain.split("::").filter(|part| !part.is_empty() && *part != "{{closure}}").collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "hash-0 \n\t  55d argon2::fill\n\t  55e <auth_crypto::Pool<T> as a::Run>::run\n\t 0 [unknown]\n\n\
        hash-0 \n\t  55f <auth_crypto::Pool<T> as a::Run>::run\n\nactix-rt \n\t  1 __send\n\n";

    #[test]
    fn stacks_that_begin_alike_are_one() {
        let all = Frame::of(SCRIPT);
        assert_eq!((all.samples, all.calls["hash-0"].samples, all.depth(1)), (3, 2, 3));
        let run = &all.calls["hash-0"].calls["<auth_crypto::Pool<T> as a::Run>::run"];
        assert_eq!((run.samples, run.calls["argon2::fill"].samples), (2, 1));
        let svg = all.draw("login");
        assert!(svg.contains("argon2::fill (33.3 %)") && svg.contains("Pool::run"), "{svg}");
        assert!(!svg.contains("Pool<T>"), "{svg}");
    }

    #[test]
    fn names_are_short() {
        let table = [
            ("<a::b::C<d::E> as f::G>::h", "C::h"),
            ("auth_http::shell::access::Access::end", "Access::end"),
            ("x::y::{{closure}}::{{closure}}", "x::y"),
            ("__send", "__send"),
        ];
        for (name, wanted) in table {
            assert_eq!(short(name), wanted);
        }
    }
}
