//! What every [`Journal`] must do, as tests that any implementation can run.

#![allow(clippy::unwrap_used, reason = "a test suite")]

use crate::{AppendError, FRAME_BYTES_MAX, Journal, Position};

/// Frames as read back.
pub type Frames = Vec<(u64, Vec<u8>)>;

/// Runs the suite. `open(bound_bytes)` makes an empty journal of its own; `reopen` closes a journal, opens
/// it again and gives the frames found, and may leave a journal that cannot be closed as it is.
pub fn suite<J: Journal>(mut open: impl FnMut(u64) -> J, mut reopen: impl FnMut(J) -> (J, Frames)) {
    positions_count_frames_from_one(&mut open(1 << 20));
    frames_come_back_in_order(open(1 << 20), &mut reopen);
    groups_of_a_wrong_shape_are_refused_without_effect(open(128 << 20), &mut reopen);
    the_bound_refuses_before_writing_and_a_release_lifts_it(open(4096), &mut reopen);
    released_frames_may_go_and_others_stay(open(1 << 20), &mut reopen);
    releasing_beyond_the_end_is_releasing_all(open(1 << 20), &mut reopen);
}

fn positions_count_frames_from_one(journal: &mut dyn Journal) {
    assert_eq!(journal.last(), None);
    assert_eq!(journal.used_bytes(), 0);
    assert_eq!(journal.append(&[b"a"]).unwrap().get(), 1);
    assert_eq!(journal.append(&[b"b", b"c", b"d"]).unwrap().get(), 4);
    assert_eq!(journal.last(), Position::new(4));
    assert!(journal.used_bytes() >= 4 && journal.used_bytes() <= journal.bound_bytes());
}

fn frames_come_back_in_order<J: Journal>(mut journal: J, reopen: &mut impl FnMut(J) -> (J, Frames)) {
    let large = vec![7; 100_000];
    journal.append(&[b"first", b"", &large]).unwrap();
    journal.append(&[b"\0\0\0\0"]).unwrap();
    let expected = vec![(1, b"first".to_vec()), (2, Vec::new()), (3, large), (4, vec![0; 4])];
    let (mut journal, frames) = reopen(journal);
    assert_eq!(frames, expected);
    assert_eq!(journal.last(), Position::new(4));
    assert_eq!(journal.append(&[b"next"]).unwrap().get(), 5);
    let (_, frames) = reopen(journal);
    assert_eq!(frames[..4], expected);
    assert_eq!(frames[4..], [(5, b"next".to_vec())]);
}

fn groups_of_a_wrong_shape_are_refused_without_effect<J: Journal>(
    mut journal: J,
    reopen: &mut impl FnMut(J) -> (J, Frames),
) {
    let too_large = vec![0; FRAME_BYTES_MAX + 1];
    assert!(matches!(journal.append(&[]), Err(AppendError::Shape { frames: 0, .. })));
    assert!(matches!(journal.append(&[b"a", &too_large]), Err(AppendError::Shape { frames: 2, .. })));
    assert!(matches!(journal.append(&vec![&b""[..]; crate::GROUP_FRAMES_MAX + 1]), Err(AppendError::Shape { .. })));
    assert_eq!((journal.last(), journal.used_bytes()), (None, 0));
    assert_eq!(journal.append(&[&too_large[1..]]).unwrap().get(), 1);
    let (_, frames) = reopen(journal);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].1.len(), FRAME_BYTES_MAX);
}

fn the_bound_refuses_before_writing_and_a_release_lifts_it<J: Journal>(
    mut journal: J,
    reopen: &mut impl FnMut(J) -> (J, Frames),
) {
    let frame = [1; 1000];
    let mut acknowledged = 0;
    let refusal = loop {
        match journal.append(&[&frame]) {
            Ok(position) => acknowledged = position.get(),
            Err(error) => break error,
        }
    };
    assert!((1..=4).contains(&acknowledged), "{acknowledged}");
    let AppendError::Bound { used_bytes, bound_bytes, .. } = refusal else { panic!("{refusal}") };
    assert_eq!((used_bytes, bound_bytes), (journal.used_bytes(), journal.bound_bytes()));
    journal.release(Position::new(acknowledged).unwrap()).unwrap();
    assert_eq!(journal.used_bytes(), 0);
    assert_eq!(journal.append(&[&frame]).unwrap().get(), acknowledged + 1);
    let (_, frames) = reopen(journal);
    assert_eq!(frames.last().unwrap().0, acknowledged + 1);
}

fn released_frames_may_go_and_others_stay<J: Journal>(mut journal: J, reopen: &mut impl FnMut(J) -> (J, Frames)) {
    for number in 1..=50u64 {
        journal.append(&[&[number as u8; 500]]).unwrap();
    }
    let before = journal.used_bytes();
    journal.release(Position::new(30).unwrap()).unwrap();
    assert!(journal.used_bytes() <= before);
    let (mut journal, frames) = reopen(journal);
    assert!(frames[0].0 <= 31, "{} is too late", frames[0].0);
    for (place, (position, frame)) in frames.iter().enumerate() {
        assert_eq!(*position, frames[0].0 + place as u64);
        assert_eq!(frame, &[*position as u8; 500]);
    }
    assert_eq!(frames.last().unwrap().0, 50);
    // To release what is released already is no error.
    journal.release(Position::new(10).unwrap()).unwrap();
    assert_eq!(journal.append(&[b"x"]).unwrap().get(), 51);
}

fn releasing_beyond_the_end_is_releasing_all<J: Journal>(mut journal: J, reopen: &mut impl FnMut(J) -> (J, Frames)) {
    journal.append(&[b"a", b"b"]).unwrap();
    journal.release(Position::new(99).unwrap()).unwrap();
    assert_eq!(journal.used_bytes(), 0);
    journal.append(&[b"c"]).unwrap();
    assert!(journal.used_bytes() > 0);
    let (mut journal, frames) = reopen(journal);
    assert_eq!(frames.last().unwrap(), &(3, b"c".to_vec()));
    assert_eq!(journal.append(&[b"d"]).unwrap().get(), 4);
}
