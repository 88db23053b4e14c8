//! More changes of rights, or of passwords, than usual: [`Kind::PolicyChangeInsight`], [`Kind::PasswordChangeInsight`].
//!
//! Counted of each principal, and of each service in a region; only what succeeded. What is usual of them is a
//! [`Rate`], as of call rates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::detector::{needed_surprise, test_of};
use crate::episode::{Change, EndReason, Episode, Method, Next, Object, start_of};
use crate::grid::Bin;
use crate::kind::{Kind, Stage};
use crate::names::Name;
use crate::profile::{forget_oldest, rename, tree_bytes};
use crate::rate::{Needed, OPEN_BINS, Rate, Teaching};
use crate::scene::{Notice, Scene, insight_id};
use crate::seen::Seen;
use crate::words::{holds, words};

/// Series of changes that are known; beyond it the twentieth that was quiet for longest is forgotten.
const SERIES_MAX: usize = 20_000;
/// A single bin needs so much more surprise than a longer window.
const ALONE_MORE: f64 = 2.0;
/// Actions of a series that are remembered.
const ACTIONS_MAX: usize = 8;
/// Of a service's changes so many are explained by one principal of whom is told already.
const EXPLAINED: f64 = 0.5;

/// What an action changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Who may do what.
    Policy,
    /// How somebody proves who they are: passwords, and access that works like one.
    Password,
}

