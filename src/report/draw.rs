//! Paints a figure: legend, panels, grid, ticks, shaded stretches, event labels, curves.
//!
//! The chart of plotters is not used for three reasons. Its legend covers the curves and does not wrap. Its
//! logarithmic axis labels only powers of ten. Its labels overlap if they do not fit.

use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, Canvas, Painted};
use super::figure::{
    Axis, Band, EVENT_ROW, EventLabel, Figure, Ink, Panel, Sample, Series, Stroke,
};

/// Text height of tick labels and legend, in pixels like all sizes here.
const SMALL: f64 = 12.0;
/// Text height of a title.
const LARGE: f64 = 15.0;
/// Height of a line of small text.
const LINE: f64 = 20.0;
const CURVE: f64 = 2.0;
const DOT: f64 = 4.0;
/// Smallest gap between labels of the x axis.
const LABEL_GAP: f64 = 14.0;
/// Length of a sample in the legend.
const SAMPLE: f64 = 18.0;
/// Space right of the last panel.
const MARGIN: f64 = 14.0;
/// Space between two columns of panels.
const COLUMN_GAP: f64 = 18.0;

/// A part of a picture: a zoom in time redraws only the moving layer. A file has both layers on one canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// Legend, titles, axes of y.
    Fixed,
    /// Everything with a place on the x axis.
    Moving,
}

/// The rectangle of the curves of a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Frame {
    fn x(&self, axis: &Axis, at: f64) -> f64 {
        self.left + (at - axis.min) / (axis.max - axis.min) * (self.right - self.left)
    }

    fn y(&self, axis: &Axis, at: f64) -> f64 {
        self.bottom - (at - axis.min) / (axis.max - axis.min) * (self.bottom - self.top)
    }
}

/// The places of the parts of a figure.
struct Layout {
    /// Width of the labels of the y axis.
    labels: f64,
    /// Top of the legend.
    legend: f64,
    /// Bottom of the legend.
    below_legend: f64,
    /// Right end of the panels.
    right: f64,
    /// One per panel.
    frames: Vec<Frame>,
}

impl Layout {
    fn new<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure, title: bool) -> Self {
        let legend = if title { 6.0 + LARGE * 2.0 } else { 6.0 };
        let widths = figure
            .y
            .ticks
            .iter()
            .map(|tick| canvas.text_width(&tick.label, SMALL));
        let labels = widths.fold(0.0, f64::max) + 14.0;
        let rows = legend_places(canvas, figure, labels, legend);
        let below_legend =
            rows.last().map_or(legend + LINE / 2.0, |entry| entry.1) + LINE / 2.0 + 2.0;
        let all = Frame {
            left: 0.0,
            right: canvas.width - MARGIN,
            top: below_legend + LINE + 4.0,
            bottom: canvas.height - LINE,
        };
        let strip = f64::from(figure.event_rows() * EVENT_ROW);
        let frames = figure.panels.iter().enumerate().map(|(index, panel)| {
            let place = place(figure, index, all, canvas.width);
            let title = if panel.title.is_empty() { 0.0 } else { LINE };
            Frame {
                left: place.left + labels,
                top: place.top + title + strip,
                bottom: place.bottom - LINE - 4.0,
                ..place
            }
        });
        Self {
            labels,
            legend,
            below_legend,
            right: all.right,
            frames: frames.collect(),
        }
    }
}

/// The frames of all panels of a figure that is painted without a title.
pub(super) fn frames<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure) -> Vec<Frame> {
    Layout::new(canvas, figure, false).frames
}

/// Paints both layers. `title` is false on a page, which has its own heading.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    title: bool,
) -> Painted {
    if title {
        let at = (16.0, 6.0 + LARGE);
        canvas.text(at, &figure.title, LARGE, (Ink::Text, Anchor::Left, true))?;
    }
    draw_layer(canvas, figure, title, Layer::Fixed)?;
    draw_layer(canvas, figure, title, Layer::Moving)
}

