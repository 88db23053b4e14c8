//! Backups, from either database into either.

use whodid_audit::Actor;
use whodid_meta::{Answer, BackupError, FactorCheck, MetaError};

use crate::place::{DAY, Place, Shop, actor, at, home, on_both};

async fn filled(place: &Place) -> (Shop, Vec<whodid_meta::Secret>) {
    let shop = place.shop().await;
    let eve = shop.user("eve", &["reader"]).await;
    shop.other("other").await;
    let (meta, by) = (&shop.meta, shop.admin());
    meta.create_group(&by, &home(), "team", "", &[eve.clone()].into(), at(1)).await.unwrap();
    meta.create_role(&by, &home(), "own", "", whodid_model::access::PermissionSet::ALL, at(1)).await.unwrap();
    meta.set_retention(&by, &home(), None, 30, at(1)).await.unwrap();
    // A second factor is sealed: it travels with its key file only.
    let setup = meta.begin_totp(&eve, at(1)).await.unwrap();
    let code = super::mfa::app(&setup.secret, at(1));
    let codes = meta.confirm_totp(&actor("eve"), &eve, &code, at(1)).await.unwrap();
    (shop, codes)
}

#[tokio::test]
async fn a_backup_of_either_database_comes_back_into_either() {
    on_both(async |from: &Place| {
        let (shop, codes) = filled(from).await;
        let mut file = Vec::new();
        let rows = shop.meta.export(&Actor::operator("root"), &mut file, at(2)).await.unwrap();
        assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), rows + 2);
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(!text.contains("\"sessions\"") && !text.contains("\"links\""));
        on_both(async |to: &Place| {
            std::fs::copy(from.key(), to.key()).unwrap();
            let meta = to.open().await;
            assert_eq!(meta.import(&Actor::operator("root"), file.as_slice(), at(3)).await.unwrap(), rows);
            assert_eq!(meta.installation().await.unwrap(), shop.meta.installation().await.unwrap());
            assert_eq!(meta.accounts().await.unwrap(), shop.meta.accounts().await.unwrap());
            assert_eq!(meta.bindings(&home()).await.unwrap(), shop.meta.bindings(&home()).await.unwrap());
            assert_eq!(meta.keys(&home()).await.unwrap(), shop.meta.keys(&home()).await.unwrap());
            assert_eq!(meta.groups(&home()).await.unwrap(), shop.meta.groups(&home()).await.unwrap());
            assert_eq!(meta.retention(&home(), None).await.unwrap(), 30);
            meta.authenticate(shop.made.admin_token.secret.expose(), "", at(4)).await.unwrap();
            let eve = meta.user_named("eve").await.unwrap().unwrap().id;
            let answer = Answer::Recovery(codes[0].expose());
            let checked = meta.check_second_factor(&actor("eve"), &eve, answer, at(4)).await.unwrap();
            assert_eq!(checked, FactorCheck::Passed);
            let code = meta.check_second_factor(&actor("eve"), &eve, Answer::Code("000000"), at(4)).await;
            assert_eq!(code.unwrap(), FactorCheck::Wrong);
            // What waited still waits, and goes on after it.
            let waiting = meta.outbox(0, 999, &[]).await.unwrap();
            assert!(waiting.iter().any(|one| one.event.contains("whodid.backup.restore")));
            assert!(waiting.len() as i64 > shop.meta.outbox_len().await.unwrap());
            let again = meta.import(&Actor::operator("root"), file.as_slice(), at(5)).await;
            assert!(matches!(again, Err(BackupError::NotEmpty)));
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_comes_back_with_its_key_only_or_with_one_given_in_its_place() {
    on_both(async |from: &Place| {
        let (shop, _) = filled(from).await;
        let mut file = Vec::new();
        shop.meta.export(&Actor::operator("root"), &mut file, at(2)).await.unwrap();
        let text = String::from_utf8(file).unwrap();
        let key = text.lines().next().unwrap().split(",\"secrets_key\":\"").nth(1).unwrap().trim_end_matches("\"}");
        assert_eq!(key.len(), 32);
        // As an older whodid wrote it.
        let older = text.replacen(&format!(",\"secrets_key\":\"{key}\""), "", 1);
        let by = Actor::operator("root");
        for file in [&text, &older] {
            let to = Place::sqlite();
            let meta = to.open().await;
            let refused = meta.import(&by, file.as_bytes(), at(3)).await.unwrap_err();
            assert!(matches!(refused, BackupError::Meta(MetaError::SecretsKey { .. })), "{refused:?}");
            assert!(refused.to_string().contains("secrets.key holds another key than the one that the backup"));
            assert!(meta.accounts().await.unwrap().is_empty());
            meta.close(at(3)).await.unwrap();
            // The right file in its place, although one was made meanwhile.
            std::fs::copy(from.key(), to.key()).unwrap();
            to.open().await.import(&by, file.as_bytes(), at(4)).await.unwrap();
            let lost = Place::sqlite();
            std::fs::write(lost.folder.path().join("secrets.key.new"), [7; 32]).unwrap();
            lost.open().await.import(&by, file.as_bytes(), at(4)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_damaged_backup_brings_back_nothing() {
    on_both(async |place: &Place| {
        let from = Place::sqlite();
        let (shop, _) = filled(&from).await;
        std::fs::copy(from.key(), place.key()).unwrap();
        let mut file = Vec::new();
        shop.meta.export(&Actor::operator("root"), &mut file, at(DAY)).await.unwrap();
        let text = String::from_utf8(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        let header = r#"{"whodid_metadata":1,"schema":3,"installation":"x"}"#;
        let meta = place.open().await;
        for (damaged, what) in [
            (String::new(), "empty"),
            (cut.clone(), "cut"),
            (lines[1..].join("\n"), "without a header"),
            (text.replacen("\"schema\":", "\"schema\":99", 1), "newer"),
            (text.replace("\"table\":\"keys\"", "\"table\":\"sqlite_master\""), "another table"),
            (text.replace("\"hint\"", "\"hint) --\""), "another column"),
            (text.replace("\"hint\"", "\"nothing\""), "a column that is not there"),
            (text.replacen(lines[0], header, 1), "another installation"),
        ] {
            let refused = meta.import(&Actor::operator("root"), damaged.as_bytes(), at(DAY)).await;
            assert!(refused.is_err(), "{what}");
            assert!(meta.accounts().await.unwrap().is_empty(), "{what}");
        }
        meta.import(&Actor::operator("root"), text.as_bytes(), at(DAY)).await.unwrap();
    })
    .await;
}
