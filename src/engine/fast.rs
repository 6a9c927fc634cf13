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
mod multiples;
mod rsa;
mod weierstrass;

use alloc::boxed::Box;

use super::{KeyMaterial, VerifyingKey};

pub(super) fn prepare(material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, &'static str> {
    match material {
        KeyMaterial::P256 { x, y } => ecdsa::prepare_p256(x, y),
        KeyMaterial::P384 { x, y } => ecdsa::prepare_p384(x, y),
        KeyMaterial::P521 { x, y } => ecdsa::prepare_p521(x, y),
        KeyMaterial::Ed25519 { point } => ed25519::prepare(point),
        KeyMaterial::Rsa { modulus, exponent } => rsa::prepare(modulus, exponent),
    }
}
