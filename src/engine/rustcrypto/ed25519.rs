//! Ed25519 (RFC 8032 section 5.1.7), strictly: canonical S, no key or R of small order, the equation without the
//! cofactor, so that every verifier that agrees at all agrees with this one.

use alloc::boxed::Box;

use ed25519_dalek::{Signature, VerifyingKey as DalekKey};

use super::super::VerifyingKey;
use crate::Algorithm;

pub(super) fn prepare(point: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    let key = DalekKey::try_from(point).map_err(|_| "its Ed25519 point is not on the curve")?;
    if key.is_weak() {
        return Err("its Ed25519 point has small order");
    }
    Ok(Box::new(Ed25519Key(key)))
}

struct Ed25519Key(DalekKey);

impl VerifyingKey for Ed25519Key {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        algorithm == Algorithm::EdDsa
            && Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}
