//! What a standard asks of its tokens beyond RFC 7519 ([`Profile`]), and what one call expects of an ID token ([`Expected`]).

use alloc::string::String;
use core::hint;

use crate::claims::{Accept, ClaimRules, UnixTime, invalid, mismatch, present, time};
use crate::error::{ConfigError, Error};
use crate::json::{Object, Value};
use crate::{Algorithm, base64url, engine};

/// A standard that says what a kind of tokens is like. With one, a verifier takes no token of another kind for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// An OAuth 2.0 access token by RFC 9068: `typ` is `at+jwt`, and `iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and
    /// `jti` are there.
    AccessToken,
    /// An ID token by `OpenID` Connect Core 1.0 section 3.1.3.7: `typ` is absent or `JWT`, and `iss`, `sub`, `aud`, `exp` and
    /// `iat` are there. `azp` must be one of the audiences that are accepted, and is needed beside several audiences.
    IdToken,
}

struct Row {
    profile: Profile,
    name: &'static str,
    typ: &'static str,
    required: &'static [&'static str],
}

static TABLE: [Row; 2] = [
    Row {
        profile: Profile::AccessToken,
        name: "at+jwt",
        typ: "at+jwt",
        required: &["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    },
    Row { profile: Profile::IdToken, name: "id_token", typ: "JWT", required: &["iss", "sub", "aud", "exp", "iat"] },
];

/// The texts among the claims that either standard defines.
const TEXTS: [&str; 6] = ["client_id", "azp", "nonce", "at_hash", "acr", "scope"];

impl Profile {
    /// The profile of a name: `at+jwt` or `id_token`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.profile)
    }

    /// Its name: `at+jwt` or `id_token`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.profile == self)
    }

    /// The media type of its tokens.
    pub(crate) fn typ(self) -> &'static str {
        self.row().map_or("", |row| row.typ)
    }

    /// What its standard leaves no choice of must be said as it says, or left out.
    pub(crate) fn check_options(self, rules: &ClaimRules) -> Result<(), ConfigError> {
        let option = match rules {
            ClaimRules { issuer: Accept::Any, tenants: None, .. } => "issuer",
            ClaimRules { audience: Accept::Any, .. } => "audience",
            ClaimRules { require_exp: false, .. } => "requireExp",
            _ => return Ok(()),
        };
        Err(self.contradicted(option))
    }

    #[cold]
    pub(crate) fn contradicted(self, option: &'static str) -> ConfigError {
        let problem = String::from("contradicts the profile ") + self.name();
        ConfigError::InvalidOption { option, problem }
    }

    /// The JSON types of claims that only a profile defines.
    pub(crate) fn check_form(claims: &Object<'_>) -> Result<(), Error> {
        time(claims, "auth_time")?;
        for claim in TEXTS {
            if let Some(value) = claims.get(claim)
                && value.as_str().is_none()
            {
                return Err(invalid(claim, "a string", value));
            }
        }
        if let Some(value) = claims.get("amr")
            && !value.as_array().is_some_and(|values| values.iter().all(|value| value.as_str().is_some()))
        {
            return Err(invalid("amr", "an array of strings", value));
        }
        Ok(())
    }

    /// The values of claims that hold by themselves.
    pub(crate) fn check(self, claims: &Object<'_>, rules: &ClaimRules) -> Result<(), Error> {
        for claim in self.row().map_or([].as_slice(), |row| row.required) {
            present(claims, claim)?;
        }
        // What the app says of `azp` counts in place of this.
        if self != Self::IdToken || rules.expected.iter().any(|expectation| expectation.claim == "azp") {
            return Ok(());
        }
        let several = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
        match claims.get("azp") {
            None if several => present(claims, "azp").map(|_| ()),
            Some(azp) if !rules.audience.names(azp) => Err(mismatch("azp", rules.audience.expected(), azp)),
            _ => Ok(()),
        }
    }
}

/// What one call expects of an ID token: see [`Verifier::verify_expecting`](crate::Verifier::verify_expecting). Whatever is
/// expected must be in the token.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Expected<'e> {
    nonce: Option<&'e str>,
    access_token: Option<&'e str>,
    max_age: Option<f64>,
}

impl<'e> Expected<'e> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(feature = "wasm")]
    pub(crate) fn of(nonce: Option<&'e str>, access_token: Option<&'e str>, max_age: Option<f64>) -> Self {
        Self { nonce, access_token, max_age }
    }

    /// The `nonce` that was sent with the request (`OpenID` Connect Core 1.0 section 3.1.2.1), exactly.
    pub fn nonce(mut self, nonce: &'e str) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The access token that came with the ID token, whose `at_hash` must be of it (sections 3.1.3.8 and 3.2.2.9).
    pub fn access_token(mut self, access_token: &'e str) -> Self {
        self.access_token = Some(access_token);
        self
    }

    /// How many seconds ago the person may have authenticated, by `auth_time`: the `max_age` that was sent with the request.
    pub fn max_age(mut self, seconds: f64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    pub(crate) fn check(
        &self,
        algorithm: Algorithm,
        claims: &Object<'_>,
        now: UnixTime,
        tolerance: f64,
    ) -> Result<(), Error> {
        if let Some(nonce) = self.nonce {
            let actual = present(claims, "nonce")?;
            if !is_same(actual.as_str().map(str::as_bytes), nonce.as_bytes()) {
                return Err(mismatch("nonce", Value::from(nonce), actual));
            }
        }
        if let Some(access_token) = self.access_token {
            let actual = present(claims, "at_hash")?;
            let decoded = actual.as_str().map(str::as_bytes).and_then(base64url::decode);
            let hash = engine::token_hash(algorithm, access_token.as_bytes());
            if !is_same(decoded.as_deref(), hash.get(..hash.len() / 2).unwrap_or_default()) {
                return Err(mismatch("at_hash", Value::from("the hash of the access token"), actual));
            }
        }
        if let Some(max_age) = self.max_age {
            let actual = present(claims, "auth_time")?;
            let now = now.as_secs_f64();
            match actual {
                Value::Number(auth_time) if now < auth_time - tolerance => {
                    return Err(invalid("auth_time", "a time that has passed", actual));
                }
                Value::Number(auth_time) if now <= auth_time + max_age + tolerance => {}
                Value::Number(auth_time) => {
                    return Err(Error::AuthenticationTooOld { auth_time: *auth_time, now, max_age });
                }
                _ => return Err(invalid("auth_time", "a finite number of seconds since 1970", actual)),
            }
        }
        Ok(())
    }
}

/// Looks at every byte, wherever the first difference is.
fn is_same(actual: Option<&[u8]>, expected: &[u8]) -> bool {
    let Some(actual) = actual.filter(|actual| actual.len() == expected.len()) else {
        return false;
    };
    hint::black_box(actual.iter().zip(expected).fold(0, |difference, (one, other)| difference | (one ^ other))) == 0
}
