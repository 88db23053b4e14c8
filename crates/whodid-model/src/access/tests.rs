//! The decision, case by case.
#![allow(clippy::unwrap_used)]
use super::*;

fn account() -> AccountName {
    AccountName::default_account()
}

fn user(id: &str, name: &str, also_known_as: &[&str]) -> Who {
    Who::User {
        id: id.into(),
        name: name.into(),
        is_name_given: true,
        also_known_as: also_known_as.iter().map(|&name| name.into()).collect(),
    }
}

fn person(grants: Vec<Grant>) -> Principal {
    Principal {
        who: user("u1", "bob", &[]),
        grants: BTreeMap::from([(account(), grants)]),
        home: Some(account()),
        is_operator: false,
    }
}

fn with_role(role: BuiltInRole) -> Principal {
    person(vec![Grant::whole(role.permissions())])
}

fn of(permissions: &[Permission]) -> Grant {
    Grant::whole(PermissionSet::of(permissions))
}

fn spaces(names: &[&str]) -> Option<Vec<SpaceName>> {
    Some(names.iter().map(|name| SpaceName::parse(name).unwrap()).collect())
}

fn events() -> Grant {
    of(&[Permission::SpaceEventsRead, Permission::AccountEventsRead])
}

fn rows_of(grants: Vec<Grant>, act: Act<'_>) -> Result<Vec<Rows>, Denied> {
    decide(&person(grants), act, &account()).map(|scope| scope.rows().to_vec())
}

fn read(grants: Vec<Grant>) -> Result<Vec<Rows>, Denied> {
    rows_of(grants, Act::Read(&StreamName::activity()))
}

