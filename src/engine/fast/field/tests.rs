//! Residues against `num-bigint`, for every modulus there is. The bounds are checked by the debug assertions meanwhile.

use alloc::vec::Vec;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use num_bigint::BigInt;
use num_integer::Integer;
use proptest::prelude::*;

use super::super::{ecdsa, edwards};
use super::*;

/// The number its limbs are worth.
fn value<M: Modulus<L>, const L: usize>(limbs: impl IntoIterator<Item = impl Into<BigInt>>) -> BigInt {
    let limbs = limbs.into_iter().enumerate();
    limbs.fold(BigInt::ZERO, |sum, (i, limb)| sum + (limb.into() << (i * M::LIMB_BITS)))
}

fn modulus<M: Modulus<L>, const L: usize>() -> BigInt {
    value::<M, L>(*M::LIMBS)
}

fn modulo<M: Modulus<L>, const L: usize>(number: &Residue<M, L>) -> BigInt {
    value::<M, L>(number.limbs).mod_floor(&modulus::<M, L>())
}

/// Limbs from 64-bit seeds: mostly anything, often the patterns that break carries.
fn limbs<M: Modulus<L>, const L: usize>(seeds: &[u64]) -> [i32; L] {
    let top = M::BITS - (L - 1) * M::LIMB_BITS;
    core::array::from_fn(|i| {
        let mask = (1_i64 << if i + 1 < L { M::LIMB_BITS } else { top }) - 1;
        let limb = match seeds[0] % 8 {
            0 => 0,
            1 => -1,
            2 => i64::from(M::M[i]),
            3 => i64::from(M::M[i]) - i64::from(i == 0),
            4 => -i64::from(seeds[i + 1].is_multiple_of(2)),
            5 => 1 << (seeds[i + 1] % 29),
            _ => seeds[i + 1] as i64,
        };
        (limb & mask) as i32
    })
}

fn seeds() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(any::<u64>(), 20)
}

