//! One public key (RFC 7517 section 4), checked and prepared when it is read.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, slice};

use crate::algorithm::KeyType;
use crate::engine::{self, KeyMaterial, VerifyingKey};
#[cfg(not(feature = "ml-dsa"))]
use crate::error::ML_DSA_HINT;
use crate::error::{ConfigError, Error, by_language, shown};
use crate::json::{self, Object, Value};
use crate::text::Piece::{Count, Shown, Text};
use crate::text::filled;
use crate::{Algorithm, base64url};

/// A key of a set. It may be unusable (weak, invalid, meant for encryption, of a type that is not supported): then it
/// stays in its set so that a token naming it is told so. A clone shares what was prepared.
#[derive(Clone)]
pub struct Jwk {
    kid: Option<String>,
    usage: Option<String>,
    alg: Option<String>,
    kty: String,
    crv: Option<String>,
    issuer: Option<String>,
    /// `None` for a type that is not supported.
    key_type: Option<KeyType>,
    /// The code of the error that would refuse it in a bundled set.
    secret: Option<&'static str>,
    other_exponent: bool,
    prepared: Arc<Result<Box<dyn VerifyingKey>, String>>,
}

impl Jwk {
    /// Reads one JWK from JSON.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidJwks`] if the text is not a JSON object or the key is of a type that is not supported,
    /// [`ConfigError::PrivateKey`] or [`ConfigError::SymmetricKey`] if it holds what must never be shipped.
    /// A weak or invalid key is no error here: [`Jwk::verify`] reports it.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value = json::parse(text)
            .map_err(|error| invalid(filled("{} (byte {})", &[Text(error.problem), Count(error.offset)])))?;
        let Value::Object(members) = value else {
            return Err(invalid(filled("the key is {}, not a JSON object", &[Text(value.kind())])));
        };
        let key = Self::from_members(&members, false)?;
        match (key.key_type, key.prepared.as_ref()) {
            (None, Err(problem)) => Err(invalid(problem.clone())),
            _ => Ok(key),
        }
    }

    /// Reads one JWK. A member that is `null` is absent, as many libraries write it. `published` says that a private or
    /// symmetric key is unusable instead of an error.
    pub(crate) fn from_members(members: &Object<'_>, published: bool) -> Result<Self, ConfigError> {
        let secret = refuse_secrets(members).err();
        if !published && let Some(secret) = secret {
            return Err(secret);
        }
        let (key_type, numbers) = match key_type(members) {
            Ok(key_type) => (Some(key_type), Numbers::read(key_type, members)),
            Err(problem) => (None, Err(problem)),
        };
        Ok(Self {
            kid: text(members, "kid"),
            usage: text(members, "use"),
            alg: text(members, "alg"),
            kty: text(members, "kty").unwrap_or_default(),
            crv: text(members, "crv"),
            // One that is no string is nobody's: such a key is for no tenant.
            issuer: members.get("issuer").map(|issuer| issuer.as_str().unwrap_or_default().to_owned()),
            key_type,
            secret: secret.as_ref().map(ConfigError::code),
            other_exponent: numbers.as_ref().is_ok_and(Numbers::has_other_exponent),
            prepared: Arc::new(match secret {
                Some(secret) => Err(secret.message()),
                None => check_metadata(members).and(numbers).and_then(|numbers| numbers.prepare()),
            }),
        })
    }

    /// A key for one algorithm; the error says what is wrong with it.
    #[cfg(feature = "der")]
    pub(crate) fn from_numbers(numbers: &Numbers, algorithm: Algorithm) -> Result<Self, String> {
        let prepared = numbers.prepare()?;
        let (kty, crv) = numbers.key_type.names();
        Ok(Self {
            kid: None,
            usage: None,
            alg: Some(algorithm.name().to_owned()),
            kty: kty.to_owned(),
            crv: crv.map(ToOwned::to_owned),
            issuer: None,
            key_type: Some(numbers.key_type),
            secret: None,
            other_exponent: numbers.has_other_exponent(),
            prepared: Arc::new(Ok(prepared)),
        })
    }

    /// The same key under another `kid`, the name by which tokens choose it (RFC 7517 section 4.5).
    #[must_use]
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        Self { kid: Some(kid.into()), ..self }
    }

    /// The key's `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key's `kty`: `RSA`, `EC`, `OKP` or `AKP`; of an unusable key whatever the set says, and empty where it says nothing.
    #[must_use]
    pub fn kty(&self) -> &str {
        &self.kty
    }

    /// The key's `crv`: `P-256`, `P-384`, `P-521` or `Ed25519`; of an unusable key whatever the set says.
    #[must_use]
    pub fn crv(&self) -> Option<&str> {
        self.crv.as_deref().filter(|_| !self.key_type.is_some_and(KeyType::has_no_curve))
    }

    /// The issuer that it is for, or the template of several: what Microsoft Entra says of its keys.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// `private_key` or `symmetric_key` for a key that was left out of a published set
    /// ([`JwkSet::from_published_json`](crate::JwkSet::from_published_json)), since whoever can read it can sign.
    #[must_use]
    pub fn secret(&self) -> Option<&'static str> {
        self.secret
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
        let key = self
            .usable_for(algorithm, KeyRules { any_rsa_exponent: true, algorithm_required: false })
            .map_err(unusable)?;
        if !self.fits(algorithm) {
            return Err(unusable(filled("its type does not fit {}", &[Text(algorithm.name())])));
        }
        if holds(key, algorithm, message, signature) { Ok(()) } else { Err(Error::BadSignature) }
    }

    /// Whether key type and curve are what the algorithm needs.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.is_supported() && algorithm.key_type() == self.key_type
    }

    /// Whether some algorithm uses its type.
    pub(crate) fn is_supported(&self) -> bool {
        self.key_type.is_some()
    }

    /// The prepared key, or why it must not be used for this algorithm.
    pub(crate) fn usable_for(&self, algorithm: Algorithm, rules: KeyRules) -> Result<&dyn VerifyingKey, String> {
        let key = self.prepared.as_ref().as_ref().map_err(Clone::clone)?;
        if self.other_exponent && !rules.any_rsa_exponent {
            return Err(OTHER_EXPONENT.to_owned());
        }
        if rules.algorithm_required && self.alg.is_none() {
            return Err(NO_ALGORITHM.to_owned());
        }
        if let Some(alg) = self.alg.as_deref()
            && Algorithm::from_name(alg) != Some(algorithm)
        {
            return Err(filled("its alg is {}, so it is not for {}", &[Shown(alg), Text(algorithm.name())]));
        }
        Ok(key.as_ref())
    }

    /// Why the key cannot serve any of these algorithms; `None` if it can serve one.
    pub(crate) fn why_unusable(&self, algorithms: &[Algorithm], rules: KeyRules) -> Option<String> {
        let mut reason = None;
        for algorithm in algorithms.iter().filter(|algorithm| self.fits(**algorithm)) {
            match self.usable_for(*algorithm, rules) {
                Ok(_) => return None,
                Err(problem) => reason = Some(problem),
            }
        }
        Some(reason.unwrap_or_else(|| match self.prepared.as_ref() {
            Err(problem) => problem.clone(),
            Ok(_) => filled("no allowed algorithm is for its type, {}", &[Text(self.crv().unwrap_or(&self.kty))]),
        }))
    }
}

