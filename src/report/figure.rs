//! A plot before it is painted: axes with ticks, and series in axis coordinates.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human;

/// Pages narrower than this, in pixels, have one column of panels.
const NARROW: u32 = 600;
/// Height of a row of event labels, in pixels.
pub(crate) const EVENT_ROW: u32 = 16;

/// A plot with one panel, or with several panels that have the same axes.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// File name without extension.
    pub name: &'static str,
    pub title: String,
    /// How to read it, in sentences.
    pub caption: String,
    /// The axis from left to right.
    pub x: Axis,
    /// The axis from bottom to top.
    pub y: Axis,
    /// The panels; if there are several, they have titles.
    pub panels: Vec<Panel>,
    /// Vertical lines in every panel.
    pub marks: Vec<Mark>,
    /// Shaded stretches of the x axis in every panel.
    pub bands: Vec<Band>,
}

/// A frame with curves.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// The title; empty for the only panel of a figure.
    pub title: String,
    /// The curves in the order of the legend. The first curve is painted on top.
    pub series: Vec<Series>,
}

/// A shaded stretch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Band {
    /// Start, a coordinate.
    pub from: f64,
    /// End, a coordinate.
    pub to: f64,
    pub kind: BandKind,
    /// Possible labels, the longest first. The first label that fits is painted.
    pub labels: Vec<String>,
}

/// What a shaded stretch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BandKind {
    /// Operations waited and none completed.
    Silence,
    /// Nobody was served with one class of operations.
    Gap,
    /// A fault lasted.
    Fault,
}

impl BandKind {
    const ALL: [Self; 3] = [Self::Silence, Self::Gap, Self::Fault];

    /// Its name in the legend.
    const fn name(self) -> &'static str {
        match self {
            Self::Silence => "nothing completed",
            Self::Gap => "nobody served",
            Self::Fault => "fault",
        }
    }

    /// Where its label stands, as a share of the height of the frame. A silence lies within a fault.
    pub(crate) const fn label_at(self) -> f64 {
        match self {
            Self::Silence | Self::Gap => 0.3,
            Self::Fault => 0.16,
        }
    }

    pub(crate) const fn ink(self) -> Ink {
        match self {
            Self::Silence | Self::Gap => Ink::Mark,
            Self::Fault => Ink::Muted,
        }
    }
}

/// An entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub label: String,
    pub ink: Ink,
    pub sample: Sample,
}

/// What stands beside an entry's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// A piece of the curve.
    Line(Stroke),
    /// A piece of a shaded stretch.
    Shade,
}

/// An axis. A coordinate is a value after the transformation of the axis, which is a logarithm or none.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// The quantity, with its unit if the ticks have none.
    pub label: String,
    /// Smallest coordinate.
    pub min: f64,
    /// Largest coordinate.
    pub max: f64,
    /// Labelled positions, ascending.
    pub ticks: Vec<Tick>,
    /// Positions with a thin grid line and no label.
    pub minor: Vec<f64>,
    pub scale: Scale,
}

/// The meaning of a coordinate of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Seconds,
    /// log10 of microseconds.
    LogDuration,
    /// log10(1 / (1 - p)) for a share p.
    Percentile,
    Run,
    /// The number of a round.
    Round,
    /// The number of a category, whose name is the label of its tick.
    Category,
    /// Sessions, one above the other.
    Sessions,
}

/// A labelled position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// A coordinate.
    pub at: f64,
    pub label: String,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Thin,
    Dashed,
    /// A line over a pale area down to the axis.
    Area,
    /// A disc at each point.
    Dots,
    /// A ring at each point.
    Rings,
}

/// A colour by its meaning. The theme sets the actual colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The page.
    Background,
    /// Titles, and series that stand for all operations.
    Text,
    /// Tick labels and references.
    Muted,
    Grid,
    Axis,
    /// Events.
    Mark,
    /// The series of this index.
    Series(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub label: String,
    pub ink: Ink,
    pub stroke: Stroke,
    /// Connected parts, with gaps where nothing was measured.
    pub stretches: Vec<Vec<(f64, f64)>>,
}

/// A vertical line.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// A coordinate.
    pub at: f64,
    pub ink: Ink,
    /// The event at the mark; `None` for a border between runs.
    pub event: Option<EventLabel>,
}

/// The label of the mark of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventLabel {
    /// Its number in the list of events, from 1.
    pub number: usize,
    pub text: String,
    /// Without room for all texts, the labels of the lowest rank keep theirs.
    pub rank: u8,
}

