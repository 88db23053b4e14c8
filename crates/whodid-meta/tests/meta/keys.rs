//! Keys and tokens: what each opens, and how it ends.

use whodid_meta::{ChangeError, KeyChange, KeyError, KeyKind, KeyPlan, KeyScope, STALE_MS_MAX};
use whodid_model::access::{Grant, PermissionSet, Who};
use whodid_model::{Permission, Principal, SpaceName};

use crate::place::{DAY, HOUR, Place, at, home, on_both};

fn scoped(kind: KeyKind) -> KeyPlan {
    let scope = KeyScope {
        sources: Some(vec!["cadf".to_owned()]),
        spaces: Some(vec![SpaceName::parse("dev").unwrap()]),
        streams: None,
    };
    KeyPlan { scope, ..KeyPlan::new(kind, "scoped") }
}

#[tokio::test]
async fn each_kind_opens_its_own_within_its_scope() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        for (kind, permissions) in [
            (KeyKind::Ingestion, PermissionSet::of(&[Permission::EventsWrite])),
            (
                KeyKind::Service,
                PermissionSet::of(&[
                    Permission::SpaceEventsRead,
                    Permission::AccountEventsRead,
                    Permission::EventsExport,
                    Permission::RejectsRead,
                ]),
            ),
        ] {
            let plan = scoped(kind);
            let made = shop.meta.create_key(&shop.admin(), &home(), &plan, at(1)).await.unwrap();
            let known = shop.meta.authenticate(made.secret.expose(), "192.0.2.9", at(2)).await.unwrap();
            let KeyScope { sources, spaces, streams } = plan.scope;
            let grant = Grant { permissions, sources, spaces, streams, query: None };
            let who = Who::Key { id: made.key.id.clone(), name: "scoped".to_owned() };
            assert_eq!(known.principal, Principal::with_grant(who, home(), grant));
            assert_eq!((&known.masked, &known.key), (&made.key.masked, &made.key.id));
            let listed = shop.meta.key(&home(), &made.key.id).await.unwrap().unwrap();
            assert_eq!(listed.last_used_from.as_deref(), Some("192.0.2.9"));
            assert_eq!(listed.created_by, shop.made.user.id);
        }
    })
    .await;
}

#[tokio::test]
async fn a_personal_token_may_what_its_user_and_itself_permit() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let user = shop.user("eve", &["reader", "writer"]).await;
        let narrow = KeyPlan {
            permissions: Some(PermissionSet::of(&[Permission::SpaceEventsRead, Permission::KeysManage])),
            scope: scoped(KeyKind::Personal).scope,
            ..KeyPlan::personal(user.as_str(), "laptop")
        };
        let made = shop.meta.create_key(&shop.admin(), &home(), &narrow, at(1)).await.unwrap();
        let known = shop.meta.authenticate(made.secret.expose(), "", at(2)).await.unwrap();
        assert!(matches!(&known.principal.who, Who::User { id, name, .. } if *id == user && name == "eve"));
        let somewhere = known.principal.permissions_somewhere_in(&home());
        assert_eq!(somewhere, PermissionSet::of(&[Permission::SpaceEventsRead]));
        assert!(known.principal.permissions_in(&home()).is_empty(), "a scope limits every grant");

        // What the user loses, the token loses.
        for role in shop.meta.user(&home(), &user, at(2)).await.unwrap().unwrap().roles {
            shop.meta.delete_binding(&shop.admin(), &home(), &role.binding.id, at(3)).await.unwrap();
        }
        let known = shop.meta.authenticate(made.secret.expose(), "", at(4)).await.unwrap();
        assert!(known.principal.permissions_somewhere_in(&home()).is_empty());
        shop.meta.disable_user(&shop.admin(), &home(), &user, at(5)).await.unwrap();
        let refused = shop.meta.authenticate(made.secret.expose(), "", at(6)).await;
        assert!(matches!(refused, Err(KeyError::Revoked)));
    })
    .await;
}

