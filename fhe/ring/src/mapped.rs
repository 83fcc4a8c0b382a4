//! Files in memory without a copy, for keys and constants that are read where they lie.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use memmap2::{Mmap, MmapOptions};

use crate::meter::{Held, Holder};

/// A part of a file: it begins at `start` of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The mapping.
    pub file: MappedFile,
    /// Where the part begins.
    pub start: usize,
}

/// A file, or a part of one, that the operating system maps into memory. Clones share the mapping.
///
/// The pages come from the file when they are first read, and the system may drop them again without writing them out.
/// Nobody may change the file while it is mapped: residues that were checked would change under the evaluator, and a
/// file that is cut short ends the process with a bus error.
#[derive(Clone, Debug)]
pub struct MappedFile {
    map: Arc<(Mmap, Held)>,
    /// The file itself, for mappings of its parts; none of a shelf.
    file: Option<Arc<File>>,
    /// Whether pages are let go after use.
    transient: bool,
}

impl MappedFile {
    /// Maps a whole file.
    ///
    /// # Errors
    /// If the file cannot be opened or is not of a kind that can be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "found no regular file, wanted one: pipes and devices cannot be mapped",
            ));
        }
        // SAFETY: the mapping is read-only, and every bit pattern is a valid byte. That nobody changes the file meanwhile
        // is the user's part, as documented above.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { file: Some(Arc::new(file)), ..Self::new(map) })
    }

    fn new(map: Mmap) -> Self {
        let held = Held::new(Holder::Files, map.len());
        Self { map: Arc::new((map, held)), file: None, transient: false }
    }

    /// Returns the part of at most `len` bytes from `start` on. A part of a transient file has a mapping of its own. When a page
    /// is read, the system also maps the pages around it that belong to the same mapping. In the mapping of the whole file these
    /// would be pages of other parts, and they would stay in memory until those parts are used.
    ///
    /// # Errors
    /// Those of the file system.
    ///
    /// # Panics
    /// If the file ends before `start`.
    pub(crate) fn part(&self, start: usize, len: usize) -> io::Result<Part> {
        let len = len.min(self.bytes().len() - start);
        match &self.file {
            Some(file) if self.transient && len > 0 => {
                // SAFETY: as for the whole file, of which this is a part.
                let map = unsafe { MmapOptions::new().offset(start as u64).len(len).map(&**file)? };
                Ok(Part { file: Self::new(map).transient(), start: 0 })
            }
            _ => Ok(Part { file: self.clone(), start }),
        }
    }

    /// Returns the file as one whose pages are let go after use: the process then holds only those that it works on, and
    /// reads them again for the next use. Readers say which part they will need.
    ///
    /// The system no longer reads other pages than those. Where memory is short, the pages around a page, which may be megabytes
    /// of other keys, would be dropped before they are used, and read many times.
    #[must_use]
    pub fn transient(self) -> Self {
        read_no_more_than_asked(&self.map.0);
        Self { transient: true, ..self }
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.map.0
    }

    /// Calls `f` with the bytes from `start` on, piece by piece. A transient file lets each piece go.
    ///
    /// # Panics
    /// If the file ends before `start`.
    pub fn read_through(&self, start: usize, mut f: impl FnMut(&[u8])) {
        let mut at = start;
        for piece in self.bytes()[start..].chunks(READ_THROUGH) {
            self.will_need(at, piece.len());
            f(piece);
            self.let_go(at, piece.len());
            at += piece.len();
        }
    }

    /// Says that the `len` bytes from `start` on are about to be read. Those of a transient file that are not in memory are
    /// asked of the disk, in few large requests; nothing is waited for.
    pub(crate) fn will_need(&self, start: usize, len: usize) {
        if self.transient {
            ask(&self.map.0, start, len);
        }
    }

    /// Says that the `len` bytes from `start` on have been used. The pages of a transient file leave the memory of the
    /// process; those of another file stay. Every later access finds the same bytes.
    pub(crate) fn let_go(&self, start: usize, len: usize) {
        if self.transient {
            forget(&self.map.0, start, len);
        }
    }
}

/// Tells the system not to read pages around those that are asked for. The hint may fail; then it reads them.
#[cfg(unix)]
fn read_no_more_than_asked(map: &Mmap) {
    let _ = map.advise(memmap2::Advice::Random);
}

#[cfg(not(unix))]
fn read_no_more_than_asked(_: &Mmap) {}

/// Asks for pages of a mapping. The hint may fail; then each page is read when it is used.
#[cfg(unix)]
fn ask(map: &Mmap, start: usize, len: usize) {
    let _ = map.advise_range(memmap2::Advice::WillNeed, start, len);
}

#[cfg(not(unix))]
fn ask(_: &Mmap, _: usize, _: usize) {}

/// Takes pages of a mapping out of the memory of the process.
#[cfg(unix)]
fn forget(map: &Mmap, start: usize, len: usize) {
    // SAFETY: the mapping is shared and read-only, so its pages hold nothing that the file does not. A page that is read
    // again comes from the file. The hint may fail; then the pages stay.
    let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, len) };
}

#[cfg(not(unix))]
fn forget(_: &Mmap, _: usize, _: usize) {}

/// Bytes that the system maps around a page of a file that is read, where nothing larger was written at once: some systems
/// keep what one call writes as one block, and then map all of it.
pub const READ_AROUND: usize = 64 << 10;

/// Bytes of a piece of a file that is read from end to end.
const READ_THROUGH: usize = 4 << 20;

/// A file without a name, to which large constants move from memory.
///
/// No other process can open it by a name, and the system deletes it when the process ends, even if the process is killed. On
/// most file systems of Linux the file never has a name; elsewhere it loses its name as soon as it is made.
#[derive(Debug)]
pub struct Shelf(Mutex<File>);

