//! An axum server whose requests need a token, with keys that are refreshed while it runs. The README says how to start it.

mod keys;
mod layer;

use std::borrow::Cow;
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokenward::{Token, Verifier};
use tokio::net::TcpListener;

use keys::Keys;
use layer::{RequireToken, invalid_token};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (url, issuer, audience) = (text("JWKS_URL")?, text("ISSUER")?, text("AUDIENCE")?);
    let cool_down = seconds("KEY_COOL_DOWN_SECONDS", 30)?;
    let every = seconds("KEY_REFRESH_SECONDS", 300)?.max(Duration::from_secs(1));
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;

    let keys = Keys::fetch(&url, cool_down, |keys| {
        Verifier::builder(keys, issuer, audience).clock_tolerance(Duration::from_secs(5)).build()
    });
    let keys = Arc::new(keys.await?);
    let refreshed = Arc::clone(&keys);
    tokio::spawn(async move { refreshed.keep_fresh(every).await });

    // What is added after the layer needs no token.
    let app =
        Router::new().route("/me", get(me)).layer(RequireToken::new(keys)).route("/health", get(|| async { "ok" }));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Claims<'t> {
    #[serde(borrow)]
    sub: Cow<'t, str>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Serialize)]
struct Me<'t> {
    hello: Cow<'t, str>,
    roles: Vec<String>,
}

async fn me(Extension(token): Extension<Token>) -> Response {
    match token.claims::<Claims>() {
        Ok(Claims { sub, roles }) => Json(Me { hello: sub, roles }).into_response(),
        Err(error) => invalid_token(error.to_string()),
    }
}

fn text(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("set {name}: JWKS_URL, ISSUER and AUDIENCE are needed"))
}

fn seconds(name: &str, default: u64) -> Result<Duration, String> {
    let Ok(text) = env::var(name) else {
        return Ok(Duration::from_secs(default));
    };
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(format!("{name} is {text:?}; it should be a whole number of seconds")),
    }
}
