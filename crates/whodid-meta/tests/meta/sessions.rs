//! Sessions: how long they last, and how they end.

use whodid_meta::{
    AccountChange, ChangeError, Device, HashedPassword, LinkError, Meta, Method, Need, SESSIONS_MAX, SessionError,
    hash_password,
};

use crate::place::{DAY, HOUR, MINUTE, Place, account, actor, at, home, nobody, on_both};

fn device() -> Device {
    Device { agent: "test\u{7}agent".to_owned(), address: "192.0.2.1".to_owned() }
}

async fn begin(meta: &Meta, user: &str) -> String {
    let begun = meta.begin_session(&actor("eve"), user, &device(), Method::Password, true, at(0)).await.unwrap();
    begun.secret.expose().to_owned()
}

async fn runs(meta: &Meta, cookie: &str, when: i64) -> bool {
    match meta.session(cookie, at(when)).await {
        Ok(_) => true,
        Err(SessionError::Ended) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_session_tells_who_it_is_and_what_they_may() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let eve = shop.user("eve", &["reader"]).await;
        let cookie = begin(&shop.meta, &eve).await;
        assert_eq!(cookie.len(), 52);
        let session = shop.meta.session(&cookie, at(MINUTE)).await.unwrap();
        assert_eq!((session.user.name.as_str(), session.method, session.mfa), ("eve", Method::Password, true));
        assert_eq!(session.principal.home, Some(home()));
        assert_eq!((session.expires_at, session.idle_until), (at(7 * DAY), at(12 * HOUR + MINUTE)));
        assert_eq!(session.fresh_at, at(0));
        let events = shop.events().await;
        assert_eq!(events[0]["action"], "whodid.session.create");
        assert_eq!(events[0]["target"]["id"], session.id.as_str());
        let listed = shop.meta.sessions_of_account(&home(), at(MINUTE)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].device.agent.as_str(), listed[0].last_seen_at), ("testagent", at(MINUTE)));
        assert_eq!(shop.meta.sessions_of_user(&eve, at(MINUTE)).await.unwrap(), listed);
        assert!(shop.meta.sessions_of_account(&account("x"), at(MINUTE)).await.unwrap().is_empty());
        assert!(matches!(shop.meta.session("guess", at(3)).await, Err(SessionError::Ended)));
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_by_idling_by_age_and_by_hand() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, user) = (&shop.meta, shop.made.user.id.as_str());
        let idle = begin(meta, user).await;
        assert!(runs(meta, &idle, 11 * HOUR).await && runs(meta, &idle, 22 * HOUR).await);
        assert!(!runs(meta, &idle, 35 * HOUR).await);
        let watched = begin(meta, user).await;
        meta.running_session(&watched, at(11 * HOUR)).await.unwrap();
        assert!(meta.running_session(&watched, at(13 * HOUR)).await.is_err(), "looking is no use");
        let busy = begin(meta, user).await;
        for hour in (0..7 * 24).step_by(10) {
            assert!(runs(meta, &busy, hour * HOUR).await);
        }
        assert!(!runs(meta, &busy, 7 * DAY).await);
        let ended = begin(meta, user).await;
        let id = meta.session(&ended, at(1)).await.unwrap().id;
        shop.told().await;
        meta.end_session(&shop.admin(), &id, "signed out", at(2)).await.unwrap();
        assert!(!runs(meta, &ended, 3).await);
        let again = meta.end_session(&shop.admin(), &id, "signed out", at(4)).await;
        assert!(matches!(again, Err(ChangeError::NotThere { what: "session" })));
        assert_eq!(shop.told().await, "session.delete");
    })
    .await;
}

#[tokio::test]
async fn the_strictest_account_decides_and_maintenance_records_what_time_ended() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("eve", &["reader"]).await;
        let cookie = begin(meta, &eve).await;
        assert!(runs(meta, &cookie, 20 * MINUTE).await);
        let other = shop.other("other").await;
        shop.invited(&other, "eve", &["reader"]).await;
        let change = AccountChange { session_idle_minutes: Some(15), mfa_required: Some(true), ..Default::default() };
        meta.update_account(&shop.admin(), &other, &change, at(0)).await.unwrap();
        let session = meta.running_session(&cookie, at(21 * MINUTE)).await.unwrap();
        assert_eq!(session.idle_until, at(35 * MINUTE));
        assert_eq!(session.needs, [Need::SetPassword, Need::SetUpMfa]);
        shop.told().await;
        meta.maintain(at(30 * MINUTE)).await.unwrap();
        assert_eq!(shop.told().await, "");
        assert!(!runs(meta, &cookie, 36 * MINUTE).await);
        meta.maintain(at(36 * MINUTE)).await.unwrap();
        let events = shop.events().await;
        assert_eq!(
            events.iter().map(crate::place::short).collect::<Vec<_>>().join(" "),
            "session.expire session.expire@other"
        );
        assert_eq!(events[0]["initiator"]["name"], "whodid");
        assert_eq!(events[0]["requestData"]["reason"], "idle");
    })
    .await;
}

#[tokio::test]
async fn a_renewed_session_is_the_same_under_another_secret() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let cookie = begin(&shop.meta, &shop.made.user.id).await;
        let id = shop.meta.session(&cookie, at(1)).await.unwrap().id;
        let secret = shop.meta.renew_session(&shop.admin(), &id, Some(false), at(HOUR)).await.unwrap();
        assert!(!runs(&shop.meta, &cookie, HOUR).await);
        let renewed = shop.meta.session(secret.expose(), at(HOUR)).await.unwrap();
        assert_eq!((renewed.id, renewed.fresh_at, renewed.mfa), (id, at(HOUR), true));
        assert!(shop.meta.renew_session(&shop.admin(), "none", None, at(HOUR)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn all_sessions_but_one_end_together() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, user) = (&shop.meta, shop.made.user.id.as_str());
        let kept = begin(meta, user).await;
        let id = meta.session(&kept, at(1)).await.unwrap().id;
        let others = [begin(meta, user).await, begin(meta, user).await];
        shop.told().await;
        assert_eq!(meta.end_sessions_of(&shop.admin(), user, Some(&id), "asked", at(2)).await.unwrap(), 2);
        assert!(runs(meta, &kept, 3).await);
        for cookie in others {
            assert!(!runs(meta, &cookie, 3).await);
        }
        assert_eq!(shop.told().await, "session.delete session.delete");
    })
    .await;
}

