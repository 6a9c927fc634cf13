//! Signatures whose numbers stand where a comparison turns: keys are made for them.

use alloc::vec;
use alloc::vec::Vec;

use num_bigint::BigUint;

use super::*;

fn padded(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; size - bytes.len()], bytes].concat()
}

macro_rules! curve {
    ($test:ident: $curve:ty, $limbs:literal, $size:literal, $reference:ident, $prepare:ident, $algorithm:ident, $hash:ident) => {
        #[test]
        fn $test() {
            use $reference::elliptic_curve::ff::PrimeField;
            use $reference::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
            use $reference::{AffinePoint, ProjectivePoint, Scalar};

            let message = b"message";
            let order = BigUint::from_bytes_be(&(-Scalar::ONE).to_repr()) + 1_u32;
            let bytes = |number: &BigUint| padded(number, $size);
            let scalar =
                |number: &BigUint| Scalar::from_repr(bytes(&(number % &order)).as_slice().try_into().unwrap()).unwrap();
            let hash = scalar(&BigUint::from_bytes_be(&hashed(Hash::$hash, &[message])));
            // The point with the lowest x from one on, and that x.
            let point = |from: &BigUint| {
                let numbers = (0_u32..).map(|more| from + more);
                let found = numbers.map(|x| {
                    let encoded = bytes(&x).as_slice().try_into().unwrap();
                    (x, Option::<AffinePoint>::from(AffinePoint::decompress(&encoded, 0.into())))
                });
                found.into_iter().find_map(|(x, point)| Some((x, ProjectivePoint::from(point?)))).unwrap()
            };
            // The key for which r and s sign the message by this point.
            let key = |r: &BigUint, s: &BigUint, point: ProjectivePoint| {
                let inverse = Option::<Scalar>::from(scalar(r).invert()).unwrap();
                let key = ((point * scalar(s) - ProjectivePoint::GENERATOR * hash) * inverse).to_affine();
                $prepare(&key.x(), &key.y()).unwrap()
            };
            let algorithm = Algorithm::$algorithm;

            // An x that is no number below the order: r is what is left.
            let (x, sum) = point(&(&order + 1_u32));
            let r = &x - &order;
            for s in [BigUint::from(1_u32), &order - 1_u32] {
                let key = key(&r, &s, sum);
                let verify = |r: &BigUint, s: &BigUint| key.verify(algorithm, message, &[bytes(r), bytes(s)].concat());
                // With its windows, and later with its comb, which is slow to make where numbers are long.
                for _ in 0..if $limbs == 9 { 5 } else { 1 } {
                    assert!(verify(&r, &s));
                    assert!(!key.verify(algorithm, b"another", &[bytes(&r), bytes(&s)].concat()), "a small r");
                }
                let zero = BigUint::ZERO;
                assert!(!verify(&x, &s), "x itself");
                for (r, s) in
                    [(&zero, &s), (&r, &zero), (&zero, &zero), (&order, &s), (&r, &order), (&(&r + 1_u32), &s)]
                {
                    assert!(!verify(r, s), "{r}, {s}");
                }
                let other = &s + &order;
                assert!(
                    bytes(&order).len() < other.to_bytes_be().len() || !verify(&r, &other),
                    "s, and the order once more"
                );
                assert!(!key.verify(algorithm, message, &[bytes(&r), bytes(&s), vec![0]].concat()));
                assert!(!key.verify(algorithm, message, &bytes(&r)));
                assert!(!key.verify(Algorithm::EdDsa, message, &[bytes(&r), bytes(&s)].concat()));
            }

            // An x that is r + n modulo p, where that is not below p.
            let (x, sum) = point(&BigUint::from(1_u32));
            let gap = Residue::<<$curve as Curve<$limbs>>::Field, $limbs>::below_modulus(difference(
                <<$curve as Curve<$limbs>>::Field as Modulus<$limbs>>::M,
                <<$curve as Curve<$limbs>>::Order as Modulus<$limbs>>::M,
                <<$curve as Curve<$limbs>>::Field as Modulus<$limbs>>::LIMB_BITS,
            ));
            let gap: BigUint = (0..8 * $size).map(|at| BigUint::from(gap.bit(at)) << at).sum();
            let s = BigUint::from(5_u32);
            let r = &gap + &x;
            assert!(!key(&r, &s, sum).verify(algorithm, message, &[bytes(&r), bytes(&s)].concat()));
            assert!(key(&x, &s, sum).verify(algorithm, message, &[bytes(&x), bytes(&s)].concat()));

            assert!($prepare(&bytes(&x), &bytes(&x)).is_err(), "no point of the curve");
        }
    };
}

curve!(p256: P256, 9, 32, p256, prepare_p256, Es256, Sha256);
curve!(p384: P384, 14, 48, p384, prepare_p384, Es384, Sha384);
curve!(p521: P521, 19, 66, p521, prepare_p521, Es512, Sha512);