#[tokio::test]
async fn a_changed_key_opens_nothing() {
    let place = Place::sqlite();
    let shop = place.shop().await;
    let text = shop.made.ingestion_key.secret.expose();
    let other = shop.made.service_key.secret.expose();
    for position in 0..text.len() {
        let mut bytes = text.to_owned().into_bytes();
        bytes[position] = if bytes[position] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(bytes).unwrap();
        let refused = shop.meta.authenticate(&changed, "", at(1)).await;
        assert!(matches!(refused, Err(KeyError::Unknown | KeyError::Malformed)), "{position}");
    }
    for unknown in [format!("{}{}", &text[..16], &other[16..]), text.replacen("wik_", "wat_", 1)] {
        assert!(matches!(shop.meta.authenticate(&unknown, "", at(1)).await, Err(KeyError::Unknown)));
    }
    for malformed in ["", "wik_", "Bearer", "wik_é", &format!("{text}0"), &text[1..]] {
        let refused = shop.meta.authenticate(malformed, "", at(1)).await;
        assert!(matches!(refused, Err(KeyError::Malformed)), "{malformed}");
    }
}

#[tokio::test]
async fn a_key_made_by_another_process_works_at_once_and_one_revoked_stops_within_a_second() {
    on_both(async |place: &Place| {
        let here = place.shop().await;
        let there = place.open().await;
        let plan = KeyPlan::new(KeyKind::Service, "new");
        for _ in 0..3 {
            let made = there.create_key(&here.admin(), &home(), &plan, at(3)).await.unwrap();
            here.meta.authenticate(made.secret.expose(), "", at(3)).await.expect("known without waiting");
        }
        let key = &here.made.ingestion_key;
        here.meta.authenticate(key.secret.expose(), "", at(3)).await.unwrap();
        there.revoke_key(&here.admin(), &home(), &key.key.id, at(4)).await.unwrap();
        // The one wait of these tests: the promise is about time.
        tokio::time::sleep(std::time::Duration::from_millis(STALE_MS_MAX + 50)).await;
        let refused = here.meta.authenticate(key.secret.expose(), "", at(5)).await;
        assert!(matches!(refused, Err(KeyError::Revoked)));
    })
    .await;
}

#[tokio::test]
async fn revoking_acts_at_once_once_and_only_in_its_account() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let other = shop.other("other").await;
        let key = &shop.made.service_key;
        let by = shop.admin();
        let refused = shop.meta.revoke_key(&by, &other, &key.key.id, at(2)).await;
        assert!(matches!(refused, Err(ChangeError::NotThere { what: "key" })));
        shop.meta.authenticate(key.secret.expose(), "", at(3)).await.unwrap();
        for again in 4..6 {
            let revoked = shop.meta.revoke_key(&by, &home(), &key.key.id, at(again)).await.unwrap();
            assert_eq!(revoked.revoked_at, Some(at(4)));
        }
        let refused = shop.meta.authenticate(key.secret.expose(), "", at(6)).await;
        assert!(matches!(refused, Err(KeyError::Revoked)));
        let events = shop.events().await;
        assert_eq!(events.len(), 1, "the second time changed nothing");
        assert_eq!(events[0]["action"], "whodid.service-key.delete");
        assert_eq!(events[0]["requestData"]["key"], key.key.masked.as_str());
        assert_eq!(events[0]["requestData"]["keyType"], "service");
    })
    .await;
}

