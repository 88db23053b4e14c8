//! The bytes of a segment file, format version 1. All numbers are little-endian.
//!
//! ```text
//! wal-<first position, 20 digits>.seg
//!   0     header, copy A       (4 KiB block; either copy suffices)
//!   2048  header, copy B
//!   4096  frame, frame, …      (each begins at a multiple of 8)
//!
//! header  magic "whodidwl" | version u32 | flags u32 | segment number u64 | first position u64 |
//!         epoch u64 | salt u64 | file length u64 | previous segment: number u64, end u64, chain u32 |
//!         CRC32C of the header u32
//! frame   length u32 | crc u32 | epoch u64 | position u64 | kind u8 | flags u8 | index in group u16 |
//!         crc of the head u32 | payload | zeros up to a multiple of 8
//! ```
//!
//! * Every CRC32C of a frame is seeded with the segment's number and its random salt. So frames that
//!   an earlier life of a recycled file left behind are never valid, and nobody who chooses payloads can
//!   write bytes that look like a frame.
//! * The head has its own CRC: its length can be believed even where the payload is damaged, and looking
//!   for frames behind damage costs 28 bytes a place.
//! * All frames of a segment have the segment's epoch; each opening of the journal begins a new segment.
//! * `previous … end, chain` say where the frames of the segment before ended and the crc of its last
//!   one. Bytes beyond that end are void. That is how a torn tail is cut: by being left out.
//! * A group's last frame has [`FLAG_LAST`]; a group never spans segments.

use crc32c::{crc32c, crc32c_append};

use crate::FRAME_BYTES_MAX;

/// The version this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Bytes before the first frame.
pub const HEADER_BYTES: u64 = 4096;
/// Bytes of a frame before its payload.
pub const HEAD_BYTES: usize = 32;
/// Frames begin at multiples of this.
pub const ALIGNMENT: u64 = 8;
/// Header flag: the file held another segment before, so bytes beyond the frames are not zero.
pub const FLAG_RECYCLED: u32 = 1;
/// Frame flag: the last frame of its group.
pub const FLAG_LAST: u8 = 1;
/// The only kind of frame so far.
pub const KIND_DATA: u8 = 1;

const MAGIC: [u8; 8] = *b"whodidwl";
const COPY_AT: usize = 2048;
const HEADER_USED: usize = 80;

/// Where the frames of a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// The segment's number; 0 when there was none.
    pub number: u64,
    /// The byte after its last frame.
    pub end: u64,
    /// The crc of its last frame.
    pub chain: u32,
}

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// See [`FLAG_RECYCLED`].
    pub flags: u32,
    /// Rises with every segment made; never 0.
    pub number: u64,
    /// The position of the first frame.
    pub first_position: u64,
    /// The opening of the journal that made the segment.
    pub epoch: u64,
    /// Random.
    pub salt: u64,
    /// The length the file was made with.
    pub file_bytes: u64,
    /// The segment before.
    pub previous: Link,
}

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// Neither copy is whole.
    Damaged,
    /// A whole header of a version this code does not know.
    Version(u32),
}

impl Header {
    /// The header's block of [`HEADER_BYTES`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(HEADER_USED);
        copy.extend_from_slice(&MAGIC);
        copy.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        copy.extend_from_slice(&self.flags.to_le_bytes());
        for number in [
            self.number,
            self.first_position,
            self.epoch,
            self.salt,
            self.file_bytes,
            self.previous.number,
            self.previous.end,
        ] {
            copy.extend_from_slice(&number.to_le_bytes());
        }
        copy.extend_from_slice(&self.previous.chain.to_le_bytes());
        copy.extend_from_slice(&crc32c(&copy).to_le_bytes());
        let mut block = vec![0; HEADER_BYTES as usize];
        block[..copy.len()].copy_from_slice(&copy);
        block[COPY_AT..COPY_AT + copy.len()].copy_from_slice(&copy);
        block
    }

    /// Reads whichever copy is whole. `block` may be shorter than [`HEADER_BYTES`].
    pub fn decode(block: &[u8]) -> Result<Self, HeaderFault> {
        let copies = [block.get(..HEADER_USED), block.get(COPY_AT..COPY_AT + HEADER_USED)];
        let mut fault = HeaderFault::Damaged;
        for copy in copies.into_iter().flatten() {
            match Self::decode_copy(copy) {
                Ok(header) => return Ok(header),
                Err(HeaderFault::Damaged) => {}
                Err(version) => fault = version,
            }
        }
        Err(fault)
    }

    fn decode_copy(copy: &[u8]) -> Result<Self, HeaderFault> {
        if copy[..8] != MAGIC || u32_at(copy, HEADER_USED - 4) != crc32c(&copy[..HEADER_USED - 4]) {
            return Err(HeaderFault::Damaged);
        }
        let version = u32_at(copy, 8);
        if version != FORMAT_VERSION {
            return Err(HeaderFault::Version(version));
        }
        let previous = Link { number: u64_at(copy, 56), end: u64_at(copy, 64), chain: u32_at(copy, 72) };
        Ok(Self {
            flags: u32_at(copy, 12),
            number: u64_at(copy, 16),
            first_position: u64_at(copy, 24),
            epoch: u64_at(copy, 32),
            salt: u64_at(copy, 40),
            file_bytes: u64_at(copy, 48),
            previous,
        })
    }

    /// What the segment's frames are checked against.
    pub fn seal(&self) -> Seal {
        let seed = crc32c_append(crc32c(&self.number.to_le_bytes()), &self.salt.to_le_bytes());
        Seal { seed, epoch: self.epoch }
    }
}

