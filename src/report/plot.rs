//! Figures as SVG and PNG files, and as SVG inside a page.

use std::path::{Path, PathBuf};

use maud::html;
use plotters::prelude::*;
use rayon::prelude::*;

use super::ReportError;
use super::canvas::{Canvas, Painted};
use super::compare::Forest;
use super::curves::figures;
use super::draw::{Frame, Layer, draw, draw_layer, frames};
use super::figure::{Figure, Ink};
use super::summary::Summary;
use crate::result::{ResultError, RunResult, save};

/// An SVG is painted larger than it is shown, by this factor.
const SVG_SCALE: u32 = 10;
/// Pixels of a PNG per pixel as shown, for screens of high density.
const PNG_DENSITY: u32 = 2;
/// Painted pixels per pixel of the PNG and direction. Averaging them smooths text and curves.
const PNG_OVERSAMPLING: u32 = 2;
/// Width of a plot in a file or on a wide page, in pixels as shown.
const WIDE: u32 = 880;
/// Width of a plot on a narrow page, in pixels as shown.
const NARROW: u32 = 358;
const RGB: usize = 3;

/// A plot as a file: `percentiles.svg`, `percentiles.png`.
#[derive(Debug)]
pub struct PlotFile {
    pub name: String,
    pub contents: Contents,
}

/// The contents of a plot file.
#[derive(Debug)]
pub enum Contents {
    Svg(String),
    /// Pixels, which are encoded as PNG when the file is written.
    Png(Pixels),
}

/// Pixels of three bytes, row by row.
#[derive(Debug)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    /// Red, green and blue of each pixel.
    pub rgb: Vec<u8>,
}

/// A picture of any size.
#[derive(Clone, Copy, Debug)]
pub(super) enum Picture<'a> {
    Figure(&'a Figure),
    /// The ratios of a comparison.
    Forest(&'a Forest),
}

impl Picture<'_> {
    /// File name without extension.
    fn name(&self) -> &str {
        match self {
            Self::Figure(figure) => &figure.name,
            Self::Forest(_) => "comparison",
        }
    }

    /// Its size in pixels as shown, on a page `width` pixels wide.
    fn size(self, width: u32, title: bool) -> (u32, u32) {
        let height = match self {
            Self::Figure(figure) => figure.height(width),
            Self::Forest(forest) => forest.height(width),
        };
        (width, if title { height + 30 } else { height })
    }

    fn paint<DB: DrawingBackend>(self, canvas: &Canvas<'_, DB>, title: bool) -> Painted {
        match self {
            Self::Figure(figure) => draw(canvas, figure, title),
            Self::Forest(forest) => forest.draw(canvas, title),
        }
    }

    fn failed(self, why: String) -> ReportError {
        ReportError::Plot {
            name: self.name().to_owned(),
            why,
        }
    }
}

/// Paints every plot of a result as SVG and PNG, with a title and a light background.
///
/// # Errors
/// If the drawing library fails.
pub fn plots(result: &RunResult) -> Result<Vec<PlotFile>, ReportError> {
    let figures = titled_figures(result);
    files(&figures.iter().map(Picture::Figure).collect::<Vec<_>>())
}

/// Paints every plot of a result as SVG.
///
/// # Errors
/// If the drawing library fails.
pub fn svg_plots(result: &RunResult) -> Result<Vec<PlotFile>, ReportError> {
    let figures = titled_figures(result);
    figures
        .iter()
        .map(|figure| svg_file(Picture::Figure(figure)))
        .collect()
}

/// The figures of a result. Each title begins with the name of the workload, because a file is read on its own.
fn titled_figures(result: &RunResult) -> Vec<Figure> {
    let mut figures = figures(&Summary::new(result));
    for figure in &mut figures {
        figure.title = format!("{}: {}", result.plan.name, figure.title);
    }
    figures
}