pub(super) fn draw_layer<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    title: bool,
    layer: Layer,
) -> Painted {
    let layout = Layout::new(canvas, figure, title);
    for (panel, frame) in figure.panels.iter().zip(&layout.frames) {
        match layer {
            Layer::Fixed => fixed(canvas, figure, panel, *frame)?,
            Layer::Moving => moving(canvas, figure, panel, *frame)?,
        }
    }
    if layer == Layer::Moving {
        return Ok(());
    }
    legend(canvas, figure, &layout)?;
    let muted = (Ink::Muted, Anchor::Left, false);
    let above = (layout.labels, layout.below_legend + LINE / 2.0);
    canvas.text(above, &figure.y.label, SMALL, muted)?;
    let middle = f64::midpoint(layout.labels, layout.right);
    let centered = (Ink::Muted, Anchor::Center, false);
    let below = (middle, canvas.height - LINE / 2.0);
    canvas.text(below, &figure.x.label, SMALL, centered)
}

/// The part of `all` that belongs to the panel of this index, including its tick labels.
#[expect(clippy::cast_precision_loss, reason = "a few panels")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width in pixels"
)]
fn place(figure: &Figure, index: usize, all: Frame, width: f64) -> Frame {
    let columns = figure.columns(width as u32);
    let rows = figure.panels.len().div_ceil(columns).max(1);
    let (row, column) = ((index / columns) as f64, (index % columns) as f64);
    let gaps = COLUMN_GAP * (columns as f64 - 1.0);
    let across = (all.right - all.left - gaps) / columns as f64;
    let down = (all.bottom - all.top) / rows as f64;
    let left = all.left + column * (across + COLUMN_GAP);
    let top = all.top + row * down;
    Frame {
        left,
        right: left + across,
        top,
        bottom: top + down,
    }
}

/// The panel's title, the lines across it and the labels of its y axis.
fn fixed<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    panel: &Panel,
    frame: Frame,
) -> Painted {
    if !panel.title.is_empty() {
        let ink = panel.series.first().map_or(Ink::Text, |series| series.ink);
        let y = frame.top - f64::from(figure.event_rows() * EVENT_ROW) - LINE / 2.0;
        let sample = [(frame.left, y), (frame.left + SAMPLE, y)];
        canvas.line(&sample, ink, 2.0 * CURVE)?;
        let at = (frame.left + SAMPLE + 6.0, y);
        canvas.text(at, &panel.title, SMALL, (Ink::Text, Anchor::Left, true))?;
    }
    grid(canvas, &figure.y, frame)
}

fn moving<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    panel: &Panel,
    frame: Frame,
) -> Painted {
    for band in &figure.bands {
        shade(canvas, &figure.x, band, frame)?;
    }
    marks(canvas, figure, frame)?;
    time_labels(canvas, &figure.x, frame)?;
    // What the legend names first is painted last, on top.
    for series in panel.series.iter().rev() {
        curve(canvas, figure, frame, series)?;
    }
    figure
        .bands
        .iter()
        .try_for_each(|band| name_band(canvas, &figure.x, band, frame))
}

/// The shade of a stretch, at least two pixels wide.
fn shade<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    axis: &Axis,
    band: &Band,
    frame: Frame,
) -> Painted {
    let (left, right) = (frame.x(axis, band.from), frame.x(axis, band.to));
    let right = right.max(left + 2.0);
    let corners = [
        (left, frame.top),
        (right, frame.top),
        (right, frame.bottom),
        (left, frame.bottom),
    ];
    canvas.pale(&corners, band.kind.ink())
}

/// The longest text that fits into the stretch. It stands where curves seldom are in one: throughput is at
/// the bottom, response time at the top.
fn name_band<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    axis: &Axis,
    band: &Band,
    frame: Frame,
) -> Painted {
    let (left, right) = (frame.x(axis, band.from), frame.x(axis, band.to));
    let fitting = band
        .labels
        .iter()
        .find(|label| canvas.text_width(label, SMALL) * 1.08 + 8.0 <= right - left);
    match fitting {
        Some(label) => canvas.text(
            (
                f64::midpoint(left, right),
                frame.top + band.kind.label_at() * (frame.bottom - frame.top),
            ),
            label,
            SMALL,
            (band.kind.ink(), Anchor::Center, false),
        ),
        None => Ok(()),
    }
}

fn grid<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, axis: &Axis, frame: Frame) -> Painted {
    let Frame { left, right, .. } = frame;
    for at in &axis.minor {
        let y = frame.y(axis, *at);
        canvas.line(&[(left, y), (right, y)], Ink::Grid, 0.5)?;
    }
    let mut free_below = f64::INFINITY;
    for tick in &axis.ticks {
        let y = frame.y(axis, tick.at);
        canvas.line(&[(left, y), (right, y)], Ink::Grid, 1.0)?;
        // A panel of little height has no room for every label.
        if y <= free_below {
            let label = (Ink::Muted, Anchor::Right, false);
            canvas.text((left - 8.0, y), &tick.label, SMALL, label)?;
            free_below = y - SMALL * 1.2;
        }
    }
    let bottom = frame.bottom;
    canvas.line(&[(left, bottom), (right, bottom)], Ink::Axis, 1.0)
}

