//! What people configure for detection: all or none, with revisions, secrets sealed.

use serde_json::json;
use whodid_audit::{Deed, Told};
use whodid_meta::{
    ChangeError, DocumentChange, DocumentKind, Expected, REPORTED_BYTES_MAX, REPORTED_BYTES_MAX_OF_ACCOUNT, Secret,
};

use crate::place::{MINUTE, Place, account, actor, at, home, on_both};

fn put(id: &str, body: &str, expected: Expected) -> DocumentChange {
    DocumentChange {
        kind: DocumentKind::Rule,
        id: id.to_owned(),
        body: Some(json!({"text": body})),
        secret: None,
        expected,
    }
}

fn told(id: &str) -> Vec<Told> {
    vec![Told::success(Deed::RuleCreate, id, id)]
}

#[tokio::test]
async fn documents_are_made_changed_and_deleted_each_with_its_record() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        meta.change_documents(&by, &home(), &[put("r1", "one", Expected::Absent)], &told("r1"), at(0)).await.unwrap();
        meta.change_documents(&by, &home(), &[put("r1", "two", Expected::Revision(1))], &told("r1"), at(MINUTE))
            .await
            .unwrap();
        let found = meta.document(&home(), DocumentKind::Rule, "r1").await.unwrap().unwrap();
        assert_eq!(
            (found.revision, found.body, found.created_at, found.updated_at),
            (2, json!({"text": "two"}), at(0), at(MINUTE))
        );
        assert_eq!((found.created_by.as_str(), found.updated_by.as_str()), ("mara", "mara"));
        assert!(meta.documents(&home(), DocumentKind::Package).await.unwrap().is_empty(), "kinds do not mix");
        let delete = DocumentChange { body: None, ..put("r1", "", Expected::Present) };
        meta.change_documents(&by, &home(), &[delete], &told("r1"), at(MINUTE)).await.unwrap();
        assert!(meta.documents(&home(), DocumentKind::Rule).await.unwrap().is_empty());
        assert_eq!(shop.events().await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn several_changes_are_made_all_or_none_and_the_later_of_two_people_is_told() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        meta.change_documents(&by, &home(), &[put("r1", "one", Expected::Absent)], &[], at(0)).await.unwrap();
        let both = [put("r2", "new", Expected::Absent), put("r1", "x", Expected::Revision(7))];
        let refused = meta.change_documents(&by, &home(), &both, &told("r2"), at(0)).await;
        assert!(matches!(refused, Err(ChangeError::Stale { what: "rule" })), "{refused:?}");
        assert_eq!(meta.documents(&home(), DocumentKind::Rule).await.unwrap().len(), 1);
        assert!(shop.events().await.is_empty(), "what was not done is not told");
        for (change, name) in
            [(put("r1", "", Expected::Absent), "taken"), (put("r9", "", Expected::Present), "not there")]
        {
            assert!(meta.change_documents(&by, &home(), &[change], &[], at(0)).await.is_err(), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_secret_is_sealed_where_it_is_stored_and_opens_only_there() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        let channel = DocumentChange {
            kind: DocumentKind::Channel,
            id: "c1".to_owned(),
            body: Some(json!({"type": "slack"})),
            secret: Some(Secret::new("https://hooks.example/canary".to_owned())),
            expected: Expected::Absent,
        };
        assert!(!format!("{channel:?}").contains("canary"));
        meta.change_documents(&by, &home(), &[channel], &[], at(0)).await.unwrap();
        let found = meta.document(&home(), DocumentKind::Channel, "c1").await.unwrap().unwrap();
        assert_eq!(found.secret.unwrap().expose(), "https://hooks.example/canary");
        let mut backup = Vec::new();
        meta.export(&by, &mut backup, at(0)).await.unwrap();
        assert!(!String::from_utf8(backup).unwrap().contains("canary"), "sealed in backups too");
        place.run("UPDATE documents SET id = 'c2'").await;
        assert!(meta.document(&home(), DocumentKind::Channel, "c2").await.is_err(), "moved elsewhere it does not open");
    })
    .await;
}

#[tokio::test]
async fn accounts_do_not_see_each_others_documents() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        meta.change_documents(&by, &home(), &[put("r1", "one", Expected::Absent)], &[], at(0)).await.unwrap();
        assert!(meta.document(&account("other"), DocumentKind::Rule, "r1").await.unwrap().is_none());
    })
    .await;
}

fn occurrence(id: &str, bytes: usize, expected: Expected) -> DocumentChange {
    let body = Some(json!({"text": "x".repeat(bytes - r#"{"text":""}"#.len())}));
    DocumentChange { kind: DocumentKind::Occurrence, id: id.to_owned(), body, secret: None, expected }
}

#[tokio::test]
async fn what_clients_report_is_bounded_one_by_one_and_all_together() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        let put = async |change: DocumentChange| meta.change_documents(&by, &home(), &[change], &[], at(0)).await;
        put(occurrence("o1", REPORTED_BYTES_MAX, Expected::Absent)).await.unwrap();
        let large = put(occurrence("o2", REPORTED_BYTES_MAX + 1, Expected::Absent)).await;
        assert!(matches!(large, Err(ChangeError::TooLarge { max: REPORTED_BYTES_MAX, .. })), "{large:?}");
        // As if there were many: 1,000 bytes are left.
        for _ in 0..11 {
            place.run("UPDATE documents SET body = body || body WHERE id = 'o1'").await;
        }
        place.run("UPDATE documents SET body = substr(body, 1, 67107864) WHERE id = 'o1'").await;
        put(occurrence("o2", 1_000, Expected::Absent)).await.unwrap();
        let more = put(occurrence("o3", 100, Expected::Absent)).await;
        assert!(matches!(more, Err(ChangeError::Full { max: REPORTED_BYTES_MAX_OF_ACCOUNT, .. })), "{more:?}");
        let grown = put(occurrence("o2", 1_001, Expected::Present)).await;
        assert!(matches!(grown, Err(ChangeError::Full { .. })), "{grown:?}");
        put(occurrence("o2", 999, Expected::Present)).await.unwrap();
        let of_another_kind = DocumentChange { kind: DocumentKind::Note, ..occurrence("n1", 100, Expected::Absent) };
        put(of_another_kind).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn versions_tell_every_change_without_what_was_changed() {
    on_both(async |place: &Place| {
        let shop = place.shop().await;
        let (meta, by) = (&shop.meta, actor("mara"));
        let kinds = [DocumentKind::Rule, DocumentKind::Package];
        let versions = async || meta.document_versions(&home(), &kinds).await.unwrap();
        let mut seen = vec![versions().await];
        for (change, when) in [
            (put("r1", "one", Expected::Absent), 0),
            (put("r1", "two", Expected::Present), MINUTE),
            (DocumentChange { body: None, ..put("r1", "", Expected::Present) }, MINUTE),
            (put("r1", "one", Expected::Absent), 2 * MINUTE),
        ] {
            meta.change_documents(&by, &home(), &[change], &[], at(when)).await.unwrap();
            seen.push(versions().await);
        }
        let counts: Vec<usize> = seen.iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 1, 1, 0, 1]);
        assert_ne!(seen[1], seen[2]);
        assert_ne!(seen[1], seen[4], "made again, it is another");
        let kept = meta.documents(&home(), DocumentKind::Rule).await.unwrap();
        assert_eq!(seen[4], [kept[0].version(DocumentKind::Rule)]);
    })
    .await;
}
