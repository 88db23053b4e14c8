//! Names and passwords: what is tried, slowed down, suspended, recorded.

use whodid_meta::{Device, Lockout, Method, hash_password, verify_password};

use crate::place::{DAY, MINUTE, Place, SECOND, actor, at, home, nobody, on_both};

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
