//! An edit of a channel whose secrets came back as their masks.
//!
//! Who may edit a channel may not read its secrets. So an edit cannot keep them and lead them to another host: whoever
//! changes the address types them again.

use std::collections::BTreeMap;

use url::Url;

use crate::receiver::Receiver;
use crate::{Channel, Secret};

/// Why a masked secret cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// The mask belongs to no secret of the channel as it was.
    #[error("{member} is a mask of no known secret; enter the secret itself")]
    Unknown {
        /// The path of the member.
        member: String,
    },
    /// The address leads elsewhere than before.
    #[error("{member} is masked, but the address now leads to another host; enter the secret itself")]
    OtherHost {
        /// The path of the member.
        member: String,
    },
}

pub(crate) fn with_secrets_from(mut edited: Channel, previous: &Channel) -> Result<Channel, MaskError> {
    let known: BTreeMap<String, Secret> =
        previous.secrets().into_iter().map(|(member, secret)| (member, secret.clone())).collect();
    let is_same_host = visible_origin(&edited.receiver) == visible_origin(&previous.receiver)
        && edited.receiver.kind() == previous.receiver.kind();
    for (member, secret) in edited.secrets_mut() {
        match known.get(&member) {
            Some(earlier) if secret.is_mask_of(earlier) => {
                if !is_same_host {
                    return Err(MaskError::OtherHost { member });
                }
                *secret = earlier.clone();
            }
            _ if secret.is_mask() => return Err(MaskError::Unknown { member }),
            _ => {}
        }
    }
    Ok(edited)
}

/// Scheme, host and port of an address that is no secret itself.
fn visible_origin(receiver: &Receiver) -> Option<url::Origin> {
    let text = match receiver {
        Receiver::Webhook(webhook) => &webhook.url,
        Receiver::Pagerduty(pagerduty) => &pagerduty.url,
        Receiver::Email(_) | Receiver::Slack(_) | Receiver::Teams(_) | Receiver::Syslog(_) => return None,
    };
    // An opaque origin equals no other: what cannot be read is not the same host.
    Some(Url::parse(text).map_or_else(|_| url::Origin::new_opaque(), |url| url.origin()))
}
