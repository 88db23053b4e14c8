//! A notice as JSON: the body of webhooks without a template.

use crate::clip::clip_chars;
use crate::notice::EVIDENCE_MAX;
use crate::render::template::OUTPUT_BYTES_MAX;
use crate::{Evidence, GroupValue, Notice};

/// Longest text in a body that would be too long otherwise, in characters.
const TEXT_CHARS_MAX: usize = 500;
/// Pairs of the group then.
const GROUP_MAX: usize = 20;

/// The body, at most [`OUTPUT_BYTES_MAX`]. Of a notice that is longer, whole events and findings stay behind and texts
/// are cut; the link leads to them.
pub fn notice_json(notice: &Notice) -> serde_json::Result<Vec<u8>> {
    let mut told = notice.clone();
    told.evidence.truncate(EVIDENCE_MAX);
    let whole = serde_json::to_vec(&told)?;
    if whole.len() <= OUTPUT_BYTES_MAX { Ok(whole) } else { serde_json::to_vec(&shortened(&told)) }
}

/// The same notice in a few kilobytes.
pub(super) fn shortened(notice: &Notice) -> Notice {
    let short = |text: &str| clip_chars(text, TEXT_CHARS_MAX);
    let pair = |pair: &GroupValue| GroupValue { key: short(&pair.key), value: short(&pair.value) };
    let evidence = |evidence: &Evidence| Evidence {
        record: short(&evidence.record),
        at: evidence.at,
        sentence: short(&evidence.sentence),
        event: serde_json::Value::Null,
    };
    Notice {
        alert_id: short(&notice.alert_id),
        rule_id: short(&notice.rule_id),
        rule_title: short(&notice.rule_title),
        sentence: short(&notice.sentence),
        link: short(&notice.link),
        query: short(&notice.query),
        group: notice.group.iter().take(GROUP_MAX).map(pair).collect(),
        evidence: notice.told_evidence().iter().map(evidence).collect(),
        finding: serde_json::Value::Null,
        ..notice.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;

    #[test]
    fn a_notice_is_told_whole_while_it_fits() {
        let body = notice_json(&lockout()).unwrap();
        assert_eq!(serde_json::from_slice::<Notice>(&body).unwrap(), lockout());
    }

    #[test]
    fn a_huge_notice_is_told_without_its_events_and_stays_a_notice() {
        let mut huge = lockout();
        let long = "\"ü\u{1}".repeat(400_000);
        huge.sentence.clone_from(&long);
        huge.group = vec![GroupValue { key: long.clone(), value: long.clone() }; 30];
        huge.evidence = vec![Evidence { event: long.into(), ..huge.evidence[0].clone() }; 12];
        let body = notice_json(&huge).unwrap();
        assert!(body.len() <= OUTPUT_BYTES_MAX, "{}", body.len());
        let told: Notice = serde_json::from_slice(&body).unwrap();
        assert_eq!((told.evidence.len(), told.alert_id), (EVIDENCE_MAX, huge.alert_id));
    }
}