#[tokio::test]
async fn a_rotated_key_works_on_for_the_overlap() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let plan = KeyPlan { expires_at: Some(at(DAY)), ..scoped(KeyKind::Ingestion) };
        let old = shop.meta.create_key(&shop.admin(), &home(), &plan, at(0)).await.unwrap();
        let new = shop.meta.rotate_key(&shop.admin(), &home(), &old.key.id, HOUR, at(0)).await.unwrap();
        assert_eq!(new.key.successor_of.as_deref(), Some(old.key.id.as_str()));
        assert_eq!((&new.key.scope, new.key.expires_at), (&plan.scope, Some(at(DAY))));
        assert_eq!(new.key.kind, KeyKind::Ingestion);
        shop.meta.authenticate(old.secret.expose(), "", at(HOUR - 1)).await.unwrap();
        let refused = shop.meta.authenticate(old.secret.expose(), "", at(HOUR)).await;
        assert!(matches!(refused, Err(KeyError::Expired)));
        shop.meta.authenticate(new.secret.expose(), "", at(HOUR)).await.unwrap();
        let ended = shop.meta.rotate_key(&shop.admin(), &home(), &old.key.id, HOUR, at(HOUR)).await;
        assert!(matches!(ended, Err(ChangeError::KeyEnded)));
        // An overlap never lengthens a key's life.
        let last = shop.meta.rotate_key(&shop.admin(), &home(), &new.key.id, 2 * DAY, at(HOUR)).await.unwrap();
        let shortened = shop.meta.key(&home(), &new.key.id).await.unwrap().unwrap();
        assert_eq!((shortened.expires_at, last.key.expires_at), (Some(at(DAY)), Some(at(HOUR + DAY))));
        assert_eq!(shop.told().await, "ingestion-key.create ingestion-key.rotate ingestion-key.rotate");
    })
    .await;
}

#[tokio::test]
async fn a_key_has_one_successor_which_lives_as_long_as_the_key_was_given() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (by, old) = (shop.admin(), &shop.made.service_key.key.id);
        let new = shop.meta.rotate_key(&by, &home(), old, DAY, at(HOUR)).await.unwrap();
        assert_eq!(new.key.expires_at, None);
        shop.told().await;
        // Its end is that of the overlap now, and must not become the life of another successor.
        let refused = shop.meta.rotate_key(&by, &home(), old, DAY, at(2 * HOUR)).await;
        assert!(matches!(refused, Err(ChangeError::Already { what: "this key has a successor" })));
        assert_eq!((shop.told().await, shop.meta.keys(&home()).await.unwrap().len()), (String::new(), 4));
        shop.meta.rotate_key(&by, &home(), &new.key.id, DAY, at(2 * HOUR)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_key_that_has_a_successor_does_not_outlive_the_overlap() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (by, old) = (shop.admin(), &shop.made.service_key.key.id);
        shop.meta.rotate_key(&by, &home(), old, DAY, at(0)).await.unwrap();
        shop.told().await;
        let set = async |end| {
            let change = KeyChange { expires_at: Some(end), ..KeyChange::default() };
            shop.meta.update_key(&by, &home(), old, &change, at(1)).await
        };
        for longer in [None, Some(at(DAY + 1))] {
            let refused = set(longer).await.unwrap_err();
            assert!(matches!(refused, ChangeError::Invalid { member: "expires_at", .. }), "{refused:?}");
        }
        assert_eq!(shop.told().await, "");
        set(Some(at(HOUR))).await.unwrap();
        assert!(set(Some(at(2 * HOUR))).await.is_err());
        let renamed = KeyChange { name: Some("old".to_owned()), ..KeyChange::default() };
        shop.meta.update_key(&by, &home(), old, &renamed, at(2)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_changed_scope_acts_at_once_and_is_recorded_as_a_difference() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let key = &shop.made.ingestion_key;
        let change = KeyChange {
            name: Some("  renamed ".to_owned()),
            scope: Some(scoped(KeyKind::Ingestion).scope),
            expires_at: Some(Some(at(HOUR))),
        };
        shop.meta.update_key(&shop.admin(), &home(), &key.key.id, &change, at(1)).await.unwrap();
        let known = shop.meta.authenticate(key.secret.expose(), "", at(2)).await.unwrap();
        assert_eq!(known.name, "renamed");
        assert!(!known.principal.grants[&home()][0].is_whole());
        assert!(matches!(shop.meta.authenticate(key.secret.expose(), "", at(HOUR)).await, Err(KeyError::Expired)));
        let events = shop.events().await;
        let delta = events[0]["requestData"]["delta"].to_string();
        assert!(delta.contains("renamed") && delta.contains("cadf") && delta.contains("/expires_at"), "{delta}");
        // The same again is no change, so there is nothing to record.
        shop.meta.update_key(&shop.admin(), &home(), &key.key.id, &change, at(1)).await.unwrap();
        assert_eq!(shop.told().await, "");
    })
    .await;
}