#[test]
fn each_built_in_role_may_do_what_its_name_says() {
    use BuiltInRole::*;
    use Permission::*;
    let (activity, audit, rejects) = (StreamName::activity(), StreamName::audit(), StreamName::rejects());
    let findings = StreamName::findings();
    let all = [Administrator, Analyst, Auditor, Manager, Writer, Reader, Member];
    let seeing = vec![Administrator, Analyst, Auditor, Manager, Writer, Reader];
    let exporting = vec![Administrator, Analyst, Auditor, Manager, Writer];
    let cases: [(Act<'_>, Vec<BuiltInRole>); 20] = [
        (Act::Write, vec![Administrator, Manager, Writer]),
        (Act::Read(&activity), seeing.clone()),
        (Act::Read(&findings), seeing),
        (Act::Export(&activity), exporting.clone()),
        (Act::Export(&findings), exporting),
        (Act::Read(&audit), vec![Administrator, Auditor]),
        (Act::Export(&audit), vec![Administrator, Auditor]),
        (Act::Read(&rejects), vec![Administrator, Analyst, Auditor, Manager]),
        (Act::Export(&rejects), vec![Administrator, Analyst, Auditor, Manager]),
        (Act::ReadOwn, all.to_vec()),
        (Act::Manage(KeysRead), vec![Administrator, Analyst, Auditor, Manager]),
        (Act::Manage(KeysManage), vec![Administrator, Manager]),
        (Act::Manage(UsersRead), vec![Administrator, Auditor]),
        (Act::Manage(UsersManage), vec![Administrator]),
        (Act::Manage(RolesManage), vec![Administrator]),
        (Act::Manage(SessionsManage), vec![Administrator]),
        (Act::Manage(SettingsRead), vec![Administrator, Analyst, Auditor, Manager]),
        (Act::Manage(SettingsManage), vec![Administrator]),
        (Act::Manage(EventsWrite), vec![Administrator, Manager, Writer]),
        (Act::Manage(AuditRead), vec![Administrator, Auditor]),
    ];
    for (act, allowed) in cases {
        for role in all {
            let decided = decide(&with_role(role), act, &account());
            assert_eq!(decided.is_ok(), allowed.contains(&role), "{role} does {act:?}: {decided:?}");
        }
    }
}

#[test]
fn who_sees_account_events_too_sees_all_and_who_does_not_sees_those_of_spaces() {
    for (role, is_all) in [
        (BuiltInRole::Administrator, true),
        (BuiltInRole::Analyst, true),
        (BuiltInRole::Auditor, true),
        (BuiltInRole::Manager, true),
        (BuiltInRole::Writer, false),
        (BuiltInRole::Reader, false),
    ] {
        let scope = decide(&with_role(role), Act::Read(&StreamName::activity()), &account()).unwrap();
        let expected = if is_all { Rows::ALL } else { Rows { account_events: false, ..Rows::ALL } };
        assert_eq!(scope.rows(), [expected], "{role}");
    }
}

#[test]
fn a_scope_says_what_it_was_given_for() {
    let administrator = with_role(BuiltInRole::Administrator);
    let audit = StreamName::audit();
    for (act, right, stream) in [
        (Act::Write, Right::Write, Some(StreamName::activity())),
        (Act::Read(&audit), Right::Read, Some(audit.clone())),
        (Act::Export(&audit), Right::Export, Some(audit.clone())),
        (Act::ReadOwn, Right::Read, None),
        (Act::Manage(Permission::KeysManage), Right::Manage(Permission::KeysManage), None),
    ] {
        let scope = decide(&administrator, act, &account()).unwrap();
        assert_eq!((scope.account(), scope.right(), scope.stream()), (&account(), right, stream.as_ref()), "{act:?}");
        assert_eq!(scope.rows().is_empty(), matches!(act, Act::Manage(_)), "{act:?}");
    }
}

#[test]
fn another_account_is_not_there_whatever_is_granted_in_ones_own() {
    let other = AccountName::parse("other").unwrap();
    let mut operator = with_role(BuiltInRole::Administrator);
    operator.is_operator = true;
    let activity = StreamName::activity();
    for act in
        [Act::Write, Act::Read(&activity), Act::Export(&activity), Act::ReadOwn, Act::Manage(Permission::UsersManage)]
    {
        assert_eq!(decide(&operator, act, &other), Err(Denied::NotThere), "{act:?}");
        let nothing = decide(&person(Vec::new()), act, &account()).unwrap_err();
        assert!(matches!(nothing, Denied::Lacks(_)), "{act:?}: one belongs to the account, and has nothing there");
    }
}

#[test]
fn what_is_lacking_is_named() {
    let nobody = person(Vec::new());
    let (activity, audit, rejects) = (StreamName::activity(), StreamName::audit(), StreamName::rejects());
    let lacking = |act| match decide(&nobody, act, &account()) {
        Err(Denied::Lacks(permission)) => permission,
        other => panic!("{other:?}"),
    };
    assert_eq!(lacking(Act::Write), Permission::EventsWrite);
    assert_eq!(lacking(Act::Read(&activity)), Permission::SpaceEventsRead);
    assert_eq!(lacking(Act::Read(&audit)), Permission::AuditRead);
    assert_eq!(lacking(Act::Export(&rejects)), Permission::RejectsRead);
    assert_eq!(lacking(Act::ReadOwn), Permission::OwnActivityRead);
    assert_eq!(lacking(Act::Manage(Permission::KeysRead)), Permission::KeysRead);
    let reader = decide(&with_role(BuiltInRole::Reader), Act::Export(&StreamName::activity()), &account());
    assert_eq!(reader, Err(Denied::Lacks(Permission::EventsExport)));
}

#[test]
fn a_grant_for_spaces_shows_their_events_and_none_of_the_account() {
    let grant = Grant { spaces: spaces(&["dev"]), ..events() };
    let expected = Rows { spaces: spaces(&["dev"]), account_events: false, ..Rows::ALL };
    assert_eq!(read(vec![grant.clone()]), Ok(vec![expected]));
    let account_only = Grant { permissions: PermissionSet::of(&[Permission::AccountEventsRead]), ..grant };
    assert_eq!(read(vec![account_only]), Err(Denied::Lacks(Permission::SpaceEventsRead)), "nothing is left of it");
    let no_space = Grant { spaces: spaces(&[]), ..events() };
    assert_eq!(read(vec![no_space]), Err(Denied::Lacks(Permission::SpaceEventsRead)));
}

#[test]
fn account_events_alone_are_those_of_no_space() {
    let expected = Rows { space_events: false, ..Rows::ALL };
    assert_eq!(read(vec![of(&[Permission::AccountEventsRead])]), Ok(vec![expected]));
}

#[test]
fn sources_and_queries_are_handed_on() {
    let grant = Grant { sources: Some(vec!["cadf".into()]), query: Some("action:kms".into()), ..events() };
    let expected = Rows { sources: Some(vec!["cadf".into()]), query: Some("action:kms".into()), ..Rows::ALL };
    assert_eq!(read(vec![grant]), Ok(vec![expected]));
}

#[test]
fn a_grant_for_streams_reaches_no_other() {
    let grant = Grant { streams: Some(vec![StreamName::findings()]), ..events() };
    assert_eq!(rows_of(vec![grant.clone()], Act::Read(&StreamName::findings())), Ok(vec![Rows::ALL]));
    assert!(read(vec![grant]).is_err());
    let writing = Grant { streams: Some(vec![StreamName::findings()]), ..of(&[Permission::EventsWrite]) };
    assert!(rows_of(vec![writing], Act::Write).is_err(), "senders write to the activity stream only");
}

#[test]
fn grants_add_up_are_told_once_and_one_without_limits_is_enough() {
    let dev = Grant { spaces: spaces(&["dev"]), ..events() };
    let trail = Grant { sources: Some(vec!["cloudtrail".into()]), ..events() };
    assert_eq!(read(vec![dev.clone(), trail.clone(), dev.clone()]).unwrap().len(), 2);
    assert_eq!(read(vec![dev, events(), trail]), Ok(vec![Rows::ALL]));
}

#[test]
fn limits_of_one_grant_do_not_reach_the_permissions_of_another() {
    let exporting = Grant { spaces: spaces(&["dev"]), ..of(&[Permission::EventsExport]) };
    let activity = StreamName::activity();
    let export = Act::Export(&activity);
    let apart = rows_of(vec![events(), exporting], export);
    assert_eq!(apart, Err(Denied::Lacks(Permission::EventsExport)), "seeing and exporting are of one grant");
    let both = Grant { spaces: spaces(&["dev"]), ..of(&[Permission::SpaceEventsRead, Permission::EventsExport]) };
    let rows = rows_of(vec![events(), both], export).unwrap();
    assert_eq!(
        rows,
        [Rows { spaces: spaces(&["dev"]), account_events: false, ..Rows::ALL }],
        "all seen, some exported"
    );
}

#[test]
fn a_grant_with_limits_manages_nothing() {
    let whole = Grant::whole(PermissionSet::ALL);
    for limited in [
        Grant { spaces: spaces(&["dev"]), ..whole.clone() },
        Grant { sources: Some(vec!["cadf".into()]), ..whole.clone() },
        Grant { streams: Some(vec![StreamName::activity()]), ..whole.clone() },
        Grant { query: Some("*".into()), ..whole.clone() },
    ] {
        for permission in Permission::ALL {
            let decided = decide(&person(vec![limited.clone()]), Act::Manage(permission), &account());
            assert_eq!(decided, Err(Denied::Lacks(permission)), "{limited:?}");
        }
        assert!(decide(&person(vec![limited, whole.clone()]), Act::Manage(Permission::KeysManage), &account()).is_ok());
    }
}

#[test]
fn rejects_are_seen_whole_or_not_at_all() {
    let whole = of(&[Permission::RejectsRead]);
    let rejects = StreamName::rejects();
    assert_eq!(rows_of(vec![whole.clone()], Act::Read(&rejects)), Ok(vec![Rows::ALL]));
    for limited in [
        Grant { spaces: spaces(&["dev"]), ..whole.clone() },
        Grant { sources: Some(vec!["cadf".into()]), ..whole.clone() },
        Grant { query: Some("action:kms".into()), ..whole.clone() },
    ] {
        assert_eq!(rows_of(vec![limited], Act::Read(&rejects)), Err(Denied::Lacks(Permission::RejectsRead)));
    }
    let by_stream = Grant { streams: Some(vec![rejects.clone()]), ..whole };
    assert_eq!(rows_of(vec![by_stream], Act::Read(&rejects)), Ok(vec![Rows::ALL]));
}

#[test]
fn the_audit_log_is_narrowed_by_a_query_only() {
    let whole = of(&[Permission::AuditRead]);
    let audit = StreamName::audit();
    assert_eq!(rows_of(vec![whole.clone()], Act::Read(&audit)), Ok(vec![Rows::ALL]));
    let by_query = Grant { query: Some("action:whodid.view".into()), ..whole.clone() };
    let expected = Rows { query: Some("action:whodid.view".into()), ..Rows::ALL };
    assert_eq!(rows_of(vec![by_query], Act::Read(&audit)), Ok(vec![expected]));
    for limited in
        [Grant { spaces: spaces(&["dev"]), ..whole.clone() }, Grant { sources: Some(vec!["cadf".into()]), ..whole }]
    {
        assert_eq!(rows_of(vec![limited], Act::Read(&audit)), Err(Denied::Lacks(Permission::AuditRead)));
    }
    assert!(rows_of(vec![events()], Act::Read(&audit)).is_err(), "who sees events does not see the audit log");
}

#[test]
fn what_may_be_sent_is_limited_by_spaces_and_sources() {
    let sending = of(&[Permission::EventsWrite]);
    assert_eq!(rows_of(vec![sending.clone()], Act::Write), Ok(vec![Rows::ALL]));
    let limited = Grant { spaces: spaces(&["dev"]), sources: Some(vec!["cadf".into()]), ..sending };
    let expected = Rows {
        spaces: spaces(&["dev"]),
        space_events: true,
        account_events: false,
        sources: Some(vec!["cadf".into()]),
        query: None,
    };
    assert_eq!(rows_of(vec![limited], Act::Write), Ok(vec![expected]));
}

#[test]
fn ones_own_activity_is_asked_for_by_all_ones_names_letter_for_letter() {
    let own = |who: Who| own_in(who, Some(account()));
    assert_eq!(
        own(user("u1", "bob", &["IBMid-1", ""])).unwrap(),
        r#"initiator.id:===["u1", "bob", "IBMid-1"] OR initiator.name:===["u1", "bob", "IBMid-1"]"#
    );
    assert_eq!(own(user("u1", r#"a"b\c"#, &[])).unwrap().matches(r#""a\"b\\c""#).count(), 2);
    let key = Who::Key { id: "k1".into(), name: "ci".into() };
    assert_eq!(own(key), Err(Denied::Lacks(Permission::OwnActivityRead)), "a key is nobody's own");
}

fn own_in(who: Who, home: Option<AccountName>) -> Result<String, Denied> {
    let grants = BTreeMap::from([(account(), vec![of(&[Permission::OwnActivityRead])])]);
    let principal = Principal { who, grants, home, is_operator: false };
    decide(&principal, Act::ReadOwn, &account()).map(|scope| {
        let query = scope.rows()[0].query.clone().unwrap();
        // What others tried in one's name comes on top, by the id alone.
        let (own, tries) = query.split_once(" OR (").unwrap();
        assert!(tries.starts_with(r#"target.id:==="u1" AND action:===[whodid.user.authenticate,"#), "{tries}");
        own.to_owned()
    })
}

#[test]
fn further_names_count_in_the_account_that_gave_them_only() {
    let bob = user("u1", "bob", &["IBMid-1"]);
    let elsewhere = r#"initiator.id:===["u1", "bob"] OR initiator.name:===["u1", "bob"]"#;
    for home in [AccountName::parse("other").ok(), None] {
        assert_eq!(own_in(bob.clone(), home).unwrap(), elsewhere);
    }
}

#[test]
fn a_name_that_nobody_gave_is_not_ones_own() {
    let mut bob = user("u1", "bob", &["IBMid-1"]);
    let Who::User { is_name_given, .. } = &mut bob else { panic!() };
    *is_name_given = false;
    assert_eq!(
        own_in(bob, Some(account())).unwrap(),
        r#"initiator.id:===["u1", "IBMid-1"] OR initiator.name:===["u1", "IBMid-1"]"#
    );
}

#[test]
fn ones_own_activity_is_seen_also_by_a_grant_with_limits() {
    let limited = Grant { spaces: spaces(&["dev"]), ..of(&[Permission::OwnActivityRead]) };
    assert!(decide(&person(vec![limited]), Act::ReadOwn, &account()).is_ok());
}
