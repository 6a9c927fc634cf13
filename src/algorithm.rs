//! The one table of JOSE algorithms. Nothing else matches on names.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use crate::error::{ml_dsa_hint, shown};

/// A signature algorithm this crate verifies (RFC 7518 section 3.1, RFC 8037, RFC 9864, RFC 9964).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, a salt of 32 bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, a salt of 48 bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, a salt of 64 bytes.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519. Named `Ed25519` by RFC 9864 and `EdDSA` by RFC 8037; here they are one algorithm.
    EdDsa,
    /// ML-DSA-44 (FIPS 204), with an empty context.
    #[cfg(feature = "ml-dsa")]
    MlDsa44,
    /// ML-DSA-65 (FIPS 204), with an empty context.
    #[cfg(feature = "ml-dsa")]
    MlDsa65,
    /// ML-DSA-87 (FIPS 204), with an empty context.
    #[cfg(feature = "ml-dsa")]
    MlDsa87,
}

/// What a key must be to serve an algorithm: a JWK's `kty` and, where there is one, its `crv`; of `AKP` its `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
    #[cfg(feature = "ml-dsa")]
    MlDsa44,
    #[cfg(feature = "ml-dsa")]
    MlDsa65,
    #[cfg(feature = "ml-dsa")]
    MlDsa87,
}

impl KeyType {
    /// A JWK's `kty` and `crv`.
    #[cfg(feature = "der")]
    pub(crate) fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Rsa => ("RSA", None),
            Self::P256 => ("EC", Some("P-256")),
            Self::P384 => ("EC", Some("P-384")),
            Self::P521 => ("EC", Some("P-521")),
            Self::Ed25519 => ("OKP", Some("Ed25519")),
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => ("AKP", None),
        }
    }

    pub(crate) fn has_no_curve(self) -> bool {
        match self {
            Self::Rsa => true,
            Self::P256 | Self::P384 | Self::P521 | Self::Ed25519 => false,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    RsaPkcs1(Hash),
    RsaPss(Hash),
    Ecdsa,
    Ed25519,
    #[cfg(feature = "ml-dsa")]
    MlDsa,
}

struct Row {
    algorithm: Algorithm,
    names: &'static [&'static str],
    key_type: KeyType,
    scheme: Scheme,
    /// In bytes; `None` where it is the size of the key's modulus.
    signature_size: Option<usize>,
}

const fn row(
    algorithm: Algorithm,
    names: &'static [&'static str],
    key_type: KeyType,
    scheme: Scheme,
    signature_size: Option<usize>,
) -> Row {
    Row { algorithm, names, key_type, scheme, signature_size }
}

const ROWS: usize = if cfg!(feature = "ml-dsa") { 13 } else { 10 };

#[rustfmt::skip]
static TABLE: [Row; ROWS] = {
    use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    use Hash::{Sha256, Sha384, Sha512};
    use KeyType::{Ed25519, P256, P384, P521, Rsa};
    [
        row(Rs256, &["RS256"],            Rsa,     Scheme::RsaPkcs1(Sha256), None),
        row(Rs384, &["RS384"],            Rsa,     Scheme::RsaPkcs1(Sha384), None),
        row(Rs512, &["RS512"],            Rsa,     Scheme::RsaPkcs1(Sha512), None),
        row(Ps256, &["PS256"],            Rsa,     Scheme::RsaPss(Sha256),   None),
        row(Ps384, &["PS384"],            Rsa,     Scheme::RsaPss(Sha384),   None),
        row(Ps512, &["PS512"],            Rsa,     Scheme::RsaPss(Sha512),   None),
        row(Es256, &["ES256"],            P256,    Scheme::Ecdsa,            Some(64)),
        row(Es384, &["ES384"],            P384,    Scheme::Ecdsa,            Some(96)),
        row(Es512, &["ES512"],            P521,    Scheme::Ecdsa,            Some(132)),
        row(EdDsa, &["EdDSA", "Ed25519"], Ed25519, Scheme::Ed25519,          Some(64)),
        #[cfg(feature = "ml-dsa")]
        row(Algorithm::MlDsa44, &["ML-DSA-44"], KeyType::MlDsa44, Scheme::MlDsa, Some(2420)),
        #[cfg(feature = "ml-dsa")]
        row(Algorithm::MlDsa65, &["ML-DSA-65"], KeyType::MlDsa65, Scheme::MlDsa, Some(3309)),
        #[cfg(feature = "ml-dsa")]
        row(Algorithm::MlDsa87, &["ML-DSA-87"], KeyType::MlDsa87, Scheme::MlDsa, Some(4627)),
    ]
};

impl Algorithm {
    /// Every supported algorithm.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.algorithm)
    }

    /// The algorithm a JOSE `alg` value names, exactly as spelled: JOSE names are case-sensitive (RFC 7515 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.names.contains(&name)).map(|row| row.algorithm)
    }

    /// The JOSE name; `EdDSA` for Ed25519.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().and_then(|row| row.names.first()).copied().unwrap_or_default()
    }

    pub(crate) fn key_type(self) -> Option<KeyType> {
        self.row().map(|row| row.key_type)
    }

    pub(crate) fn scheme(self) -> Option<Scheme> {
        self.row().map(|row| row.scheme)
    }

    pub(crate) fn signature_size(self) -> Option<usize> {
        self.row().and_then(|row| row.signature_size)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.algorithm == self)
    }
}

/// The JOSE name.
impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// Reads a JOSE name as [`Algorithm::from_name`] does.
///
/// ```
/// use tokenward::Algorithm;
///
/// assert_eq!("ES256".parse(), Ok(Algorithm::Es256));
/// assert!("es256".parse::<Algorithm>().is_err());
/// ```
impl FromStr for Algorithm {
    type Err = ParseAlgorithmError;

    fn from_str(name: &str) -> Result<Self, ParseAlgorithmError> {
        Self::from_name(name).ok_or_else(|| ParseAlgorithmError { name: name.to_string() })
    }
}

/// A text that names no algorithm of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseAlgorithmError {
    name: String,
}

impl ParseAlgorithmError {
    /// The text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ParseAlgorithmError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_str();
        write!(out, "{} is no supported algorithm; it should be one of ", shown(name))?;
        for (index, algorithm) in Algorithm::all().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{algorithm}")?;
        }
        match Algorithm::all().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name)) {
            Some(algorithm) => write!(out, "; names are case-sensitive: perhaps {algorithm} is meant"),
            None if name.starts_with("HS") => out.write_str("; who can verify HS256 and its like can also sign"),
            None => out.write_str(ml_dsa_hint(name)),
        }
    }
}

impl core::error::Error for ParseAlgorithmError {}
