//! ML-DSA (FIPS 204, Algorithm 3: the signature of the message itself, with an empty context, as in RFC 9964), by `RustCrypto`'s
//! `ml-dsa`.

use alloc::boxed::Box;

use ml_dsa::{EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature};
use once_cell::race::OnceBox;

use super::VerifyingKey;
use crate::Algorithm;

/// The bytes of a public key; every text of this length is one.
pub(super) const fn key_size(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::MlDsa44 => 1312,
        Algorithm::MlDsa65 => 1952,
        _ => 2592,
    }
}

pub(super) fn prepare(algorithm: Algorithm, public: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    match algorithm {
        Algorithm::MlDsa44 => MlDsaKey::<MlDsa44>::boxed(algorithm, public),
        Algorithm::MlDsa65 => MlDsaKey::<MlDsa65>::boxed(algorithm, public),
        _ => MlDsaKey::<MlDsa87>::boxed(algorithm, public),
    }
}

struct MlDsaKey<P: MlDsaParams> {
    algorithm: Algorithm,
    encoded: EncodedVerifyingKey<P>,
    /// With its matrix: up to 75 kB, and most of the work of a verification. So only keys that verify something have it.
    expanded: OnceBox<ml_dsa::VerifyingKey<P>>,
}

impl<P: MlDsaParams + Send + Sync + 'static> MlDsaKey<P> {
    fn boxed(algorithm: Algorithm, public: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
        let encoded = public.try_into().map_err(|_| "its pub has the wrong length")?;
        Ok(Box::new(Self { algorithm, encoded, expanded: OnceBox::new() }))
    }
}

impl<P: MlDsaParams + Send + Sync + 'static> VerifyingKey for MlDsaKey<P> {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        algorithm == self.algorithm
            && Signature::<P>::try_from(signature).is_ok_and(|signature| {
                let key = self.expanded.get_or_init(|| Box::new(ml_dsa::VerifyingKey::decode(&self.encoded)));
                key.verify_with_context(message, &[], &signature)
            })
    }
}
