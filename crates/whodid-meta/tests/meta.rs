//! What the metadata promises, over a real file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use whodid_meta::{Device, InitializeError, KeyError, KeyKind, Limits, Meta, SessionError, SignInError};
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Principal, Timestamp};

const HOUR: i64 = 3600 * MICROS_A_SECOND;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_795_000_000 * MICROS_A_SECOND + micros)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("meta.sqlite")
    }

    async fn open(&self) -> Meta {
        Meta::open(&self.file(), Limits::default()).await.unwrap()
    }
}

/// Waits until another process' change must act.
async fn let_it_act() {
    tokio::time::sleep(std::time::Duration::from_millis(whodid_meta::STALE_MS_MAX + 50)).await;
}

#[tokio::test]
async fn the_first_content_is_made_once_and_each_key_opens_its_own() {
    let folder = Folder::new();
    let meta = folder.open().await;
    assert_eq!(meta.installation().await.unwrap(), None);
    let made = meta.initialize(at(0)).await.unwrap();
    assert!(matches!(meta.initialize(at(1)).await, Err(InitializeError::Already)));
    assert_eq!(meta.keys(&made.account).await.unwrap().len(), 3);
    assert_eq!(meta.users().await.unwrap(), std::slice::from_ref(&made.user));
    let home = AccountName::default_account();
    for (key, expected) in [
        (
            &made.ingestion_key,
            Principal::IngestionKey { key: made.ingestion_key.key.id.clone(), account: home.clone() },
        ),
        (&made.service_key, Principal::ServiceKey { key: made.service_key.key.id.clone(), account: home.clone() }),
        (&made.admin_token, Principal::Administrator { user: made.user.id.clone(), accounts: vec![home.clone()] }),
    ] {
        assert_eq!(meta.authenticate(key.secret.expose(), at(2)).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn of_two_processes_that_initialise_one_succeeds() {
    let folder = Folder::new();
    let (one, two) = (folder.open().await, folder.open().await);
    let (first, second) = tokio::join!(one.initialize(at(0)), two.initialize(at(0)));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert_eq!(one.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_changed_key_opens_nothing() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let made = meta.initialize(at(0)).await.unwrap();
    let text = made.ingestion_key.secret.expose().to_owned();
    let other = made.service_key.secret.expose().to_owned();
    for position in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[position] = if bytes[position] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(bytes).unwrap();
        let refused = meta.authenticate(&changed, at(1)).await;
        assert!(matches!(refused, Err(KeyError::Unknown | KeyError::Malformed)), "{position}");
    }
    let mixed = format!("{}{}", &text[..16], &other[16..]);
    assert!(matches!(meta.authenticate(&mixed, at(1)).await, Err(KeyError::Unknown)));
    let wrong_kind = text.replacen("wik_", "wat_", 1);
    assert!(matches!(meta.authenticate(&wrong_kind, at(1)).await, Err(KeyError::Unknown)));
    for malformed in ["", "wik_", "Bearer", "wik_é", &format!("{text}0"), &text[1..]] {
        assert!(matches!(meta.authenticate(malformed, at(1)).await, Err(KeyError::Malformed)), "{malformed}");
    }
}

#[tokio::test]
async fn a_key_made_by_another_process_works_at_once() {
    let folder = Folder::new();
    let (here, there) = (folder.open().await, folder.open().await);
    let made = there.initialize(at(1)).await.unwrap();
    here.authenticate(made.ingestion_key.secret.expose(), at(2)).await.unwrap();
    let home = AccountName::default_account();
    for number in 0..3 {
        let key = there.create_key(KeyKind::Service, &home, None, &format!("new {number}"), at(3)).await.unwrap();
        here.authenticate(key.secret.expose(), at(3)).await.expect("known without waiting");
    }
}

#[tokio::test]
async fn a_key_revoked_by_another_process_stops_within_a_second() {
    let folder = Folder::new();
    let (server, command) = (folder.open().await, folder.open().await);
    let made = server.initialize(at(0)).await.unwrap();
    let text = made.ingestion_key.secret.expose();
    server.authenticate(text, at(1)).await.unwrap();
    assert!(command.revoke_key(&made.account, &made.ingestion_key.key.id, at(2)).await.unwrap());
    let_it_act().await;
    assert!(matches!(server.authenticate(text, at(3)).await, Err(KeyError::Revoked)));
    let fresh = command.create_key(KeyKind::Service, &made.account, None, "new", at(4)).await.unwrap();
    let_it_act().await;
    server.authenticate(fresh.secret.expose(), at(5)).await.unwrap();
}

#[tokio::test]
async fn a_key_revoked_here_stops_at_once_and_another_account_cannot_revoke() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let made = meta.initialize(at(0)).await.unwrap();
    let id = &made.service_key.key.id;
    meta.authenticate(made.service_key.secret.expose(), at(1)).await.unwrap();
    assert!(!meta.revoke_key(&AccountName::parse("other").unwrap(), id, at(2)).await.unwrap());
    meta.authenticate(made.service_key.secret.expose(), at(3)).await.unwrap();
    assert!(meta.revoke_key(&made.account, id, at(4)).await.unwrap());
    assert!(meta.revoke_key(&made.account, id, at(5)).await.unwrap());
    assert!(matches!(meta.authenticate(made.service_key.secret.expose(), at(6)).await, Err(KeyError::Revoked)));
    let listed = meta.keys(&made.account).await.unwrap();
    let key = listed.iter().find(|key| key.id == *id).unwrap();
    assert_eq!(key.revoked_at, Some(at(4)));
}

#[tokio::test]
async fn a_link_signs_in_once_whoever_races_and_not_after_a_day() {
    let folder = Folder::new();
    let (one, two) = (folder.open().await, folder.open().await);
    let made = one.initialize(at(0)).await.unwrap();
    let token = made.link.token.expose();
    let device = Device { agent: "test".to_owned(), address: "192.0.2.1".to_owned() };
    let (first, second) = tokio::join!(one.sign_in(token, &device, at(1)), two.sign_in(token, &device, at(1)));
    let refused = match (first, second) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused, SignInError::Used));
    let late = one.create_link(&made.user.id, at(0)).await.unwrap().unwrap();
    assert!(matches!(one.sign_in(late.token.expose(), &device, at(24 * HOUR)).await, Err(SignInError::Expired)));
    assert!(matches!(one.sign_in("0000", &device, at(1)).await, Err(SignInError::Expired)));
    assert!(one.create_link("nobody", at(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_ends_by_idling_by_age_and_by_signing_out() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let made = meta.initialize(at(0)).await.unwrap();
    let begin = async || {
        let link = meta.create_link(&made.user.id, at(0)).await.unwrap().unwrap();
        meta.sign_in(link.token.expose(), &Device::default(), at(0)).await.unwrap().secret
    };
    let idle = begin().await;
    assert_eq!(meta.session(idle.expose(), at(11 * HOUR)).await.unwrap().user, made.user);
    meta.session(idle.expose(), at(22 * HOUR)).await.unwrap();
    assert!(matches!(meta.session(idle.expose(), at(35 * HOUR)).await, Err(SessionError::Ended)));
    let watched = begin().await;
    meta.running_session(watched.expose(), at(11 * HOUR)).await.unwrap();
    assert!(matches!(meta.running_session(watched.expose(), at(13 * HOUR)).await, Err(SessionError::Ended)));
    let busy = begin().await;
    for hour in (0..7 * 24).step_by(10) {
        meta.session(busy.expose(), at(hour * HOUR)).await.unwrap();
    }
    assert!(matches!(meta.session(busy.expose(), at(7 * 24 * HOUR)).await, Err(SessionError::Ended)));
    let ended = begin().await;
    meta.session(ended.expose(), at(1)).await.unwrap();
    meta.end_session(ended.expose(), at(2)).await.unwrap();
    assert!(matches!(meta.session(ended.expose(), at(3)).await, Err(SessionError::Ended)));
    assert!(matches!(meta.session("guess", at(3)).await, Err(SessionError::Ended)));
}

#[tokio::test]
async fn last_use_survives_a_restart_and_old_sessions_are_dropped() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let made = meta.initialize(at(0)).await.unwrap();
    let text = made.service_key.secret.expose().to_owned();
    meta.authenticate(&text, at(HOUR)).await.unwrap();
    meta.close(at(HOUR)).await.unwrap();
    let meta = folder.open().await;
    let keys = meta.keys(&made.account).await.unwrap();
    let used: Vec<_> = keys.iter().filter(|key| key.last_used_at.is_some()).map(|key| key.kind).collect();
    assert_eq!(used, [KeyKind::Service]);
    meta.authenticate(&text, at(2 * HOUR)).await.unwrap();
    meta.maintain(at(100 * 24 * HOUR)).await.unwrap();
    assert!(matches!(
        meta.sign_in(made.link.token.expose(), &Device::default(), at(1)).await,
        Err(SignInError::Expired)
    ));
}

#[tokio::test]
async fn no_secret_is_in_the_file_and_only_its_owner_may_read_it() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let made = meta.initialize(at(0)).await.unwrap();
    let begun = meta.sign_in(made.link.token.expose(), &Device::default(), at(1)).await.unwrap();
    let secrets = [
        made.ingestion_key.secret.expose()[16..].to_owned(),
        made.service_key.secret.expose()[16..].to_owned(),
        made.admin_token.secret.expose()[16..].to_owned(),
        made.link.token.expose().to_owned(),
        begun.secret.expose().to_owned(),
    ];
    let debug = format!("{made:?} {begun:?} {meta:?}");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        looked_at += bytes.len();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
            assert!(!debug.contains(secret.as_str()));
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
    }
    assert!(looked_at > 0);
    assert!(meta.damage().await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_from_a_newer_whodid_is_refused() {
    let folder = Folder::new();
    folder.open().await.close(at(0)).await.unwrap();
    let mut bytes = std::fs::read(folder.file()).unwrap();
    // Bytes 60..64 of the header are `user_version`, big-endian.
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(folder.file(), bytes).unwrap();
    let refused = Meta::open(&folder.file(), Limits::default()).await.unwrap_err();
    assert!(refused.to_string().contains("schema version 999"), "{refused}");
}

#[tokio::test]
async fn a_look_changes_nothing_and_tells_what_is_there() {
    let folder = Folder::new();
    std::fs::write(folder.file(), b"").unwrap();
    let look = Meta::look(&folder.file()).await.unwrap();
    assert_eq!((look.installation, look.is_older, look.damage), (None, true, None));
    assert_eq!(std::fs::metadata(folder.file()).unwrap().len(), 0);
    let meta = folder.open().await;
    assert_eq!(Meta::look(&folder.file()).await.unwrap().installation, None);
    meta.initialize(at(0)).await.unwrap();
    // Beside the process that has it open.
    let look = Meta::look(&folder.file()).await.unwrap();
    assert_eq!((look.installation, look.is_older), (meta.installation().await.unwrap(), false));
    std::fs::write(folder.0.path().join("other"), b"no database at all, but longer than a header of SQLite's would be")
        .unwrap();
    assert!(Meta::look(&folder.0.path().join("other")).await.is_err());
    assert!(Meta::look(&folder.0.path().join("missing")).await.is_err());
}

#[tokio::test]
async fn a_start_that_shows_no_keys_makes_none() {
    let folder = Folder::new();
    let meta = folder.open().await;
    let link = meta.initialize_without_keys(at(0)).await.unwrap();
    let account = meta.accounts().await.unwrap().remove(0);
    assert!(meta.keys(&account).await.unwrap().is_empty());
    assert!(meta.sign_in(link.token.expose(), &Device::default(), at(1)).await.is_ok());
    assert!(meta.initialize(at(2)).await.is_err());
}

#[test]
fn a_key_name_is_short_and_printable() {
    assert_eq!(Meta::check_key_name("  kms in eu-de "), Ok("kms in eu-de"));
    for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
        assert!(Meta::check_key_name(bad).is_err(), "{bad:?}");
    }
}
