//! Users: invited, changed, disabled, removed.

use whodid_audit::{Actor, By};
use whodid_meta::{Accept, ChangeError, Invite, KeyError, KeyPlan, LinkError, LinkKind, Method, RoleGrant, UserChange};

use crate::place::{DAY, Place, Shop, account, actor, at, home, nobody, on_both};

fn invite(name: &str) -> Invite {
    Invite {
        name: name.to_owned(),
        display_name: "Somebody".to_owned(),
        roles: vec![RoleGrant::whole("reader")],
        groups: Vec::new(),
    }
}

const NEW: Accept = Accept::New { password: None, display_name: None };

#[tokio::test]
async fn an_invitation_makes_a_user_with_roles_and_groups_once() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let group = shop.meta.create_group(&shop.admin(), &home(), "team", "", &[].into(), at(0)).await.unwrap();
        let invite = Invite { groups: vec![group.id.clone()], ..invite(" Eve@Example.com ") };
        let (made, token) = shop.meta.invite(&shop.admin(), &home(), &invite, at(0)).await.unwrap();
        assert_eq!(made.invite.name, "Eve@Example.com");
        assert_eq!(token.expose().len(), 52);
        let look = shop.meta.look_at_link(token.expose(), at(1)).await.unwrap();
        assert_eq!((look.kind, look.account, look.has_identity), (LinkKind::Invitation, Some(home()), false));
        shop.told().await;
        let id = shop.meta.accept_invitation(&nobody(), token.expose(), &NEW, at(1)).await.unwrap();
        assert_eq!(shop.told().await, "user.create role-binding.create group.update invitation.accept");
        let view = shop.meta.user(&home(), &id, at(1)).await.unwrap().unwrap();
        assert_eq!(view.user.home, Some(home()));
        assert_eq!(view.groups, [(group.id, "team".to_owned())]);
        assert_eq!(view.roles[0].binding.role, "reader");
        let again = shop.meta.accept_invitation(&nobody(), token.expose(), &NEW, at(2)).await;
        assert!(matches!(again, Err(LinkError::Expired)));
        assert!(shop.meta.invitations(&home()).await.unwrap().is_empty());
        let member = shop.meta.invite(&shop.admin(), &home(), &self::invite("EVE@example.COM"), at(3)).await;
        assert!(matches!(member, Err(ChangeError::AlreadyMember)));
    })
    .await;
}

