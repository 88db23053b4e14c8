//! Alerts, their cursor and what channels are to be told: one transaction.

use serde_json::json;
use whodid_audit::{Deed, Told};
use whodid_meta::{AlertCounts, AlertFilter, AlertRow, ChangeError, DeliveryRow, DeliveryState};
use whodid_model::Offset;

use crate::place::{DAY, MINUTE, Place, actor, at, home, on_both};

fn alert(id: &str, minute: i64, status: &str) -> AlertRow {
    AlertRow {
        id: id.to_owned(),
        rule_id: "rule".to_owned(),
        group_key: format!("group-{id}"),
        status: status.to_owned(),
        severity: 3,
        assignee: None,
        opened_at: at(minute * MINUTE),
        last_at: at(minute * MINUTE),
        escalates_at: None,
        revision: 1,
        body: json!({"id": id}),
    }
}

fn delivery(id: &str, due: i64) -> DeliveryRow {
    DeliveryRow {
        id: id.to_owned(),
        channel: "c1".to_owned(),
        alert: Some("a1".to_owned()),
        state: DeliveryState::Waiting,
        due_at: Some(at(due * MINUTE)),
        created_at: at(0),
        body: json!({"n": id}),
    }
}

#[tokio::test]
async fn findings_become_alerts_once_with_what_channels_are_told() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        assert_eq!(meta.alert_cursor(&home()).await.unwrap(), None);
        meta.store_alerts(&home(), &[alert("a1", 1, "open")], &[delivery("d1", 5)], Some(Offset(7)), at(0))
            .await
            .unwrap();
        assert_eq!(meta.alert_cursor(&home()).await.unwrap(), Some(Offset(7)));
        // Stored again with a revision that is taken: neither alert nor cursor moves.
        let again =
            meta.store_alerts(&home(), &[alert("a1", 2, "open")], &[delivery("d2", 5)], Some(Offset(9)), at(0)).await;
        assert!(matches!(again, Err(ChangeError::Stale { .. })));
        assert_eq!(meta.alert_cursor(&home()).await.unwrap(), Some(Offset(7)));
        assert!(meta.due_deliveries(at(4 * MINUTE), 10).await.unwrap().is_empty());
        let due = meta.due_deliveries(at(5 * MINUTE), 10).await.unwrap();
        assert_eq!(due.iter().map(|(_, one)| one.id.as_str()).collect::<Vec<_>>(), ["d1"]);
        assert!(shop.events().await.is_empty(), "the finding tells it already");
    })
    .await;
}

#[tokio::test]
async fn alerts_are_listed_counted_and_paged() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let rows = [
            alert("a1", 1, "open"),
            alert("a2", 2, "acknowledged"),
            alert("a3", 2, "open"),
            alert("a4", 3, "resolved"),
        ];
        meta.store_alerts(&home(), &rows, &[], None, at(0)).await.unwrap();
        let ids = |rows: Vec<AlertRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>().join(" ");
        let all = AlertFilter::default();
        assert_eq!(ids(meta.alerts(&home(), &all, None, 10).await.unwrap()), "a4 a3 a2 a1");
        assert_eq!(ids(meta.alerts(&home(), &all, None, 2).await.unwrap()), "a4 a3");
        assert_eq!(ids(meta.alerts(&home(), &all, Some((at(2 * MINUTE), "a3")), 10).await.unwrap()), "a2 a1");
        let open = AlertFilter {
            statuses: vec!["open".to_owned(), "acknowledged".to_owned()],
            severity: Some(3),
            ..AlertFilter::default()
        };
        assert_eq!(ids(meta.alerts(&home(), &open, None, 10).await.unwrap()), "a3 a2 a1");
        let nobody = AlertFilter {
            assignee: Some("eve".to_owned()),
            rule_id: Some("rule".to_owned()),
            ..AlertFilter::default()
        };
        assert_eq!(ids(meta.alerts(&home(), &nobody, None, 10).await.unwrap()), "");
        assert_eq!(meta.alert_counts(&home()).await.unwrap(), AlertCounts { open: 2, acknowledged: 1, resolved: 1 });
        assert_eq!(meta.latest_alert(&home(), "rule", "group-a2").await.unwrap().unwrap().id, "a2");
    })
    .await;
}

#[tokio::test]
async fn alerts_are_found_by_when_they_opened_whenever_something_last_happened_to_them() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        // The first one goes on long after the others.
        let lasting = AlertRow { last_at: at(9 * MINUTE), ..alert("a1", 1, "open") };
        let rows = [lasting, alert("a2", 2, "resolved"), alert("a3", 3, "open")];
        meta.store_alerts(&home(), &rows, &[], None, at(0)).await.unwrap();
        for (from, to, expected) in
            [(Some(1), Some(3), "a1 a2"), (Some(2), None, "a3 a2"), (None, Some(2), "a1"), (Some(4), Some(10), "")]
        {
            let opened = |minute: Option<i64>| minute.map(|minute| at(minute * MINUTE));
            let filter = AlertFilter { opened_from: opened(from), opened_to: opened(to), ..AlertFilter::default() };
            let found = meta.alerts(&home(), &filter, None, 10).await.unwrap();
            let ids: Vec<_> = found.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(ids.join(" "), expected, "{from:?} to {to:?}");
        }
        // Together with a status and a cursor, whose values are counted after these.
        let filter = AlertFilter {
            opened_from: Some(at(MINUTE)),
            opened_to: Some(at(4 * MINUTE)),
            statuses: vec!["open".to_owned()],
            ..AlertFilter::default()
        };
        let found = meta.alerts(&home(), &filter, Some((at(9 * MINUTE), "a1")), 10).await.unwrap();
        assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a3"]);
    })
    .await;
}

