//! Paints a figure: legend, panels, grid, ticks, shaded stretches, curves.

use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, Canvas, Painted};
use super::figure::{Axis, Band, Figure, Ink, Panel, Sample, Series, Stroke};

/// Size of tick labels and legend.
const SMALL: f64 = 12.0;
/// Size of a title.
const LARGE: f64 = 15.0;
/// Room for a line of small text.
const LINE: f64 = 20.0;
/// Width of a curve.
const CURVE: f64 = 2.0;
/// Least distance between labels of the x axis.
const LABEL_GAP: f64 = 14.0;
/// Length of a legend's sample.
const SAMPLE: f64 = 18.0;
/// Room right of the last panel.
const MARGIN: f64 = 14.0;
/// Room between two columns of panels.
const COLUMN_GAP: f64 = 18.0;

/// Where the curves are.
#[derive(Clone, Copy, Debug)]
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn x(&self, axis: &Axis, at: f64) -> f64 {
        self.left + (at - axis.min) / (axis.max - axis.min) * (self.right - self.left)
    }

    fn y(&self, axis: &Axis, at: f64) -> f64 {
        self.bottom - (at - axis.min) / (axis.max - axis.min) * (self.bottom - self.top)
    }
}

/// Paints everything; the title only where there is no page to show it.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    title: bool,
) -> Painted {
    let mut top = 6.0;
    if title {
        let at = (16.0, top + LARGE);
        canvas.text(at, &figure.title, LARGE, (Ink::Text, Anchor::Left, true))?;
        top += LARGE * 2.0;
    }
    let widest = figure
        .y
        .ticks
        .iter()
        .map(|tick| canvas.text_width(&tick.label, SMALL))
        .fold(0.0, f64::max);
    let labels = widest + 14.0;
    top = legend(canvas, figure, labels, top)?;
    let muted = (Ink::Muted, Anchor::Left, false);
    canvas.text((labels, top + LINE / 2.0), &figure.y.label, SMALL, muted)?;
    let all = Frame {
        left: 0.0,
        right: canvas.width - MARGIN,
        top: top + LINE + 4.0,
        bottom: canvas.height - LINE,
    };
    for (index, panel) in figure.panels.iter().enumerate() {
        let place = place(figure, index, all, canvas.width);
        let frame = Frame {
            left: place.left + labels,
            top: place.top + if panel.title.is_empty() { 0.0 } else { LINE },
            bottom: place.bottom - LINE - 4.0,
            ..place
        };
        self::panel(canvas, figure, panel, frame)?;
    }
    let below = (f64::midpoint(labels, all.right), canvas.height - LINE / 2.0);
    let centered = (Ink::Muted, Anchor::Center, false);
    canvas.text(below, &figure.x.label, SMALL, centered)
}

/// The part of `all` that belongs to the panel of this index, its tick labels included.
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

fn panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    panel: &Panel,
    frame: Frame,
) -> Painted {
    if !panel.title.is_empty() {
        let ink = panel.series.first().map_or(Ink::Text, |series| series.ink);
        let y = frame.top - LINE / 2.0;
        let sample = [(frame.left, y), (frame.left + SAMPLE, y)];
        canvas.line(&sample, ink, 2.0 * CURVE)?;
        let at = (frame.left + SAMPLE + 6.0, y);
        canvas.text(at, &panel.title, SMALL, (Ink::Text, Anchor::Left, true))?;
    }
    for band in &figure.bands {
        shade(canvas, &figure.x, band, frame)?;
    }
    grid(canvas, figure, frame)?;
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
    canvas.pale(&corners, Ink::Mark)
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
                frame.top + 0.3 * (frame.bottom - frame.top),
            ),
            label,
            SMALL,
            (Ink::Mark, Anchor::Center, false),
        ),
        None => Ok(()),
    }
}

fn grid<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure, frame: Frame) -> Painted {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = frame;
    for at in &figure.y.minor {
        let y = frame.y(&figure.y, *at);
        canvas.line(&[(left, y), (right, y)], Ink::Grid, 0.5)?;
    }
    let mut free_below = f64::INFINITY;
    for tick in &figure.y.ticks {
        let y = frame.y(&figure.y, tick.at);
        canvas.line(&[(left, y), (right, y)], Ink::Grid, 1.0)?;
        // A low panel has no room for every label.
        if y <= free_below {
            let label = (Ink::Muted, Anchor::Right, false);
            canvas.text((left - 8.0, y), &tick.label, SMALL, label)?;
            free_below = y - SMALL * 1.2;
        }
    }
    let mut last_mark = f64::NEG_INFINITY;
    for mark in &figure.marks {
        let x = frame.x(&figure.x, mark.at);
        // A burst of events is one line, not a bar.
        if mark.ink != Ink::Mark || x - last_mark >= 3.0 {
            canvas.line(&[(x, top), (x, bottom)], mark.ink, 1.0)?;
            last_mark = x;
        }
    }
    canvas.line(&[(left, bottom), (right, bottom)], Ink::Axis, 1.0)?;
    let mut free_from = f64::NEG_INFINITY;
    for tick in &figure.x.ticks {
        let x = frame.x(&figure.x, tick.at);
        canvas.line(&[(x, bottom), (x, bottom + 4.0)], Ink::Axis, 1.0)?;
        let half = canvas.text_width(&tick.label, SMALL) / 2.0;
        // The outermost labels move inwards rather than over the edge.
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

/// Lays the legend out in as many rows as it takes; returns where it ends.
fn legend<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    figure: &Figure,
    left: f64,
    top: f64,
) -> Result<f64, String> {
    let (mut x, mut y) = (left, top + LINE / 2.0);
    for entry in figure.legend() {
        let width = SAMPLE + 6.0 + canvas.text_width(&entry.label, SMALL);
        if x > left && x + width > canvas.width - MARGIN {
            (x, y) = (left, y + LINE);
        }
        let line = [(x, y), (x + SAMPLE, y)];
        match entry.sample {
            Sample::Line(Stroke::Dashed) => canvas.dashed(&line, entry.ink, CURVE)?,
            Sample::Line(Stroke::Thin) => canvas.line(&line, entry.ink, CURVE / 2.0)?,
            Sample::Line(Stroke::Solid | Stroke::Area) => canvas.line(&line, entry.ink, CURVE)?,
            Sample::Shade => {
                let (low, high) = (y + 6.0, y - 6.0);
                let corners = [(x, high), (x + SAMPLE, high), (x + SAMPLE, low), (x, low)];
                // Twice, to be seen at this size.
                canvas.pale(&corners, entry.ink)?;
                canvas.pale(&corners, entry.ink)?;
            }
        }
        let at = (x + SAMPLE + 6.0, y);
        canvas.text(at, &entry.label, SMALL, (Ink::Text, Anchor::Left, false))?;
        x += width + 18.0;
    }
    Ok(y + LINE / 2.0 + 2.0)
}
