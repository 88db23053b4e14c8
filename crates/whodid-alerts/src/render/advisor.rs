//! The findings of a signed webhook: the claims of a JWT, in the form of Security Advisor's alert channels.
//!
//! Receivers that were written for it read `findings[]`, each with these seven members besides the occurrence.

use serde::Serialize;
use serde_json::{Value, json};
use whodid_model::AccountName;
use whodid_model::time::MICROS_A_SECOND;

use super::Issuer;
use super::notice_json::shortened;
use crate::{Attempt, Notice};

/// Longest occurrence that is handed on, in bytes of JSON.
const PAYLOAD_BYTES_MAX: usize = 128 * 1024;
/// Who finds, when the occurrence does not say.
const PROVIDER: &str = "whodid";

/// How long a signature holds, in seconds: each try signs anew.
const VALID_SECONDS: i64 = 3600;

/// The claims. Those beside `findings` are of RFC 7519 and ours: what was taken down on its way cannot be shown again
/// later, nor to a receiver of another account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    findings: [Finding; 1],
    account: AccountName,
    jti: String,
    iat: i64,
    exp: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding {
    severity: &'static str,
    issuer: String,
    issuer_url: String,
    id: String,
    payload_type: &'static str,
    payload_link: String,
    provider: String,
    payload: Value,
}

/// The claims of a notice in one try of its delivery. Its own occurrence is handed on as it is; without one, or where
/// it is longer than 128 KiB, a minimal one is made.
pub fn findings(notice: &Notice, issuer: &Issuer, attempt: &Attempt) -> Findings {
    let text = |member: &str| notice.finding.get(member).and_then(Value::as_str).map(str::to_owned);
    let provider = text("provider_id").unwrap_or_else(|| PROVIDER.to_owned());
    let made = || format!("{}/providers/{provider}/occurrences/{}", notice.account, notice.alert_id);
    let id = text("name").unwrap_or_else(made);
    let fits = notice.finding.is_object() && notice.finding.to_string().len() <= PAYLOAD_BYTES_MAX;
    let payload = if fits { notice.finding.clone() } else { occurrence(&shortened(notice), &id, &provider) };
    let finding = Finding {
        severity: notice.severity.of_findings(),
        issuer: issuer.name.clone(),
        issuer_url: notice.link.clone(),
        id,
        payload_type: "findings",
        payload_link: issuer.findings_url.clone(),
        provider,
        payload,
    };
    let iat = attempt.at.micros().div_euclid(MICROS_A_SECOND);
    Findings {
        findings: [finding],
        account: notice.account.clone(),
        jti: attempt.delivery.clone(),
        iat,
        exp: iat + VALID_SECONDS,
    }
}

/// An occurrence as the Findings API tells it.
fn occurrence(notice: &Notice, name: &str, provider: &str) -> Value {
    let account = &notice.account;
    let millis = |at: whodid_model::Timestamp| at.micros() / 1000;
    json!({
        "id": notice.alert_id,
        "name": name,
        "kind": "FINDING",
        "note_name": format!("{account}/providers/{provider}/notes/{}", notice.rule_id),
        "provider_id": provider,
        "provider_name": format!("{account}/providers/{provider}"),
        "short_description": notice.rule_title,
        "long_description": notice.sentence,
        "context": {"account_id": account},
        "finding": {"severity": notice.severity.of_findings(), "certainty": "HIGH", "next_steps": []},
        "create_time": notice.opened_at,
        "create_timestamp": millis(notice.opened_at),
        "update_time": notice.at,
        "update_timestamp": millis(notice.at),
        "insertion_timestamp": millis(notice.opened_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;
    use crate::notice::tests::lockout;

    fn first() -> Attempt {
        let at = whodid_model::Timestamp::parse("2026-11-20T09:14:01Z").unwrap().at;
        Attempt { delivery: "d1".to_owned(), number: 1, first_at: at, at }
    }

    const EXAMPLE: &str = include_str!("../../tests/it/security_advisor_alert_payload.json");

    #[test]
    fn the_claims_are_those_of_the_published_example() {
        let example: Value = serde_json::from_str(EXAMPLE).unwrap();
        let told = &example["findings"][0];
        let mut notice = lockout();
        notice.severity = Severity::Low;
        notice.link = told["issuer-url"].as_str().unwrap().to_owned();
        notice.finding = told["payload"].clone();
        let issuer = Issuer {
            name: "IBM Cloud Security Advisor".to_owned(),
            findings_url: "https://us-south.secadvisor.cloud.ibm.com/findings".to_owned(),
        };
        let mut expected = example.clone();
        // The example names a provider that its own occurrence does not; ours are the same.
        expected["findings"][0]["provider"] = told["payload"]["provider_id"].clone();
        // Ours beside it.
        expected["account"] = json!("acme");
        expected["jti"] = json!("d1");
        expected["iat"] = json!(1_795_166_041);
        expected["exp"] = json!(1_795_169_641);
        assert_eq!(serde_json::to_value(findings(&notice, &issuer, &first())).unwrap(), expected);
    }

    #[test]
    fn an_occurrence_that_is_too_long_is_replaced() {
        let issuer =
            Issuer { name: "whodid".to_owned(), findings_url: "https://whodid.example.com/findings".to_owned() };
        let notice = Notice { finding: json!({"kind": "FINDING", "x": "x".repeat(PAYLOAD_BYTES_MAX)}), ..lockout() };
        let claims = serde_json::to_value(findings(&notice, &issuer, &first())).unwrap();
        assert_eq!(claims["findings"][0]["payload"]["short_description"], "Too many failed sign-ins");
    }

    #[test]
    fn the_members_stand_in_the_order_of_the_example() {
        let issuer =
            Issuer { name: "whodid".to_owned(), findings_url: "https://whodid.example.com/findings".to_owned() };
        let text = serde_json::to_string(&findings(&lockout(), &issuer, &first())).unwrap();
        let names = ["severity", "issuer", "issuer-url", "id", "payload-type", "payload-link", "provider", "payload"];
        let places: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains(r#""id":"acme/providers/whodid/occurrences/0198a2b4"#), "{text}");
    }
}
