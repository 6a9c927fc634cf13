//! Why a token was refused ([`Error`]), and why a verifier could not be made ([`ConfigError`]).
//!
//! Messages say what was found and what was expected. They never hold a token, and claim values only once the
//! signature held. What a token's header says (`alg`, `kid`, `typ`) is shown, shortened and escaped.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::json::{self, Value};
use crate::text::Piece::{self, Brief, Count, Kid, Number, Shown, Text};
use crate::text::filled;

/// Why a token was refused.
///
/// [`Error::code`] is the stable name of each case; the npm package shows the same names as `TokenError.code`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Not a JWS in compact serialisation holding a JWT: not three segments (RFC 7515 section 7.1), not canonical
    /// unpadded base64url (section 2), not strict JSON (section 4, RFC 8725 section 3.10), not a JSON object.
    Malformed {
        /// Which part: `token`, `header`, `payload` or `signature`.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
        /// Where, in bytes from the start of the decoded part, if that says something.
        offset: Option<usize>,
    },
    /// Longer than the verifier takes; decided before any decoding.
    TooLarge {
        /// The length of the token in bytes.
        bytes: usize,
        /// The greatest accepted length in bytes.
        max: usize,
    },
    /// `alg` is absent, not a string, or names nothing in the table of [`Algorithm`](crate::Algorithm): `none`
    /// (RFC 8725 section 3.1), `HS256` and its like, names in another letter case.
    UnsupportedAlgorithm {
        /// What `alg` is.
        alg: String,
    },
    /// Supported, but not among the algorithms this verifier allows (RFC 8725 section 3.1).
    AlgorithmNotAllowed {
        /// What `alg` is.
        alg: String,
        /// What is allowed.
        allowed: Vec<&'static str>,
    },
    /// The header has `crit` (RFC 7515 section 4.1.11) or `b64` (RFC 7797): no extension is understood.
    UnsupportedCritical {
        /// `crit` or `b64`.
        parameter: &'static str,
    },
    /// `typ` is not the one asked for (RFC 7515 section 4.1.9, RFC 8725 section 3.11).
    UnexpectedType {
        /// What was asked for; an array where any of its elements would do.
        expected: Value<'static>,
        /// What `typ` is, if it is there.
        actual: Option<String>,
    },
    /// No key fits `kid`, key type and algorithm.
    KeyNotFound {
        /// The token's `alg`.
        alg: &'static str,
        /// The token's `kid`.
        kid: Option<String>,
        /// What there is instead, or what may be the cause.
        problem: &'static str,
    },
    /// The key that fits by `kid` is forbidden by its own `use`, `key_ops` or `alg` (RFC 7517 section 4), or is weak or
    /// invalid (RFC 8725 section 3.2, 3.4).
    KeyUnusable {
        /// The token's `kid`.
        kid: String,
        /// What is wrong with the key.
        reason: String,
    },
    /// Everything fits, the signature does not (RFC 7515 section 5.2).
    BadSignature,
    /// A claim that is required is absent.
    MissingClaim {
        /// The name of the claim.
        claim: String,
    },
    /// A claim has the wrong JSON type, or is a time that is not finite.
    InvalidClaim {
        /// The name of the claim.
        claim: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        actual: Value<'static>,
    },
    /// A claim has another value than asked for.
    ClaimMismatch {
        /// The name of the claim.
        claim: String,
        /// What was asked for; an array where any of its elements would do.
        expected: Value<'static>,
        /// What it is; `None` where the signature was not checked yet.
        actual: Option<Value<'static>>,
    },
    /// `exp` has passed (RFC 7519 section 4.1.4).
    Expired {
        /// The claim, in Unix seconds.
        exp: f64,
        /// The time of the check, in Unix seconds.
        now: f64,
        /// In seconds.
        tolerance: f64,
    },
    /// `nbf` has not come yet (RFC 7519 section 4.1.5).
    NotYetValid {
        /// The claim, in Unix seconds.
        nbf: f64,
        /// The time of the check, in Unix seconds.
        now: f64,
        /// In seconds.
        tolerance: f64,
    },
    /// `iat` is still to come, and the verifier asked for a greatest age. Its code is that of [`Error::NotYetValid`].
    IssuedInFuture {
        /// The claim, in Unix seconds.
        iat: f64,
        /// The time of the check, in Unix seconds.
        now: f64,
        /// In seconds.
        tolerance: f64,
    },
    /// `iat` is longer ago than the verifier allows.
    TooOld {
        /// The claim, in Unix seconds.
        iat: f64,
        /// The time of the check, in Unix seconds.
        now: f64,
        /// The greatest allowed age in seconds.
        max_age: f64,
    },
    /// `auth_time` is longer ago than one call allows (`OpenID` Connect Core 1.0 section 3.1.2.1, `max_age`). Its code is that
    /// of [`Error::TooOld`].
    AuthenticationTooOld {
        /// The claim, in Unix seconds.
        auth_time: f64,
        /// The time of the check, in Unix seconds.
        now: f64,
        /// The greatest allowed age in seconds.
        max_age: f64,
    },
}

