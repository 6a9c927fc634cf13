//! One public key (RFC 7517 section 4), checked and prepared when it is read.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::algorithm::KeyType;
use crate::engine::{self, KeyMaterial, VerifyingKey};
use crate::error::{ConfigError, Error, shown, shown_kid};
use crate::json::{self, Object, Value};
use crate::{Algorithm, base64url};

/// A public key of a known type. It may be unusable (weak, invalid, meant for encryption): then it stays in its set so
/// that a token naming it is told so.
pub struct Jwk {
    kid: Option<String>,
    usage: Option<String>,
    alg: Option<String>,
    key_type: KeyType,
    other_exponent: bool,
    prepared: Result<Box<dyn VerifyingKey>, String>,
}

impl Jwk {
    /// Reads one JWK from JSON.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidJwks`] if the text is not a JSON object or the key is of an unknown type,
    /// [`ConfigError::PrivateKey`] or [`ConfigError::SymmetricKey`] if it holds what must never be shipped.
    /// A weak or invalid key is no error here: [`Jwk::verify`] reports it.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value = json::parse(text).map_err(|error| invalid(format!("{} (byte {})", error.problem, error.offset)))?;
        Self::from_value(&value)?.ok_or_else(|| invalid("the key type or curve is unknown here".to_owned()))
    }

    /// Reads one JWK; `None` where its type is unknown and the key is to be skipped (RFC 7517 section 5).
    pub(crate) fn from_value(value: &Value<'_>) -> Result<Option<Self>, ConfigError> {
        let Value::Object(members) = value else {
            return Err(invalid("a key is not a JSON object".to_owned()));
        };
        refuse_secrets(members)?;
        let Some(key_type) = key_type(members) else { return Ok(None) };
        let numbers = Numbers::read(key_type, members);
        Ok(Some(Self {
            kid: text(members, "kid"),
            usage: text(members, "use"),
            alg: text(members, "alg"),
            key_type,
            other_exponent: numbers.as_ref().is_ok_and(Numbers::has_other_exponent),
            prepared: check_metadata(members).and(numbers).and_then(|numbers| numbers.prepare()),
        }))
    }

    /// The key's `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key's `kty`: `RSA`, `EC` or `OKP`.
    #[must_use]
    pub fn kty(&self) -> &'static str {
        match self.key_type {
            KeyType::Rsa => "RSA",
            KeyType::P256 | KeyType::P384 | KeyType::P521 => "EC",
            KeyType::Ed25519 => "OKP",
        }
    }

    /// The key's `crv`: `P-256`, `P-384`, `P-521` or `Ed25519`.
    #[must_use]
    pub fn crv(&self) -> Option<&'static str> {
        match self.key_type {
            KeyType::Rsa => None,
            KeyType::P256 => Some("P-256"),
            KeyType::P384 => Some("P-384"),
            KeyType::P521 => Some("P-521"),
            KeyType::Ed25519 => Some("Ed25519"),
        }
    }

    /// The key's `alg`, the one algorithm it is meant for, if it names one.
    #[must_use]
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// The key's `use`.
    #[must_use]
    pub fn usage(&self) -> Option<&str> {
        self.usage.as_deref()
    }

    /// Checks a signature over any bytes, without a token around them.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUnusable`] if the key is weak, invalid or not meant for this algorithm, [`Error::BadSignature`] if the
    /// signature does not hold.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let unusable = |reason| Error::KeyUnusable { kid: self.kid.clone().unwrap_or_default(), reason };
        if !self.fits(algorithm) {
            return Err(unusable(format!("its type does not fit {}", algorithm.name())));
        }
        let key = self.usable_for(algorithm, true).map_err(unusable)?;
        if holds(key, algorithm, message, signature) { Ok(()) } else { Err(Error::BadSignature) }
    }

    /// Whether key type and curve are what the algorithm needs.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.key_type() == Some(self.key_type)
    }

    /// The prepared key, or why it must not be used for this algorithm.
    pub(crate) fn usable_for(&self, algorithm: Algorithm, any_rsa_exponent: bool) -> Result<&dyn VerifyingKey, String> {
        let key = self.prepared.as_ref().map_err(Clone::clone)?;
        if let Some(alg) = self.alg.as_deref()
            && Algorithm::from_name(alg) != Some(algorithm)
        {
            return Err(format!("its alg is {}, so it is not for {}", shown(alg), algorithm.name()));
        }
        if self.other_exponent && !any_rsa_exponent {
            return Err("its RSA exponent is not 65537 (the option anyRsaExponent would accept it)".to_owned());
        }
        Ok(key.as_ref())
    }

    /// Why the key cannot serve any of these algorithms, with its name; `None` if it can serve one.
    pub(crate) fn why_useless(&self, algorithms: &[Algorithm], any_rsa_exponent: bool) -> Option<String> {
        let mut reason = "its type fits none of the allowed algorithms".to_owned();
        for algorithm in algorithms.iter().filter(|algorithm| self.fits(**algorithm)) {
            match self.usable_for(*algorithm, any_rsa_exponent) {
                Ok(_) => return None,
                Err(problem) => reason = problem,
            }
        }
        Some(format!("kid {}: {reason}", shown_kid(self.kid())))
    }
}