/// Words of actions by what they change; `*` stands for any words between. The first that fits counts.
///
/// Sources: the services' published lists of actions: AWS Service Authorization Reference, Azure resource provider
/// operations and Entra audit activities, Google Cloud audit methods, Kubernetes RBAC, Okta event types, GitHub audit
/// events, IBM Cloud IAM events, Keystone notifications, Alibaba RAM, Google Workspace and Microsoft 365.
const CLASSES: &[(&str, Option<Class>)] = &[
    // Looking is no change, though Azure calls some of it an action.
    ("get", None),
    ("list", None),
    ("read", None),
    ("describe", None),
    ("simulate", None),
    ("evaluate", None),
    ("check", None),
    ("test", None),
    // Rules of how passwords must be are policies; so they come before passwords.
    ("update account password policy", Some(Class::Policy)),
    ("delete account password policy", Some(Class::Policy)),
    ("set password policy", Some(Class::Policy)),
    // What is called policy and gives no rights.
    ("scaling policy", None),
    ("lifecycle policy", None),
    ("backup policy", None),
    ("retention policy", None),
    ("load balancer policy", None),
    // Passwords and credentials.
    ("change * password", Some(Class::Password)),
    ("set password", Some(Class::Password)),
    ("set * user password", Some(Class::Password)),
    ("reset * password", Some(Class::Password)),
    ("update * password", Some(Class::Password)),
    ("modify * password", Some(Class::Password)),
    ("forgot password", Some(Class::Password)),
    ("password change", Some(Class::Password)),
    ("password update", Some(Class::Password)),
    ("password set", Some(Class::Password)),
    ("password reset", Some(Class::Password)),
    ("password edit", Some(Class::Password)),
    ("create login profile", Some(Class::Password)),
    ("update login profile", Some(Class::Password)),
    ("delete login profile", Some(Class::Password)),
    ("create access key", Some(Class::Password)),
    ("update access key", Some(Class::Password)),
    ("create service specific credential", Some(Class::Password)),
    ("reset service specific credential", Some(Class::Password)),
    ("create service account key", Some(Class::Password)),
    ("update * certificates and secrets management", Some(Class::Password)),
    ("add * credentials", Some(Class::Password)),
    ("deactivate mfa device", Some(Class::Password)),
    ("delete virtual mfa device", Some(Class::Password)),
    ("mfa factor reset", Some(Class::Password)),
    ("mfa factor deactivate", Some(Class::Password)),
    ("mfa disable", Some(Class::Password)),
    ("mfa reset", Some(Class::Password)),
    ("unbind mfa device", Some(Class::Password)),
    ("apikey create", Some(Class::Password)),
    ("apikey update", Some(Class::Password)),
    ("user apikey create", Some(Class::Password)),
    ("credential create", Some(Class::Password)),
    ("credential update", Some(Class::Password)),
    // Rights.
    ("put * policy", Some(Class::Policy)),
    ("attach * policy", Some(Class::Policy)),
    ("detach * policy", Some(Class::Policy)),
    ("attach policy", Some(Class::Policy)),
    ("detach policy", Some(Class::Policy)),
    ("create policy", Some(Class::Policy)),
    ("delete policy", Some(Class::Policy)),
    ("delete * user policy", Some(Class::Policy)),
    ("delete * role policy", Some(Class::Policy)),
    ("delete * group policy", Some(Class::Policy)),
    ("delete * bucket policy", Some(Class::Policy)),
    ("set default policy version", Some(Class::Policy)),
    ("update assume role policy", Some(Class::Policy)),
    ("permissions boundary", Some(Class::Policy)),
    ("add user to group", Some(Class::Policy)),
    ("remove user from group", Some(Class::Policy)),
    ("add role to instance profile", Some(Class::Policy)),
    ("create account assignment", Some(Class::Policy)),
    ("delete account assignment", Some(Class::Policy)),
    ("permission set", Some(Class::Policy)),
    ("role assignments write", Some(Class::Policy)),
    ("role assignments delete", Some(Class::Policy)),
    ("role definitions write", Some(Class::Policy)),
    ("role definitions delete", Some(Class::Policy)),
    ("roleassignments write", Some(Class::Policy)),
    ("roleassignments delete", Some(Class::Policy)),
    ("roledefinitions write", Some(Class::Policy)),
    ("roledefinitions delete", Some(Class::Policy)),
    ("elevate access", Some(Class::Policy)),
    ("add * member to role", Some(Class::Policy)),
    ("add * eligible member", Some(Class::Policy)),
    ("remove * member from role", Some(Class::Policy)),
    ("add member to group", Some(Class::Policy)),
    ("remove member from group", Some(Class::Policy)),
    ("add app role assignment", Some(Class::Policy)),
    ("add delegated permission grant", Some(Class::Policy)),
    ("consent to application", Some(Class::Policy)),
    ("conditional access policy", Some(Class::Policy)),
    ("set iam policy", Some(Class::Policy)),
    ("set iam permissions", Some(Class::Policy)),
    ("create role", Some(Class::Policy)),
    ("update role", Some(Class::Policy)),
    ("delete role", Some(Class::Policy)),
    ("role bindings", Some(Class::Policy)),
    ("role binding", Some(Class::Policy)),
    ("rolebindings", Some(Class::Policy)),
    ("clusterrolebindings", Some(Class::Policy)),
    ("clusterroles", Some(Class::Policy)),
    ("group user membership", Some(Class::Policy)),
    ("group privilege", Some(Class::Policy)),
    ("account privilege", Some(Class::Policy)),
    ("user account privilege grant", Some(Class::Policy)),
    ("privilege grant", Some(Class::Policy)),
    ("privilege revoke", Some(Class::Policy)),
    ("iam resourceset bindings", Some(Class::Policy)),
    ("policy lifecycle", Some(Class::Policy)),
    ("policy rule", Some(Class::Policy)),
    ("policy create", Some(Class::Policy)),
    ("policy update", Some(Class::Policy)),
    ("policy delete", Some(Class::Policy)),
    ("role create", Some(Class::Policy)),
    ("role update", Some(Class::Policy)),
    ("role delete", Some(Class::Policy)),
    ("role assign", Some(Class::Policy)),
    ("role assignment created", Some(Class::Policy)),
    ("role assignment deleted", Some(Class::Policy)),
    ("created * role assignment", Some(Class::Policy)),
    ("deleted * role assignment", Some(Class::Policy)),
    ("add role", Some(Class::Policy)),
    ("grant role", Some(Class::Policy)),
    ("assign role", Some(Class::Policy)),
    ("revoke role", Some(Class::Policy)),
    ("iam groups member add", Some(Class::Policy)),
    ("iam groups member delete", Some(Class::Policy)),
    ("iam groups rule", Some(Class::Policy)),
    ("group member add", Some(Class::Policy)),
    ("group member update", Some(Class::Policy)),
    ("org update member", Some(Class::Policy)),
    ("org add member", Some(Class::Policy)),
    ("team add member", Some(Class::Policy)),
    ("repo add member", Some(Class::Policy)),
    ("repo update member", Some(Class::Policy)),
    ("add mailbox permission", Some(Class::Policy)),
    ("new management role assignment", Some(Class::Policy)),
    ("authorize security group", Some(Class::Policy)),
];

