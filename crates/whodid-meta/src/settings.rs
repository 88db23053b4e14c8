//! What an account asks of its members, and what follows for somebody who is in several.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ChangeError;

/// Settings of an account. Stored as JSON: what is missing there has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether every member must have a second factor.
    pub mfa_required: bool,
    /// Fewest characters of a password.
    pub password_length_min: u32,
    /// A session ends after so long without a request.
    pub session_idle_minutes: u32,
    /// A session ends after so long in any case.
    pub session_absolute_minutes: u32,
    /// Whether passwords open sessions; else only an identity provider or links do.
    pub password_sign_in: bool,
    /// Most active keys of one kind; of personal tokens, for one user.
    pub keys_max: u32,
    /// Whether members may say of an event in their name that it was not them.
    pub own_activity_report: bool,
    /// Whether reading events is recorded too.
    pub audit_reads: bool,
    /// An alert that nobody acknowledged is told again after so many minutes; 0: never.
    pub alert_escalation_minutes: u32,
    /// A resolved alert is opened again by what happens within so many hours; later it is another one.
    pub alert_reopen_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mfa_required: false,
            password_length_min: 12,
            session_idle_minutes: 720,
            session_absolute_minutes: 10_080,
            password_sign_in: true,
            keys_max: 20,
            own_activity_report: true,
            audit_reads: true,
            alert_escalation_minutes: 60,
            alert_reopen_hours: 24,
        }
    }
}

impl Settings {
    /// What holds for somebody under both: of each setting the stricter. What does not concern people stays.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        Self {
            mfa_required: self.mfa_required || other.mfa_required,
            password_length_min: self.password_length_min.max(other.password_length_min),
            session_idle_minutes: self.session_idle_minutes.min(other.session_idle_minutes),
            session_absolute_minutes: self.session_absolute_minutes.min(other.session_absolute_minutes),
            password_sign_in: self.password_sign_in && other.password_sign_in,
            keys_max: self.keys_max.min(other.keys_max),
            own_activity_report: self.own_activity_report && other.own_activity_report,
            audit_reads: self.audit_reads || other.audit_reads,
            alert_escalation_minutes: self.alert_escalation_minutes,
            alert_reopen_hours: self.alert_reopen_hours,
        }
    }

    /// What holds for somebody in all of these; the defaults for none.
    pub fn strictest<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let stricter = all.into_iter().fold(None, |so_far: Option<Self>, one| {
            Some(so_far.map_or_else(|| one.clone(), |so_far| so_far.stricter(one)))
        });
        stricter.unwrap_or_default()
    }
}

/// What to change of an account; `None` keeps a setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountChange {
    /// Readable name.
    pub title: Option<String>,
    /// [`Settings::mfa_required`].
    pub mfa_required: Option<bool>,
    /// [`Settings::password_length_min`], 8 to 64.
    pub password_length_min: Option<u32>,
    /// [`Settings::session_idle_minutes`], 5 to 43,200.
    pub session_idle_minutes: Option<u32>,
    /// [`Settings::session_absolute_minutes`], 15 to 129,600.
    pub session_absolute_minutes: Option<u32>,
    /// [`Settings::password_sign_in`].
    pub password_sign_in: Option<bool>,
    /// [`Settings::keys_max`], 1 to 1,000.
    pub keys_max: Option<u32>,
    /// [`Settings::own_activity_report`].
    pub own_activity_report: Option<bool>,
    /// [`Settings::audit_reads`].
    pub audit_reads: Option<bool>,
    /// [`Settings::alert_escalation_minutes`], 0 to 10,080.
    pub alert_escalation_minutes: Option<u32>,
    /// [`Settings::alert_reopen_hours`], 0 to 720.
    pub alert_reopen_hours: Option<u32>,
}

/// One setting that a change touches.
pub(crate) struct Changed {
    pub(crate) name: &'static str,
    pub(crate) before: Json,
    pub(crate) after: Json,
}

impl AccountChange {
    /// Sets `settings`, and says what is another now. The title is the caller's.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<Vec<Changed>, ChangeError> {
        let mut changed = Vec::new();
        range("password_length_min", self.password_length_min, 8, 64)?;
        range("session_idle_minutes", self.session_idle_minutes, 5, 43_200)?;
        range("session_absolute_minutes", self.session_absolute_minutes, 15, 129_600)?;
        range("keys_max", self.keys_max, 1, 1_000)?;
        range("alert_escalation_minutes", self.alert_escalation_minutes, 0, 10_080)?;
        range("alert_reopen_hours", self.alert_reopen_hours, 0, 720)?;
        set(&mut changed, "mfa_required", &mut settings.mfa_required, self.mfa_required);
        set(&mut changed, "password_length_min", &mut settings.password_length_min, self.password_length_min);
        set(&mut changed, "session_idle_minutes", &mut settings.session_idle_minutes, self.session_idle_minutes);
        let absolute = &mut settings.session_absolute_minutes;
        set(&mut changed, "session_absolute_minutes", absolute, self.session_absolute_minutes);
        set(&mut changed, "password_sign_in", &mut settings.password_sign_in, self.password_sign_in);
        set(&mut changed, "keys_max", &mut settings.keys_max, self.keys_max);
        set(&mut changed, "own_activity_report", &mut settings.own_activity_report, self.own_activity_report);
        set(&mut changed, "audit_reads", &mut settings.audit_reads, self.audit_reads);
        let minutes = &mut settings.alert_escalation_minutes;
        set(&mut changed, "alert_escalation_minutes", minutes, self.alert_escalation_minutes);
        set(&mut changed, "alert_reopen_hours", &mut settings.alert_reopen_hours, self.alert_reopen_hours);
        Ok(changed)
    }
}

fn range(member: &'static str, value: Option<u32>, min: u32, max: u32) -> Result<(), ChangeError> {
    if value.is_some_and(|value| !(min..=max).contains(&value)) {
        return Err(ChangeError::invalid(member, format!("must be {min} to {max}")));
    }
    Ok(())
}

fn set<T: Clone + PartialEq + Into<Json>>(
    changed: &mut Vec<Changed>,
    name: &'static str,
    setting: &mut T,
    to: Option<T>,
) {
    let Some(to) = to.filter(|to| to != setting) else { return };
    changed.push(Changed { name, before: setting.clone().into(), after: to.clone().into() });
    *setting = to;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_in_two_accounts_keeps_the_stricter_rules() {
        let lax = Settings { session_idle_minutes: 1000, keys_max: 50, ..Settings::default() };
        let strict =
            Settings { mfa_required: true, password_length_min: 20, password_sign_in: false, ..Settings::default() };
        let both = Settings::strictest([&lax, &strict]);
        assert_eq!((both.mfa_required, both.password_length_min, both.password_sign_in), (true, 20, false));
        assert_eq!((both.session_idle_minutes, both.keys_max), (720, 20));
        assert_eq!(Settings::strictest([]), Settings::default());
    }

    #[test]
    fn settings_stored_by_an_older_whodid_have_defaults_for_what_is_new() {
        let stored: Settings = serde_json::from_str(r#"{"mfa_required":true}"#).expect("JSON");
        assert_eq!(stored, Settings { mfa_required: true, ..Settings::default() });
    }
}
