//! Groups, roles and bindings, what follows from them, and the review of all.

use whodid_meta::{ChangeError, GroupChange, KeyPlan, NewBinding, RoleChange, RoleGrant, Subject, UserChange};
use whodid_model::access::{Grant, PermissionSet, Who};
use whodid_model::{Permission, Principal, SpaceName};

use crate::place::{Place, account, at, home, on_both};

const READ: PermissionSet = PermissionSet::of(&[Permission::SpaceEventsRead]);
const MORE: PermissionSet = PermissionSet::of(&[Permission::SpaceEventsRead, Permission::AuditRead]);

#[tokio::test]
async fn roles_of_an_accounts_own_are_made_changed_and_deleted_when_nobody_has_them() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let role = meta.create_role(&by, &home(), "kms-readers", "Read", READ, at(1)).await.unwrap();
        for (name, taken) in [("kms-readers", true), ("reader", true), ("Big", false), ("", false), ("a b", false)] {
            let refused = meta.create_role(&by, &home(), name, "", READ, at(1)).await.unwrap_err();
            assert_eq!(matches!(refused, ChangeError::Taken { what: "role" }), taken, "{name}");
            assert_eq!(matches!(refused, ChangeError::Invalid { .. }), !taken, "{name}");
        }
        let eve = shop.user("eve", &["kms-readers"]).await;
        let change = RoleChange { permissions: Some(MORE), ..RoleChange::default() };
        meta.update_role(&by, &home(), &role.id, &change, at(2)).await.unwrap();
        let events = shop.events().await;
        let delta = events[0]["requestData"]["delta"].to_string();
        assert_eq!(delta, r#"[{"op":"add","path":"/permissions/audit.read","value":true}]"#);
        assert_eq!(meta.roles(&home()).await.unwrap()[0].bindings, 1);
        let refused = meta.delete_role(&by, &home(), &role.id, at(3)).await;
        assert!(matches!(refused, Err(ChangeError::RoleInUse { bindings: 1 })));
        let view = meta.user(&home(), &eve, at(3)).await.unwrap().unwrap();
        meta.delete_binding(&by, &home(), &view.roles[0].binding.id, at(3)).await.unwrap();
        meta.delete_role(&by, &home(), &role.id, at(4)).await.unwrap();
        assert_eq!(shop.told().await, "role-binding.delete role.delete");
        assert!(matches!(
            meta.update_role(&by, &account("x"), &role.id, &change, at(5)).await,
            Err(ChangeError::NotThere { what: "role" })
        ));
    })
    .await;
}

#[tokio::test]
async fn what_somebody_may_is_the_sum_of_their_own_roles_and_those_of_their_groups() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &["member"]).await;
        let dev = SpaceName::parse("dev").unwrap();
        let group = meta.create_group(&by, &home(), "team", "", &[eve.clone()].into(), at(1)).await.unwrap();
        meta.create_role(&by, &home(), "own", "", MORE, at(1)).await.unwrap();
        let grant = RoleGrant { role: "own".into(), spaces: Some(vec![dev.clone()]), query: Some("host:a".into()) };
        let new = NewBinding { subject: Subject::Group(group.id.clone()), grant };
        let binding = meta.create_binding(&by, &home(), &new, at(2)).await.unwrap();
        let twice = meta.create_binding(&by, &home(), &new, at(2)).await;
        assert!(matches!(twice, Err(ChangeError::Already { .. })));
        let begun = meta
            .begin_session(&by, &eve, &whodid_meta::Device::default(), whodid_meta::Method::Link, false, at(3))
            .await
            .unwrap();
        let grants =
            async || meta.session(begun.secret.expose(), at(4)).await.unwrap().principal.grants[&home()].clone();
        let member = Grant::whole(PermissionSet::of(&[Permission::OwnActivityRead]));
        let narrow =
            Grant { permissions: MORE, spaces: Some(vec![dev]), query: Some("host:a".to_owned()), ..Grant::default() };
        assert_eq!(grants().await, [member.clone(), narrow]);
        let empty =
            GroupChange { name: Some("crew".to_owned()), remove: [eve.clone()].into(), ..GroupChange::default() };
        meta.update_group(&by, &home(), &group.id, &empty, at(5)).await.unwrap();
        assert_eq!(grants().await, std::slice::from_ref(&member));
        meta.delete_group(&by, &home(), &group.id, at(6)).await.unwrap();
        assert!(meta.bindings(&home()).await.unwrap().iter().all(|left| left.id != binding.id));
        assert_eq!(
            shop.told().await,
            "group.create role.create role-binding.create session.create group.update role-binding.delete group.delete"
        );
    })
    .await;
}