/// What an action changes; `None`: neither.
pub fn class_of(action: &str) -> Option<Class> {
    let words = words(action);
    CLASSES.iter().find(|(pattern, _)| holds(&words, pattern)).and_then(|(_, class)| *class)
}

impl Class {
    fn kind(self) -> Kind {
        match self {
            Self::Policy => Kind::PolicyChangeInsight,
            Self::Password => Kind::PasswordChangeInsight,
        }
    }
}

/// Whose changes are counted. By service in a region, or of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Whose {
    Principal(Name),
    Service(Name, Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    source: u16,
    class: Class,
    whose: Whose,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    rate: Rate,
    last: Bin,
    /// The last region and service of a principal.
    region: Name,
    service: Name,
    /// What was done lately, and the bin in which each was done last.
    actions: Vec<(Name, Bin)>,
    open: Option<(Object, Episode)>,
}

impl Counted {
    /// Remembers an action, if need be instead of the one that was not done for longest; those of an insight that is
    /// open stay.
    fn note(&mut self, action: Name, bin: Bin) {
        if let Some((_, last)) = self.actions.iter_mut().find(|(known, _)| *known == action) {
            *last = bin.max(*last);
            return;
        }
        if self.actions.len() == ACTIONS_MAX {
            let since = self.open.as_ref().map_or(bin, |(_, episode)| episode.start);
            let oldest = (0..ACTIONS_MAX).min_by_key(|at| self.actions[*at].1);
            let Some(oldest) = oldest.filter(|at| self.actions[*at].1 < since) else { return };
            self.actions.swap_remove(oldest);
        }
        self.actions.push((action, bin));
    }

    fn heap_bytes(&self) -> usize {
        self.rate.heap_bytes() + self.actions.capacity() * size_of::<(Name, Bin)>()
    }
}

/// All changes of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Changes {
    series: BTreeMap<Key, Counted>,
    /// What was found of actions. Made anew where it is missing.
    #[serde(skip)]
    classes: Classes,
}

/// Classes of actions that were looked at, by name. All of them are equal: they follow from the names.
#[derive(Debug, Clone, Default)]
struct Classes(Vec<Option<Option<Class>>>);

impl PartialEq for Classes {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Changes {
    /// Takes in an event in a bin that is not over.
    pub fn take(&mut self, seen: &Seen, bin: Bin, scene: &mut Scene<'_>) {
        let Some(class) = self.class(seen, scene) else { return };
        for key in keys(seen, class, scene.source) {
            self.count(key, seen, bin, scene);
            self.judge(key, seen, bin, scene);
        }
    }

    /// Takes in what came too late to be judged.
    pub fn teach(&mut self, seen: &Seen, bin: Bin, scene: &mut Scene<'_>) {
        let Some(class) = self.class(seen, scene) else { return };
        for key in keys(seen, class, scene.source) {
            let first = scene.first.min(bin);
            let counted = self.of(key, seen, bin, first, scene);
            if bin < counted.rate.next {
                counted.rate.teach_late(bin, seen.times as f32, scene.grid);
            } else if bin < counted.rate.next + OPEN_BINS {
                counted.rate.count(bin, seen.times as f32, scene.grid);
            }
        }
    }

    /// Only what succeeded changed something.
    fn class(&mut self, seen: &Seen, scene: &Scene<'_>) -> Option<Class> {
        if seen.code.is_some() || seen.is_denied {
            return None;
        }
        let at = seen.action as usize;
        if self.classes.0.len() <= at {
            self.classes.0.resize(at + 1, None);
        }
        *self.classes.0[at].get_or_insert_with(|| class_of(scene.names.text(seen.action)))
    }

    fn of(&mut self, key: Key, seen: &Seen, bin: Bin, first: Bin, scene: &Scene<'_>) -> &mut Counted {
        if self.series.len() >= SERIES_MAX && !self.series.contains_key(&key) {
            forget_oldest(&mut self.series, |counted| if counted.open.is_some() { Bin::MAX } else { counted.last });
        }
        let new = || Counted {
            rate: Rate::silent_since(bin, first, scene.grid),
            last: bin,
            region: seen.region,
            service: seen.service,
            actions: Vec::new(),
            open: None,
        };
        self.series.entry(key).or_insert_with(new)
    }