/// Tells the frames of one segment from all other bytes.
#[derive(Debug, Clone, Copy)]
pub struct Seal {
    seed: u32,
    epoch: u64,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of payload.
    pub length: u32,
    /// Covers the head (without its own crc) and the payload.
    pub crc: u32,
    /// The frame's number.
    pub position: u64,
    /// See [`FLAG_LAST`].
    pub flags: u8,
    /// The frame's place in its group, from 0.
    pub index: u16,
}

impl Head {
    /// Bytes from the frame's begin to the next frame's.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.length as usize)
    }

    /// The position of the first frame of its group.
    pub fn group_first(&self) -> u64 {
        self.position - u64::from(self.index)
    }

    /// Whether the group ends here.
    pub fn is_last(&self) -> bool {
        self.flags & FLAG_LAST != 0
    }
}

/// Bytes that a frame with so much payload takes.
pub fn frame_bytes(payload_bytes: usize) -> u64 {
    (HEAD_BYTES as u64 + payload_bytes as u64).next_multiple_of(ALIGNMENT)
}

impl Seal {
    /// Appends a frame to `out` and returns its crc.
    pub fn encode(&self, out: &mut Vec<u8>, position: u64, index: u16, is_last: bool, payload: &[u8]) -> u32 {
        let length = u32::try_from(payload.len()).expect("checked against FRAME_BYTES_MAX");
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        head[16..24].copy_from_slice(&position.to_le_bytes());
        head[24] = KIND_DATA;
        head[25] = if is_last { FLAG_LAST } else { 0 };
        head[26..28].copy_from_slice(&index.to_le_bytes());
        let crc = self.frame_crc(&head, payload);
        head[4..8].copy_from_slice(&crc.to_le_bytes());
        let head_crc = crc32c_append(self.seed, &head[..28]);
        head[28..].copy_from_slice(&head_crc.to_le_bytes());
        let end = out.len() + frame_bytes(payload.len()) as usize;
        out.extend_from_slice(&head);
        out.extend_from_slice(payload);
        out.resize(end, 0);
        crc
    }

    /// The head at the front of `bytes`, if it is one of this segment.
    pub fn head(&self, bytes: &[u8]) -> Option<Head> {
        let bytes = bytes.get(..HEAD_BYTES)?;
        // Cheapest and most telling first: this runs for every eighth byte behind damage.
        if u64_at(bytes, 8) != self.epoch || bytes[24] != KIND_DATA {
            return None;
        }
        if u32_at(bytes, 28) != crc32c_append(self.seed, &bytes[..28]) {
            return None;
        }
        let head = Head {
            length: u32_at(bytes, 0),
            crc: u32_at(bytes, 4),
            position: u64_at(bytes, 16),
            flags: bytes[25],
            index: u16::from_le_bytes([bytes[26], bytes[27]]),
        };
        let plausible = head.length as usize <= FRAME_BYTES_MAX && head.position > u64::from(head.index);
        plausible.then_some(head)
    }

    /// Whether `payload` is the one that belongs to the head in `head_bytes`.
    pub fn fits(&self, head_bytes: &[u8; HEAD_BYTES], payload: &[u8]) -> bool {
        u32_at(head_bytes, 4) == self.frame_crc(head_bytes, payload)
    }

    fn frame_crc(&self, head: &[u8; HEAD_BYTES], payload: &[u8]) -> u32 {
        let crc = crc32c_append(crc32c_append(self.seed, &head[..4]), &head[8..28]);
        crc32c_append(crc, payload)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The file name of the segment that begins with this position.
pub fn segment_name(first_position: u64) -> String {
    format!("wal-{first_position:020}.seg")
}

/// The first position in a segment's file name; `None` for other names.
pub fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("wal-")?.strip_suffix(".seg")?;
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        flags: 0,
        number: 7,
        first_position: 100,
        epoch: 3,
        salt: 0x1234_5678_9abc_def0,
        file_bytes: 8192,
        previous: Link { number: 6, end: 5000, chain: 99 },
    };

    #[test]
    fn a_header_is_read_from_either_copy() {
        let block = HEADER.encode();
        assert_eq!(Header::decode(&block), Ok(HEADER));
        for (first, second, expected) in
            [(true, false, Ok(HEADER)), (false, true, Ok(HEADER)), (true, true, Err(HeaderFault::Damaged))]
        {
            let mut block = block.clone();
            block[30] ^= u8::from(first);
            block[COPY_AT + 30] ^= u8::from(second);
            assert_eq!(Header::decode(&block), expected);
        }
        assert_eq!(Header::decode(&block[..100]), Ok(HEADER));
        assert_eq!(Header::decode(&block[..79]), Err(HeaderFault::Damaged));
    }

    #[test]
    fn a_frame_is_valid_only_in_its_own_segment_and_life_of_the_file() {
        let mut bytes = Vec::new();
        HEADER.seal().encode(&mut bytes, 100, 0, true, b"payload");
        assert_eq!(bytes.len() as u64, frame_bytes(7));
        let head = HEADER.seal().head(&bytes).expect("its own");
        assert_eq!((head.length, head.position, head.is_last(), head.group_first()), (7, 100, true, 100));
        for other in [Header { number: 8, ..HEADER }, Header { salt: 1, ..HEADER }, Header { epoch: 4, ..HEADER }] {
            assert_eq!(other.seal().head(&bytes), None);
        }
    }

    #[test]
    fn only_segment_names_are_read_as_such() {
        assert_eq!(parse_segment_name(&segment_name(12)), Some(12));
        assert_eq!(parse_segment_name(&segment_name(u64::MAX)), Some(u64::MAX));
        for name in [
            "wal-1.seg",
            "spare.seg",
            "wal-99999999999999999999.seg",
            "wal-+0000000000000000001.seg",
            "wal-00000000000000000001.seg.bak",
        ] {
            assert_eq!(parse_segment_name(name), None, "{name}");
        }
    }
}
