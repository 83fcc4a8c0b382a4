//! Whether a JPEG is whole.
//!
//! The decoder paints grey where data are missing, so its success says nothing. This module walks the segments (ITU-T
//! T.81, annex B) and reads the Huffman codes of every scan: each must hold all of its blocks, together they must give
//! every bit of every coefficient, and an end-of-image marker must follow. Bytes after that marker are not a part of
//! the picture.

mod bits;
mod frame;
mod scan;
#[cfg(test)]
mod tests;

use bits::{Stop, Table};
use frame::{Frame, Header};
use scan::Tables;

/// A JPEG that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The part of the file that is there.
    pub(super) found: String,
    /// The part that is wanted.
    pub(super) wanted: String,
}

/// Names the kind of JPEG in `bytes` if it is one that the decoder does not know.
pub(super) fn unknown_kind(bytes: &[u8]) -> Option<&'static str> {
    let mut walk = Walk { bytes, at: 2, frame: None, tables: Tables::default(), interval: 0, scans: 0 };
    loop {
        match walk.marker()? {
            0xC3 => return Some("a lossless JPEG"),
            0xC5..=0xC7 | 0xDE => return Some("a hierarchical JPEG"),
            0xC9..=0xCB | 0xCD..=0xCF => return Some("a JPEG with arithmetic coding"),
            0xF7 => return Some("a JPEG-LS image"),
            0xC0..=0xC2 | 0xD9 | 0xDA => return None,
            0x01 | 0xD0..=0xD8 => {}
            _ => drop(walk.segment()?),
        }
    }
}

/// Checks that `bytes`, which begin with a start-of-image marker, hold a whole JPEG of a kind that the decoder knows.
///
/// # Errors
/// A [`Fault`] if data are missing or damaged.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut walk = Walk { bytes, at: 2, frame: None, tables: Tables::default(), interval: 0, scans: 0 };
    loop {
        let Some(marker) = walk.marker() else {
            return Err(walk.cut("no end-of-image marker".to_owned(), "one after the last scan".to_owned()));
        };
        match marker {
            0xD9 => return walk.end(),
            0x01 | 0xD0..=0xD8 => {}
            _ => {
                let Some(segment) = walk.segment() else {
                    let (found, wanted) = (format!("part of segment FF{marker:02X}"), "whole segments".to_owned());
                    return Err(walk.cut(found, wanted));
                };
                match marker {
                    0xC0..=0xC2 => walk.frame(segment, marker == 0xC2)?,
                    0xC4 => walk.huffman(segment),
                    0xDA => walk.scan(segment)?,
                    0xDD => walk.interval = segment.first_chunk().map_or(0, |&two| u16::from_be_bytes(two).into()),
                    _ => {}
                }
            }
        }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    frame: Option<Frame>,
    tables: Tables,
    interval: usize,
    scans: usize,
}

impl<'a> Walk<'a> {
    /// Finds the next marker and returns its second byte.
    fn marker(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at..self.at + 2)? {
                [0xFF, code @ (1..=0xFE)] => {
                    self.at += 2;
                    return Some(*code);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Reads the segment after a marker, without its length. `None` if the file ends before the segment does.
    fn segment(&mut self) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..)?;
        let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
        let segment = bytes.get(2..length.max(2))?;
        self.at += length.max(2);
        Some(segment)
    }

    fn frame(&mut self, segment: &[u8], progressive: bool) -> Result<(), Fault> {
        self.frame = Frame::parse(segment, progressive);
        if self.frame.is_some() {
            return Ok(());
        }
        let wanted = "one that states a width, a height and 1 to 4 components".to_owned();
        Err(self.cut("a bad frame header".to_owned(), wanted))
    }

    fn huffman(&mut self, mut segment: &[u8]) {
        while let Some((&place, rest)) = segment.split_first() {
            let Some((table, rest)) = Table::parse(rest) else {
                return;
            };
            let tables = if place >> 4 == 0 { &mut self.tables.dc } else { &mut self.tables.ac };
            tables[usize::from(place & 3)] = Some(table);
            segment = rest;
        }
    }

    /// Reads a scan, from its header to the next marker.
    fn scan(&mut self, segment: &[u8]) -> Result<(), Fault> {
        self.scans += 1;
        let scan = self.scans;
        let Some((header, frame)) = self.frame.as_mut().and_then(|frame| Some((header(segment, frame)?, frame))) else {
            let (found, wanted) = (format!("a bad header of scan {scan}"), "one that fits the frame".to_owned());
            return Err(self.cut(found, wanted));
        };
        let extent = scan::read(frame, &header, &self.tables, self.interval, self.bytes, self.at);
        self.at = extent.at;
        let Some(stop) = extent.stop else {
            frame.mark(&header);
            return Ok(());
        };
        let state = if stop == Stop::Ended { "" } else { ", then damaged data" };
        let (found, wanted) = if !frame.progressive && header.components.len() == frame.components.len() {
            let rows = (extent.units / extent.row * frame.unit_height()).min(frame.height);
            (format!("{rows} rows of pixels{state}"), format!("{} rows", frame.height))
        } else {
            (format!("{} units of scan {scan}{state}", extent.units), format!("{} units", extent.wanted))
        };
        Err(self.cut(found, wanted))
    }

    /// Checks at the end of the image that no part of it is missing.
    fn end(&self) -> Result<(), Fault> {
        let missing = |c: &&frame::Component| c.complete != u64::MAX;
        match self.frame.as_ref().map(|frame| frame.components.iter().find(missing)) {
            Some(None) => Ok(()),
            Some(Some(component)) => {
                let given = component.complete.count_ones();
                let found =
                    format!("{} scans, with {given} coefficients of component {} complete", self.scans, component.id);
                Err(self.cut(found, "all 64".to_owned()))
            }
            None => Err(self.cut("no frame".to_owned(), "one before the end-of-image marker".to_owned())),
        }
    }

    fn cut(&self, found: String, wanted: String) -> Fault {
        Fault { found: format!("{} bytes with {found}", self.bytes.len()), wanted }
    }
}

/// Reads the header of a scan. `None` if it does not fit the frame.
fn header(segment: &[u8], frame: &Frame) -> Option<Header> {
    let (&count, rest) = segment.split_first()?;
    let (selectors, rest) = rest.split_at_checked(2 * usize::from(count))?;
    let &[first, last, bits] = rest.first_chunk()?;
    let find = |&[id, tables]: &[u8; 2]| {
        let index = frame.components.iter().position(|component| component.id == id)?;
        Some((index, usize::from((tables >> 4) & 3), usize::from(tables & 3)))
    };
    let components = selectors.as_chunks().0.iter().map(find).collect::<Option<Vec<_>>>()?;
    let (first, last) = (u32::from(first), u32::from(last));
    // A progressive scan is either of DC coefficients, or of AC coefficients of one component.
    let progressive = if first == 0 { last == 0 } else { first <= last && last < 64 && components.len() == 1 };
    let fits = !components.is_empty() && (!frame.progressive || progressive);
    fits.then_some(Header { components, first, last, refines: bits >> 4 != 0, low: bits & 15 })
}
