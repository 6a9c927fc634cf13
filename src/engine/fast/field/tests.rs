//! Residues against `num-bigint`, for every modulus there is. The bounds are checked by the debug assertions meanwhile.

use alloc::vec::Vec;

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
        }
    };
}

residues!(p256: ecdsa::P256Field, 9, true);
residues!(n256: ecdsa::P256Order, 9, false);
residues!(p384: ecdsa::P384Field, 14, true);
residues!(n384: ecdsa::P384Order, 14, false);
residues!(p521: ecdsa::P521Field, 19, true);
residues!(n521: ecdsa::P521Order, 19, false);
residues!(p25519: edwards::Field, 9, true);
residues!(n25519: edwards::Order, 9, false);