/// Paints pictures as files, in parallel.
pub(super) fn files(pictures: &[Picture<'_>]) -> Result<Vec<PlotFile>, ReportError> {
    let files: Result<Vec<[PlotFile; 2]>, ReportError> = pictures
        .par_iter()
        .map(|picture| {
            let (svg, png) = rayon::join(|| svg_file(*picture), || png_file(*picture));
            Ok([svg?, png?])
        })
        .collect();
    Ok(files?.into_iter().flatten().collect())
}

fn svg_file(picture: Picture<'_>) -> Result<PlotFile, ReportError> {
    let size = picture.size(WIDE, true);
    let body = svg_elements(size, |canvas| {
        canvas.fill(Ink::Background)?;
        picture.paint(canvas, true)
    })
    .map_err(|why| picture.failed(why))?;
    let text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" {}>{body}</svg>",
        size.0,
        size.1,
        view_box(size)
    );
    Ok(PlotFile {
        name: format!("{}.svg", picture.name()),
        contents: Contents::Svg(text),
    })
}

fn png_file(picture: Picture<'_>) -> Result<PlotFile, ReportError> {
    Ok(PlotFile {
        name: format!("{}.png", picture.name()),
        contents: Contents::Png(png(picture, picture.size(WIDE, true))?),
    })
}

/// A picture inside a page, for wide and for narrow screens.
#[derive(Debug)]
pub(super) struct Inline {
    /// Both SVG elements; the style sheet shows one of them. Their colours are variables of the style sheet.
    pub svg: String,
    /// The frames of a figure's panels, or of a forest's rows, on a wide and on a narrow screen.
    pub frames: [Vec<Frame>; 2],
}

/// Paints a picture for a page; `label` is its text for screen readers. The layer that a zoom redraws is in a group of
/// class `moving`.
pub(super) fn inline(picture: Picture<'_>, label: &str) -> Result<Inline, ReportError> {
    let label = html! { (label) }.into_string();
    let mut page = Inline {
        svg: String::new(),
        frames: [Vec::new(), Vec::new()],
    };
    for (index, (class, width)) in [("wide", WIDE), ("narrow", NARROW)].into_iter().enumerate() {
        let size = picture.size(width, false);
        let failed = |why| picture.failed(why);
        let body = match picture {
            Picture::Figure(figure) => {
                let fixed = svg_elements(size, |canvas| {
                    page.frames[index] = frames(canvas, figure);
                    draw_layer(canvas, figure, false, Layer::Fixed)
                });
                let moving = svg_elements(size, |canvas| {
                    draw_layer(canvas, figure, false, Layer::Moving)
                });
                format!(
                    "{}<g class=\"moving\">{}</g>",
                    fixed.map_err(failed)?,
                    moving.map_err(failed)?
                )
            }
            Picture::Forest(forest) => svg_elements(size, |canvas| {
                page.frames[index] = forest.frames(canvas);
                forest.draw(canvas, false)
            })
            .map_err(failed)?,
        };
        page.svg += &format!(
            "<svg class=\"{class}\" role=\"img\" aria-label=\"{label}\" {}>{}</svg>\n",
            view_box(size),
            themed(body)
        );
    }
    Ok(page)
}

/// Replaces the colours by variables of the style sheet, and removes the font, so that the page sets it.
fn themed(mut body: String) -> String {
    for (ink, name) in Ink::named() {
        let RGBColor(r, g, b) = ink.light();
        body = body.replace(
            &format!("\"#{r:02X}{g:02X}{b:02X}\""),
            &format!("\"var(--{name})\""),
        );
    }
    body.replace(" font-family=\"sans-serif\"", "")
}

fn view_box((width, height): (u32, u32)) -> String {
    format!(
        "viewBox=\"0 0 {} {}\"",
        width * SVG_SCALE,
        height * SVG_SCALE
    )
}

