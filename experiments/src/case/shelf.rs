//! The file for keys and constants that a case does not hold in memory.

use anyhow::{Context, Result, bail, ensure};
use fhe_ring::Shelf;

use super::Case;
use crate::machine::disk;
use crate::output::bytes;

impl Case {
    /// Fails if the file that the case needs has no place: files there take memory, or there is too little room. The folder is
    /// that of the variable `TMPDIR`, or `/var/tmp`.
    ///
    /// # Errors
    /// The folder, what was found, and what to do.
    pub(super) fn check_shelf(&self) -> Result<()> {
        let wanted = self.plan.needs.file(self.holding) as u64;
        if wanted == 0 {
            return Ok(());
        }
        let folder = disk::scratch();
        let place = folder.display();
        ensure!(
            !disk::is_in_memory(&folder),
            "{place}: found a folder whose files take memory, wanted one on a disk for {} of keys and constants; name one in \
             TMPDIR",
            bytes(wanted)
        );
        match disk::free_bytes(&folder) {
            Some(found) if found < wanted => bail!(
                "{place}: found room for {}, wanted {} for keys and constants; free some, or name another folder in TMPDIR",
                bytes(found),
                bytes(wanted)
            ),
            _ => Ok(()),
        }
    }

    /// Returns the file for what the case does not hold in memory; `None` if it holds everything there. The file has no name,
    /// and is gone with the process.
    ///
    /// # Errors
    /// A folder without room on a disk, and those of the file system.
    pub(crate) fn shelf(&self) -> Result<Option<Shelf>> {
        if !self.holding.needs_file() {
            return Ok(None);
        }
        self.check_shelf()?;
        let folder = disk::scratch();
        Shelf::create(&folder).map(Some).with_context(|| format!("{}: file for keys and constants", folder.display()))
    }
}
