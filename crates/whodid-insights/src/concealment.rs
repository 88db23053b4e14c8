//! Records of what is done are stopped, narrowed or removed, or a source fell silent:
//! [`Kind::TrailConcealmentInsight`].
//!
//! Facts, and no statistics: nobody stops an audit log by the way. Told at once, once an hour for each action of
//! somebody on a service; also where it was only tried, and refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::episode::Object;
use crate::grid::{Bin, HOUR_MICROS};
use crate::kind::Kind;
use crate::names::Name;
use crate::profile::{rename, tree_bytes};
use crate::scene::{Notice, Open, Scene, fact};
use crate::seen::Seen;
use crate::words::{holds, words};

/// Facts that are open at once; beyond it further ones are counted and not told.
const OPEN_MAX: usize = 1_000;
/// An hour of a source is busy with so many events.
const BUSY_EVENTS: u32 = 20;
/// It is usually busy when it was on so many of the last seven days, the one a week ago among them: offices are closed
/// at the weekend.
const BUSY_DAYS: usize = 5;
/// A source fell silent when nothing came in so many of such hours, one after another.
const SILENT_HOURS: i32 = 3;
/// An hour with less than one in so many events of the week before is as good as silent.
const FAINT: u32 = 20;
/// Hours of a source that are remembered: a week before any of those that are looked at, and those themselves.
const HOURS: usize = 192;

/// Actions that hide what is done, as [`words`]; `*` stands for any words between.
///
/// Sources: MITRE ATT&CK T1562.008 and T1070 with what the services call it; the catalogue of whodid's own deeds.
const CONCEALING: &[&str] = &[
    // AWS CloudTrail, CloudWatch Logs, VPC, Config, GuardDuty, Security Hub, S3; ActionTrail of Alibaba.
    "stop logging",
    "delete trail",
    "update trail",
    "put event selectors",
    "delete event data store",
    "stop event data store ingestion",
    "update event data store",
    "delete flow logs",
    "delete log group",
    "delete log stream",
    "delete subscription filter",
    "put retention policy",
    "stop configuration recorder",
    "delete configuration recorder",
    "delete delivery channel",
    "delete detector",
    "disable security hub",
    "delete publishing destination",
    "delete web acl * logging",
    "delete logging configuration",
    "delete query logging config",
    "deactivate event trail",
    // Log Service of Alibaba.
    "delete logstore",
    "delete log store",
    // IBM Cloud: Event Routing, Logs Routing, Activity Tracker with LogDNA, Cloud Logs.
    "atracker * delete",
    "atracker * update",
    "logs router * delete",
    "logs router * update",
    "logdnaat * exclusion",
    "logdnaat * archive",
    "logdnaat * retention",
    "logdnaat * delete",
    "logdna * exclusion",
    "logs * policy delete",
    "logs * retention update",
    // Azure: diagnostic settings, log profiles, workspaces, alerts of activities.
    "diagnostic settings delete",
    "diagnosticsettings delete",
    "logprofiles delete",
    "log profiles delete",
    "operational insights workspaces delete",
    "operationalinsights workspaces delete",
    "activity log alerts delete",
    "activitylogalerts delete",
    "event hubs * authorization rules delete",
    // Google Cloud.
    "delete sink",
    "update sink",
    "logging * delete bucket",
    "logging * update bucket",
    "logging * create exclusion",
    "logging * update exclusion",
    "delete log",
    "config service v2 create exclusion",
    // Kubernetes, where the adapter puts verb and resource together.
    "delete auditsinks",
    "auditsinks * delete",
    "auditsinks delete",
    "audit policy delete",
    "audit policy update",
    "delete collection events",
    // Linux.
    "auditd stop",
    "stop auditd",
    "service stop * auditd",
    "auditctl",
    "rsyslog stop",
    "journald stop",
    "log clear",
    // Microsoft 365 and Exchange.
    "set admin audit log config",
    "set mailbox audit bypass association",
    "remove unified audit log retention policy",
    "disable organization customization",
    // Okta, GitHub.
    "log stream lifecycle deactivate",
    "log stream lifecycle delete",
    "audit log streaming * destroy",
    "audit log streaming * disable",
    "audit log streaming destroy",
    "org audit log git event disabled",
    // Vault.
    "sys audit delete",
    // whodid itself.
    "whodid exclusion",
    "whodid exclusion rule",
    "whodid event delete",
    "whodid events delete",
    "whodid events erase",
    "whodid retention update",
    "whodid ingestion key delete",
    "whodid rule disable",
    "whodid rule delete",
    "whodid package disable",
    "whodid package delete",
    "whodid exception create",
    "whodid exception update",
    "whodid insight configure",
    "whodid insight exception create",
    "whodid silence create",
    "whodid alert pause",
    "whodid channel disable",
    "whodid channel delete",
    "whodid backup restore",
];