const NO_ALGORITHM: &str = by_language(
    "it names no alg, which the option require_key_algorithm asks for",
    "it names no alg, which the option requireKeyAlgorithm asks for",
);

const OTHER_EXPONENT: &str = by_language(
    "its RSA exponent is not 65537 (the option any_rsa_exponent would accept it)",
    "its RSA exponent is not 65537 (the option anyRsaExponent would accept it)",
);

/// The key's names, not its numbers.
impl fmt::Debug for Jwk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Jwk").field("kid", &self.kid).field("kty", &self.kty()).finish_non_exhaustive()
    }
}

/// What a verifier asks of keys beyond what they must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyRules {
    /// Whether RSA keys may have another public exponent than 65537.
    pub(crate) any_rsa_exponent: bool,
    /// Whether a key must name its `alg`.
    pub(crate) algorithm_required: bool,
}

/// Whether a signature has the right length and holds.
pub(crate) fn holds(key: &dyn VerifyingKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    algorithm.signature_size().is_none_or(|size| size == signature.len()) && key.verify(algorithm, message, signature)
}

/// The decoded numbers of a key: modulus and exponent without leading zeros, `x` and `y`, or the only one.
pub(crate) struct Numbers {
    pub(crate) key_type: KeyType,
    pub(crate) first: Vec<u8>,
    pub(crate) second: Vec<u8>,
}

impl Numbers {
    fn read(key_type: KeyType, members: &Object<'_>) -> Result<Self, String> {
        let (first, second) = match key_type {
            KeyType::Rsa => (unsigned(members, "n")?, unsigned(members, "e")?),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => (bytes(members, "x")?, bytes(members, "y")?),
            KeyType::Ed25519 => (bytes(members, "x")?, Vec::new()),
            #[cfg(feature = "ml-dsa")]
            KeyType::MlDsa44 | KeyType::MlDsa65 | KeyType::MlDsa87 => (bytes(members, "pub")?, Vec::new()),
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
            #[cfg(feature = "ml-dsa")]
            KeyType::MlDsa44 => KeyMaterial::MlDsa { algorithm: Algorithm::MlDsa44, public: first },
            #[cfg(feature = "ml-dsa")]
            KeyType::MlDsa65 => KeyMaterial::MlDsa { algorithm: Algorithm::MlDsa65, public: first },
            #[cfg(feature = "ml-dsa")]
            KeyType::MlDsa87 => KeyMaterial::MlDsa { algorithm: Algorithm::MlDsa87, public: first },
        })
    }
}

