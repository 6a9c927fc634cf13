//! Public keys as X.509 writes them: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) in DER, or in PEM (RFC 7468 section 13).
//! Read by `RustCrypto`'s strict decoders; what a key must be is what a JWK must be.

use alloc::format;
#[cfg(feature = "pem")]
use alloc::string::String;
use alloc::vec::Vec;

use spki::der::asn1::{AnyRef, UintRef};
use spki::der::{self, Decode, Reader, SliceReader, Tag, Tagged};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::algorithm::KeyType;
use crate::error::ConfigError;
#[cfg(feature = "pem")]
use crate::error::shown;
use crate::jwk::Numbers;
use crate::{Algorithm, Jwk};

/// In bytes: several times the largest key.
const MAX_BYTES: usize = 16 * 1024;

/// RFC 3279 section 2.3.1. `id-RSASSA-PSS` is another one, and has parameters that a JWK cannot express.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// RFC 5480 section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 section 2.1.1.1.
const CURVES: [(ObjectIdentifier, KeyType, usize); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), KeyType::P256, 32),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), KeyType::P384, 48),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), KeyType::P521, 66),
];
/// Keys that are the bit string itself, without parameters: RFC 8410 section 3, RFC 9881 section 2.
const BARE: &[(ObjectIdentifier, KeyType)] = &[
    (ObjectIdentifier::new_unwrap("1.3.101.112"), KeyType::Ed25519),
    #[cfg(feature = "ml-dsa")]
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), KeyType::MlDsa44),
    #[cfg(feature = "ml-dsa")]
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), KeyType::MlDsa65),
    #[cfg(feature = "ml-dsa")]
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), KeyType::MlDsa87),
];

impl Jwk {
    /// Reads a public key from DER: a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of at most 16 KiB with an RSA key
    /// (`rsaEncryption`), a point of P-256, P-384 or P-521 (a named curve, uncompressed) or an Ed25519 key.
    ///
    /// The key then serves one algorithm: `algorithm`, or, with `None`, the only one that fits. An RSA key fits six, so its
    /// algorithm must be told. Give it the `kid` that tokens name by [`Jwk::with_kid`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::PrivateKey`] for a private key. [`ConfigError::InvalidKey`] for what is not strict DER, is followed by
    /// anything, is a key of another kind, or does not fit the algorithm, and, other than [`Jwk::from_json`], which leaves that
    /// to the verifier, for a key that is weak or invalid.
    #[cfg_attr(docsrs, doc(cfg(feature = "der")))]
    pub fn from_public_key_der(der: &[u8], algorithm: impl Into<Option<Algorithm>>) -> Result<Self, ConfigError> {
        check_size(der.len())?;
        let numbers =
            SubjectPublicKeyInfoRef::from_der(der).map_err(|error| not_a_public_key(der, &error)).and_then(read)?;
        let algorithm = settle(numbers.key_type, algorithm.into())?;
        Self::from_numbers(&numbers, algorithm).map_err(|problem| ConfigError::InvalidKey { problem })
    }

    /// Reads a public key from PEM (RFC 7468 section 13): one block `-----BEGIN PUBLIC KEY-----`, with nothing around it but
    /// white space, whose content is read as [`Jwk::from_public_key_der`] does it.
    ///
    /// ```
    /// use tokenward::{Jwk, JwkSet, Verifier};
    ///
    /// // RFC 8410 section 10.1.
    /// let pem = "-----BEGIN PUBLIC KEY-----
    /// MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
    /// -----END PUBLIC KEY-----
    /// ";
    /// let key = Jwk::from_public_key_pem(pem, None)?.with_kid("2026-01");
    /// assert_eq!(key.alg(), Some("EdDSA"));
    /// let keys = JwkSet::from_iter([key]);
    /// let verifier = Verifier::builder(keys, "https://login.example", "my-app").build()?;
    /// # Ok::<(), tokenward::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Jwk::from_public_key_der`].
    #[cfg(feature = "pem")]
    #[cfg_attr(docsrs, doc(cfg(feature = "pem")))]
    pub fn from_public_key_pem(pem: &str, algorithm: impl Into<Option<Algorithm>>) -> Result<Self, ConfigError> {
        check_size(pem.len())?;
        let pem = pem.trim_ascii();
        check_label(pem)?;
        if pem.matches("-----BEGIN").count() > 1 {
            return Err(invalid("there is more than one block of PEM: read each on its own"));
        }
        let (_, der) = pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|error| not_pem(&format!("{error}")))?;
        Self::from_public_key_der(&der, algorithm)
    }
}

fn check_size(bytes: usize) -> Result<(), ConfigError> {
    if bytes > MAX_BYTES {
        return Err(ConfigError::InvalidKey { problem: format!("it is {bytes} bytes long, more than {MAX_BYTES}") });
    }
    Ok(())
}

/// Whether it is the right kind of block, before anything of it is decoded.
#[cfg(feature = "pem")]
fn check_label(pem: &str) -> Result<(), ConfigError> {
    let Some((label, _)) = pem.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")) else {
        return Err(not_pem("it does not begin with -----BEGIN PUBLIC KEY-----"));
    };
    match label {
        "PUBLIC KEY" => Ok(()),
        "RSA PUBLIC KEY" => Err(invalid("it is PKCS#1; `openssl rsa -RSAPublicKey_in -pubout` makes it a PUBLIC KEY")),
        "CERTIFICATE" => Err(invalid("it is a certificate; `openssl x509 -pubkey -noout` prints the public key in it")),
        label if label.contains("PRIVATE KEY") => Err(private_key()),
        label => {
            Err(ConfigError::InvalidKey { problem: format!("its label is {}; it should be PUBLIC KEY", shown(label)) })
        }
    }
}

