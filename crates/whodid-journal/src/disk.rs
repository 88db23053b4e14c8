//! Everything the journal does to a disk, in one place, so that tests can make the k-th step fail and
//! can replay the steps up to any point into what a loss of power would have left.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

#[cfg(test)]
pub(crate) mod script;

/// The disk. Cloned into the thread that prepares spare segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) script: Option<std::sync::Arc<script::Script>>,
}

#[cfg(test)]
macro_rules! step {
    ($disk:expr, $step:expr) => {
        if let Some(script) = &$disk.script {
            script.on($step)?;
        }
    };
}
#[cfg(not(test))]
macro_rules! step {
    ($disk:expr, $step:expr) => {};
}

impl Disk {
    /// Makes an empty file, or empties the one there.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        step!(self, script::Step::Create { path: path.into() });
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
    }

    pub(crate) fn write_at(&self, file: &File, path: &Path, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(script) = &self.script {
            let (part, outcome) = script.on_write(path, at, bytes);
            file.write_all_at(part, at)?;
            return outcome;
        }
        let _ = path;
        file.write_all_at(bytes, at)
    }

    pub(crate) fn sync_data(&self, file: &File, path: &Path) -> io::Result<()> {
        step!(self, script::Step::Sync { path: path.into() });
        let _ = path;
        file.sync_data()
    }

    pub(crate) fn sync_all(&self, file: &File, path: &Path) -> io::Result<()> {
        step!(self, script::Step::Sync { path: path.into() });
        let _ = path;
        file.sync_all()
    }

    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        step!(self, script::Step::SyncFolder);
        File::open(folder)?.sync_all()
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        step!(self, script::Step::Rename { from: from.into(), to: to.into() });
        fs::rename(from, to)
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        step!(self, script::Step::Remove { path: path.into() });
        fs::remove_file(path)
    }

    pub(crate) fn cut(&self, file: &File, path: &Path, bytes: u64) -> io::Result<()> {
        step!(self, script::Step::Cut { path: path.into(), bytes });
        let _ = path;
        file.set_len(bytes)
    }
}

/// Whether the error means that there is no room, rather than that the disk is broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
