//! What waits for channels is sent, each delivery for itself: a receiver that is dead or slow holds up no other, and
//! nothing is lost with the process, because the queue stands in the metadata.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use whodid_alerts::rate::{Merging, Meter};
use whodid_alerts::{Attempt, Channel, Delivery, Notice, Outcome, Sender};
use whodid_audit::{Actor, Deed, Reason, Told};
use whodid_meta::{DeliveryRow, DeliveryState, DocumentKind};
use whodid_model::{AccountName, Timestamp, chain};

use super::App;

/// Deliveries under way at once; of one channel one, so that a slow receiver cannot take all places.
const AT_ONCE: usize = 32;
/// Notices of a channel that are looked at to be told together.
const HELD: i64 = 5_000;
/// Deliveries looked at together.
const PAGE: i64 = 200;
/// How often the queue is looked at when nothing is told.
const TICK: Duration = Duration::from_secs(1);
/// Attempts of a delivery that its log keeps.
const ATTEMPTS_KEPT: usize = 20;
/// How often the log is cleared of what is old.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// How long after a channel's failure was told to the audit log the next one is: a dead channel may have thousands.
const HUSH_MICROS: i64 = 10 * 60 * 1_000_000;
/// The rule that finds what is told of such failures. That a channel was not told of one is not told: two dead channels
/// would go on about each other for ever.
const NOT_TOLD_RULE: &str = "whodid-self-channel-not-told";
/// What stands for the status of a receiver that gave none: as a gateway would say it.
const NO_ANSWER: u16 = 502;

/// A channel of an account.
type ChannelKey = (AccountName, String);

/// When each channel's failure was last told to the audit log.
#[derive(Debug, Default)]
struct Failures(Mutex<HashMap<ChannelKey, Timestamp>>);

impl Failures {
    /// Whether the failure of this notice is told now; it counts as told then.
    fn are_told(&self, key: &ChannelKey, notice: &Notice, now: Timestamp) -> bool {
        if notice.rule_id == NOT_TOLD_RULE {
            return false;
        }
        let mut told = self.0.lock();
        let since = now.plus_micros(-HUSH_MICROS);
        told.retain(|_, at| *at > since);
        if told.contains_key(key) {
            return false;
        }
        told.insert(key.clone(), now);
        true
    }
}

