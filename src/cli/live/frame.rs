//! Formats the live view as lines of text for a terminal of a given size.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use console::{Alignment, measure_text_width, pad_str};

use super::Shown;
use super::failures::failures_by_name;
use super::history::History;
use super::phase::{bar, marks, name, share, time};
use crate::cli::terminal::Size;
use crate::load::{OpProgress, Phase, Progress};
use crate::report::{count, duration_us, per_second};

/// Width of a figure in the table.
const FIGURE: usize = 11;
/// Headings of the figures.
const FIGURES: [&str; 5] = ["per s", "p50", "p99", "done", "failed"];
/// Minimum and maximum width of an operation's label.
const LABEL_MIN: usize = 8;
const LABEL_MAX: usize = 40;
/// Minimum and maximum number of bars beside a table row.
const BARS_MIN: usize = 10;
const BARS_MAX: usize = 120;
/// Number of bars in the line of the sessions, if the table leaves no room for bars.
const BARS_BELOW: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Dim,
    Warning,
}

/// Returns the lines of the view. One row stays free for the cursor, and one column so that no line wraps.
pub(super) fn lines(shown: &Shown<'_>, history: &History, size: Size) -> Vec<Line> {
    let progress = shown.progress;
    let columns = size.columns.saturating_sub(1);
    let rows = size.rows.saturating_sub(1).max(1);
    let mut lines = vec![plain(phase_line(shown, columns))];
    if !progress.ops.is_empty() {
        let counts = progress.counts();
        let failures: Vec<String> = failures_by_name(&counts)
            .iter()
            .map(|(name, number)| format!("{name} {}", count(*number)))
            .collect();
        let failures = flow("failed: ", &failures, columns, (size.rows / 12).max(1));
        let servers = server_lines(progress, columns, (size.rows / 8).max(1));
        // 4 is for the line of the phase, the heading, the sum of all operations, and the line of the sessions.
        let taken = 4 + failures.len() + servers.len();
        let table = table(
            progress,
            history,
            columns,
            rows.saturating_sub(taken).max(1),
        );
        let bars = if has_bars(columns, label_columns(progress)) {
            0
        } else {
            BARS_BELOW
        };
        lines.extend(table);
        lines.push(plain(session_line(progress, &history.of_all(bars))));
        lines.extend(failures.into_iter().map(|text| Line {
            text,
            tone: Tone::Warning,
        }));
        lines.extend(servers.into_iter().map(plain));
    }
    lines.truncate(rows);
    for line in &mut lines {
        line.text = pad_or_cut(&line.text, 0, columns);
    }
    lines
}

/// `measure 2 of 5  [====>-----]  12.3 s, 17.7 s left`
fn phase_line(shown: &Shown<'_>, columns: usize) -> String {
    let Shown {
        position,
        progress,
        faults,
    } = *shown;
    let of = if position.is_one_of_several() {
        format!(" {} of {}", position.run, position.runs)
    } else {
        String::new()
    };
    let not_measured = if progress.phase == Phase::WarmUp {
        " (not measured)"
    } else {
        ""
    };
    let mut line = format!("{}{of}{not_measured}", name(progress.phase));
    let time = time(progress);
    let rest = columns.saturating_sub(line.len() + time.len() + 4);
    let marks = marks(progress, faults);
    if let Some(bar) = share(progress).and_then(|share| bar(share, rest, &marks)) {
        line.push_str("  ");
        line.push_str(&bar);
    }
    if !time.is_empty() {
        line.push_str("  ");
        line.push_str(&time);
    }
    line
}

/// Returns the heading, the sum of all operations if there are several, and at most `rows_max` rows of single
/// operations.
fn table(progress: &Progress, history: &History, columns: usize, rows_max: usize) -> Vec<Line> {
    let label = label_columns(progress);
    let bars = if has_bars(columns, label) {
        (columns - table_columns(label) - 2).min(BARS_MAX)
    } else {
        0
    };
    let heading = row("", &FIGURES.map(str::to_owned), label, "");
    let mut lines = vec![Line {
        text: heading,
        tone: Tone::Dim,
    }];
    let several = progress.ops.len() > 1;
    if several {
        let all = OpProgress {
            label: "all".to_owned(),
            counts: progress.counts(),
            throughput_per_s: progress.throughput_per_s,
            p50_us: progress.p50_us,
            p99_us: progress.p99_us,
        };
        lines.push(plain(op_row(&all, label, &history.of_all(bars))));
    }
    let shown = fitting(progress.ops.len(), rows_max + usize::from(!several));
    for (index, op) in progress.ops.iter().enumerate().take(shown) {
        lines.push(plain(op_row(op, label, &history.of_op(index, bars))));
    }
    if let Some(more) = more(progress.ops.len(), shown) {
        lines.push(Line {
            text: more,
            tone: Tone::Dim,
        });
    }
    lines
}