#[tokio::test]
async fn what_somebody_does_to_an_alert_is_recorded() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        meta.store_alerts(&home(), &[alert("a1", 1, "open")], &[], None, at(0)).await.unwrap();
        let done = AlertRow {
            status: "acknowledged".to_owned(),
            revision: 2,
            assignee: Some("mara".to_owned()),
            ..alert("a1", 2, "")
        };
        let told = Told::success(Deed::AlertAcknowledge, "a1", "rule");
        meta.change_alert(&actor("mara"), &home(), &done, &[], &told, at(0)).await.unwrap();
        assert_eq!(
            meta.alert(&home(), "a1").await.unwrap().unwrap(),
            AlertRow { opened_at: at(MINUTE), ..done.clone() }
        );
        let late = meta.change_alert(&actor("eve"), &home(), &done, &[], &told, at(0)).await;
        assert!(matches!(late, Err(ChangeError::Stale { .. })));
        assert_eq!(shop.events().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn alerts_to_escalate_are_found_when_their_time_has_come() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let late = AlertRow { escalates_at: Some(at(10 * MINUTE)), ..alert("a1", 1, "open") };
        meta.store_alerts(&home(), &[late, alert("a2", 1, "open")], &[], None, at(0)).await.unwrap();
        assert!(meta.alerts_to_escalate(at(9 * MINUTE), 10).await.unwrap().is_empty());
        let due = meta.alerts_to_escalate(at(10 * MINUTE), 10).await.unwrap();
        assert_eq!(
            due.iter().map(|(account, one)| format!("{account} {}", one.id)).collect::<Vec<_>>(),
            ["default a1"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_channel_with_a_long_queue_hides_no_other() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        let other = DeliveryRow { channel: "c2".to_owned(), ..delivery("d4", 3) };
        let rows = [delivery("d1", 1), delivery("d2", 1), delivery("d3", 2), other];
        meta.store_alerts(&home(), &[], &rows, None, at(0)).await.unwrap();
        let due = meta.due_deliveries(at(5 * MINUTE), 10).await.unwrap();
        assert_eq!(due.iter().map(|(_, one)| one.id.as_str()).collect::<Vec<_>>(), ["d1", "d4"]);
    })
    .await;
}

#[tokio::test]
async fn a_secret_of_the_installation_is_kept_once() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        assert_eq!(meta.installation_secret("notices").await.unwrap(), None);
        assert_eq!(meta.keep_installation_secret("notices", b"first").await.unwrap(), b"first");
        assert_eq!(meta.keep_installation_secret("notices", b"second").await.unwrap(), b"first");
        assert_eq!(meta.installation_secret("notices").await.unwrap().as_deref(), Some(b"first".as_slice()));
    })
    .await;
}

#[tokio::test]
async fn the_log_of_deliveries_is_kept_for_a_month_and_what_waits_for_ever() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let meta = &shop.meta;
        meta.store_alerts(&home(), &[], &[delivery("d1", 5), delivery("d2", 5)], None, at(0)).await.unwrap();
        let done = DeliveryRow {
            state: DeliveryState::Delivered,
            due_at: None,
            body: json!({"status": 200}),
            ..delivery("d1", 5)
        };
        meta.store_delivery(&home(), &done, at(0)).await.unwrap();
        let log = meta.deliveries(&home(), Some("c1"), None, 10).await.unwrap();
        assert_eq!(
            log.iter().map(|one| (one.id.as_str(), one.state)).collect::<Vec<_>>(),
            [("d2", DeliveryState::Waiting), ("d1", DeliveryState::Delivered)]
        );
        let page = async |after: Option<&str>, limit: i64| {
            let after = after.map(|id| (at(0), id));
            let page = meta.deliveries_after(&home(), "c1", after, limit).await.unwrap();
            page.into_iter().map(|one| one.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(page(None, 10).await, "d2 d1");
        assert_eq!((page(None, 1).await.as_str(), page(Some("d2"), 1).await.as_str()), ("d2", "d1"));
        assert_eq!(page(Some("d1"), 1).await, "");
        assert!(meta.deliveries_after(&home(), "c2", None, 10).await.unwrap().is_empty());
        meta.forget_deliveries(at(31 * DAY)).await.unwrap();
        let left = meta.deliveries(&home(), None, Some("a1"), 10).await.unwrap();
        assert_eq!(left.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["d2"]);
    })
    .await;
}