/// The key's names, not its numbers.
impl fmt::Debug for Jwk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Jwk").field("kid", &self.kid).field("kty", &self.kty()).finish_non_exhaustive()
    }
}

/// Whether a signature has the right length and holds.
pub(crate) fn holds(key: &dyn VerifyingKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    algorithm.signature_size().is_none_or(|size| size == signature.len()) && key.verify(algorithm, message, signature)
}

/// The decoded numbers of a key.
struct Numbers {
    key_type: KeyType,
    first: Vec<u8>,
    second: Vec<u8>,
}

impl Numbers {
    fn read(key_type: KeyType, members: &Object<'_>) -> Result<Self, String> {
        let (first, second) = match key_type {
            KeyType::Rsa => (unsigned(members, "n")?, unsigned(members, "e")?),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => (bytes(members, "x")?, bytes(members, "y")?),
            KeyType::Ed25519 => (bytes(members, "x")?, Vec::new()),
        };
        Ok(Self { key_type, first, second })
    }

    fn has_other_exponent(&self) -> bool {
        self.key_type == KeyType::Rsa && self.second != [1, 0, 1]
    }

    fn prepare(&self) -> Result<Box<dyn VerifyingKey>, String> {
        let (first, second) = (self.first.as_slice(), self.second.as_slice());
        engine::prepare(&match self.key_type {
            KeyType::Rsa => KeyMaterial::Rsa { modulus: first, exponent: second },
            KeyType::P256 => KeyMaterial::P256 { x: first, y: second },
            KeyType::P384 => KeyMaterial::P384 { x: first, y: second },
            KeyType::P521 => KeyMaterial::P521 { x: first, y: second },
            KeyType::Ed25519 => KeyMaterial::Ed25519 { point: first },
        })
    }
}

/// Private members by RFC 7518 section 6, RFC 8037 section 2 and, for keys of types to come, RFC 9964's `priv`.
fn refuse_secrets(members: &Object<'_>) -> Result<(), ConfigError> {
    let kid = || text(members, "kid");
    if members.get("kty").and_then(Value::as_str) == Some("oct") || members.get("k").is_some() {
        return Err(ConfigError::SymmetricKey { kid: kid() });
    }
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"] {
        if members.get(member).is_some() {
            return Err(ConfigError::PrivateKey { member, kid: kid() });
        }
    }
    Ok(())
}

fn key_type(members: &Object<'_>) -> Option<KeyType> {
    let member = |name| members.get(name).and_then(Value::as_str);
    match (member("kty")?, member("crv")) {
        ("RSA", _) => Some(KeyType::Rsa),
        ("EC", Some("P-256")) => Some(KeyType::P256),
        ("EC", Some("P-384")) => Some(KeyType::P384),
        ("EC", Some("P-521")) => Some(KeyType::P521),
        ("OKP", Some("Ed25519")) => Some(KeyType::Ed25519),
        _ => None,
    }
}

/// `use` and `key_ops` must allow verifying (RFC 7517 sections 4.2 and 4.3); everything must have its JSON type.
fn check_metadata(members: &Object<'_>) -> Result<(), String> {
    for name in ["kid", "use", "alg"] {
        if members.get(name).is_some_and(|value| value.as_str().is_none()) {
            return Err(format!("its {name} is not a string"));
        }
    }
    if let Some(usage) = members.get("use").and_then(Value::as_str)
        && usage != "sig"
    {
        return Err(format!("its use is {}, not \"sig\"", shown(usage)));
    }
    if let Some(operations) = members.get("key_ops") {
        let verify = Value::from("verify");
        if !operations.as_array().is_some_and(|operations| operations.contains(&verify)) {
            return Err("its key_ops do not include \"verify\"".to_owned());
        }
    }
    Ok(())
}

fn text(members: &Object<'_>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(ToString::to_string)
}

fn bytes(members: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    members
        .get(name)
        .and_then(Value::as_str)
        .and_then(base64url::decode)
        .ok_or_else(|| format!("its {name} is not canonical base64url without padding"))
}

/// A Base64urlUInt (RFC 7518 section 2). Some libraries prefix a zero byte (section 6.3.1.1); the number is the same.
fn unsigned(members: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    let number = bytes(members, name)?;
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    Ok(number.get(start..).unwrap_or_default().to_vec())
}

fn invalid(problem: String) -> ConfigError {
    ConfigError::InvalidJwks { problem }
}
