//! Figures as data for the script of a page. The data is made from the series that the picture is painted from,
//! so the script shows the values that are drawn.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Serialize;

use super::compare::{Forest, ForestData};
use super::draw::Frame;
use super::figure::{Axis, Figure, Ink, Panel, Scale, Series, Stroke};

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum FigureData {
    /// Curves or dots between axes.
    Plot(PlotData),
    /// The ratios of a comparison.
    Forest(ForestData),
}

/// A plot: axes in their own units, marks and bands in coordinates of the x axis.
#[derive(Debug, Serialize)]
pub(super) struct PlotData {
    x: AxisData,
    y: AxisData,
    panels: Vec<PanelData>,
    marks: Vec<MarkData>,
    bands: Vec<BandData>,
}

#[derive(Debug, Serialize)]
struct BandData {
    from: f64,
    to: f64,
    /// Name of a variable of the style sheet.
    color: &'static str,
    /// Where its label stands, as a share of the height of a frame.
    label_at: f64,
    /// The longest first.
    labels: Vec<String>,
}

/// An axis; its ends are coordinates.
#[derive(Debug, Serialize)]
struct AxisData {
    scale: &'static str,
    min: f64,
    max: f64,
    /// The names of categories, by number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PanelData {
    title: String,
    /// Left, right, top and bottom on a wide screen, in pixels of the picture.
    wide: [f64; 4],
    /// The same on a narrow screen.
    narrow: [f64; 4],
    series: Vec<SeriesData>,
}

#[derive(Debug, Serialize)]
struct SeriesData {
    label: String,
    /// Name of a variable of the style sheet.
    color: &'static str,
    stroke: &'static str,
    parts: Vec<Part>,
}

/// A connected stretch. Values are in the unit of the axis: microseconds or operations per second. Where there is
/// one more x than y, each y holds from its x to the next one.
#[derive(Debug, Serialize)]
struct Part {
    x: Vec<f64>,
    y: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct MarkData {
    at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u8>,
}

impl FigureData {
    /// The data of a plot; `frames` are those of its panels on a wide and on a narrow screen.
    pub(super) fn plot(figure: &Figure, frames: &[Vec<Frame>; 2]) -> Self {
        Self::Plot(PlotData::new(figure, frames))
    }

    /// The data of a forest plot; `frames` are those of its rows.
    pub(super) fn forest(forest: &Forest, frames: &[Vec<Frame>; 2]) -> Self {
        Self::Forest(ForestData::new(forest, frames))
    }
}

impl PlotData {
    fn new(figure: &Figure, frames: &[Vec<Frame>; 2]) -> Self {
        let [wide, narrow] = frames;
        let panels = figure.panels.iter().zip(wide.iter().zip(narrow));
        Self {
            x: AxisData::new(&figure.x),
            y: AxisData::new(&figure.y),
            panels: panels
                .map(|(panel, (wide, narrow))| PanelData::new(panel, figure, *wide, *narrow))
                .collect(),
            marks: figure
                .marks
                .iter()
                .map(|mark| MarkData {
                    at: rounded(mark.at),
                    number: mark.event.as_ref().map(|event| event.number),
                    text: mark.event.as_ref().map(|event| event.text.clone()),
                    rank: mark.event.as_ref().map(|event| event.rank),
                })
                .collect(),
            bands: figure
                .bands
                .iter()
                .map(|band| BandData {
                    from: rounded(band.from),
                    to: rounded(band.to),
                    color: color(band.kind.ink()),
                    label_at: band.kind.label_at(),
                    labels: band.labels.clone(),
                })
                .collect(),
        }
    }
}

impl AxisData {
    fn new(axis: &Axis) -> Self {
        Self {
            scale: match axis.scale {
                Scale::Linear => "linear",
                Scale::Seconds => "seconds",
                Scale::LogDuration => "log-us",
                Scale::Percentile => "percentile",
                Scale::Run => "run",
                Scale::Round => "round",
                Scale::Category => "category",
                Scale::Sessions => "sessions",
            },
            min: axis.min,
            max: axis.max,
            names: match axis.scale {
                Scale::Category => axis.ticks.iter().map(|tick| tick.label.clone()).collect(),
                _ => Vec::new(),
            },
        }
    }
}

impl PanelData {
    fn new(panel: &Panel, figure: &Figure, wide: Frame, narrow: Frame) -> Self {
        Self {
            title: panel.title.clone(),
            wide: sides(wide),
            narrow: sides(narrow),
            series: panel
                .series
                .iter()
                .map(|series| SeriesData::new(series, figure))
                .collect(),
        }
    }
}

impl SeriesData {
    fn new(series: &Series, figure: &Figure) -> Self {
        Self {
            label: series.label.clone(),
            color: match series.ink {
                Ink::Mark => "text",
                ink => color(ink),
            },
            stroke: match series.stroke {
                Stroke::Solid => "solid",
                Stroke::Thin => "thin",
                Stroke::Dashed => "dashed",
                Stroke::Area => "area",
                Stroke::Dots | Stroke::Rings => "dots",
            },
            parts: series
                .stretches
                .iter()
                .map(|stretch| Part::new(stretch, figure))
                .collect(),
        }
    }
}

/// The name of a colour in the style sheet.
fn color(ink: Ink) -> &'static str {
    match ink {
        Ink::Series(index) => Ink::SERIES_NAMES[index % Ink::SERIES_NAMES.len()],
        Ink::Muted => "muted",
        Ink::Mark => "mark",
        Ink::Background | Ink::Text | Ink::Grid | Ink::Axis => "text",
    }
}

