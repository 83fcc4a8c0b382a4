//! Marks: lines, markers, intervals, boxes, labels.

use plotters::backend::DrawingBackend;
use plotters::style::{RGBColor, WHITE};

use super::super::figure::{Dash, Look, Mark, Marker, Panel};
use super::super::style::{self, PALETTE};
use super::areas;
use super::canvas::{Align, Canvas, Failed, Fine, Weight, text_width};
use super::frame::Frame;

const LINE: f64 = 2.0;
const RADIUS: f64 = 5.0;
const CAP: f64 = 4.5;
const HATCH: f64 = 6.0;
const LABEL: i32 = 13;

fn colour(look: Look) -> RGBColor {
    let RGBColor(r, g, b) = PALETTE[look.colour % PALETTE.len()];
    let mix = |part: u8| if look.pale { part / 2 + part / 16 + 112 } else { part };
    RGBColor(mix(r), mix(g), mix(b))
}

/// Draws a panel's marks in order.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, panel: &Panel, frame: Frame) -> Result<(), Failed> {
    let at = |point: (f64, f64)| frame.place(panel, point);
    let aside = |point: (f64, f64), look: &Look| (at(point).0 + f64::from(look.aside), at(point).1);
    for mark in &panel.marks {
        match mark {
            Mark::Line(points, look) => {
                let places: Vec<_> = points.iter().map(|&point| aside(point, look)).collect();
                line(canvas, &places, *look)?;
                places.iter().try_for_each(|&place| marker(canvas, place, *look))?;
            }
            Mark::Whiskers(bars, look) => bars.iter().try_for_each(|&(x, lo, hi)| {
                let ((x, low), (_, high)) = (aside((x, lo), look), aside((x, hi), look));
                canvas.path(&[(x, low), (x, high)], colour(*look), 1.5)?;
                [low, high].into_iter().try_for_each(|y| canvas.path(&[(x - CAP, y), (x + CAP, y)], colour(*look), 1.5))
            })?,
            Mark::Level(y, look) => {
                let (_, y) = at((panel.x.lo, *y));
                line(canvas, &[(frame.left, y), (frame.right(), y)], *look)?;
            }
            Mark::Boxes(boxes, look) => boxes.iter().try_for_each(|&[x0, x1, y0, y1]| {
                let ((left, bottom), (right, top)) = (at((x0, y0)), at((x1, y1)));
                filled_box(canvas, [left, right, top, bottom], *look)
            })?,
            Mark::Band(ends, look) => {
                let ends = ends.iter().map(|&(x, lo, hi)| (at((x, lo)), at((x, hi))));
                areas::band(canvas, ends, colour(*look))?;
            }
            Mark::Frames(boxes, look) => boxes.iter().try_for_each(|([x0, x1, y0, y1], word)| {
                let inside = look.filled.then(|| colour(*look));
                areas::framed(canvas, [at((*x0, *y0)), at((*x1, *y1))], word, inside)
            })?,
            Mark::Labels(labels) => {
                let placed: Vec<_> = labels.iter().map(|(x, y, text)| (at((*x, *y)), text.as_str())).collect();
                words(canvas, frame, &placed)?;
            }
            // The panel draws these behind everything else.
            Mark::Divider(..) => {}
            Mark::Hover(..) => {}
        }
    }
    Ok(())
}

/// Draws a sample of a look to the right of a place, for legends.
pub(super) fn sample<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    look: Look,
    (x, y): Fine,
    width: f64,
) -> Result<(), Failed> {
    if look.marker.is_none() && look.dash.is_none() {
        return filled_box(canvas, [x + 12.0, x + width - 6.0, y - 7.0, y + 7.0], look);
    }
    line(canvas, &[(x, y), (x + width, y)], look)?;
    marker(canvas, (x + width / 2.0, y), look)
}

fn line<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, places: &[Fine], look: Look) -> Result<(), Failed> {
    let pattern: &[f64] = match look.dash {
        None => return Ok(()),
        Some(Dash::Solid) => return canvas.path(places, colour(look), LINE),
        Some(Dash::Dashed) => &[9.0, 5.0],
        Some(Dash::Dotted) => &[2.0, 4.0],
        Some(Dash::Chain) => &[9.0, 4.0, 2.0, 4.0],
    };
    dashes(places, pattern).iter().try_for_each(|dash| canvas.path(dash, colour(look), LINE))
}