    fn count(&mut self, key: Key, seen: &Seen, bin: Bin, scene: &mut Scene<'_>) {
        let first = scene.first;
        self.of(key, seen, bin, first, scene);
        // So that the bin is open: the front lets nothing through that is further ahead.
        self.close_until(key, bin - OPEN_BINS + 1, scene);
        let Some(counted) = self.series.get_mut(&key) else { return };
        if bin < counted.rate.next {
            counted.rate.teach_late(bin, seen.times as f32, scene.grid);
            return;
        }
        counted.rate.count(bin, seen.times as f32, scene.grid);
        counted.last = counted.last.max(bin);
        (counted.region, counted.service) = (seen.region, seen.service);
        counted.note(seen.action, bin);
    }

    fn judge(&mut self, key: Key, seen: &Seen, bin: Bin, scene: &mut Scene<'_>) {
        let kind = key.class.kind();
        let grid = scene.grid;
        if !scene.has_learned(seen.happened) || !scene.settings.is_on(kind) {
            return;
        }
        let surprise = needed_surprise(self.series.len() as f64, scene.settings.sensitivity);
        let Some(counted) = self.series.get_mut(&key) else { return };
        if counted.open.is_some() || bin < counted.rate.next {
            return;
        }
        let into = (seen.happened - grid.start(bin)).clamp(0, grid.bin_micros);
        let elapsed = into as f32 / grid.bin_micros as f32;
        let needed = Needed { surprise, alone: surprise + ALONE_MORE, common: 1.0, sudden: 1.0, elapsed };
        let Some(excess) = counted.rate.excess(bin, needed, grid) else { return };
        if matches!(key.whose, Whose::Service(..)) && self.explained(key, bin) >= excess.count * EXPLAINED {
            return;
        }
        let Some(counted) = self.series.get_mut(&key) else { return };
        if !scene.take_start(kind, seen.happened) {
            return;
        }
        let start = start_of(bin, &excess, |bin| counted.rate.is_hot(bin, grid));
        let object = object(key, counted, scene);
        let at = grid.start(start);
        let test = test_of(Method::NegativeBinomial, &excess, None);
        let mut episode = Episode::new(insight_id(scene.account, kind, &object, at), start, bin, test);
        episode.expected_by = scene.settings.expected_by(kind, &object, at).map(|expected| expected.id.clone());
        // What is told now has all that was counted; what is not closed yet is counted again when it closes.
        let mut closed = (0.0, 0.0);
        for at in start..=bin {
            let (count, (expected, _)) = (f64::from(counted.rate.at(at)), counted.rate.band(at, grid));
            episode.count += count;
            episode.expected += if at == bin { expected * f64::from(elapsed) } else { expected };
            if count > episode.peak {
                (episode.peak, episode.peak_expected, episode.peak_bin) = (count, expected, at);
            }
            if at < counted.rate.next {
                closed = (episode.count, episode.expected);
            }
        }
        (episode.hot_count, episode.hot_expected) = (episode.count, episode.expected);
        let notice = Notice { at: seen.happened, offset: Some(seen.offset) };
        let actions = &counted.actions;
        let mut change = change(kind, &object, &episode, actions, Stage::Start, bin + 1, notice, None, scene);
        // Up to the event by which it was noticed, and not to the end of a bin that still goes on.
        change.until = (seen.happened + 1).max(grid.start(bin));
        scene.told.push(change);
        (episode.told, episode.told_count) = (bin, episode.count);
        (episode.count, episode.expected) = closed;
        counted.open = Some((object, episode));
    }

    /// Changes of principals of whom is told already, in the same source.
    fn explained(&self, key: Key, bin: Bin) -> f64 {
        let of_principals = self.series.iter().filter(|(of, _)| {
            of.source == key.source && of.class == key.class && matches!(of.whose, Whose::Principal(_))
        });
        let open = of_principals.filter_map(|(_, counted)| Some((counted, &counted.open.as_ref()?.1)));
        open.map(|(counted, episode)| {
            let not_closed: f32 = (counted.rate.next..=bin).map(|bin| counted.rate.at(bin)).sum();
            episode.count + f64::from(not_closed)
        })
        .sum()
    }

    /// The time of a source has come to a bin.
    pub fn over(&mut self, bin: Bin, scene: &mut Scene<'_>) {
        let open =
            |(key, counted): (&Key, &Counted)| (key.source == scene.source && counted.open.is_some()).then_some(*key);
        let open: Vec<Key> = self.series.iter().filter_map(open).collect();
        for key in open {
            self.close_until(key, bin, scene);
        }
    }

