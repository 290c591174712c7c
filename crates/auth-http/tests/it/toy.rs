//! A small API that does nothing but show what the framework makes of requests.

mod guard;

use std::{sync::Arc, time::Duration};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::{BoxBody, to_bytes},
    dev::{Payload, Service, ServiceFactory, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::header::HeaderMap,
    test::{TestRequest, init_service},
    web::{Bytes, Data, Json},
};
use async_trait::async_trait;
use auth_domain::{
    api_key::{ApiKey, Scope},
    port::{Mailbox, MockMailbox, StoreError},
    tenant::TenantId,
    token::TokenRejected,
    usecase::{ApiKeyRefused, BearerError, Caller, Identity, Policy},
    user::{Email, FullName, NewPassword, Role, Roles, User},
};
use auth_http::{
    Api, Drain, Gate, Health, HttpSettings, Limit, Metrics, Operation, Problem,
    api_key::ApiKeys,
    bearer::Bearer,
    body::{BodyKind, Fields, FromBody, Input, NoBody, Refused},
    extract::{Open, Perhaps, Signed},
    operation::InputDoc,
    settings::{Providers, Quotas},
};
use auth_testkit::{
    builder,
    fake::{ExactLimiter, FakeClock, SeededEntropy, TestEngine},
};
use futures_util::Stream;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::guard::StoreIsDown;
pub(crate) use self::guard::{ToyAdmission, ToyCsrf};
use crate::{cookies, credentials, keyed};

use crate::{
    health::ToyPart,
    metrics::{ToyBacklog, ToyPool, toy_parts},
};

/// A body with a field of each kind.
#[derive(ToSchema)]
pub(crate) struct Everything {
    #[schema(value_type = String, format = "email")]
    email: Email,
    #[expect(dead_code, reason = "that it was read is what counts")]
    #[schema(value_type = String, format = "password")]
    password: NewPassword,
    #[schema(value_type = Option<String>)]
    full_name: Option<FullName>,
    flag: bool,
}

impl FromBody for Everything {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let email = fields.email("email");
        let password = fields.new_password("password");
        let full_name = fields.full_name("full_name");
        let flag = fields.flag("flag", false);
        Ok(Self { email: email?, password: password?, full_name: full_name?, flag: flag? })
    }
}

/// A body that may be left out.
#[derive(ToSchema)]
pub(crate) struct Optional {
    pub(crate) word: Option<String>,
}

impl FromBody for Optional {
    const KIND: BodyKind = BodyKind::OptionalModel;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self { word: fields.optional_text("word")? })
    }
}

/// Any object.
#[derive(ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct Free(Map<String, Value>);

impl FromBody for Free {
    const KIND: BodyKind = BodyKind::Free;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        Ok(Self(fields.take_object()))
    }
}

/// A token that is read and nothing else.
#[derive(ToSchema)]
pub(crate) struct Secret;

impl FromBody for Secret {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        fields.secret("token").map(|_| Self)
    }
}

/// Parameters of path and query.
pub(crate) struct Parameters {
    thing: i64,
    page: Option<String>,
}

impl Input for Parameters {
    const BODY: BodyKind = BodyKind::Ignored;

    fn read(fields: &mut Fields<'_>) -> Result<Self, Refused> {
        let thing = fields.path_integer("thing_id");
        let page = fields.query("page");
        Ok(Self { thing: thing?, page: page? })
    }

    fn describe(doc: &mut InputDoc) {
        doc.path_integer("thing_id", "The thing");
        doc.query::<String>("page", false, "The page");
    }
}

async fn everything(request: Open<Everything>) -> Json<Value> {
    let body = request.body;
    let name = body.full_name.as_ref().map(FullName::as_str);
    Json(json!({ "email": body.email.as_str(), "full_name": name, "flag": body.flag }))
}

async fn signed(request: Signed<Everything>) -> Json<Value> {
    Json(json!({ "caller": request.caller.user.id.as_i64(), "email": request.body.email.as_str() }))
}

async fn me(request: Signed<NoBody>) -> Json<Value> {
    Json(json!({ "caller": request.caller.user.id.as_i64() }))
}

async fn perhaps(request: Perhaps<Optional>) -> Json<Value> {
    let who = match request.identity {
        None => "nobody",
        Some(Ok(_)) => "somebody",
        Some(Err(_)) => "refused",
    };
    let refresh = request.refresh_cookie.as_ref().map(ExposeSecret::expose_secret);
    let mut seen = json!({ "who": who, "word": request.body.word });
    if let Some(refresh) = refresh {
        seen["refresh"] = json!(refresh);
    }
    Json(seen)
}

async fn free(request: Open<Free>) -> Json<Value> {
    Json(Value::Object(request.body.0))
}

async fn secret(_: Open<Secret>) -> Json<Value> {
    Json(json!({}))
}

async fn things(request: Open<Parameters>) -> Json<Value> {
    Json(json!({ "thing": request.body.thing, "page": request.body.page }))
}