#[cfg(feature = "pem")]
fn not_pem(problem: &str) -> ConfigError {
    ConfigError::InvalidKey { problem: String::from("it is not strict PEM (RFC 7468): ") + problem }
}

/// A private key has its version where a public one has its algorithm (RFC 5958 section 2, RFC 8017 appendix A.1.2, RFC 5915).
fn not_a_public_key(bytes: &[u8], error: &der::Error) -> ConfigError {
    let first = SliceReader::new(bytes).and_then(|mut reader| {
        let first = reader.sequence(|reader| {
            let first = AnyRef::decode(reader)?;
            reader.read_slice(reader.remaining_len())?;
            Ok::<_, der::Error>(first)
        })?;
        Ok(first)
    });
    match first {
        Ok(first) if first.tag() == Tag::Integer && matches!(first.value(), [0 | 1]) => private_key(),
        Ok(first) if first.tag() == Tag::Integer => {
            invalid("it is an RSAPublicKey (PKCS#1); it should be a SubjectPublicKeyInfo (X.509)")
        }
        _ => ConfigError::InvalidKey { problem: format!("it is not a SubjectPublicKeyInfo in strict DER: {error}") },
    }
}

fn read(info: SubjectPublicKeyInfoRef<'_>) -> Result<Numbers, ConfigError> {
    let Some(key) = info.subject_public_key.as_bytes() else {
        return Err(invalid("its bit string does not end with a whole byte"));
    };
    let (oid, parameters) = (info.algorithm.oid, info.algorithm.parameters);
    if oid == RSA {
        // RFC 3279 section 2.3.1: the parameters must be NULL.
        if parameters != Some(AnyRef::NULL) {
            return Err(invalid("the parameters of its algorithm, rsaEncryption, are not NULL"));
        }
        return rsa(key).map_err(|error| ConfigError::InvalidKey {
            problem: format!("its RSAPublicKey is not strict DER: {error}"),
        });
    }
    if oid == EC {
        return point(parameters, key);
    }
    if let Some((_, key_type)) = BARE.iter().find(|(known, _)| *known == oid) {
        if parameters.is_some() {
            return Err(invalid("its algorithm has parameters, and should have none"));
        }
        return Ok(Numbers { key_type: *key_type, first: key.to_vec(), second: Vec::new() });
    }
    if oid == RSA_PSS {
        return Err(invalid(
            "its algorithm is id-RSASSA-PSS; the same key as rsaEncryption serves PS256, PS384 or PS512",
        ));
    }
    Err(ConfigError::InvalidKey {
        problem: format!("its algorithm is {oid}, which is not supported: RSA, P-256, P-384, P-521 and Ed25519 are"),
    })
}

/// RFC 8017 appendix A.1.1.
fn rsa(bytes: &[u8]) -> Result<Numbers, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let (modulus, exponent) =
        reader.sequence(|reader| Ok::<_, der::Error>((UintRef::decode(reader)?, UintRef::decode(reader)?)))?;
    reader.finish()?;
    Ok(Numbers { key_type: KeyType::Rsa, first: modulus.as_bytes().to_vec(), second: exponent.as_bytes().to_vec() })
}

/// An uncompressed point (SEC 1 section 2.3.3) of a curve that has a name: explicit parameters could be anybody's
/// (CVE-2020-0601), and RFC 5480 section 2.1.1 forbids them.
fn point(parameters: Option<AnyRef<'_>>, bytes: &[u8]) -> Result<Numbers, ConfigError> {
    let Some(curve) = parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok()) else {
        return Err(invalid("its curve is not given by name (RFC 5480 section 2.1.1)"));
    };
    let Some((_, key_type, size)) = CURVES.iter().find(|(known, ..)| *known == curve) else {
        let problem = format!("its curve is {curve}, which is not supported: P-256, P-384 and P-521 are");
        return Err(ConfigError::InvalidKey { problem });
    };
    match bytes {
        [4, numbers @ ..] if numbers.len() == 2 * size => {
            let (x, y) = numbers.split_at(*size);
            Ok(Numbers { key_type: *key_type, first: x.to_vec(), second: y.to_vec() })
        }
        [2 | 3, ..] => {
            Err(invalid("its point is compressed; `openssl ec -pubin -pubout -conv_form uncompressed` makes it longer"))
        }
        [4, ..] => {
            let (found, expected) = (bytes.len(), 2 * size + 1);
            Err(ConfigError::InvalidKey { problem: format!("its point has {found} bytes; it should have {expected}") })
        }
        _ => Err(invalid("its point is not uncompressed (SEC 1 section 2.3.3)")),
    }
}

/// The one algorithm of a key.
fn settle(key_type: KeyType, told: Option<Algorithm>) -> Result<Algorithm, ConfigError> {
    let mut fitting = Algorithm::all().filter(|algorithm| algorithm.key_type() == Some(key_type));
    let Some(told) = told else {
        return match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(invalid("it is an RSA key, which does not say its algorithm: tell which one, such as RS256")),
        };
    };
    if told.key_type() == Some(key_type) {
        return Ok(told);
    }
    let fitting: Vec<_> = fitting.map(Algorithm::name).collect();
    let problem = format!("it is not for {told}; it fits {}", fitting.join(", "));
    Err(ConfigError::InvalidKey { problem })
}

fn private_key() -> ConfigError {
    ConfigError::PrivateKey { member: "PRIVATE KEY", kid: None }
}

fn invalid(problem: &str) -> ConfigError {
    ConfigError::InvalidKey { problem: problem.into() }
}