#[tokio::test]
async fn a_role_or_group_that_is_named_twice_is_given_once() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let group = meta.create_group(&by, &home(), "team", "", &[].into(), at(0)).await.unwrap().id;
        let reader = RoleGrant::whole("reader");
        let twice = Invite { roles: vec![reader.clone(), reader], groups: vec![group.clone(), group], ..invite("eve") };
        let (made, token) = meta.invite(&by, &home(), &twice, at(0)).await.unwrap();
        assert_eq!((made.invite.roles.len(), made.invite.groups.len()), (1, 1));
        // As an older whodid kept it.
        place
            .run(
                "UPDATE invitations SET bindings = replace(replace(bindings, '[{', '[{},{'), '{}', \
            '{\"role\":\"reader\",\"spaces\":null,\"query\":null}')",
            )
            .await;
        assert_eq!(meta.invitations(&home()).await.unwrap()[0].invite.roles.len(), 2);
        let eve = meta.accept_invitation(&nobody(), token.expose(), &NEW, at(1)).await.unwrap();
        let view = meta.user(&home(), &eve, at(1)).await.unwrap().unwrap();
        assert_eq!((view.roles.len(), view.groups.len()), (1, 1));
        for too_many in [
            Invite { roles: vec![RoleGrant::whole("reader"); 101], ..invite("") },
            Invite { groups: vec!["x".to_owned(); 101], ..invite("") },
        ] {
            let refused = meta.invite(&by, &home(), &too_many, at(2)).await.unwrap_err();
            assert!(matches!(refused, ChangeError::TooMany { max: 100 }), "before anything is looked at: {refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_invited_to_roles_that_are_gone_is_a_member_all_the_same() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let permissions = whodid_model::access::PermissionSet::ALL;
        let own = meta.create_role(&by, &home(), "own", "", permissions, at(0)).await.unwrap();
        let mut tokens = Vec::new();
        for (name, roles, expected) in [
            ("eve", vec!["own"], vec!["member"]),
            ("bob", vec!["own", "reader"], vec!["reader"]),
            ("kim", vec![], vec![]),
        ] {
            let roles = roles.into_iter().map(RoleGrant::whole).collect();
            let (_, token) = meta.invite(&by, &home(), &Invite { roles, ..invite(name) }, at(0)).await.unwrap();
            tokens.push((token, expected));
        }
        meta.delete_role(&by, &home(), &own.id, at(1)).await.unwrap();
        for (token, expected) in tokens {
            let user = meta.accept_invitation(&nobody(), token.expose(), &NEW, at(2)).await.unwrap();
            let roles = meta.user(&home(), &user, at(2)).await.unwrap().unwrap().roles;
            assert_eq!(roles.iter().map(|role| role.binding.role.as_str()).collect::<Vec<_>>(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn who_accepts_says_how_they_are_shown() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let long = "x".repeat(201);
        for (name, own, shown) in [
            ("eve", Some(" Eve E. "), Some("Eve E.")),
            ("bob", Some("  "), Some("Somebody")),
            ("kim", None, Some("Somebody")),
            ("max", Some("a\tb"), None),
            ("zoe", Some(long.as_str()), None),
        ] {
            let (_, token) = meta.invite(&shop.admin(), &home(), &invite(name), at(0)).await.unwrap();
            let accept = Accept::New { password: None, display_name: own.map(str::to_owned) };
            let accepted = meta.accept_invitation(&nobody(), token.expose(), &accept, at(1)).await;
            match shown {
                Some(shown) => {
                    let user = meta.user_by_id(&accepted.unwrap()).await.unwrap().unwrap();
                    assert_eq!(user.display_name, shown);
                }
                None => {
                    let refused = accepted.unwrap_err();
                    assert!(matches!(refused, LinkError::Refused(ChangeError::Invalid { member: "display_name", .. })));
                    meta.look_at_link(token.expose(), at(1)).await.expect("it can be accepted again");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_or_when_taken_back() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (_, late) = shop.meta.invite(&shop.admin(), &home(), &invite("eve"), at(0)).await.unwrap();
        let (back, token) = shop.meta.invite(&shop.admin(), &home(), &invite("eve"), at(0)).await.unwrap();
        shop.meta.delete_invitation(&shop.admin(), &home(), &back.id, at(1)).await.unwrap();
        for (token, when) in [(&late, 7 * DAY), (&token, 2)] {
            assert!(matches!(shop.meta.look_at_link(token.expose(), at(when)).await, Err(LinkError::Expired)));
            let refused = shop.meta.accept_invitation(&nobody(), token.expose(), &NEW, at(when)).await;
            assert!(matches!(refused, Err(LinkError::Expired)));
        }
        let again = shop.meta.delete_invitation(&shop.admin(), &home(), &back.id, at(1)).await;
        assert!(matches!(again, Err(ChangeError::NotThere { .. })));
        assert_eq!(shop.told().await, "invitation.create invitation.create invitation.delete");
    })
    .await;
}

#[tokio::test]
async fn somebody_of_another_account_joins_after_proving_who_they_are() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        let mallory = shop.user("mallory", &["reader"]).await;
        let other = shop.other("other").await;
        // No error tells that the name exists elsewhere.
        let (_, token) = shop.meta.invite(&shop.admin(), &other, &invite("Eve"), at(0)).await.unwrap();
        assert!(shop.meta.look_at_link(token.expose(), at(1)).await.unwrap().has_identity);
        let accept =
            async |accept: Accept| shop.meta.accept_invitation(&nobody(), token.expose(), &accept, at(1)).await;
        assert!(matches!(accept(NEW).await, Err(LinkError::Refused(ChangeError::Taken { .. }))));
        let other_user = accept(Accept::Existing { user: mallory }).await;
        assert!(matches!(other_user, Err(LinkError::Refused(ChangeError::NotThere { .. }))));
        assert_eq!(accept(Accept::Existing { user: eve.clone() }).await.unwrap(), eve);
        let user = shop.meta.user_by_id(&eve).await.unwrap().unwrap();
        assert_eq!((user.accounts.len(), user.home), (2, Some(home())));
    })
    .await;
}

#[tokio::test]
async fn only_the_home_account_looks_after_a_user() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        let other = shop.other("other").await;
        shop.invited(&other, "eve", &["reader"]).await;
        shop.told().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let change = UserChange { also_known_as: Some(vec!["E123".to_owned()]), ..UserChange::default() };
        let refused = [
            meta.update_user(&by, &other, &eve, &change, at(1)).await.map(drop),
            meta.disable_user(&by, &other, &eve, at(1)).await,
            meta.enable_user(&by, &other, &eve, at(1)).await,
            meta.unlock_user(&by, &other, &eve, at(1)).await,
            meta.reset_totp(&by, &other, &eve, at(1)).await,
            meta.create_password_reset(&by, &other, &eve, at(1)).await.map(drop),
        ];
        assert!(refused.iter().all(|refused| matches!(refused, Err(ChangeError::NotHome))), "{refused:?}");
        assert_eq!(shop.told().await, "");
        // Its own membership any account may end.
        meta.remove_user(&by, &other, &eve, at(2)).await.unwrap();
        assert_eq!(shop.told().await, "role-binding.delete@other user.delete@other");
        assert_eq!(meta.user_by_id(&eve).await.unwrap().unwrap().accounts, [home()]);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_a_user_is_recorded_as_a_difference_and_names_stay_unique() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &[]).await;
        shop.user("Bob", &[]).await;
        let change = |name: &str| UserChange {
            name: Some(name.to_owned()),
            also_known_as: Some(vec!["IBMid-1".to_owned(), "IBMid-1".to_owned()]),
            ..UserChange::default()
        };
        let update = async |name: &str| shop.meta.update_user(&shop.admin(), &home(), &eve, &change(name), at(1)).await;
        let changed = update("Eve").await.unwrap();
        assert_eq!((changed.name.as_str(), changed.also_known_as.len()), ("Eve", 1));
        let events = shop.events().await;
        let delta = events[0]["requestData"]["delta"].to_string();
        assert!(delta.contains("IBMid-1") && delta.contains(r#""value":"eve""#), "{delta}");
        assert!(matches!(update("bOB").await, Err(ChangeError::Taken { what: "user" })));
        for bad in ["", "a\tb", &"x".repeat(255)] {
            assert!(matches!(update(bad).await, Err(ChangeError::Invalid { member: "name", .. })));
        }
        update("Eve").await.unwrap();
        assert_eq!(shop.told().await, "", "nothing was changed");
    })
    .await;
}