#[tokio::test]
async fn active_keys_of_a_kind_are_bounded_for_personal_tokens_by_user() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let by = shop.admin();
        let change = whodid_meta::AccountChange { keys_max: Some(2), ..Default::default() };
        shop.meta.update_account(&by, &home(), &change, at(0)).await.unwrap();
        let create = async |plan: KeyPlan| shop.meta.create_key(&by, &home(), &plan, at(1)).await;
        create(KeyPlan::new(KeyKind::Service, "second")).await.unwrap();
        let refused = create(KeyPlan::new(KeyKind::Service, "third")).await;
        assert!(matches!(refused, Err(ChangeError::KeyLimit { max: 2 })));
        create(KeyPlan::new(KeyKind::Ingestion, "second")).await.unwrap();
        let user = shop.user("eve", &[]).await;
        for name in ["one", "two"] {
            create(KeyPlan::personal(user.as_str(), name)).await.unwrap();
        }
        assert!(matches!(create(KeyPlan::personal(user.as_str(), "three")).await, Err(ChangeError::KeyLimit { .. })));
        create(KeyPlan::personal(shop.made.user.id.as_str(), "another")).await.unwrap();
        // Successors come on top, and not without end.
        let mut id = shop.made.service_key.key.id.clone();
        for _ in 0..2 {
            id = shop.meta.rotate_key(&by, &home(), &id, HOUR, at(1)).await.unwrap().key.id;
        }
        let refused = shop.meta.rotate_key(&by, &home(), &id, HOUR, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::KeyLimit { max: 4 })));
        for key in shop.meta.keys(&home()).await.unwrap().iter().filter(|key| key.kind == KeyKind::Service) {
            shop.meta.revoke_key(&by, &home(), &key.id, at(2)).await.unwrap();
        }
        create(KeyPlan::new(KeyKind::Service, "third")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_done_with_a_personal_token_tells_whose_it_is() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &[]).await;
        let token = meta.create_key(&by, &home(), &KeyPlan::personal(eve.as_str(), "laptop"), at(0)).await.unwrap();
        let renamed = KeyChange { name: Some("phone".to_owned()), ..KeyChange::default() };
        meta.update_key(&by, &home(), &token.key.id, &renamed, at(1)).await.unwrap();
        meta.rotate_key(&by, &home(), &token.key.id, HOUR, at(2)).await.unwrap();
        meta.revoke_key(&by, &home(), &token.key.id, at(3)).await.unwrap();
        let events = shop.events().await;
        assert_eq!(events.len(), 4);
        for event in events {
            let asked = &event["requestData"];
            assert_eq!((&asked["userId"], &asked["userName"]), (&eve.as_str().into(), &"eve".into()), "{event}");
        }
        meta.revoke_key(&by, &home(), &shop.made.service_key.key.id, at(4)).await.unwrap();
        assert_eq!(shop.events().await[0]["requestData"].get("userId"), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_ended_is_kept_for_four_hundred_days() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let plan = KeyPlan { expires_at: Some(at(DAY)), ..KeyPlan::new(KeyKind::Service, "expires") };
        let expired = meta.create_key(&by, &home(), &plan, at(0)).await.unwrap();
        let revoked = &shop.made.ingestion_key;
        meta.revoke_key(&by, &home(), &revoked.key.id, at(2 * DAY)).await.unwrap();
        let ids = async || meta.keys(&home()).await.unwrap().into_iter().map(|key| key.id).collect::<Vec<_>>();
        meta.maintain(at(401 * DAY)).await.unwrap();
        assert_eq!(ids().await.len(), 4);
        meta.maintain(at(402 * DAY)).await.unwrap();
        assert!(!ids().await.contains(&expired.key.id) && ids().await.contains(&revoked.key.id));
        let refused = meta.authenticate(revoked.secret.expose(), "", at(402 * DAY)).await;
        assert!(matches!(refused, Err(KeyError::Revoked)));
        meta.maintain(at(403 * DAY)).await.unwrap();
        assert_eq!(ids().await.len(), 2, "what works stays");
        let refused = meta.authenticate(revoked.secret.expose(), "", at(403 * DAY)).await;
        assert!(matches!(refused, Err(KeyError::Unknown)));
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_does_not_fit_makes_nothing() {
    let place = Place::sqlite();
    let shop = place.shop().await;
    let user = shop.made.user.id.as_str();
    let read = Some(PermissionSet::of(&[Permission::SpaceEventsRead]));
    for plan in [
        KeyPlan::new(KeyKind::Service, ""),
        KeyPlan::new(KeyKind::Service, "a\nb"),
        KeyPlan::new(KeyKind::Service, "x".repeat(101)),
        KeyPlan::new(KeyKind::Personal, "of nobody"),
        KeyPlan { user: Some(user.to_owned()), ..KeyPlan::new(KeyKind::Service, "of somebody") },
        KeyPlan { permissions: read, ..KeyPlan::new(KeyKind::Service, "narrowed") },
        KeyPlan { expires_at: Some(at(1)), ..KeyPlan::new(KeyKind::Service, "over") },
        KeyPlan {
            scope: KeyScope { spaces: Some(Vec::new()), ..KeyScope::default() },
            ..KeyPlan::new(KeyKind::Service, "nowhere")
        },
    ] {
        let refused = shop.meta.create_key(&shop.admin(), &home(), &plan, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Invalid { .. })), "{plan:?}");
    }
    assert_eq!(shop.told().await, "");
}

