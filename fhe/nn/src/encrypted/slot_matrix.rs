//! Sparse matrices between layouts, by diagonals. A matrix keeps the few repeated entries that its diagonals consist
//! of: a diagonal written out is a hundred times as large and is used once.

use std::collections::BTreeMap;

use fhe_ring::meter::{Primitive, scope};

use super::interleave::Interleave;

/// A distance between slots: whole grids, rows and columns of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    /// Grids, modulo the number of grids of the vector.
    pub grids: i64,
    /// Rows.
    pub rows: i64,
    /// Columns.
    pub columns: i64,
}

/// One number in every slot where some rows and columns cross: the part of a diagonal that one weight of a kernel
/// makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepeatedEntry {
    /// The number.
    pub value: f64,
    /// The first slot.
    pub first: usize,
    /// The number of rows, and the slots from one to the next.
    pub rows: (usize, usize),
    /// The number of columns, and the slots from one to the next.
    pub columns: (usize, usize),
}

impl RepeatedEntry {
    /// One number in one slot.
    pub fn single(value: f64, slot: usize) -> Self {
        Self { value, first: slot, rows: (1, 0), columns: (1, 0) }
    }
}

/// A sparse matrix between layouts: for each distance, the numbers that multiply the input found there, by output slot.
///
/// Vectors have as many slots as the larger of the two layouts; the values of the other are repeated to fill them. Both
/// layouts have grids of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotMatrix {
    slots: usize,
    entries: BTreeMap<Offset, Vec<RepeatedEntry>>,
}

impl SlotMatrix {
    /// The matrix without diagonals, for vectors of `slots` slots.
    pub fn new(slots: usize) -> Self {
        Self { slots, entries: BTreeMap::new() }
    }

    /// Adds an entry to the diagonal of an offset.
    pub fn add(&mut self, offset: Offset, entry: RepeatedEntry) {
        self.entries.entry(offset).or_default().push(entry);
    }

    /// Adds numbers to the diagonal of an offset, slot by slot.
    ///
    /// # Panics
    /// If there are more numbers than slots.
    pub fn add_numbers(&mut self, offset: Offset, numbers: &[f64]) {
        assert!(numbers.len() <= self.slots, "{} numbers for {} slots", numbers.len(), self.slots);
        let numbers = numbers.iter().enumerate().filter(|(_, value)| **value != 0.0);
        let entries = numbers.map(|(slot, &value)| RepeatedEntry::single(value, slot));
        self.entries.entry(offset).or_default().extend(entries);
    }

    /// The number of slots of its vectors.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The offsets that have a diagonal, in order.
    pub fn offsets(&self) -> impl DoubleEndedIterator<Item = Offset> {
        self.entries.keys().copied()
    }

    /// Every diagonal, for one image.
    pub fn diagonals(&self) -> impl Iterator<Item = (Offset, Vec<f64>)> {
        self.offsets().map(|offset| (offset, self.diagonal(offset, 0, Interleave::NONE)))
    }

    /// The diagonal of an offset for interleaved images, rotated to the right by `moved` slots of each image. It is all
    /// zeros if the offset has no diagonal.
    ///
    /// # Panics
    /// If `moved` is more than the number of slots.
    pub fn diagonal(&self, offset: Offset, moved: usize, interleave: Interleave) -> Vec<f64> {
        let _scope = scope(Primitive::ArrangeWeights);
        assert!(moved <= self.slots, "a diagonal of {} slots rotated by {moved}", self.slots);
        let images = interleave.stride;
        let mut diagonal = vec![0.0; interleave.slots(self.slots)];
        for entry in self.entries.get(&offset).into_iter().flatten() {
            for row in 0..entry.rows.0 {
                let start = entry.first + row * entry.rows.1 + moved;
                for column in 0..entry.columns.0 {
                    let slot = start + column * entry.columns.1;
                    let slot = if slot < self.slots { slot } else { slot - self.slots };
                    diagonal[slot * images..][..images].iter_mut().for_each(|sum| *sum += entry.value);
                }
            }
        }
        diagonal
    }
}