#[tokio::test]
async fn a_further_name_is_not_the_name_or_id_of_another_member() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &[]).await;
        let bob = shop.user("Bob", &[]).await;
        let other = shop.other("other").await;
        let kim = shop.invited(&other, "kim", &[]).await;
        shop.told().await;
        let update = async |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let change = UserChange { also_known_as: Some(names), ..UserChange::default() };
            meta.update_user(&by, &home(), &eve, &change, at(1)).await
        };
        for taken in [" bOB", bob.as_str(), "administrator"] {
            let refused = update(&["E123", taken]).await.unwrap_err();
            assert!(matches!(refused, ChangeError::Invalid { member: "also_known_as", .. }), "{refused:?}");
            assert!(refused.to_string().contains(&format!("`{}`", taken.trim())), "{refused}");
        }
        assert_eq!(shop.told().await, "");
        // Their own, and those of people whom this account does not know: nobody learns here who exists elsewhere.
        update(&["Eve", eve.as_str(), "kim", kim.as_str()]).await.unwrap();
    })
    .await;
}

async fn signed_in(shop: &Shop, user: &str) -> String {
    let device = whodid_meta::Device::default();
    let begun = shop.meta.begin_session(&actor("eve"), user, &device, Method::Password, false, at(0)).await.unwrap();
    begun.secret.expose().to_owned()
}

