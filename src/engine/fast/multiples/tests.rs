//! Sums of multiples against `RustCrypto`'s curves and dalek's, by both methods, where formulas have their exceptions.

use num_bigint::BigUint;

use super::super::{ecdsa, edwards, weierstrass};
use super::*;

/// Numbers by name, from which the tests make multiples: small ones, those around the order and those around powers of two.
fn interesting(order: &BigUint) -> Vec<BigUint> {
    let one = BigUint::from(1_u32);
    let mut numbers: Vec<_> = (0_u32..5).map(BigUint::from).collect();
    numbers.extend((1_u32..4).map(|below| order - below));
    numbers.push(order >> 1);
    numbers.push((order >> 1) + &one);
    let lines = (TEETH * TABLES) as u64;
    let rows = order.bits().div_ceil(lines);
    for power in
        [1, 2, 28, 29, rows - 1, rows, rows + 1, 2 * rows, (lines - 1) * rows, order.bits() - 2, order.bits() - 1]
    {
        numbers.extend([(&one << power) - &one, &one << power, (&one << power) + &one]);
    }
    // A row of ones in every line, and the same with another one below.
    let line = (0..lines).fold(BigUint::ZERO, |sum, at| sum + (&one << (at * rows)));
    numbers.extend([line.clone(), &line << 1, &line * 3_u32, order - line]);
    numbers.into_iter().map(|number| number % order).collect()
}

fn be_bytes(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    core::iter::repeat_n(0, size - bytes.len()).chain(bytes).collect()
}

macro_rules! curve {
    ($test:ident: $curve:ty, $limbs:literal, $size:literal, $reference:ident) => {
        #[test]
        fn $test() {
            use $reference::elliptic_curve::ff::PrimeField;
            use $reference::elliptic_curve::point::AffineCoordinates;
            use $reference::{ProjectivePoint, Scalar};
            type Points = weierstrass::Points<$curve, $limbs>;

            let order = BigUint::from_bytes_be(&(-Scalar::ONE).to_repr()) + 1_u32;
            let scalar =
                |number: &BigUint| Scalar::from_repr(be_bytes(number, $size).as_slice().try_into().unwrap()).unwrap();
            let residue = |number: &BigUint| Residue::from_be_bytes(&be_bytes(number, $size));
            let coordinate = |bytes: &[u8]| Residue::from_be_bytes(bytes);
            let numbers = interesting(&order);
            let mut neutral = 0;
            for logarithm in numbers[1..].iter().step_by(8) {
                let q = (ProjectivePoint::GENERATOR * scalar(logarithm)).to_affine();
                let point = weierstrass::Jacobian::new(&coordinate(&q.x()), &coordinate(&q.y())).unwrap();
                let key = KeyPoint::<Points, $limbs>::new(point);
                for (at, u) in numbers.iter().enumerate() {
                    for v in numbers[at % 2..].iter().step_by(2) {
                        let expected = (u + v * logarithm) % &order;
                        let sums =
                            [key.sum_without_tables(&residue(u), &residue(v)), key.sum(&residue(u), &residue(v))];
                        if expected == BigUint::ZERO {
                            assert!(sums.iter().all(Option::is_none), "{u} G + {v} * {logarithm} G is neutral");
                            neutral += 1;
                            continue;
                        }
                        let x =
                            BigUint::from_bytes_be(&(ProjectivePoint::GENERATOR * scalar(&expected)).to_affine().x());
                        for sum in sums {
                            let has_x =
                                |x: &BigUint| sum.is_some_and(|sum| sum.has_x(&coordinate(&be_bytes(x, $size))));
                            assert!(has_x(&x), "{u} G + {v} * {logarithm} G");
                            assert!(!has_x(&(&x + 1_u32)), "{u} G + {v} * {logarithm} G has two x");
                        }
                    }
                }
            }
            assert!(neutral > 10);
        }
    };
}

curve!(p256: ecdsa::P256, 9, 32, p256);
curve!(p384: ecdsa::P384, 14, 48, p384);
curve!(p521: ecdsa::P521, 19, 66, p521);

#[test]
fn edwards25519() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::scalar::Scalar;

    let order = BigUint::from_bytes_le(&(-Scalar::ONE).to_bytes()) + 1_u32;
    let little = |number: &BigUint| -> [u8; 32] {
        let mut bytes = be_bytes(number, 32);
        bytes.reverse();
        bytes.try_into().unwrap()
    };
    let scalar = |number| Scalar::from_canonical_bytes(little(number)).unwrap();
    let residue = |number| Residue::from_le_bytes(&little(number));
    let numbers = interesting(&order);
    // Points outside the group of the base point, too: a key may be one.
    for (at, logarithm) in numbers.iter().enumerate() {
        let torsion = EIGHT_TORSION[at % 8];
        let q = ED25519_BASEPOINT_POINT * scalar(logarithm) + torsion;
        let point = edwards::Extended::decode(&q.compress().to_bytes()).unwrap();
        assert_eq!(point.has_small_order(), *logarithm == BigUint::ZERO);
        assert!(point.is_encoded_as(&q.compress().to_bytes()));
        assert!(point.negated().is_encoded_as(&(-q).compress().to_bytes()));
        let key = KeyPoint::<edwards::Edwards25519, 9>::new(point);
        for u in &numbers {
            for v in &numbers {
                let expected = (ED25519_BASEPOINT_POINT * scalar(u) + q * scalar(v)).compress().to_bytes();
                for sum in [key.sum_without_tables(&residue(u), &residue(v)), key.sum(&residue(u), &residue(v))] {
                    let is_right = sum.map_or(u + v == BigUint::ZERO, |sum| sum.is_encoded_as(&expected));
                    assert!(is_right, "{u} G + {v} * {logarithm} G");
                    let mut other = expected;
                    other[31] ^= 0x80;
                    assert!(sum.is_none_or(|sum| !sum.is_encoded_as(&other)), "the sign of x");
                }
            }
        }
    }
}
