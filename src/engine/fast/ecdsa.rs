//! ECDSA (FIPS 186-5 section 6.4.2) on the NIST curves (SP 800-186 section 3.2.1), each with the hash RFC 7518 section 3.4 pairs
//! it with.

use alloc::boxed::Box;

use super::super::VerifyingKey;
use super::field::{Modulus, Residue, difference, hexadecimal, sum_of_powers};
use super::multiples::{KeyPoint, Tables};
use super::weierstrass::{Curve, Jacobian, Points};
use crate::Algorithm;
use crate::algorithm::Hash;
use crate::engine::hash::hashed;

/// A curve is its numbers; the code over them is the same.
macro_rules! curve {
    (
        $curve:ident, $field:ident, $order:ident: $limbs:literal limbs of $limb_bits:literal bits, $bits:literal bits;
        p: $p:expr; n: $n:literal; b: $b:literal; x: $x:literal; y: $y:literal;
    ) => {
        #[derive(Clone, Copy)]
        pub(super) struct $curve;
        #[derive(Clone, Copy)]
        pub(super) struct $field;
        #[derive(Clone, Copy)]
        pub(super) struct $order;

        impl Modulus<$limbs> for $field {
            const LIMB_BITS: usize = $limb_bits;
            const BITS: usize = $bits;
            const LIMBS: &'static [i64; $limbs] = &sum_of_powers($limb_bits, &$p);
            const UNROLLED: bool = true;
        }

        impl Modulus<$limbs> for $order {
            const LIMB_BITS: usize = $limb_bits;
            const BITS: usize = $bits;
            const LIMBS: &'static [i64; $limbs] = &hexadecimal($limb_bits, $n);
            const UNROLLED: bool = false;
        }

        impl Curve<$limbs> for $curve {
            type Field = $field;
            type Order = $order;
            const B: &'static Residue<$field, $limbs> = &Residue::hexadecimal($b);
            const X: &'static Residue<$field, $limbs> = &Residue::hexadecimal($x);
            const Y: &'static Residue<$field, $limbs> = &Residue::hexadecimal($y);

            fn base_tables() -> &'static Tables<Points<Self, $limbs>, $limbs> {
                static TABLES: Tables<Points<$curve, $limbs>, $limbs> = Tables::new();
                &TABLES
            }
        }
    };
}

curve! {
    P256, P256Field, P256Order: 9 limbs of 29 bits, 256 bits;
    p: [(256, 1), (224, -1), (192, 1), (96, 1), (0, -1)];
    n: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b";
    x: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    y: "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
}
curve! {
    P384, P384Field, P384Order: 14 limbs of 28 bits, 384 bits;
    p: [(384, 1), (128, -1), (96, -1), (32, 1), (0, -1)];
    n: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef";
    x: "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";
    y: "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
}
curve! {
    P521, P521Field, P521Order: 19 limbs of 28 bits, 521 bits;
    p: [(521, 1), (0, -1)];
    n: "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
    b: "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00";
    x: "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66";
    y: "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650";
}

pub(super) fn prepare_p256(x: &[u8], y: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    prepare::<P256, 9>(Algorithm::Es256, Hash::Sha256, x, y)
}

pub(super) fn prepare_p384(x: &[u8], y: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    prepare::<P384, 14>(Algorithm::Es384, Hash::Sha384, x, y)
}

pub(super) fn prepare_p521(x: &[u8], y: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    prepare::<P521, 19>(Algorithm::Es512, Hash::Sha512, x, y)
}

fn prepare<C: Curve<L>, const L: usize>(
    algorithm: Algorithm,
    hash: Hash,
    x: &[u8],
    y: &[u8],
) -> Result<Box<dyn VerifyingKey>, &'static str> {
    let point = Jacobian::new(&Residue::from_be_bytes(x), &Residue::from_be_bytes(y));
    let point = KeyPoint::new(point.ok_or("its point is not on the curve")?);
    Ok(Box::new(Key::<C, L> { algorithm, hash, point }))
}

struct Key<C: Curve<L>, const L: usize> {
    algorithm: Algorithm,
    /// Never longer than the order of the curve.
    hash: Hash,
    point: KeyPoint<Points<C, L>, L>,
}

impl<C: Curve<L>, const L: usize> VerifyingKey for Key<C, L> {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let size = C::Order::BITS.div_ceil(8);
        if algorithm != self.algorithm || signature.len() != 2 * size {
            return false;
        }
        let (r_bytes, s) = signature.split_at(size);
        let r = Residue::<C::Order, L>::from_be_bytes(r_bytes);
        let s = Residue::<C::Order, L>::from_be_bytes(s);
        if [&r, &s].into_iter().any(|number| number.is_nothing() || !number.is_below_modulus()) {
            return false;
        }
        let inverse = s.inverted().montgomery();
        let hash = Residue::from_be_bytes(&hashed(self.hash, &[message]));
        let u = hash.mul(&inverse).least();
        let v = r.mul(&inverse).least();
        let Some(sum) = self.point.sum(&u, &v) else { return false };
        // The x of the sum is below p, and must be r modulo n: it is r, or r + n where that is below p too.
        let x = Residue::from_be_bytes(r_bytes);
        let gap = const { &difference(C::Field::M, C::Order::M, C::Field::LIMB_BITS) };
        sum.has_x(&x) || (x.is_below(gap) && sum.has_x(&(&x + const { &Residue::below_modulus(*C::Order::M) })))
    }
}

#[cfg(feature = "compare")]
pub(super) fn sums_are<C: Curve<L>, const L: usize>(point: &[u8], u: &[u8], v: &[u8], x: Option<&[u8]>) -> [bool; 3] {
    let number = Residue::<C::Order, L>::from_be_bytes;
    let (key_x, key_y) = point.split_at(point.len() / 2);
    let Some(point) = Jacobian::<C, L>::new(&Residue::from_be_bytes(key_x), &Residue::from_be_bytes(key_y)) else {
        return [false; 3];
    };
    let is_expected = |sum: Option<Jacobian<C, L>>| match (sum, x) {
        (Some(sum), Some(x)) => sum.has_x(&Residue::from_be_bytes(x)),
        (sum, x) => sum.is_none() && x.is_none(),
    };
    KeyPoint::<Points<C, L>, L>::new(point).sums(&number(u), &number(v)).map(is_expected)
}

#[cfg(test)]
mod tests;
