//! An object store in a folder whose writes are on disk when they return.
//!
//! `object_store`'s own local store never syncs, so a power loss can leave an empty commit in a table's
//! log. Here each object is written under a temporary name, synced, put into place by a hard link (create)
//! or a rename (overwrite), and then the folder is synced, and every folder made for it. Reading is the
//! library's: it hides names that end in `#` and digits, which is how ours are called until they are done.
//! Listings are sorted, because the Delta log reader expects that of any store but `file://`.
//!
//! When a folder cannot be synced after its change became visible, nobody knows what a power loss would
//! leave. Then every later write and listing is refused, so that no commit is taken for done; reading
//! goes on until the process is started again.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use parking_lot::Mutex;

const STORE: &str = "DurableFolder";

/// See the module.
#[derive(Debug, Clone)]
pub struct DurableFolder {
    reader: LocalFileSystem,
    disk: Arc<Disk>,
}

impl DurableFolder {
    /// Opens `folder`, making it if needed, and removes what an earlier run left half-written.
    pub fn open(folder: &FilePath) -> io::Result<Self> {
        make_folder(folder)?;
        let root = folder.canonicalize()?;
        remove_leftovers(&root)?;
        let disk = Disk::new(root.clone());
        let reader = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(Self { reader, disk: Arc::new(disk) })
    }

    /// Opens a folder that exists and changes nothing: another process may be writing there.
    pub fn look(folder: &FilePath) -> io::Result<Self> {
        let root = folder.canonicalize()?;
        if !root.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        let reader = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(Self { reader, disk: Arc::new(Disk::new(root)) })
    }

    fn file_of(&self, location: &Path) -> Result<PathBuf> {
        self.reader.path_to_filesystem(location)
    }
}

impl std::fmt::Display for DurableFolder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Durable{}", self.reader)
    }
}

#[async_trait]
impl ObjectStore for DurableFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let place = match opts.mode {
            PutMode::Create => Place::Create,
            PutMode::Overwrite => Place::Overwrite,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented {
                    operation: "conditional update".into(),
                    implementer: STORE.into(),
                });
            }
        };
        let file = self.file_of(location)?;
        let disk = self.disk.clone();
        blocking(move || disk.write(&file, place, |staged| payload.iter().try_for_each(|part| staged.write_all(part))))
            .await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.file_of(location)?;
        let disk = self.disk.clone();
        let opened = target.clone();
        let (file, staged) = blocking({
            let disk = disk.clone();
            move || disk.stage(&opened).map_err(|error| failed(&opened, error))
        })
        .await?;
        Ok(Box::new(Upload { disk, target, staged: Some(staged), file: Arc::new(Mutex::new(file)), next: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reader.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.reader.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    let file = store.file_of(&location)?;
                    blocking(move || store.disk.remove(&file)).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.disk.clone(), self.reader.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.disk.clone(), self.reader.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.disk.check()?;
        let mut found = self.reader.list_with_delimiter(prefix).await?;
        found.objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Create => PutMode::Create,
            CopyMode::Overwrite => PutMode::Overwrite,
        };
        let bytes = self.get(from).await?.bytes().await?;
        self.put_opts(to, bytes.into(), PutOptions::from(mode)).await?;
        Ok(())
    }
}

fn sorted(disk: Arc<Disk>, listing: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    async move {
        disk.check()?;
        let mut objects: Vec<ObjectMeta> = listing.try_collect().await?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(futures::stream::iter(objects.into_iter().map(Ok)))
    }
    .into_stream()
    .try_flatten()
    .boxed()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(source) => Err(Error::JoinError { source }),
    }
}

fn failed(file: &FilePath, source: io::Error) -> Error {
    let path = file.display().to_string();
    match source.kind() {
        ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: source.into() },
        _ => Error::Generic { store: STORE, source: format!("{path}: {source}").into() },
    }
}

/// Whether an object may already be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Create,
    Overwrite,
}