/// The members that only private keys have: RFC 7518 section 6, RFC 8037 section 2, and RFC 9964's `priv`.
static PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Refuses symmetric and private keys. An `oth` without any prime is harmless: .NET writes one into every key.
fn refuse_secrets(members: &Object<'_>) -> Result<(), ConfigError> {
    let kid = || text(members, "kid");
    if get(members, "kty").and_then(Value::as_str) == Some("oct") || get(members, "k").is_some() {
        return Err(ConfigError::SymmetricKey { kid: kid() });
    }
    for member in PRIVATE {
        if get(members, member).is_some_and(|value| *member != "oth" || *value != Value::Array(Vec::new())) {
            return Err(ConfigError::PrivateKey { member, kid: kid() });
        }
    }
    Ok(())
}

fn key_type(members: &Object<'_>) -> Result<KeyType, String> {
    let kty = string(members, "kty", TYPES)?;
    let curves = match kty {
        "RSA" => return Ok(KeyType::Rsa),
        "EC" => "\"P-256\", \"P-384\" or \"P-521\"",
        "OKP" => "\"Ed25519\"",
        "AKP" => return algorithm_key_pair(members),
        _ => return Err(unsupported("kty", kty, TYPES)),
    };
    let crv = string(members, "crv", curves)?;
    match (kty, crv) {
        ("EC", "P-256") => Ok(KeyType::P256),
        ("EC", "P-384") => Ok(KeyType::P384),
        ("EC", "P-521") => Ok(KeyType::P521),
        ("OKP", "Ed25519") => Ok(KeyType::Ed25519),
        _ => Err(unsupported("crv", crv, curves)),
    }
}

#[cfg(not(feature = "ml-dsa"))]
const TYPES: &str = "\"RSA\", \"EC\" or \"OKP\"";
#[cfg(feature = "ml-dsa")]
const TYPES: &str = "\"RSA\", \"EC\", \"OKP\" or \"AKP\"";

/// A key of RFC 9964, whose `alg` must be there: it says what its `pub` is.
#[cfg(feature = "ml-dsa")]
fn algorithm_key_pair(members: &Object<'_>) -> Result<KeyType, String> {
    let expected = "\"ML-DSA-44\", \"ML-DSA-65\" or \"ML-DSA-87\"";
    match string(members, "alg", expected)? {
        "ML-DSA-44" => Ok(KeyType::MlDsa44),
        "ML-DSA-65" => Ok(KeyType::MlDsa65),
        "ML-DSA-87" => Ok(KeyType::MlDsa87),
        other => Err(unsupported("alg", other, expected)),
    }
}

#[cfg(not(feature = "ml-dsa"))]
fn algorithm_key_pair(_: &Object<'_>) -> Result<KeyType, String> {
    Err(unsupported("kty", "AKP", TYPES) + ML_DSA_HINT)
}

/// `use` and `key_ops` must allow verifying (RFC 7517 sections 4.2 and 4.3); everything must have its JSON type.
fn check_metadata(members: &Object<'_>) -> Result<(), String> {
    for name in &["kid", "use", "alg"] {
        if get(members, name).is_some() {
            string(members, name, "a string")?;
        }
    }
    if let Some(usage) = get(members, "use").and_then(Value::as_str)
        && usage != "sig"
    {
        return Err(unsupported("use", usage, "\"sig\""));
    }
    if let Some(operations) = get(members, "key_ops") {
        let elements = operations.as_array().unwrap_or(slice::from_ref(operations));
        if elements.iter().any(|element| element.as_str().is_none()) || operations.as_str().is_some() {
            return Err("its key_ops is not an array of strings".to_owned());
        }
        if json::has_twice(&mut elements.iter().filter_map(Value::as_str)) {
            return Err("its key_ops names an operation twice, which RFC 7517 section 4.3 forbids".to_owned());
        }
        if !elements.contains(&Value::from("verify")) {
            return Err("its key_ops do not include \"verify\"".to_owned());
        }
    }
    Ok(())
}

/// A member; `null` is absent.
fn get<'m, 'a>(members: &'m Object<'a>, name: &str) -> Option<&'m Value<'a>> {
    members.get(name).filter(|value| **value != Value::Null)
}

fn text(members: &Object<'_>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(ToString::to_string)
}

/// A member that must be there and be a string.
fn string<'m>(members: &'m Object<'_>, name: &str, expected: &str) -> Result<&'m str, String> {
    let found = match get(members, name) {
        Some(Value::String(text)) => return Ok(text),
        Some(other) => other.kind(),
        None if get(members, "x5c").is_some() => "missing (x5c is not read)",
        None => "missing",
    };
    Err(wrong(name, found, expected))
}

fn unsupported(name: &str, found: &str, expected: &str) -> String {
    wrong(name, &shown(found), expected)
}

fn wrong(name: &str, found: &str, expected: &str) -> String {
    filled("its {} is {}; it should be {}", &[Text(name), Text(found), Text(expected)])
}

fn bytes(members: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    let text = string(members, name, "base64url text")?.as_bytes();
    base64url::decode(text)
        .ok_or_else(|| filled("its {} is malformed: {}", &[Text(name), Text(base64url::problem(text))]))
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
