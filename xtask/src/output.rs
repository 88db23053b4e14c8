//! Where the lines of a step go: to the terminal as they come, or into memory while another step writes there.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Takes whole lines in one piece, so that whatever runs at the same time cannot tear them apart.
#[derive(Debug)]
pub struct Output {
    /// What was written so far; `None` where it goes to the terminal.
    kept: Option<Mutex<Vec<u8>>>,
}

impl Output {
    /// To the terminal, as it comes.
    pub fn straight() -> Self {
        Self { kept: None }
    }

    /// Into memory, until [`Output::release`].
    pub fn kept() -> Self {
        Self { kept: Some(Mutex::default()) }
    }

    /// Writes `text`, one line or several, and ends the last of them.
    pub fn line(&self, text: impl Display) {
        self.write(format!("{text}\n").as_bytes());
    }

    /// Writes lines as they are.
    pub fn write(&self, lines: &[u8]) {
        match &self.kept {
            Some(kept) => kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(lines),
            None => to_terminal(lines),
        }
    }

    /// Brings what was kept to the terminal, in one piece.
    pub fn release(self) {
        to_terminal(&self.into_kept());
    }

    /// What was kept; nothing of what went to the terminal.
    pub fn into_kept(self) -> Vec<u8> {
        self.kept.map(|kept| kept.into_inner().unwrap_or_else(PoisonError::into_inner)).unwrap_or_default()
    }
}

fn to_terminal(lines: &[u8]) {
    // A reader of our output who went away is no reason to stop.
    let _ = std::io::stdout().write_all(lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_written_in_its_order() {
        let output = Output::kept();
        output.line("--- one");
        output.write(b"two\nthree\n");
        output.line(format_args!("{} lines", 4));
        assert_eq!(String::from_utf8(output.into_kept()).unwrap(), "--- one\ntwo\nthree\n4 lines\n");
    }

    #[test]
    fn nothing_is_kept_of_what_goes_straight_to_the_terminal() {
        let output = Output::straight();
        output.write(b"");
        assert!(output.into_kept().is_empty());
    }
}