macro_rules! residues {
    ($test:ident: $modulus:ty, $limbs:literal, $has_few_powers:literal) => {
        mod $test {
            use super::*;

            const L: usize = $limbs;
            type M = $modulus;
            type Number = Residue<M, L>;

            fn number(seeds: &[u64]) -> Number {
                Number::below_modulus(limbs::<M, L>(seeds))
            }

            fn m() -> BigInt {
                modulus::<M, L>()
            }

            #[test]
            fn constants() {
                let r = BigInt::from(1) << M::R_BITS;
                assert_eq!(m().bits() as usize, M::BITS);
                assert_eq!(value::<M, L>(*M::M), m());
                assert!(M::M.iter().all(|limb| (0..1 << M::LIMB_BITS).contains(&i64::from(*limb))));
                assert_eq!(modulo(Number::ONE), r.mod_floor(&m()));
                assert_eq!(modulo(Number::R2), (&r * &r).mod_floor(&m()));
                assert_eq!((m() * BigInt::from(M::FACTOR) + BigInt::from(1)) & BigInt::from(M::MASK), BigInt::ZERO);
            }

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(2000))]

                #[test]
                fn products(a in seeds(), b in seeds()) {
                    let (a, b) = (number(&a), number(&b));
                    let r = BigInt::from(1) << M::R_BITS;
                    let expected = |product: BigInt| product.mod_floor(&m());
                    prop_assert_eq!(expected(modulo(&a.mul(&b)) * &r), expected(modulo(&a) * modulo(&b)));
                    prop_assert_eq!(expected(modulo(&a.square()) * &r), expected(modulo(&a) * modulo(&a)));
                    // The widest factors the formulas use.
                    let (wide, narrow) = (&a + &b, &a - &b);
                    prop_assert_eq!(
                        expected(modulo(&wide.mul(&narrow)) * &r),
                        expected(modulo(&wide) * modulo(&narrow))
                    );
                    prop_assert_eq!(expected(modulo(&narrow.square()) * &r), expected(modulo(&narrow) * modulo(&narrow)));
                    let product = a.mul(&b);
                    let within = |limb: &i32| {
                        let limb = f64::from(*limb) / exp2(M::LIMB_BITS);
                        product.bounds.limbs.0 <= limb && limb <= product.bounds.limbs.1
                    };
                    prop_assert!(product.limbs.iter().all(within), "{:?}", product.limbs);
                }

                #[test]
                fn sums(a in seeds(), b in seeds(), scale in 1_i64..9) {
                    let (a, b) = (number(&a), number(&b));
                    prop_assert_eq!(modulo(&(&a + &b)), (modulo(&a) + modulo(&b)).mod_floor(&m()));
                    prop_assert_eq!(modulo(&(&a - &b)), (modulo(&a) - modulo(&b)).mod_floor(&m()));
                    prop_assert_eq!(modulo(&a.negated()), (-modulo(&a)).mod_floor(&m()));
                    prop_assert_eq!(modulo(&a.doubled()), (modulo(&a) * BigInt::from(2)).mod_floor(&m()));
                    if $has_few_powers {
                        for number in [a, &a - &b, &b - &a, &a + &b] {
                            let scaled = number.scaled(scale);
                            prop_assert_eq!(modulo(&scaled), (modulo(&number) * BigInt::from(scale)).mod_floor(&m()));
                            let exact = value::<M, L>(scaled.limbs);
                            let margin: BigInt = m() >> 9_u32;
                            prop_assert!(exact > -&margin && exact < m() + &margin, "{}", exact);
                        }
                    }
                }

                #[test]
                fn integers(a in seeds(), b in seeds(), bytes in proptest::collection::vec(any::<u8>(), M::BITS.div_ceil(8))) {
                    let (a, b) = (number(&a), number(&b));
                    for number in [a, &a - &b, &b - &a, &a + &b] {
                        let least = number.least();
                        prop_assert_eq!(value::<M, L>(least.limbs), modulo(&number));
                        prop_assert_eq!(number.montgomery().integer().limbs, least.limbs);
                        prop_assert_eq!(number.montgomery().is_zero(), modulo(&number) == BigInt::ZERO);
                        prop_assert!((0..M::BITS).all(|at| least.bit(at) == usize::from(modulo(&number).bit(at as u64))));
                    }
                    let read = Number::from_be_bytes(&bytes);
                    let expected = BigInt::from_bytes_be(num_bigint::Sign::Plus, &bytes);
                    prop_assert_eq!(read.is_below_modulus(), expected < m());
                    prop_assert_eq!(value::<M, L>(read.limbs), expected);
                }

                #[test]
                fn inversions(a in seeds(), b in seeds()) {
                    let [a, b] = [a, b].map(|seeds| {
                        let number = number(&seeds).least();
                        if number.is_nothing() { *Number::UNIT } else { number }
                    });
                    prop_assert_eq!((modulo(&a) * modulo(&a.inverted())).mod_floor(&m()), BigInt::from(1));
                    let numbers = [a, b, a].map(|number| number.montgomery());
                    for (number, inverse) in numbers.iter().zip(inverses(numbers.into_iter())) {
                        prop_assert_eq!(modulo(&number.mul(&inverse).integer()), BigInt::from(1));
                    }
                }
            }

            /// Every limb at the ends of the widest intervals whose product is allowed.
            #[test]
            fn extremes() {
                let most = (1 << M::LIMB_BITS) - 1;
                for signs in 0..4_u32 {
                    let end = |bit: u32| core::array::from_fn(|_| if signs >> bit & 1 == 1 { most } else { 0 });
                    let (low, high) = (Number::below_modulus(end(0)), Number::below_modulus(end(1)));
                    let r = BigInt::from(1) << M::R_BITS;
                    for (a, b) in [(&high + &high, &low - &high), (&low - &high, &low - &high), (&high + &low, &high - &low)] {
                        let product = value::<M, L>(a.limbs) * value::<M, L>(b.limbs);
                        assert_eq!((modulo(&a.mul(&b)) * &r).mod_floor(&m()), product.mod_floor(&m()));
                    }
                }
            }

            /// The interval holds every number that the limbs can, and not twice as many.
            #[test]
            fn bytes_beyond_the_limbs() {
                let read = Number::from_le_bytes(&[0xff; 100]);
                let limit = BigInt::from(1) << (L * M::LIMB_BITS);
                assert_eq!(value::<M, L>(read.limbs), &limit - 1);
                let (low, high) = read.bounds.value;
                assert_eq!((low, read.bounds.limbs), (0.0, (0.0, 1.0)));
                let highest = m() * BigInt::from(high as i64);
                assert!(highest >= value::<M, L>(read.limbs) && highest < limit * 2, "{high}");
            }

            /// The widest limbs that a product lets pass fill its columns to the last bit, and so do the widest values.
            #[test]
            fn limits() {
                let sized = |limbs: f64, value: f64| [
                    Bounds { limbs: (-limbs, 0.0), value: (-value, 0.0) },
                    Bounds { limbs: (0.0, limbs), value: (0.0, value) },
                ];
                let passes = |one: &Bounds, other: &Bounds| panics(|| one.product::<M, L>(other)).is_none();
                let unit = exp2(M::LIMB_BITS);
                let carried = exp2(64) / unit;
                // What a column holds beside the products: a folded upper limb, or multiples of the modulus; and a carry.
                let beside = carried + match M::FOLD {
                    Some(fold) => carried.max(unit) * fold as f64 * exp2(L * M::LIMB_BITS - M::BITS),
                    None => M::LIMBS.iter().map(|limb| limb.abs() as f64 * unit).sum(),
                };
                let widest = ((exp2(63) - beside) / L as f64).sqrt() / unit;
                for one in sized(widest * 1.000_000_000_1, 1.0) {
                    for other in sized(widest, 1.0) {
                        assert!(!passes(&one, &other), "{widest}");
                    }
                }
                for one in sized(widest * 0.999_999_999_9, 1.0) {
                    for other in sized(widest, 1.0) {
                        let product = one.product::<M, L>(&other);
                        let Some(fold) = M::FOLD else {
                            assert_eq!((product.limbs.0, product.limbs.1), (0.0, 1.0));
                            continue;
                        };
                        // The second limb gets what is left above the modulus, which was a whole column once more.
                        let beyond = (exp2(63 - M::TOP_BITS) * fold as f64 / unit + 1.0) / unit;
                        assert!((product.limbs.0 / -beyond - 1.0).abs() < 0.000_000_01);
                        assert!(((product.limbs.1 - 1.0) / beyond - 1.0).abs() < 0.000_000_01);
                        assert_eq!(product.value, (-0.001, 1.001));
                    }
                }
                if M::FOLD.is_none() {
                    // In units of the modulus; what is divided by is R.
                    let r = exp2(L * M::LIMB_BITS - M::BITS);
                    for (one, other) in sized(1.0, 4.0 * r).iter().zip(sized(1.0, 1.0)) {
                        assert_eq!(one.product::<M, L>(&other).value, (-4.0, 5.0));
                        assert_eq!(other.product::<M, L>(one).value, (-4.0, 5.0));
                    }
                    for (one, other) in sized(1.0, 4.001 * r).iter().zip(sized(1.0, 1.0)) {
                        assert!(!passes(one, &other) && !passes(&other, one));
                    }
                }
                let widest_sum = exp2(31) / unit;
                for (one, other) in sized(widest_sum * 0.5, 1.0).iter().zip(sized(widest_sum * 0.499, 1.0)) {
                    assert!(panics(|| one.plus::<M, L>(&other)).is_none());
                    assert!(panics(|| one.plus::<M, L>(one)).is_some(), "a limb of 32 bits");
                }
                for (limbs, scale) in [(64.0, 1), (64.0, -1), (8.0, 8), (8.0, -8)] {
                    for one in sized(limbs, 1.0) {
                        let scaled = one.scaled::<M, L>(scale);
                        assert_eq!((scaled.limbs, scaled.value), ((0.0, 1.0), (-0.001, 1.001)));
                    }
                    for one in sized(limbs * 1.001, 1.0) {
                        assert!(panics(|| one.scaled::<M, L>(scale)).is_some());
                    }
                }
            }
        }
    };
}

