//! A JWK Set (RFC 7517 section 5) and the choice among its keys.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::Algorithm;
use crate::error::{ConfigError, Error, by_language};
use crate::json::{self, Object, Value};
use crate::jwk::{self, Jwk, KeyRules};
use crate::text::Piece::{Count, Kid, Text};
use crate::text::filled;

/// A set larger than this in bytes is refused unread: real sets have a few kilobytes.
const MAX_BYTES: usize = 1 << 20;
/// A set with more keys than this is refused.
const MAX_KEYS: usize = 1000;
/// How many signatures one token may cost at most.
const MAX_TRIES: usize = 16;

/// Public keys, each checked and prepared. Those that cannot be used are kept, so that a token naming one is told so.
/// A clone shares the keys with the set.
#[derive(Clone, Debug)]
pub struct JwkSet {
    keys: Arc<[Jwk]>,
}

impl JwkSet {
    /// Reads a JWK Set, or a JSON array of JWKs, of at most 1 MiB and 1000 keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidJwks`] if the text is neither, [`ConfigError::PrivateKey`] or
    /// [`ConfigError::SymmetricKey`] if it holds what must never be shipped. Whether some key can be used is checked
    /// when a verifier takes the set, since that depends on the algorithms it allows.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, false)
    }

    /// The same for a set that a provider has published: a private or symmetric key is no error but unusable
    /// ([`Jwk::secret`]), so that one mistake of the provider does not end the rotation of all its keys
    /// (RFC 7517 section 5). Never for a set that is part of an app.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidJwks`] as for [`JwkSet::from_json`].
    pub fn from_published_json(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, true)
    }

    /// Either of the two.
    pub(crate) fn read(text: &str, published: bool) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(invalid(filled("it is {} bytes long, more than 1 MiB", &[Count(text.len())])));
        }
        let value = json::parse(text).map_err(|error| {
            invalid(match recognized(text) {
                Some(what) => what.to_owned(),
                None => filled("it is not strict JSON: {} (byte {})", &[Text(error.problem), Count(error.offset)]),
            })
        })?;
        let keys = keys_of(&value)?;
        if keys.len() > MAX_KEYS {
            return Err(invalid(filled("it has {} keys, more than {}", &[Count(keys.len()), Count(MAX_KEYS)])));
        }
        let (mut known, mut others) = (Vec::with_capacity(keys.len()), Vec::new());
        for (place, key) in keys.iter().enumerate() {
            let Value::Object(members) = key else {
                return Err(invalid(filled("key {} of it is {}, not an object", &[Count(place), Text(key.kind())])));
            };
            let key = Jwk::from_members(members, published)?;
            if key.is_supported() { known.push(key) } else { others.push(key) }
        }
        known.append(&mut others);
        Ok(Self { keys: known.into() })
    }

    /// The keys in the order of the set, those of types that are not supported after all others.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// An error unless some key can serve some of the algorithms.
    pub(crate) fn require_usable(&self, algorithms: &[Algorithm], rules: KeyRules) -> Result<(), ConfigError> {
        let mut reasons = Vec::new();
        for key in self.keys.iter() {
            match key.why_unusable(algorithms, rules) {
                None => return Ok(()),
                Some(reason) => reasons.push(filled("kid {}: {}", &[Kid(key.kid()), Text(&reason)])),
            }
        }
        reasons.truncate(5);
        Err(ConfigError::NoUsableKey { reasons })
    }

    /// The index of the key that made the signature. With a `kid` only keys of exactly that name are tried, without one
    /// every key that fits; at most 16, in order. The most specific error is reported: a signature that did not hold
    /// before a key that cannot be used, that before no key at all.
    pub(crate) fn find_signer(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        rules: KeyRules,
        message: &[u8],
        signature: &[u8],
    ) -> Result<usize, Error> {
        let mut tries = 0;
        let mut unusable = None;
        for (index, key) in self.keys.iter().enumerate() {
            if !key.fits(algorithm) || (kid.is_some() && kid != key.kid()) {
                continue;
            }
            match key.usable_for(algorithm, rules) {
                Err(reason) => unusable = unusable.or(Some(reason)),
                Ok(prepared) => {
                    if jwk::holds(prepared, algorithm, message, signature) {
                        return Ok(index);
                    }
                    tries += 1;
                    if tries == MAX_TRIES {
                        break;
                    }
                }
            }
        }
        Err(match (tries, unusable, kid) {
            (1.., _, _) => Error::BadSignature,
            (0, Some(reason), Some(kid)) => Error::KeyUnusable { kid: kid.to_owned(), reason },
            (0, _, kid) => Error::KeyNotFound {
                alg: algorithm.name(),
                kid: kid.map(ToOwned::to_owned),
                problem: self.why_not_found(algorithm, kid),
            },
        })
    }

    /// Of a set in which no key of that name fits.
    #[cold]
    fn why_not_found(&self, algorithm: Algorithm, kid: Option<&str>) -> &'static str {
        let (mut fits, mut fits_nameless, mut is_named) = (false, true, false);
        for key in self.keys.iter() {
            is_named |= key.kid() == kid;
            if key.fits(algorithm) {
                fits = true;
                fits_nameless &= key.kid().is_none();
            }
        }
        match kid {
            None if fits => "no key that would fit can be used",
            None => "all keys are of other types",
            Some(_) if is_named => "the key of that name is of another type",
            Some(_) if fits && fits_nameless => {
                "the key that would fit has no kid, and is never used for a token that names one; give the key this kid in the set"
            }
            Some(_) => "the set may be out of date",
        }
    }
}