#[tokio::test]
async fn each_of_many_uses_is_written_down() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, made) = (&shop.meta, &shop.made);
        // More than one statement takes; of most of them nothing is there.
        for number in 0..450 {
            meta.note_read(&format!("user-{number}"), &home(), at(HOUR));
        }
        meta.note_read(&made.user.id, &home(), at(HOUR));
        for (key, address) in [(&made.service_key, "192.0.2.1"), (&made.ingestion_key, "192.0.2.2")] {
            meta.authenticate(key.secret.expose(), address, at(HOUR)).await.unwrap();
        }
        meta.maintain(at(HOUR)).await.unwrap();
        let elsewhere = place.open().await;
        let from = async |id: &str| elsewhere.key(&home(), id).await.unwrap().unwrap().last_used_from;
        assert_eq!(from(&made.service_key.key.id).await.as_deref(), Some("192.0.2.1"));
        assert_eq!(from(&made.ingestion_key.key.id).await.as_deref(), Some("192.0.2.2"));
        assert_eq!(from(&made.admin_token.key.id).await, None);
        assert!(elsewhere.user_by_id(&made.user.id).await.unwrap().unwrap().last_read_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn last_use_survives_a_restart() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        shop.meta.authenticate(shop.made.service_key.secret.expose(), "192.0.2.1", at(HOUR)).await.unwrap();
        shop.meta.note_read(&shop.made.user.id, &home(), at(HOUR));
        assert_eq!(shop.meta.all_users().await.unwrap()[0].last_read_at, Some(at(HOUR)));
        shop.meta.close(at(HOUR)).await.unwrap();
        let meta = place.open().await;
        let keys = meta.keys(&home()).await.unwrap();
        let used: Vec<_> = keys.iter().filter(|key| key.last_used_at.is_some()).collect();
        assert_eq!(used.len(), 1);
        assert_eq!((used[0].kind, used[0].last_used_from.as_deref()), (KeyKind::Service, Some("192.0.2.1")));
        assert!(meta.all_users().await.unwrap()[0].last_read_at.is_some());
    })
    .await;
}