/// Goes on until the server stops.
pub async fn run(app: Arc<App>, sender: Arc<Sender>) {
    let failures = Arc::new(Failures::default());
    let mut running = JoinSet::new();
    let mut busy: HashSet<ChannelKey> = HashSet::new();
    let mut meters: HashMap<ChannelKey, Meters> = HashMap::new();
    let mut forgotten = tokio::time::Instant::now();
    loop {
        let now = crate::clock::now();
        let due = match app.meta.due_deliveries(now, PAGE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = %chain(&error), "the queue of deliveries cannot be read");
                Vec::new()
            }
        };
        for (account, row) in due {
            let key = (account, row.channel.clone());
            if running.len() >= AT_ONCE || !busy.insert(key.clone()) {
                continue;
            }
            let (app, sender, failures) = (Arc::clone(&app), Arc::clone(&sender), Arc::clone(&failures));
            let metered = meters.remove(&key);
            running.spawn(async move {
                let metered = deliver(&app, &sender, &failures, &key, row, metered).await;
                (key, metered)
            });
        }
        if forgotten.elapsed() >= FORGET_INTERVAL {
            forgotten = tokio::time::Instant::now();
            if let Err(error) = app.meta.forget_deliveries(now).await {
                tracing::warn!(error = %chain(&error), "the log of deliveries cannot be cleared");
            }
        }
        tokio::select! {
            () = app.stopped() => {
                // What is under way is sent again by the next run.
                running.abort_all();
                return;
            }
            Some(ended) = running.join_next() => match ended {
                Ok((key, metered)) => {
                    busy.remove(&key);
                    if let Some(metered) = metered {
                        meters.insert(key, metered);
                    }
                }
                Err(panic) => {
                    tracing::error!(%panic, "a delivery broke off and is tried again: please report it");
                    // Which one it was is not known; those that run are known again when they end.
                    busy.clear();
                }
            },
            () = app.deliveries_wait.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// The meters of a channel. What tells that whodid is blind has one of its own, so that no flood of other notices holds
/// it back, and a flood of it holds back only itself.
struct Meters {
    guards: Meter,
    others: Meter,
}

impl Meters {
    fn of(channel: &Channel) -> Self {
        let meter = || Meter::new(channel.rate_limit, Merging::of(&channel.receiver));
        Self { guards: meter(), others: meter() }
    }

    fn set_limit(&mut self, limit: u32) {
        self.guards.set_limit(limit);
        self.others.set_limit(limit);
    }

    fn meter(&mut self, rule: &str) -> &mut Meter {
        if whodid_rules::is_guard(rule) { &mut self.guards } else { &mut self.others }
    }
}

/// Tries one delivery, and stores what came of it. The channel's meters go in and out.
async fn deliver(
    app: &App,
    sender: &Sender,
    failures: &Failures,
    key: &ChannelKey,
    mut row: DeliveryRow,
    meters: Option<Meters>,
) -> Option<Meters> {
    let (account, channel_id) = key;
    let now = crate::clock::now();
    let document = app.meta.document(account, DocumentKind::Channel, channel_id).await;
    let channel = match document {
        Ok(document) => document.as_ref().and_then(super::channels::opened),
        Err(error) => {
            tracing::error!(error = %chain(&error), channel = channel_id, "a channel cannot be read; its deliveries wait");
            return meters;
        }
    };
    let notice = serde_json::from_value::<Notice>(row.body["notice"].clone());
    let (Some(channel), Ok(notice)) = (channel.filter(|channel| channel.enabled || row.alert.is_none()), notice) else {
        note(&mut row, now, &json!({"outcome": "failed", "answer": "the channel was deleted or switched off"}));
        finish(app, account, row, DeliveryState::Failed, None, now).await;
        return meters;
    };
    let mut meters = meters.unwrap_or_else(|| Meters::of(&channel));
    meters.set_limit(channel.rate_limit);
    let meter = meters.meter(&notice.rule_id);
    // Retries and tests are not counted again.
    let is_first = row.body["attempts"].as_array().is_none_or(Vec::is_empty);
    let notice = match row.alert.is_some() && is_first {
        false => notice,
        true => match let_through(meter, &row, notice, now) {
            Some(notice) => notice,
            None => {
                row.body["is_held"] = json!(true);
                let due = meter.due_at().unwrap_or(now).max(now.plus_micros(1_000_000));
                finish(app, account, row, DeliveryState::Waiting, Some(due), now).await;
                return Some(meters);
            }
        },
    };
    if notice.more > 0 && is_first {
        // Written down before the others are taken off the queue: a crash between sends one of them twice, never none.
        row.body["notice"] = json!(notice);
        finish(app, account, row.clone(), DeliveryState::Waiting, Some(now), now).await;
        told_together(app, key, &row, &notice, &channel, now).await;
    }
    let number = row.body["attempts"].as_array().map_or(0, Vec::len) as u32 + 1;
    let attempt = Attempt { delivery: row.id.clone(), number, first_at: row.created_at, at: now };
    let delivery = sender.deliver(&channel, &notice, &attempt).await;
    note(&mut row, now, &outcome_json(&delivery));
    let outcome = word(delivery.outcome);
    metrics::counter!("whodid_deliveries_total", "outcome" => outcome).increment(1);
    let ended = crate::clock::now();
    match (delivery.outcome, delivery.retry) {
        (Outcome::Delivered, _) => finish(app, account, row, DeliveryState::Delivered, None, ended).await,
        (_, Some(pause)) => {
            let due = ended.plus_micros(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX / 2));
            finish(app, account, row, DeliveryState::Waiting, Some(due), ended).await;
        }
        (_, None) => {
            metrics::counter!("whodid_deliveries_given_up_total").increment(1);
            tracing::warn!(account = %account, channel = channel_id, answer = delivery.answer, "a channel was not told, and will not be");
            if failures.are_told(key, &notice, ended) {
                tell_failure(app, account, &given_up(&row, &channel, &notice, &delivery, number)).await;
            }
            finish(app, account, row, DeliveryState::Failed, None, ended).await;
        }
    }
    Some(meters)
}

