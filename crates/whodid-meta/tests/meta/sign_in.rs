//! Names and passwords: what is tried, slowed down, suspended, recorded.

use serde_json::Value;
use whodid_audit::{Deed, Told};
use whodid_meta::{
    Answer, ChallengeError, ChangeError, Device, LinkError, Lockout, Method, hash_password, verify_password,
};

use crate::place::{DAY, MINUTE, Place, SECOND, Shop, actor, at, home, nobody, on_both};

#[tokio::test]
async fn a_right_password_opens_a_session_and_forgets_failures() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("Eve@Example.com", &["reader"]).await;
        let password = hash_password("elephant kayak lamp").unwrap();
        meta.set_password(&actor("eve"), &eve, &password, None, at(0)).await.unwrap();
        assert_eq!(shop.told().await, "password.update");
        let known = meta.credentials(" eve@example.COM").await.unwrap().unwrap();
        assert_eq!((known.user.as_str(), known.has_mfa), (eve.as_str(), false));
        assert!(verify_password(known.password.as_ref(), "elephant kayak lamp"));
        assert!(!verify_password(known.password.as_ref(), "canary"));
        let by = nobody();
        meta.sign_in_failed(&by, &known.name, Some(&eve), "wrong-password", "it is wrong", at(1)).await.unwrap();
        let events = shop.events().await;
        assert_eq!(
            (&events[0]["outcome"], &events[0]["reason"]["policyId"]),
            (&"failure".into(), &"wrong-password".into())
        );
        assert_eq!(events[0]["target"]["name"], "Eve@Example.com");
        let begun = meta
            .sign_in_succeeded(&nobody(), &eve, &Device::default(), Method::Password, false, at(2 * SECOND))
            .await
            .unwrap();
        assert_eq!(begun.session.user.name, "Eve@Example.com");
        assert_eq!(shop.told().await, "user.authenticate session.create");
        assert_eq!(meta.user_by_id(&eve).await.unwrap().unwrap().last_signed_in_at, Some(at(2 * SECOND)));
        assert!(meta.credentials("nobody").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn ten_failures_lock_a_name_known_or_not_and_an_administrator_unlocks() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        for (name, user) in [("EVE", Some(eve.as_str())), ("my-password-canary", None)] {
            for number in 0..10 {
                assert!(!matches!(meta.check_lockout(name, at(0)).await.unwrap(), Lockout::Locked(_)), "{number}");
                meta.sign_in_failed(&nobody(), name, user, "wrong-password", "it is wrong", at(0)).await.unwrap();
            }
            let until = at(15 * MINUTE);
            assert_eq!(meta.check_lockout(&name.to_lowercase(), at(1)).await.unwrap(), Lockout::Locked(until));
            assert_eq!(meta.check_lockout(name, until).await.unwrap(), Lockout::Ok);
        }
        let events = shop.events().await;
        let locks: Vec<_> = events.iter().filter(|event| event["action"] == "whodid.user.lock").collect();
        assert_eq!(locks.len(), 1);
        assert_eq!(locks[0]["severity"], "critical");
        assert!(events.iter().all(|event| !event.to_string().contains("canary")), "a name may be a password");
        let view = meta.user(&home(), &eve, at(1)).await.unwrap().unwrap();
        assert_eq!(view.locked_until, Some(at(15 * MINUTE)));
        meta.unlock_user(&shop.admin(), &home(), &eve, at(2)).await.unwrap();
        meta.unlock_user(&shop.admin(), &home(), &eve, at(2)).await.unwrap();
        assert_eq!(shop.told().await, "user.unlock");
        assert_eq!(meta.check_lockout("eve", at(3)).await.unwrap(), Lockout::Ok);
    })
    .await;
}

/// Says that an event was not the user.
async fn not_me(shop: &Shop, user: &str) {
    let told = Told::success(Deed::OwnActivityNotify, "activity:1", "");
    let finding = Told::success(Deed::FindingCreate, "activity:1", "");
    shop.meta.report_not_me(&actor("eve"), &home(), user, &told, &finding, None, false, at(1)).await.unwrap();
}

