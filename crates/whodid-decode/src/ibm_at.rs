//! The IBM Activity Tracker profile of CADF (source-systems §1.2, §1.4).
//!
//! Its events are no valid CADF: no typeURI, actions of the form `service.object.verb`, reason codes
//! as numbers. They share CADF's members otherwise, so the members are read by [`crate::cadf`].

use std::borrow::Cow;

use whodid_model::{Field, taxonomy};

use crate::draft::Draft;
use crate::json::Node;
use crate::respell::respelled;
use crate::{Decoded, cadf};

/// Key Protect's renamed actions, old and new, without the service in front.
/// The verbs `default` and `request` mean an invalid request.
const RENAMED: &[(&str, &str)] = &[
    ("governance.configread", "governance-config.read"),
    ("importtoken.create", "import-token.create"),
    ("importtoken.read", "import-token.read"),
    ("importtoken.default", "import-token.request"),
    ("instance.readallowedipport", "instance-allowed-ip-port.read"),
    ("instance.readipwhitelistport", "instance-ip-allowlist-port.read"),
    ("instancepolicies.write", "instance-policies.write"),
    ("instancepolicies.read", "instance-policies.read"),
    ("instancepolicies.default", "instance-policies.request"),
    ("keyrings.create", "key-rings.create"),
    ("keyrings.delete", "key-rings.delete"),
    ("keyrings.list", "key-rings.list"),
    ("keyrings.default", "key-rings.request"),
    ("secrets.defaultalias", "secrets-alias.request"),
    ("secrets.createalias", "secrets-alias.create"),
    ("secrets.deletealias", "secrets-alias.delete"),
    ("secrets.eventack", "secrets-event.ack"),
    ("secrets.listkeyversions", "secrets-key-versions.list"),
    ("secrets.readmetadata", "secrets-metadata.read"),
];

/// The present name of a renamed Key Protect action; `None` when it was not renamed.
pub(crate) fn renamed(action: &str) -> Option<&'static str> {
    let rest = action.strip_prefix("kms.")?;
    RENAMED.iter().find(|(old, _)| *old == rest).map(|(_, new)| *new)
}

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(root) = respelled(root, cadf::TELLING, cadf::NAMES) {
        return spelled(&root, draft);
    }
    spelled(root, draft)
}

fn spelled<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    cadf::members(root, draft)?;
    draft.text(Field::Service, root.get("_platform"));
    draft.text(Field::App, root.get("logSourceCRN"));
    draft.text(Field::App, root.get("_app"));
    if draft.get(Field::Region).is_none() {
        let region = region_of(root);
        draft.event.fields.set_default(Field::Region, region);
    }
    let action = root.get("action").and_then(Node::text).unwrap_or_default();
    if draft.get(Field::Service).is_none() {
        let service = first_segment(root.get("action"));
        draft.event.fields.set_default(Field::Service, service);
    }
    let current = renamed(action).unwrap_or(action);
    let verb = current.rsplit('.').next().unwrap_or_default();
    Ok(taxonomy::cadf_action_of_verb(verb).map(Cow::Borrowed))
}

/// The region of the first CRN that names one: where the event was logged, then what it was done to.
fn region_of<'a>(root: &Node<'a>) -> Option<Cow<'a, str>> {
    let crns = [root.get("logSourceCRN"), root.get("target").and_then(|target| target.get("id"))];
    for crn in crns.into_iter().flatten() {
        if let Some(region) = crn.part(crn_region) {
            return Some(region);
        }
    }
    root.get("meta")?.get("serviceProviderRegion")?.part(|region| Some(region))
}

/// `crn:v1:cname:ctype:service:REGION:scope:…`
fn crn_region(crn: &str) -> Option<&str> {
    crn.strip_prefix("crn:")?.split(':').nth(4).filter(|region| !region.is_empty())
}

fn first_segment<'a>(action: Option<&Node<'a>>) -> Option<Cow<'a, str>> {
    action?.part(|action| action.split_once('.').map(|(service, _)| service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_the_sixth_part_of_a_crn() {
        assert_eq!(crn_region("crn:v1:bluemix:public:kms:us-south:a/1:2:key:3"), Some("us-south"));
        assert_eq!(crn_region("crn:v1:bluemix:public:iam-groups::a/1:::"), None);
        assert_eq!(crn_region("kms"), None);
    }

    #[test]
    fn renamed_key_protect_actions_are_known() {
        assert_eq!(renamed("kms.secrets.readmetadata"), Some("secrets-metadata.read"));
        assert_eq!(renamed("kms.secrets.read"), None);
        assert_eq!(renamed("secrets.readmetadata"), None);
    }
}