/// The elements between the opening and the closing tag of an SVG.
fn svg_elements(
    size: (u32, u32),
    paint: impl FnOnce(&Canvas<'_, SVGBackend<'_>>) -> Painted,
) -> Result<String, String> {
    let mut text = String::new();
    {
        let large = (size.0 * SVG_SCALE, size.1 * SVG_SCALE);
        let area = SVGBackend::with_string(&mut text, large).into_drawing_area();
        paint(&Canvas::svg(&area, size, SVG_SCALE))?;
        area.present().map_err(|e| e.to_string())?;
    }
    let body = text.split_once('>').map_or("", |(_, body)| body);
    let body = body.trim_end().trim_end_matches("</svg>");
    Ok(body.replace(" opacity=\"1\"", "").replace(">\n", ">"))
}

fn png(picture: Picture<'_>, size: (u32, u32)) -> Result<Pixels, ReportError> {
    let scale = PNG_DENSITY * PNG_OVERSAMPLING;
    let (width, height) = (size.0 * scale, size.1 * scale);
    let mut rgb = vec![0; RGB * width as usize * height as usize];
    {
        let area = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
        let canvas = Canvas::bitmap(&area, size, scale);
        canvas
            .fill(Ink::Background)
            .and_then(|()| picture.paint(&canvas, true))
            .and_then(|()| area.present().map_err(|e| e.to_string()))
            .map_err(|why| picture.failed(why))?;
    }
    Ok(averaged(&rgb, width as usize, PNG_OVERSAMPLING as usize))
}

/// Averages every square of `side` x `side` pixels.
fn averaged(rgb: &[u8], width: usize, side: usize) -> Pixels {
    let columns = width / side;
    let rows = rgb.len() / RGB / width / side;
    let mut small = Vec::with_capacity(RGB * columns * rows);
    let pixels = side * side;
    for row in 0..rows {
        for column in 0..columns {
            for channel in 0..RGB {
                let sum: usize = (0..pixels)
                    .map(|i| {
                        let (x, y) = (column * side + i % side, row * side + i / side);
                        usize::from(rgb[RGB * (y * width + x) + channel])
                    })
                    .sum();
                small.push(u8::try_from(sum / pixels).unwrap_or(u8::MAX));
            }
        }
    }
    Pixels {
        width: u32::try_from(columns).unwrap_or(0),
        height: u32::try_from(rows).unwrap_or(0),
        rgb: small,
    }
}

/// Creates `dir`, writes plots into it and returns their paths.
pub(super) fn write(dir: &Path, files: &[PlotFile]) -> Result<Vec<PathBuf>, ReportError> {
    std::fs::create_dir_all(dir).map_err(|source| ResultError::Io {
        action: "create",
        path: dir.to_owned(),
        source,
    })?;
    let mut written = Vec::new();
    for file in files {
        let path = dir.join(&file.name);
        match &file.contents {
            Contents::Svg(text) => save(&path, text.as_bytes())?,
            Contents::Png(pixels) => save_png(&path, pixels).map_err(|why| ReportError::Plot {
                name: file.name.clone(),
                why,
            })?,
        }
        written.push(path);
    }
    Ok(written)
}

/// Encodes and writes a PNG with plotters, which chooses the format by the extension. The file gets its name when it
/// is complete, like every file of a result.
fn save_png(path: &Path, pixels: &Pixels) -> Result<(), String> {
    let partial = path.with_extension("partial.png");
    let size = (pixels.width, pixels.height);
    let drawn = {
        let mut backend = BitMapBackend::new(&partial, size);
        backend
            .blit_bitmap((0, 0), size, &pixels.rgb)
            .and_then(|()| backend.present())
            .map_err(|e| e.to_string())
    };
    let saved = drawn.and_then(|()| std::fs::rename(&partial, path).map_err(|e| e.to_string()));
    if saved.is_err() {
        // The first failure is reported; a failure to remove the file adds nothing.
        let _ = std::fs::remove_file(&partial);
    }
    saved
}
