//! Sums of multiples against `RustCrypto`'s curves and dalek's, by each method, where formulas have their exceptions.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;

use super::super::{ecdsa, edwards, weierstrass};
use super::*;

/// Numbers by name, from which the tests make multiples: small ones, those around the order and those around powers of two.
fn interesting(order: &BigUint) -> Vec<BigUint> {
    let one = BigUint::from(1_u32);
    let mut numbers: Vec<_> = (0_u32..5).map(BigUint::from).collect();
    numbers.extend((1_u32..4).map(|below| order - below));
    numbers.push(order >> 1);
    numbers.push((order >> 1) + &one);
    let lines = LINES as u64;
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
                        let sums = key.sums(&residue(u), &residue(v));
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

            // Keys for which an addition meets an equal or an opposite point.
            let third = &order / 3_u32;
            let two_fifths = &order * 2_u32 / 5_u32;
            let mut exceptions = 0;
            for (u, v) in [(&third | BigUint::from(1_u32), two_fifths.clone()), (&third - &third % 2_u32, two_fifths)] {
                let steps = steps(&u, &v, order.bits().div_ceil(LINES as u64));
                let last = steps.len() - 2;
                for step in (2..last).step_by(9).chain(last..steps.len()) {
                    for sign in [1, -1] {
                        let Some(logarithm) = exception(&steps[step], sign, &order) else { continue };
                        let q = (ProjectivePoint::GENERATOR * scalar(&logarithm)).to_affine();
                        let point = weierstrass::Jacobian::new(&coordinate(&q.x()), &coordinate(&q.y())).unwrap();
                        let [base, key] = [Points::base(), point].map(Comb::<Points, $limbs>::new);
                        let sum = sum_by_combs(&base, &residue(&u), &key, &residue(&v));
                        assert!(Points::is_broken(&sum), "{u} G + {v} * {logarithm} G at {step}");
                        exceptions += 1;
                    }
                }
            }
            assert!(exceptions > 20, "{exceptions}");
        }
    };
}

curve!(p256: ecdsa::P256, 9, 32, p256);
curve!(p384: ecdsa::P384, 14, 48, p384);
curve!(p521: ecdsa::P521, 19, 66, p521);

#[test]
fn a_key_that_is_used_again_gets_its_comb() {
    type Points = weierstrass::Points<ecdsa::P256, 9>;
    let key = KeyPoint::<Points, 9>::new(Points::base());
    let two = Residue::from_be_bytes(&[2]);
    for _ in 0..USES_WITHOUT_COMB {
        key.sum(&two, &two);
        assert!(key.tables.comb.get().is_none());
    }
    key.sum(&two, &two);
    assert!(key.tables.comb.get().is_some());
}

/// Multiples of G and of Q: those that were added up, and those that an addition adds to them.
type Step = [[BigInt; 2]; 2];

/// The additions of `sum_by_combs`, after the digits of its numbers.
fn steps(u: &BigUint, v: &BigUint, rows: u64) -> Vec<Step> {
    let lines = LINES as u64;
    let digit = |number: &BigUint, at: u64| match number.bit(at + 1) || at + 1 == rows * lines {
        true => BigInt::from(1),
        false => BigInt::from(-1),
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut sum = [BigInt::ZERO, BigInt::ZERO];
    let mut add = |sum: &mut [BigInt; 2], which: usize, number: BigInt| {
        let mut added = [BigInt::ZERO, BigInt::ZERO];
        added[which] = number;
        steps.push([sum.clone(), added.clone()]);
        sum[which] += &added[which];
    };
    for row in (0..rows).rev() {
        sum = sum.map(|multiple| multiple * 2);
        for (which, number) in [u, v].into_iter().enumerate() {
            for table in (0..TABLES as u64).rev() {
                let lines = (table..lines).step_by(TABLES);
                let entry = lines.map(|line| digit(number, line * rows + row) << (line * rows)).sum();
                add(&mut sum, which, entry);
            }
        }
    }
    for (which, number) in [u, v].into_iter().enumerate() {
        if !number.bit(0) {
            add(&mut sum, which, BigInt::from(-1));
        }
    }
    assert_eq!(sum, [u, v].map(|number| BigInt::from(number.clone())));
    steps
}

/// The number by which Q is a multiple of G where this addition is one of a point to itself, or to its opposite.
fn exception([[a, b], [c, d]]: &Step, sign: i32, order: &BigUint) -> Option<BigUint> {
    // a + b x = sign (c + d x)
    let order = BigInt::from(order.clone());
    let [over, under] = [sign * c - a, b - sign * d].map(|number| number.mod_floor(&order));
    let logarithm = (over * under.modpow(&(&order - 2), &order)).mod_floor(&order).to_biguint();
    logarithm.filter(|logarithm| *logarithm != BigUint::ZERO)
}

/// Doubling is what the formulas of an addition cannot do.
#[test]
fn a_broken_sum_is_computed_bit_by_bit() {
    type Points = weierstrass::Points<ecdsa::P256, 9>;
    let key = KeyPoint::<Points, 9>::new(Points::base());
    let [zero, one] = [0, 1].map(|number| Residue::from_be_bytes(&[number]));
    let broken = [(one, one), (one, one.negated().least())];
    for (u, v) in broken {
        assert!(key.sum_by_windows(&u, &v).is_some_and(|sum| Points::is_broken(&sum)));
    }
    let double = key.sum(&one, &one).unwrap();
    assert!(!Points::is_broken(&double));
    assert!(key.sum(&broken[1].0, &broken[1].1).is_none(), "G - G");
    assert!(key.sum_by_windows(&zero, &zero).is_none());
}

/// Doublings before other doublings leave T out. The last must not, although nothing is added after it: T says whether the sum has
/// small order, as an R must not have.
#[test]
fn a_sum_that_ends_with_a_doubling_has_its_t() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    for torsion in EIGHT_TORSION {
        let q = torsion - ED25519_BASEPOINT_POINT;
        let point = edwards::Extended::decode(&q.compress().to_bytes()).unwrap();
        let key = KeyPoint::<edwards::Edwards25519, 9>::new(point);
        for number in [2, 6, 8] {
            let number = Residue::from_be_bytes(&[number]);
            let sum = key.sum_by_windows(&number, &number);
            assert!(sum.is_none_or(|sum| sum.has_small_order()));
        }
    }
}