#[tokio::test]
async fn a_link_signs_in_once_whoever_races_and_not_after_a_day() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let two = place.open().await;
        let (one, token, by) = (&shop.meta, shop.made.link.token.expose(), nobody());
        let device = device();
        let (first, second) =
            tokio::join!(one.use_link(&by, token, &device, at(1)), two.use_link(&by, token, &device, at(1)));
        let refused = match (first, second) {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused, LinkError::Used));
        assert_eq!(shop.told().await, "session.create user.authenticate");
        let late = one.create_link(&shop.admin(), &shop.made.user.id, at(0)).await.unwrap();
        let refused = one.use_link(&by, late.token.expose(), &device, at(DAY)).await;
        assert!(matches!(refused, Err(LinkError::Expired)));
        assert_eq!(one.link_user(&by, late.token.expose(), at(1)).await.unwrap(), shop.made.user.id);
        assert!(matches!(one.look_at_link(late.token.expose(), at(2)).await, Err(LinkError::Used)));
        assert!(matches!(one.use_link(&by, "0000", &device, at(1)).await, Err(LinkError::Expired)));
        let nobody = one.create_link(&shop.admin(), "nobody", at(0)).await;
        assert!(matches!(nobody, Err(ChangeError::NotThere { what: "user" })));
    })
    .await;
}

#[tokio::test]
async fn a_user_has_a_hundred_sessions_and_the_oldest_ends() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, user) = (&shop.meta, shop.made.user.id.as_str());
        let eve = shop.user("eve", &[]).await;
        let of_eve = begin(meta, &eve).await;
        let mut cookies = Vec::new();
        for begun in 0..SESSIONS_MAX as i64 {
            let device = device();
            let begun = meta.begin_session(&nobody(), user, &device, Method::Link, false, at(begun)).await.unwrap();
            cookies.push(begun.secret.expose().to_owned());
        }
        shop.told().await;
        assert!(runs(meta, &cookies[0], MINUTE).await);
        meta.begin_session(&nobody(), user, &device(), Method::Link, false, at(MINUTE)).await.unwrap();
        let events = shop.events().await;
        let told: Vec<String> = events.iter().map(crate::place::short).collect();
        assert_eq!(told, ["session.delete", "session.create"]);
        assert_eq!(events[0]["requestData"]["reason"], "there were too many");
        assert!(!runs(meta, &cookies[0], MINUTE).await && runs(meta, &cookies[1], MINUTE).await);
        assert!(runs(meta, &of_eve, MINUTE).await, "another user's stays");
    })
    .await;
}

fn password(text: &str) -> HashedPassword {
    hash_password(text).unwrap()
}

#[tokio::test]
async fn a_reset_sets_the_password_and_ends_every_session() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let eve = shop.user("Eve", &["reader"]).await;
        for name in ["eve ", "nobody"] {
            meta.request_password_reset(&nobody(), name, at(0)).await.unwrap();
        }
        let events = shop.events().await;
        assert_eq!(events.len(), 2, "known or not, one record");
        assert!(!events[1].to_string().contains(r#""name":"nobody""#), "{}", events[1]);
        assert_eq!(meta.user_by_id(&eve).await.unwrap().unwrap().reset_requested_at, Some(at(0)));
        let link = meta.create_password_reset(&shop.admin(), &home(), &eve, at(1)).await.unwrap();
        let other = meta.create_password_reset(&shop.admin(), &home(), &eve, at(1)).await.unwrap();
        assert_eq!(meta.user_by_id(&eve).await.unwrap().unwrap().reset_requested_at, None);
        let cookie = begin(meta, &eve).await;
        shop.told().await;
        let token = link.token.expose();
        // A link of one kind is none of the other.
        assert!(matches!(meta.use_link(&nobody(), token, &device(), at(2)).await, Err(LinkError::Expired)));
        let set = password("elephant kayak lamp");
        assert_eq!(meta.commit_password_reset(&nobody(), token, &set, at(2)).await.unwrap(), eve);
        assert_eq!(shop.told().await, "password-reset.commit session.delete");
        assert!(!runs(meta, &cookie, 3).await);
        for token in [token, other.token.expose()] {
            let again = meta.commit_password_reset(&nobody(), token, &set, at(3)).await;
            assert!(matches!(again, Err(LinkError::Used)));
        }
        let credentials = meta.credentials("EVE").await.unwrap().unwrap();
        assert!(credentials.password.unwrap().is_of("elephant kayak lamp"));
    })
    .await;
}

#[tokio::test]
async fn what_ended_long_ago_is_dropped() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let token = shop.made.link.token.expose();
        shop.meta.use_link(&nobody(), token, &device(), at(1)).await.unwrap();
        assert!(matches!(shop.meta.look_at_link(token, at(2)).await, Err(LinkError::Used)));
        shop.meta.maintain(at(100 * DAY)).await.unwrap();
        shop.meta.maintain(at(200 * DAY)).await.unwrap();
        assert!(matches!(shop.meta.look_at_link(token, at(2)).await, Err(LinkError::Expired)));
    })
    .await;
}
