//! Signature arithmetic behind one small trait: prepare a public key once, verify many times.
//!
//! Verification handles public data only, so an engine may take time that depends on its inputs.

#[cfg(feature = "compare")]
pub mod compare;
#[cfg(any(not(feature = "reference"), feature = "compare"))]
mod fast;
mod hash;
#[cfg(feature = "ml-dsa")]
mod ml_dsa;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod weak;

use alloc::boxed::Box;
use alloc::string::{String, ToString};

pub(crate) use hash::token_hash;

use crate::Algorithm;

/// The public numbers of a key, big-endian, as a JWK gives them.
pub(crate) enum KeyMaterial<'a> {
    /// Without leading zeros.
    Rsa { modulus: &'a [u8], exponent: &'a [u8] },
    /// Coordinates of the size of the field (32 bytes).
    P256 { x: &'a [u8], y: &'a [u8] },
    /// 48 bytes each.
    P384 { x: &'a [u8], y: &'a [u8] },
    /// 66 bytes each.
    P521 { x: &'a [u8], y: &'a [u8] },
    /// The encoded point, 32 bytes.
    Ed25519 { point: &'a [u8] },
    /// As FIPS 204 encodes it: 1312, 1952 or 2592 bytes.
    #[cfg(feature = "ml-dsa")]
    MlDsa { algorithm: Algorithm, public: &'a [u8] },
}

/// A key that passed every check.
pub(crate) trait VerifyingKey: Send + Sync {
    /// Whether the signature holds. An algorithm that this key cannot serve never holds.
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool;
}

/// An engine: does every check and every precomputation a key needs. The error says what is wrong with the key.
type Prepare = fn(&KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, &'static str>;

#[cfg(feature = "reference")]
const PREPARE: Prepare = rustcrypto::prepare;
#[cfg(not(feature = "reference"))]
const PREPARE: Prepare = fast::prepare;

/// Checks a key and prepares it with the engine this build uses.
pub(crate) fn prepare(material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, String> {
    prepare_with(PREPARE, material)
}

fn prepare_with(prepare: Prepare, material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, String> {
    weak::check(material)?;
    prepare(material).map_err(ToString::to_string)
}
