//! A figure before it is drawn: panels, axes and marks, in the units of the data.

pub use super::axis::Axis;

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// In its first line, with the config's name.
    pub title: String,
    /// What a reader must know, a line each.
    pub caption: Vec<String>,
    /// What each look means.
    pub legend: Vec<(String, Look)>,
    /// Row by row.
    pub panels: Vec<Panel>,
    /// Panels in a row.
    pub columns: usize,
    /// Height of a panel's frame, in units of which a figure is [`WIDTH`] wide.
    pub panel_height: u32,
}

/// Width of every figure.
pub const WIDTH: u32 = 920;

/// One pair of axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Above the frame; may be empty.
    pub title: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Drawn in order.
    pub marks: Vec<Mark>,
}

/// Something drawn.
#[derive(Clone, Debug)]
pub enum Mark {
    /// Points joined by a line; either may be absent from the look.
    Line(Vec<(f64, f64)>, Look),
    /// Intervals: x, lower end, upper end.
    Whiskers(Vec<(f64, f64, f64)>, Look),
    /// A line across the frame at this height.
    Level(f64, Look),
    /// A faint line from bottom to top, with a word at its top right.
    Divider(f64, String),
    /// Filled boxes: x from and to, y from and to.
    Boxes(Vec<[f64; 4]>, Look),
    /// Words beside points, placed where they cover none of these; a point may have no words and is kept free.
    Labels(Vec<(f64, f64, String)>),
}

/// How a mark looks: told apart by colour, and without it by marker, dashes and filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Index into the palette.
    pub colour: usize,
    /// At each point.
    pub marker: Option<Marker>,
    /// Whether filled or hollow; boxes that are not filled are hatched.
    pub filled: bool,
    /// Between points; `None` draws none.
    pub dash: Option<Dash>,
    /// How far to the right it is drawn, in the figure's units, so that equal points do not cover each other.
    pub aside: i32,
}

/// The shape at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    Down,
}

/// The pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    Solid,
    Dashed,
    Dotted,
    Chain,
}

impl Look {
    /// The look of the series with this number.
    pub fn series(index: usize) -> Self {
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
        }
    }

    /// A line without markers, for what the others are held against.
    pub fn reference() -> Self {
        Self { colour: super::style::BLACK, marker: None, filled: false, dash: Some(Dash::Dotted), aside: 0 }
    }

    /// The same moved aside, as one of so many that share their places and this much room.
    pub fn among(self, index: usize, count: usize, room: i32) -> Self {
        let step = 9.min(room / count.max(1) as i32);
        Self { aside: step * (2 * index as i32 + 1 - count as i32) / 2, ..self }
    }

    /// The same with hollow markers.
    pub fn hollow(self) -> Self {
        Self { filled: false, ..self }
    }

    /// The same with another line.
    pub fn dashed(self, dash: Option<Dash>) -> Self {
        Self { dash, ..self }
    }

    /// A box.
    pub const fn filling(colour: usize, filled: bool) -> Self {
        Self { colour, marker: None, filled, dash: None, aside: 0 }
    }
}