    /// Closes bins of a series until this is its first open one.
    fn close_until(&mut self, key: Key, until: Bin, scene: &mut Scene<'_>) {
        let grid = scene.grid;
        let Some(counted) = self.series.get_mut(&key) else { return };
        let Counted { rate, actions, open, .. } = counted;
        while rate.next < until {
            let bin = rate.next;
            let Some((object, episode)) = open else {
                rate.pass_silence(until, grid);
                rate.close(grid, Teaching::Usual);
                continue;
            };
            let (count, (expected, _), is_hot) = (rate.at(bin), rate.band(bin, grid), rate.is_hot(bin, grid));
            let teaching = episode.teaching(bin);
            let next = if bin < episode.start {
                Next::Nothing
            } else {
                episode.close(bin, f64::from(count), expected, is_hot)
            };
            rate.close(grid, teaching);
            let kind = key.class.kind();
            let next = if scene.settings.is_on(kind) { next } else { Next::End(EndReason::Closed) };
            let by_time = |bin: Bin| Notice { at: grid.start(bin), offset: None };
            match next {
                Next::Nothing => {}
                Next::Update => {
                    scene.told.push(change(
                        kind,
                        object,
                        episode,
                        actions,
                        Stage::Update,
                        bin + 1,
                        by_time(bin + 1),
                        None,
                        scene,
                    ));
                }
                Next::End(reason) => {
                    let end = episode.last_hot + 1;
                    rate.end_insight(episode.peak_bin, episode.peak, episode.peak_expected, grid);
                    scene.told.push(change(
                        kind,
                        object,
                        episode,
                        actions,
                        Stage::End,
                        end,
                        by_time(end),
                        Some(reason),
                        scene,
                    ));
                    *open = None;
                }
            }
        }
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.classes = Classes::default();
        rename(&mut self.series, |key| match &mut key.whose {
            Whose::Principal(principal) => visit(principal),
            Whose::Service(region, service) => {
                visit(region);
                visit(service);
            }
        });
        for counted in self.series.values_mut() {
            visit(&mut counted.region);
            visit(&mut counted.service);
            counted.actions.iter_mut().for_each(|(action, _)| visit(action));
        }
    }