impl Shelf {
    /// Makes an empty file on the file system of `folder`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(folder: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(tempfile::tempfile_in(folder)?)))
    }

    /// Writes `parts`, one after another, and returns them as a transient file.
    ///
    /// # Errors
    /// Those of the file system: for instance, no space is left.
    pub(crate) fn put<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> io::Result<MappedFile> {
        let mut file = self.0.lock().expect("no writer panics");
        let start = file.seek(SeekFrom::End(0))?;
        parts.into_iter().flat_map(|part| part.chunks(READ_AROUND)).try_for_each(|piece| file.write_all(piece))?;
        let len = (file.stream_position()? - start) as usize;
        // SAFETY: the mapping is read-only, and every bit pattern is a valid byte. The file has no name, and this function
        // only appends to it.
        let map = unsafe { MmapOptions::new().offset(start).len(len).map(&*file)? };
        Ok(MappedFile::new(map).transient())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_through_from_any_place_and_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::create(folder.path()).unwrap();
        let bytes: Vec<u8> = (0..READ_THROUGH + 5000).map(|i| (i % 251) as u8).collect();
        let file = shelf.put(std::iter::once(&*bytes)).unwrap();
        for start in [0, 76, READ_THROUGH + 4999, bytes.len()] {
            let mut found = Vec::new();
            file.read_through(start, |piece| found.extend_from_slice(piece));
            assert!(found == bytes[start..], "from {start}");
        }
        assert!(file.bytes() == bytes, "what was let go is read again");
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        for file in [MappedFile::open(&path).unwrap(), MappedFile::open(&path).unwrap().transient()] {
            let Part { file, start } = file.part(5001, 3000).unwrap();
            assert!(file.bytes()[start..][..3000] == bytes[5001..8001]);
            assert_eq!(start, if file.transient { 0 } else { 5001 });
        }
        let Part { file, start } = MappedFile::open(&path).unwrap().transient().part(bytes.len() - 7, 100).unwrap();
        assert!(file.bytes()[start..] == bytes[bytes.len() - 7..], "no more than there is");
    }

    #[test]
    fn a_shelf_gives_back_what_was_put_on_it_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::create(folder.path()).unwrap();
        let pieces: Vec<Vec<u8>> =
            (0..5_usize).map(|k| (0..7_000 * k + 1).map(|i| (i * (k + 3)) as u8).collect()).collect();
        let maps: Vec<MappedFile> = pieces.iter().map(|piece| shelf.put(piece.chunks(1000)).unwrap()).collect();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no name");
        for _ in 0..2 {
            for (map, piece) in maps.iter().zip(&pieces) {
                assert_eq!(map.bytes(), piece);
                map.let_go(0, piece.len());
                map.let_go(piece.len() / 2, piece.len() / 3);
            }
        }
    }

    /// Returns what the system says of the mapping that holds an address.
    #[cfg(target_os = "linux")]
    fn of_mapping(address: usize, what: &str) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut here = false;
        for line in maps.lines() {
            if let Some((first, last)) = line.split(' ').next().and_then(|range| range.split_once('-')) {
                let bound = |text| usize::from_str_radix(text, 16);
                if let (Ok(first), Ok(last)) = (bound(first), bound(last)) {
                    here = (first..last).contains(&address);
                }
            }
            if let Some(found) = line.strip_prefix(what).filter(|_| here) {
                return found.trim().to_owned();
            }
        }
        panic!("no mapping holds the address")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_pages_that_are_asked_for_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        let bytes: Vec<u8> = (0..1_usize << 20).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        // The system's letters for a mapping: `rr` where it reads no pages around those that are asked for.
        let around = |file: &MappedFile| !of_mapping(file.bytes().as_ptr() as usize, "VmFlags:").contains("rr");
        let whole = MappedFile::open(&path).unwrap();
        assert!(around(&whole), "a file that is read from one end to the other");
        let parts = MappedFile::open(&path).unwrap().transient();
        let shelved = Shelf::create(folder.path()).unwrap().put(std::iter::once(&bytes[..])).unwrap();
        for file in [parts, shelved] {
            assert!(!around(&file));
            for (start, len) in [(0, 1), (5000, 100_000), (bytes.len() - 7, 7), (0, bytes.len())] {
                file.will_need(start, len);
                assert_eq!(file.bytes()[start..][..len], bytes[start..][..len]);
                file.let_go(start, len);
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pages_that_are_let_go_leave_the_memory_of_the_process() {
        /// Resident kilobytes of the mapping that holds an address.
        fn resident(address: usize) -> usize {
            of_mapping(address, "Rss:").trim_end_matches(" kB").parse().unwrap()
        }
        let len = 1 << 20;
        let shelf = Shelf::create(&std::env::temp_dir()).unwrap();
        let map = shelf.put(std::iter::once(&vec![7_u8; len][..])).unwrap();
        let read = || map.bytes().iter().map(|&byte| u64::from(byte)).sum::<u64>();
        let address = map.bytes().as_ptr() as usize;
        assert_eq!(read(), 7 * len as u64);
        assert_eq!(resident(address), len / 1024);
        map.let_go(0, len / 2);
        assert_eq!(resident(address), len / 2048);
        map.let_go(0, len);
        assert_eq!(resident(address), 0);
        assert_eq!(read(), 7 * len as u64, "the bytes come back");
        let kept = MappedFile { transient: false, ..map.clone() };
        kept.let_go(0, len);
        assert_eq!(resident(address), len / 1024, "another file keeps its pages");
    }
}