/// What the audit log tells of a notice that was given up.
fn given_up(row: &DeliveryRow, channel: &Channel, notice: &Notice, delivery: &Delivery, tries: u32) -> Told {
    let reason = Reason {
        status: delivery.status.unwrap_or(NO_ANSWER),
        code: "not_delivered".to_owned(),
        text: if delivery.answer.is_empty() { "the receiver said nothing".to_owned() } else { delivery.answer.clone() },
    };
    let mut told = Told::failure(Deed::ChannelNotify, row.channel.as_str(), reason)
        .asked("alertId", notice.alert_id.as_str())
        .asked("ruleId", notice.rule_id.as_str())
        .asked("moment", super::channels::moment(row))
        .asked("deliveryId", row.id.as_str())
        .asked("tries", tries);
    told.target_name.clone_from(&channel.name);
    told
}

async fn tell_failure(app: &App, account: &AccountName, told: &Told) {
    if let Err(failure) = app.tell(account, &Actor::system(), told).await {
        tracing::error!(account = %account, code = failure.code().as_str(), "that a channel was not told could not be told to the audit log");
    }
}

/// What the channel's limit lets through now: this notice, or one that stands for all that were held back.
fn let_through(meter: &mut Meter, row: &DeliveryRow, notice: Notice, now: Timestamp) -> Option<Notice> {
    let is_held = row.body["is_held"] == json!(true);
    if is_held && meter.held_count() > 0 {
        return meter.due(now);
    }
    // Also what an earlier run of the server held back: its meter is gone.
    meter.offer(notice, now)
}

/// Those that a notice stands for besides itself are told with it.
async fn told_together(
    app: &App,
    key: &ChannelKey,
    row: &DeliveryRow,
    notice: &Notice,
    channel: &Channel,
    now: Timestamp,
) {
    let (account, channel_id) = key;
    let held = match app.meta.deliveries_waiting(account, channel_id, HELD).await {
        Ok(held) => held,
        Err(error) => {
            tracing::error!(error = %chain(&error), channel = channel_id, "notices told together stay queued, and are told again");
            return;
        }
    };
    let of_alert = matches!(Merging::of(&channel.receiver), Merging::OfOneAlert);
    for mut other in held {
        let rule = other.body["notice"]["rule_id"].as_str().unwrap_or_default();
        let is_meant = other.state == DeliveryState::Waiting
            && other.id != row.id
            && other.body["is_held"] == json!(true)
            && whodid_rules::is_guard(rule) == whodid_rules::is_guard(&notice.rule_id);
        if is_meant && (!of_alert || other.alert.as_ref() == Some(&notice.alert_id)) {
            note(
                &mut other,
                now,
                &json!({"outcome": "merged", "answer": "told together with others, because of the channel's limit"}),
            );
            finish(app, account, other, DeliveryState::Delivered, None, now).await;
        }
    }
}