/// The writing half: every change of the folder goes through here.
#[derive(Debug)]
struct Disk {
    root: PathBuf,
    /// Folders known to be on disk with all their parents. One that merely exists may have been made by a
    /// run that died before it synced the parent.
    settled_folders: Mutex<HashSet<PathBuf>>,
    /// Set when a folder could not be synced.
    in_doubt: AtomicBool,
    next_temporary: AtomicU64,
    #[cfg(test)]
    steps: Mutex<Vec<String>>,
}

impl Disk {
    fn new(root: PathBuf) -> Self {
        Self {
            settled_folders: Mutex::new(HashSet::from([root.clone()])),
            root,
            in_doubt: AtomicBool::new(false),
            next_temporary: AtomicU64::new(0),
            #[cfg(test)]
            steps: Mutex::default(),
        }
    }

    fn check(&self) -> Result<()> {
        if self.in_doubt.load(Ordering::Acquire) {
            let source = "a folder could not be synced; start again to find out what is on disk".into();
            return Err(Error::Generic { store: STORE, source });
        }
        Ok(())
    }

    /// Writes one object durably; on an error before it is in its place nothing is left behind.
    fn write(&self, target: &FilePath, place: Place, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        self.check()?;
        let (mut file, staged) = self.stage(target).map_err(|error| failed(target, error))?;
        let filled = fill(&mut file).and_then(|()| self.sync_file(&file, &staged));
        drop(file);
        if let Err(error) = filled {
            let _ = std::fs::remove_file(&staged);
            return Err(failed(target, error));
        }
        self.settle(&staged, target, place)
    }

