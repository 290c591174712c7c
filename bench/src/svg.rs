//! Two kinds of plots, as SVG without scripts and fonts of its own.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 290.0;
const ROW: f64 = 24.0;
const TOP: f64 = 40.0;
const COLOURS: [&str; 5] = ["#1f6feb", "#d1622b", "#2a8a4a", "#8250df", "#6e7781"];

/// One bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    pub(crate) text: String,
    /// Where the goal lies.
    pub(crate) mark: Option<f64>,
}

/// One line of points.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Bars from the left, with marks where they should end.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let most =
        bars.iter().flat_map(|bar| [bar.value, bar.mark.unwrap_or(0.0)]).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LABELS - 90.0) / most;
    let mut body = String::new();
    let mut y = TOP;
    for bar in bars {
        let (length, middle) = (bar.value * scale, y + 13.0);
        text(&mut body, LABELS - 8.0, middle, "end", &bar.label);
        shape(
            &mut body,
            &format!(
                r#"<rect x="{LABELS:.1}" y="{y:.1}" width="{length:.1}" height="17" fill="{}"/>"#,
                COLOURS[0]
            ),
        );
        text(&mut body, LABELS + length + 6.0, middle, "start", &bar.text);
        if let Some(mark) = bar.mark {
            let x = LABELS + mark * scale;
            shape(
                &mut body,
                &format!(
                    r#"<path d="M{x:.1} {:.1}V{:.1}" stroke="{}" stroke-width="2"/>"#,
                    y - 2.0,
                    y + 19.0,
                    COLOURS[1]
                ),
            );
        }
        y += ROW;
    }
    whole(title, y + 8.0, &body)
}

/// Lines over a logarithmic axis, from zero upwards.
pub(crate) fn lines(title: &str, unit: &str, lines: &[Line]) -> String {
    let (left, right, bottom, height) = (60.0, WIDTH - 200.0, 300.0, 250.0);
    let all = || lines.iter().flat_map(|line| &line.points);
    let x_least = all().map(|(x, _)| x.log10()).fold(f64::MAX, f64::min);
    let x_most = all().map(|(x, _)| x.log10()).fold(f64::MIN, f64::max);
    let y_most = all().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
    let place = |(x, y): &(f64, f64)| {
        let share = (x.log10() - x_least) / (x_most - x_least).max(f64::MIN_POSITIVE);
        (left + share * (right - left), bottom - y / y_most * height)
    };
    let mut body = String::new();
    shape(
        &mut body,
        &format!(
            r##"<path d="M{left} {:.1}V{bottom}H{right}" stroke="#6e7781" fill="none"/>"##,
            bottom - height
        ),
    );
    text(&mut body, left - 6.0, bottom - height + 4.0, "end", &number(y_most));
    text(&mut body, left - 6.0, bottom + 4.0, "end", "0");
    text(&mut body, left, bottom - height - 10.0, "start", unit);
    let mut sizes: Vec<f64> = all().map(|(x, _)| *x).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.dedup();
    for size in sizes {
        text(&mut body, place(&(size, 0.0)).0, bottom + 18.0, "middle", &number(size));
    }
    for (index, line) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let path: Vec<String> =
            line.points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        shape(
            &mut body,
            &format!(r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#),
        );
        let y = 60.0 + 20.0 * f64::from(u32::try_from(index).unwrap_or(0));
        shape(
            &mut body,
            &format!(
                r#"<rect x="{:.1}" y="{:.1}" width="12" height="12" fill="{colour}"/>"#,
                right + 20.0,
                y - 10.0
            ),
        );
        text(&mut body, right + 38.0, y, "start", &line.label);
    }
    whole(title, bottom + 34.0, &body)
}

/// A number as people write it.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, content: &str) {
    let content = escaped(content);
    shape(body, &format!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{content}</text>"#));
}

fn shape(body: &mut String, shape: &str) {
    writeln!(body, "{shape}").expect("a string takes everything");
}

fn whole(title: &str, height: f64, body: &str) -> String {
    let mut heading = String::new();
    text(&mut heading, 10.0, 22.0, "start", title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#24292f\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{heading}{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0.512, "0.51"), (42.04, "42.0"), (999.6, "1 000"), (1_234_567.0, "1 234 567")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_longest_bar_ends_within_the_picture_and_labels_are_inert() {
        let bar = |value: f64| Bar { label: "a < b".to_owned(), value, text: String::new(), mark: None };
        let svg = bars("title", &[bar(1.0), bar(2.0)]);
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b"), "{svg}");
        assert!(svg.contains(r#"width="380.0""#) && svg.contains(r#"width="190.0""#), "{svg}");
    }
}