impl Error {
    /// The stable name of the case, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.facts().code
    }

    /// The name of the claim or header parameter this is about.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.facts().claim
    }

    /// What was expected, where one value says it.
    #[must_use]
    pub fn expected(&self) -> Option<Value<'static>> {
        self.facts().expected
    }

    /// What was found instead, where one value says it.
    #[must_use]
    pub fn actual(&self) -> Option<Value<'static>> {
        self.facts().actual
    }

    /// All that is told of the case, its message too: for whoever wants but one of them, errors are rare enough.
    pub(crate) fn facts(&self) -> Facts<'_> {
        match self {
            Self::Malformed { part, problem, offset: None } => {
                Facts::of("malformed", "the {} is malformed: {}", &[Text(part), Text(problem)])
            }
            Self::Malformed { part, problem, offset: Some(offset) } => Facts::of(
                "malformed",
                "the {} is malformed: {} (byte {})",
                &[Text(part), Text(problem), Count(*offset)],
            ),
            Self::TooLarge { bytes, max } => Facts {
                expected: count_value(*max),
                actual: count_value(*bytes),
                ..Facts::of(
                    "too_large",
                    "the token is {} bytes long, more than the {} that are accepted",
                    &[Count(*bytes), Count(*max)],
                )
            },
            Self::UnsupportedAlgorithm { alg } => Facts {
                actual: text_value(alg),
                ..Facts::of(
                    "unsupported_algorithm",
                    "alg is {}; only asymmetric signatures are supported: {}{}",
                    &[Shown(alg), Text(SUPPORTED), Text(ml_dsa_hint(alg))],
                )
            },
            Self::AlgorithmNotAllowed { alg, allowed } => Facts {
                expected: Some(Value::Array(allowed.iter().map(|name| Value::from(*name)).collect())),
                actual: text_value(alg),
                ..Facts::of(
                    "algorithm_not_allowed",
                    "alg is {}; this verifier allows only {}",
                    &[Shown(alg), Text(&allowed.join(", "))],
                )
            },
            Self::UnsupportedCritical { parameter } => Facts::of(
                "unsupported_critical",
                "the header has \"{}\", and no such extension is understood here",
                &[Text(parameter)],
            ),
            Self::UnexpectedType { expected, actual } => {
                let found = actual.as_deref().map_or(Text("missing"), Shown);
                let any = if matches!(expected, Value::Array(_)) { "one of " } else { "" };
                Facts {
                    expected: Some(expected.clone()),
                    actual: actual.as_deref().and_then(text_value),
                    ..Facts::of("unexpected_type", "typ is {}; it should be {}{}", &[found, Text(any), Brief(expected)])
                }
            }
            Self::KeyNotFound { alg, kid: Some(kid), problem } => Facts::of(
                "key_not_found",
                "no key in the set has kid {} and fits {}: {}",
                &[Shown(kid), Text(alg), Text(problem)],
            ),
            Self::KeyNotFound { alg, kid: None, problem } => Facts::of(
                "key_not_found",
                "the token names no kid, and no usable key in the set fits {}: {}",
                &[Text(alg), Text(problem)],
            ),
            Self::KeyUnusable { kid, reason } => {
                Facts::of("key_unusable", "the key with kid {} cannot be used: {}", &[Shown(kid), Text(reason)])
            }
            Self::BadSignature => Facts::of(
                "bad_signature",
                "the signature does not fit: the token was altered, or another key than the one in the set signed it",
                &[],
            ),
            Self::MissingClaim { claim } => {
                Facts { claim: Some(claim), ..Facts::of("missing_claim", "the claim {} is missing", &[Shown(claim)]) }
            }
            Self::InvalidClaim { claim, expected, actual } => Facts {
                claim: Some(claim),
                expected: Some(Value::from(*expected)),
                actual: Some(actual.clone()),
                ..Facts::of(
                    "invalid_claim",
                    "the claim {} is {}; it should be {}",
                    &[Shown(claim), Brief(actual), Text(expected)],
                )
            },
            Self::ClaimMismatch { claim, expected, actual } => {
                let facts = match actual {
                    Some(actual) => Facts::of(
                        "claim_mismatch",
                        "the claim {} is {}; expected {}",
                        &[Shown(claim), Brief(actual), Brief(expected)],
                    ),
                    None => Facts::of(
                        "claim_mismatch",
                        "the claim {} is not what was expected: {}",
                        &[Shown(claim), Brief(expected)],
                    ),
                };
                Facts { claim: Some(claim), expected: Some(expected.clone()), actual: actual.clone(), ..facts }
            }
            Self::Expired { exp, now, tolerance } => {
                Facts::at("expired", "the token expired", "exp", [*exp, *now, *tolerance, now - tolerance])
            }
            Self::NotYetValid { nbf, now, tolerance } => Facts::at(
                "not_yet_valid",
                "the token is not valid yet",
                "nbf",
                [*nbf, *now, *tolerance, now + tolerance],
            ),
            Self::IssuedInFuture { iat, now, tolerance } => Facts::at(
                "not_yet_valid",
                "the token is not valid yet",
                "iat",
                [*iat, *now, *tolerance, now + tolerance],
            ),
            Self::TooOld { iat, now, max_age } => Facts::too_old("iat", *iat, *now, *max_age),
            Self::AuthenticationTooOld { auth_time, now, max_age } => {
                Facts::too_old("auth_time", *auth_time, *now, *max_age)
            }
        }
    }
}

