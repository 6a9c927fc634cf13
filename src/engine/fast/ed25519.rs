//! Ed25519 (RFC 8032 section 5.1.7), strictly: canonical S, no key or R of small order, the equation without the cofactor, as
//! the reference engine has it.

use alloc::boxed::Box;

use super::super::VerifyingKey;
use super::edwards::{Edwards25519, Extended, Order};
use super::field::Residue;
use super::multiples::KeyPoint;
use crate::Algorithm;
use crate::algorithm::Hash;
use crate::engine::hash::hashed;

pub(super) fn prepare(encoded: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    const OFF_CURVE: &str = "its Ed25519 point is not on the curve";
    let (Ok(bytes), Some(point)) = (encoded.try_into(), Extended::decode(encoded)) else { return Err(OFF_CURVE) };
    if point.has_small_order() {
        return Err("its Ed25519 point has small order");
    }
    Ok(Box::new(Key { encoded: bytes, negated: KeyPoint::new(point.negated()) }))
}

struct Key {
    encoded: [u8; 32],
    /// The opposite of the point, so that the equation is solved for R by a sum.
    negated: KeyPoint<Edwards25519, 9>,
}

impl VerifyingKey for Key {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if algorithm != Algorithm::EdDsa || signature.len() != 64 {
            return false;
        }
        let (r, s) = signature.split_at(32);
        let s = Residue::<Order, 9>::from_le_bytes(s);
        if !s.is_below_modulus() {
            return false;
        }
        let hash = hashed(Hash::Sha512, &[r, &self.encoded, message]);
        let sum = self.negated.sum(&s, &reduced(&hash));
        sum.is_some_and(|sum| sum.is_encoded_as(r) && !sum.has_small_order())
    }
}

/// 64 bytes, the least significant first, modulo the order.
fn reduced(hash: &[u8]) -> Residue<Order, 9> {
    // Both constants have a factor R, by which the product divides.
    const HALF: &Residue<Order, 9> = &Residue::power_of_two_times_r(256);
    let (low, high) = hash.split_at(32);
    let (low, high) = (Residue::from_le_bytes(low), Residue::from_le_bytes(high));
    (&low.mul(Residue::ONE) + &high.mul(HALF)).least()
}

#[cfg(feature = "compare")]
pub(super) fn sums_are(point: &[u8], u: &[u8], v: &[u8], expected: Option<&[u8]>) -> [bool; 3] {
    let number = Residue::<Order, 9>::from_le_bytes;
    let neutral: [u8; 32] = core::array::from_fn(|at| u8::from(at == 0));
    let Some(point) = Extended::decode(point) else { return [false; 3] };
    let encoded = expected.unwrap_or_default();
    let is_expected = |sum: Option<Extended>| sum.map_or(encoded == neutral, |sum| sum.is_encoded_as(encoded));
    KeyPoint::<Edwards25519, 9>::new(point).sums(&number(u), &number(v)).map(is_expected)
}