#[tokio::test]
async fn disabling_ends_sessions_and_stops_tokens_at_once() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        let cookie = signed_in(&shop, &eve).await;
        let plan = KeyPlan::personal(eve.as_str(), "laptop");
        let token = shop.meta.create_key(&shop.admin(), &home(), &plan, at(0)).await.unwrap();
        shop.meta.session(&cookie, at(1)).await.unwrap();
        shop.told().await;
        shop.meta.disable_user(&shop.admin(), &home(), &eve, at(2)).await.unwrap();
        assert!(shop.meta.session(&cookie, at(3)).await.is_err());
        let refused = shop.meta.authenticate(token.secret.expose(), "", at(3)).await;
        assert!(matches!(refused, Err(KeyError::Revoked)));
        assert!(shop.meta.credentials("eve").await.unwrap().is_none());
        assert!(shop.meta.create_link(&shop.admin(), &eve, at(3)).await.is_err());
        assert_eq!(shop.told().await, "user.disable session.delete");
        shop.meta.enable_user(&shop.admin(), &home(), &eve, at(4)).await.unwrap();
        shop.meta.authenticate(token.secret.expose(), "", at(5)).await.unwrap();
        assert!(shop.meta.session(&cookie, at(5)).await.is_err(), "an ended session stays ended");
        assert_eq!(shop.told().await, "user.enable");
    })
    .await;
}

#[tokio::test]
async fn removing_ends_everything_in_the_account() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        let group =
            shop.meta.create_group(&shop.admin(), &home(), "team", "", &[eve.clone()].into(), at(0)).await.unwrap();
        let cookie = signed_in(&shop, &eve).await;
        let plan = KeyPlan::personal(eve.as_str(), "laptop");
        let token = shop.meta.create_key(&shop.admin(), &home(), &plan, at(0)).await.unwrap();
        shop.told().await;
        shop.meta.remove_user(&shop.admin(), &home(), &eve, at(2)).await.unwrap();
        assert_eq!(
            shop.told().await,
            "session.delete role-binding.delete group.update personal-token.delete user.delete"
        );
        assert!(shop.meta.session(&cookie, at(3)).await.is_err());
        assert!(shop.meta.authenticate(token.secret.expose(), "", at(3)).await.is_err());
        assert!(shop.meta.user(&home(), &eve, at(3)).await.unwrap().is_none());
        assert!(
            shop.meta
                .groups(&home())
                .await
                .unwrap()
                .iter()
                .all(|found| found.id == group.id && found.members.is_empty())
        );
        // The person comes back as who they were.
        assert_eq!(shop.invited(&home(), "eve", &[]).await, eve);
        let again = shop.meta.remove_user(&shop.admin(), &account("x"), &eve, at(4)).await;
        assert!(matches!(again, Err(ChangeError::NotThere { .. })));
    })
    .await;
}

