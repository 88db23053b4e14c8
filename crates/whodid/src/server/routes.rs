//! Every route. The list is one: the router is built from it, and a test holds it against the
//! OpenAPI document.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use whodid_api::Code;

use super::failure::Failure;
use super::{App, export, guard, ingest, keys, rejects, search, sessions, system, tail, ui};

macro_rules! routes {
    ($( $method:ident $path:literal $handler:path; )*) => {
        /// Method and path of every route.
        #[cfg(test)]
        const ROUTES: &[(&str, &str)] = &[ $( (stringify!($method), $path) ),* ];

        fn api() -> Router<Arc<App>> {
            Router::new() $( .route($path, $method($handler)) )*
        }
    };
}

routes! {
    post "/api/v1/events" ingest::send;
    get "/api/v1/events" search::list;
    get "/api/v1/events/count" search::count;
    get "/api/v1/events/histogram" search::histogram;
    get "/api/v1/events/top" search::top;
    get "/api/v1/events/facets" search::facets;
    get "/api/v1/events/fields" search::fields;
    get "/api/v1/events/tail" tail::follow;
    get "/api/v1/events/{id}" search::get;
    get "/api/v1/events/{id}/around" search::around;
    get "/api/v1/rejects" rejects::list;
    get "/api/v1/rejects/summary" rejects::summary;
    get "/api/v1/export" export::stream;
    post "/api/v1/sql" search::sql;
    get "/api/v1/query/check" search::check;
    get "/api/v1/keys" keys::list;
    post "/api/v1/keys" keys::create;
    delete "/api/v1/keys/{id}" keys::revoke;
    get "/sign-in" sessions::follow_link;
    post "/api/v1/sessions" sessions::sign_in;
    delete "/api/v1/sessions/current" sessions::sign_out;
    get "/api/v1/me" sessions::me;
    get "/api/v1/status" system::status;
    get "/health/live" system::live;
    get "/health/ready" system::ready;
    get "/metrics" system::metrics;
    get "/openapi.json" system::openapi;
}

/// All routes with what stands around them.
pub fn router(app: Arc<App>) -> Router {
    // Live events must not wait in a compressor's buffer.
    let compressed = DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"));
    api()
        .fallback(ui::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::around))
        .with_state(app)
}

async fn method_not_allowed() -> Failure {
    Failure::new(
        Code::MethodNotAllowed,
        "the route exists, but not with this method; /openapi.json lists what there is",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::ROUTES;

    #[test]
    fn the_document_describes_exactly_the_routes_there_are() {
        let document: serde_json::Value = serde_json::from_str(&whodid_api::document_json()).unwrap();
        let mut described = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            described.extend(methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
        }
        let mut served: Vec<_> =
            ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        described.sort();
        served.sort();
        assert_eq!(served, described);
    }
}
