//! Where a lake lies: a folder, a bucket, or memory.
//!
//! Every store given out here keeps two promises that the Delta log stands on: a put that returned is
//! durable, and a put with [`PutMode::Create`] succeeds for exactly one of all that try.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    ClientConfigKey, ClientOptions, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RetryConfig,
};
use url::Url;

use crate::durable_folder::DurableFolder;

/// Where a lake lies.
#[derive(Debug, Clone)]
pub enum Location {
    /// A local folder, made when it does not exist.
    Folder(PathBuf),
    /// An S3 bucket, or one that speaks S3.
    Bucket {
        /// `s3://bucket/prefix`.
        url: String,
        /// Settings by their AWS names in lower case: `endpoint`, `region`, `allow_http`,
        /// `access_key_id`, `secret_access_key`, `session_token`, ...
        options: BTreeMap<String, String>,
    },
    /// Memory, gone with the lake. For tests.
    Memory,
}

impl Location {
    /// Whether a bucket has an option of this name.
    pub fn is_option(name: &str) -> bool {
        // Which bucket and how it is written to are not for an option to change.
        !name.contains("bucket") && !name.contains("conditional_put") && name.parse::<AmazonS3ConfigKey>().is_ok()
    }

    /// What can be said of a location without asking it.
    ///
    /// # Errors
    /// An address or a setting that cannot be right, named.
    pub fn check(&self) -> Result<(), LocationError> {
        match self {
            Self::Bucket { url, options } => bucket(url, options).map(|_| ()),
            Self::Folder(_) | Self::Memory => Ok(()),
        }
    }
}

/// Why a location cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The folder cannot be made or read.
    #[error("cannot use the folder {}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The URL is none of a bucket.
    #[error("the lake's address is not that of a bucket; write it like s3://bucket/prefix, and keys as settings")]
    Url,
    /// A setting's name is not known.
    #[error("the bucket setting {name:?} is not known")]
    Option {
        /// Its name.
        name: String,
    },
    /// A setting's value cannot be right.
    #[error("the bucket setting {name:?} {problem}")]
    Value {
        /// Its name.
        name: String,
        /// What is wrong, and how it is right.
        problem: &'static str,
    },
    /// The bucket cannot be reached or refuses.
    #[error("cannot use the bucket {url}")]
    Bucket {
        /// Which one.
        url: String,
        /// What it said.
        source: object_store::Error,
    },
    /// Without «create if absent» two writers could overwrite each other's commits.
    #[error(
        "the bucket {url} does not keep «create if absent» (If-None-Match); a lake there could lose commits, so it is refused"
    )]
    NotConditional {
        /// Which one.
        url: String,
    },
}

/// The store at a location, rooted at the lake.
pub(crate) async fn open(location: &Location) -> Result<Arc<dyn ObjectStore>, LocationError> {
    match location {
        Location::Folder(folder) => {
            let failed = |source| LocationError::Folder { folder: folder.clone(), source };
            let opened = folder.clone();
            let store = tokio::task::spawn_blocking(move || DurableFolder::open(&opened))
                .await
                .map_err(|join| failed(std::io::Error::other(join)))?
                .map_err(failed)?;
            Ok(Arc::new(store))
        }
        Location::Bucket { url, options } => open_bucket(url, options).await,
        Location::Memory => Ok(Arc::new(InMemory::new())),
    }
}

/// The store at a location that exists, for looking only: nothing is made, removed or tried out.
pub(crate) async fn look(location: &Location) -> Result<Arc<dyn ObjectStore>, LocationError> {
    match location {
        Location::Folder(folder) => {
            let failed = |source| LocationError::Folder { folder: folder.clone(), source };
            Ok(Arc::new(DurableFolder::look(folder).map_err(failed)?))
        }
        Location::Bucket { url, options } => bucket(url, options),
        Location::Memory => Ok(Arc::new(InMemory::new())),
    }
}

/// Longest a request to a bucket may take; parts of a multipart upload are small.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Object that the start-up probe writes twice.
const PROBE: &str = "_whodid/create-if-absent";

async fn open_bucket(url: &str, options: &BTreeMap<String, String>) -> Result<Arc<dyn ObjectStore>, LocationError> {
    let store = bucket(url, options)?;
    probe(url, &store).await?;
    Ok(store)
}

fn bucket(url: &str, options: &BTreeMap<String, String>) -> Result<Arc<dyn ObjectStore>, LocationError> {
    let (bucket, prefix) = parse_bucket_url(url).ok_or(LocationError::Url)?;
    let failed = |source| LocationError::Bucket { url: url.to_owned(), source };

    let mut builder = AmazonS3Builder::new()
        .with_client_options(ClientOptions::new().with_timeout(REQUEST_TIMEOUT))
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch);
    for (name, value) in options {
        let key: AmazonS3ConfigKey =
            name.to_ascii_lowercase().parse().map_err(|_| LocationError::Option { name: name.clone() })?;
        if key == AmazonS3ConfigKey::Endpoint {
            let allows_http = options.iter().any(|(name, value)| {
                let is_it = name.parse().ok() == Some(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
                // As the store's own library reads it.
                is_it && matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
            });
            check_endpoint(value, allows_http)
                .map_err(|problem| LocationError::Value { name: name.clone(), problem })?;
        }
        builder = builder.with_config(key, value);
    }
    let retrying = builder.clone().build().map_err(failed)?;
    // A repeated conditional put whose first answer was lost meets its own object and reads as a foreign
    // writer's. So it is tried once, and the caller looks what became of it.
    let once = builder.with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() }).build().map_err(failed)?;
    let store = BucketStore { retrying: Arc::new(retrying), once: Arc::new(once) };
    Ok(if prefix.as_ref().is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) })
}