/// An administrator made an invitation and a password link for others, and is disabled or removed then.
async fn what_was_made_ends(place: &Place, is_disabled: bool, expected: &str) {
    let shop = place.shop().await;
    let (meta, by) = (&shop.meta, shop.admin());
    let mallory = shop.user("mallory", &["administrator"]).await;
    let eve = shop.user("eve", &["reader"]).await;
    let made_by = Actor { by: By::User { id: mallory.clone(), name: "mallory".to_owned() }, ..actor("mallory") };
    let (_, invited) = meta.invite(&made_by, &home(), &invite("accomplice"), at(0)).await.unwrap();
    let (_, stays) = meta.invite(&by, &home(), &invite("bob"), at(0)).await.unwrap();
    let reset = meta.create_password_reset(&made_by, &home(), &eve, at(0)).await.unwrap();
    let own = meta.create_link(&Actor::operator("root"), &mallory, at(0)).await.unwrap();
    shop.told().await;
    if is_disabled {
        meta.disable_user(&by, &home(), &mallory, at(1)).await.unwrap();
        meta.enable_user(&by, &home(), &mallory, at(2)).await.unwrap();
    } else {
        meta.remove_user(&by, &home(), &mallory, at(1)).await.unwrap();
    }
    let events = shop.events().await;
    assert_eq!(events.iter().map(crate::place::short).collect::<Vec<_>>().join(" "), expected);
    let of_eve = &events[2];
    assert_eq!(of_eve["target"]["id"], eve.as_str());
    assert!(of_eve["requestData"]["delta"].to_string().contains(r#""path":"/links""#), "{of_eve}");
    let look = async |token: &whodid_meta::Secret| meta.look_at_link(token.expose(), at(3)).await;
    assert!(matches!(look(&invited).await, Err(LinkError::Expired)));
    assert!(matches!(look(&reset.token).await, Err(LinkError::Used)));
    assert!(matches!(look(&own.token).await, Err(LinkError::Used)), "their own ways in end too");
    look(&stays).await.expect("what another made stays");
}

#[tokio::test]
async fn what_somebody_made_for_others_ends_when_they_are_disabled() {
    on_both(async |place: &Place| {
        what_was_made_ends(place, true, "user.disable invitation.delete user.update user.enable").await;
    })
    .await;
}

#[tokio::test]
async fn what_somebody_made_for_others_ends_when_they_are_removed() {
    on_both(async |place: &Place| {
        let expected = "role-binding.delete invitation.delete user.update user.delete";
        what_was_made_ends(place, false, expected).await;
    })
    .await;
}

#[tokio::test]
async fn an_account_keeps_an_administrator_who_can_sign_in() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by, admin) = (&shop.meta, shop.admin(), shop.made.user.id.as_str());
        let binding = meta.bindings(&home()).await.unwrap().remove(0);
        let last = |refused: Result<(), ChangeError>| matches!(refused, Err(ChangeError::LastAdministrator { .. }));
        assert!(last(meta.delete_binding(&by, &home(), &binding.id, at(1)).await));
        assert!(last(meta.disable_user(&by, &home(), admin, at(1)).await));
        assert!(last(meta.remove_user(&by, &home(), admin, at(1)).await));
        assert_eq!(shop.told().await, "", "what was refused left neither change nor record");
        // One by a group counts; one who is disabled, or whose role is limited, does not.
        let eve = shop.user("eve", &[]).await;
        let group = meta.create_group(&by, &home(), "admins", "", &[eve.clone()].into(), at(2)).await.unwrap();
        let subject = whodid_meta::Subject::Group(group.id.clone());
        let limited = RoleGrant { query: Some("host:a".to_owned()), ..RoleGrant::whole("administrator") };
        let new = whodid_meta::NewBinding { subject: subject.clone(), grant: limited };
        meta.create_binding(&by, &home(), &new, at(2)).await.unwrap();
        assert!(last(meta.disable_user(&by, &home(), admin, at(3)).await));
        let whole = whodid_meta::NewBinding::whole(subject, "administrator");
        meta.create_binding(&by, &home(), &whole, at(3)).await.unwrap();
        meta.delete_binding(&by, &home(), &binding.id, at(4)).await.unwrap();
        assert!(last(meta.delete_group(&by, &home(), &group.id, at(5)).await));
        assert!(last(meta.disable_user(&by, &home(), &eve, at(5)).await));
        let empty = whodid_meta::GroupChange { remove: [eve.clone()].into(), ..Default::default() };
        assert!(last(meta.update_group(&by, &home(), &group.id, &empty, at(5)).await.map(drop)));
    })
    .await;
}

