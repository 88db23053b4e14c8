//! Opening, the first content, what lies in the file.

use std::os::unix::fs::PermissionsExt as _;

use whodid_audit::Actor;
use whodid_meta::{Answer, Device, FactorCheck, InitializeError, KeyKind, Limits, Meta, MetaError, MetaLocation};

use crate::place::{HOUR, Place, at, home, on_both, on_postgres};

fn root() -> Actor {
    Actor::operator("root")
}

#[tokio::test]
async fn the_first_content_is_made_once_and_recorded() {
    on_both(async |place: &Place| {
        let meta = place.open().await;
        assert_eq!(meta.installation().await.unwrap(), None);
        let made = meta.initialize(&root(), at(0)).await.unwrap();
        assert!(matches!(meta.initialize(&root(), at(1)).await, Err(InitializeError::Already)));
        assert_eq!(meta.keys(&home()).await.unwrap().len(), 3);
        let users = meta.all_users().await.unwrap();
        assert_eq!(users, std::slice::from_ref(&made.user));
        assert!(users[0].is_operator);
        for (key, kind) in [
            (&made.ingestion_key, KeyKind::Ingestion),
            (&made.service_key, KeyKind::Service),
            (&made.admin_token, KeyKind::Personal),
        ] {
            assert_eq!(meta.authenticate(key.secret.expose(), "", at(2)).await.unwrap().kind, kind);
        }
        let shop = crate::place::Shop { meta, made };
        assert_eq!(
            shop.told().await,
            "account.create user.create role-binding.create sign-in-link.create ingestion-key.create \
             service-key.create personal-token.create"
        );
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_that_initialise_one_succeeds() {
    on_both(async |place: &Place| {
        // Both also make the tables.
        let (one, two) = tokio::join!(place.open(), place.open());
        let (by, by_two) = (root(), root());
        let (first, second) = tokio::join!(one.initialize(&by, at(0)), two.initialize(&by_two, at(0)));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
        assert_eq!(one.all_users().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_start_that_shows_no_keys_makes_none() {
    on_both(async |place: &Place| {
        let meta = place.open().await;
        let link = meta.initialize_without_keys(&root(), at(0)).await.unwrap();
        assert!(meta.keys(&home()).await.unwrap().is_empty());
        meta.use_link(&root(), link.token.expose(), &Device::default(), at(1)).await.unwrap();
        assert!(meta.initialize(&root(), at(2)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn only_its_owner_may_read_the_file_and_no_secret_is_in_it() {
    let place = Place::sqlite();
    let shop = place.shop().await;
    let (meta, made) = (&shop.meta, &shop.made);
    let begun = meta.use_link(&root(), made.link.token.expose(), &Device::default(), at(1)).await.unwrap();
    let setup = meta.begin_totp(&made.user.id, at(1)).await.unwrap();
    let secrets = [
        &made.ingestion_key.secret.expose()[16..],
        &made.service_key.secret.expose()[16..],
        &made.admin_token.secret.expose()[16..],
        made.link.token.expose(),
        begun.secret.expose(),
        setup.secret.expose(),
    ];
    let raw = data_encoding::BASE32_NOPAD.decode(setup.secret.expose().as_bytes()).unwrap();
    let debug = format!("{made:?} {begun:?} {meta:?} {setup:?}");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        looked_at += bytes.len();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        for secret in secrets {
            assert!(!holds(secret.as_bytes()));
            assert!(!debug.contains(secret));
        }
        assert!(!holds(&raw));
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    assert!(looked_at > 0);
    assert!(meta.damage().await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_file_that_is_missed_is_asked_for_and_not_made_anew() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let user = shop.made.user.id.clone();
        let key = std::fs::read(place.key()).unwrap();
        shop.meta.close(at(1)).await.unwrap();
        std::fs::remove_file(place.key()).unwrap();
        // Nothing was sealed yet, and yet another server may go by the key.
        assert!(refused(place).await.contains("secrets.key is missing, and the metadata goes with the key"));
        assert!(!place.key().exists());
        std::fs::write(place.key(), &key).unwrap();
        let meta = place.open().await;
        let setup = meta.begin_totp(&user, at(2)).await.unwrap();
        let code = crate::mfa::app(&setup.secret, at(2));
        let codes = meta.confirm_totp(&root(), &user, &code, at(2)).await.unwrap();
        meta.close(at(2)).await.unwrap();
        std::fs::remove_file(place.key()).unwrap();
        let text = refused(place).await;
        assert!(text.contains("secrets.key is missing, and second factors"), "{text}");
        assert!(text.contains("bring the file back"), "{text}");
        assert!(!place.key().exists());
        std::fs::write(place.key(), &key).unwrap();
        let meta = place.open().await;
        let code = crate::mfa::app(&setup.secret, at(HOUR));
        let by = root();
        let check = async |meta: &Meta, answer| meta.check_second_factor(&by, &user, answer, at(HOUR)).await;
        assert_eq!(check(&meta, Answer::Code(&code)).await.unwrap(), FactorCheck::Passed);
        meta.close(at(HOUR)).await.unwrap();
        std::fs::write(place.key(), [7; 32]).unwrap();
        assert!(refused(place).await.contains("secrets.key holds another key"));
        // The way on without it that the texts name.
        std::fs::remove_file(place.key()).unwrap();
        let given = place.key().with_file_name("secrets.key.new");
        std::fs::write(&given, [7; 31]).unwrap();
        assert!(refused(place).await.contains("secrets.key.new holds no key of 32 bytes"));
        std::fs::write(&given, [7; 32]).unwrap();
        place.open().await.close(at(HOUR)).await.unwrap();
        assert!(!given.exists());
        assert_eq!(std::fs::metadata(place.key()).unwrap().permissions().mode() & 0o077, 0);
        let meta = place.open().await;
        assert!(matches!(check(&meta, Answer::Code(&code)).await, Err(MetaError::Sealed)));
        let recovery = Answer::Recovery(codes[0].expose());
        assert_eq!(check(&meta, recovery).await.unwrap(), FactorCheck::Passed);
        meta.reset_totp(&root(), &home(), &user, at(HOUR)).await.unwrap();
        meta.begin_totp(&user, at(HOUR)).await.unwrap();
    })
    .await;
}

/// Why a store does not open.
async fn refused(place: &Place) -> String {
    let refused = Meta::open(&place.location, &place.key(), Limits::default()).await.unwrap_err();
    assert!(matches!(refused, MetaError::SecretsKey { .. }), "{refused:?}");
    refused.to_string()
}

#[tokio::test]
async fn of_two_servers_on_one_metadata_none_goes_on_with_a_key_of_its_own() {
    on_both(async |place: &Place| {
        let elsewhere = tempfile::tempdir().unwrap();
        let key = elsewhere.path().join("secrets.key");
        let open = async || Meta::open(&place.location, &key, Limits::default()).await;
        // Both are there before anything goes with a key: the one that came last has the one that is kept.
        let (one, two) = (place.open().await, open().await.unwrap());
        let refused = one.initialize(&root(), at(0)).await.unwrap_err();
        assert!(matches!(refused, InitializeError::Meta(MetaError::SecretsKey { .. })), "{refused:?}");
        let made = two.initialize(&root(), at(0)).await.unwrap();
        assert!(self::refused(place).await.contains("holds another key"));
        let sealed = one.begin_totp(&made.user.id, at(1)).await;
        assert!(matches!(sealed, Err(whodid_meta::ChangeError::Meta(MetaError::SecretsKey { .. }))));
        std::fs::copy(&key, place.key()).unwrap();
        place.open().await.begin_totp(&made.user.id, at(1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_store_that_does_not_know_its_key_yet_takes_the_one_that_is_there() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        place.run("DELETE FROM secrets_key").await;
        shop.meta.close(at(1)).await.unwrap();
        place.open().await.close(at(1)).await.unwrap();
        std::fs::write(place.key(), [7; 32]).unwrap();
        assert!(refused(place).await.contains("holds another key"));
    })
    .await;
}

#[tokio::test]
async fn tables_from_a_newer_whodid_are_refused() {
    let place = Place::sqlite();
    place.open().await.close(at(0)).await.unwrap();
    let mut bytes = std::fs::read(place.file()).unwrap();
    // Bytes 60..64 of the header are `user_version`, big-endian.
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(place.file(), bytes).unwrap();
    let refused = Meta::open(&place.location, &place.key(), Limits::default()).await.unwrap_err();
    assert!(refused.to_string().contains("schema version 999"), "{refused}");
    on_postgres(async |place: &Place| {
        place.open().await.close(at(0)).await.unwrap();
        let whodid_meta::MetaLocation::Postgres(url) = &place.location else { panic!() };
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        sqlx::query("UPDATE schema_version SET number = 999").execute(&pool).await.unwrap();
        let refused = Meta::open(&place.location, &place.key(), Limits::default()).await.unwrap_err();
        assert!(matches!(refused, MetaError::Newer { found: 999, .. }));
        assert!(!refused.to_string().contains('@'), "no user or password: {refused}");
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_process_that_hangs_while_it_writes_keeps_others_waiting_for_seconds_only() {
    on_postgres(async |place: &Place| {
        let shop = place.shop().await;
        let MetaLocation::Postgres(url) = &place.location else { panic!() };
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        let mut hangs = pool.begin().await.unwrap();
        sqlx::query("UPDATE revision SET number = number + 1").execute(&mut *hangs).await.unwrap();
        let (by, plan) = (shop.admin(), whodid_meta::KeyPlan::new(KeyKind::Service, "new"));
        let home = home();
        let waiting = shop.meta.create_key(&by, &home, &plan, at(1));
        let refused = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("an answer");
        let Err(whodid_meta::ChangeError::Meta(refused)) = refused else { panic!("{refused:?}") };
        assert!(refused.is_passing(), "{refused:?}");
        drop(hangs);
        shop.meta.create_key(&by, &home, &plan, at(2)).await.unwrap();
        pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_look_changes_nothing_and_tells_what_is_there() {
    let place = Place::sqlite();
    std::fs::write(place.file(), b"").unwrap();
    let look = Meta::look(&place.file()).await.unwrap();
    assert_eq!((look.installation, look.is_older, look.damage), (None, true, None));
    assert_eq!(std::fs::metadata(place.file()).unwrap().len(), 0);
    let meta = place.open().await;
    assert_eq!(Meta::look(&place.file()).await.unwrap().installation, None);
    meta.initialize(&root(), at(0)).await.unwrap();
    // Beside the process that has it open.
    let look = Meta::look(&place.file()).await.unwrap();
    assert_eq!((look.installation, look.is_older), (meta.installation().await.unwrap(), false));
    let other = place.folder.path().join("other");
    std::fs::write(&other, b"no database at all, but longer than a header of SQLite's would be").unwrap();
    assert!(Meta::look(&other).await.is_err());
    assert!(Meta::look(&place.folder.path().join("missing")).await.is_err());
}

#[test]
fn an_address_is_shown_without_its_password() {
    let location = whodid_meta::MetaLocation::Postgres("postgres://bob:canary@db.example:5433/audit".to_owned());
    assert_eq!(location.to_string(), "postgres://db.example:5433/audit");
    assert!(!format!("{location:?}").contains("canary"));
}

#[test]
fn a_server_elsewhere_without_encryption_is_unprotected() {
    for (url, unprotected) in [
        ("postgres://bob:x@db.example/audit", true),
        ("postgres://bob:x@192.0.2.7:5433/audit", true),
        ("postgres://bob:x@[2001:db8::7]/audit", true),
        ("postgres://bob:x@localhost.example/audit", true),
        ("postgres://bob:x@db.example/audit?sslmode=prefer", true),
        ("postgres://bob:x@db.example/audit?sslmode=disable", true),
        ("postgres://bob:x@db.example/audit?sslmode=require", false),
        ("postgres://bob:x@db.example/audit?sslmode=verify-full", false),
        ("postgres://bob:x@localhost/audit", false),
        ("postgres://bob:x@127.0.0.1:5433/audit", false),
        ("postgres://bob:x@[::1]/audit", false),
        ("postgres://bob:x@%2Frun%2Fpostgresql/audit", false),
        ("postgres:///audit?host=/run/postgresql", false),
        ("no address", false),
    ] {
        assert_eq!(MetaLocation::Postgres(url.to_owned()).is_unprotected(), unprotected, "{url}");
    }
    assert!(!MetaLocation::File("meta.sqlite".into()).is_unprotected());
}

#[tokio::test]
async fn one_server_at_a_time_serves_from_a_store_and_commands_run_beside_it() {
    on_postgres(async |place: &Place| {
        let (one, two) = (place.open().await, place.open().await);
        one.initialize(&root(), at(0)).await.unwrap();
        let mut claim = one.claim_for_server().await.unwrap();
        claim.renew().await.unwrap();
        let refused = two.claim_for_server().await.unwrap_err();
        assert!(matches!(refused, MetaError::Served { .. }), "{refused}");
        assert!(!refused.to_string().contains("canary"), "{refused}");
        assert_eq!(two.accounts().await.unwrap().len(), 1, "a command reads on");
        // It ends with its server, however that ends.
        drop(claim);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while let Err(error) = two.claim_for_server().await {
            assert!(std::time::Instant::now() < deadline, "{error}");
            tokio::task::yield_now().await;
        }
    })
    .await;
}
