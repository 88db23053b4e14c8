//! What detection remembers between events, bounded, and kept across restarts.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::folding::Folding;
use crate::habits::{Habits, Networks};
use crate::window::Group;

/// Version of the stored form.
pub const SNAPSHOT_VERSION: u32 = 1;
/// Bytes that what is remembered of one account may take, about: half for windows, half for habits, so that neither can
/// push the other out.
pub const STATE_BYTES_MAX: usize = 64 << 20;
/// What each of the two may take.
pub(crate) const POOL_BYTES_MAX: usize = STATE_BYTES_MAX / 2;
/// Bytes of a value that groups, windows and folding keep of it; of longer ones the beginning and a hash.
const VALUE_BYTES_MAX: usize = 256;
/// How late an event may be and still be correlated exactly.
pub const LATENESS_MICROS: i64 = 10 * 60 * 1_000_000;
/// How long conditions that more events can make false wait for them.
pub const SETTLE_MICROS: i64 = 60 * 1_000_000;

/// A group: the values of the fields it is made by, in small letters.
pub(crate) type GroupKey = Vec<String>;

/// A value as it is remembered: whole, or where it is very long its beginning and a hash.
pub(crate) fn bounded(text: std::borrow::Cow<'_, str>) -> String {
    if text.len() <= VALUE_BYTES_MAX {
        return text.into_owned();
    }
    let end = (0..=VALUE_BYTES_MAX - 40).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…{}", &text[..end], crate::ruleset::fingerprint(&text))
}

/// Bytes that a group's name takes, about: it is the name of the group, and stands in what waits for it and beside its
/// spelling.
pub(crate) fn weight_of_key(key: &GroupKey) -> usize {
    128 + 3 * key.iter().map(|value| value.len() + 24).sum::<usize>()
}

/// What one correlation remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    #[serde(with = "pairs", default, skip_serializing_if = "HashMap::is_empty")]
    pub groups: HashMap<GroupKey, Group>,
    #[serde(with = "pairs", default, skip_serializing_if = "HashMap::is_empty")]
    pub habits: HashMap<GroupKey, Habits>,
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub networks: Networks,
    /// When groups were last heard of: of silence.
    #[serde(with = "pairs", default, skip_serializing_if = "HashMap::is_empty")]
    pub heard: HashMap<GroupKey, Heard>,
    /// The spelling of group values as first seen, for people.
    #[serde(with = "pairs", default, skip_serializing_if = "HashMap::is_empty")]
    pub spellings: HashMap<GroupKey, Vec<String>>,
    /// Firings so far: the number of the next.
    pub firings: u64,
    /// What was learned from of what was stored before the rule ran, as a fingerprint; empty where nothing was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub learned_from: String,
}

/// When a group was last heard of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub time: Timestamp,
    pub recorded_at: Timestamp,
    /// Whether its silence was told.
    pub is_told: bool,
}

/// Something to be judged when the clock has passed a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Due {
    pub at: Timestamp,
    pub detector: usize,
    pub group: GroupKey,
    /// The time that is judged.
    pub time: Timestamp,
}

/// What had to be let go or left out, counted; shown to people, because it can only make rules find less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// Groups let go because memory was full.
    pub groups: u64,
    /// Matches let go because their group was full.
    pub matches: u64,
    /// Matches without a value for a field of the group.
    pub without_group: u64,
    /// Windows that were not judged again for a late match, because there were too many.
    #[serde(default)]
    pub windows: u64,
    /// Values, sources and networks that habits had to forget.
    #[serde(default)]
    pub values: u64,
}

/// What detection remembers of one account.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) memories: Vec<Memory>,
    pub(crate) due: std::collections::BTreeSet<Due>,
    /// The latest event time seen.
    pub(crate) horizon: Timestamp,
    /// The latest time of taking in, or of a tick.
    pub(crate) clock: Timestamp,
    pub(crate) arrivals: u64,
    /// Bytes of windows and of what waits.
    pub(crate) windows: usize,
    /// Bytes of habits, networks, and of groups that may fall silent.
    pub(crate) habits: usize,
    pub(crate) drops: Drops,
    pub(crate) folding: Folding,
}

/// A stored state: what each correlation remembers under the fingerprint of its definition, so that a changed rule
/// begins anew and the others go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`].
    pub version: u32,
    memories: BTreeMap<String, Memory>,
    due: Vec<(String, Due)>,
    horizon: Timestamp,
    clock: Timestamp,
    arrivals: u64,
    drops: Drops,
    folding: Folding,
}

/// A [`Snapshot`] that borrows, to be written.
#[derive(Debug, Serialize)]
pub struct SnapshotView<'a> {
    version: u32,
    memories: BTreeMap<&'a str, &'a Memory>,
    due: Vec<(&'a str, &'a Due)>,
    horizon: Timestamp,
    clock: Timestamp,
    arrivals: u64,
    drops: Drops,
    folding: &'a Folding,
}

