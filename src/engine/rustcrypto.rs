//! The reference engine: RustCrypto's `rsa`, `p256`, `p384`, `p521` and dalek's `ed25519-dalek`.

mod ecdsa;
mod ed25519;
mod rsa;

use alloc::boxed::Box;

use super::{KeyMaterial, VerifyingKey};

pub(super) fn prepare(material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, &'static str> {
    match material {
        KeyMaterial::Rsa { modulus, exponent } => rsa::prepare(modulus, exponent),
        KeyMaterial::P256 { x, y } => ecdsa::prepare_p256(x, y),
        KeyMaterial::P384 { x, y } => ecdsa::prepare_p384(x, y),
        KeyMaterial::P521 { x, y } => ecdsa::prepare_p521(x, y),
        KeyMaterial::Ed25519 { point } => ed25519::prepare(point),
        #[cfg(feature = "ml-dsa")]
        KeyMaterial::MlDsa { algorithm, public } => super::ml_dsa::prepare(*algorithm, public),
    }
}
