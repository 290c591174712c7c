//! The HTTP face: routes, validation, errors, OpenAPI, on actix-web.