/// Such words in a name say that nothing was hidden.
const REVEALING: &[&str] = &[
    "get",
    "list",
    "describe",
    "read",
    "test",
    "whodid exclusion delete",
    "whodid exclusion rule delete",
    "logdnaat * exclusion delete",
    "logdnaat * exclusion disable",
    "logdnaat * archive create",
    "log stream lifecycle activate",
];

/// Whether an action, if it succeeds, hides what is done.
pub fn conceals(action: &str) -> bool {
    let words = words(action);
    let holds_any = |patterns: &[&str]| patterns.iter().any(|pattern| holds(&words, pattern));
    holds_any(CONCEALING) && !holds_any(REVEALING)
}

/// Source, region, service, action, principal, and the code with which it was refused.
type Target = (u16, Name, Name, Name, Option<Name>, Option<Name>);

/// What was hidden lately, and how busy sources are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Concealment {
    open: BTreeMap<Target, Open>,
    sources: BTreeMap<u16, Hours>,
    /// Actions that were looked at, by name. Made anew where it is missing.
    #[serde(skip)]
    found: Found,
}

/// All of them are equal: they follow from the names.
#[derive(Debug, Clone, Default)]
struct Found(Vec<Option<bool>>);

impl PartialEq for Found {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// How much came of a source in each hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hours {
    /// Counts of the last hours, by the hour from 1970.
    counts: Vec<u16>,
    /// The first hour of all, and the last that has a count.
    first: i32,
    hour: i32,
    /// The latest event.
    last: i64,
    silence: Option<Open>,
}

impl Concealment {
    /// Takes in an event, late ones too: a fact is a fact whenever it comes, and a source that sends what it had kept
    /// speaks again.
    pub fn take(&mut self, seen: &Seen, scene: &mut Scene<'_>) {
        let notice = Notice { at: seen.happened, offset: Some(seen.offset) };
        self.hear(seen, notice, scene);
        // What failed otherwise, as for want of the trail, hides nothing.
        let is_done = seen.code.is_none() || seen.is_denied;
        if !is_done || !self.is_concealing(seen.action, scene) {
            return;
        }
        let target = (scene.source, seen.region, seen.service, seen.action, seen.principal, seen.code);
        if let Some(open) = self.open.get_mut(&target) {
            scene.go_on(open, notice, seen.times);
            return;
        }
        if self.open.len() >= OPEN_MAX {
            scene.drops.starts += 1;
            return;
        }
        let text = |name: Name| scene.names.text(name).to_owned();
        let object = Object {
            source: scene.source_name.to_owned(),
            region: text(seen.region),
            service: text(seen.service),
            action: text(seen.action),
            principal: seen.principal.map(text),
            code: seen.code.map(text),
            ..Object::default()
        };
        let times = f64::from(seen.times);
        if let Some(open) =
            scene.start(Kind::TrailConcealmentInsight, object, seen.happened, notice, times, fact(times))
        {
            self.open.insert(target, open);
        }
    }

    fn is_concealing(&mut self, action: Name, scene: &Scene<'_>) -> bool {
        let at = action as usize;
        if self.found.0.len() <= at {
            self.found.0.resize(at + 1, None);
        }
        *self.found.0[at].get_or_insert_with(|| conceals(scene.names.text(action)))
    }