impl Part {
    fn new(points: &[(f64, f64)], figure: &Figure) -> Self {
        let value = |y: f64| match figure.y.scale {
            Scale::LogDuration => rounded(10_f64.powf(y)),
            _ => rounded(y),
        };
        if figure.x.scale != Scale::Seconds {
            let (x, y) = points.iter().map(|(x, y)| (rounded(*x), value(*y))).unzip();
            return Self { x, y };
        }
        // Over time a value is a level line, which has two points.
        let levels = points.chunks_exact(2);
        let mut x: Vec<f64> = levels.clone().map(|level| rounded(level[0].0)).collect();
        x.extend(points.last().map(|(end, _)| rounded(*end)));
        Self {
            x,
            y: levels.map(|level| value(level[0].1)).collect(),
        }
    }
}

/// Left, right, top and bottom.
pub(super) fn sides(frame: Frame) -> [f64; 4] {
    [frame.left, frame.right, frame.top, frame.bottom].map(rounded)
}

/// Rounds to three decimals, more than the picture and the report show. A number that is not finite becomes 0,
/// because JSON cannot express it.
pub(super) fn rounded(value: f64) -> f64 {
    if value.is_finite() {
        (value * 1_000.0).round() / 1_000.0
    } else {
        0.0
    }
}

/// The figures of a page as JSON for a script element. It contains no `<`, which could end the element.
pub(super) fn to_script(figures: &[FigureData]) -> String {
    let text = serde_json::to_string(figures).expect("finite numbers and texts have a JSON form");
    text.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::super::curves::figures;
    use super::super::summary::Summary;
    use super::*;
    use crate::result::example;

    fn data() -> (Vec<Figure>, Vec<serde_json::Value>) {
        let result = example::result();
        let figures = figures(&Summary::new(&result));
        let frame = Frame {
            left: 50.0,
            right: 866.0,
            top: 60.0,
            bottom: 300.0,
        };
        let data: Vec<FigureData> = figures
            .iter()
            .map(|figure| {
                let frames = vec![frame; figure.panels.len()];
                FigureData::plot(figure, &[frames.clone(), frames])
            })
            .collect();
        let parsed = serde_json::from_str(&to_script(&data)).unwrap();
        (figures, parsed)
    }

    #[test]
    fn every_value_is_the_one_that_is_drawn() {
        let (figures, data) = data();
        let mut compared = 0;
        for (figure, data) in figures.iter().zip(&data) {
            for (panel, data) in figure.panels.iter().zip(data["panels"].as_array().unwrap()) {
                for (series, data) in panel.series.iter().zip(data["series"].as_array().unwrap()) {
                    assert_eq!(data["label"], series.label.as_str());
                    let parts = data["parts"].as_array().unwrap();
                    assert_eq!(parts.len(), series.stretches.len());
                    for (points, part) in series.stretches.iter().zip(parts) {
                        let steps = figure.x.scale == Scale::Seconds;
                        let every = if steps { 2 } else { 1 };
                        let ys = part["y"].as_array().unwrap();
                        assert_eq!(ys.len(), points.len() / every);
                        let xs = part["x"].as_array().unwrap();
                        assert_eq!(xs.len(), ys.len() + usize::from(steps));
                        for (index, y) in ys.iter().enumerate() {
                            let (x, drawn) = points[index * every];
                            let told = y.as_f64().unwrap();
                            let told = match figure.y.scale {
                                Scale::LogDuration => told.log10(),
                                _ => told,
                            };
                            assert!((told - drawn).abs() < 0.001, "{told} and {drawn}");
                            assert!((xs[index].as_f64().unwrap() - x).abs() < 0.001);
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert!(compared > 6, "{compared}");
    }

    #[test]
    fn no_text_ends_the_script_element() {
        let mut result = example::result();
        result.plan.ops[0].label = "</script><b>".into();
        let mut figures = figures(&Summary::new(&result));
        figures[0].panels[0].title = "</script>".into();
        let frame = Frame {
            left: 0.0,
            right: 1.0,
            top: 0.0,
            bottom: 1.0,
        };
        let data = FigureData::plot(&figures[0], &[vec![frame], vec![frame]]);
        let text = to_script(&[data]);
        assert!(!text.contains('<'), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed[0]["panels"][0]["title"], "</script>");
    }
}
