//! An event with names for its texts.

use serde::{Deserialize, Serialize};

use crate::names::Name;

/// What an observation comes to: names for texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub offset: u64,
    pub happened: i64,
    pub region: Name,
    pub service: Name,
    pub action: Name,
    pub code: Option<Name>,
    pub principal: Option<Name>,
    pub address: Option<Name>,
    /// The family of its user agent ([`family_of`](crate::place::family_of)).
    pub agent: Option<Name>,
    pub credential: Option<Name>,
    pub is_write: bool,
    pub is_denied: bool,
    pub times: u32,
}

impl Seen {
    /// Calls `visit` with each name.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        let Self { region, service, action, code, principal, address, agent, credential, .. } = self;
        [region, service, action].into_iter().for_each(&mut *visit);
        [code, principal, address, agent, credential].into_iter().flatten().for_each(visit);
    }
}
