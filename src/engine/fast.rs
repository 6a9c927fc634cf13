//! Our own arithmetic, for verification only: variable time, because nothing here is secret.
#![allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "limbs have constant places; debug builds check ranges"
)]

mod ecdsa;
mod ed25519;
mod edwards;
mod field;
#[cfg(feature = "compare")]
mod field_operation;
mod multiples;
mod rsa;
mod weierstrass;

use alloc::boxed::Box;
#[cfg(feature = "compare")]
use alloc::vec::Vec;

use super::{KeyMaterial, VerifyingKey};
#[cfg(feature = "compare")]
use crate::Algorithm;

pub(super) fn prepare(material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, &'static str> {
    match material {
        KeyMaterial::P256 { x, y } => ecdsa::prepare_p256(x, y),
        KeyMaterial::P384 { x, y } => ecdsa::prepare_p384(x, y),
        KeyMaterial::P521 { x, y } => ecdsa::prepare_p521(x, y),
        KeyMaterial::Ed25519 { point } => ed25519::prepare(point),
        #[cfg(feature = "ml-dsa")]
        KeyMaterial::MlDsa { algorithm, public } => super::ml_dsa::prepare(*algorithm, public),
        KeyMaterial::Rsa { modulus, exponent } => rsa::prepare(modulus, exponent),
    }
}

#[cfg(feature = "compare")]
pub(super) fn rsa_power(modulus: &[u8], exponent: u32, base: &[u8]) -> Vec<u8> {
    rsa::power(modulus, exponent, base)
}

#[cfg(feature = "compare")]
pub(super) use field_operation::field;

/// Like the module of `relaxed/`: given numbers, limbs, words and squarings.
#[cfg(all(feature = "compare", not(feature = "wasm")))]
pub(super) type FusedKernel = fn(&mut [u64], usize, usize, u32) -> bool;

#[cfg(all(feature = "compare", not(feature = "wasm")))]
pub(super) fn use_fused(kernel: FusedKernel) {
    rsa::use_fused(kernel);
}

#[cfg(feature = "compare")]
pub(super) fn sums_are(algorithm: Algorithm, point: &[u8], u: &[u8], v: &[u8], expected: Option<&[u8]>) -> [bool; 3] {
    match algorithm {
        Algorithm::Es256 => ecdsa::sums_are::<ecdsa::P256, 9>(point, u, v, expected),
        Algorithm::Es384 => ecdsa::sums_are::<ecdsa::P384, 14>(point, u, v, expected),
        Algorithm::Es512 => ecdsa::sums_are::<ecdsa::P521, 19>(point, u, v, expected),
        _ => ed25519::sums_are(point, u, v, expected),
    }
}