fn check_endpoint(endpoint: &str, allows_http: bool) -> Result<(), &'static str> {
    let url = Url::parse(endpoint).map_err(|_| "is no address; write it like https://s3.example.com:9000")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; give them as access_key_id and secret_access_key");
    }
    match url.scheme() {
        _ if url.host().is_none() => Err("names no host; write it like https://s3.example.com:9000"),
        "https" => Ok(()),
        "http" if allows_http => Ok(()),
        "http" => Err("is http://, which is refused unless allow_http is \"true\" too"),
        _ => Err("begins with neither https:// nor http://"),
    }
}

fn parse_bucket_url(url: &str) -> Option<(&str, Path)> {
    let (bucket, prefix) = url.strip_prefix("s3://")?.split_once('/').unwrap_or((url.strip_prefix("s3://")?, ""));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(is_name) || prefix.contains(['?', '#']) {
        return None;
    }
    Some((bucket, Path::parse(prefix.trim_end_matches('/')).ok()?))
}

/// Writes one object twice with «create if absent»: the second put must be refused.
async fn probe(url: &str, store: &Arc<dyn ObjectStore>) -> Result<(), LocationError> {
    let failed = |source| LocationError::Bucket { url: url.to_owned(), source };
    let path = Path::from(PROBE);
    let create = || store.put_opts(&path, PutPayload::from_static(b"whodid"), PutOptions::from(PutMode::Create));
    match create().await {
        // The object of an earlier start.
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
        Err(object_store::Error::NotImplemented { .. }) => {
            return Err(LocationError::NotConditional { url: url.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    }
    match create().await {
        Err(object_store::Error::AlreadyExists { .. }) => {}
        Ok(_) | Err(object_store::Error::NotImplemented { .. }) => {
            return Err(LocationError::NotConditional { url: url.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    }
    store.delete(&path).await.map_err(failed)
}

/// One bucket by two clients: conditional puts go to the one that never repeats a request.
#[derive(Debug, Clone)]
struct BucketStore {
    retrying: Arc<dyn ObjectStore>,
    once: Arc<dyn ObjectStore>,
}

impl std::fmt::Display for BucketStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.retrying.fmt(out)
    }
}

#[async_trait]
impl ObjectStore for BucketStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        let store = if matches!(opts.mode, PutMode::Overwrite) { &self.retrying } else { &self.once };
        store.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.retrying.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.retrying.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[std::ops::Range<u64>],
    ) -> object_store::Result<Vec<bytes::Bytes>> {
        self.retrying.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.retrying.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.retrying.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.retrying.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.retrying.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.once.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use super::*;

    #[test]
    fn a_bucket_address_has_a_bucket_and_perhaps_a_prefix() {
        assert_eq!(parse_bucket_url("s3://lake"), Some(("lake", Path::default())));
        assert_eq!(parse_bucket_url("s3://lake/"), Some(("lake", Path::default())));
        assert_eq!(parse_bucket_url("s3://lake/audit/eu/"), Some(("lake", Path::from("audit/eu"))));
        let bad = ["", "lake", "s3://", "s3:///prefix", "http://lake/x", "s3://key:secret@lake/x", "s3://lake/x?a=b#c"];
        for bad in bad {
            assert_eq!(parse_bucket_url(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn an_unknown_bucket_setting_is_named() {
        let options = BTreeMap::from([("colour".to_owned(), "red".to_owned())]);
        let error = open(&Location::Bucket { url: "s3://lake".to_owned(), options }).await.unwrap_err();
        assert_eq!(error.to_string(), "the bucket setting \"colour\" is not known");
    }

    #[test]
    fn an_endpoint_that_cannot_be_right_is_told_before_it_is_asked() {
        let check = |settings: &[(&str, &str)]| {
            let options = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let checked = Location::Bucket { url: "s3://lake/x".to_owned(), options }.check();
            checked.map_err(|error| error.to_string())
        };
        for (endpoint, problem) in [
            ("127.0.0.1:9000", "is no address"),
            ("localhost:9000", "names no host"),
            ("ftp://store", "begins with neither"),
            ("http://store:9000", "allow_http"),
            ("https://user:secret@store", "user name or password"),
        ] {
            let error = check(&[("endpoint", endpoint)]).unwrap_err();
            assert!(error.contains(problem) && error.contains("\"endpoint\"") && !error.contains("secret@"), "{error}");
        }
        let keys = [("access_key_id", "k"), ("secret_access_key", "s"), ("region", "eu-central-1")];
        check(&[&[("endpoint", "https://store")][..], &keys].concat()).unwrap();
        for yes in ["true", "True", "1", "yes"] {
            check(&[&[("endpoint", "http://store:9000"), ("allow_http", yes)][..], &keys].concat()).unwrap();
        }
    }
}
