//! The web pages that the binary serves: the directories that it was given, else a page of its own.
//!
//! This is for a demo, a first look and small deployments. It neither compresses nor fingerprints;
//! every answer must be revalidated, so that an edited page shows at the next reload.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// What `/` shows when no directory of pages was given: how to connect, and who is in `room:lobby`.
/// It needs no other file, so that the binary works alone.
const LANDING_PAGE: &str = include_str!("landing.html");

/// Serves `client` at `/herenow/` and `www`, or the page of its own, at `/`.
pub(crate) fn pages(www: Option<PathBuf>, client: Option<PathBuf>) -> BoxedFilter<(Response,)> {
    let www = www.map_or_else(landing_page, directory);
    match client {
        Some(client) => warp::path("herenow")
            .and(directory(client))
            .or(www)
            .unify()
            .boxed(),
        None => www,
    }
}

fn landing_page() -> BoxedFilter<(Response,)> {
    warp::path::end()
        .and(warp::get().or(warp::head()).unify())
        .map(|| with_headers(LANDING_PAGE.into_response(), Path::new("landing.html")))
        .boxed()
}

fn directory(directory: PathBuf) -> BoxedFilter<(Response,)> {
    warp::fs::dir(directory)
        .map(|file: warp::fs::File| {
            let path = file.path().to_owned();
            with_headers(file.into_response(), &path)
        })
        .boxed()
}

fn with_headers(mut response: Response, path: &Path) -> Response {
    let has_body = response.status() != StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(content_type) = content_type(path).filter(|_| has_body) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// The types that browsers are strict about (modules and wasm do not load under another) or that the
/// usual table gets wrong (`.ts` is a video there). `None` leaves what that table says.
fn content_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension().and_then(OsStr::to_str)? {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ts" | "md" | "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        _ => return None,
    })
}