fn op_row(op: &OpProgress, label: usize, bars: &str) -> String {
    let figures = [
        per_second(op.throughput_per_s),
        duration_us(op.p50_us),
        duration_us(op.p99_us),
        count(op.counts.ok),
        count(op.counts.failed()),
    ];
    row(&op.label, &figures, label, bars)
}

fn row(name: &str, figures: &[String; 5], label: usize, bars: &str) -> String {
    let mut text = pad_or_cut(name, label, label);
    for figure in figures {
        text.push_str(&pad_str(figure, FIGURE, Alignment::Right, None));
    }
    if !bars.is_empty() {
        text.push_str("  ");
        text.push_str(bars);
    }
    text
}

fn label_columns(progress: &Progress) -> usize {
    let widths = progress.ops.iter().map(|op| measure_text_width(&op.label));
    widths.max().unwrap_or(0).clamp(LABEL_MIN, LABEL_MAX)
}

fn table_columns(label: usize) -> usize {
    label + FIGURES.len() * FIGURE
}

/// Whether the terminal has room for bars beside the table.
fn has_bars(columns: usize, label: usize) -> bool {
    columns >= table_columns(label) + 2 + BARS_MIN
}

/// `in flight 16, waiting 0, sessions 15 of 16`
fn session_line(progress: &Progress, bars: &str) -> String {
    let mut line = format!(
        "in flight {}, waiting {}, sessions {} of {}",
        count(progress.in_flight),
        count(progress.waiting),
        count(progress.sessions_connected.into()),
        count(progress.sessions.into())
    );
    if !bars.is_empty() {
        line.push_str("  ");
        line.push_str(bars);
    }
    line
}

/// `servers: 127.0.0.1:2181 6,666/s  127.0.0.1:2182 6,667/s`, in columns.
fn server_lines(progress: &Progress, columns: usize, lines_max: usize) -> Vec<String> {
    let rates = progress.servers.iter();
    let rates: Vec<String> = rates
        .map(|server| format!("{}/s", per_second(server.throughput_per_s)))
        .collect();
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(measure_text_width).max();
    let rate = widest(&mut rates.iter().map(String::as_str)).unwrap_or(0);
    let name = widest(&mut progress.servers.iter().map(|server| server.name.as_str()));
    let name = name.unwrap_or(0).min(LABEL_MAX);
    let cells: Vec<String> = progress
        .servers
        .iter()
        .zip(&rates)
        .map(|(server, text)| {
            format!(
                "{} {}",
                pad_or_cut(&server.name, name, name),
                pad_str(text, rate, Alignment::Right, None)
            )
        })
        .collect();
    flow("servers: ", &cells, columns, lines_max)
}

/// Arranges `items` in at most `lines_max` lines. If some do not fit, the last line ends with `+2 more`.
fn flow(title: &str, items: &[String], columns: usize, lines_max: usize) -> Vec<String> {
    const GAP: &str = "  ";
    let indent = " ".repeat(title.len());
    let mut lines: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let is_last_line = lines.len() == lines_max;
        let Some(line) = lines.last_mut() else {
            lines.push(format!("{title}{item}"));
            continue;
        };
        // The last line reserves room for the remark that more items follow.
        let remark = more(items.len(), index + 1).filter(|_| is_last_line);
        let reserved = remark.map_or(0, |remark| GAP.len() + remark.len());
        let width = measure_text_width(line) + GAP.len() + measure_text_width(item);
        if width + reserved <= columns {
            line.push_str(GAP);
            line.push_str(item);
        } else if is_last_line {
            line.push_str(GAP);
            line.push_str(&more(items.len(), index).unwrap_or_default());
            break;
        } else {
            lines.push(format!("{indent}{item}"));
        }
    }
    lines
}

