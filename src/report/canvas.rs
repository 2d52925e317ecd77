//! Painting in fractional pixels on any plotters backend.
//!
//! plotters has whole pixels only. To keep curves smooth, a canvas is painted several times as large as it is shown.
//! The view box of an SVG scales it down, and the pixels of a PNG are averaged.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figure::Ink;

/// Name of the bundled fonts; SVG files have it as the font family.
const FAMILY: &str = "sans-serif";
/// plotters paints text smaller than the given size, by this factor.
const FONT_SHRINK: f64 = 1.24;
/// Correction of the vertical centre of text in an SVG of plotters, in text heights.
const SVG_DROP: f64 = 0.08;
/// The same correction for a bitmap of plotters, which uses other font metrics.
const BITMAP_DROP: f64 = 0.24;
/// Colours of series on a light page.
const SERIES: [RGBColor; 6] = [
    RGBColor(0x1F, 0x6F, 0xEB),
    RGBColor(0xD9, 0x73, 0x0D),
    RGBColor(0x0F, 0x8A, 0x6B),
    RGBColor(0x82, 0x50, 0xDF),
    RGBColor(0xBF, 0x39, 0x89),
    RGBColor(0x8A, 0x6D, 0x1D),
];

/// The place of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The text begins at the point.
    Left,
    /// The text is centred on the point.
    Center,
    /// The text ends at the point.
    Right,
}

/// The error is the message of the drawing library.
pub(super) type Painted = Result<(), String>;

pub(super) struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    drop: f64,
    /// Width in pixels as shown.
    pub width: f64,
    /// Height in pixels as shown.
    pub height: f64,
}