#[tokio::test]
async fn that_a_password_must_be_changed_and_was_is_told() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let password = hash_password("elephant kayak lamp").unwrap();
        meta.set_password(&actor("eve"), &eve, &password, None, at(0)).await.unwrap();
        shop.told().await;
        let changes = async || -> Vec<Value> {
            let of_events = |patch: &Value| patch["path"] == "/must_change_password" && patch["op"] == "replace";
            let deltas =
                waiting(&shop).await.into_iter().filter_map(|event| event["requestData"]["delta"].as_array().cloned());
            deltas.flatten().filter(of_events).map(|patch| patch["value"].clone()).collect()
        };
        not_me(&shop, &eve).await;
        assert_eq!(changes().await, [true]);
        not_me(&shop, &eve).await;
        assert!(changes().await.is_empty(), "it was so already");
        meta.set_password(&actor("eve"), &eve, &password, None, at(2)).await.unwrap();
        assert_eq!(changes().await, [false]);
        not_me(&shop, &eve).await;
        changes().await;
        let link = meta.create_password_reset(&shop.admin(), &home(), &eve, at(3)).await.unwrap();
        meta.commit_password_reset(&nobody(), link.token.expose(), &password, at(3)).await.unwrap();
        assert_eq!(changes().await, [false]);
    })
    .await;
}

/// What was recorded since the last time, of all streams.
async fn waiting(shop: &Shop) -> Vec<Value> {
    let waiting = shop.meta.outbox(0, 1000, &[]).await.unwrap();
    shop.meta.outbox_done(&waiting.iter().map(|one| one.id).collect::<Vec<_>>()).await.unwrap();
    waiting.iter().map(|one| serde_json::from_str(&one.event).unwrap()).collect()
}

#[tokio::test]
async fn with_the_sessions_end_links_and_sign_ins_that_have_begun() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let eve = shop.user("eve", &["reader"]).await;
        let bob = shop.user("bob", &["reader"]).await;
        let password = hash_password("elephant kayak lamp").unwrap();
        for ended_by in ["a new password", "a password link", "not me"] {
            let link = meta.create_link(&by, &eve, at(0)).await.unwrap();
            let of_bob = meta.create_link(&by, &bob, at(0)).await.unwrap();
            let reset = meta.create_password_reset(&by, &home(), &eve, at(0)).await.unwrap();
            let challenge = meta.begin_challenge(&eve, Method::Password, at(0)).await.unwrap();
            match ended_by {
                "a new password" => meta.set_password(&by, &eve, &password, None, at(1)).await.unwrap(),
                "a password link" => {
                    meta.commit_password_reset(&nobody(), reset.token.expose(), &password, at(1)).await.unwrap();
                }
                _ => not_me(&shop, &eve).await,
            }
            for token in [&link.token, &reset.token] {
                let look = meta.look_at_link(token.expose(), at(2)).await;
                assert!(matches!(look, Err(LinkError::Used)), "{ended_by}: {look:?}");
            }
            let answer = Answer::Code("000000");
            let answered = meta.answer_challenge(&nobody(), challenge.expose(), answer, at(2)).await;
            assert!(matches!(answered, Err(ChallengeError::Expired)), "{ended_by}: {answered:?}");
            meta.look_at_link(of_bob.token.expose(), at(2)).await.expect("another's works");
        }
    })
    .await;
}

