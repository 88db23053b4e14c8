//! The journal in a folder.

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, Disk};
use crate::format::{self, FLAG_RECYCLED, HEADER_BYTES, Header, HeaderFault, Link};
use crate::recovered::{Part, Recovered, RecoveryReport};
use crate::scan::{self, Damage, Found, Scan, Tail};
use crate::spare::Spares;
use crate::{AppendError, Journal, Position, ReleaseError, check_shape};

const LOCK_NAME: &str = "journal.lock";
const SEGMENT_BYTES_MIN: u64 = 2 * HEADER_BYTES;
/// The group buffer is given back when it has grown beyond this.
const BUFFER_KEPT_BYTES: usize = 16 << 20;

/// How a [`FileJournal`] is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Length of a segment file, 64 MiB; a group that needs more gets a longer one. At least 8 KiB.
    pub segment_bytes: u64,
    /// The most that frames not yet released may take, 2 GiB.
    pub bound_bytes: u64,
    /// The first position of a journal that does not exist yet; of no effect on one that does.
    pub first_position: Position,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, bound_bytes: 2 << 30, first_position: Position::FIRST }
    }
}

/// Why the journal could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the journal in {folder} is in use by {holder}; stop that process, or give this one a data folder of its own"
    )]
    Locked {
        /// The journal's folder.
        folder: PathBuf,
        /// Who holds it, as far as known.
        holder: String,
    },
    /// Frames that were acknowledged cannot be read. [`crate::salvage`] reads the others.
    #[error("the journal in {folder} is damaged and was not opened: {damage}")]
    Damaged {
        /// The journal's folder.
        folder: PathBuf,
        /// The first range that cannot be read.
        damage: Damage,
    },
    /// A newer program wrote it.
    #[error(
        "journal segment {segment} has format version {found}; this program reads version {}",
        format::FORMAT_VERSION
    )]
    Version {
        /// The segment file.
        segment: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The system refused something.
    #[error("cannot {doing} for the journal in {folder}")]
    Io {
        /// The journal's folder.
        folder: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A journal of segment files in a folder. One writer; a second opener is refused.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    options: Options,
    disk: Disk,
    /// Oldest first. The newest stays when all is released: it holds the position and the epoch.
    segments: VecDeque<Segment>,
    /// The file of the newest segment, if this opening made it.
    active: Option<File>,
    spares: Spares,
    epoch: u64,
    next_number: u64,
    last: u64,
    released: u64,
    is_poisoned: bool,
    buffer: Vec<u8>,
    readers: Arc<()>,
    _lock: File,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    header: Header,
    file_bytes: u64,
    end: u64,
    last: u64,
    chain: u32,
}

impl Segment {
    fn is_empty(&self) -> bool {
        self.end == HEADER_BYTES
    }

    /// What the header of the segment after this one has to say.
    fn link(&self) -> Link {
        // An empty segment is replaced by its successor, which has the same first position and name.
        if self.is_empty() {
            return self.header.previous;
        }
        Link { number: self.header.number, end: self.end, chain: self.chain }
    }
}

impl FileJournal {
    /// Opens the journal in `folder`, making the folder if it is missing.
    ///
    /// All segments are read and checked before anything is written. A tail that cannot be read is cut
    /// only if nothing valid follows it: it is the group that was being written when the process or the
    /// machine stopped, and was never acknowledged. Anything else that cannot be read is
    /// [`OpenError::Damaged`]. Not told apart from a torn tail: damage to the very last group.
    pub fn open(folder: &Path, options: Options) -> Result<(Self, Recovered), OpenError> {
        Self::open_on(Disk::default(), folder, options)
    }

    pub(crate) fn open_on(disk: Disk, folder: &Path, options: Options) -> Result<(Self, Recovered), OpenError> {
        let failed = |doing| move |source| OpenError::Io { folder: folder.into(), doing, source };
        let segment_bytes = options.segment_bytes.max(SEGMENT_BYTES_MIN).next_multiple_of(HEADER_BYTES);
        let options = Options { segment_bytes, ..options };
        make_folder(folder).map_err(failed("make the folder"))?;
        let mut lock = lock(folder)?;
        let found = scan::find(folder).map_err(failed("read the folder"))?;
        let checked = check_all(folder, found)?;

        // From here on the disk is written to.
        if let Some((newest, scan)) = checked.last() {
            settle(&disk, newest, scan).map_err(failed("sync the newest segment"))?;
        }
        disk.sync_folder(folder).map_err(failed("sync the folder"))?;
        let newest_epoch = checked.iter().map(|(segment, _)| segment.header.epoch).max().unwrap_or(0);
        let epoch = raise_epoch(&mut lock, newest_epoch);
        let mut spares =
            Spares::start(disk.clone(), folder, segment_bytes).map_err(failed("start the preparing of segments"))?;
        spares.request();

        let last = checked.last().map_or(options.first_position.get() - 1, |(_, scan)| scan.last);
        let frames = checked.iter().map(|(_, scan)| scan.frames).sum();
        let report = RecoveryReport {
            frames,
            first: if frames > 0 { Position::new(last + 1 - frames) } else { None },
            last: Position::new(last),
            bytes_cut: checked.last().map_or(0, |(newest, _)| newest.torn_bytes),
            segments: checked.iter().filter(|(_, scan)| scan.frames > 0).count(),
            epoch,
        };
        if report.bytes_cut > 0 {
            tracing::warn!(
                journal.folder = %folder.display(),
                bytes = report.bytes_cut,
                "left out {} bytes of a group that was never acknowledged",
                report.bytes_cut
            );
        }
        let readers = Arc::new(());
        let mut segments = VecDeque::with_capacity(checked.len());
        let mut parts = VecDeque::with_capacity(checked.len());
        for (Checked { path, file, file_bytes, header, .. }, scan) in checked {
            segments.push_back(Segment {
                path: path.clone(),
                header,
                file_bytes,
                end: scan.end,
                last: scan.last,
                chain: scan.chain,
            });
            parts.push_back(Part { path, file, header, end: scan.end });
        }
        let journal = Self {
            folder: folder.into(),
            options,
            disk,
            next_number: segments.iter().map(|segment| segment.header.number).max().unwrap_or(0) + 1,
            segments,
            active: None,
            spares,
            epoch,
            last,
            released: 0,
            is_poisoned: false,
            buffer: Vec::new(),
            readers: Arc::clone(&readers),
            _lock: lock,
        };
        Ok((journal, Recovered::new(report, parts, readers)))
    }

    /// The number of this opening.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Makes the segment that begins with the next position and has room for `group_bytes`.
    fn begin_segment(&mut self, group_bytes: u64) -> Result<(), AppendError> {
        let first_position = self.last + 1;
        let path = self.folder.join(format::segment_name(first_position));
        let file_bytes = self.options.segment_bytes.max((HEADER_BYTES + group_bytes).next_multiple_of(HEADER_BYTES));
        let blank = self.spares.take(file_bytes).map_err(|source| self.refused(&path, source))?;
        let header = Header {
            flags: if blank.is_recycled { FLAG_RECYCLED } else { 0 },
            number: self.next_number,
            first_position,
            epoch: self.epoch,
            salt: random_salt(self.next_number),
            file_bytes: blank.file_bytes,
            previous: self.segments.back().map(Segment::link).unwrap_or_default(),
        };
        // The name comes last: a file with a segment's name always has a header.
        let written = self.disk.write_at(&blank.file, &blank.path, &header.encode(), 0);
        written.map_err(|source| self.refused(&path, source))?;
        if let Err(source) = self.disk.sync_data(&blank.file, &blank.path) {
            return Err(self.poison(&path, source));
        }
        self.disk.rename(&blank.path, &path).map_err(|source| self.refused(&path, source))?;
        if let Err(source) = self.disk.sync_folder(&self.folder) {
            return Err(self.poison(&self.folder.clone(), source));
        }
        self.next_number += 1;
        if self.segments.back().is_some_and(Segment::is_empty) {
            self.segments.pop_back();
        }
        if self.active.is_none() {
            self.trim_newest();
        }
        self.active = Some(blank.file);
        self.segments.push_back(Segment {
            path,
            header,
            file_bytes: blank.file_bytes,
            end: HEADER_BYTES,
            last: self.last,
            chain: header.previous.chain,
        });
        Ok(())
    }

    /// Room for a group in the newest segment that leaves `reserve_bytes` in files that are there already, so that
    /// what may use them finds them on a full disk.
    fn make_room(&mut self, group_bytes: u64, reserve_bytes: u64) -> Result<(), AppendError> {
        if self.left_bytes().is_none_or(|left| left < group_bytes) {
            self.begin_segment(group_bytes)?;
        }
        let reserve_bytes = reserve_bytes.min(self.options.segment_bytes / RESERVE_SHARE);
        if self.left_bytes().is_some_and(|left| left - group_bytes < reserve_bytes) {
            let path = self.segments.back().map_or_else(|| self.folder.clone(), |newest| newest.path.clone());
            self.spares.ensure().map_err(|source| self.refused(&path, source))?;
        }
        Ok(())
    }

    /// Bytes left in the newest segment; `None` when there is none to write to.
    fn left_bytes(&self) -> Option<u64> {
        self.active.as_ref()?;
        self.segments.back().map(|newest| newest.file_bytes - newest.end)
    }

    /// Gives back the unused end of the segment that an earlier opening left behind. Its successor is
    /// durable by now and says where the frames end.
    fn trim_newest(&mut self) {
        let Some(segment) = self.segments.back_mut() else { return };
        if segment.file_bytes == segment.end {
            return;
        }
        let cut = File::options()
            .write(true)
            .open(&segment.path)
            .and_then(|file| self.disk.cut(&file, &segment.path, segment.end));
        match cut {
            Ok(()) => segment.file_bytes = segment.end,
            Err(error) => tracing::warn!(
                journal.segment = %segment.path.display(),
                "cannot give back the unused end of a journal segment: {error}"
            ),
        }
    }

    fn refused(&self, segment: &Path, source: io::Error) -> AppendError {
        if disk::is_full(&source) {
            AppendError::Full { folder: self.folder.clone(), source }
        } else {
            AppendError::Write { segment: segment.into(), source }
        }
    }

    fn poison(&mut self, segment: &Path, source: io::Error) -> AppendError {
        self.is_poisoned = true;
        AppendError::SyncFailed { segment: segment.into(), source }
    }

    /// Makes sure that nothing of a group whose write failed is ever read back.
    fn erase(&mut self, group_bytes: u64) {
        let (Some(segment), Some(file)) = (self.segments.back(), &self.active) else { return };
        self.buffer.clear();
        self.buffer.resize(group_bytes as usize, 0);
        let erased = self
            .disk
            .write_at(file, &segment.path, &self.buffer, segment.end)
            .and_then(|()| self.disk.sync_data(file, &segment.path));
        if let Err(error) = erased {
            tracing::error!(
                journal.segment = %segment.path.display(),
                "cannot erase a group whose write failed; the journal takes nothing until it is opened again: {error}"
            );
            self.is_poisoned = true;
        }
    }
}

impl Journal for FileJournal {
    fn append_leaving(&mut self, frames: &[&[u8]], reserve_bytes: u64) -> Result<Position, AppendError> {
        if self.is_poisoned {
            return Err(AppendError::Poisoned);
        }
        check_shape(frames)?;
        let group_bytes = frames.iter().map(|frame| format::frame_bytes(frame.len())).sum();
        let (used_bytes, bound_bytes) = (self.used_bytes(), self.options.bound_bytes.saturating_sub(reserve_bytes));
        if used_bytes + group_bytes > bound_bytes {
            return Err(AppendError::Bound { used_bytes, group_bytes, bound_bytes });
        }
        self.make_room(group_bytes, reserve_bytes)?;
        let (Some(segment), Some(file)) = (self.segments.back_mut(), &self.active) else {
            unreachable!("begin_segment made one");
        };

        let seal = segment.header.seal();
        let mut chain = segment.chain;
        self.buffer.clear();
        self.buffer.reserve(group_bytes as usize);
        for (index, frame) in frames.iter().enumerate() {
            let position = self.last + 1 + index as u64;
            let is_last = index + 1 == frames.len();
            let index = u16::try_from(index).expect("a group has at most 65,536 frames");
            chain = seal.encode(&mut self.buffer, position, index, is_last, frame);
        }
        let path = &segment.path;
        if let Err(source) = self.disk.write_at(file, path, &self.buffer, segment.end) {
            let error = if disk::is_full(&source) {
                AppendError::Full { folder: self.folder.clone(), source }
            } else {
                AppendError::Write { segment: path.clone(), source }
            };
            self.erase(group_bytes);
            return Err(error);
        }
        if let Err(source) = self.disk.sync_data(file, path) {
            let path = path.clone();
            return Err(self.poison(&path, source));
        }

        segment.end += group_bytes;
        segment.last += frames.len() as u64;
        segment.chain = chain;
        self.last = segment.last;
        // Ahead of the roll, yet late enough for a released segment to become the spare.
        if (segment.end - HEADER_BYTES) * 2 > segment.file_bytes - HEADER_BYTES {
            self.spares.request();
        }
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        Ok(Position::new(self.last).expect("at least one frame was appended"))
    }

    fn has_room(&mut self, reserve_bytes: u64) -> bool {
        !self.is_poisoned
            && self.used_bytes() + ROOM_BYTES + reserve_bytes <= self.options.bound_bytes
            && self.make_room(ROOM_BYTES, reserve_bytes).is_ok()
    }

    fn release(&mut self, up_to: Position) -> Result<(), ReleaseError> {
        self.released = self.released.max(up_to.get().min(self.last));
        while self.segments.len() > 1 {
            let Some(oldest) = self.segments.front().filter(|oldest| oldest.last <= self.released) else { break };
            let path = oldest.path.clone();
            let failed = |source| ReleaseError { segment: path.clone(), source };
            let recycle = self.spares.wants(oldest.file_bytes) && Arc::strong_count(&self.readers) == 1;
            let gone = if recycle { self.disk.rename(&path, &self.spares.path()) } else { self.disk.remove(&path) };
            match gone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => self.segments.pop_front(),
            };
            // One at a time and in order: a crash must not leave a hole.
            self.disk.sync_folder(&self.folder).map_err(failed)?;
            if recycle {
                // Only now: before, a crash could have brought the file back under its old name, with
                // the new segment's bytes in it.
                self.spares.recycled();
            }
        }
        Ok(())
    }

    fn used_bytes(&self) -> u64 {
        let needed = self.segments.iter().filter(|segment| segment.last > self.released);
        needed.map(|segment| segment.end - HEADER_BYTES).sum()
    }

    fn bound_bytes(&self) -> u64 {
        self.options.bound_bytes
    }

    fn last(&self) -> Option<Position> {
        Position::new(self.last)
    }
}