/// Cuts a path into the drawn pieces of a dash pattern. Lengths alternate between drawn and left out.
fn dashes(places: &[Fine], pattern: &[f64]) -> Vec<Vec<Fine>> {
    let mut pieces = Vec::new();
    let (mut index, mut left) = (0, pattern[0]);
    let mut piece: Vec<Fine> = places.first().copied().into_iter().collect();
    for ends in places.windows(2) {
        let (mut from, to) = (ends[0], ends[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length < left {
                left -= length;
                piece.push(to);
                break;
            }
            let share = left / length;
            from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            piece.push(from);
            if index % 2 == 0 {
                pieces.push(std::mem::take(&mut piece));
            }
            index += 1;
            left = pattern[index % pattern.len()];
            piece = vec![from];
        }
    }
    if index % 2 == 0 && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

fn marker<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, (x, y): Fine, look: Look) -> Result<(), Failed> {
    let Some(shape) = look.marker else { return Ok(()) };
    let corners = |radius: f64| -> Vec<Fine> {
        let r = radius;
        let offsets: &[Fine] = match shape {
            Marker::Circle => &[],
            Marker::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Marker::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            Marker::Down => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
            Marker::Diamond => &[(0.0, -1.25), (1.1, 0.0), (0.0, 1.25), (-1.1, 0.0)],
            Marker::Cross => {
                const W: f64 = 0.36;
                &[
                    (0.0, -W),
                    (1.0 - W, -1.0),
                    (1.0, -1.0 + W),
                    (W, 0.0),
                    (1.0, 1.0 - W),
                    (1.0 - W, 1.0),
                    (0.0, W),
                    (-1.0 + W, 1.0),
                    (-1.0, 1.0 - W),
                    (-W, 0.0),
                    (-1.0, -1.0 + W),
                    (-1.0 + W, -1.0),
                ]
            }
        };
        offsets.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect()
    };
    let shape_of = |radius: f64, colour| match shape {
        Marker::Circle => canvas.disc((x, y), radius, colour),
        _ => canvas.polygon(&corners(radius), colour),
    };
    // A white rim separates markers from lines and from each other.
    shape_of(RADIUS + 1.5, WHITE)?;
    shape_of(RADIUS, colour(look))?;
    if look.filled { Ok(()) } else { shape_of(RADIUS - 2.0, WHITE) }
}

fn filled_box<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    [left, right, top, bottom]: [f64; 4],
    look: Look,
) -> Result<(), Failed> {
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    if look.filled {
        canvas.polygon(&corners, colour(look))?;
    } else {
        canvas.polygon(&corners, WHITE)?;
        // Hatching: lines x + y = sum, cut at the box.
        let mut sum = ((left + top) / HATCH).ceil() * HATCH;
        while sum < right + bottom {
            let from = (left.max(sum - bottom), bottom.min(sum - left));
            let to = (right.min(sum - top), top.max(sum - right));
            canvas.path(&[from, to], colour(look), 1.0)?;
            sum += HATCH;
        }
    }
    canvas.path(&corners, colour(look), 1.0)
}

/// Draws labels beside places, each where it covers no place and no other label. A label without room is left out.
fn words<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, frame: Frame, labels: &[(Fine, &str)]) -> Result<(), Failed> {
    let (half, gap) = (f64::from(LABEL) / 2.0 + 1.0, RADIUS + 5.0);
    let mut taken: Vec<[f64; 4]> = labels
        .iter()
        .map(|&((x, y), _)| [x - RADIUS - 1.0, x + RADIUS + 1.0, y - RADIUS - 1.0, y + RADIUS + 1.0])
        .collect();
    for &((x, y), text) in labels.iter().filter(|(_, text)| !text.is_empty()) {
        let width = f64::from(text_width(text, LABEL));
        let beside = |left: f64, middle: f64| [left, left + width, middle - half, middle + half];
        let centred = x - width / 2.0;
        let mut candidates = vec![beside(x + gap, y), beside(x - gap - width, y)];
        for steps in 1..=3 {
            let away = f64::from(steps) * 2.0 * half;
            candidates.extend([-away, away].map(|dy| beside(x + gap - 4.0, y + dy)));
            candidates.extend([-away, away].map(|dy| beside(centred, y + dy * 1.1)));
            candidates.extend([-away, away].map(|dy| beside(x - gap + 4.0 - width, y + dy)));
        }
        let fits = |b: &[f64; 4]| {
            let within = b[0] > frame.left + 2.0 && b[1] < frame.right() - 2.0;
            let within = within && b[2] > frame.top + 2.0 && b[3] < frame.bottom() - 2.0;
            within && taken.iter().all(|o| b[1] <= o[0] || o[1] <= b[0] || b[3] <= o[2] || o[3] <= b[2])
        };
        if let Some(found) = candidates.into_iter().find(fits) {
            // A line ties a distant label to its place.
            let near = (x.clamp(found[0], found[1]), y.clamp(found[2], found[3]));
            let distance = (near.0 - x).hypot(near.1 - y);
            if distance > 1.6 * gap {
                let share = (RADIUS + 2.0) / distance;
                let from = (x + share * (near.0 - x), y + share * (near.1 - y));
                canvas.path(&[from, near], style::FRAME, 0.8)?;
            }
            let at = (found[0].round() as i32, ((found[2] + found[3]) / 2.0).round() as i32);
            canvas.text(text, at, LABEL, Weight::Regular, style::INK, Align::LEFT)?;
            taken.push(found);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_round_corners_and_keep_their_lengths() {
        let path = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let pieces = dashes(&path, &[6.0, 3.0]);
        assert_eq!(
            pieces,
            [vec![(0.0, 0.0), (6.0, 0.0)], vec![(9.0, 0.0), (10.0, 0.0), (10.0, 5.0)], vec![(10.0, 8.0), (10.0, 10.0)]]
        );
        assert!(dashes(&[(1.0, 1.0)], &[6.0, 3.0]).is_empty());
    }
}
