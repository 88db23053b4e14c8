//! Access keys are used as they never were: [`Kind::AkInsight`].
//!
//! From another network, by another program, or for another service where it is refused. A key belongs to a program, and
//! programs change less than people do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::Addresses;
use crate::arrival::{Arrivals, Deed, looks};
use crate::episode::Object;
use crate::grid::{Bin, HOUR_MICROS};
use crate::kind::Kind;
use crate::names::Name;
use crate::profile::{Crowd, Feature, Profile, Visit, forget_oldest, rename, tree_bytes};
use crate::scene::Scene;
use crate::seen::Seen;

/// Keys of an account that are known; beyond it the twentieth that was not seen for longest is forgotten.
const KEYS_MAX: usize = 50_000;
/// A key is judged when it is known for so long and was used so often.
const AGE_MICROS_MIN: i64 = 24 * HOUR_MICROS;
const USES_MIN: u32 = 20;

/// Access keys and how they are used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Keys {
    keys: BTreeMap<Name, Profile>,
    crowd: Crowd,
    arrivals: Arrivals,
}

impl Keys {
    /// Takes in an event in the order of time.
    pub fn take(&mut self, seen: &Seen, visit: Option<&Visit>, addresses: &Addresses, scene: &mut Scene<'_>) {
        let Some(credential) = seen.credential else { return };
        let visit = of_key(seen, visit);
        let deed = Deed {
            // Without an address what is done stands for itself.
            who: (credential, seen.address.unwrap_or(seen.action)),
            visit,
            offset: seen.offset,
            region: seen.region,
            principal: seen.principal,
            times: seen.times,
        };
        let profile = self.keys.entry(credential).or_insert_with(|| Profile::new(visit.at));
        let is_judged = visit.at - profile.first_at >= AGE_MICROS_MIN && profile.uses >= USES_MIN;
        if is_judged && is_news(profile, &visit) && !self.arrivals.is_watched(deed.who) {
            let others = |feature, value| {
                addresses.others(feature, value, visit.at).max(self.crowd.others(feature, value, visit.at))
            };
            let looks = looks(profile, &self.crowd, &self.arrivals.travel, &visit, others);
            self.arrivals.arrive(&deed, looks, profile, &self.crowd, scene.source);
        }
        profile.learn(&visit, seen.times, &mut self.crowd);
        let object = |scene: &Scene<'_>| {
            let text = |name: Name| scene.names.text(name).to_owned();
            Object {
                source: scene.source_name.to_owned(),
                region: text(seen.region),
                address: seen.address.map(text),
                principal: seen.principal.map(text),
                credential: Some(text(credential)),
                ..Object::default()
            }
        };
        if self.arrivals.count(Kind::AkInsight, &deed, scene, object)
            && let Some(network) = visit.values[Feature::Network as usize]
        {
            self.crowd.tell(Feature::Network, network);
        }
        self.bound();
    }

    /// Takes in what came too late to be judged.
    pub fn teach(&mut self, seen: &Seen, visit: Option<&Visit>) {
        let Some(credential) = seen.credential else { return };
        let visit = of_key(seen, visit);
        let profile = self.keys.entry(credential).or_insert_with(|| Profile::new(visit.at));
        profile.learn(&visit, seen.times, &mut self.crowd);
        self.bound();
    }

    fn bound(&mut self) {
        if self.keys.len() > KEYS_MAX {
            forget_oldest(&mut self.keys, Profile::last_day);
        }
    }

    /// Forgets the twentieth that was not seen for longest; `false` where there is nobody.
    pub fn forget_some(&mut self) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        forget_oldest(&mut self.keys, Profile::last_day);
        true
    }

    /// The time of a source has come to a bin.
    pub fn over(&mut self, bin: Bin, scene: &mut Scene<'_>) {
        self.arrivals.over(bin, scene);
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        rename(&mut self.keys, |key| visit(key));
        self.keys.values_mut().for_each(|profile| profile.names(visit));
        self.crowd.names(visit);
        self.arrivals.names(visit);
    }

    pub fn bytes(&self) -> usize {
        tree_bytes(&self.keys)
            + self.keys.values().map(Profile::bytes).sum::<usize>()
            + self.crowd.bytes()
            + self.arrivals.bytes()
    }
}

/// The same visit, of a key: its services count, and its addresses only by their networks.
fn of_key(seen: &Seen, visit: Option<&Visit>) -> Visit {
    let values = visit.map_or([None; 5], |visit| visit.values);
    let [_, network, country, _, _] = values;
    Visit {
        at: seen.happened,
        values: [None, network, country, seen.agent, Some(seen.service)],
        is_failed: seen.code.is_some() || seen.is_denied,
        is_denied: seen.is_denied,
        is_write: seen.is_write,
    }
}

fn is_news(profile: &Profile, visit: &Visit) -> bool {
    let is_new = |feature: Feature| {
        visit.values[feature as usize].is_some_and(|value| profile.knows_any(feature) && !profile.knows(feature, value))
    };
    is_new(Feature::Network) || is_new(Feature::Agent) || (is_new(Feature::Service) && visit.is_failed)
}
