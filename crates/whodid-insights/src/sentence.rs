//! An insight in a sentence for people who are no statisticians.

use crate::concealment::SILENT;
use crate::episode::{Change, EndReason, Method};
use crate::kind::{Kind, Stage};

/// Actions that a sentence names.
const ACTIONS_SHOWN: usize = 3;

impl Change {
    /// What the vendors call the object: the address, the action, the error code, the key, the service.
    pub fn object_text(&self) -> String {
        let object = &self.object;
        let text = match self.kind {
            Kind::IpInsight => object.address.clone(),
            Kind::AkInsight => object.credential.clone(),
            Kind::ApiErrorRateInsight => object.code.clone(),
            Kind::ApiCallRateInsight => None,
            _ => Some(object.service.clone()).filter(|service| !service.is_empty()),
        };
        text.unwrap_or_else(|| object.action.clone())
    }

    /// How many times more than expected; `None` where next to nothing was. Of errors their share of the calls by the usual
    /// share, in the window that started it: more calls alone are no more errors.
    pub fn times_usual(&self) -> Option<f64> {
        let (count, expected) = match self.test.of {
            Some(_) => (self.test.count, self.test.expected),
            None => (self.count, self.expected),
        };
        let least = if self.test.of.is_some() { 0.05 } else { 0.5 };
        (expected >= least).then(|| count / expected)
    }

    /// Minutes from the start to where this speaks.
    pub fn minutes(&self) -> f64 {
        (self.until - self.start) as f64 / 60e6
    }
}

/// The insight in a sentence. `by`: who did most of it, where somebody did.
pub fn sentence(change: &Change, by: Option<&str>) -> String {
    let mut told = match change.kind {
        Kind::ApiCallRateInsight => calls(change, by),
        Kind::ApiErrorRateInsight => errors(change, by),
        Kind::IpInsight => address(change, by),
        Kind::AkInsight => key(change, by),
        Kind::PolicyChangeInsight => changes(change, by, "Changes of rights"),
        Kind::PasswordChangeInsight => changes(change, by, "Changes of passwords"),
        Kind::TrailConcealmentInsight => concealment(change, by),
    };
    if change.stage == Stage::End {
        told.push_str(match change.end_reason {
            Some(EndReason::NewLevel) => "; it stayed so, and is what is usual now",
            Some(EndReason::Closed) => "; closed",
            _ if change.test.method == Method::Fact => "; over",
            _ => "; as usual again",
        });
    }
    told
}

fn calls(change: &Change, by: Option<&str>) -> String {
    format!("{} calls{}{}: {}", change.object.action, by_words(by), place(change), against(change))
}

fn changes(change: &Change, by: Option<&str>, what: &str) -> String {
    let by = change.object.principal.as_deref().or(by);
    let service =
        if change.object.service.is_empty() { String::new() } else { format!(" in {}", change.object.service) };
    format!("{what}{service}{}{}: {}{}", by_words(by), place(change), against(change), with_actions(change))
}

/// The first of the actions that it is made of.
fn with_actions(change: &Change) -> String {
    let shown = change.actions.len().min(ACTIONS_SHOWN);
    let more = match change.actions.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if shown == 0 { String::new() } else { format!(" ({}{more})", change.actions[..shown].join(", ")) }
}

fn against(change: &Change) -> String {
    let minutes = change.minutes().max(1.0);
    match change.times_usual() {
        Some(times) => {
            let (now, usual, unit) = rates(change.count / minutes, change.expected / minutes);
            format!("{}× normal, {now} {unit} against {usual}", number(times))
        }
        None => format!("{} in {}, and usually next to none", number(change.count), span(minutes)),
    }
}

fn errors(change: &Change, by: Option<&str>) -> String {
    let code = change.object.code.as_deref().unwrap_or("failed");
    let test = &change.test;
    let share = test.of.filter(|of| *of > 0.0).map(|of| {
        let percent = |part: f64| number(100.0 * part / of);
        format!("{} % of calls fail, usually {} %", percent(test.count), percent(test.expected))
    });
    let share = share.unwrap_or_else(|| format!("{} in {}", number(change.count), span(change.minutes().max(1.0))));
    format!("{code} errors of {}{}{}: {share}", change.object.action, by_words(by), place(change))
}

fn address(change: &Change, by: Option<&str>) -> String {
    let who = change.object.principal.as_deref().or(by).unwrap_or("somebody");
    let address = change.object.address.as_deref().unwrap_or("an unknown address");
    let why: Vec<&str> = reasons(change);
    let why = if why.is_empty() { "it does not fit what is usual".to_owned() } else { why.join(", ") };
    format!("{who} from the new address {address}{}: {why}", place(change))
}

fn key(change: &Change, by: Option<&str>) -> String {
    let key = change.object.credential.as_deref().unwrap_or("an access key");
    let why: Vec<&str> = reasons(change);
    let why = if why.is_empty() { "what it never did".to_owned() } else { why.join(", ") };
    format!("Access key {key}{}{}: {why}", by_words(by), place(change))
}

/// What spoke for it, the weightiest first.
fn reasons(change: &Change) -> Vec<&str> {
    let mut terms: Vec<&(String, f64)> = change.test.terms.iter().filter(|(_, value)| *value > 0.1).collect();
    terms.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    terms.iter().map(|(name, _)| words_of(name)).collect()
}