/// Returns how many of `items` fit into `rows`. If not all fit, one row is needed for the remark.
fn fitting(items: usize, rows: usize) -> usize {
    if items <= rows {
        items
    } else {
        rows.saturating_sub(1)
    }
}

fn more(items: usize, shown: usize) -> Option<String> {
    (items > shown).then(|| format!("+{} more", items - shown))
}

fn plain(text: String) -> Line {
    Line {
        text,
        tone: Tone::Plain,
    }
}

/// Removes control characters from `text`, and pads or cuts it to a width between `min` and `max` columns.
pub(super) fn pad_or_cut(text: &str, min: usize, max: usize) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text = if measure_text_width(&text) > max {
        let tail = if max > LABEL_MIN { "..." } else { "" };
        pad_str(&text, max, Alignment::Left, Some(tail)).into_owned()
    } else {
        text
    };
    pad_str(&text, min, Alignment::Left, None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::live::Position;
    use crate::load::ServerProgress;
    use crate::measure::{ErrorNames, OpCounts, Outcome};
    use std::time::Duration;

    const SMALL: Size = Size {
        columns: 80,
        rows: 24,
    };
    const LARGE: Size = Size {
        columns: 200,
        rows: 50,
    };
    const ONLY: Position = Position { run: 1, runs: 1 };

    /// `failures` are names of server errors, or `timed out`.
    fn progress(ops: usize, servers: usize, failures: &[&str]) -> Progress {
        let mut counts = OpCounts {
            ok: 246_120,
            ..OpCounts::default()
        };
        let mut names = ErrorNames::default();
        for failure in failures {
            let outcome = match *failure {
                "timed out" => Outcome::TimedOut,
                name => Outcome::Error(names.intern(name)),
            };
            counts.count(outcome, &names);
        }
        let ops: Vec<OpProgress> = (0..ops)
            .map(|op| OpProgress {
                label: format!("get-{op}"),
                counts: counts.clone(),
                throughput_per_s: 9_999.0,
                p50_us: Some(812.0),
                p99_us: (op > 0).then_some(2_100.0),
            })
            .collect();
        let servers = (0..servers).map(|server| ServerProgress {
            name: format!("127.0.0.1:{}", 2181 + server),
            acknowledged: 7,
            throughput_per_s: 6_666.0,
        });
        Progress {
            elapsed: Duration::from_millis(12_300),
            throughput_per_s: 19_998.0,
            p50_us: Some(812.0),
            p99_us: Some(2_100.0),
            in_flight: 16,
            waiting: 4,
            sessions: 16,
            sessions_connected: 15,
            servers: servers.collect(),
            ops,
            ..Progress::start_of(Phase::Measure, Duration::from_secs(30))
        }
    }

    fn history(progress: &Progress) -> History {
        let mut history = History::default();
        (0..200).for_each(|_| history.push(progress));
        history
    }

    fn texts(position: Position, progress: &Progress, size: Size) -> Vec<String> {
        let shown = Shown {
            position,
            progress,
            faults: &[],
        };
        let lines = lines(&shown, &history(progress), size);
        assert!(lines.len() < size.rows, "{lines:#?}");
        for line in &lines {
            assert!(measure_text_width(&line.text) < size.columns, "{lines:#?}");
        }
        lines
            .into_iter()
            .map(|line| line.text.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn a_small_terminal_shows_all_lines_of_an_ordinary_run() {
        let failures = ["NoNode", "NoNode", "timed out"];
        let second = Position { run: 2, runs: 5 };
        let texts = texts(second, &progress(2, 3, &failures), SMALL);
        let expected = [
            "measure 2 of 5  [================>-----------------------]  12.3 s, 17.7 s left",
            "              per s        p50        p99       done     failed",
            "all          19,998     812 µs    2.10 ms    492,240          6  ██████████████",
            "get-0         9,999     812 µs          –    246,120          3  ██████████████",
            "get-1         9,999     812 µs    2.10 ms    246,120          3  ██████████████",
            "in flight 16, waiting 4, sessions 15 of 16",
            "failed: NoNode 4  timed out 2",
            "servers: 127.0.0.1:2181 6,666/s  127.0.0.1:2182 6,666/s  127.0.0.1:2183 6,666/s",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_large_terminal_shows_bars_beside_every_row_and_all_servers_in_one_line() {
        let texts = texts(ONLY, &progress(2, 7, &[]), LARGE);
        let bars = "█".repeat(120);
        let expected = [
            format!(
                "measure  [{:-<60}]  12.3 s, 17.7 s left",
                "=".repeat(24) + ">"
            ),
            "              per s        p50        p99       done     failed".to_owned(),
            format!("all          19,998     812 µs    2.10 ms    492,240          0  {bars}"),
            format!("get-0         9,999     812 µs          –    246,120          0  {bars}"),
            format!("get-1         9,999     812 µs    2.10 ms    246,120          0  {bars}"),
            "in flight 16, waiting 4, sessions 15 of 16".to_owned(),
        ];
        assert_eq!(texts[..6], expected);
        let servers = (2181..=2187).map(|port| format!("127.0.0.1:{port} 6,666/s"));
        let servers: Vec<String> = servers.collect();
        assert_eq!(texts[6], format!("servers: {}", servers[..7].join("  ")));
        assert_eq!(texts.len(), 7, "there must be no line of failures");
    }

    #[test]
    fn operations_and_servers_that_exceed_the_height_are_left_out() {
        let failures: Vec<String> = (0..40).map(|code| format!("Error{code}")).collect();
        let failures: Vec<&str> = failures.iter().map(String::as_str).collect();
        let crowded = progress(100, 100, &failures);
        let small = texts(ONLY, &crowded, SMALL);
        assert_eq!(small.len(), 23, "{small:#?}");
        assert_eq!(small[16], "+87 more");
        assert!(small[17].starts_with("in flight"), "{small:#?}");
        assert!(small[19].ends_with("  +31 more"), "failures: {small:#?}");
        assert!(small[22].ends_with("  +92 more"), "servers: {small:#?}");
        let large = texts(ONLY, &crowded, LARGE);
        assert_eq!(large.len(), 49, "{large:#?}");
        assert!(large.last().unwrap().ends_with("more"), "{large:#?}");
    }

    #[test]
    fn long_labels_move_the_bars_below_the_table() {
        let mut long = progress(2, 1, &[]);
        long.ops[1].label = "a-label-of-35-characters-as-they-are".to_owned();
        let texts = texts(ONLY, &long, SMALL);
        assert!(
            texts[4].starts_with("a-label-of-35-characters-as-they-are   "),
            "{texts:#?}"
        );
        let bars = format!(
            "in flight 16, waiting 4, sessions 15 of 16  {}",
            "█".repeat(24)
        );
        assert_eq!(texts[5], bars);
    }

    #[test]
    fn the_warm_up_is_labelled() {
        let mut warm_up = progress(1, 1, &[]);
        warm_up.phase = Phase::WarmUp;
        let texts = texts(ONLY, &warm_up, SMALL);
        assert!(
            texts[0].starts_with("warm up (not measured)  ["),
            "{texts:#?}"
        );
        assert!(
            texts[2].starts_with("get-0 "),
            "there must be no sum of one operation: {texts:#?}"
        );
    }

    #[test]
    fn a_phase_without_load_is_one_line() {
        let clean_up = Progress::start_of(Phase::CleanUp, Duration::ZERO);
        assert_eq!(texts(ONLY, &clean_up, SMALL), ["clean up"]);
        let mut prepare = Progress::start_of(Phase::Prepare, Duration::ZERO);
        prepare.goal = Some(100);
        prepare.ok = 50;
        let texts = texts(ONLY, &prepare, SMALL);
        assert!(
            texts[0].ends_with("]  50 of 100, about 0.0 s left"),
            "{texts:?}"
        );
        assert_eq!(texts.len(), 1);
    }

    #[test]
    fn a_tiny_terminal_shows_the_lines_that_fit() {
        for (columns, rows) in [(20, 5), (10, 2), (2, 2), (40, 10)] {
            let texts = texts(
                ONLY,
                &progress(9, 9, &["timed out"]),
                Size { columns, rows },
            );
            assert!(!texts.is_empty());
        }
    }

    #[test]
    fn control_characters_and_wide_names_do_not_break_lines() {
        let mut odd = progress(1, 1, &[]);
        odd.servers[0].name = format!("a\x1b[2Jb\n{}", "c".repeat(300));
        odd.ops[0].label = "日本".repeat(60);
        let texts = texts(ONLY, &odd, SMALL);
        assert!(texts.iter().all(|text| !text.contains(char::is_control)));
    }
}