/// What the tests of all sums have, in a second: numbers of any digits, and those with digits at the ends.
#[test]
fn some_sums_by_each_method() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::scalar::Scalar;

    let any = Scalar::from_bytes_mod_order([0xb7; 32]);
    let numbers =
        [Scalar::ZERO, Scalar::ONE, Scalar::from(2_u8), -Scalar::ONE, any, -any, any * any, any + Scalar::ONE];
    let q = ED25519_BASEPOINT_POINT * any + EIGHT_TORSION[1];
    let point = edwards::Extended::decode(&q.compress().to_bytes()).unwrap();
    let key = KeyPoint::<edwards::Edwards25519, 9>::new(point);
    for (at, u) in numbers.iter().enumerate() {
        for v in &numbers[at % 2..] {
            let expected = (ED25519_BASEPOINT_POINT * u + q * v).compress().to_bytes();
            let is_neutral = *u == Scalar::ZERO && *v == Scalar::ZERO;
            for (method, sum) in key
                .sums(&Residue::from_le_bytes(u.as_bytes()), &Residue::from_le_bytes(v.as_bytes()))
                .iter()
                .enumerate()
            {
                let is_right = sum.map_or(is_neutral, |sum| sum.is_encoded_as(&expected));
                assert!(is_right, "{u:?} G + {v:?} Q by method {method}");
            }
        }
    }
}

#[test]
fn points_of_small_order_are_the_eight() {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    for torsion in EIGHT_TORSION {
        let decoded = |point: curve25519_dalek::EdwardsPoint| {
            let point = edwards::Extended::decode(&point.compress().to_bytes()).unwrap();
            [point, point.negated()].map(|point| point.has_small_order())
        };
        assert_eq!(decoded(torsion), [true; 2]);
        assert_eq!(decoded(torsion + ED25519_BASEPOINT_POINT), [false; 2]);
    }
}

#[test]
fn sparse_digits_are_the_number() {
    let order = BigUint::from_bytes_le(&(-curve25519_dalek::scalar::Scalar::ONE).to_bytes()) + 1_u32;
    for number in interesting(&order) {
        for width in [KEY_WINDOW, BASE_WINDOW] {
            let digits = sparse_digits(&Residue::<edwards::Order, 9>::from_be_bytes(&be_bytes(&number, 32)), width);
            let value = |sum: BigInt, (at, digit): (usize, &i8)| sum + (BigInt::from(*digit) << at);
            assert_eq!(digits.iter().enumerate().fold(BigInt::ZERO, value), BigInt::from(number.clone()));
            let mut last = None;
            for (at, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                assert!(digit % 2 != 0 && usize::from(digit.unsigned_abs()) < 1 << (width - 1), "{digit}");
                assert!(last.replace(at).is_none_or(|last| at >= last + width), "{number}");
            }
        }
    }
}

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
    for torsion in EIGHT_TORSION {
        assert!(edwards::Extended::decode(&torsion.compress().to_bytes()).unwrap().has_small_order());
    }
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
                for sum in key.sums(&residue(u), &residue(v)) {
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
