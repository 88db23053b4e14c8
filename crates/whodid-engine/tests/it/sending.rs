//! A key sends what it is for; the rest is kept as rejects.

use whodid_engine::{IngestReply, IngestRequest, ReadRequest};
use whodid_model::access::{Act, Grant, Permission, PermissionSet};
use whodid_model::{AccessScope, SpaceName, StreamName};

use crate::{Bench, event, granted, reader_of};

fn key(grants: Vec<Grant>) -> AccessScope {
    granted("default", Act::Write, grants)
}

fn limited() -> Grant {
    Grant::whole(PermissionSet::of(&[Permission::EventsWrite]))
}

async fn send(bench: &Bench, scope: &AccessScope, body: &str) -> Result<IngestReply, whodid_engine::Error> {
    let request = IngestRequest {
        format: whodid_decode::Format::Auto,
        body: body.to_owned().into(),
        idempotency_key: None,
        sender: "key-1".to_owned(),
    };
    bench.engine.ingest(scope, request).await
}

/// One event each of an Activity Tracker service, CloudTrail and Kubernetes.
fn mixed() -> String {
    let trail = r#"{"eventVersion":"1.08","eventID":"trail","eventTime":"2026-01-05T00:00:00Z","eventName":"DeleteTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser","userName":"eve"}}"#;
    [event("at", 0, "kms.secrets.read", "success"), trail.to_owned(), event("at2", 1, "kms.secrets.read", "success")]
        .join("\n")
}

#[tokio::test]
async fn an_event_of_another_source_is_a_reject_and_its_neighbours_are_stored() {
    let bench = Bench::new().await;
    let scope = key(vec![Grant { sources: Some(vec!["cloudtrail".into()]), ..limited() }]);
    let reply = send(&bench, &scope, &mixed()).await.unwrap();
    assert_eq!((reply.accepted, reply.rejected.len()), (1, 2));
    assert_eq!((reply.rejected[0].index, reply.rejected[0].code.as_str()), (0, "outside_scope"));
    assert!(reply.rejected[0].detail.contains("`cloudtrail`"), "{}", reply.rejected[0].detail);
    assert_eq!(bench.ids("").await, ["trail"]);
    let rejects = reader_of(&StreamName::rejects());
    let kept = bench.engine.rejects(&rejects, &ReadRequest::default(), Some("outside_scope"), 9, None).await.unwrap();
    assert_eq!(kept.rejects.len(), 2);
    assert!(String::from_utf8_lossy(&kept.rejects[0].raw).contains("\"at2\""));
}

#[tokio::test]
async fn a_key_for_a_space_sends_no_event_of_the_account() {
    let bench = Bench::new().await;
    let scope = key(vec![Grant { spaces: Some(vec![SpaceName::parse("dev").unwrap()]), ..limited() }]);
    let reply = send(&bench, &scope, &mixed()).await.unwrap();
    assert_eq!((reply.accepted, reply.rejected.len()), (0, 3));
    assert!(reply.rejected[0].detail.contains("`dev`"), "{}", reply.rejected[0].detail);
}

#[tokio::test]
async fn several_grants_add_up_and_one_without_limits_is_for_all() {
    let bench = Bench::new().await;
    let of_space = Grant { spaces: Some(vec![SpaceName::parse("dev").unwrap()]), ..limited() };
    let of_trail = Grant { sources: Some(vec!["cloudtrail".into()]), ..limited() };
    let reply = send(&bench, &key(vec![of_space.clone(), of_trail]), &mixed()).await.unwrap();
    assert_eq!((reply.accepted, reply.rejected.len()), (1, 2));
    let detail = &reply.rejected[0].detail;
    assert!(detail.contains("`dev`") && detail.contains("`cloudtrail`"), "{detail}");
    let reply = send(&bench, &key(vec![of_space, limited()]), &mixed()).await.unwrap();
    assert_eq!((reply.accepted + reply.duplicates, reply.rejected.len()), (3, 0));
}
