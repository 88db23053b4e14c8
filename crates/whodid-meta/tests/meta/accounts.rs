//! Accounts, their settings, download sessions and retention.

use serde_json::json;
use whodid_meta::{AccountChange, ChangeError, DOWNLOAD_SESSIONS_MAX, DownloadPlan};
use whodid_model::SpaceName;
use whodid_model::access::PermissionSet;

use crate::place::{Place, account, at, home, on_both};

#[tokio::test]
async fn an_account_is_made_with_its_owner_as_administrator() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (by, owner) = (shop.admin(), shop.made.user.id.as_str());
        let name = account("shop");
        let storage = Some("s3://bucket/shop");
        let made = shop.meta.create_account(&by, &name, " The shop ", storage, owner, at(1)).await.unwrap();
        assert_eq!((made.title.as_str(), made.storage.as_deref()), ("The shop", storage));
        assert_eq!(shop.meta.account(&name).await.unwrap(), Some(made));
        assert_eq!(shop.told().await, "account.create@shop user.create@shop role-binding.create@shop");
        let token = shop.made.admin_token.secret.expose();
        let known = shop.meta.authenticate(token, "", at(2)).await.unwrap();
        assert_eq!(known.principal.permissions_in(&name), PermissionSet::ALL);
        let taken = shop.meta.create_account(&by, &name, "Again", None, owner, at(2)).await;
        assert!(matches!(taken, Err(ChangeError::Taken { what: "account" })));
        let nobody = shop.meta.create_account(&by, &account("x"), "X", None, "nobody", at(2)).await;
        assert!(matches!(nobody, Err(ChangeError::NotThere { what: "user" })));
        assert_eq!(shop.told().await, "");
        assert_eq!(shop.meta.accounts().await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn each_changed_setting_is_a_record_of_its_own() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let change = AccountChange {
            title: Some("Ours".to_owned()),
            mfa_required: Some(true),
            password_length_min: Some(12),
            session_idle_minutes: Some(30),
            ..AccountChange::default()
        };
        let changed = shop.meta.update_account(&shop.admin(), &home(), &change, at(1)).await.unwrap();
        assert!(changed.settings.mfa_required);
        let events = shop.events().await;
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                let asked = &event["requestData"];
                assert_eq!(event["action"], "whodid.account.update");
                assert_eq!(asked["owneremail"], "administrator");
                json!([asked["type"], asked["value"], asked["delta"][0]["value"]])
            })
            .collect();
        let expected = [
            json!(["mfa_required", true, false]),
            json!(["session_idle_minutes", 30, 720]),
            json!(["title", "Ours", "default"]),
        ];
        assert_eq!(told, expected, "the length was twelve before");
        assert_eq!(shop.meta.account(&home()).await.unwrap(), Some(changed));
    })
    .await;
}

#[tokio::test]
async fn a_setting_out_of_bounds_changes_nothing() {
    let place = Place::sqlite();
    let shop = place.shop().await;
    for change in [
        AccountChange { password_length_min: Some(7), ..AccountChange::default() },
        AccountChange { password_length_min: Some(65), ..AccountChange::default() },
        AccountChange { session_idle_minutes: Some(4), ..AccountChange::default() },
        AccountChange { session_absolute_minutes: Some(129_601), ..AccountChange::default() },
        AccountChange { keys_max: Some(0), ..AccountChange::default() },
        AccountChange { title: Some(" ".to_owned()), mfa_required: Some(true), ..AccountChange::default() },
    ] {
        let refused = shop.meta.update_account(&shop.admin(), &home(), &change, at(1)).await;
        assert!(matches!(refused, Err(ChangeError::Invalid { .. })), "{change:?}");
    }
    let missing = shop.meta.update_account(&shop.admin(), &account("x"), &AccountChange::default(), at(1)).await;
    assert!(matches!(missing, Err(ChangeError::NotThere { .. })));
    assert_eq!(shop.told().await, "");
    assert_eq!(shop.meta.account(&home()).await.unwrap().unwrap().settings, whodid_meta::Settings::default());
}

