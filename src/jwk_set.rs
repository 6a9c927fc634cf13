//! A JWK Set (RFC 7517 section 5) and the choice among its keys.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Algorithm;
use crate::error::{ConfigError, Error};
use crate::json::{self, Value};
use crate::jwk::{self, Jwk};

/// A set larger than this in bytes is refused unread: real sets have a few kilobytes.
const MAX_BYTES: usize = 1 << 20;
/// A set with more keys than this is refused.
const MAX_KEYS: usize = 1000;
/// How many signatures one token may cost at most.
const MAX_TRIES: usize = 16;

/// Public keys, each checked and prepared. Keys of unknown type were left out; weak and invalid ones are kept, so that a
/// token naming one is told so.
#[derive(Debug)]
pub struct JwkSet {
    keys: Vec<Jwk>,
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
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("it is {} bytes long, more than 1 MiB", text.len())));
        }
        let value = json::parse(text)
            .map_err(|error| invalid(format!("it is not strict JSON: {} (byte {})", error.problem, error.offset)))?;
        Self::from_value(&value)
    }

    /// The same, from a value already read.
    pub(crate) fn from_value(value: &Value<'_>) -> Result<Self, ConfigError> {
        let keys = match value {
            Value::Array(keys) => keys.as_slice(),
            Value::Object(set) => set
                .get("keys")
                .and_then(Value::as_array)
                .ok_or_else(|| invalid("it is an object without an array of \"keys\"".to_owned()))?,
            _ => return Err(invalid("it is neither an object nor an array".to_owned())),
        };
        if keys.len() > MAX_KEYS {
            return Err(invalid(format!("it has {} keys, more than {MAX_KEYS}", keys.len())));
        }
        let mut known = Vec::with_capacity(keys.len());
        for key in keys {
            known.extend(Jwk::from_value(key)?);
        }
        Ok(Self { keys: known })
    }

    /// The keys of known type, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// An error unless some key can serve some of the algorithms.
    pub(crate) fn require_usable(&self, algorithms: &[Algorithm], any_rsa_exponent: bool) -> Result<(), ConfigError> {
        let mut reasons = Vec::new();
        for key in &self.keys {
            match key.why_useless(algorithms, any_rsa_exponent) {
                None => return Ok(()),
                Some(reason) => reasons.push(reason),
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
        any_rsa_exponent: bool,
        message: &[u8],
        signature: &[u8],
    ) -> Result<usize, Error> {
        let mut tries = 0;
        let mut unusable = None;
        for (index, key) in self.keys.iter().enumerate() {
            if !key.fits(algorithm) || (kid.is_some() && kid != key.kid()) {
                continue;
            }
            match key.usable_for(algorithm, any_rsa_exponent) {
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
            (0, _, kid) => Error::KeyNotFound { alg: algorithm.name(), kid: kid.map(ToOwned::to_owned) },
        })
    }
}

fn invalid(problem: String) -> ConfigError {
    ConfigError::InvalidJwks { problem }
}
