//! Reading segment files: whole frames up to the first that is not, and the judgement of what lies
//! behind it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::format::{self, HEAD_BYTES, HEADER_BYTES, Head, Header, HeaderFault, Link, Seal};

const READ_BYTES: usize = 256 << 10;
const PAGE_BYTES: usize = 4096;
static ZERO_PAGE: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// A range of the journal that was written and synced and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment file; it may be missing.
    pub segment: PathBuf,
    /// The bytes of the file that cannot be read.
    pub bytes: Range<u64>,
    /// The first frame lost.
    pub first_lost: u64,
    /// The last frame lost, where what follows tells.
    pub last_lost: Option<u64>,
    /// What is wrong.
    pub what: &'static str,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Range { start, end } = self.bytes;
        write!(out, "{} bytes {start} to {end}: {}; frames {} ", self.segment.display(), self.what, self.first_lost)?;
        match self.last_lost {
            Some(last) => write!(out, "to {last} cannot be read"),
            None => write!(out, "and later cannot be read"),
        }
    }
}

/// A segment file found in the folder, its header read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) file_bytes: u64,
    pub(crate) first_position: u64,
    pub(crate) header: Result<Header, HeaderFault>,
}

/// The segment files of a folder by first position. Other files are left alone.
pub(crate) fn find(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(first_position) = entry.file_name().to_str().and_then(format::parse_segment_name) else {
            continue;
        };
        let path = entry.path();
        let file = File::options().read(true).write(true).open(&path).or_else(|_| File::open(&path))?;
        let file_bytes = file.metadata()?.len();
        let mut block = vec![0; HEADER_BYTES.min(file_bytes) as usize];
        file.read_exact_at(&mut block, 0)?;
        let header = Header::decode(&block).and_then(|header| {
            // A file renamed by hand is no segment of this name.
            if header.first_position == first_position { Ok(header) } else { Err(HeaderFault::Damaged) }
        });
        found.push(Found { path, file, file_bytes, first_position, header });
    }
    found.sort_by_key(|found| found.first_position);
    Ok(found)
}

/// Reads frames one after the other.
#[derive(Debug)]
pub(crate) struct FrameReader {
    input: BufReader<File>,
    seal: Seal,
    at: u64,
    limit: u64,
    payload: Vec<u8>,
}

impl FrameReader {
    /// Frames from byte `from`, none of them reaching beyond byte `limit`.
    pub(crate) fn new(file: &File, seal: Seal, from: u64, limit: u64) -> io::Result<Self> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { input: BufReader::with_capacity(READ_BYTES, file), seal, at: from, limit, payload: Vec::new() })
    }

    /// The next frame; `None` where there is no whole one, which ends the reading.
    pub(crate) fn next(&mut self) -> io::Result<Option<Head>> {
        let mut head_bytes = [0; HEAD_BYTES];
        if self.limit.saturating_sub(self.at) < HEAD_BYTES as u64 {
            return Ok(None);
        }
        self.input.read_exact(&mut head_bytes)?;
        let Some(head) = self.seal.head(&head_bytes) else { return Ok(None) };
        if self.at + head.frame_bytes() > self.limit {
            return Ok(None);
        }
        self.payload.resize(head.length as usize, 0);
        self.input.read_exact(&mut self.payload)?;
        if !self.seal.fits(&head_bytes, &self.payload) {
            return Ok(None);
        }
        let padding = head.frame_bytes() - (HEAD_BYTES as u64 + u64::from(head.length));
        self.input.seek_relative(padding as i64)?;
        self.at += head.frame_bytes();
        Ok(Some(head))
    }

    /// The payload of the frame that [`FrameReader::next`] gave.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The byte after the frames read so far.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }
}

/// What the whole groups from the front of a segment come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// The byte after the last whole group.
    pub(crate) end: u64,
    /// The byte where the last whole group begins.
    pub(crate) last_group_at: u64,
    /// The position of the last frame of the last whole group; the one before the segment's first
    /// when there is none.
    pub(crate) last: u64,
    /// Frames in whole groups.
    pub(crate) frames: u64,
    /// The crc of the last frame; the previous segment's when there is none.
    pub(crate) chain: u32,
}

