//! A database of where addresses are: fetched, kept and used.

use serde_json::Value;

use crate::boundary::{Server, init, run};
use crate::command_line::json;

/// A registry of packages with one package, whose archive it says has this checksum.
async fn registry(archive: Vec<u8>, integrity: String) -> String {
    use axum::routing::get;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let about =
        serde_json::json!({"dist": {"tarball": format!("{url}/files/places-1.0.0.tgz"), "integrity": integrity}});
    let router = axum::Router::new()
        .route("/@acme%2fplaces/latest", get(move || async move { about.to_string() }))
        .route("/files/places-1.0.0.tgz", get(move || async move { archive }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_locations_is_fetched_checked_kept_with_its_licence_and_used() {
    use data_encoding::BASE64;
    use sha2::{Digest, Sha512};
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    init(&data);
    let verb = |arguments: &[&str]| run(&[&["locations"], arguments, &["--data", data.to_str().unwrap()]].concat());
    assert!(String::from_utf8_lossy(&verb(&["show"]).stderr).contains("there is none"));
    let mut packed = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let database = crate::places::database(&crate::places::country("DE"));
    let about = br#"{"name": "@acme/places", "version": "1.0.0", "license": "CC-BY-4.0"}"#.to_vec();
    for (path, bytes) in [
        ("package/places.mmdb", database.clone()),
        ("package/package.json", about),
        ("package/LICENSE", b"Owed to Acme".to_vec()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        packed.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    let archive = packed.into_inner().unwrap().finish().unwrap();
    let hash = |bytes: &[u8]| format!("sha512-{}", BASE64.encode(&Sha512::digest(bytes)));

    let tampered = registry(archive.clone(), hash(b"another")).await;
    let refused = verb(&["install", "--package", "@acme/places", "--registry", &tampered]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not what the registry says it is"), "{refused:?}");
    let unknown = verb(&["install", "--package", "@acme/none", "--registry", &tampered]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("404"), "{unknown:?}");
    assert!(String::from_utf8_lossy(&verb(&["show"]).stderr).contains("there is none"), "nothing was put in place");

    let honest = registry(archive.clone(), hash(&archive)).await;
    let installed = json(&verb(&["install", "--package", "@acme/places", "--registry", &honest, "--output", "json"]));
    assert_eq!((&installed["source"], &installed["licence"]), (&"@acme/places 1.0.0".into(), &"CC-BY-4.0".into()));
    let shown = String::from_utf8(verb(&["show"]).stdout).unwrap();
    assert!(shown.contains("@acme/places 1.0.0") && shown.contains("Owed to Acme"), "{shown}");

    let server = Server::start().await;
    assert_eq!(server.read("/api/v1/status").await["locations"], Value::Null);
    let copied = server.data();
    let file = folder.path().join("places.tgz");
    std::fs::write(&file, &archive).unwrap();
    let from = ["locations", "install", "--from", file.to_str().unwrap(), "--data", copied.to_str().unwrap()];
    assert!(run(&from).status.success());
    let mut server = server;
    server.restart().await;
    let used = server.read("/api/v1/status").await["locations"].clone();
    assert_eq!(
        (&used["source"], &used["notices"]),
        (&"@acme/places 1.0.0".into(), &serde_json::json!(["Owed to Acme"])),
        "{used}"
    );
}
