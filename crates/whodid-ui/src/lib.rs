//! The built pages of `web/`, embedded in the binary.
//!
//! The build script runs npm; see `build.rs`. Built with `WHODID_UI=skip` there are no pages, and
//! every page's address answers with one that says so. This crate knows nothing of HTTP but the
//! names of content types: the server decides about status and headers.

use std::borrow::Cow;

/// A file to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The file's bytes.
    pub bytes: Cow<'static, [u8]>,
    /// The same in gzip, where that is worth it; the etag holds for both.
    pub gzip: Option<&'static [u8]>,
    /// For `content-type`.
    pub content_type: &'static str,
    /// For `etag`, with its quotes.
    pub etag: &'static str,
    /// The name holds the content's hash, so the file may be kept forever under it.
    pub immutable: bool,
}

struct File {
    path: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
    etag: &'static str,
}

/// Sorted by path.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/table.rs"));

const PAGE: &str = "index.html";

const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>whodid</title>\n\
<h1>The pages were not built</h1>\n\
<p>This whodid was compiled with <code>WHODID_UI=skip</code>. The HTTP API and the command line work as ever.</p>\n\
<p>To have the pages, install Node 20.19 or later and build again without that variable: <code>cargo build</code></p>\n</html>\n";

/// Whether the pages are in this binary.
pub fn is_built() -> bool {
    !FILES.is_empty()
}

/// The file for a request's path, or `None` when there is none and the answer is 404.
///
/// `path`: as in the request, decoded, with or without the leading `/`. The UI routes by itself, so
/// a path whose last part has no extension is answered with the page.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.trim_start_matches('/');
    if let Ok(at) = FILES.binary_search_by(|file| file.path.cmp(path)) {
        return Some(made(&FILES[at]));
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains('.') {
        return None;
    }
    Some(page())
}

/// The page in which the UI starts.
pub fn page() -> Asset {
    match FILES.binary_search_by(|file| file.path.cmp(PAGE)) {
        Ok(at) => made(&FILES[at]),
        Err(_) => Asset {
            bytes: Cow::Borrowed(NOT_BUILT.as_bytes()),
            gzip: None,
            content_type: content_type(PAGE),
            etag: "\"not-built\"",
            immutable: false,
        },
    }
}

fn made(file: &File) -> Asset {
    Asset {
        bytes: Cow::Borrowed(file.bytes),
        gzip: file.gzip,
        content_type: content_type(file.path),
        etag: file.etag,
        // Vite puts what it names by content into this folder, and nothing else.
        immutable: file.path.starts_with("assets/"),
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_are_sorted_and_stand_once() {
        assert!(FILES.windows(2).all(|pair| pair[0].path < pair[1].path));
    }

    #[test]
    fn every_page_of_the_ui_is_the_one_page() {
        for path in ["", "/", "/activity", "activity", "/rejects", "/index.html"] {
            let asset = asset(path).unwrap();
            assert_eq!(asset.content_type, "text/html; charset=utf-8", "{path}");
            assert!(!asset.immutable, "{path}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_none() {
        assert_eq!(asset("/assets/no-such.js"), None);
        assert_eq!(asset("/favicon.ico"), None);
    }

    #[test]
    fn built_pages_name_files_that_are_there() {
        if !is_built() {
            assert!(String::from_utf8_lossy(&page().bytes).contains("WHODID_UI=skip"));
            return;
        }
        let html = String::from_utf8(page().bytes.into_owned()).unwrap();
        let named: Vec<&str> = html.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(!named.is_empty());
        for path in named {
            let asset = asset(path).unwrap();
            assert!(asset.immutable, "{path}");
            assert!(asset.gzip.is_none_or(|gzip| gzip.len() < asset.bytes.len()), "{path}");
        }
    }

    #[test]
    fn the_page_holds_no_inline_script_or_style() {
        let html = String::from_utf8(page().bytes.into_owned()).unwrap();
        assert!(!html.contains("<style") && !html.contains(" style="), "{html}");
        assert!(
            html.match_indices("<script")
                .all(|(at, _)| html[at..].split('>').next().is_some_and(|tag| tag.contains("src=")))
        );
    }
}