/// The share of a segment that is kept ready at most: a spare is asked for when half of a segment is used, and must
/// be there before its last part is begun, or appends would wait for it.
const RESERVE_SHARE: u64 = 4;

/// What [`Journal::has_room`] takes for a group of usual size.
const ROOM_BYTES: u64 = 64 << 10;

/// Locks the folder against other processes and other openings in this one.
pub(crate) fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Io { folder: folder.into(), doing: "lock the folder", source };
    let path = folder.join(LOCK_NAME);
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(source)) => Err(failed(source)),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            let holder = text.lines().next().unwrap_or_default().trim();
            let holder = if holder.is_empty() { "another process" } else { holder };
            Err(OpenError::Locked { folder: folder.into(), holder: holder.into() })
        }
    }
}

/// The epoch of this opening: one more than any seen. The lock file remembers openings that appended
/// nothing; frames are safe without it, so failing to write it is no reason to stop.
fn raise_epoch(lock: &mut File, newest_segment: u64) -> u64 {
    let mut text = String::new();
    let _ = lock.read_to_string(&mut text);
    let noted = text.lines().find_map(|line| line.strip_prefix("epoch ")?.trim().parse().ok());
    let epoch = newest_segment.max(noted.unwrap_or(0)) + 1;
    // Of one width, so that a text is always replaced whole.
    let text = format!("process {:<10}\nepoch {epoch:020}\n", std::process::id());
    if let Err(error) = lock.write_all_at(text.as_bytes(), 0).and_then(|()| lock.sync_data()) {
        tracing::warn!("cannot note the opening in the journal's lock file: {error}");
    }
    epoch
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> = folder.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    std::fs::create_dir_all(folder)?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// A segment that may be used.
#[derive(Debug)]
struct Checked {
    path: PathBuf,
    file: File,
    file_bytes: u64,
    header: Header,
    torn_bytes: u64,
}

/// Reads every segment, changing nothing.
fn check_all(folder: &Path, found: Vec<Found>) -> Result<Vec<(Checked, Scan)>, OpenError> {
    let firsts: Vec<u64> = found.iter().map(|segment| segment.first_position).collect();
    let mut headers = Vec::with_capacity(found.len());
    for (place, segment) in found.iter().enumerate() {
        match segment.header {
            Ok(header) => headers.push(header),
            Err(HeaderFault::Version(found)) => {
                return Err(OpenError::Version { segment: segment.path.clone(), found });
            }
            Err(HeaderFault::Damaged) => {
                let damage = Damage {
                    segment: segment.path.clone(),
                    bytes: 0..segment.file_bytes,
                    first_lost: segment.first_position,
                    last_lost: firsts.get(place + 1).map(|first| first - 1),
                    what: "the header is damaged",
                };
                return Err(OpenError::Damaged { folder: folder.into(), damage });
            }
        }
    }
    let mut checked = Vec::with_capacity(found.len());
    for (place, Found { path, file, file_bytes, .. }) in found.into_iter().enumerate() {
        let header = headers[place];
        let mut segment = Checked { path, file, file_bytes, header, torn_bytes: 0 };
        let scan = match headers.get(place + 1) {
            Some(successor) => check_closed(&segment, successor),
            None => check_newest(&mut segment),
        };
        let scan = scan.map_err(|refusal| match refusal {
            Refusal::Damaged(damage) => OpenError::Damaged { folder: folder.into(), damage },
            Refusal::Io(source) => OpenError::Io { folder: folder.into(), doing: "read the segments", source },
        })?;
        checked.push((segment, scan));
    }
    Ok(checked)
}

enum Refusal {
    Damaged(Damage),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}

/// A segment that has a successor holds exactly what the successor's header says.
fn check_closed(segment: &Checked, successor: &Header) -> Result<Scan, Refusal> {
    let previous = successor.previous;
    let damaged = |from: u64, to: u64, first_lost: u64, what| {
        let last_lost = Some(successor.first_position - 1);
        Refusal::Damaged(Damage { segment: segment.path.clone(), bytes: from..to, first_lost, last_lost, what })
    };
    let is_next = previous.number == segment.header.number;
    let limit = if is_next { previous.end.min(segment.file_bytes) } else { segment.file_bytes };
    let scan = scan::scan(&segment.file, &segment.header, limit)?;
    if !is_next {
        return Err(damaged(scan.end, scan.end, scan.last + 1, "a segment after it is missing"));
    }
    if scan.end < previous.end {
        return Err(damaged(scan.end, previous.end, scan.last + 1, "the checksums do not fit, and a segment follows"));
    }
    if scan.link(&segment.header) != previous || scan.last + 1 != successor.first_position {
        return Err(damaged(scan.last_group_at, scan.end, scan.last, "the segment after it continues another one"));
    }
    Ok(scan)
}

fn check_newest(segment: &mut Checked) -> Result<Scan, Refusal> {
    let Checked { path, file, file_bytes, header, .. } = &*segment;
    let scan = scan::scan(file, header, *file_bytes)?;
    let damaged = |to: u64, last_lost: Option<u64>, what| {
        let bytes = scan.end..to;
        Refusal::Damaged(Damage { segment: path.clone(), bytes, first_lost: scan.last + 1, last_lost, what })
    };
    if *file_bytes < header.file_bytes {
        // A segment's length is synced before its first frame, so no crash shortens one. It is also
        // what is left when the segments after this one were removed.
        return Err(damaged(header.file_bytes, None, "the file is shorter than it was made"));
    }
    match scan::judge_tail(file, header, scan.end, *file_bytes, scan.last + 1)? {
        Tail::Torn { bytes } => {
            segment.torn_bytes = bytes;
            Ok(scan)
        }
        Tail::Damaged { next_at, next_first } => {
            Err(damaged(next_at, Some(next_first - 1), "the checksums do not fit, and whole frames follow"))
        }
    }
}

/// Makes what was read of the newest segment durable: the process that wrote its last group may have
/// died before, or in, the sync. The group is written again because after a failed sync the system may
/// hold pages as clean that never reached the disk, and would sync nothing.
fn settle(disk: &Disk, newest: &Checked, scan: &Scan) -> io::Result<()> {
    let mut group = vec![0; (scan.end - scan.last_group_at) as usize];
    newest.file.read_exact_at(&mut group, scan.last_group_at)?;
    disk.write_at(&newest.file, &newest.path, &group, scan.last_group_at)?;
    disk.sync_data(&newest.file, &newest.path)
}

/// Not secret for long, only unknown to whoever chose the payloads: the standard library's hasher keys
/// come from the operating system.
fn random_salt(number: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(number)
}
