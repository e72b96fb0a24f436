//! Where the journals of a run lie.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::failure::{Context, Failure, Outcome};

/// File systems by the number that `statfs` tells (statfs(2)), and whether they keep files in memory.
const FILE_SYSTEMS: [(u64, &str, bool); 7] = [
    (0xef53, "ext4", false),
    (0x5846_5342, "xfs", false),
    (0x9123_683e, "btrfs", false),
    (0xf2f5_2010, "f2fs", false),
    (0x794c_7630, "overlay", false),
    (0x0102_1994, "tmpfs", true),
    (0x8584_58f6, "ramfs", true),
];

/// A folder that was empty, and is removed when it is dropped, unless it is to be kept.
pub struct Folder(TempDir);

impl Folder {
    /// The folder `dir`, or a new one in the folder where the command runs.
    ///
    /// # Errors
    /// When it cannot be made, or holds something.
    pub fn new(dir: Option<&Path>, keep: bool) -> Outcome<Self> {
        let mut builder = tempfile::Builder::new();
        builder.disable_cleanup(keep);
        let Some(dir) = dir else {
            let what = || "cannot make a folder here: name one with --dir".to_owned();
            return Ok(Self(builder.prefix("hoga-perf-").tempdir_in(".").context(what)?));
        };
        let what = || format!("cannot make the folder {}", dir.display());
        let name = dir.file_name().ok_or_else(|| Failure::new(what()))?;
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).context(what)?;
        // An empty one may stand; one with something in it is not taken away.
        if dir.exists() {
            std::fs::remove_dir(dir).context(|| {
                format!(
                    "--dir must be a fresh or empty folder, and {} is not",
                    dir.display()
                )
            })?;
        }
        let made = builder.prefix(name).rand_bytes(0).tempdir_in(parent);
        Ok(Self(made.context(what)?))
    }

    /// A new folder in `parent`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn within(parent: &Path) -> Outcome<Self> {
        let what = || format!("cannot make a folder in {}", parent.display());
        Ok(Self(TempDir::with_prefix_in("hoga-perf-", parent).context(what)?))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The data folder of one run; `hoga replay --data-dir` takes it.
    pub fn of(&self, run: &str) -> PathBuf {
        self.path().join(run)
    }

    /// What it lies on, where that has a name.
    pub fn file_system(&self) -> String {
        match (self.kind(), self.known()) {
            (_, Some((name, _))) => name.to_owned(),
            (Some(kind), None) => format!("file system {kind:#x}"),
            (None, None) => "unknown file system".to_owned(),
        }
    }

    /// Refuses a file system in memory, where a sync does nothing.
    ///
    /// # Errors
    /// In words.
    pub fn must_be_a_disk(&self) -> Outcome<()> {
        match self.known() {
            Some((name, true)) => Err(Failure::new(format!(
                "{} lies on {name}, which is memory and not a disk, so a sync would measure nothing: name a folder on \
                 a disk with --dir",
                self.path().display()
            ))),
            _ => Ok(()),
        }
    }

    fn kind(&self) -> Option<u64> {
        let told = rustix::fs::statfs(self.path()).ok()?;
        Some(told.f_type as u64)
    }

    fn known(&self) -> Option<(&'static str, bool)> {
        let kind = self.kind()?;
        let found = FILE_SYSTEMS.iter().find(|(number, ..)| *number == kind)?;
        Some((found.1, found.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_with_something_in_it_is_taken_away() {
        let outer = tempfile::tempdir().expect("a folder");
        let dir = outer.path().join("deep/journals");
        for (keep, stands) in [(false, false), (true, true), (true, true)] {
            let folder = Folder::new(Some(&dir), keep).expect("a fresh or empty folder");
            assert_eq!(folder.path(), dir);
            drop(folder);
            assert_eq!(dir.exists(), stands);
        }
        std::fs::write(dir.join("mine"), "x").expect("a file");
        let error = Folder::new(Some(&dir), false)
            .map(|_| ())
            .expect_err("something in it");
        assert!(error.to_string().contains("fresh or empty"), "{error}");
        assert!(dir.join("mine").exists());
    }

    #[test]
    fn a_sync_in_memory_is_not_taken_for_one_on_disk() {
        let memory = Path::new("/dev/shm");
        if !memory.is_dir() {
            println!("skipped: there is no /dev/shm");
            return;
        }
        let dir = tempfile::tempdir_in(memory).expect("a folder");
        let folder = Folder::new(Some(&dir.path().join("x")), false).expect("a folder");
        if folder.file_system() == "tmpfs" {
            let error = folder.must_be_a_disk().expect_err("tmpfs").to_string();
            assert!(error.contains("tmpfs") && error.contains("--dir"), "{error}");
        }
    }
}
