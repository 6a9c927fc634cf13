//! The provider's keys, refreshed while tokens are verified.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tokenward::{ConfigError, JwkSet, Token, UnixTime, Verifier};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

/// Real key sets have a few kilobytes.
const MAX_BYTES: usize = 512 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

type Problem = Box<dyn Error + Send + Sync>;

/// A verifier whose keys are those that an address answers with.
pub(crate) struct Keys {
    /// Replaced whole: a request reads it without waiting for anybody.
    verifier: ArcSwap<Verifier>,
    source: Source,
    /// Nobody fetches sooner than this after the last fetch, whatever tokens name.
    cool_down: Duration,
    /// Who holds it fetches. The time is that of the last fetch.
    fetching: Mutex<Instant>,
}

impl Keys {
    /// Fetches the first keys and makes a verifier of them.
    pub(crate) async fn fetch(
        url: &str,
        cool_down: Duration,
        build: impl FnOnce(JwkSet) -> Result<Verifier, ConfigError>,
    ) -> Result<Self, Problem> {
        let client = Client::builder().redirect(Policy::none()).build()?;
        let source = Source { client, url: Url::parse(url)? };
        let verifier = build(source.fetch().await?)?;
        Ok(Self { verifier: ArcSwap::from_pointee(verifier), source, cool_down, fetching: Mutex::new(Instant::now()) })
    }

    /// Verifies a token. If its key is not known, the keys may be fetched before the answer is given.
    pub(crate) async fn verify(&self, token: &str) -> Result<Token, tokenward::Error> {
        let before = self.verifier.load_full();
        match before.verify(token, UnixTime::now()) {
            Err(tokenward::Error::KeyNotFound { .. }) => {}
            answer => return answer,
        }
        let mut fetched = self.fetching.lock().await;
        // Somebody may have fetched them while this request waited for its turn.
        if Arc::ptr_eq(&before, &self.verifier.load()) && fetched.elapsed() >= self.cool_down {
            self.refresh(&mut fetched).await;
        }
        drop(fetched);
        self.verifier.load().verify(token, UnixTime::now())
    }

    /// Refreshes the keys every so often, for ever.
    pub(crate) async fn keep_fresh(&self, every: Duration) {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut fetched = self.fetching.lock().await;
            self.refresh(&mut fetched).await;
        }
    }

    /// All or nothing: what cannot be used leaves the keys as they are.
    async fn refresh(&self, fetched: &mut Instant) {
        let outcome = self.source.fetch().await.and_then(|keys| {
            let mut next = Verifier::clone(&self.verifier.load());
            next.set_keys(keys)?;
            Ok(next)
        });
        *fetched = Instant::now();
        match outcome {
            Ok(next) => self.verifier.store(Arc::new(next)),
            Err(problem) => eprintln!("The keys stay as they are: {problem}"),
        }
    }
}

struct Source {
    client: Client,
    url: Url,
}

impl Source {
    async fn fetch(&self) -> Result<JwkSet, Problem> {
        let text = timeout(FETCH_TIMEOUT, self.read())
            .await
            .map_err(|_| format!("{} did not answer within {FETCH_TIMEOUT:?}", self.url))??;
        Ok(JwkSet::from_published_json(&text)?)
    }

    async fn read(&self) -> Result<String, Problem> {
        let mut response = self.client.get(self.url.clone()).header("accept", "application/json").send().await?;
        if response.status() != StatusCode::OK {
            return Err(format!("{} answered {}", self.url, response.status()).into());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(format!("{} answered more than {MAX_BYTES} bytes", self.url).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(body)?)
    }
}