    fn hear(&mut self, seen: &Seen, notice: Notice, scene: &mut Scene<'_>) {
        let hour = hour_of(seen.happened);
        let new = || Hours { counts: vec![0; HOURS], first: hour, hour, last: seen.happened, silence: None };
        let hours = self.sources.entry(scene.source).or_insert_with(new);
        hours.move_to(hour);
        hours.first = hours.first.min(hour);
        if hour > hours.hour - HOURS as i32 {
            let count = &mut hours.counts[slot(hour)];
            *count = count.saturating_add(u16::try_from(seen.times).unwrap_or(u16::MAX));
        }
        // An event of before that comes late does not break the silence, but what happened in it does.
        if seen.happened > hours.last {
            hours.last = seen.happened;
            if !hours.is_faint(hour)
                && let Some(mut open) = hours.silence.take()
            {
                open.last = seen.happened;
                scene.end_by(&open, notice);
            }
        }
    }

    /// The time of a source has come to a bin.
    pub fn over(&mut self, bin: Bin, scene: &mut Scene<'_>) {
        let now = scene.grid.start(bin);
        let is_over = |open: &Open| open.source == scene.source && now - open.start >= HOUR_MICROS;
        let over: Vec<Target> = self.open.iter().filter(|(_, open)| is_over(open)).map(|(target, _)| *target).collect();
        for target in over {
            if let Some(open) = self.open.remove(&target) {
                scene.end(&open, now);
            }
        }
        let Some(hours) = self.sources.get_mut(&scene.source) else { return };
        // The last hour that is whole.
        let hour = hour_of(now) - 1;
        hours.move_to(hour);
        if hours.silence.is_some() || !hours.fell_silent(hour) || !scene.has_learned(now) {
            return;
        }
        let object = Object {
            source: scene.source_name.to_owned(),
            service: scene.source_name.to_owned(),
            action: SILENT.to_owned(),
            ..Object::default()
        };
        let expected = hours.usual(hour);
        let mut test = fact(0.0);
        (test.window_minutes, test.expected) = (SILENT_HOURS as u32 * 60, expected);
        let notice = Notice { at: now, offset: None };
        hours.silence = scene.start(Kind::TrailConcealmentInsight, object, hours.last, notice, 0.0, test);
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.found = Found::default();
        rename(&mut self.open, |(_, region, service, action, principal, code)| {
            visit(region);
            visit(service);
            visit(action);
            principal.iter_mut().chain(code).for_each(&mut *visit);
        });
    }

    pub fn bytes(&self) -> usize {
        tree_bytes(&self.open) + self.found.0.capacity() + self.sources.len() * HOURS * 2
    }
}

/// The action of a source that fell silent.
pub const SILENT: &str = "silent";

impl Hours {
    /// Goes on to an hour: those between had nothing.
    fn move_to(&mut self, hour: i32) {
        let from = (self.hour + 1).max(hour - HOURS as i32 + 1);
        for between in from..=hour {
            self.counts[slot(between)] = 0;
        }
        self.hour = self.hour.max(hour);
    }

    fn at(&self, hour: i32) -> u32 {
        u32::from(self.counts[slot(hour)])
    }

    /// Whether there is nothing in an hour, or next to nothing against the same hour a week before: what somebody else
    /// sends now and then must not hide that a source is stopped.
    fn is_faint(&self, hour: i32) -> bool {
        self.at(hour) == 0 || self.at(hour) * FAINT < self.at(hour - 168)
    }

    /// Whether nothing came in the last hours up to this one, though each of them is usually busy.
    fn fell_silent(&self, hour: i32) -> bool {
        let is_busy = |hour: i32| self.at(hour) >= BUSY_EVENTS;
        let is_silent = |hour: i32| {
            let busy = (1..=7).filter(|day| is_busy(hour - day * 24)).count();
            self.is_faint(hour) && busy >= BUSY_DAYS && is_busy(hour - 168)
        };
        hour - SILENT_HOURS - 168 >= self.first && (0..SILENT_HOURS).all(|back| is_silent(hour - back))
    }

