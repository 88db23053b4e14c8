//! Files of earlier releases.

use sqlx::ConnectOptions as _;
use whodid_meta::{Device, KeyKind};

use crate::place::{Place, at, home};

/// A file as the first release left it: one administrator of two accounts, one key of each kind, one session. The
/// texts of its keys and cookie are made up; the hashes are theirs.
const V1: &str = include_str!("../../../../corpus/meta/v1.sql");

#[tokio::test]
async fn a_file_of_the_first_release_goes_on_working() {
    let place = Place::sqlite();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file()).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(V1).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();

    let meta = place.open().await;
    assert_eq!(meta.installation().await.unwrap().as_deref(), Some("install00001"));
    let accounts: Vec<String> = meta.accounts().await.unwrap().iter().map(|one| one.name.to_string()).collect();
    assert_eq!(accounts, ["default", "second"]);
    let users = meta.all_users().await.unwrap();
    let shown: Vec<_> = users
        .iter()
        .map(|user| (user.name.as_str(), user.is_operator, user.home.as_ref().unwrap().as_str(), user.accounts.len()))
        .collect();
    assert_eq!(shown, [("administrator", true, "default", 2), ("Carol", false, "second", 1)]);

    let secret = "0".repeat(32);
    for (text, kind) in [
        (format!("wik_ingestkey001{secret}"), KeyKind::Ingestion),
        (format!("wsk_servicekey01{secret}"), KeyKind::Service),
        (format!("wat_admintoken01{secret}"), KeyKind::Personal),
    ] {
        let known = meta.authenticate(&text, "192.0.2.1", at(0)).await.unwrap();
        assert_eq!(known.kind, kind);
        if kind == KeyKind::Personal {
            let all = whodid_model::access::PermissionSet::ALL;
            assert!(known.principal.grants.keys().all(|account| known.principal.permissions_in(account) == all));
            assert_eq!((known.principal.grants.len(), known.principal.is_operator), (2, true));
        }
    }
    assert!(meta.authenticate(&format!("wsk_revokedkey01{secret}"), "", at(0)).await.is_err());
    let session = meta.session(&"c".repeat(52), at(0)).await.unwrap();
    assert_eq!(session.user.name, "administrator");
    assert_eq!(session.principal.permissions_in(&home()), whodid_model::access::PermissionSet::ALL);
    // A link that was not used yet works on; one that was used says so.
    let by = whodid_audit::Actor::system();
    meta.use_link(&by, &"a".repeat(52), &Device::default(), at(0)).await.unwrap();
    let used = meta.use_link(&by, &"b".repeat(52), &Device::default(), at(0)).await;
    assert!(matches!(used, Err(whodid_meta::LinkError::Used)));
    assert!(meta.damage().await.unwrap().is_none());
    assert_eq!(meta.outbox_len().await.unwrap(), 4, "a sign-in and a session, told to two accounts");
}
