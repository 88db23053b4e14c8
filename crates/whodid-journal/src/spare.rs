//! The next segment file, made ready ahead by a thread of its own, so that a roll does not wait for
//! 64 MiB of zeros to reach the disk.
//!
//! A file becomes `spare.seg` only when it is complete and synced; while it is being made it is
//! `spare.tmp`. A spare holds nothing that counts: losing it costs time, nothing else.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::disk::Disk;

const SPARE: &str = "spare.seg";
const SPARE_MAKING: &str = "spare.tmp";
const LARGE_MAKING: &str = "large.tmp";
const ZEROS_BYTES: usize = 1 << 20;

/// A segment file that is not one yet.
#[derive(Debug)]
pub(crate) struct Blank {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) file_bytes: u64,
    pub(crate) is_recycled: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Absent,
    Preparing,
    Ready { is_recycled: bool },
}

#[derive(Debug)]
pub(crate) struct Spares {
    disk: Disk,
    folder: PathBuf,
    segment_bytes: u64,
    state: State,
    requests: Option<Sender<()>>,
    results: Receiver<io::Result<()>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Spares {
    /// Starts the thread. A spare of an earlier run is used if it has the right size.
    pub(crate) fn start(disk: Disk, folder: &Path, segment_bytes: u64) -> io::Result<Self> {
        for leftover in [SPARE_MAKING, LARGE_MAKING] {
            match disk.remove(&folder.join(leftover)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let usable = std::fs::metadata(folder.join(SPARE)).is_ok_and(|found| found.len() == segment_bytes);
        // Whether it was recycled is not known any more; saying so is the careful answer.
        let state = if usable { State::Ready { is_recycled: true } } else { State::Absent };
        let stop = Arc::new(AtomicBool::new(false));
        let (requests, waiting) = channel::<()>();
        let (finished, results) = channel();
        let worker = {
            let (disk, folder, stop) = (disk.clone(), folder.to_path_buf(), Arc::clone(&stop));
            move || {
                for () in waiting {
                    let made = make_spare(&disk, &folder, segment_bytes, &stop);
                    if finished.send(made).is_err() {
                        return;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("journal-spare".into()).spawn(worker)?;
        Ok(Self {
            disk,
            folder: folder.to_path_buf(),
            segment_bytes,
            state,
            requests: Some(requests),
            results,
            stop,
            thread: Some(thread),
        })
    }

    /// Has a spare made in the background unless there is one.
    pub(crate) fn request(&mut self) {
        self.collect(false);
        if self.state == State::Absent
            && let Some(requests) = &self.requests
            && requests.send(()).is_ok()
        {
            self.state = State::Preparing;
        }
    }

    /// Whether a released segment would be of use as the spare.
    pub(crate) fn wants(&mut self, file_bytes: u64) -> bool {
        self.collect(false);
        self.state == State::Absent && file_bytes == self.segment_bytes
    }

    /// Where a recycled segment is to be renamed to.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(SPARE)
    }

    /// Says that a recycled segment now durably is the spare.
    pub(crate) fn recycled(&mut self) {
        self.state = State::Ready { is_recycled: true };
    }

    /// Has a spare ready, waiting for the thread if it is at work.
    pub(crate) fn ensure(&mut self) -> io::Result<()> {
        self.request();
        match self.collect(true) {
            Some(Err(error)) => Err(error),
            _ if matches!(self.state, State::Ready { .. }) => Ok(()),
            _ => Err(io::Error::other("the thread that prepares journal segments is gone")),
        }
    }

    /// A blank file with room for `file_bytes`, waiting for the thread if it is at work.
    pub(crate) fn take(&mut self, file_bytes: u64) -> io::Result<Blank> {
        if file_bytes > self.segment_bytes {
            let path = self.folder.join(LARGE_MAKING);
            let file = write_zeros(&self.disk, &path, file_bytes, &self.stop)?;
            return Ok(Blank { file, path, file_bytes, is_recycled: false });
        }
        self.ensure()?;
        let is_recycled = self.state == State::Ready { is_recycled: true };
        self.state = State::Absent;
        let path = self.path();
        let file = File::options().read(true).write(true).open(&path)?;
        Ok(Blank { file, path, file_bytes: self.segment_bytes, is_recycled })
    }

    /// Takes note of what the thread finished; `None` when there is nothing to note.
    fn collect(&mut self, wait: bool) -> Option<io::Result<()>> {
        if self.state != State::Preparing {
            return None;
        }
        let result = if wait { self.results.recv().ok()? } else { self.results.try_recv().ok()? };
        self.state = if result.is_ok() { State::Ready { is_recycled: false } } else { State::Absent };
        Some(result)
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn make_spare(disk: &Disk, folder: &Path, file_bytes: u64, stop: &AtomicBool) -> io::Result<()> {
    let making = folder.join(SPARE_MAKING);
    write_zeros(disk, &making, file_bytes, stop)?;
    disk.rename(&making, &folder.join(SPARE))
}

/// A file of zeros that really has its blocks, synced. Leaves no file behind when it fails.
fn write_zeros(disk: &Disk, path: &Path, file_bytes: u64, stop: &AtomicBool) -> io::Result<File> {
    let written = write_zeros_to(disk, path, file_bytes, stop);
    if written.is_err() {
        let _ = disk.remove(path);
    }
    written
}

fn write_zeros_to(disk: &Disk, path: &Path, file_bytes: u64, stop: &AtomicBool) -> io::Result<File> {
    let file = disk.create(path)?;
    let zeros = vec![0; ZEROS_BYTES.min(file_bytes as usize)];
    let mut at = 0;
    while at < file_bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the journal is closing"));
        }
        let part = zeros.len().min((file_bytes - at) as usize);
        disk.write_at(&file, path, &zeros[..part], at)?;
        at += part as u64;
    }
    disk.sync_all(&file, path)?;
    Ok(file)
}
