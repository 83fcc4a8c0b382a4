//! A figure before it is drawn: panels, axes and marks, in the units of the data.

pub(crate) use super::axis::Axis;

/// A figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Its title, with the config's name.
    pub title: String,
    /// Notes that a reader needs, a line each.
    pub caption: Vec<String>,
    /// The legend: the meaning of each look.
    pub legend: Vec<(String, Look)>,
    /// Its panels, row by row.
    pub panels: Vec<Panel>,
    /// The number of panels in a row.
    pub columns: usize,
    /// Height of a panel's frame, in units. A figure is [`WIDTH`] units wide.
    pub panel_height: u32,
}

/// Width of every figure.
pub(crate) const WIDTH: u32 = 920;

/// One pair of axes.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// The title above the frame; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Its marks, in the order of drawing.
    pub marks: Vec<Mark>,
}

/// A mark in a panel.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// Points joined by a line; the look may omit either.
    Line(Vec<(f64, f64)>, Look),
    /// Intervals: x, lower end and upper end.
    Whiskers(Vec<(f64, f64, f64)>, Look),
    /// A line across the frame at this height.
    Level(f64, Look),
    /// A faint line from bottom to top, with a word at its top right.
    Divider(f64, String),
    /// Bands between two lines over the same x: x, lower end and upper end.
    Band(Vec<(f64, f64, f64)>, Look),
    /// Filled boxes with a word in each that has room for it: the ends in x and the ends in y.
    Frames(Vec<([f64; 4], String)>, Look),
    /// Filled boxes: the ends in x and the ends in y.
    Boxes(Vec<[f64; 4]>, Look),
    /// Labels beside points, placed where they cover no point. A point without words only keeps its place free.
    Labels(Vec<(f64, f64, String)>),
    /// Words at points, for readers who point there on a page: a line with the case, then its value. Never drawn.
    Hover(Vec<(f64, f64, String)>, Look),
}

/// A place in a drawn figure, in units, with the words of [`Mark::Hover`].
pub(crate) struct Spot {
    /// Distance from the left.
    pub x: f64,
    /// Distance from the top.
    pub y: f64,
    /// The words.
    pub text: String,
}

/// The look of a mark. Looks differ in colour, and for readers without it in marker, dashes and filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Index into the palette.
    pub colour: usize,
    /// The marker at each point.
    pub marker: Option<Marker>,
    /// Whether markers are filled or hollow. Boxes that are not filled are hatched.
    pub filled: bool,
    /// The line between points; `None` draws none.
    pub dash: Option<Dash>,
    /// Shift to the right in units, so that equal points do not cover each other.
    pub aside: i32,
    /// Whether the colour is mixed with white.
    pub pale: bool,
}

/// The shape at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    Down,
}

/// The pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dash {
    Solid,
    Dashed,
    Dotted,
    Chain,
}

impl Look {
    /// Returns the look of the series with this number.
    pub(crate) fn series(index: usize) -> Self {
        use Dash::{Chain, Dashed, Dotted, Solid};
        use Marker::{Circle, Cross, Diamond, Down, Square, Triangle};
        let markers = [Circle, Square, Triangle, Diamond, Down, Cross];
        let dashes = [Solid, Dashed, Chain, Dotted];
        Self {
            colour: index,
            marker: Some(markers[index % markers.len()]),
            filled: true,
            dash: Some(dashes[index % dashes.len()]),
            aside: 0,
            pale: false,
        }
    }

    /// Returns the look of a reference: a line without markers.
    pub(crate) fn reference() -> Self {
        Self {
            colour: super::style::BLACK,
            marker: None,
            filled: false,
            dash: Some(Dash::Dotted),
            aside: 0,
            pale: false,
        }
    }

    /// Returns the look shifted aside, as number `index` of `count` looks that share their places and `room` units.
    pub(crate) fn among(self, index: usize, count: usize, room: i32) -> Self {
        let step = 9.min(room / count.max(1) as i32);
        Self { aside: step * (2 * index as i32 + 1 - count as i32) / 2, ..self }
    }

    /// Returns the look with hollow markers.
    pub(crate) fn hollow(self) -> Self {
        Self { filled: false, ..self }
    }

    /// Returns the look with another line.
    pub(crate) fn dashed(self, dash: Option<Dash>) -> Self {
        Self { dash, ..self }
    }

    /// Returns the look of a box.
    pub(crate) const fn filling(colour: usize, filled: bool) -> Self {
        Self { colour, marker: None, filled, dash: None, aside: 0, pale: false }
    }

    /// Returns the look of an area, in one of the seven colours or, from number 7 on, mixed with white.
    pub(crate) const fn area(number: usize) -> Self {
        Self { pale: number >= 7, ..Self::filling(number % 7, true) }
    }
}
