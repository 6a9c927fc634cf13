//! A tower layer: whoever gets past it has a token, which is an extension of the request from then on.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service};

use crate::keys::Keys;

#[derive(Clone)]
pub(crate) struct RequireToken {
    keys: Arc<Keys>,
}

impl RequireToken {
    pub(crate) fn new(keys: Arc<Keys>) -> Self {
        Self { keys }
    }
}

impl<S> Layer<S> for RequireToken {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, keys: Arc::clone(&self.keys) }
    }
}

#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    keys: Arc<Keys>,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // The service that was polled is the one that is ready.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let keys = Arc::clone(&self.keys);
        Box::pin(async move {
            let token = match bearer(request.headers()) {
                Some(token) => keys.verify(token).await,
                None => return Ok(challenge("Bearer", "A bearer token is needed.".to_owned())),
            };
            match token {
                Ok(token) => {
                    request.extensions_mut().insert(token);
                    inner.call(request).await
                }
                Err(error) => Ok(invalid_token(error.to_string())),
            }
        })
    }
}

/// RFC 6750 section 3.1.
pub(crate) fn invalid_token(problem: String) -> Response {
    challenge("Bearer error=\"invalid_token\"", problem)
}

fn challenge(value: &'static str, problem: String) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, value)], problem).into_response()
}

/// The token of the one `Authorization` header (RFC 6750 section 2.1). Two headers are none: who reads which is anybody's guess.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
