//! Nothing changes without its record, and no record holds a secret.

use whodid_audit::{Deed, Reason, Told};
use whodid_meta::{
    Answer, ChangeError, Device, KeyKind, KeyPlan, MetaError, MetaLocation, Method, OUTBOX_MAX, OUTBOX_MAX_OF_ACCOUNT,
    hash_password,
};

use crate::place::{DAY, Place, account, at, home, nobody, on_both};

#[tokio::test]
async fn no_secret_is_in_any_record_or_debug_text() {
    on_both(async |place: &Place| {
        let meta = place.open().await;
        let made = meta.initialize(&whodid_audit::Actor::operator("root"), at(0)).await.unwrap();
        let shop = crate::place::Shop { meta, made };
        let (meta, made, by) = (&shop.meta, &shop.made, shop.admin());
        let user = made.user.id.as_str();
        let begun = meta.use_link(&nobody(), made.link.token.expose(), &Device::default(), at(0)).await.unwrap();
        let text = "elephant kayak lamp canary";
        let password = hash_password(text).unwrap();
        meta.set_password(&by, user, &password, Some(&begun.session.id), at(0)).await.unwrap();
        meta.sign_in_failed(&nobody(), text, None, "wrong-password", "it is wrong", at(0)).await.unwrap();
        let setup = meta.begin_totp(user, at(0)).await.unwrap();
        let _ = meta.confirm_totp(&by, user, "canary", at(0)).await;
        let codes = meta.new_recovery_codes(&by, user, at(0)).await;
        let challenge = meta.begin_challenge(user, Method::Password, at(0)).await.unwrap();
        let answer = Answer::Recovery("recovery-canary");
        let refused = meta.answer_challenge(&nobody(), challenge.expose(), answer, at(0)).await;
        let reset = meta.create_password_reset(&by, &home(), user, at(0)).await.unwrap();
        let invite = whodid_meta::Invite {
            name: "eve".to_owned(),
            display_name: "Eve".to_owned(),
            roles: Vec::new(),
            groups: Vec::new(),
        };
        let (_, invited) = meta.invite(&by, &home(), &invite, at(0)).await.unwrap();
        let rotated = meta.rotate_key(&by, &home(), &made.ingestion_key.key.id, DAY, at(0)).await.unwrap();
        let renewed = meta.renew_session(&by, &begun.session.id, None, at(0)).await.unwrap();
        let credentials = meta.credentials(&made.user.name).await.unwrap();
        let debug = format!(
            "{made:?} {setup:?} {codes:?} {challenge:?} {answer:?} {refused:?} {begun:?} {reset:?} {invited:?} \
             {rotated:?} {renewed:?} {credentials:?} {password:?} {meta:?}"
        );
        let records = shop.events().await.iter().map(ToString::to_string).collect::<String>();
        assert!(records.len() > 5000);
        for secret in [
            text,
            "$argon2id$",
            "recovery-canary",
            &made.ingestion_key.secret.expose()[16..],
            &made.service_key.secret.expose()[16..],
            &made.admin_token.secret.expose()[16..],
            &rotated.secret.expose()[16..],
            made.link.token.expose(),
            setup.secret.expose(),
            challenge.expose(),
            begun.secret.expose(),
            reset.token.expose(),
            invited.expose(),
            renewed.expose(),
        ] {
            assert!(!records.contains(secret) && !debug.contains(secret), "{secret}");
        }
    })
    .await;
}

#[tokio::test]
async fn records_come_in_order_and_go_when_done() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        for name in ["one", "two", "three"] {
            shop.meta.create_key(&shop.admin(), &home(), &KeyPlan::new(KeyKind::Service, name), at(1)).await.unwrap();
        }
        let first = shop.meta.outbox(0, 2, &[]).await.unwrap();
        assert_eq!(first.len(), 2);
        assert!(first[0].id < first[1].id && first[0].event.contains("one"));
        let behind = shop.meta.outbox(first[1].id, 9, &[]).await.unwrap();
        assert!(behind.len() == 1 && behind[0].event.contains("three"), "what cannot go hides no others");
        assert_eq!(shop.meta.outbox(0, 9, &[home()]).await.unwrap(), [], "an account that takes nothing");
        assert_eq!(shop.meta.outbox(0, 9, &[account("x"), account("y")]).await.unwrap().len(), 3);
        assert!(shop.meta.has_told());
        shop.meta.is_looked_at();
        shop.meta.outbox_done(&[first[0].id, first[1].id]).await.unwrap();
        assert!(!shop.meta.has_told(), "forgetting is nothing to tell");
        let rest = shop.meta.outbox(0, 9, &[]).await.unwrap();
        assert!(rest.len() == 1 && rest[0].event.contains("three") && rest[0].id > first[1].id);
        shop.meta.outbox_done(&[rest[0].id]).await.unwrap();
        shop.meta.create_key(&shop.admin(), &home(), &KeyPlan::new(KeyKind::Service, "four"), at(1)).await.unwrap();
        assert!(shop.meta.outbox(0, 9, &[]).await.unwrap()[0].id > rest[0].id, "no number is given twice");
        let events = shop.events().await;
        let id = events[0]["id"].as_str().unwrap();
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_is_recorded_too() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let other = shop.other("other").await;
        shop.told().await;
        let reason = Reason { status: 403, code: "forbidden".to_owned(), text: "not granted".to_owned() };
        let told = Told::failure(Deed::ServiceKeyCreate, "", reason);
        shop.meta.record(&shop.admin(), Some(&other), &told, at(1)).await.unwrap();
        shop.meta.record(&nobody(), None, &told, at(1)).await.unwrap();
        assert_eq!(shop.told().await, "!service-key.create@other !service-key.create");
    })
    .await;
}

