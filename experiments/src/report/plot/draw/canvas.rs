//! A drawing area in the figure's units, and its output as SVG and PNG.

use anyhow::{Result, anyhow};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{RgbImage, imageops};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE,
};

use super::super::figure::{Figure, WIDTH};
use super::super::style::{self, FAMILY};
use super::Layout;

/// Plotters places things at whole numbers, so that SVG is drawn this much larger and scaled back.
const SVG_SCALE: i32 = 4;
/// Pixels of a PNG for each unit, and the factor by which it is drawn larger first, since plotters does not smooth
/// thick lines.
const PNG_SCALE: i32 = 2;
const OVERSAMPLING: i32 = 2;

/// The reason why drawing failed.
#[derive(Debug)]
pub(super) struct Failed(String);

/// The weight of letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The point of a text that lies at its place.
#[derive(Clone, Copy)]
pub(super) struct Align(HPos, VPos);

impl Align {
    pub(super) const TOP_LEFT: Self = Self(HPos::Left, VPos::Top);
    pub(super) const TOP: Self = Self(HPos::Center, VPos::Top);
    pub(super) const LEFT: Self = Self(HPos::Left, VPos::Center);
    pub(super) const CENTRE: Self = Self(HPos::Center, VPos::Center);
    pub(super) const RIGHT: Self = Self(HPos::Right, VPos::Center);
    pub(super) const BOTTOM_LEFT: Self = Self(HPos::Left, VPos::Bottom);
}

/// A place in whole units.
pub(super) type Place = (i32, i32);
/// A place in fractions of units.
pub(super) type Fine = (f64, f64);

/// A drawing area in the figure's units.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    letters: Letters,
}

/// Corrections for a backend's text. Backends differ in the size of a font, and in the position of its middle and
/// bottom.
#[derive(Clone, Copy)]
struct Letters {
    /// Factor of sizes.
    size: f64,
    /// Downward shifts, in sizes, of a text placed by its middle or its bottom.
    middle: f64,
    bottom: f64,
}

const SVG_LETTERS: Letters = Letters { size: 1.0, middle: 0.02, bottom: 0.0 };
const PNG_LETTERS: Letters = Letters { size: style::LINE_PER_EM, middle: 0.13, bottom: 0.18 };

impl<DB: DrawingBackend> Canvas<'_, DB> {
    fn at(&self, (x, y): Fine) -> Place {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn pen(&self, colour: RGBColor, width: f64) -> ShapeStyle {
        colour.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    /// Draws a line through these places.
    pub(super) fn path(&self, places: &[Fine], colour: RGBColor, width: f64) -> Result<(), Failed> {
        let places: Vec<_> = places.iter().map(|&place| self.at(place)).collect();
        self.area.draw(&PathElement::new(places, self.pen(colour, width))).map_err(failed)
    }

    /// Draws a filled shape with these corners.
    pub(super) fn polygon(&self, corners: &[Fine], colour: RGBColor) -> Result<(), Failed> {
        let corners: Vec<_> = corners.iter().map(|&corner| self.at(corner)).collect();
        self.area.draw(&Polygon::new(corners, colour.filled())).map_err(failed)
    }

    /// Draws a filled disc.
    pub(super) fn disc(&self, centre: Fine, radius: f64, colour: RGBColor) -> Result<(), Failed> {
        let radius = (radius * self.scale).round() as i32;
        self.area.draw(&Circle::new(self.at(centre), radius, colour.filled())).map_err(failed)
    }

    /// Draws a text in one line.
    pub(super) fn text(
        &self,
        text: &str,
        (x, y): Place,
        size: i32,
        weight: Weight,
        colour: RGBColor,
        align: Align,
    ) -> Result<(), Failed> {
        let font = font(f64::from(size) * self.scale * self.letters.size, weight);
        let down = match align.1 {
            VPos::Top => 0.0,
            VPos::Center => self.letters.middle,
            VPos::Bottom => self.letters.bottom,
        };
        self.write(text, (f64::from(x), f64::from(y) + down * f64::from(size)), font, colour, align)
    }

    /// Draws a text that runs upwards, centred at its place.
    pub(super) fn text_upwards(&self, text: &str, (x, y): Place, size: i32) -> Result<(), Failed> {
        let font = font(f64::from(size) * self.scale * self.letters.size, Weight::Regular);
        self.write(text, (f64::from(x), f64::from(y)), font.transform(FontTransform::Rotate270), style::INK, Align::TOP)
    }

    fn write(&self, text: &str, place: Fine, font: FontDesc<'_>, colour: RGBColor, align: Align) -> Result<(), Failed> {
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(align.0, align.1));
        self.area.draw(&Text::new(text.to_owned(), self.at(place), style)).map_err(failed)
    }
}

/// Returns the width of a text in units.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    style::register_fonts();
    // Measured at a large size, since plotters returns whole numbers.
    let font = font(f64::from(size) * style::LINE_PER_EM * 16.0, Weight::Regular);
    font.box_size(text).map_or(0, |(width, _)| width.div_ceil(16) as i32)
}

fn font(size: f64, weight: Weight) -> FontDesc<'static> {
    let style = if weight == Weight::Bold { FontStyle::Bold } else { FontStyle::Normal };
    // Sizes are for SVG, whose backend divides them by 1.24.
    FontDesc::new(FontFamily::Name(FAMILY), size * 1.24, style).into_font()
}

fn failed(error: impl std::fmt::Debug) -> Failed {
    Failed(format!("{error:?}"))
}

fn all<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, one: &Figure, scale: i32, letters: Letters) -> Result<()> {
    let canvas = Canvas { area, scale: f64::from(scale), letters };
    let drawn = area.fill(&WHITE).map_err(failed).and_then(|()| super::figure(&canvas, one));
    drawn.and_then(|()| area.present().map_err(failed)).map_err(|Failed(error)| anyhow!("drawing failed: {error}"))
}

fn pixels(one: &Figure, scale: i32) -> (u32, u32) {
    (WIDTH * scale as u32, (Layout::new(one).height * scale) as u32)
}

/// Returns the figure as SVG.
pub(crate) fn svg(one: &Figure) -> Result<String> {
    style::register_fonts();
    let mut text = String::new();
    let (width, height) = pixels(one, SVG_SCALE);
    all(&SVGBackend::with_string(&mut text, (width, height)).into_drawing_area(), one, SVG_SCALE, SVG_LETTERS)?;
    let size = |width, height| format!("<svg width=\"{width}\" height=\"{height}\"");
    let scale = SVG_SCALE as u32;
    Ok(text.replacen(&size(width, height), &size(width / scale, height / scale), 1))
}

/// Returns the figure as PNG.
pub(crate) fn png(one: &Figure) -> Result<Vec<u8>> {
    style::register_fonts();
    let (width, height) = pixels(one, PNG_SCALE * OVERSAMPLING);
    let mut buffer = vec![0; 3 * (width * height) as usize];
    let area = BitMapBackend::with_buffer(&mut buffer, (width, height)).into_drawing_area();
    all(&area, one, PNG_SCALE * OVERSAMPLING, PNG_LETTERS)?;
    drop(area);
    let large = RgbImage::from_raw(width, height, buffer).expect("the buffer is as large as the image");
    let (width, height) = pixels(one, PNG_SCALE);
    let small = imageops::thumbnail(&large, width, height);
    let mut png = Vec::new();
    small.write_with_encoder(PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive))?;
    Ok(png)
}