impl Ink {
    /// Names of the series' colours in the style sheet.
    pub(super) const SERIES_NAMES: [&'static str; SERIES.len()] =
        ["s0", "s1", "s2", "s3", "s4", "s5"];

    /// The colour on a light page. All inks differ, because a page replaces these colours by the names of its own.
    pub(super) fn light(self) -> RGBColor {
        match self {
            Self::Background => RGBColor(0xFF, 0xFF, 0xFF),
            Self::Text => RGBColor(0x1F, 0x29, 0x33),
            Self::Muted => RGBColor(0x61, 0x6E, 0x7C),
            Self::Grid => RGBColor(0xE4, 0xE7, 0xEB),
            Self::Axis => RGBColor(0x9A, 0xA5, 0xB1),
            Self::Mark => RGBColor(0xC8, 0x4B, 0x45),
            Self::Series(index) => SERIES[index % SERIES.len()],
        }
    }

    /// Every ink with the name of its variable in the style sheet.
    pub(super) fn named() -> Vec<(Self, String)> {
        let mut inks = vec![
            (Self::Background, "page".to_owned()),
            (Self::Text, "text".to_owned()),
            (Self::Muted, "muted".to_owned()),
            (Self::Grid, "grid".to_owned()),
            (Self::Axis, "axis".to_owned()),
            (Self::Mark, "mark".to_owned()),
        ];
        let series = Self::SERIES_NAMES.iter().enumerate();
        inks.extend(series.map(|(index, name)| (Self::Series(index), (*name).to_owned())));
        inks
    }
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    /// A canvas on an SVG. `size` is its width and height as shown; it is painted `scale` times as large.
    pub(super) fn svg(area: &'a DrawingArea<DB, Shift>, size: (u32, u32), scale: u32) -> Self {
        Self::new(area, size, scale, SVG_DROP)
    }

    /// A canvas on a bitmap, like [`Canvas::svg`].
    pub(super) fn bitmap(area: &'a DrawingArea<DB, Shift>, size: (u32, u32), scale: u32) -> Self {
        Self::new(area, size, scale, BITMAP_DROP)
    }

    fn new(
        area: &'a DrawingArea<DB, Shift>,
        (width, height): (u32, u32),
        scale: u32,
        drop: f64,
    ) -> Self {
        Self {
            area,
            scale: f64::from(scale),
            drop,
            width: f64::from(width),
            height: f64::from(height),
        }
    }

    /// Fills the whole canvas.
    pub(super) fn fill(&self, ink: Ink) -> Painted {
        self.area.fill(&ink.light()).map_err(|e| e.to_string())
    }

    /// Paints a connected line.
    pub(super) fn line(&self, points: &[(f64, f64)], ink: Ink, width: f64) -> Painted {
        if points.len() < 2 {
            return Ok(());
        }
        let style = ink.light().stroke_width(self.stroke(width));
        self.draw(&PathElement::new(self.pixels(points), style))
    }

    /// Paints a dashed line.
    pub(super) fn dashed(&self, points: &[(f64, f64)], ink: Ink, width: f64) -> Painted {
        let style = ink.light().stroke_width(self.stroke(width));
        let (dash, gap) = (self.pixel(5.0), self.pixel(3.5));
        self.draw(&DashedPathElement::new(
            self.pixels(points),
            dash,
            gap,
            style,
        ))
    }

    /// Paints an area in a pale colour.
    pub(super) fn pale(&self, points: &[(f64, f64)], ink: Ink) -> Painted {
        let style = ink.light().mix(0.12).filled();
        self.draw(&Polygon::new(self.pixels(points), style))
    }

    /// Paints text on a plate in the colour of the page, so that no line crosses the text.
    pub(super) fn plated_text(
        &self,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        style: (Ink, Anchor, bool),
    ) -> Painted {
        let width = self.text_width(text, size) * 1.08;
        let left = match style.1 {
            Anchor::Left => x,
            Anchor::Center => x - width / 2.0,
            Anchor::Right => x - width,
        };
        let (top, bottom) = (y - size * 0.7, y + size * 0.7);
        let corners = [
            (left - 4.0, top),
            (left + width + 4.0, top),
            (left + width + 4.0, bottom),
            (left - 4.0, bottom),
        ];
        let ground = Ink::Background.light().filled();
        self.draw(&Polygon::new(self.pixels(&corners), ground))?;
        self.text((x, y), text, size, style)
    }

    pub(super) fn disc(&self, (x, y): (f64, f64), radius: f64, ink: Ink) -> Painted {
        let center = (self.pixel(x), self.pixel(y));
        self.draw(&Circle::new(
            center,
            self.pixel(radius),
            ink.light().filled(),
        ))
    }

    /// Paints a disc with a hole in the colour of the page.
    pub(super) fn ring(&self, at: (f64, f64), radius: f64, ink: Ink) -> Painted {
        self.disc(at, radius, ink)?;
        self.disc(at, radius - 1.6, Ink::Background)
    }

    /// Paints text, vertically centred on `y`.
    pub(super) fn text(
        &self,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        (ink, anchor, bold): (Ink, Anchor, bool),
    ) -> Painted {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Center => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let style = font(size * self.scale, bold)
            .color(&ink.light())
            .pos(Pos::new(horizontal, VPos::Center));
        let y = y + self.drop * size;
        self.draw(&Text::new(text, (self.pixel(x), self.pixel(y)), style))
    }

    /// The width of a text in pixels as shown.
    pub(super) fn text_width(&self, text: &str, size: f64) -> f64 {
        let (width, _) = font(size * self.scale, false)
            .box_size(text)
            .unwrap_or_default();
        f64::from(width) / self.scale
    }

    fn draw<'e, E>(&self, element: &'e E) -> Painted
    where
        &'e E: plotters::element::PointCollection<'e, (i32, i32)>,
        E: plotters::element::Drawable<DB>,
    {
        self.area.draw(element).map_err(|e| e.to_string())
    }

    fn pixels(&self, points: &[(f64, f64)]) -> Vec<(i32, i32)> {
        points
            .iter()
            .map(|(x, y)| (self.pixel(*x), self.pixel(*y)))
            .collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float cast saturates, and plotters clips points outside the canvas"
    )]
    fn pixel(&self, shown: f64) -> i32 {
        (shown * self.scale).round() as i32
    }

    fn stroke(&self, shown: f64) -> u32 {
        u32::try_from(self.pixel(shown)).unwrap_or(1).max(1)
    }
}

/// A font whose text has the same size as in a browser at `size` pixels.
fn font(size: f64, bold: bool) -> FontDesc<'static> {
    register_fonts();
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FAMILY), size * FONT_SHRINK, style)
}

/// Registers the bundled fonts once. Every test that paints proves that they can be parsed.
fn register_fonts() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let fonts: [(FontStyle, &'static [u8]); 2] = [
            (
                FontStyle::Normal,
                include_bytes!("../../assets/fonts/Inter-Regular.subset.otf"),
            ),
            (
                FontStyle::Bold,
                include_bytes!("../../assets/fonts/Inter-SemiBold.subset.otf"),
            ),
        ];
        for (style, bytes) in fonts {
            assert!(
                register_font(FAMILY, style, bytes).is_ok(),
                "a bundled font cannot be parsed"
            );
        }
    });
}
