//! `GET /openapi.json` and `GET /docs`: the document, and a page to try it with.
//!
//! The page works without a network: Swagger UI is inside the binary. Nothing on it is inline, so the
//! page's policy allows scripts and styles from this server only.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentEncoding},
    },
    web::{self, Bytes, Data},
};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::{
    openapi,
    operation::{Limit, Operation},
    problem::Problem,
    settings::HttpSettings,
};

/// What the pages are made of.
pub(crate) struct Docs {
    operations: Arc<[Operation]>,
    settings: HttpSettings,
    /// Made when somebody asks for it: most servers are never asked, and it takes 12 MiB to make.
    document: OnceLock<Bytes>,
    page: String,
    files: Arc<Config<'static>>,
}

/// The page's own script: everything else is Swagger UI's.
const START: &str = r##"window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
"##;

/// Everything from this server, nothing inline; `data:` for the icons in Swagger UI's style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";

const DOCUMENT_CACHE: &str = "public, max-age=300";
const FILE_CACHE: &str = "public, max-age=3600";

impl Docs {
    pub(crate) fn new(operations: Arc<[Operation]>, settings: &HttpSettings) -> Self {
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{} API</title>\n\
             <link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">\n\
             <link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">\n\
             </head>\n<body>\n<div id=\"swagger-ui\"></div>\n\
             <script src=\"/docs/swagger-ui-bundle.js\"></script>\n\
             <script src=\"/docs/start.js\"></script>\n</body>\n</html>\n",
            crate::page::escaped(&settings.branding)
        );
        let files = Arc::new(Config::from("/openapi.json"));
        Self { operations, settings: settings.clone(), document: OnceLock::new(), page, files }
    }

    fn document(&self) -> Result<Bytes, serde_json::Error> {
        if let Some(document) = self.document.get() {
            return Ok(document.clone());
        }
        let text = openapi::document(&self.settings, &self.operations).to_json()?;
        Ok(self.document.get_or_init(|| Bytes::from(text)).clone())
    }
}

/// The operations that show the document.
pub(crate) fn operations() -> [Operation; 3] {
    [
        Operation::get("/openapi.json", openapi_json)
            .tag("service")
            .summary("This document")
            .limit(Limit::Exempt)
            .answers_any(200, "The OpenAPI document"),
        Operation::get("/docs", page).hidden().limit(Limit::Exempt),
        Operation::get("/docs/{file}", file).hidden().limit(Limit::Exempt),
    ]
}

async fn openapi_json(docs: Data<Docs>) -> Result<HttpResponse, Problem> {
    let broken = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(error, "the document cannot be written");
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    };
    // It takes tens of milliseconds at first.
    let document = web::block(move || docs.document()).await.map_err(|error| broken(&error))?;
    let document = document.map_err(|error| broken(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, DOCUMENT_CACHE))
        .body(document))
}

async fn page(docs: Data<Docs>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(docs.page.clone())
}

async fn file(request: HttpRequest, docs: Data<Docs>) -> Result<HttpResponse, Problem> {
    let name = request.match_info().get("file").unwrap_or_default();
    if name == "start.js" {
        let script = HttpResponse::Ok()
            .content_type("text/javascript; charset=utf-8")
            .insert_header((CACHE_CONTROL, FILE_CACHE))
            .body(START);
        return Ok(script);
    }
    // Only what the page asks for: Swagger UI ships an OAuth page and a start script besides.
    if !matches!(name, "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png") {
        return Err(Problem::not_found());
    }
    match utoipa_swagger_ui::serve(name, Arc::clone(&docs.files)) {
        Ok(Some(found)) => Ok(asset(found)),
        _ => Err(Problem::not_found()),
    }
}

/// The files lie in the binary compressed, and every browser takes them so.
fn asset(file: SwaggerFile<'_>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from(bytes.to_vec()),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    response.content_type(file.content_type).insert_header((CACHE_CONTROL, FILE_CACHE)).body(bytes)
}