/// What is told of an [`Error`].
pub(crate) struct Facts<'e> {
    pub(crate) code: &'static str,
    pub(crate) claim: Option<&'e str>,
    pub(crate) expected: Option<Value<'static>>,
    pub(crate) actual: Option<Value<'static>>,
    pub(crate) message: String,
}

impl Facts<'_> {
    fn of(code: &'static str, template: &str, pieces: &[Piece<'_>]) -> Self {
        Self { code, claim: None, expected: None, actual: None, message: filled(template, pieces) }
    }

    /// Of a claim that is a time and should be beyond a limit, in Unix seconds; the tolerance is in seconds.
    fn at(code: &'static str, what: &str, claim: &'static str, [time, now, tolerance, limit]: [f64; 4]) -> Self {
        Self {
            claim: Some(claim),
            expected: Some(Value::Number(limit)),
            actual: Some(Value::Number(time)),
            ..Self::of(
                code,
                "{}: {} is {}, now is {}, tolerance {} s",
                &[Text(what), Text(claim), Number(time), Number(now), Number(tolerance)],
            )
        }
    }

    fn too_old(claim: &'static str, time: f64, now: f64, max_age: f64) -> Self {
        Self {
            claim: Some(claim),
            expected: Some(Value::Number(max_age)),
            actual: Some(Value::Number(now - time)),
            ..Self::of(
                "too_old",
                "the token is too old: {} is {}, now is {}, the greatest age {} s",
                &[Text(claim), Number(time), Number(now), Number(max_age)],
            )
        }
    }
}

fn count_value(number: usize) -> Option<Value<'static>> {
    u32::try_from(number).ok().map(|number| Value::Number(number.into()))
}

fn text_value(text: &str) -> Option<Value<'static>> {
    Some(Value::from(shorten(text).as_str()))
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.facts().message)
    }
}

impl core::error::Error for Error {}

#[cfg(not(feature = "ml-dsa"))]
const SUPPORTED: &str = "RS, PS and ES with 256, 384 or 512, and Ed25519 (EdDSA)";
#[cfg(feature = "ml-dsa")]
const SUPPORTED: &str = "RS, PS and ES with 256, 384 or 512, Ed25519 (EdDSA), and ML-DSA with 44, 65 or 87";

/// Where ML-DSA is, for whoever has its name and not the feature.
pub(crate) fn ml_dsa_hint(alg: &str) -> &'static str {
    if !cfg!(feature = "ml-dsa") && alg.starts_with("ML-DSA-") { ML_DSA_HINT } else { "" }
}

pub(crate) const ML_DSA_HINT: &str = "; ML-DSA needs tokenward/ml-dsa (in Rust the feature ml-dsa)";

