//! Paints a figure: margins, grid, ticks, legend, curves.

use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, Canvas, Painted};
use super::figure::{Axis, Figure, Ink, Series, Stroke};

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
/// Length of a legend's sample line.
const SAMPLE: f64 = 18.0;

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
    let left = widest + 14.0;
    top = legend(canvas, figure, left, top)?;
    let at = (left, top + LINE / 2.0);
    canvas.text(
        at,
        &figure.y.label,
        SMALL,
        (Ink::Muted, Anchor::Left, false),
    )?;
    let frame = Frame {
        left,
        right: canvas.width - 14.0,
        top: top + LINE + 4.0,
        bottom: canvas.height - 2.0 * LINE - 4.0,
    };
    grid(canvas, figure, frame)?;
    // What the legend names first is painted last, on top.
    for series in figure.series.iter().rev() {
        curve(canvas, figure, frame, series)?;
    }
    Ok(())
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
    for tick in &figure.y.ticks {
        let y = frame.y(&figure.y, tick.at);
        canvas.line(&[(left, y), (right, y)], Ink::Grid, 1.0)?;
        let label = (Ink::Muted, Anchor::Right, false);
        canvas.text((left - 8.0, y), &tick.label, SMALL, label)?;
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
        let center = x.clamp(left - 8.0 + half, canvas.width - 4.0 - half);
        if center - half >= free_from {
            let label = (Ink::Muted, Anchor::Center, false);
            canvas.text((center, bottom + 14.0), &tick.label, SMALL, label)?;
            free_from = center + half + LABEL_GAP;
        }
    }
    let below = (f64::midpoint(left, right), canvas.height - LINE / 2.0);
    canvas.text(
        below,
        &figure.x.label,
        SMALL,
        (Ink::Muted, Anchor::Center, false),
    )
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
    let mut entries: Vec<(&str, Ink, Stroke)> = figure
        .series
        .iter()
        .map(|series| (series.label.as_str(), series.ink, series.stroke))
        .collect();
    if figure.marks.iter().any(|mark| mark.ink == Ink::Mark) {
        entries.push(("event", Ink::Mark, Stroke::Solid));
    }
    let (mut x, mut y) = (left, top + LINE / 2.0);
    for (label, ink, stroke) in entries {
        let width = SAMPLE + 6.0 + canvas.text_width(label, SMALL);
        if x > left && x + width > canvas.width - 14.0 {
            (x, y) = (left, y + LINE);
        }
        let sample = [(x, y), (x + SAMPLE, y)];
        match stroke {
            Stroke::Dashed => canvas.dashed(&sample, ink, CURVE)?,
            Stroke::Solid | Stroke::Area => canvas.line(&sample, ink, CURVE)?,
        }
        let at = (x + SAMPLE + 6.0, y);
        canvas.text(at, label, SMALL, (Ink::Text, Anchor::Left, false))?;
        x += width + 18.0;
    }
    Ok(y + LINE / 2.0 + 2.0)
}
