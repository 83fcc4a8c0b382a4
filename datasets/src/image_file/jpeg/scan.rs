//! One scan of a JPEG, read only to learn whether every block is there: no coefficient is computed.

use super::bits::{Bits, Stop, Table};
use super::frame::{Component, Frame, Header};

/// Huffman tables by destination.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// For DC coefficients.
    pub(super) dc: [Option<Table>; 4],
    /// For AC coefficients.
    pub(super) ac: [Option<Table>; 4],
}

/// How far a scan goes.
pub(super) struct Extent {
    /// Units (MCUs) that are there.
    pub(super) units: usize,
    /// Units that the frame asks for.
    pub(super) wanted: usize,
    /// Units in a row of units.
    pub(super) row: usize,
    /// The offset of the first byte that was not read.
    pub(super) at: usize,
    /// Why the scan stops before its last unit; `None` if it does not.
    pub(super) stop: Option<Stop>,
}

/// Reads the scan whose data begin at `at`, with a restart marker after every `interval` units if that is not 0.
pub(super) fn read(
    frame: &mut Frame,
    header: &Header,
    tables: &Tables,
    interval: usize,
    bytes: &[u8],
    at: usize,
) -> Extent {
    let mut bits = Bits::new(bytes, at);
    let [row, rows] = match header.components[..] {
        [(only, _, _)] => frame.blocks(only),
        _ => frame.units(),
    };
    let wanted = row * rows;
    let mut run = 0;
    for unit in 0..wanted {
        let read = if interval > 0 && unit > 0 && unit % interval == 0 {
            run = 0;
            bits.restart(((unit / interval - 1) % 8) as u8)
        } else {
            Ok(())
        };
        let read = read.and_then(|()| read_unit(frame, header, tables, [unit % row, unit / row], &mut run, &mut bits));
        if let Err(stop) = read {
            return Extent { units: unit, wanted, row, at: bits.at(), stop: Some(stop) };
        }
    }
    Extent { units: wanted, wanted, row, at: bits.at(), stop: None }
}

/// Reads the blocks of the unit at column and row `place`.
fn read_unit(
    frame: &mut Frame,
    header: &Header,
    tables: &Tables,
    place: [usize; 2],
    run: &mut u32,
    bits: &mut Bits,
) -> Result<(), Stop> {
    let alone = header.components.len() == 1;
    for &(index, dc, ac) in &header.components {
        let component = &mut frame.components[index];
        let [across, down] = if alone { [1, 1] } else { [component.across, component.down] };
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            let block = (place[1] * down + y) * component.stride + place[0] * across + x;
            let mut reader = Block { header, dc: &tables.dc[dc], ac: &tables.ac[ac], bits, run };
            if frame.progressive {
                reader.progressive(component, block)?;
            } else {
                reader.sequential()?;
            }
        }
    }
    Ok(())
}

/// Reads one block.
struct Block<'a, 'b> {
    header: &'a Header,
    dc: &'a Option<Table>,
    ac: &'a Option<Table>,
    bits: &'a mut Bits<'b>,
    run: &'a mut u32,
}

impl Block<'_, '_> {
    fn difference(&mut self) -> Result<(), Stop> {
        let size = self.bits.symbol(self.dc.as_ref().ok_or(Stop::BadCode)?)?;
        self.bits.number(u32::from(size).min(16)).map(drop)
    }

    /// Reads a run of zeros and the size of the coefficient after them.
    fn pair(&mut self) -> Result<(u32, u32), Stop> {
        let symbol = self.bits.symbol(self.ac.as_ref().ok_or(Stop::BadCode)?)?;
        Ok((u32::from(symbol >> 4), u32::from(symbol & 15)))
    }

    fn sequential(&mut self) -> Result<(), Stop> {
        self.difference()?;
        let mut k = 1;
        while k < 64 {
            match self.pair()? {
                (15, 0) => k += 16,
                (_, 0) => break,
                (zeros, size) => {
                    self.bits.number(size)?;
                    k += zeros + 1;
                }
            }
        }
        Ok(())
    }

    fn progressive(&mut self, component: &mut Component, block: usize) -> Result<(), Stop> {
        match (self.header.first, self.header.refines) {
            (0, false) => self.difference(),
            (0, true) => self.bits.bit().map(drop),
            (_, refines) => {
                let nonzero = component.nonzero.get_mut(block).ok_or(Stop::BadCode)?;
                if refines { self.refine(nonzero) } else { self.first(nonzero) }
            }
        }
    }

    /// Reads the first bits of the AC coefficients of a block and marks those that are not 0.
    fn first(&mut self, nonzero: &mut u64) -> Result<(), Stop> {
        if *self.run > 0 {
            *self.run -= 1;
            return Ok(());
        }
        let mut k = self.header.first;
        while k <= self.header.last {
            match self.pair()? {
                (15, 0) => k += 16,
                (length, 0) => {
                    *self.run = (1 << length) + self.bits.number(length)? - 1;
                    break;
                }
                (zeros, size) => {
                    self.bits.number(size)?;
                    k += zeros;
                    *nonzero |= 1u64.checked_shl(k).unwrap_or(0);
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// Reads one more bit of the AC coefficients of a block (T.81, G.1.2.3).
    fn refine(&mut self, nonzero: &mut u64) -> Result<(), Stop> {
        let mut k = self.header.first;
        while *self.run == 0 && k <= self.header.last {
            let (mut zeros, size) = self.pair()?;
            if size == 0 && zeros < 15 {
                *self.run = (1 << zeros) + self.bits.number(zeros)?;
                break;
            }
            if size > 0 {
                self.bits.bit()?;
            }
            while k <= self.header.last {
                if (*nonzero >> k) & 1 == 1 {
                    self.bits.bit()?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            if size > 0 && k <= self.header.last {
                *nonzero |= 1 << k;
            }
            k += 1;
        }
        if *self.run > 0 {
            let rest = (k..=self.header.last).filter(|&k| (*nonzero >> k) & 1 == 1).count();
            (0..rest).try_for_each(|_| self.bits.bit().map(drop))?;
            *self.run -= 1;
        }
        Ok(())
    }
}