impl Scan {
    pub(crate) fn link(&self, header: &Header) -> Link {
        Link { number: header.number, end: self.end, chain: self.chain }
    }
}

/// Reads all whole groups of a segment up to byte `limit`.
pub(crate) fn scan(file: &File, header: &Header, limit: u64) -> io::Result<Scan> {
    let mut reader = FrameReader::new(file, header.seal(), HEADER_BYTES, limit)?;
    let before = header.first_position - 1;
    let mut whole =
        Scan { end: HEADER_BYTES, last_group_at: HEADER_BYTES, last: before, frames: 0, chain: header.previous.chain };
    let mut index = 0;
    while let Some(head) = reader.next()? {
        if head.position != whole.last + 1 + index || u64::from(head.index) != index {
            break;
        }
        index += 1;
        if head.is_last() {
            whole = Scan {
                end: reader.at(),
                last_group_at: whole.end,
                last: head.position,
                frames: whole.frames + index,
                chain: head.crc,
            };
            index = 0;
        }
    }
    Ok(whole)
}

/// What lies behind the last whole group of the newest segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing, or parts of one group that was never acknowledged: so many bytes.
    Torn { bytes: u64 },
    /// A frame of a later group, at this byte. It was written after the group before it was synced,
    /// so what cannot be read was once whole.
    Damaged { next_at: u64, next_first: u64 },
}

/// Judges the bytes from `end` on, where the next group would begin with position `next`.
///
/// Frames of that very group do not count as proof of damage: its blocks reach the disk in any order,
/// and a loss of power may leave its later frames without its first.
pub(crate) fn judge_tail(file: &File, header: &Header, end: u64, file_bytes: u64, next: u64) -> io::Result<Tail> {
    let mut torn_to = end;
    let mut later = None;
    let nonzero_to = for_each_head(file, header.seal(), end, file_bytes, |at, head| {
        if head.group_first() > next {
            later = Some(Tail::Damaged { next_at: at, next_first: head.group_first() });
            return ControlFlow::Break(());
        }
        torn_to = torn_to.max((at + head.frame_bytes()).min(file_bytes));
        ControlFlow::Continue(())
    })?;
    // The rest of a recycled file is not zero for reasons of its own.
    if header.flags & format::FLAG_RECYCLED == 0 {
        torn_to = torn_to.max(nonzero_to);
    }
    Ok(later.unwrap_or(Tail::Torn { bytes: torn_to - end }))
}

/// Looks for heads at every aligned place from `from` to `to`. Returns the byte after the last that is
/// not zero (`from` when all are), as far as it looked.
pub(crate) fn for_each_head(
    file: &File,
    seal: Seal,
    from: u64,
    to: u64,
    mut each: impl FnMut(u64, Head) -> ControlFlow<()>,
) -> io::Result<u64> {
    let mut nonzero_to = from;
    let mut window = vec![0; READ_BYTES];
    let mut start = from;
    while start < to {
        let filled = window.len().min((to - start) as usize);
        file.read_exact_at(&mut window[..filled], start)?;
        let is_final = start + filled as u64 == to;
        // Heads that begin in the window's last bytes are read with the next window.
        let searched = if is_final { filled } else { filled - PAGE_BYTES };
        for page in (0..searched).step_by(PAGE_BYTES) {
            let page_end = (page + PAGE_BYTES).min(searched);
            let bytes = &window[page..page_end];
            if *bytes == ZERO_PAGE[..bytes.len()] {
                continue;
            }
            let last = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            nonzero_to = start + (page + last + 1) as u64;
            for place in (page..page_end).step_by(format::ALIGNMENT as usize) {
                let Some(head) = window[..filled].get(place..).and_then(|rest| seal.head(rest)) else { continue };
                if each(start + place as u64, head).is_break() {
                    return Ok(nonzero_to);
                }
            }
        }
        start += searched as u64;
    }
    Ok(nonzero_to)
}