#[tokio::test]
async fn a_change_of_members_leaves_what_another_changed_meanwhile() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let two = place.open().await;
        let mut ids = Vec::new();
        for name in ["eve", "bob", "kim"] {
            ids.push(shop.user(name, &[]).await);
        }
        let [eve, bob, kim] = [&ids[0], &ids[1], &ids[2]];
        let seen = meta.create_group(&by, &home(), "team", "", &[eve.clone()].into(), at(1)).await.unwrap();
        let add = |id: &String| GroupChange { add: [id.clone()].into(), ..GroupChange::default() };
        two.update_group(&by, &home(), &seen.id, &add(bob), at(2)).await.unwrap();
        let changed = meta.update_group(&by, &home(), &seen.id, &add(kim), at(3)).await.unwrap();
        assert_eq!(changed.members, ids.iter().cloned().collect());
        let remove = |id: &String| GroupChange { remove: [id.clone()].into(), ..GroupChange::default() };
        two.update_group(&by, &home(), &seen.id, &remove(bob), at(4)).await.unwrap();
        let changed = meta.update_group(&by, &home(), &seen.id, &remove(eve), at(5)).await.unwrap();
        assert_eq!(changed.members, [kim.clone()].into());
        shop.told().await;
        // What is so already is no change.
        for change in [remove(eve), add(kim)] {
            meta.update_group(&by, &home(), &seen.id, &change, at(6)).await.unwrap();
        }
        let both = GroupChange { add: [eve.clone()].into(), ..remove(eve) };
        let refused = meta.update_group(&by, &home(), &seen.id, &both, at(6)).await;
        assert!(matches!(refused, Err(ChangeError::Invalid { member: "remove", .. })));
        let stranger = meta.update_group(&by, &home(), &seen.id, &add(&"nobody".to_owned()), at(6)).await;
        assert!(matches!(stranger, Err(ChangeError::NotThere { what: "user" })));
        assert_eq!(shop.told().await, "");
        assert_eq!(meta.groups(&home()).await.unwrap()[0].members, [kim.clone()].into());
    })
    .await;
}

#[tokio::test]
async fn an_empty_list_of_spaces_is_refused_and_never_no_limit() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let grant = RoleGrant { spaces: Some(Vec::new()), ..RoleGrant::whole("reader") };
        let binding = NewBinding { subject: Subject::User(shop.made.user.id.clone()), grant };
        let refused = shop.meta.create_binding(&shop.admin(), &home(), &binding, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Invalid { member: "spaces", .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_blank_query_is_refused_and_never_no_limit() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &[]).await;
        for blank in ["", "  ", "\t\n", "\u{a0}"] {
            let grant = RoleGrant { query: Some(blank.to_owned()), ..RoleGrant::whole("reader") };
            let new = NewBinding { subject: Subject::User(eve.clone()), grant: grant.clone() };
            let refused = meta.create_binding(&by, &home(), &new, at(1)).await;
            assert!(matches!(refused, Err(ChangeError::Invalid { member: "query", .. })), "{blank:?}");
            let invite = whodid_meta::Invite {
                name: "bob".to_owned(),
                display_name: String::new(),
                roles: vec![grant],
                groups: Vec::new(),
            };
            let refused = meta.invite(&by, &home(), &invite, at(1)).await;
            assert!(matches!(refused, Err(ChangeError::Invalid { member: "query", .. })), "{blank:?}");
        }
        assert_eq!(shop.told().await, "");
    })
    .await;
}

fn who(principal: &Principal) -> (bool, Vec<&str>) {
    let Who::User { is_name_given, also_known_as, .. } = &principal.who else { panic!() };
    (*is_name_given, also_known_as.iter().map(String::as_str).collect())
}