async fn who(request: Open<NoBody>) -> Json<Value> {
    let client = request.context.client;
    Json(json!({
        "tenant": request.context.tenant.as_str(),
        "ip": client.ip,
        "user_agent": client.user_agent.map(|agent| agent.to_string()),
        "request_id": client.request_id,
    }))
}

async fn panics(_: HttpRequest) -> HttpResponse {
    panic!("the toy panics on purpose")
}

async fn slow(_: HttpRequest) -> HttpResponse {
    std::future::pending().await
}

async fn refuses(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::account_locked(Duration::from_secs(30)))
}

async fn store_down(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(StoreError::Unavailable("secret-host:5432 refused".into()).into())
}

async fn store_broken(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(StoreError::Internal("no such column: hunter2".into()).into())
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/toy/everything", everything)
            .limit(Limit::General)
            .tag("toy")
            .summary("Reads a field of each kind")
            .answers_any(200, "What was read")
            .refuses(409, "Never"),
        Operation::post("/toy/signed", signed).limit(Limit::Login).answers_any(200, "Who called"),
        Operation::get("/toy/me", me).answers_any(200, "Who called"),
        Operation::delete("/toy/me", me).answers_any(200, "Who called"),
        Operation::post("/toy/perhaps", perhaps).answers_any(200, "Who called"),
        Operation::post("/toy/free", free).answers_any(200, "The same"),
        Operation::post("/toy/secret", secret).answers_any(200, "Nothing"),
        Operation::get("/toy/things/{thing_id}", things).answers_any(200, "The thing"),
        Operation::get("/toy/who", who).limit(Limit::PasswordReset).answers_any(200, "The context"),
        Operation::get("/toy/panic", panics).limit(Limit::Exempt),
        Operation::get("/toy/slow", slow).limit(Limit::Exempt),
        Operation::get("/toy/refuses", refuses).limit(Limit::Exempt).refuses(423, "Always"),
        Operation::get("/toy/store-down", store_down).limit(Limit::Exempt),
        Operation::get("/toy/store-broken", store_broken).limit(Limit::Exempt),
    ]
}

/// Knows a few tokens by name.
struct ToyBearer;

#[async_trait]
impl Bearer for ToyBearer {
    async fn authenticate(&self, token: &str, tenant: &TenantId) -> Result<Caller, BearerError> {
        let mut user = builder::user(7, builder::noon());
        user.roles = match token {
            "plain" => Roles::default(),
            "admin" => Roles::default().with(Role::ApplicationAdmin),
            _ => Roles::default().with(Role::Superuser),
        };
        match token {
            "good" if user.tenant != *tenant => Err(BearerError::WrongTenant),
            "good" | "plain" | "admin" => {
                Ok(Caller { session: Some(builder::session(1, &user, builder::noon())), user })
            }
            // Of a service that shares the secret and keeps no sessions here.
            "sister" => Ok(Caller { session: None, user }),
            "refresh" => Err(BearerError::Rejected(TokenRejected::WrongType)),
            "nobody" => Err(BearerError::Rejected(TokenRejected::NoSubject)),
            "gone" => Err(BearerError::UserNotFound),
            "ended" => Err(BearerError::SessionEnded),
            "down" => Err(BearerError::Fault(StoreError::Unavailable("down".into()).into())),
            _ => Err(BearerError::Rejected(TokenRejected::Malformed)),
        }
    }

    async fn identify(&self, token: &str, tenant: &TenantId) -> Result<Identity, BearerError> {
        let caller = self.authenticate(token, tenant).await?;
        let claims = auth_domain::token::AccessClaims {
            subject: caller.user.id,
            tenant: tenant.clone(),
            session: caller.session.as_ref().map(|session| session.id),
            id: None,
            issued_at: None,
            expires_at: builder::noon(),
            authenticated_at: None,
            methods: Vec::new(),
        };
        Ok(Identity { claims, user: Some(caller.user), session: caller.session })
    }
}

/// Knows a few keys by name.
struct ToyKeys;

#[async_trait]
impl ApiKeys for ToyKeys {
    async fn person(&self, text: &str, _: &TenantId, scope: Scope) -> Result<(ApiKey, User), ApiKeyRefused> {
        let user = builder::user(7, builder::noon());
        let key = builder::personal_key(1, user.id, builder::noon());
        match text {
            "ak_good" if key.scopes.allow(scope) => Ok((key, user)),
            "ak_good" | "ak_service" => Err(ApiKeyRefused::OutOfScope(scope)),
            "ak_old" => Err(ApiKeyRefused::Expired),
            _ => Err(ApiKeyRefused::Unknown),
        }
    }

    async fn service(&self, text: &str, _: &TenantId, scope: Scope) -> Result<ApiKey, ApiKeyRefused> {
        let key = builder::service_key(2, builder::noon());
        match text {
            "ak_service" if key.scopes.allow(scope) => Ok(key),
            "ak_good" | "ak_service" => Err(ApiKeyRefused::OutOfScope(scope)),
            _ => Err(ApiKeyRefused::Unknown),
        }
    }
}