    /// What came at these hours a week before.
    fn usual(&self, hour: i32) -> f64 {
        (0..SILENT_HOURS).map(|back| f64::from(self.at(hour - back - 168))).sum()
    }
}

fn hour_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(HOUR_MICROS)).unwrap_or(0)
}

fn slot(hour: i32) -> usize {
    hour.rem_euclid(HOURS as i32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_of_many_systems_that_hide_are_told_from_others() {
        let hiding = "StopLogging DeleteTrail UpdateTrail PutEventSelectors DeleteFlowLogs DeleteLogGroup DeleteLogStream \
            DeleteEventDataStore StopEventDataStoreIngestion StopConfigurationRecorder DeleteDetector DeleteLogstore \
            atracker.target.delete atracker.route.update atracker.setting.update logs-router.tenant.delete \
            logdnaat.exclusion-rule.create logdnaat.exclusion-rules.update logdnaat.archive-configuration.update \
            logdnaat.retention.update Microsoft.Insights/diagnosticSettings/delete \
            MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE Microsoft.OperationalInsights/workspaces/delete \
            google.logging.v2.ConfigServiceV2.DeleteSink google.logging.v2.ConfigServiceV2.UpdateSink \
            google.logging.v2.ConfigServiceV2.DeleteBucket google.logging.v2.ConfigServiceV2.CreateExclusion \
            google.logging.v2.LoggingServiceV2.DeleteLog auditsinks.delete auditd.stop Set-AdminAuditLogConfig \
            system.log_stream.lifecycle.deactivate whodid.exclusion-rule.create whodid.exclusion.update whodid.event.delete \
            whodid.retention.update whodid.ingestion-key.delete whodid.rule.disable whodid.rule.delete \
            whodid.package.disable whodid.exception.create whodid.silence.create whodid.alert.pause whodid.channel.delete \
            whodid.backup.restore";
        let other = "GetTrail DescribeTrails CreateTrail StartLogging LookupEvents storage.buckets.delete DeleteBucket \
            DeleteObject logdnaat.view.create whodid.event.search whodid.exclusion-rule.delete whodid.rule.update \
            whodid.rule.enable whodid.ingestion-key.create whodid.silence.delete atracker.target.read kms.secrets.delete \
            Microsoft.Insights/diagnosticSettings/read whodid.retention.read whodid.channel.create user.session.end";
        hiding.split_whitespace().for_each(|action| assert!(conceals(action), "{action}"));
        other.split_whitespace().for_each(|action| assert!(!conceals(action), "{action}"));
    }

    fn hours(busy: impl Fn(i32) -> bool, until: i32) -> Hours {
        // A Monday.
        let first = 20_458 * 24;
        let mut hours = Hours { counts: vec![0; HOURS], first, hour: first, last: 0, silence: None };
        for hour in 0..until {
            hours.move_to(first + hour);
            hours.counts[slot(first + hour)] = if busy(hour) { 40 } else { 0 };
        }
        hours.first = first;
        hours.move_to(first + until - 1);
        hours
    }

    /// The hours after the beginning in which a source is seen to be silent.
    fn silent(busy: impl Fn(i32) -> bool + Copy, until: i32) -> Vec<i32> {
        (1..until).filter(|hour| hours(busy, hour + 1).fell_silent(20_458 * 24 + hour)).collect()
    }

    #[test]
    fn a_busy_source_is_silent_after_three_hours() {
        assert_eq!(silent(|hour| hour < 200, 204), [202, 203]);
    }

    #[test]
    fn an_office_is_not_silent_at_night_and_at_the_weekend() {
        let office = |hour: i32| hour / 24 % 7 < 5 && (8..18).contains(&(hour % 24));
        assert_eq!(silent(office, 24 * 21), Vec::<i32>::new());
        // But on a Tuesday that it misses.
        let missing = |hour: i32| office(hour) && hour / 24 != 15;
        let found = silent(missing, 24 * 16);
        assert_eq!(found.first(), Some(&(15 * 24 + 10)));
    }
}