/// Lets records of an account wait, numbered from 1001.
async fn fill(place: &Place, account: &str, count: i64) {
    const FILL: &str = "WITH RECURSIVE n (i) AS
        (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT))
        INSERT INTO outbox (id, account, stream, event) SELECT i + 1000, $2, 'audit', '{}' FROM n";
    match &place.location {
        MetaLocation::File(path) => {
            let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
            sqlx::query(FILL).bind(count).bind(account.to_owned()).execute(&pool).await.unwrap();
            pool.close().await;
        }
        MetaLocation::Postgres(url) => {
            let pool = sqlx::PgPool::connect(url).await.unwrap();
            sqlx::query(FILL).bind(count).bind(account.to_owned()).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_audited_is_refused() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        fill(place, "stuck", OUTBOX_MAX).await;
        let plan = KeyPlan::new(KeyKind::Service, "new");
        let refused = shop.meta.create_key(&shop.admin(), &home(), &plan, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Meta(MetaError::AuditBehind { waiting: OUTBOX_MAX }))));
        let MetaError::AuditBehind { .. } = shop.meta.write_fails().await else { panic!() };
        // What is no change goes on.
        shop.meta.authenticate(shop.made.service_key.secret.expose(), "", at(1)).await.unwrap();
        shop.meta.maintain(at(1)).await.unwrap();
        shop.meta.outbox_done(&[1001]).await.unwrap();
        shop.meta.create_key(&shop.admin(), &home(), &plan, at(1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_account_whose_records_wait_stops_no_other() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let other = shop.other("other").await;
        let (meta, by) = (&shop.meta, shop.admin());
        let begun = meta.begin_session(&by, &shop.made.user.id, &Device::default(), Method::Link, false, at(0)).await;
        shop.told().await;
        fill(place, "other", OUTBOX_MAX_OF_ACCOUNT).await;
        let plan = KeyPlan::new(KeyKind::Service, "new");
        let refused = meta.create_key(&by, &other, &plan, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Meta(MetaError::AuditBehind { waiting: OUTBOX_MAX_OF_ACCOUNT }))));
        meta.create_key(&by, &home(), &plan, at(1)).await.unwrap();
        // Its members get in all the same, and a session of theirs ends.
        meta.begin_session(&by, &shop.made.user.id, &Device::default(), Method::Link, false, at(1)).await.unwrap();
        meta.maintain(at(DAY)).await.unwrap();
        assert!(meta.session(begun.unwrap().secret.expose(), at(1)).await.is_err());
        meta.outbox_done(&[1001, 1002, 1003, 1004]).await.unwrap();
        meta.create_key(&by, &other, &plan, at(DAY)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_backup_full_of_waiting_records_comes_back() {
    let place = Place::sqlite();
    let shop = place.shop().await;
    fill(&place, "default", OUTBOX_MAX_OF_ACCOUNT - 1).await;
    let mut file = Vec::new();
    shop.meta.export(&shop.admin(), &mut file, at(1)).await.unwrap();
    // Few of one account keep nobody from making a backup.
    shop.meta.export(&shop.admin(), &mut Vec::new(), at(1)).await.unwrap();
    let to = Place::sqlite();
    let meta = to.open().await;
    meta.import(&shop.admin(), file.as_slice(), at(2)).await.unwrap();
    assert_eq!(meta.outbox_len().await.unwrap(), OUTBOX_MAX_OF_ACCOUNT + 1);
}

trait Fails {
    async fn write_fails(&self) -> MetaError;
}

impl Fails for whodid_meta::Meta {
    async fn write_fails(&self) -> MetaError {
        self.request_password_reset(&nobody(), "eve", at(1)).await.unwrap_err()
    }
}