    pub fn bytes(&self) -> usize {
        tree_bytes(&self.series)
            + self.series.values().map(Counted::heap_bytes).sum::<usize>()
            + self.classes.0.capacity() * 2
    }
}

/// The principal first: where one person did it all, this is told of the person.
fn keys(seen: &Seen, class: Class, source: u16) -> impl Iterator<Item = Key> + use<> {
    let by_service = Whose::Service(seen.region, seen.service);
    let whose = [seen.principal.map(Whose::Principal), Some(by_service)];
    whose.into_iter().flatten().map(move |whose| Key { source, class, whose })
}

fn object(key: Key, counted: &Counted, scene: &Scene<'_>) -> Object {
    let text = |name: Name| scene.names.text(name).to_owned();
    Object {
        source: scene.source_name.to_owned(),
        region: text(counted.region),
        service: text(counted.service),
        principal: match key.whose {
            Whose::Principal(principal) => Some(text(principal)),
            Whose::Service(..) => None,
        },
        ..Object::default()
    }
}

#[expect(clippy::too_many_arguments, reason = "all that a change tells, said once")]
fn change(
    kind: Kind,
    object: &Object,
    episode: &Episode,
    actions: &[(Name, Bin)],
    stage: Stage,
    until: Bin,
    notice: Notice,
    end_reason: Option<EndReason>,
    scene: &Scene<'_>,
) -> Change {
    let is_end = stage == Stage::End;
    let of_it = actions.iter().filter(|(_, last)| *last >= episode.start);
    let mut actions: Vec<String> = of_it.map(|(action, _)| scene.names.text(*action).to_owned()).collect();
    actions.sort();
    Change {
        insight: episode.insight.clone(),
        stage,
        kind,
        object: object.clone(),
        start: scene.grid.start(episode.start),
        until: scene.grid.start(until),
        noticed: notice.at,
        offset: notice.offset,
        count: if is_end { episode.hot_count } else { episode.count },
        expected: if is_end { episode.hot_expected } else { episode.expected },
        peak: episode.peak,
        peak_expected: episode.peak_expected,
        test: episode.test.clone(),
        end_reason,
        expected_by: episode.expected_by.clone(),
        actions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actions_of_an_open_insight_stay_and_others_give_way_to_what_comes() {
        let grid = crate::grid::Grid::five_minutes();
        let rate = Rate::silent_since(0, 0, grid);
        let mut counted = Counted { rate, last: 0, region: 0, service: 0, actions: Vec::new(), open: None };
        let noted = |counted: &Counted| {
            let mut actions: Vec<Name> = counted.actions.iter().map(|(action, _)| *action).collect();
            actions.sort_unstable();
            actions
        };
        (0..8).for_each(|action| counted.note(action, action as Bin));
        counted.note(0, 9);
        counted.note(20, 10);
        assert_eq!(noted(&counted), [0, 2, 3, 4, 5, 6, 7, 20]);
        let episode = Episode::new("i".into(), 4, 10, crate::scene::fact(1.0));
        counted.open = Some((Object::default(), episode));
        (21..30).for_each(|action| counted.note(action, 11));
        assert_eq!(noted(&counted), [0, 4, 5, 6, 7, 20, 21, 22]);
    }

    #[test]
    fn actions_of_many_systems_are_told_apart() {
        let policy = "iam-access-management.policy.create iam-am.policy.update iam-groups.member.add iam-groups.rule.create \
            PutUserPolicy PutRolePolicy AttachRolePolicy DetachGroupPolicy CreatePolicy CreatePolicyVersion DeleteRolePolicy \
            UpdateAssumeRolePolicy AddUserToGroup PutBucketPolicy CreateRole SetDefaultPolicyVersion \
            PutRolePermissionsBoundary AttachPolicyToUser CreateAccountAssignment PutKeyPolicy DeleteAccountPasswordPolicy \
            Microsoft.Authorization/roleAssignments/write MICROSOFT.AUTHORIZATION/ROLEDEFINITIONS/WRITE \
            Microsoft.Authorization/elevateAccess/action SetIamPolicy google.iam.v1.IAMPolicy.SetIamPolicy \
            storage.setIamPermissions google.iam.admin.v1.CreateRole rolebindings.create create/clusterrolebindings \
            clusterroles.update group.user_membership.add group.privilege.grant user.account.privilege.grant \
            policy.lifecycle.update policy.rule.update identity.role_assignment.created created.role_assignment \
            org.update_member team.add_member group.member.add whodid.role-binding.create whodid.role.update \
            Add-MailboxPermission New-ManagementRoleAssignment CREATE_ROLE ASSIGN_ROLE";
        let password = "ChangePassword UpdateLoginProfile CreateLoginProfile ResetPassword AdminResetUserPassword \
            AdminSetUserPassword user.account.reset_password user.account.update_password user.password.update \
            CreateAccessKey ModifyDBClusterPassword DeactivateMFADevice user.mfa.factor.deactivate user.mfa.factor.reset_all \
            iam-identity.user-apikey.create iam-identity.serviceid-apikey.create whodid.password.update whodid.mfa.disable \
            google.iam.admin.v1.CreateServiceAccountKey CHANGE_PASSWORD UnbindMFADevice identity.credential.create";
        let neither = "GetUserPolicy ListPolicies GetPasswordData SimulatePrincipalPolicy DescribeScalingPolicies \
            PutScalingPolicy PutLifecyclePolicy ComputePolicy kms.secrets.create Microsoft.Compute/virtualMachines/write \
            google.iam.v1.IAMPolicy.GetIamPolicy CreateUser policy.evaluate_sign_on iam-am.policy.read ssh.login create \
            TestIamPermissions user.session.start CreateLoadBalancerPolicy";
        let check = |actions: &str, class: Option<Class>| {
            for action in actions.split_whitespace() {
                assert_eq!(class_of(action), class, "{action}");
            }
        };
        check(policy, Some(Class::Policy));
        check(password, Some(Class::Password));
        check(neither, None);
        for (action, class) in [
            ("Add member to role", Some(Class::Policy)),
            ("Add eligible member to role in PIM completed", Some(Class::Policy)),
            ("Update conditional access policy", Some(Class::Policy)),
            ("Reset user password", Some(Class::Password)),
            ("Change user password", Some(Class::Password)),
        ] {
            assert_eq!(class_of(action), class, "{action}");
        }
    }
}