impl Figure {
    /// Names the figures that are zoomed together with this one. Those around a fault have their own
    /// time.
    pub(crate) fn clock(&self) -> &'static str {
        match self.name.strip_prefix("fault-") {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                let digits = rest.find('-').unwrap_or(rest.len());
                &self.name[..self.name.len() - rest.len() + digits]
            }
            _ => "",
        }
    }

    /// Whether it has no series.
    pub(crate) fn is_empty(&self) -> bool {
        self.panels.iter().all(|panel| panel.series.is_empty())
    }

    /// The number of panels in a row on a page `width` pixels wide.
    pub(crate) fn columns(&self, width: u32) -> usize {
        match self.panels.len() {
            0 | 1 => 1,
            _ if width < NARROW => 1,
            2 | 4 => 2,
            _ => 3,
        }
    }

    /// The number of rows of event labels above each panel.
    pub(crate) fn event_rows(&self) -> u32 {
        if self.marks.iter().all(|mark| mark.event.is_none()) {
            0
        } else if self.panels.len() > 1 {
            1
        } else {
            3
        }
    }

    /// Its height in pixels without the title, on a page `width` pixels wide.
    pub(crate) fn height(&self, width: u32) -> u32 {
        let rows = self.panels.len().div_ceil(self.columns(width));
        let strips = u32::try_from(rows).unwrap_or(1) * self.event_rows() * EVENT_ROW;
        self.height_of_panels(width) + strips
    }

    fn height_of_panels(&self, width: u32) -> u32 {
        let narrow = width < NARROW;
        if self.panels.len() > 1 {
            let rows = self.panels.len().div_ceil(self.columns(width));
            let row = if narrow { 160 } else { 200 };
            return u32::try_from(rows).unwrap_or(1) * row + 66;
        }
        // A legend with many entries needs more rows.
        let entries = u32::try_from(self.legend().len()).unwrap_or(0);
        if narrow {
            300 + 10 * entries.saturating_sub(4)
        } else {
            360 + 4 * entries.saturating_sub(6)
        }
    }

    /// The entries of the legend. Curves of several panels share an entry, which then has the colour of text.
    pub(crate) fn legend(&self) -> Vec<Entry> {
        let several = self.panels.len() > 1;
        let mut entries: Vec<Entry> = Vec::new();
        for series in self.panels.iter().flat_map(|panel| &panel.series) {
            let entry = Entry {
                label: series.label.clone(),
                ink: match series.ink {
                    Ink::Series(_) if several => Ink::Text,
                    ink => ink,
                },
                sample: Sample::Line(series.stroke),
            };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        if self.marks.iter().any(|mark| mark.ink == Ink::Mark) {
            entries.push(Entry {
                label: "event".to_owned(),
                ink: Ink::Mark,
                sample: Sample::Line(Stroke::Solid),
            });
        }
        for kind in BandKind::ALL {
            if self.bands.iter().any(|band| band.kind == kind) {
                entries.push(Entry {
                    label: kind.name().to_owned(),
                    ink: kind.ink(),
                    sample: Sample::Shade,
                });
            }
        }
        entries
    }
}

impl Axis {
    /// An axis from 0 to at least `max`, with about `ticks` ticks. Their distance is 1, 2 or 5 times a power of ten.
    pub(crate) fn linear(label: &str, max: f64, ticks: f64, whole: bool) -> Self {
        let max = if max.is_finite() && max > 0.0 {
            max
        } else {
            1.0
        };
        let step = nice_step(max / ticks, whole);
        let steps = (max / step - 1e-9).ceil().max(1.0);
        Self {
            label: label.to_owned(),
            min: 0.0,
            max: steps * step,
            ticks: counted_up(steps)
                .map(|n| Tick {
                    at: n * step,
                    label: human::number(n * step),
                })
                .collect(),
            minor: Vec::new(),
            scale: Scale::Linear,
        }
    }

    /// An axis around `low..high` with round ends. It does not need to include 0.
    pub(crate) fn fitted(label: &str, low: f64, high: f64) -> Self {
        let spread = (high - low).max(high.abs() * 0.01).max(1e-6);
        let step = nice_step(spread / 3.0, false);
        let (first, last) = ((low / step - 0.1).floor(), (high / step + 0.1).ceil());
        Self {
            label: label.to_owned(),
            min: first * step,
            max: last * step,
            ticks: counted_up(last - first)
                .map(|n| Tick {
                    at: (first + n) * step,
                    label: human::number((first + n) * step),
                })
                .collect(),
            minor: Vec::new(),
            scale: Scale::Linear,
        }
    }

