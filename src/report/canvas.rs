//! Painting in fractional pixels on any plotters backend.
//!
//! plotters counts in whole pixels. A canvas is painted several times as large as it is shown, so
//! that curves are smooth: an SVG is scaled by its view box, a PNG is averaged down.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figure::Ink;

/// Name under which the bundled fonts are registered; also what an SVG asks for.
const FAMILY: &str = "sans-serif";
/// plotters makes text smaller than asked by this factor.
const FONT_SHRINK: f64 = 1.24;
/// How far the middle of a capital letter lies above where plotters' SVG puts it, in letter heights.
const SVG_DROP: f64 = 0.08;
/// The same for its bitmaps, which centre on other metrics.
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

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Begins there.
    Left,
    /// Centred on it.
    Center,
    /// Ends there.
    Right,
}

/// A failure of the drawing library, in its words.
pub(super) type Painted = Result<(), String>;

/// An area to paint on.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    drop: f64,
    /// Width in shown pixels.
    pub width: f64,
    /// Height in shown pixels.
    pub height: f64,
}

impl Ink {
    /// Names of the series' colours in the style sheet.
    pub(super) const SERIES_NAMES: [&'static str; SERIES.len()] =
        ["s0", "s1", "s2", "s3", "s4", "s5"];

    /// On a light page. No two inks are the same: the page's colours are put in by name.
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

    /// Every ink with the name of its CSS variable.
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
    /// A canvas of `width` x `height` shown pixels on an SVG, painted `scale` times as large.
    pub(super) fn svg(area: &'a DrawingArea<DB, Shift>, size: (u32, u32), scale: u32) -> Self {
        Self::new(area, size, scale, SVG_DROP)
    }

    /// The same on a bitmap.
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

    /// Fills everything.
    pub(super) fn fill(&self, ink: Ink) -> Painted {
        self.area.fill(&ink.light()).map_err(|e| e.to_string())
    }

    /// A connected line.
    pub(super) fn line(&self, points: &[(f64, f64)], ink: Ink, width: f64) -> Painted {
        if points.len() < 2 {
            return Ok(());
        }
        let style = ink.light().stroke_width(self.stroke(width));
        self.draw(&PathElement::new(self.pixels(points), style))
    }

    /// A dashed line.
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

    /// A filled area of pale colour.
    pub(super) fn pale(&self, points: &[(f64, f64)], ink: Ink) -> Painted {
        let style = ink.light().mix(0.12).filled();
        self.draw(&Polygon::new(self.pixels(points), style))
    }

    /// Text on a plate of the page's colour, so that no line runs through it.
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

    /// A filled disc.
    pub(super) fn disc(&self, (x, y): (f64, f64), radius: f64, ink: Ink) -> Painted {
        let center = (self.pixel(x), self.pixel(y));
        self.draw(&Circle::new(
            center,
            self.pixel(radius),
            ink.light().filled(),
        ))
    }

    /// A disc with a hole in the page's colour.
    pub(super) fn ring(&self, at: (f64, f64), radius: f64, ink: Ink) -> Painted {
        self.disc(at, radius, ink)?;
        self.disc(at, radius - 1.6, Ink::Background)
    }

    /// Text, vertically centred on `y`.
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

    /// How wide a text will be, shown pixels.
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
        reason = "a float cast saturates, and what lies off the canvas is clipped anyway"
    )]
    fn pixel(&self, shown: f64) -> i32 {
        (shown * self.scale).round() as i32
    }

    fn stroke(&self, shown: f64) -> u32 {
        u32::try_from(self.pixel(shown)).unwrap_or(1).max(1)
    }
}

/// A style whose text is `size` pixels high, letters as a browser would make them.
fn font(size: f64, bold: bool) -> FontDesc<'static> {
    register_fonts();
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FAMILY), size * FONT_SHRINK, style)
}

/// The bundled fonts are built in; that they parse is proved by every test that draws.
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
                "a bundled font does not parse"
            );
        }
    });
}