/// Vertical lines.
fn marks<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure, frame: Frame) -> Painted {
    let labels = event_labels(canvas, figure, frame);
    let mut last_mark = f64::NEG_INFINITY;
    for (index, mark) in figure.marks.iter().enumerate() {
        let x = frame.x(&figure.x, mark.at);
        let label = labels.iter().find(|label| label.mark == index);
        let top = label.map_or(frame.top, |label| label.y + f64::from(EVENT_ROW) / 2.0);
        // Lines of events that are close together would merge into a bar.
        if label.is_some() || mark.ink != Ink::Mark || x - last_mark >= 3.0 {
            canvas.line(&[(x, top), (x, frame.bottom)], mark.ink, 1.0)?;
            last_mark = x;
        }
    }
    let style = (Ink::Mark, Anchor::Left, false);
    labels
        .iter()
        .try_for_each(|label| canvas.plated_text((label.left, label.y), &label.text, SMALL, style))
}

/// A label above the mark of an event.
struct Label {
    mark: usize,
    row: usize,
    left: f64,
    right: f64,
    y: f64,
    text: String,
}

/// Places the labels of events in rows above the frame, without overlaps. A label is the number of the event and its
/// text. Without room for both it is the number, and without room for that there is no label. Events of the lowest rank
/// are placed first.
fn event_labels<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    frame: Frame,
) -> Vec<Label> {
    let rows = figure.event_rows() as usize;
    let mut events: Vec<(usize, f64, &EventLabel)> = figure
        .marks
        .iter()
        .enumerate()
        .filter_map(|(index, mark)| Some((index, mark.at, mark.event.as_ref()?)))
        .collect();
    events.sort_by_key(|(_, _, event)| event.rank);
    let mut labels: Vec<Label> = Vec::new();
    for (mark, at, event) in events {
        let number = event.number.to_string();
        let mut texts = vec![number.clone()];
        if rows > 1 {
            texts.insert(0, format!("{number}: {}", event.text));
        }
        let x = frame.x(&figure.x, at);
        let placed = texts.into_iter().find_map(|text| {
            let width = canvas.text_width(&text, SMALL) * 1.05;
            // A label that would leave the frame ends at the edge of the frame.
            let left = (x - 3.0).min(frame.right - width).max(frame.left);
            let right = left + width;
            let free = |row: &usize| {
                let mut others = labels.iter().filter(|label| label.row == *row);
                others.all(|label| right + 10.0 <= label.left || left >= label.right + 10.0)
            };
            let row = (0..rows).find(free)?;
            let up = f64::from(EVENT_ROW) * (row as f64 + 0.5);
            let y = frame.top - up;
            Some(Label {
                mark,
                row,
                left,
                right,
                y,
                text,
            })
        });
        labels.extend(placed);
    }
    labels
}

fn time_labels<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, axis: &Axis, frame: Frame) -> Painted {
    let Frame {
        left,
        right,
        bottom,
        ..
    } = frame;
    let mut free_from = f64::NEG_INFINITY;
    for tick in &axis.ticks {
        let x = frame.x(axis, tick.at);
        canvas.line(&[(x, bottom), (x, bottom + 4.0)], Ink::Axis, 1.0)?;
        let half = canvas.text_width(&tick.label, SMALL) / 2.0;
        // The outermost labels move inwards, so that they do not cross the edge.
        let center = x.clamp(left - 8.0 + half, (right + 10.0 - half).max(left));
        if center - half >= free_from {
            let label = (Ink::Muted, Anchor::Center, false);
            canvas.text((center, bottom + 14.0), &tick.label, SMALL, label)?;
            free_from = center + half + LABEL_GAP;
        }
    }
    Ok(())
}