#[tokio::test]
async fn who_belongs_to_no_account_signs_in_by_nothing_and_is_told_of_to_nobody() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let other = shop.other("other").await;
        let eve = shop.invited(&other, "eve", &["reader"]).await;
        let password = hash_password("elephant kayak lamp").unwrap();
        meta.set_password(&actor("eve"), &eve, &password, None, at(0)).await.unwrap();
        meta.remove_user(&by, &other, &eve, at(1)).await.unwrap();
        shop.told().await;
        assert!(meta.credentials("eve").await.unwrap().is_none());
        let joins = meta.credentials_to_join("eve").await.unwrap().unwrap();
        assert!(verify_password(joins.password.as_ref(), "elephant kayak lamp"), "an invitation can be accepted");
        let device = Device::default();
        let begun = meta.sign_in_succeeded(&nobody(), &eve, &device, Method::Password, false, at(2)).await;
        assert!(matches!(begun, Err(ChangeError::NotThere { what: "user" })));
        assert!(meta.create_link(&by, &eve, at(2)).await.is_err());
        assert_eq!(shop.told().await, "");
        meta.sign_in_failed(&nobody(), "eve", Some(&eve), "wrong-password", "it is wrong", at(3)).await.unwrap();
        meta.sign_in_failed(&nobody(), "eve", None, "wrong-password", "it is wrong", at(3)).await.unwrap();
        meta.request_password_reset(&nobody(), "eve", at(3)).await.unwrap();
        let events = shop.events().await;
        assert_eq!((events.len(), &events[2]["requestData"]["known"]), (3, &false.into()));
        for event in events {
            assert_eq!((&event["account"], &event["target"]["id"]), (&"default".into(), &"unknown".into()));
            assert!(!event.to_string().contains(r#""eve""#), "{event}");
        }
        // An operator is the installation's own, and may come in without an account.
        meta.set_operator(&by, &eve, true, at(4)).await.unwrap();
        assert!(meta.credentials("eve").await.unwrap().is_some());
        meta.sign_in_succeeded(&nobody(), &eve, &device, Method::Password, false, at(5)).await.unwrap();
        meta.set_operator(&by, &eve, false, at(6)).await.unwrap();
        let events = shop.events().await;
        assert_eq!(
            events.iter().map(crate::place::short).collect::<Vec<_>>().join(" "),
            "user.update user.authenticate session.create user.update"
        );
        assert!(events.iter().all(|event| event["target"]["name"] == "eve"));
        assert!(meta.credentials("eve").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_try_in_the_name_of_a_disabled_user_is_told_to_their_accounts() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, shop.admin());
        let other = shop.other("other").await;
        let eve = shop.invited(&other, "Eve", &["reader"]).await;
        meta.disable_user(&by, &other, &eve, at(1)).await.unwrap();
        shop.told().await;
        assert!(meta.credentials("eve").await.unwrap().is_none());
        for _ in 0..10 {
            meta.sign_in_failed(&nobody(), "eve", None, "sign_in_failed", "wrong", at(2)).await.unwrap();
        }
        let events = shop.events().await;
        assert_eq!(events.len(), 11);
        assert_eq!(crate::place::short(&events[0]), "!user.authenticate@other");
        assert_eq!((&events[0]["target"]["id"], &events[0]["reason"]["policyId"]), (&eve.into(), &"disabled".into()));
        assert_eq!(crate::place::short(&events[10]), "user.lock@other");
    })
    .await;
}

#[tokio::test]
async fn a_tried_name_is_kept_under_a_keyed_hash_and_for_a_day() {
    use sha2::Digest as _;
    let place = Place::sqlite();
    let shop = place.shop().await;
    let meta = &shop.meta;
    let fail = async |when: i64| meta.sign_in_failed(&nobody(), "canary", None, "wrong", "", at(when)).await.unwrap();
    for _ in 0..10 {
        fail(0).await;
    }
    let kept = place.counted().await;
    assert_eq!(kept.len(), 1);
    assert_ne!(kept[0], sha2::Sha256::digest("canary").to_vec(), "words could be tried against it");
    meta.maintain(at(10 * MINUTE)).await.unwrap();
    assert!(matches!(meta.check_lockout("canary", at(10 * MINUTE)).await.unwrap(), Lockout::Locked(_)));
    meta.maintain(at(DAY)).await.unwrap();
    assert_eq!(place.counted().await, kept);
    meta.maintain(at(DAY + 1)).await.unwrap();
    assert!(place.counted().await.is_empty());
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, user) = (&shop.meta, shop.made.user.id.as_str());
        let begin = async || {
            let device = Device::default();
            meta.begin_session(&nobody(), user, &device, Method::Link, false, at(0)).await.unwrap()
        };
        let (kept, other) = (begin().await, begin().await);
        let password = hash_password("elephant kayak lamp").unwrap();
        meta.set_password(&shop.admin(), user, &password, Some(&kept.session.id), at(1)).await.unwrap();
        let session = meta.session(kept.secret.expose(), at(2)).await.unwrap();
        assert!(session.needs.is_empty());
        assert!(meta.session(other.secret.expose(), at(2)).await.is_err());
    })
    .await;
}