impl State {
    /// What had to be let go or left out so far.
    pub fn drops(&self) -> Drops {
        self.drops
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.windows + self.habits
    }

    /// Has something judged later.
    pub(crate) fn wait(&mut self, due: Due) {
        self.windows += weight_of_due(&due);
        self.due.insert(due);
    }

    /// Goes on after a time in which nothing was taken in: what was to be judged meanwhile waits for senders that still
    /// have to deliver what happened then.
    pub fn resume(&mut self, now: Timestamp) {
        if now.micros() - self.clock.micros() <= SETTLE_MICROS {
            return;
        }
        let earliest = now.plus_micros(LATENESS_MICROS);
        let due = std::mem::take(&mut self.due);
        self.due = due.into_iter().map(|due| Due { at: due.at.max(earliest), ..due }).collect();
    }

    /// The stored form. `fingerprints` are those of the rule set's correlations, in order.
    pub(crate) fn snapshot(&self, fingerprints: &[String]) -> Snapshot {
        let name = |index: usize| fingerprints.get(index).cloned().unwrap_or_default();
        Snapshot {
            version: SNAPSHOT_VERSION,
            memories: self.memories.iter().enumerate().map(|(index, memory)| (name(index), memory.clone())).collect(),
            due: self.due.iter().map(|due| (name(due.detector), due.clone())).collect(),
            horizon: self.horizon,
            clock: self.clock,
            arrivals: self.arrivals,
            drops: self.drops,
            folding: self.folding.clone(),
        }
    }

    /// The same, borrowed.
    pub(crate) fn view<'a>(&'a self, fingerprints: &'a [String]) -> SnapshotView<'a> {
        let name = |index: usize| fingerprints.get(index).map(String::as_str).unwrap_or_default();
        SnapshotView {
            version: SNAPSHOT_VERSION,
            memories: self.memories.iter().enumerate().map(|(index, memory)| (name(index), memory)).collect(),
            due: self.due.iter().map(|due| (name(due.detector), due)).collect(),
            horizon: self.horizon,
            clock: self.clock,
            arrivals: self.arrivals,
            drops: self.drops,
            folding: &self.folding,
        }
    }

    /// Takes up what was stored, for the correlations that are still the same.
    pub(crate) fn restore(mut snapshot: Snapshot, fingerprints: &[String]) -> Self {
        let index: HashMap<&String, usize> =
            fingerprints.iter().enumerate().map(|(index, name)| (name, index)).collect();
        let memories: Vec<Memory> =
            fingerprints.iter().map(|name| snapshot.memories.remove(name).unwrap_or_default()).collect();
        let due = snapshot.due.into_iter().filter_map(|(name, due)| Some(Due { detector: *index.get(&name)?, ..due }));
        let mut memories = memories;
        memories.iter_mut().flat_map(|memory| memory.habits.values_mut()).for_each(Habits::weigh);
        memories.iter_mut().flat_map(|memory| memory.groups.values_mut()).for_each(Group::weigh_entries);
        let mut state = Self {
            memories,
            due: due.collect(),
            horizon: snapshot.horizon,
            clock: snapshot.clock,
            arrivals: snapshot.arrivals,
            windows: 0,
            habits: 0,
            drops: snapshot.drops,
            folding: snapshot.folding,
        };
        state.weigh();
        state
    }

    /// Counts the bytes anew.
    pub(crate) fn weigh(&mut self) {
        self.windows = self.memories.iter().map(Memory::weight_of_windows).sum::<usize>()
            + self.due.iter().map(weight_of_due).sum::<usize>();
        self.habits = self.memories.iter().map(Memory::weight_of_habits).sum();
    }
}

fn weight_of_due(due: &Due) -> usize {
    weight_of_key(&due.group) / 3 + 64
}

impl Memory {
    pub fn weight_of_windows(&self) -> usize {
        self.groups.iter().map(|(key, group)| weight_of_key(key) + group.weight()).sum()
    }

    pub fn weight_of_habits(&self) -> usize {
        let habits: usize = self.habits.iter().map(|(key, habits)| weight_of_key(key) + habits.weight()).sum();
        let heard: usize = self.heard.keys().map(|key| weight_of_key(key) + size_of::<Heard>()).sum();
        let networks: usize = self.networks.iter().map(|(name, network)| name.len() + network.weight()).sum();
        habits + heard + networks
    }
}

/// Maps whose keys are lists, as lists of pairs.
mod pairs {
    use std::collections::HashMap;
    use std::hash::Hash;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<K: Serialize + Ord, V: Serialize, S: Serializer>(
        map: &HashMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut pairs: Vec<(&K, &V)> = map.iter().collect();
        // The same state gives the same bytes.
        pairs.sort_by(|one, other| one.0.cmp(other.0));
        pairs.serialize(serializer)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<HashMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
