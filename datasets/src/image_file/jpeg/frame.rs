//! The frame of a JPEG: size, components, and the coefficients of each that have been seen.

/// A component of a frame.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Its identifier.
    pub(super) id: u8,
    /// Blocks of it across a unit.
    pub(super) across: usize,
    /// Blocks of it down a unit.
    pub(super) down: usize,
    /// Blocks in a row of blocks, those that only fill up the last unit included.
    pub(super) stride: usize,
    /// For each block of a progressive frame, bit k is 1 if coefficient k is known not to be 0.
    pub(super) nonzero: Vec<u64>,
    /// Bit k is 1 if every bit of coefficient k has been given.
    pub(super) complete: u64,
}

/// A frame.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Whether coefficients come bit by bit in several scans.
    pub(super) progressive: bool,
    /// Height in pixels.
    pub(super) height: usize,
    width: usize,
    /// Its components.
    pub(super) components: Vec<Component>,
}

/// The header of a scan.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// For each component of the scan its index in the frame, and the destinations of its DC and AC tables.
    pub(super) components: Vec<(usize, usize, usize)>,
    /// First coefficient.
    pub(super) first: u32,
    /// Last coefficient.
    pub(super) last: u32,
    /// True if an earlier scan gave the bits above this one's.
    pub(super) refines: bool,
    /// Position of the lowest bit that the scan gives.
    pub(super) low: u8,
}

impl Frame {
    /// Reads the segment of a frame header. `None` unless it states a width, a height and 1 to 4 components that each
    /// have 1 to 4 blocks across and down a unit.
    pub(super) fn parse(segment: &[u8], progressive: bool) -> Option<Self> {
        let (&[_, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>()?;
        let [height, width] = [[h1, h0], [w1, w0]].map(|bytes| usize::from(u16::from_be_bytes(bytes)));
        let components = rest.as_chunks::<3>().0.iter().map(|&[id, sampling, _]| {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            Component { id, across, down, stride: 0, nonzero: Vec::new(), complete: 0 }
        });
        let components: Vec<_> = components.take(usize::from(count)).collect();
        let sane = |c: &Component| (1..=4).contains(&c.across) && (1..=4).contains(&c.down);
        if !(1..=4).contains(&count)
            || components.len() != usize::from(count)
            || !components.iter().all(sane)
            || height * width == 0
        {
            return None;
        }
        let mut frame = Self { progressive, height, width, components };
        let [row, rows] = frame.units();
        for component in &mut frame.components {
            component.stride = row * component.across;
            if progressive {
                component.nonzero = vec![0; component.stride * rows * component.down];
            }
        }
        Some(frame)
    }

    fn largest(&self) -> [usize; 2] {
        let largest = |of: fn(&Component) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        [largest(|c| c.across), largest(|c| c.down)]
    }

    /// Returns the rows of pixels of a unit.
    pub(super) fn unit_height(&self) -> usize {
        8 * self.largest()[1]
    }

    /// Returns the number of units in a row and of rows of units.
    pub(super) fn units(&self) -> [usize; 2] {
        let [across, down] = self.largest();
        [self.width.div_ceil(8 * across), self.height.div_ceil(8 * down)]
    }

    /// Returns the number of blocks in a row and of rows of blocks of a component that has a scan to itself.
    pub(super) fn blocks(&self, component: usize) -> [usize; 2] {
        let ([across, down], component) = (self.largest(), &self.components[component]);
        [
            (self.width * component.across).div_ceil(across).div_ceil(8),
            (self.height * component.down).div_ceil(down).div_ceil(8),
        ]
    }

    /// Marks the bits that a whole scan gave.
    pub(super) fn mark(&mut self, header: &Header) {
        let given =
            if self.progressive { (u64::MAX >> (63 - header.last)) & (u64::MAX << header.first) } else { u64::MAX };
        for &(index, ..) in header.components.iter().filter(|_| header.low == 0 || !self.progressive) {
            self.components[index].complete |= given;
        }
    }
}