    /// A new file under a temporary name beside `target`.
    fn stage(&self, target: &FilePath) -> io::Result<(File, PathBuf)> {
        if let Some(folder) = target.parent() {
            self.settle_folder(folder)?;
        }
        loop {
            let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
            let mut name = target.as_os_str().to_owned();
            name.push(format!("#{number}"));
            let staged = PathBuf::from(name);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&staged) {
                Ok(file) => {
                    self.step("stage", target);
                    return Ok((file, staged));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    if error.kind() == ErrorKind::NotFound {
                        // Somebody removed a folder by hand: the next write makes it again.
                        self.settled_folders.lock().retain(|folder| *folder == self.root);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Puts a synced file into its place and makes that durable.
    fn settle(&self, staged: &FilePath, target: &FilePath, place: Place) -> Result<()> {
        let placed = match place {
            Place::Create => std::fs::hard_link(staged, target),
            Place::Overwrite => std::fs::rename(staged, target),
        };
        if place == Place::Create || placed.is_err() {
            let _ = std::fs::remove_file(staged);
        }
        placed.map_err(|error| failed(target, error))?;
        self.step(if place == Place::Create { "link" } else { "rename" }, target);
        self.sync_parent(target)
    }

    fn remove(&self, file: &FilePath) -> Result<()> {
        self.check()?;
        std::fs::remove_file(file).map_err(|error| failed(file, error))?;
        self.step("remove", file);
        self.sync_parent(file)
    }

    /// Syncs the folder of a change that is already visible.
    fn sync_parent(&self, file: &FilePath) -> Result<()> {
        let Some(folder) = file.parent() else { return Ok(()) };
        self.sync_folder(folder).map_err(|error| {
            self.in_doubt.store(true, Ordering::Release);
            failed(folder, error)
        })
    }

    /// Makes a folder and its missing parents below the root, and syncs each into its parent.
    fn settle_folder(&self, folder: &FilePath) -> io::Result<()> {
        // Held throughout: nobody may write into a folder that another thread has made and not yet synced.
        let mut settled = self.settled_folders.lock();
        let mut unsettled: Vec<&FilePath> = Vec::new();
        let mut at = folder;
        while !settled.contains(at) {
            unsettled.push(at);
            at = at.parent().filter(|parent| parent.starts_with(&self.root)).ok_or(ErrorKind::InvalidInput)?;
        }
        for folder in unsettled.into_iter().rev() {
            match std::fs::create_dir(folder) {
                Ok(()) => self.step("folder", folder),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(error),
            }
            self.sync_folder(folder.parent().unwrap_or(&self.root))?;
            settled.insert(folder.to_owned());
        }
        Ok(())
    }

    fn sync_file(&self, file: &File, name: &FilePath) -> io::Result<()> {
        file.sync_all()?;
        self.step("sync", name);
        Ok(())
    }

    fn sync_folder(&self, folder: &FilePath) -> io::Result<()> {
        File::open(folder)?.sync_all()?;
        self.step("sync folder", folder);
        Ok(())
    }

    #[cfg(test)]
    fn step(&self, what: &str, file: &FilePath) {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.split('#').next().unwrap_or_default().to_owned();
        self.steps.lock().push(format!("{what} {name}"));
    }

    #[cfg(not(test))]
    fn step(&self, _what: &str, _file: &FilePath) {}
}

/// A multipart upload: parts go to their place in the temporary file.
#[derive(Debug)]
struct Upload {
    disk: Arc<Disk>,
    target: PathBuf,
    staged: Option<PathBuf>,
    file: Arc<Mutex<File>>,
    next: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let start = self.next;
        self.next += data.content_length() as u64;
        let (file, target) = (self.file.clone(), self.target.clone());
        blocking(move || {
            let mut file = file.lock();
            file.seek(SeekFrom::Start(start))
                .and_then(|_| data.iter().try_for_each(|part| file.write_all(part)))
                .map_err(|error| failed(&target, error))
        })
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let gone = || Error::Generic { store: STORE, source: "the upload was already ended".into() };
        let staged = self.staged.clone().ok_or_else(gone)?;
        let (disk, file, target) = (self.disk.clone(), self.file.clone(), self.target.clone());
        blocking(move || {
            disk.check()?;
            disk.sync_file(&file.lock(), &target).map_err(|error| failed(&target, error))?;
            disk.settle(&staged, &target, Place::Overwrite)
        })
        .await?;
        self.staged = None;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let Some(staged) = self.staged.take() else { return Ok(()) };
        blocking(move || std::fs::remove_file(&staged).map_err(|error| failed(&staged, error))).await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(staged) = self.staged.take() {
            let _ = std::fs::remove_file(staged);
        }
    }
}

/// Makes a folder and its missing parents. After it returns the folder is there even when power fails: it is
/// synced into its parent also when it was there already, because whoever made it may have died before that.
pub fn make_folder(folder: &FilePath) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(FilePath::new("."));
    if !folder.is_dir() {
        make_folder(parent)?;
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    match File::open(parent) {
        // A parent that may be entered and not listed, such as another user's home, cannot be synced by us.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        parent => parent?.sync_all(),
    }
}

/// Whether a file has a temporary name, which no object can have.
fn is_temporary(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn remove_leftovers(folder: &FilePath) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_leftovers(&entry.path())?;
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_temporary) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use super::*;

    fn open() -> (tempfile::TempDir, DurableFolder) {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableFolder::open(folder.path()).unwrap();
        store.disk.steps.lock().clear();
        (folder, store)
    }

    fn steps(store: &DurableFolder) -> Vec<String> {
        std::mem::take(&mut *store.disk.steps.lock())
    }

    async fn create(store: &DurableFolder, path: &str, text: &'static str) -> Result<PutResult> {
        store.put_opts(&Path::from(path), PutPayload::from_static(text.as_bytes()), PutMode::Create.into()).await
    }

    async fn text(store: &DurableFolder, path: &str) -> String {
        String::from_utf8(store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_created_object_is_synced_before_and_after_it_gets_its_name() {
        let (folder, store) = open();
        create(&store, "a/b/object", "text").await.unwrap();
        let root = format!("sync folder {}", folder.path().file_name().unwrap().to_string_lossy());
        assert_eq!(
            steps(&store),
            [
                "folder a",
                root.as_str(),
                "folder b",
                "sync folder a",
                "stage object",
                "sync object",
                "link object",
                "sync folder b"
            ]
        );
        assert_eq!(text(&store, "a/b/object").await, "text");
    }

    #[tokio::test]
    async fn an_overwritten_object_is_renamed_into_place() {
        let (_folder, store) = open();
        create(&store, "a/object", "old").await.unwrap();
        steps(&store);
        store.put(&Path::from("a/object"), PutPayload::from_static(b"new")).await.unwrap();
        assert_eq!(steps(&store), ["stage object", "sync object", "rename object", "sync folder a"]);
        assert_eq!(text(&store, "a/object").await, "new");
    }

    #[tokio::test]
    async fn create_succeeds_once_and_leaves_no_temporary_file() {
        let (folder, store) = open();
        create(&store, "object", "first").await.unwrap();
        let second = create(&store, "object", "second").await;
        assert!(matches!(second, Err(Error::AlreadyExists { .. })), "{second:?}");
        assert_eq!(text(&store, "object").await, "first");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["object"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_that_create_one_object_exactly_one_succeeds() {
        let (_folder, store) = open();
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { create(&store, "new/folder/object", "text").await.is_ok() })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            created += usize::from(task.await.unwrap());
        }
        assert_eq!(created, 1);
    }

    #[tokio::test]
    async fn a_multipart_object_appears_whole_and_synced() {
        let (_folder, store) = open();
        let path = Path::from("big");
        let mut upload = store.put_multipart(&path).await.unwrap();
        let second_later = upload.put_part(PutPayload::from_static(b"one "));
        upload.put_part(PutPayload::from_static(b"two")).await.unwrap();
        second_later.await.unwrap();
        assert!(store.head(&path).await.is_err(), "visible before it is complete");
        upload.complete().await.unwrap();
        assert_eq!(text(&store, "big").await, "one two");
        let steps = steps(&store);
        assert_eq!(steps[..3], ["stage big", "sync big", "rename big"]);
        assert!(steps[3].starts_with("sync folder"));
    }

    #[tokio::test]
    async fn half_written_objects_are_never_listed_and_go_at_the_next_open() {
        let (folder, store) = open();
        create(&store, "table/b", "x").await.unwrap();
        create(&store, "table/a", "x").await.unwrap();
        std::fs::write(folder.path().join("table/c#17"), "half").unwrap();
        let names = |store: &DurableFolder| {
            store.list(None).map_ok(|object| object.location.to_string()).try_collect::<Vec<_>>()
        };
        assert_eq!(names(&store).await.unwrap(), ["table/a", "table/b"]);
        let store = DurableFolder::open(folder.path()).unwrap();
        assert_eq!(names(&store).await.unwrap(), ["table/a", "table/b"]);
        assert!(!folder.path().join("table/c#17").exists());
    }

    #[tokio::test]
    async fn after_a_failed_folder_sync_nothing_is_written_or_listed_but_reading_goes_on() {
        let (_folder, store) = open();
        create(&store, "object", "text").await.unwrap();
        store.disk.in_doubt.store(true, Ordering::Release);
        assert!(create(&store, "other", "text").await.is_err());
        assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
        assert!(store.delete(&Path::from("object")).await.is_err());
        assert_eq!(text(&store, "object").await, "text");
    }

    #[tokio::test]
    async fn a_removed_object_is_removed_durably() {
        let (_folder, store) = open();
        create(&store, "a/object", "text").await.unwrap();
        steps(&store);
        store.delete(&Path::from("a/object")).await.unwrap();
        assert_eq!(steps(&store), ["remove object", "sync folder a"]);
        assert!(matches!(store.delete(&Path::from("a/object")).await, Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_look_removes_nothing_that_a_running_writer_has_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let staged = folder.path().join("part.parquet#1");
        std::fs::write(&staged, b"half").unwrap();
        DurableFolder::look(folder.path()).unwrap();
        assert!(staged.exists());
        DurableFolder::open(folder.path()).unwrap();
        assert!(!staged.exists());
        assert!(DurableFolder::look(&folder.path().join("missing")).is_err());
        assert!(!folder.path().join("missing").exists());
    }
}
