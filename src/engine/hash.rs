//! The hashes that signatures and the `at_hash` of ID tokens are made of, behind one function: `hashed` takes the parts of a
//! message.

#[cfg(any(test, all(feature = "wasm", not(feature = "reference"))))]
mod small;

use alloc::vec::Vec;

use crate::Algorithm;
use crate::algorithm::{Hash, KeyType, Scheme};

#[cfg(any(not(feature = "wasm"), feature = "reference"))]
pub(super) use by_crate::hashed;
#[cfg(all(feature = "wasm", not(feature = "reference")))]
pub(super) use small::hashed;

/// RustCrypto's.
#[cfg(any(not(feature = "wasm"), feature = "reference"))]
mod by_crate {
    use alloc::vec::Vec;

    use sha2::{Digest, Sha256, Sha384, Sha512};

    use crate::algorithm::Hash;

    pub(in crate::engine) fn hashed(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
        match hash {
            Hash::Sha256 => digest::<Sha256>(parts),
            Hash::Sha384 => digest::<Sha384>(parts),
            Hash::Sha512 => digest::<Sha512>(parts),
        }
    }

    fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut digest = D::new();
        for part in parts {
            digest.update(part);
        }
        digest.finalize().to_vec()
    }
}

/// What the left half of is an ID token's `at_hash`, by the algorithm of its signature: `OpenID` Connect Core 1.0 section
/// 3.1.3.6, and for Ed25519 (SHA-512) and ML-DSA (64 bytes of SHAKE256) `OpenID` Connect Token Hash Algorithms 1.0.
pub(crate) fn token_hash(algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
    let hash = match (algorithm.scheme(), algorithm.key_type()) {
        (Some(Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash)), _) => hash,
        (_, Some(KeyType::P256)) => Hash::Sha256,
        (_, Some(KeyType::P384)) => Hash::Sha384,
        #[cfg(feature = "ml-dsa")]
        (Some(Scheme::MlDsa), _) => return shake256(text),
        _ => Hash::Sha512,
    };
    hashed(hash, &[text])
}

#[cfg(feature = "ml-dsa")]
fn shake256(text: &[u8]) -> Vec<u8> {
    use shake::{ExtendableOutput, Shake256, Update};
    let mut hash = Shake256::default();
    hash.update(text);
    let mut output = alloc::vec![0; 64];
    hash.finalize_xof_into(&mut output);
    output
}

#[cfg(test)]
mod tests;
