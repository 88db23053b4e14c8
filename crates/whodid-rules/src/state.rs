//! What detection remembers between events, bounded, and kept across restarts.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::folding::Folding;
use crate::habits::{Habits, Networks};
use crate::window::Group;

/// Version of the stored form.
pub const SNAPSHOT_VERSION: u32 = 1;
/// Bytes that the groups of one account may take, about.
pub const STATE_BYTES_MAX: usize = 64 << 20;
/// How late an event may be and still be correlated exactly.
pub const LATENESS_MICROS: i64 = 10 * 60 * 1_000_000;
/// How long conditions that more events can make false wait for them.
pub const SETTLE_MICROS: i64 = 60 * 1_000_000;

/// A group: the values of the fields it is made by, in small letters.
pub(crate) type GroupKey = Vec<String>;

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
    pub(crate) bytes: usize,
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

impl State {
    /// What had to be let go or left out so far.
    pub fn drops(&self) -> Drops {
        self.drops
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
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

    /// Takes up what was stored, for the correlations that are still the same.
    pub(crate) fn restore(mut snapshot: Snapshot, fingerprints: &[String]) -> Self {
        let index: HashMap<&String, usize> =
            fingerprints.iter().enumerate().map(|(index, name)| (name, index)).collect();
        let memories: Vec<Memory> =
            fingerprints.iter().map(|name| snapshot.memories.remove(name).unwrap_or_default()).collect();
        let due = snapshot.due.into_iter().filter_map(|(name, due)| Some(Due { detector: *index.get(&name)?, ..due }));
        let mut state = Self {
            memories,
            due: due.collect(),
            horizon: snapshot.horizon,
            clock: snapshot.clock,
            arrivals: snapshot.arrivals,
            bytes: 0,
            drops: snapshot.drops,
            folding: snapshot.folding,
        };
        state.weigh();
        state
    }

    /// Counts the bytes anew.
    pub(crate) fn weigh(&mut self) {
        let of_groups = |memory: &Memory| -> usize {
            memory.groups.values().flat_map(|group| group.entries.iter().map(crate::window::Entry::weight)).sum()
        };
        let of_habits = |memory: &Memory| -> usize { memory.habits.values().map(Habits::weight).sum() };
        self.bytes = self.memories.iter().map(|memory| of_groups(memory) + of_habits(memory)).sum();
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
