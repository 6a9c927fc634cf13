//! Powers against `num-bigint`'s, through what is exported.
#![allow(clippy::as_conversions, reason = "limbs are below 2^53")]

extern crate std;

use std::vec::Vec;

use num_bigint::BigInt;

use super::*;

const MASK: u32 = 0xff_ffff;

fn limbs(number: &BigInt, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |at| f64::from(u32::try_from((number >> (24 * at)) & BigInt::from(MASK)).unwrap()))
}

#[test]
fn powers_are_those_of_num_bigint() {
    let one = BigInt::from(1);
    for (bits, exponent) in [(2048, 65_537_u32), (2048, 3), (2053, 17), (3072, 65_537), (4096, 65_537), (8192, 5)] {
        let n: BigInt = (&one << bits) - 159;
        let base: BigInt = &n / 7 * 5;
        let width = ((bits + 6_usize).div_ceil(24) + 4).next_multiple_of(4);
        let fold = (&one << 96_u8).modinv(&n).unwrap();
        let r_squared = (&one << (48 * width)) % &n;
        let all = [&fold, &r_squared, &base].into_iter().flat_map(|number| limbs(number, width)).collect::<Vec<_>>();
        for (number, bits) in all.iter().zip(&NUMBERS) {
            bits.store(number.to_bits(), Ordering::Relaxed);
        }
        assert!(power(width, exponent));
        let result: Vec<_> =
            NUMBERS.iter().take(width).map(|bits| f64::from_bits(bits.load(Ordering::Relaxed))).collect();
        let result = result.iter().rev().fold(BigInt::ZERO, |sum, limb| (sum << 24) + BigInt::from(*limb as i64));
        assert_eq!(((result % &n) + &n) % &n, base.modpow(&BigInt::from(exponent), &n), "{bits} bits, {exponent}");
    }
}

#[test]
fn what_is_no_number_of_limbs_is_refused() {
    for (limbs, exponent) in [(0, 3), (90, 3), (352, 3), (usize::MAX, 3), (92, 1), (92, 0)] {
        assert!(!power(limbs, exponent));
    }
}
