//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 sections 8.2 and 8.1).

mod columns;
mod fused;
mod modulus;
mod montgomery;
mod pair;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use self::fused::Fused;
use self::modulus::Modulus;
use super::super::VerifyingKey;
use crate::Algorithm;
use crate::algorithm::{Hash, Scheme};
use crate::engine::hash::hashed;

/// Big-endian numbers that `weak::check` has let pass.
pub(super) fn prepare(modulus: &[u8], exponent: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    let exponent = exponent.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
    let (encoded, fused) = (modulus.to_vec(), Fused::new());
    Ok(Box::new(RsaKey { encoded, modulus: Modulus::new(modulus), exponent, fused }))
}

#[cfg(feature = "compare")]
pub(super) fn power(modulus: &[u8], exponent: u32, base: &[u8]) -> Vec<u8> {
    Modulus::new(modulus).power(base, exponent)
}

#[cfg(all(feature = "compare", not(feature = "wasm")))]
pub(super) fn use_fused(kernel: super::FusedKernel) {
    fused::KERNEL.set(Box::new(kernel)).unwrap_or_default();
}

struct RsaKey {
    /// The modulus, big-endian without leading zeros.
    encoded: Vec<u8>,
    modulus: Modulus,
    exponent: u32,
    fused: Fused,
}

impl VerifyingKey for RsaKey {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some(scheme) = algorithm.scheme() else { return false };
        // Sections 5.2.2 and 8.2.2, steps 1 and 2: as long as the modulus.
        if signature.len() != self.encoded.len() || signature >= self.encoded.as_slice() {
            return false;
        }
        self.fused.check((&self.modulus, &self.encoded), self.exponent, signature, |encoded| match scheme {
            Scheme::RsaPkcs1(hash) => is_pkcs1(hash, encoded, message),
            Scheme::RsaPss(hash) => self.is_pss(hash, encoded, message),
            _ => false,
        })
    }
}

impl RsaKey {
    /// Section 9.1.2 with a salt as long as the hash, and MGF1 with the same hash. The comments are its steps.
    fn is_pss(&self, hash: Hash, encoded: &[u8], message: &[u8]) -> bool {
        // One bit less than the modulus: a byte less where that is the first bit of its byte.
        let unused = 1 + self.encoded.first().map_or(0, |first| first.leading_zeros());
        let encoded = match encoded.split_first() {
            Some((0, rest)) if unused == 8 => rest,
            Some(_) if unused < 8 => encoded,
            _ => return false,
        };
        let unused = unused % 8;
        // 3, 4, 5
        let digest = hashed(hash, &[message]);
        let size = digest.len();
        let Some((0xbc, rest)) = encoded.split_last() else { return false };
        let Some((masked, seed)) = rest.len().checked_sub(size).and_then(|at| rest.split_at_checked(at)) else {
            return false;
        };
        // 6
        if masked.first().is_none_or(|first| first.leading_zeros() < unused) {
            return false;
        }
        // 7, 8, 9
        let mut block = mgf1(hash, seed, masked.len());
        for (byte, masked) in block.iter_mut().zip(masked) {
            *byte ^= masked;
        }
        if let Some(first) = block.first_mut() {
            *first &= 0xff >> unused;
        }
        // 10
        let Some((padding, salt)) = block.len().checked_sub(size).and_then(|at| block.split_at_checked(at)) else {
            return false;
        };
        let is_padding = padding.split_last().is_some_and(|(last, zeros)| *last == 1 && zeros.iter().all(|b| *b == 0));
        // 12, 13, 14
        is_padding && seed == hashed(hash, &[&[0; 8], &digest, salt])
    }
}

/// Section 9.2: the whole block, compared with the one there must be.
fn is_pkcs1(hash: Hash, encoded: &[u8], message: &[u8]) -> bool {
    let info = match hash {
        Hash::Sha256 => &SHA256_INFO,
        Hash::Sha384 => &SHA384_INFO,
        Hash::Sha512 => &SHA512_INFO,
    };
    let digest = hashed(hash, &[message]);
    let Some(padding) = encoded.len().checked_sub(3 + info.len() + digest.len()) else { return false };
    let mut expected = vec![0, 1];
    expected.resize(2 + padding, 0xff);
    expected.push(0);
    expected.extend_from_slice(info);
    expected.extend_from_slice(&digest);
    encoded == expected
}

/// Appendix B.2.1.
fn mgf1(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::new();
    let mut counter = 0_u32;
    while mask.len() < length {
        mask.extend_from_slice(&hashed(hash, &[seed, &counter.to_be_bytes()]));
        counter += 1;
    }
    mask.truncate(length);
    mask
}

// The DER encoding of everything before the hash (section 9.2, note 1).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
const SHA384_INFO: [u8; 19] =
    [0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30];
const SHA512_INFO: [u8; 19] =
    [0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40];
