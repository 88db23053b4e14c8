//! A store that fails on purpose: before it does what was asked, or after it has done it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which objects a planned fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Data,
    Commit,
    Checkpoint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Before,
    /// It is done; the answer is lost.
    After,
}

#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
pub struct Plan {
    /// The next writes of a kind that fail.
    pub planned: Vec<(Kind, Fault)>,
    /// Every operation fails with this probability.
    pub chance: f64,
    pub random: ChaCha8Rng,
    pub met: usize,
    /// After a planned fault every read fails, as when the network is gone.
    pub is_cut_off_by_faults: bool,
    /// Every read fails.
    pub is_cut_off: bool,
}

impl FaultyStore {
    pub fn over(inner: Arc<dyn ObjectStore>) -> (Arc<dyn ObjectStore>, Arc<Mutex<Plan>>) {
        let plan = Plan {
            planned: Vec::new(),
            chance: 0.0,
            random: ChaCha8Rng::seed_from_u64(1),
            met: 0,
            is_cut_off_by_faults: false,
            is_cut_off: false,
        };
        let plan = Arc::new(Mutex::new(plan));
        (Arc::new(Self { inner, plan: plan.clone() }), plan)
    }

    fn write_fault(&self, path: &Path) -> Option<Fault> {
        let mut plan = self.plan.lock();
        let kind = kind_of(path);
        if let Some(place) = plan.planned.iter().position(|(planned, _)| Some(*planned) == kind) {
            plan.met += 1;
            plan.is_cut_off = plan.is_cut_off_by_faults;
            return Some(plan.planned.remove(place).1);
        }
        let chance = plan.chance;
        if chance > 0.0 && plan.random.random_bool(chance) {
            plan.met += 1;
            return Some(if plan.random.random_bool(0.5) { Fault::Before } else { Fault::After });
        }
        None
    }

    fn read_fault(&self) -> Result<()> {
        let mut plan = self.plan.lock();
        if plan.is_cut_off {
            return Err(lost());
        }
        // A read of the log is dozens of requests.
        let chance = plan.chance / 20.0;
        if chance > 0.0 && plan.random.random_bool(chance) { Err(lost()) } else { Ok(()) }
    }
}

fn kind_of(path: &Path) -> Option<Kind> {
    let text = path.as_ref();
    if text.contains("_delta_log") {
        return if text.contains("checkpoint") { Some(Kind::Checkpoint) } else { Some(Kind::Commit) };
    }
    text.ends_with(".parquet").then_some(Kind::Data)
}

fn lost() -> Error {
    Error::Generic { store: "FaultyStore", source: "the connection was lost".into() }
}

impl std::fmt::Display for FaultyStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match self.write_fault(location) {
            Some(Fault::Before) => Err(lost()),
            Some(Fault::After) => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(lost())
            }
            None => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.write_fault(location);
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload { upload, fault }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read_fault()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.read_fault() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        // InMemory lists in no promised order; the wrapped stores do.
        let inner = self.inner.clone();
        match self.read_fault() {
            Ok(()) => {
                let listing = inner.list_with_offset(prefix, offset);
                futures::stream::once(async move {
                    let mut objects: Vec<ObjectMeta> = listing.try_collect().await?;
                    objects.sort_by(|a, b| a.location.cmp(&b.location));
                    Ok::<_, Error>(futures::stream::iter(objects.into_iter().map(Ok)))
                })
                .try_flatten()
                .boxed()
            }
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    fault: Option<Fault>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.fault {
            Some(Fault::Before) => Err(lost()),
            Some(Fault::After) => {
                self.upload.complete().await?;
                Err(lost())
            }
            None => self.upload.complete().await,
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