/// Why a [`JwkSet`](crate::JwkSet) or a [`Verifier`](crate::Verifier) could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a JWK Set (RFC 7517 section 5) and not a JSON array of JWKs, or too large.
    InvalidJwks {
        /// What is wrong.
        problem: String,
    },
    /// A JWK holds private key material. Whoever reads the app can read its key set: take a private key out of it at
    /// once, and treat it as leaked.
    PrivateKey {
        /// The member that gives it away, such as `d`; for DER and PEM `PRIVATE KEY`.
        member: &'static str,
        /// The JWK's `kid`.
        kid: Option<String>,
    },
    /// A JWK is symmetric (`"kty": "oct"`): who can verify with it can also sign.
    SymmetricKey {
        /// The JWK's `kid`.
        kid: Option<String>,
    },
    /// What was given as DER or PEM is not a public key that can be used.
    #[cfg(feature = "der")]
    #[cfg_attr(docsrs, doc(cfg(feature = "der")))]
    InvalidKey {
        /// What is wrong.
        problem: String,
    },
    /// No key in the set can serve any allowed algorithm.
    NoUsableKey {
        /// Why each key that was looked at cannot be used.
        reasons: Vec<String>,
    },
    /// An option has a value that cannot work.
    InvalidOption {
        /// The name of the option, as the method of [`VerifierBuilder`](crate::VerifierBuilder) or the parameter is called.
        option: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl ConfigError {
    /// The stable name of the case, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidJwks { .. } => "invalid_jwks",
            Self::PrivateKey { .. } => "private_key",
            Self::SymmetricKey { .. } => "symmetric_key",
            #[cfg(feature = "der")]
            Self::InvalidKey { .. } => "invalid_key",
            Self::NoUsableKey { .. } => "no_usable_key",
            Self::InvalidOption { .. } => "invalid_option",
        }
    }

    /// The name of the option this is about: the method or parameter of that name, `keys` for the set of keys.
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::InvalidOption { option, .. } => option,
            _ => by_language("keys", "jwks"),
        }
    }

    /// What [`Display`](fmt::Display) writes.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::InvalidJwks { problem } => filled("this is not a JWK Set: {}", &[Text(problem)]),
            Self::PrivateKey { member, kid } => filled(
                "the key with kid {} holds private key material (\"{}\"): replace it, and ship or publish public keys only",
                &[Kid(kid.as_deref()), Text(member)],
            ),
            Self::SymmetricKey { kid } => filled(
                "the key with kid {} is symmetric: who can verify with it can also sign, so it has no place in an app or a key set",
                &[Kid(kid.as_deref())],
            ),
            #[cfg(feature = "der")]
            Self::InvalidKey { problem } => filled("this is not a usable public key: {}", &[Text(problem)]),
            Self::NoUsableKey { reasons } if reasons.is_empty() => {
                "the JWK Set is empty: its provider has no asymmetric key, or signs with a shared secret (HS256); \
                 give it a key that is RSA, EC or Ed25519"
                    .to_string()
            }
            Self::NoUsableKey { reasons } => {
                filled("no key in the JWK Set can be used: {}", &[Text(&reasons.join("; "))])
            }
            Self::InvalidOption { option, problem } => filled("the option \"{}\" {}", &[Text(option), Text(problem)]),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message())
    }
}

impl core::error::Error for ConfigError {}

/// A [`UnixTime`](crate::UnixTime) is beyond what the type it was to become can represent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRangeError {
    pub(crate) seconds: f64,
}

impl TimeRangeError {
    /// The time in Unix seconds.
    #[must_use]
    pub const fn seconds(&self) -> f64 {
        self.seconds
    }
}

impl fmt::Display for TimeRangeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the time of {} Unix seconds is out of range", Value::Number(self.seconds))
    }
}

impl core::error::Error for TimeRangeError {}

/// Options and remedies have other names in the package of JavaScript, which alone is built with the feature `wasm`.
pub(crate) const fn by_language(rust: &'static str, javascript: &'static str) -> &'static str {
    if cfg!(feature = "wasm") { javascript } else { rust }
}

/// Text in a message: shortened, quoted and escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut quoted = String::new();
    json::quote(&mut quoted, &shorten(text));
    quoted
}

/// The first characters of text that a stranger may have written.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        short.push('\u{2026}');
    }
    short
}

/// A value in a message: as JSON, or only its kind where that would be long.
pub(crate) fn brief(value: &Value<'_>) -> String {
    let text = value.shown();
    if text.len() <= 200 {
        return text;
    }
    match value {
        Value::Object(_) => "a large object".to_string(),
        Value::Array(_) => "a large array".to_string(),
        _ => shorten(&text),
    }
}
