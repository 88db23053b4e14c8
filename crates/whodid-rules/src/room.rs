//! Room for what is remembered: what is let go when an account's share is full.

use std::collections::HashSet;

use crate::habits::forget_networks;
use crate::state::{GroupKey, POOL_BYTES_MAX, State};
use crate::window::Group;

/// Lets go of the windows heard of least recently, of the correlation that has most, until a tenth is free: a flood
/// costs the rules that it floods.
pub(crate) fn make_room_for_windows(state: &mut State) {
    state.weigh();
    while state.windows > POOL_BYTES_MAX / 10 * 9 {
        let heaviest = (0..state.memories.len()).max_by_key(|index| state.memories[*index].weight_of_windows());
        let Some(index) = heaviest.filter(|index| !state.memories[*index].groups.is_empty()) else {
            // What waits is of groups that are gone.
            state.due.retain(|due| state.memories[due.detector].heard.contains_key(&due.group));
            state.weigh();
            return;
        };
        let memory = &mut state.memories[index];
        let mut touched: Vec<u64> = memory.groups.values().map(|group| group.touched).collect();
        // Arrivals are numbered, so no two groups were heard of at once.
        let last = (touched.len() - 1) / 10;
        let newest_of_oldest = *touched.select_nth_unstable(last).1;
        let is_old = |_: &GroupKey, group: &mut Group| group.touched <= newest_of_oldest;
        let gone: HashSet<GroupKey> = memory.groups.extract_if(is_old).map(|(key, _)| key).collect();
        state.drops.groups += gone.len() as u64;
        gone.iter().for_each(|key| {
            memory.spellings.remove(key);
        });
        state.due.retain(|due| due.detector != index || !gone.contains(&due.group));
        state.weigh();
    }
}

/// The same for what is learned: networks that few use, then habits and groups that were heard of least recently.
pub(crate) fn make_room_for_habits(state: &mut State) {
    state.weigh();
    while state.habits > POOL_BYTES_MAX / 10 * 9 {
        let heaviest = (0..state.memories.len()).max_by_key(|index| state.memories[*index].weight_of_habits());
        let Some(index) = heaviest else { return };
        let memory = &mut state.memories[index];
        let weight = memory.weight_of_habits();
        if weight == 0 {
            return;
        }
        let of_networks: usize = memory.networks.iter().map(|(name, network)| name.len() + network.weight()).sum();
        if of_networks > weight / 2 {
            state.drops.values += forget_networks(&mut memory.networks, of_networks / 10 + 1);
            state.weigh();
            continue;
        }
        let mut oldest: Vec<(u64, i64, GroupKey)> =
            memory.habits.iter().map(|(key, habits)| (habits.touched, 0, key.clone())).collect();
        oldest.extend(memory.heard.iter().map(|(key, heard)| (0, heard.time.micros(), key.clone())));
        oldest.sort_unstable();
        oldest.truncate(oldest.len().div_ceil(10));
        state.drops.groups += oldest.len() as u64;
        for (_, _, key) in &oldest {
            memory.habits.remove(key);
            memory.heard.remove(key);
            memory.spellings.remove(key);
        }
        let gone: HashSet<&GroupKey> = oldest.iter().map(|(_, _, key)| key).collect();
        state.due.retain(|due| due.detector != index || !gone.contains(&due.group));
        state.weigh();
    }
}