fn curve<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    frame: Frame,
    series: &Series,
) -> Painted {
    for stretch in &series.stretches {
        let points: Vec<(f64, f64)> = stretch
            .iter()
            .map(|(x, y)| (frame.x(&figure.x, *x), frame.y(&figure.y, *y)))
            .collect();
        match series.stroke {
            Stroke::Dashed => canvas.dashed(&points, series.ink, CURVE * 0.8)?,
            Stroke::Solid => canvas.line(&points, series.ink, CURVE)?,
            Stroke::Thin => canvas.line(&points, series.ink, CURVE / 2.0)?,
            Stroke::Dots => {
                for point in points {
                    canvas.disc(point, DOT, series.ink)?;
                }
            }
            Stroke::Rings => {
                for point in points {
                    canvas.ring(point, DOT, series.ink)?;
                }
            }
            Stroke::Area => {
                if let (Some(first), Some(last)) = (points.first(), points.last()) {
                    let mut area = points.clone();
                    area.extend([(last.0, frame.bottom), (first.0, frame.bottom)]);
                    canvas.pale(&area, series.ink)?;
                }
                canvas.line(&points, series.ink, CURVE)?;
            }
        }
    }
    Ok(())
}

/// The place of each entry of the legend; the entries wrap into rows.
fn legend_places<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    left: f64,
    top: f64,
) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (left, top + LINE / 2.0);
    let mut places = Vec::new();
    for entry in figure.legend() {
        let width = SAMPLE + 6.0 + canvas.text_width(&entry.label, SMALL);
        if x > left && x + width > canvas.width - MARGIN {
            (x, y) = (left, y + LINE);
        }
        places.push((x, y));
        x += width + 18.0;
    }
    places
}

fn legend<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    layout: &Layout,
) -> Painted {
    let places = legend_places(canvas, figure, layout.labels, layout.legend);
    for (entry, (x, y)) in figure.legend().iter().zip(places) {
        let line = [(x, y), (x + SAMPLE, y)];
        match entry.sample {
            Sample::Line(Stroke::Dashed) => canvas.dashed(&line, entry.ink, CURVE)?,
            Sample::Line(Stroke::Thin) => canvas.line(&line, entry.ink, CURVE / 2.0)?,
            Sample::Line(Stroke::Dots) => canvas.disc((x + SAMPLE / 2.0, y), DOT, entry.ink)?,
            Sample::Line(Stroke::Rings) => canvas.ring((x + SAMPLE / 2.0, y), DOT, entry.ink)?,
            Sample::Line(Stroke::Solid | Stroke::Area) => canvas.line(&line, entry.ink, CURVE)?,
            Sample::Shade => {
                let (low, high) = (y + 6.0, y - 6.0);
                let corners = [(x, high), (x + SAMPLE, high), (x + SAMPLE, low), (x, low)];
                // Painted twice, because a single layer is hard to see at this size.
                canvas.pale(&corners, entry.ink)?;
                canvas.pale(&corners, entry.ink)?;
            }
        }
        let at = (x + SAMPLE + 6.0, y);
        canvas.text(at, &entry.label, SMALL, (Ink::Text, Anchor::Left, false))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plotters::prelude::{IntoDrawingArea as _, SVGBackend};

    use super::super::figure::Mark;
    use super::*;

    #[test]
    fn event_labels_never_overlap_and_causes_keep_their_text() {
        let mark = |index: u32| Mark {
            at: 5.0 + f64::from(index) * 0.01,
            ink: Ink::Mark,
            event: Some(EventLabel {
                number: index as usize + 1,
                text: format!("what happened as number {index}"),
                rank: if index == 11 { 0 } else { 2 },
            }),
        };
        let figure = Figure {
            name: "x",
            title: String::new(),
            caption: String::new(),
            x: Axis::span("", 10.0, 5.0),
            y: Axis::linear("", 1.0, 5.0, true),
            panels: vec![Panel {
                title: String::new(),
                series: Vec::new(),
            }],
            marks: (0..12).map(mark).collect(),
            bands: Vec::new(),
        };
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (3_580, 3_000)).into_drawing_area();
        let canvas = Canvas::svg(&area, (358, 300), 10);
        let frame = frames(&canvas, &figure)[0];
        let labels = event_labels(&canvas, &figure, frame);
        assert!(labels[0].mark == 11 && labels[0].text.starts_with("12: what"));
        assert!(labels.len() >= 3, "{}", labels.len());
        for (index, label) in labels.iter().enumerate() {
            assert!(label.left >= frame.left && label.right <= frame.right + 0.001);
            for other in &labels[index + 1..] {
                let apart = label.right < other.left || other.right < label.left;
                assert!(
                    label.row != other.row || apart,
                    "{} and {}",
                    label.text,
                    other.text
                );
            }
        }
    }
}