#[tokio::test]
async fn where_passwords_are_off_only_administrators_of_the_provider_count() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let set = async |on: bool| {
            let change = whodid_meta::AccountChange { password_sign_in: Some(on), ..Default::default() };
            meta.update_account(&by, &home(), &change, at(1)).await.map(drop)
        };
        let provided = |name: &str, roles: Vec<RoleGrant>| whodid_meta::OidcUser {
            issuer: "https://idp.example".to_owned(),
            subject: name.to_owned(),
            name: name.to_owned(),
            display_name: String::new(),
            account: home(),
            roles,
        };
        let sign_in = async |user| meta.sign_in_oidc(&nobody(), &user, at(0)).await;
        let last = |refused: Result<(), ChangeError>| {
            assert!(matches!(refused, Err(ChangeError::LastAdministrator { .. })), "{refused:?}");
        };
        let limited = RoleGrant { query: Some("host:a".to_owned()), ..RoleGrant::whole("administrator") };
        sign_in(provided("limited", vec![limited])).await.unwrap();
        shop.told().await;
        last(set(false).await);
        assert_eq!(shop.told().await, "");
        let eve = sign_in(provided("eve", vec![RoleGrant::whole("administrator")])).await.unwrap();
        set(false).await.unwrap();
        last(meta.disable_user(&by, &home(), &eve, at(2)).await);
        last(meta.remove_user(&by, &home(), &eve, at(2)).await);
        last(sign_in(provided("eve", Vec::new())).await.map(drop));
        set(true).await.unwrap();
        meta.disable_user(&by, &home(), &eve, at(3)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_account_whose_administrators_sign_in_elsewhere_keeps_one_who_can() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let other = shop.other("other").await;
        let eve = shop.invited(&other, "eve", &["administrator"]).await;
        let off = whodid_meta::AccountChange { password_sign_in: Some(false), ..Default::default() };
        let admin = shop.made.user.id.as_str();
        // The first administrator is at home where passwords work.
        meta.update_account(&by, &other, &off, at(1)).await.unwrap();
        let refused = meta.remove_user(&by, &other, admin, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::LastAdministrator { .. })), "{refused:?}");
        meta.remove_user(&by, &other, &eve, at(2)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_who_disable_each_other_at_once_one_stays() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["administrator"]).await;
        shop.meta.set_operator(&Actor::operator("root"), &eve, true, at(0)).await.unwrap();
        let two = place.open().await;
        let (by, by_eve, home) = (shop.admin(), actor("eve"), home());
        let (first, second) = tokio::join!(
            shop.meta.disable_user(&by, &home, &eve, at(1)),
            two.disable_user(&by_eve, &home, &shop.made.user.id, at(1)),
        );
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
        let enabled = shop.meta.all_users().await.unwrap().iter().filter(|user| user.disabled_at.is_none()).count();
        assert_eq!(enabled, 1);
    })
    .await;
}

#[tokio::test]
async fn the_installation_keeps_an_operator() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let root = Actor::operator("root");
        let eve = shop.user("eve", &[]).await;
        let refused = shop.meta.set_operator(&root, &shop.made.user.id, false, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::LastOperator)));
        shop.meta.set_operator(&root, &eve, true, at(1)).await.unwrap();
        shop.meta.set_operator(&root, &shop.made.user.id, false, at(2)).await.unwrap();
        assert_eq!(shop.told().await, "user.update user.update");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_a_user_that_is_refused_in_one_part_is_refused_whole() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let id = shop.made.user.id.as_str();
        let change =
            UserChange { display_name: Some("Other".to_owned()), disabled: Some(true), ..UserChange::default() };
        let refused = shop.meta.update_user(&shop.admin(), &home(), id, &change, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::LastAdministrator { .. })), "{refused:?}");
        let user = shop.meta.user_by_id(id).await.unwrap().unwrap();
        assert!(user.display_name != "Other" && user.disabled_at.is_none());
        let last = UserChange { is_operator: Some(false), ..UserChange::default() };
        assert!(shop.meta.update_user(&shop.admin(), &home(), id, &last, at(1)).await.is_err());
    })
    .await;
}