#[tokio::test]
async fn further_names_go_with_the_home_account_that_gave_them() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &["reader"]).await;
        let other = shop.other("other").await;
        shop.invited(&other, "eve", &["reader"]).await;
        let change = UserChange { also_known_as: Some(vec!["victim".to_owned()]), ..UserChange::default() };
        meta.update_user(&by, &home(), &eve, &change, at(1)).await.unwrap();
        let device = whodid_meta::Device::default();
        let begun = meta.begin_session(&by, &eve, &device, whodid_meta::Method::Link, false, at(2)).await.unwrap();
        let session = meta.session(begun.secret.expose(), at(2)).await.unwrap();
        assert_eq!(who(&session.principal), (true, vec!["victim"]));
        // A token means its own account when a request names none; that does not make it their home.
        for (account, names) in [(home(), vec!["victim"]), (other.clone(), vec![])] {
            let plan = KeyPlan::personal(eve.as_str(), "laptop");
            let token = meta.create_key(&by, &account, &plan, at(2)).await.unwrap();
            let known = meta.authenticate(token.secret.expose(), "", at(2)).await.unwrap();
            assert_eq!((known.principal.home.as_ref(), who(&known.principal)), (Some(&account), (true, names)));
        }
        shop.told().await;
        meta.remove_user(&by, &home(), &eve, at(3)).await.unwrap();
        let told = shop.told().await;
        assert!(told.ends_with("user.update user.update@other user.delete"), "{told}");
        let user = meta.user_by_id(&eve).await.unwrap().unwrap();
        assert_eq!((user.home, user.also_known_as), (Some(other), vec![]));
        let oidc = whodid_meta::OidcUser {
            issuer: "https://idp.example".to_owned(),
            subject: "s1".to_owned(),
            name: "chosen".to_owned(),
            display_name: String::new(),
            account: home(),
            roles: Vec::new(),
        };
        let user = meta.sign_in_oidc(&by, &oidc, at(4)).await.unwrap();
        let begun = meta.begin_session(&by, &user, &device, whodid_meta::Method::Oidc, false, at(4)).await.unwrap();
        assert_eq!(who(&begun.session.principal), (false, vec![]));
    })
    .await;
}

#[tokio::test]
async fn a_binding_names_what_is_there_in_its_account() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by, admin) = (&shop.meta, shop.admin(), shop.made.user.id.clone());
        let other = shop.other("other").await;
        let eve = shop.user("eve", &[]).await;
        meta.create_role(&by, &home(), "own", "", READ, at(1)).await.unwrap();
        let group = meta.create_group(&by, &home(), "team", "", &[].into(), at(1)).await.unwrap();
        shop.told().await;
        for (subject, role) in [
            (Subject::User(admin.clone()), "own"),
            (Subject::User(admin.clone()), "missing"),
            (Subject::User(eve.clone()), "reader"),
            (Subject::Group(group.id.clone()), "reader"),
        ] {
            let refused = meta.create_binding(&by, &other, &NewBinding::whole(subject, role), at(2)).await;
            assert!(matches!(refused, Err(ChangeError::NotThere { .. })), "{role}");
        }
        let stranger = meta.create_group(&by, &other, "team", "", &[eve].into(), at(2)).await;
        assert!(matches!(stranger, Err(ChangeError::NotThere { what: "user" })));
        let taken = meta.create_group(&by, &home(), "team", "", &[].into(), at(2)).await;
        assert!(matches!(taken, Err(ChangeError::Taken { what: "group" })));
        assert_eq!(shop.told().await, "");
    })
    .await;
}

#[tokio::test]
async fn a_review_spells_out_who_may_see_what() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &["auditor"]).await;
        let group = meta.create_group(&by, &home(), "team", "", &[eve.clone()].into(), at(1)).await.unwrap();
        meta.create_role(&by, &home(), "own", "", MORE, at(1)).await.unwrap();
        let new = NewBinding::whole(Subject::Group(group.id), "own");
        meta.create_binding(&by, &home(), &new, at(2)).await.unwrap();
        meta.note_read(&eve, &home(), at(3));
        let review = meta.access_review(&home(), at(4)).await.unwrap();
        let row = review.users.iter().find(|row| row.view.user.id == eve).unwrap();
        let roles: Vec<_> = row.roles.iter().map(|role| (role.role.as_str(), role.group.as_deref())).collect();
        assert_eq!(roles, [("auditor", None), ("own", Some("team"))]);
        assert_eq!(row.roles[1].permissions, MORE);
        assert_eq!(row.view.user.last_read_at, Some(at(3)));
        assert_eq!(review.keys.len(), 2);
        let admin = review.users.iter().find(|row| row.view.user.id == shop.made.user.id).unwrap();
        assert_eq!(admin.tokens.len(), 1);
    })
    .await;
}
