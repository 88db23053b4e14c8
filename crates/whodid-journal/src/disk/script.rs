//! A record of every step the journal takes on the disk, with steps that fail on demand.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// One change of the disk, or a word from the test.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Create {
        path: PathBuf,
    },
    Write {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    Cut {
        path: PathBuf,
        bytes: u64,
    },
    Sync {
        path: PathBuf,
    },
    SyncFolder,
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// The test was told that everything up to here is durable.
    Acknowledged {
        last: u64,
    },
    /// The test released everything up to here.
    Released {
        up_to: u64,
    },
}

/// What goes wrong at a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The system answers with this error number, and does nothing.
    Error(i32),
    /// A write puts so many bytes and then answers with this error number.
    Short(usize, i32),
}

pub(crate) const EIO: i32 = 5;
pub(crate) const ENOSPC: i32 = 28;

#[derive(Debug, Default)]
pub(crate) struct Script {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    steps: Vec<Step>,
    /// Steps counted since the fault was set.
    counted: usize,
    fault: Option<(usize, Fault)>,
    /// From the fault on, every step fails: the process is gone.
    is_deadly: bool,
    hit: bool,
    /// Whether there is no room for a further file.
    is_full: bool,
}

impl Script {
    pub(crate) fn note(&self, step: Step) {
        self.state().steps.push(step);
    }

    /// Makes the `step`-th step from now fail; with `is_deadly` all after it too.
    pub(crate) fn fail_at(&self, step: usize, fault: Fault, is_deadly: bool) {
        let mut state = self.state();
        state.counted = 0;
        state.fault = Some((step, fault));
        state.is_deadly = is_deadly;
        state.hit = false;
    }

    /// From now on there is no room for a further file, or there is again.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.state().is_full = is_full;
    }

    pub(crate) fn heal(&self) {
        self.state().fault = None;
    }

    /// Whether the fault came about.
    pub(crate) fn was_hit(&self) -> bool {
        self.state().hit
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.state().steps.clone()
    }

    pub(crate) fn on(&self, step: Step) -> io::Result<()> {
        let mut state = self.state();
        if state.is_full && matches!(step, Step::Create { .. }) {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        match state.next_fault() {
            Some(Fault::Error(number) | Fault::Short(_, number)) => Err(io::Error::from_raw_os_error(number)),
            None => {
                state.steps.push(step);
                Ok(())
            }
        }
    }

    /// The part of `bytes` to write, and what to answer then.
    pub(crate) fn on_write<'a>(&self, path: &Path, at: u64, bytes: &'a [u8]) -> (&'a [u8], io::Result<()>) {
        let mut state = self.state();
        let (part, outcome) = match state.next_fault() {
            Some(Fault::Error(number)) => (&bytes[..0], Err(io::Error::from_raw_os_error(number))),
            Some(Fault::Short(count, number)) => {
                (&bytes[..count.min(bytes.len())], Err(io::Error::from_raw_os_error(number)))
            }
            None => (bytes, Ok(())),
        };
        state.steps.push(Step::Write { path: path.into(), at, bytes: part.to_vec() });
        (part, outcome)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl State {
    fn next_fault(&mut self) -> Option<Fault> {
        let (at, fault) = self.fault?;
        let now = self.counted;
        self.counted += 1;
        if now == at {
            self.hit = true;
            return Some(fault);
        }
        (self.is_deadly && now > at).then_some(Fault::Error(EIO))
    }
}