    /// An axis of the numbers of runs or rounds, with half a step of space at both ends.
    pub(crate) fn numbers(label: &str, numbers: &[u32], scale: Scale) -> Self {
        let first = numbers.iter().min().copied().unwrap_or(1);
        let last = numbers.iter().max().copied().unwrap_or(1);
        Self {
            label: label.to_owned(),
            min: f64::from(first) - 0.5,
            max: f64::from(last) + 0.5,
            ticks: numbers
                .iter()
                .map(|number| Tick {
                    at: f64::from(*number),
                    label: human::count(u64::from(*number)),
                })
                .collect(),
            minor: Vec::new(),
            scale,
        }
    }

    /// A time axis from 0 to exactly `max` seconds, with about `ticks` ticks.
    pub(crate) fn span(label: &str, max: f64, ticks: f64) -> Self {
        let mut axis = Self::linear(label, max, ticks, false);
        axis.scale = Scale::Seconds;
        axis.max = if max > 0.0 { max } else { 1.0 };
        axis.ticks.retain(|tick| tick.at <= axis.max * (1.0 + 1e-9));
        axis
    }

    /// A time axis from `min` to `max` seconds, of which 0 is one tick, with about `ticks` ticks.
    pub(crate) fn between(label: &str, min: f64, max: f64, ticks: f64) -> Self {
        let max = if max > min { max } else { min + 1.0 };
        let step = nice_step((max - min) / ticks, false);
        let (first, last) = ((min / step - 1e-9).ceil(), (max / step + 1e-9).floor());
        Self {
            label: label.to_owned(),
            min,
            max,
            ticks: counted_up(last - first)
                .map(|n| (first + n) * step)
                .map(|at| Tick {
                    at,
                    label: human::number(at),
                })
                .collect(),
            minor: Vec::new(),
            scale: Scale::Seconds,
        }
    }

    /// An axis with a place for each name.
    #[expect(clippy::cast_precision_loss, reason = "a few names")]
    pub(crate) fn categories(label: &str, names: &[&str]) -> Self {
        Self {
            label: label.to_owned(),
            min: -0.5,
            max: names.len().max(1) as f64 - 0.5,
            ticks: names
                .iter()
                .enumerate()
                .map(|(index, name)| tick(index as f64, name))
                .collect(),
            minor: Vec::new(),
            scale: Scale::Category,
        }
    }

    /// A logarithmic axis of durations around `min_us..max_us`. Its coordinates are log10 of microseconds, and its
    /// ends are 1, 2 or 5 times a power of ten.
    pub(crate) fn log_duration(label: &str, min_us: f64, max_us: f64) -> Self {
        let min_us = min_us.clamp(1.0, 1e12);
        let max_us = max_us.clamp(min_us * 1.2, 1e13);
        let grid: Vec<(f64, bool)> = (0..14)
            .flat_map(|decade| {
                let power = 10_f64.powi(decade);
                [(power, true), (2.0 * power, false), (5.0 * power, false)]
            })
            .collect();
        let low = grid
            .iter()
            .rposition(|(v, _)| *v <= min_us * 1.001)
            .unwrap_or(0);
        let high = grid
            .iter()
            .position(|(v, _)| *v >= max_us * 0.999)
            .unwrap_or(grid.len() - 1);
        let shown = &grid[low..=high.max(low + 1)];
        // With more than eight lines, only the powers of ten have a label.
        let all = shown.len() <= 8;
        let mut axis = Self {
            label: label.to_owned(),
            min: shown[0].0.log10(),
            max: shown[shown.len() - 1].0.log10(),
            ticks: Vec::new(),
            minor: Vec::new(),
            scale: Scale::LogDuration,
        };
        for (value_us, decade) in shown {
            if all || *decade {
                axis.ticks.push(Tick {
                    at: value_us.log10(),
                    label: plain_duration(*value_us),
                });
            } else {
                axis.minor.push(value_us.log10());
            }
        }
        axis
    }

    /// An axis of percentiles, log10(1/(1-p)), up to the highest percentile that `count` values can show.
    #[expect(clippy::cast_precision_loss, reason = "a logarithm of a count")]
    pub(crate) fn percentile(label: &str, count: u64) -> Self {
        let max = (2.0 * count.max(5) as f64).log10();
        let mut ticks = vec![
            tick(0.0, "0 %"),
            tick(0.5_f64.log10().abs(), "50 %"),
            tick(1.0, "90 %"),
        ];
        for nines in 2..=9_u32 {
            let label = if nines == 2 {
                "99 %".to_owned()
            } else {
                format!("99.{} %", "9".repeat(nines as usize - 2))
            };
            ticks.push(Tick {
                at: f64::from(nines),
                label,
            });
        }
        ticks.retain(|tick| tick.at <= max);
        Self {
            label: label.to_owned(),
            min: 0.0,
            max,
            ticks,
            minor: Vec::new(),
            scale: Scale::Percentile,
        }
    }
}