fn panics<T>(work: impl FnOnce() -> T) -> Option<()> {
    catch_unwind(AssertUnwindSafe(work)).err().map(|_| ())
}

#[test]
fn intervals() {
    type M = ecdsa::P256Field;
    assert_eq!([exp2(0), exp2(1), exp2(10), exp2(63)], [1.0, 2.0, 1024.0, 9_223_372_036_854_775_808.0]);
    let one = Bounds { limbs: (-1.0, 0.5), value: (-3.0, 2.0) };
    let other = Bounds { limbs: (0.25, 1.25), value: (-4.0, 6.0) };
    let sum = one.plus::<M, 9>(&other);
    assert_eq!((sum.limbs, sum.value), ((-0.75, 1.75), (-7.0, 8.0)));
    let negative = one.negative();
    assert_eq!((negative.limbs, negative.value), ((-0.5, 1.0), (-2.0, 3.0)));
}

/// The functions by which the compiler computes constants, of numbers that no modulus has. Their limbs may have any sign.
#[test]
fn computed_constants() {
    const BITS: usize = 11;
    fn worth<const L: usize>(limbs: [impl Into<BigInt>; L]) -> BigInt {
        limbs.into_iter().enumerate().fold(BigInt::ZERO, |sum, (i, limb)| sum + (limb.into() << (i * BITS)))
    }
    let is_carried = |limbs: &[i32]| limbs.iter().all(|limb| (0..1 << BITS).contains(limb));

    let terms = [(43, 1), (40, -3), (23, 5), (22, 1), (11, -1), (10, 7), (0, -2)];
    let sum: BigInt = terms.iter().map(|(power, factor)| BigInt::from(*factor) << *power).sum();
    assert_eq!(worth(sum_of_powers::<4>(BITS, &terms)), sum);

    let digits = "7f0123456789Ab0";
    let number = BigInt::parse_bytes(digits.as_bytes(), 16).unwrap();
    let limbs = hexadecimal::<6>(BITS, digits);
    assert_eq!(worth(limbs), number);
    assert!(limbs.iter().all(|limb| (0..1 << BITS).contains(limb)));
    assert!(panics(|| hexadecimal::<6>(BITS, "12g4")).is_some());

    for limbs in [[-1, 0, 0, 5], [5000, -9000, 4096, -3], [2047, 2048, -2048, 0], [1 << 40, -(1 << 30), 77, 1 << 20]] {
        let carried = carry(&limbs, BITS);
        assert_eq!(worth(carried), worth(limbs));
        assert!(is_carried(&carried[..3]), "{carried:?}");
    }
    for (a, b) in [([1, 2, 3, 4], [4, 3, 2, 1]), ([0, 0, 0, 1], [2047, 2047, 2047, 0]), ([9, 9, 9, 9], [9, 9, 9, 9])] {
        let difference = difference(&a, &b, BITS);
        assert_eq!(worth(difference), worth(a) - worth(b));
        assert!(is_carried(&difference));
    }
    for lowest in [1_i64, 3, 5, 7, 1023, 2047, -1, -19, 12_345_677] {
        for bits in [11, 29, 40] {
            let factor = factor(lowest, bits);
            assert!((0..1 << bits).contains(&factor));
            assert_eq!((i128::from(factor) * i128::from(lowest) + 1) % (1 << bits), 0, "-1 / {lowest} modulo 2^{bits}");
        }
    }
    for m in [[5, 0, 7, 9], [3, 0, 0, 0], [2047, 2047, 2047, 2047], [3, 1, 0, 0]] {
        for power in [0_usize, 1, 2, 10, 11, 12, 43, 44, 100] {
            let expected = (BigInt::from(1) << power).mod_floor(&worth(m));
            let number = power_of_two(power, &m, BITS);
            assert_eq!((worth(number), is_carried(&number)), (expected, true), "2^{power} modulo {m:?}");
        }
    }
    let sorted =
        [[5, 7, 2, -3], [0, 0, 0, -1], [1, 0, 0, 0], [2, 0, 0, 0], [1, 1, 0, 0], [2047, 2046, 0, 4], [0, 0, 1, 4]];
    for (i, a) in sorted.iter().enumerate() {
        for (j, b) in sorted.iter().enumerate() {
            assert_eq!(less(a, b), i < j, "{a:?} < {b:?}");
        }
    }
}

residues!(p256: ecdsa::P256Field, 9, true);
residues!(n256: ecdsa::P256Order, 9, false);
residues!(p384: ecdsa::P384Field, 14, true);
residues!(n384: ecdsa::P384Order, 14, false);
residues!(p521: ecdsa::P521Field, 19, true);
residues!(n521: ecdsa::P521Order, 19, false);
residues!(p25519: edwards::Field, 9, true);
residues!(n25519: edwards::Order, 9, false);