/// What is kept of a try.
pub fn outcome_json(tried: &Delivery) -> Value {
    json!({
        "outcome": word(tried.outcome),
        "status": tried.status,
        "answer": tried.answer,
        "took_ms": u64::try_from(tried.duration.as_millis()).unwrap_or(u64::MAX),
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
    }
}

/// Writes a try down.
pub fn note(row: &mut DeliveryRow, now: Timestamp, what: &Value) {
    let mut what = what.clone();
    what["at"] = json!(now.to_string());
    if let Some(attempts) = row.body["attempts"].as_array_mut() {
        attempts.push(what);
        let over = attempts.len().saturating_sub(ATTEMPTS_KEPT);
        attempts.drain(..over);
    }
}

async fn finish(
    app: &App,
    account: &AccountName,
    mut row: DeliveryRow,
    state: DeliveryState,
    due_at: Option<Timestamp>,
    now: Timestamp,
) {
    (row.state, row.due_at) = (state, due_at);
    if let Err(error) = app.meta.store_delivery(account, &row, now).await {
        // It stays due, and may be sent twice: better than never.
        tracing::error!(error = %chain(&error), delivery = row.id, "what came of a delivery cannot be stored");
    }
}

/// Whether a channel's receiver may be reached at all, before it is stored.
pub fn faults(sender: &Sender, channel: &Channel) -> Vec<String> {
    let mut faults: Vec<String> =
        channel.faults().into_iter().map(|fault| format!("`{}`: {}", fault.member, fault.text)).collect();
    if let Some(url) = channel.receiver.url()
        && let Err(blocked) = sender.guard().look_at(url)
    {
        faults.push(format!("the receiver's address: {blocked}"));
    }
    if let whodid_alerts::Receiver::Syslog(syslog) = &channel.receiver
        && let Err(blocked) = sender.guard().look_at_syslog(&syslog.host, syslog.port)
    {
        faults.push(format!("the receiver's address: {blocked}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(rule: &str) -> Notice {
        let test = Notice::test(AccountName::default_account(), String::new(), Timestamp::default());
        Notice { rule_id: rule.to_owned(), alert_id: "a1".to_owned(), ..test }
    }

    #[test]
    fn of_a_dead_channel_one_failure_in_ten_minutes_is_told() {
        let failures = Failures::default();
        let key = |channel: &str| (AccountName::default_account(), channel.to_owned());
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60 * 1_000_000);
        let told: Vec<bool> =
            [0, 1, 9, 10, 19, 20].map(|minutes| failures.are_told(&key("ops"), &notice("r"), at(minutes))).into();
        assert_eq!(told, [true, false, false, true, false, true]);
        assert!(failures.are_told(&key("other"), &notice("r"), at(20)), "each channel for itself");
    }

    #[test]
    fn what_tells_that_whodid_is_blind_waits_for_no_other_notice_and_holds_none_back() {
        let (meter, now) = (|| Meter::new(2, Merging::All), Timestamp::default());
        let mut meters = Meters { guards: meter(), others: meter() };
        let mut is_let_through = |rule: &str| {
            let row = super::super::alerting::queued("ops", Some(&"a1".to_owned()), &notice(rule), now);
            let_through(meters.meter(rule), &row, notice(rule), now).is_some()
        };
        let guard = "whodid-self-events-erased";
        assert!(is_let_through("r") && !is_let_through("r"), "one of two an hour comes at once");
        assert!(is_let_through(guard) && !is_let_through(guard), "and so it is with these");
        assert_eq!((meters.guards.held_count(), meters.others.held_count()), (1, 1));
    }

    #[test]
    fn that_a_channel_was_not_told_of_another_that_was_not_told_is_not_told() {
        let (failures, key) = (Failures::default(), (AccountName::default_account(), "ops".to_owned()));
        assert!(!failures.are_told(&key, &notice(NOT_TOLD_RULE), Timestamp::default()));
        assert!(failures.are_told(&key, &notice("r"), Timestamp::default()), "nor does it hush what is");
        let builtin = whodid_rules::builtin().iter().find(|package| package.manifest.id == whodid_rules::SELF_PACKAGE);
        let documents = builtin.map(|package| package.documents().documents).unwrap_or_default();
        assert!(documents.iter().any(|document| document.meta().id == NOT_TOLD_RULE));
    }
}
