//! Users act from addresses that do not fit them: [`Kind::IpInsight`].
//!
//! Only an address that is new for its user is scored. Who roams has new networks all the time, which makes one more no
//! news ([`Profile::news_rate`]); a network that others of the account use, such as an office, a VPN exit or the gateway
//! of a mobile provider, speaks against an intruder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arrival::{Arrivals, Deed, looks};
use crate::episode::Object;
use crate::grid::Bin;
use crate::kind::Kind;
use crate::names::Name;
use crate::place::{address_of, network_of};
use crate::profile::{Crowd, Feature, Profile, Visit, forget_oldest, rename, tree_bytes};
use crate::scene::Scene;
use crate::seen::Seen;

/// Users of an account that are known; beyond it the twentieth that was not seen for longest is forgotten.
const USERS_MAX: usize = 50_000;
/// Addresses whose network and country are remembered; beyond it they are looked up anew.
const ADDRESSES_MAX: usize = 200_000;

/// Users and where they act from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    users: BTreeMap<Name, Profile>,
    crowd: Crowd,
    arrivals: Arrivals,
    whereabouts: Whereabouts,
}

/// Networks and countries of addresses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Whereabouts(BTreeMap<Name, (Name, Option<Name>)>);

impl Whereabouts {
    /// The network of an address, and its country where that is known. A text that is no address is its own network.
    fn of(&mut self, address: Name, scene: &mut Scene<'_>) -> (Name, Option<Name>) {
        if let Some(known) = self.0.get(&address) {
            return *known;
        }
        if self.0.len() >= ADDRESSES_MAX {
            self.0.clear();
        }
        let found = match address_of(scene.names.text(address)) {
            Some(ip) => {
                let country = scene.places.country(ip).map(|country| scene.names.of(&country));
                (scene.names.of(&network_of(ip)), country)
            }
            None => (address, None),
        };
        self.0.insert(address, found);
        found
    }
}

impl Addresses {
    /// What an event is like. `None` where nobody or no address is named.
    pub fn visit(&mut self, seen: &Seen, scene: &mut Scene<'_>) -> Option<Visit> {
        let address = seen.address?;
        let (network, country) = self.whereabouts.of(address, scene);
        Some(Visit {
            at: seen.happened,
            values: [Some(address), Some(network), country, seen.agent, None],
            is_failed: seen.code.is_some() || seen.is_denied,
            is_denied: seen.is_denied,
            is_write: seen.is_write,
        })
    }

    /// Others of the account that have a value.
    pub fn others(&self, feature: Feature, value: Name, at: i64) -> u32 {
        self.crowd.others(feature, value, at)
    }

    /// Takes in an event in the order of time.
    pub fn take(&mut self, seen: &Seen, visit: &Visit, scene: &mut Scene<'_>) {
        let (Some(principal), Some(address)) = (seen.principal, seen.address) else { return };
        let deed = Deed {
            who: (address, principal),
            visit: *visit,
            offset: seen.offset,
            region: seen.region,
            principal: Some(principal),
            times: seen.times,
        };
        let profile = self.users.entry(principal).or_insert_with(|| Profile::new(visit.at));
        if !profile.knows(Feature::Address, address) && !self.arrivals.is_watched(deed.who) {
            let others = |feature, value| self.crowd.others(feature, value, visit.at);
            let looks = looks(profile, &self.crowd, &self.arrivals.travel, visit, others);
            self.arrivals.arrive(&deed, looks, profile, &self.crowd, scene.source);
        }
        profile.learn(visit, seen.times, &mut self.crowd);
        let object = |scene: &Scene<'_>| Object {
            source: scene.source_name.to_owned(),
            region: scene.names.text(seen.region).to_owned(),
            address: Some(scene.names.text(address).to_owned()),
            principal: Some(scene.names.text(principal).to_owned()),
            ..Object::default()
        };
        if self.arrivals.count(Kind::IpInsight, &deed, scene, object)
            && let Some(network) = visit.values[Feature::Network as usize]
        {
            self.crowd.tell(Feature::Network, network);
        }
        self.bound();
    }

    /// Takes in what came too late to be judged.
    pub fn teach(&mut self, seen: &Seen, visit: &Visit) {
        let Some(principal) = seen.principal else { return };
        let profile = self.users.entry(principal).or_insert_with(|| Profile::new(visit.at));
        profile.learn(visit, seen.times, &mut self.crowd);
        self.bound();
    }

    fn bound(&mut self) {
        if self.users.len() > USERS_MAX {
            forget_oldest(&mut self.users, Profile::last_day);
        }
    }

    /// Forgets the twentieth that was not seen for longest; `false` where there is nobody.
    pub fn forget_some(&mut self) -> bool {
        if self.users.is_empty() {
            return false;
        }
        forget_oldest(&mut self.users, Profile::last_day);
        true
    }

    /// The time of a source has come to a bin.
    pub fn over(&mut self, bin: Bin, scene: &mut Scene<'_>) {
        self.arrivals.over(bin, scene);
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        // Looked up anew where it is needed.
        self.whereabouts.0.clear();
        rename(&mut self.users, |user| visit(user));
        self.users.values_mut().for_each(|profile| profile.names(visit));
        self.crowd.names(visit);
        self.arrivals.names(visit);
    }

    pub fn bytes(&self) -> usize {
        tree_bytes(&self.users)
            + tree_bytes(&self.whereabouts.0)
            + self.users.values().map(Profile::bytes).sum::<usize>()
            + self.crowd.bytes()
            + self.arrivals.bytes()
    }
}