/// Any number of keys, in this order, but those of types that are not supported after all others. Two may have one `kid`.
impl FromIterator<Jwk> for JwkSet {
    fn from_iter<T: IntoIterator<Item = Jwk>>(keys: T) -> Self {
        let (known, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(Jwk::is_supported);
        Self { keys: known.into_iter().chain(others).collect() }
    }
}

/// The elements of a set or of an array.
fn keys_of<'v, 'a>(value: &'v Value<'a>) -> Result<&'v [Value<'a>], ConfigError> {
    let problem = match value {
        Value::Array(keys) => return Ok(keys),
        Value::Object(set) => match set.get("keys") {
            Some(Value::Array(keys)) => return Ok(keys),
            Some(other) => filled("its \"keys\" is {}, not an array", &[Text(other.kind())]),
            None => object_without_keys(set).to_owned(),
        },
        other => filled("it is {}, neither an object nor an array", &[Text(other.kind())]),
    };
    Err(invalid(problem))
}

fn object_without_keys(object: &Object<'_>) -> &'static str {
    if object.get("kty").is_some() {
        "it is one JWK: put it into an array"
    } else if object.get("jwks_uri").is_some() {
        "it is the provider's metadata: pass what its jwks_uri answers with"
    } else if object.is_empty() {
        "it is an empty object, as a Promise or CryptoKey is in JSON: await it, or export it as a JWK"
    } else {
        "it is an object without an array of \"keys\""
    }
}

/// What people pass instead of JSON.
fn recognized(text: &str) -> Option<&'static str> {
    let text = text.trim_ascii_start();
    match STARTS.iter().find(|(start, _)| text.starts_with(start)) {
        Some((_, what)) => Some(what),
        None => text.is_empty().then_some("it is empty"),
    }
}

static STARTS: [(&str, &str); 9] = [
    ("-----BEGIN PUBLIC", TO_JWK),
    ("-----BEGIN CERT", TO_JWK),
    ("-----BEGIN RSA PUBLIC", TO_JWK),
    ("-----BEGIN", "it is PEM, and perhaps a private key: replace it if so, and pass only public keys, as JWKs"),
    ("ssh-", OPENSSH),
    ("ecdsa-", OPENSSH),
    ("http", "it is an address, and nothing is fetched here: pass what it answers with, or use a key store"),
    ("<", "it is HTML or XML, as of an error or a captive portal"),
    ("eyJ", "it is a token: pass the keys that tokens are signed with"),
];

const TO_JWK: &str = by_language(
    "it is PEM, not a JWK; Jwk::from_public_key_pem (the feature pem) reads a public key",
    "it is PEM, not a JWK; in Node, crypto.createPublicKey(pem).export({ format: \"jwk\" }) makes it one",
);
const OPENSSH: &str = "it is an OpenSSH key: convert it to a JWK";

fn invalid(problem: String) -> ConfigError {
    ConfigError::InvalidJwks { problem }
}
