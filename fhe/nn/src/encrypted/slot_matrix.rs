//! Sparse matrices between layouts, by diagonals: kept as the strokes that draw them, for a drawn diagonal is a hundred
//! times as large and serves once.

use std::collections::BTreeMap;

use super::layout::Offset;

/// One number in the slots where some rows and columns cross: what a weight is on a diagonal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// The number.
    pub value: f64,
    /// The first slot.
    pub first: usize,
    /// How many rows, and slots from one to the next.
    pub rows: (usize, usize),
    /// How many columns, and slots from one to the next.
    pub columns: (usize, usize),
}

/// A sparse matrix between layouts: for each distance, what multiplies the input found there, by output slot.
///
/// Vectors have as many slots as the larger of the two layouts; the other's values are repeated to fill them. Both have
/// grids of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotMatrix {
    slots: usize,
    strokes: BTreeMap<Offset, Vec<Stroke>>,
}

impl SlotMatrix {
    /// Nothing, for vectors of `slots` slots.
    pub fn new(slots: usize) -> Self {
        Self { slots, strokes: BTreeMap::new() }
    }

    /// Adds a stroke to the diagonal of an offset.
    pub fn add(&mut self, offset: Offset, stroke: Stroke) {
        self.strokes.entry(offset).or_default().push(stroke);
    }

    /// Adds numbers to the diagonal of an offset, slot by slot.
    ///
    /// # Panics
    /// If there are more of them than slots.
    pub fn add_numbers(&mut self, offset: Offset, numbers: &[f64]) {
        assert!(numbers.len() <= self.slots, "{} numbers for {} slots", numbers.len(), self.slots);
        let numbers = numbers.iter().enumerate().filter(|(_, value)| **value != 0.0);
        let stroke = |(first, &value)| Stroke { value, first, rows: (1, 0), columns: (1, 0) };
        self.strokes.entry(offset).or_default().extend(numbers.map(stroke));
    }

    /// Slots of its vectors.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The offsets that have a diagonal, in order.
    pub fn offsets(&self) -> impl DoubleEndedIterator<Item = Offset> {
        self.strokes.keys().copied()
    }

    /// Every diagonal.
    pub fn diagonals(&self) -> impl Iterator<Item = (Offset, Vec<f64>)> {
        self.offsets().map(|offset| (offset, self.diagonal(offset, 0, 1)))
    }

    /// The diagonal of an offset, `moved` slots on (what passes the end comes in at the start), each number `images` times:
    /// for images whose slots take turns. All zeros where the offset has none.
    ///
    /// # Panics
    /// If it is moved by more than all slots.
    pub fn diagonal(&self, offset: Offset, moved: usize, images: usize) -> Vec<f64> {
        assert!(moved <= self.slots, "{moved} of {} slots on", self.slots);
        let mut diagonal = vec![0.0; self.slots * images];
        for stroke in self.strokes.get(&offset).into_iter().flatten() {
            for row in 0..stroke.rows.0 {
                let start = stroke.first + row * stroke.rows.1 + moved;
                for column in 0..stroke.columns.0 {
                    let slot = start + column * stroke.columns.1;
                    let slot = if slot < self.slots { slot } else { slot - self.slots };
                    diagonal[slot * images..][..images].iter_mut().for_each(|sum| *sum += stroke.value);
                }
            }
        }
        diagonal
    }
}
