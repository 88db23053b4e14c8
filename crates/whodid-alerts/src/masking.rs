//! An edit of a channel whose secrets came back as their masks.
//!
//! Who may edit a channel may not read its secrets. So an edit cannot keep them and lead them elsewhere, be it to
//! another path of the same host, which may be another customer's: whoever changes the address types them again.

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
    /// The address is another one than before.
    #[error("{member} is masked, but the address is another one now; enter the secret itself")]
    OtherAddress {
        /// The path of the member.
        member: String,
    },
}

pub(crate) fn with_secrets_from(mut edited: Channel, previous: &Channel) -> Result<Channel, MaskError> {
    let known: BTreeMap<String, Secret> =
        previous.secrets().into_iter().map(|(member, secret)| (member, secret.clone())).collect();
    let is_same_address = visible_address(&edited.receiver) == visible_address(&previous.receiver)
        && edited.receiver.kind() == previous.receiver.kind();
    for (member, secret) in edited.secrets_mut() {
        match known.get(&member) {
            Some(earlier) if secret.is_mask_of(earlier) => {
                if !is_same_address {
                    return Err(MaskError::OtherAddress { member });
                }
                *secret = earlier.clone();
            }
            _ if secret.is_mask() => return Err(MaskError::Unknown { member }),
            _ => {}
        }
    }
    Ok(edited)
}

/// An address that is no secret itself: scheme, host, port, path and query.
fn visible_address(receiver: &Receiver) -> Option<String> {
    let text = match receiver {
        Receiver::Webhook(webhook) => &webhook.url,
        Receiver::Pagerduty(pagerduty) => &pagerduty.url,
        Receiver::Email(_) | Receiver::Slack(_) | Receiver::Teams(_) | Receiver::Syslog(_) => return None,
    };
    // In one spelling; what cannot be read is the same only letter for letter.
    Some(Url::parse(text).map_or_else(|_| text.clone(), |url| url.to_string()))
}