fn tick(at: f64, label: &str) -> Tick {
    Tick {
        at,
        label: label.to_owned(),
    }
}

/// 0.0, 1.0, ... `last`.
fn counted_up(last: f64) -> impl Iterator<Item = f64> {
    (0..=1_000_u32)
        .map(f64::from)
        .take_while(move |n| *n <= last)
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `least`.
fn nice_step(least: f64, whole: bool) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power);
    if whole { step.max(1.0) } else { step }
}

/// Formats a round duration without decimals: `1 µs`, `500 µs`, `20 ms`, `5 s`.
fn plain_duration(us: f64) -> String {
    if us < 1e3 {
        format!("{us:.0} µs")
    } else if us < 1e6 {
        format!("{:.0} ms", us / 1e3)
    } else {
        format!("{:.0} s", us / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    fn figure(panels: usize) -> Figure {
        let panel = Panel {
            title: String::new(),
            series: vec![Series {
                label: "response".into(),
                ink: Ink::Series(0),
                stroke: Stroke::Solid,
                stretches: Vec::new(),
            }],
        };
        Figure {
            name: "x",
            title: String::new(),
            caption: String::new(),
            x: Axis::span("", 1.0, 5.0),
            y: Axis::linear("", 1.0, 5.0, true),
            panels: vec![panel; panels],
            marks: Vec::new(),
            bands: Vec::new(),
        }
    }

    #[test]
    fn panels_are_in_rows_and_more_rows_are_higher() {
        let columns = |panels| figure(panels).columns(880);
        assert_eq!([1, 2, 3, 4, 6].map(columns), [1, 2, 3, 2, 3]);
        assert_eq!(figure(6).columns(358), 1);
        assert!(figure(6).height(880) > figure(3).height(880));
        assert!(figure(6).height(358) > figure(6).height(880));
    }

    #[test]
    fn panels_share_entries_of_the_legend() {
        let mut figure = figure(3);
        figure.panels[1].series[0].ink = Ink::Series(1);
        figure.bands.push(Band {
            from: 0.2,
            to: 0.4,
            kind: BandKind::Silence,
            labels: Vec::new(),
        });
        let labels: Vec<String> = figure
            .legend()
            .into_iter()
            .map(|entry| entry.label)
            .collect();
        assert_eq!(labels, ["response", "nothing completed"]);
    }

    #[test]
    fn linear_axes_end_on_a_round_number() {
        let axis = Axis::linear("ops/s", 1_040.0, 5.0, true);
        assert_eq!(labels(&axis), ["0", "500", "1,000", "1,500"]);
        assert_eq!(axis.max.to_bits(), 1_500_f64.to_bits());
        assert_eq!(labels(&Axis::linear("", 0.0, 5.0, true)), ["0", "1"]);
    }

    #[test]
    fn a_time_axis_ends_at_its_maximum() {
        let axis = Axis::span("s", 30.5, 6.0);
        assert_eq!(labels(&axis), ["0", "10", "20", "30"]);
        assert_eq!(axis.max.to_bits(), 30.5_f64.to_bits());
    }

    #[test]
    fn a_time_axis_around_an_event_has_a_tick_at_it() {
        let axis = Axis::between("s", -0.53, 1.27, 6.0);
        assert_eq!(labels(&axis), ["-0.5", "0", "0.5", "1"]);
        assert_eq!((axis.min, axis.max), (-0.53, 1.27));
    }

    #[test]
    fn the_figures_around_a_fault_have_their_own_clock() {
        let mut figure = figure(1);
        assert_eq!(figure.clock(), "");
        figure.name = "fault-12-throughput";
        assert_eq!(figure.clock(), "fault-12");
        figure.name = "fault-gaps";
        assert_eq!(figure.clock(), "");
    }

    #[test]
    fn log_axes_have_round_ends_and_few_labels() {
        let narrow = Axis::log_duration("", 780.0, 4_300.0);
        assert_eq!(labels(&narrow), ["500 µs", "1 ms", "2 ms", "5 ms"]);
        let wide = Axis::log_duration("", 3.0, 2_000_000.0);
        assert_eq!(
            labels(&wide),
            ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
        );
        assert!(wide.minor.len() > 8);
        let flat = Axis::log_duration("", 1_000.0, 1_000.0);
        assert_eq!(labels(&flat), ["1 ms", "2 ms"]);
    }

    #[test]
    fn the_percentile_axis_ends_at_the_highest_percentile_of_the_count() {
        let axis = Axis::percentile("", 30_000);
        assert_eq!(
            labels(&axis),
            ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert!(axis.max > 4.7 && axis.max < 4.8);
    }
}
