//! The bits of a JPEG scan and the Huffman codes in them (ITU-T T.81, annexes C and F).

/// The reason why no further bit or symbol can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A marker, or the end of the file, comes first.
    Ended,
    /// The bits are not a code of the table, or the table is missing.
    BadCode,
}

/// The bits of a scan, most significant first, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl<'a> Bits<'a> {
    /// The bits of `bytes` from offset `at`.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, byte: 0, left: 0 }
    }

    /// Returns the offset of the first byte that has not been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads one bit.
    ///
    /// # Errors
    /// [`Stop::Ended`] at a marker or the end of the file.
    pub(super) fn bit(&mut self) -> Result<u32, Stop> {
        if self.left == 0 {
            let byte = *self.bytes.get(self.at).ok_or(Stop::Ended)?;
            let stuffed = byte == 0xFF;
            if stuffed && self.bytes.get(self.at + 1) != Some(&0) {
                return Err(Stop::Ended);
            }
            self.at += 1 + usize::from(stuffed);
            (self.byte, self.left) = (byte, 8);
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left) & 1)
    }

    /// Reads `count` bits, at most 16, as a number.
    ///
    /// # Errors
    /// [`Stop::Ended`] at a marker or the end of the file.
    pub(super) fn number(&mut self, count: u32) -> Result<u32, Stop> {
        (0..count).try_fold(0, |number, _| Ok((number << 1) | self.bit()?))
    }

    /// Reads one symbol in the code of `table`.
    ///
    /// # Errors
    /// [`Stop::Ended`] at a marker or the end of the file, [`Stop::BadCode`] for bits that are not a code.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Stop> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &table.counts {
            code |= self.bit()?;
            if code < first + u32::from(count) {
                return table.symbols.get((index + code - first) as usize).copied().ok_or(Stop::BadCode);
            }
            index += u32::from(count);
            first = (first + u32::from(count)) << 1;
            code <<= 1;
        }
        Err(Stop::BadCode)
    }

    /// Drops the rest of the byte and reads the restart marker `number`.
    ///
    /// # Errors
    /// [`Stop::Ended`] if another marker or other data comes first.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Stop> {
        self.left = 0;
        while self.bytes.get(self.at) == Some(&0xFF) && self.bytes.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        if self.bytes.get(self.at..self.at + 2) != Some(&[0xFF, 0xD0 + number]) {
            return Err(Stop::Ended);
        }
        self.at += 2;
        Ok(())
    }
}

/// A canonical Huffman code: the number of codes of each length, and the symbols in the order of their codes.
#[derive(Clone, Debug)]
pub(super) struct Table {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl Table {
    /// Reads a table from the start of `bytes`; returns it with the bytes after it. `None` if `bytes` end before it
    /// does.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = bytes.split_first_chunk::<16>()?;
        let length = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, rest) = rest.split_at_checked(length)?;
        Some((Self { counts: *counts, symbols: symbols.to_vec() }, rest))
    }
}