#[tokio::test]
async fn download_sessions_are_bounded_by_space() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (by, user) = (shop.admin(), shop.made.user.id.as_str());
        let plan = DownloadPlan {
            space: None,
            from_day: "2026-11-01".to_owned(),
            to_day: "2026-11-27".to_owned(),
            search_hour: Some(9),
            account_level: true,
        };
        let mut made = Vec::new();
        for number in 0..DOWNLOAD_SESSIONS_MAX {
            made.push(shop.meta.create_download(&by, &home(), user, &plan, at(number)).await.unwrap());
        }
        let refused = shop.meta.create_download(&by, &home(), user, &plan, at(99)).await;
        assert!(matches!(refused, Err(ChangeError::TooMany { max: DOWNLOAD_SESSIONS_MAX })));
        let of_space = DownloadPlan { space: SpaceName::parse("dev").ok(), ..plan.clone() };
        shop.meta.create_download(&by, &home(), user, &of_space, at(100)).await.unwrap();
        shop.told().await;
        // Another's are their own: neither seen nor in the way.
        let (other, first) = ("user:other", &made[0]);
        shop.meta.create_download(&by, &home(), other, &plan, at(101)).await.unwrap();
        assert_eq!(shop.meta.downloads(&home(), other).await.unwrap().len(), 1);
        assert_eq!(shop.meta.download(&home(), other, &first.id).await.unwrap(), None);
        let refused = shop.meta.delete_download(&by, &home(), other, &first.id, at(102)).await;
        assert!(matches!(refused, Err(ChangeError::NotThere { .. })));
        shop.told().await;

        assert!(shop.meta.use_download(&first.id, false, at(200)).await.unwrap());
        let found = shop.meta.download(&home(), user, &first.id).await.unwrap().unwrap();
        assert_eq!((&found.plan, found.created_at, found.accessed_at), (&plan, at(0), at(200)));
        assert_eq!(found.downloaded_at, None);
        assert!(shop.meta.use_download(&first.id, true, at(201)).await.unwrap());
        let found = shop.meta.download(&home(), user, &first.id).await.unwrap().unwrap();
        assert_eq!(found.downloaded_at, Some(at(201)));
        assert!(!shop.meta.use_download(&first.id, false, at(202)).await.unwrap(), "it gives its events once");

        shop.meta.delete_download(&by, &home(), user, &first.id, at(203)).await.unwrap();
        let again = shop.meta.delete_download(&by, &home(), user, &first.id, at(204)).await;
        assert!(matches!(again, Err(ChangeError::NotThere { .. })));
        assert!(!shop.meta.use_download(&first.id, true, at(205)).await.unwrap());
        assert_eq!(shop.told().await, "download-session.delete");
        let kept = shop.meta.downloads(&home(), user).await.unwrap();
        assert_eq!(kept.len() as i64, DOWNLOAD_SESSIONS_MAX);

        // What nobody uses for two weeks is dropped.
        let fortnight = 14 * 86_400_000_000;
        shop.meta.maintain(at(100 + fortnight)).await.unwrap();
        assert_eq!(shop.meta.downloads(&home(), user).await.unwrap().len(), 1);
        shop.meta.maintain(at(101 + fortnight)).await.unwrap();
        assert_eq!(shop.meta.downloads(&home(), user).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn events_are_kept_for_ever_unless_somebody_says_otherwise() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let dev = SpaceName::parse("dev").unwrap();
        let set = async |space, days| shop.meta.set_retention(&shop.admin(), &home(), space, days, at(1)).await;
        assert_eq!(shop.meta.retention(&home(), None).await.unwrap(), -1);
        set(None, -1).await.unwrap();
        assert_eq!(shop.told().await, "");
        set(None, 365).await.unwrap();
        set(Some(&dev), 30).await.unwrap();
        set(Some(&dev), 31).await.unwrap();
        assert_eq!(shop.meta.retention(&home(), Some(&dev)).await.unwrap(), 31);
        assert_eq!(shop.meta.retentions(&home()).await.unwrap(), [(None, 365), (Some(dev.clone()), 31)]);
        let events = shop.events().await;
        assert_eq!(events.len(), 3);
        assert_eq!(events[0]["requestData"]["delta"][0]["value"], -1);
        assert_eq!(events[2]["requestData"]["days"], 31);
        for bad in [0, -2, 36_501] {
            assert!(matches!(set(None, bad).await, Err(ChangeError::Invalid { .. })));
        }
    })
    .await;
}