/// The toy API and what is behind it.
pub(crate) struct Toy {
    pub(crate) api: Api,
    pub(crate) csrf: ToyCsrf,
    pub(crate) admission: ToyAdmission,
    pub(crate) limiter: ExactLimiter,
    pub(crate) drain: Drain,
    pub(crate) clock: FakeClock,
    pub(crate) backlog: Arc<ToyBacklog>,
    pub(crate) store: Arc<ToyPart>,
    pub(crate) redis: Arc<ToyPart>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) closes: bool,
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The toy with settings changed: short deadlines are set already.
    pub(crate) fn with(change: impl FnOnce(&mut HttpSettings)) -> Self {
        Self::serving(change, |settings| {
            let real = auth_http::operations(settings).into_iter();
            let metrics = real.filter(|operation| operation.path() == "/metrics");
            operations()
                .into_iter()
                .chain(credentials::operations())
                .chain(cookies::operations())
                .chain(keyed::operations())
                .chain(metrics)
                .collect()
        })
    }

    /// The server's own table behind the toy's gate, with everything in it that there can be. No limit gets
    /// in the way, and the engine's store is down.
    pub(crate) fn whole_server(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let everything = |settings: &mut HttpSettings| {
            settings.expose_mailbox = true;
            settings.providers = Providers::Both;
            settings.quotas = Quotas::per_minute(100_000, 100_000, 100_000);
            settings.request_deadline = Duration::from_secs(5);
            change(settings);
        };
        Self::serving(everything, auth_http::operations)
    }

    pub(crate) fn serving(
        change: impl FnOnce(&mut HttpSettings),
        table: impl FnOnce(&HttpSettings) -> Vec<Operation>,
    ) -> Self {
        let mut settings = HttpSettings {
            tenants: ["default", "web"].map(|name| TenantId::parse(name).unwrap()).into(),
            body_deadline: Duration::from_millis(20),
            request_deadline: Duration::from_millis(100),
            ..HttpSettings::default()
        };
        change(&mut settings);
        let (limiter, drain, csrf) = (ExactLimiter::default(), Drain::default(), ToyCsrf::default());
        let admission = ToyAdmission::default();
        let (clock, backlog) = (FakeClock::at(builder::noon()), Arc::new(ToyBacklog::default()));
        let (store, redis) = (Arc::new(ToyPart::default()), Arc::new(ToyPart::default()));
        let gate = Gate {
            settings,
            bearer: Arc::new(ToyBearer),
            api_keys: Arc::new(ToyKeys),
            admission: Arc::new(admission.clone()),
            csrf: Arc::new(csrf.clone()),
            limiter: Arc::new(limiter.clone()),
            health: Health::new(store.clone(), Some(redis.clone()), Arc::new(clock.clone())),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::default()),
            drain: drain.clone(),
            tracer: None,
            metrics: Arc::new(
                Metrics::new(backlog.clone(), Arc::new(clock.clone()), "1.2.3")
                    .with_hashing(Arc::new(ToyPool))
                    .with_pools(Arc::new(ToyPool))
                    .with_disk(Arc::new(ToyPool))
                    .with_audit(backlog.clone())
                    .with_parts(&toy_parts()),
            ),
        };
        let table = table(&gate.settings);
        let api = Api::new(gate, table);
        Self { api, csrf, admission, limiter, drain, clock, backlog, store, redis }
    }

    /// Sends one request.
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let service = init_service(services(&self.api)).await;
        read(service.call(request.to_request()).await.expect("the shell answers every request")).await
    }

    /// Sends one request whose body arrives as `chunks` do.
    pub(crate) async fn send_stream(
        &self,
        request: TestRequest,
        chunks: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    ) -> Answer {
        let service = init_service(services(&self.api)).await;
        let mut request = request.to_request();
        *request.payload() = Payload::Stream { payload: Box::pin(chunks) };
        read(service.call(request).await.expect("the shell answers every request")).await
    }
}

/// The application of one worker, with what the server's own operations want.
pub(crate) fn services(
    api: &Api,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let mut mailbox = MockMailbox::new();
    mailbox.expect_list().returning(|_| Ok(Vec::new()));
    mailbox.expect_clear().returning(|| Ok(()));
    let mailbox: Arc<dyn Mailbox> = Arc::new(mailbox);
    let engine = TestEngine::new(Arc::new(StoreIsDown), Policy::default()).engine;
    api.app().app_data(Data::new(engine)).app_data(Data::from(mailbox))
}

async fn read(response: ServiceResponse) -> Answer {
    let closes = response.response().head().connection_type() == actix_web::http::ConnectionType::Close;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap();
    // Compressed files are no text; nobody reads those here.
    Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), closes }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn detail(&self) -> Value {
        self.json()["detail"].clone()
    }
}

/// A body that every field of [`Everything`] likes.
pub(crate) fn good() -> Value {
    json!({ "email": "Ada@Example.com", "password": "Vq7#mLw2x" })
}

pub(crate) fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub(crate) fn post(path: &str) -> TestRequest {
    TestRequest::post().uri(path)
}
