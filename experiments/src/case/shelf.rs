//! The file for keys and constants that a case does not hold in memory.

use anyhow::{Context, Result, bail, ensure};
use fhe_nn::encrypted::{ConstantPlace, Holding, KeyPlace, Needs};
use fhe_ring::Shelf;

use super::Case;
use crate::machine::disk;
use crate::output::bytes;

/// What a command puts on the shelf where its case holds it in a file. Keys that a server reads stay in the client's file, and
/// constants may have a file of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelved {
    /// Whether keys go there.
    keys: bool,
    /// Whether constants go there.
    constants: bool,
    /// Whether constants will have a file of their own. It is mapped as a whole while its matrices are taken from it.
    written: bool,
}

impl Shelved {
    /// Keys and constants.
    pub(crate) const BOTH: Self = Self { keys: true, constants: true, written: false };
    /// Keys alone: of a command that encodes no constants.
    pub(crate) const KEYS: Self = Self { keys: true, constants: false, written: false };

    /// Returns what a server puts there, which reads its keys from a file, and its constants too if they are `stored`.
    pub(crate) fn of_server(stored: bool) -> Self {
        Self { keys: false, constants: !stored, written: false }
    }

    /// Returns what a server puts there that writes its constants to a file of their own first.
    pub(crate) fn of_writing_server() -> Self {
        Self { keys: false, constants: false, written: true }
    }

    /// Returns the bytes of constants that are mapped twice, for a while.
    pub(super) fn mapped_twice(self, needs: &Needs, holding: Holding) -> u64 {
        let constants = Holding { keys: KeyPlace::Packed, ..holding };
        if self.written { needs.file(constants) as u64 } else { 0 }
    }

    /// Returns the way of holding with everything else in memory.
    fn of(self, holding: Holding) -> Holding {
        Holding {
            keys: if self.keys { holding.keys } else { KeyPlace::Packed },
            constants: if self.constants { holding.constants } else { ConstantPlace::Memory },
        }
    }

    fn in_words(self, holding: Holding) -> &'static str {
        let Holding { keys, constants } = self.of(holding);
        match (keys == KeyPlace::File, constants == ConstantPlace::File) {
            (true, false) => "keys",
            (false, true) => "constants",
            _ => "keys and constants",
        }
    }
}

impl Case {
    /// Returns the bytes of a file with the constants.
    pub(crate) fn constant_file_bytes(&self) -> u64 {
        self.plan.needs.file(Holding { keys: KeyPlace::Packed, constants: ConstantPlace::File }) as u64
    }

    /// Returns the bytes that a command puts on the shelf.
    fn shelf_bytes(&self, shelved: Shelved) -> u64 {
        self.plan.needs.file(shelved.of(self.holding)) as u64
    }

    /// Fails if the file that a command needs has no place: files there take memory, or there is too little room. The folder is
    /// that of the variable `TMPDIR`, or `/var/tmp`.
    ///
    /// # Errors
    /// The folder, what was found, and what to do.
    pub(super) fn check_shelf(&self, shelved: Shelved) -> Result<()> {
        let wanted = self.shelf_bytes(shelved);
        if wanted == 0 {
            return Ok(());
        }
        let what = shelved.in_words(self.holding);
        let folder = disk::scratch();
        let place = folder.display();
        ensure!(
            folder.is_dir(),
            "{place}: found no folder, wanted one on a disk for {} of {what}; name one in TMPDIR",
            bytes(wanted)
        );
        ensure!(
            !disk::is_in_memory(&folder),
            "{place}: found a folder whose files take memory, wanted one on a disk for {} of {what}; name one in TMPDIR",
            bytes(wanted)
        );
        match disk::free_bytes(&folder) {
            Some(found) if found < wanted => bail!(
                "{place}: found room for {}, wanted {} for {what}; free some, or name another folder in TMPDIR",
                bytes(found),
                bytes(wanted)
            ),
            _ => Ok(()),
        }
    }

    /// Returns the file for what a command puts on the shelf; `None` if that is nothing. The file has no name, and is gone with
    /// the process.
    ///
    /// # Errors
    /// A folder without room on a disk, and those of the file system.
    pub(crate) fn shelf(&self, shelved: Shelved) -> Result<Option<Shelf>> {
        if !shelved.of(self.holding).needs_file() {
            return Ok(None);
        }
        self.check_shelf(shelved)?;
        let folder = disk::scratch();
        Shelf::create(&folder).map(Some).with_context(|| format!("{}: file for keys and constants", folder.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseSpec, Dial, HEADROOM, Model};
    use fhe_nn::encrypted::Packing;

    #[test]
    fn only_what_goes_to_the_shelf_takes_room_there() {
        let spec = CaseSpec {
            ring_dim: 1 << 15,
            relu: "chebyshev:7".parse().unwrap(),
            packing: Packing::Fused,
            profile: None,
        };
        let case = Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap();
        let in_memory = case.plan.memory;
        let case = case.with_dial(Dial::Lean);
        // Short diagonals stay in memory.
        let constants = (in_memory.constants - case.plan.memory.constants) as u64;
        let keys = in_memory.keys as u64;
        assert!(keys > 0 && constants > in_memory.constants as u64 * 3 / 4);
        let [server, stored] = [false, true].map(Shelved::of_server);
        assert_eq!(case.shelf_bytes(Shelved::BOTH), keys + constants);
        assert_eq!(case.shelf_bytes(Shelved::KEYS), keys);
        assert_eq!(case.shelf_bytes(server), constants);
        assert_eq!(case.shelf_bytes(stored), 0);
        let words = [Shelved::BOTH, Shelved::KEYS, server].map(|shelved| shelved.in_words(case.holding));
        assert_eq!(words, ["keys and constants", "keys", "constants"]);
        assert!(case.shelf(stored).unwrap().is_none());
        assert_eq!(case.constant_file_bytes(), constants);
        let all = [server, stored, Shelved::of_writing_server()];
        assert_eq!(all.map(|shelved| shelved.mapped_twice(&case.plan.needs, case.holding)), [0, 0, constants]);
        let default = case.with_dial(Dial::Default);
        assert_eq!(default.shelf_bytes(Shelved::BOTH), 0);
        assert_eq!(Shelved::of_writing_server().mapped_twice(&default.plan.needs, default.holding), 0);
    }
}