fn words_of(term: &str) -> &str {
    match term {
        "network" => "a network never used before",
        "country" => "a country never seen before",
        "account" => "nobody else comes from there",
        "agent" => "another program than usual",
        "hour" => "at an odd hour",
        "denied" => "is refused time and again",
        "failed" => "fails time and again",
        "writes" => "changes things at once",
        "users" => "several people from it at once",
        "service" => "a service never used before",
        "elsewhere" => "is active elsewhere at the same time",
        "calls" => "does more than in a usual visit",
        other => other,
    }
}

fn concealment(change: &Change, by: Option<&str>) -> String {
    if change.object.action == SILENT {
        return format!("No events of {}{} any more", change.object.service, place(change));
    }
    let by = change.object.principal.as_deref().or(by);
    let (action, by, place) = (&change.object.action, by_words(by), place(change));
    match &change.object.code {
        Some(code) => format!("{action}{by}{place} was refused ({code}): somebody tried to stop what records"),
        None => format!("{action}{by}{place}: what is done may no longer be recorded"),
    }
}

fn by_words(by: Option<&str>) -> String {
    by.map_or(String::new(), |by| format!(" by {by}"))
}

fn place(change: &Change) -> String {
    match change.object.region.as_str() {
        "" | "global" => String::new(),
        region => format!(" in {region}"),
    }
}

/// Both a minute, or both an hour where they are few.
fn rates(now: f64, usual: f64) -> (String, String, &'static str) {
    if usual >= 0.5 || now >= 100.0 {
        (number(now), number(usual), "a minute")
    } else {
        (number(now * 60.0), number(usual * 60.0), "an hour")
    }
}

/// Two digits, and whole from ten on.
fn number(number: f64) -> String {
    if number >= 9.95 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn span(minutes: f64) -> String {
    match minutes.round() as i64 {
        ..=1 => "a minute".to_owned(),
        minutes @ 2..=119 => format!("{minutes} minutes"),
        minutes => format!("{} hours", number(minutes as f64 / 60.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{Object, Test};

    fn change(kind: Kind, count: f64, expected: f64) -> Change {
        let test = Test {
            method: Method::NegativeBinomial,
            window_minutes: 10,
            count,
            of: (kind == Kind::ApiErrorRateInsight).then_some(count * 2.0),
            expected,
            score: 9.0,
            threshold: 8.0,
            upper: 5.0,
            terms: vec![("hour".to_owned(), 0.4), ("country".to_owned(), 2.1), ("agent".to_owned(), 0.0)],
        };
        Change {
            insight: "i".into(),
            stage: Stage::Start,
            kind,
            object: Object {
                region: "eu-de".into(),
                service: "kms".into(),
                action: "kms.secrets.delete".into(),
                ..Object::default()
            },
            start: 0,
            until: 600_000_000,
            noticed: 0,
            offset: None,
            count,
            expected,
            peak: count,
            peak_expected: expected,
            test,
            end_reason: None,
            expected_by: None,
            actions: Vec::new(),
        }
    }

    #[test]
    fn a_call_rate_is_told_as_times_normal() {
        let told = sentence(&change(Kind::ApiCallRateInsight, 420.0, 30.0), Some("bob"));
        assert_eq!(told, "kms.secrets.delete calls by bob in eu-de: 14× normal, 42 a minute against 3");
        let mut ended = change(Kind::ApiCallRateInsight, 24.0, 0.01);
        (ended.stage, ended.end_reason) = (Stage::End, Some(EndReason::Usual));
        let told = sentence(&ended, None);
        assert_eq!(
            told,
            "kms.secrets.delete calls in eu-de: 24 in 10 minutes, and usually next to none; as usual again"
        );
    }

    #[test]
    fn changes_are_told_with_the_first_of_their_actions() {
        let mut changed = change(Kind::PolicyChangeInsight, 9.0, 0.01);
        (changed.object.service, changed.object.principal) = ("iam".into(), Some("bob".into()));
        changed.actions = ["AttachRolePolicy", "CreateRole"].map(str::to_owned).into();
        let told = sentence(&changed, None);
        assert_eq!(
            told,
            "Changes of rights in iam by bob in eu-de: 9 in 10 minutes, and usually next to none (AttachRolePolicy, CreateRole)"
        );
        changed.actions.extend(["PutRolePolicy", "PutUserPolicy", "UpdateRole"].map(str::to_owned));
        assert!(sentence(&changed, None).ends_with(" (AttachRolePolicy, CreateRole, PutRolePolicy and 2 more)"));
    }

    #[test]
    fn an_error_rate_is_told_as_a_share_and_an_address_by_what_is_new() {
        let mut errors = change(Kind::ApiErrorRateInsight, 45.0, 1.8);
        errors.object.code = Some("AccessDenied".into());
        let told = sentence(&errors, None);
        assert_eq!(told, "AccessDenied errors of kms.secrets.delete in eu-de: 50 % of calls fail, usually 2 %");
        let mut new = change(Kind::IpInsight, 3.0, 0.0);
        (new.object.address, new.object.principal) = (Some("203.0.113.9".into()), Some("bob".into()));
        let told = sentence(&new, None);
        assert_eq!(told, "bob from the new address 203.0.113.9 in eu-de: a country never seen before, at an odd hour");
    }
}
