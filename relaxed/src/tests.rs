//! Powers against `num-bigint`'s, through what is exported; products of limbs as large as can be.
#![allow(clippy::as_conversions, clippy::indexing_slicing, reason = "limbs are below 2^53")]

use std::vec::Vec;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::*;
use crate::multiply::LIMB;

/// Balanced limbs.
fn limbs(number: &BigInt, width: usize) -> Vec<f64> {
    let mut rest = number.clone();
    let limbs = (0..width)
        .map(|_| {
            let low: BigInt = &rest & BigInt::from((1_i64 << 51) - 1);
            let limb = if low > BigInt::from(1_i64 << 50) { low - (1_i64 << 51) } else { low };
            rest = (&rest - &limb) >> 51_u8;
            limb.to_f64().unwrap()
        })
        .collect();
    assert_eq!(rest, BigInt::ZERO);
    limbs
}

fn value(limbs: &[f64]) -> BigInt {
    limbs.iter().rev().fold(BigInt::ZERO, |sum, limb| (sum << 51_u8) + BigInt::from(*limb as i64))
}

fn width(bits: u64) -> usize {
    [42, 66, 84].into_iter().find(|width| 51 * (width - 1) - 11 >= bits as usize).unwrap()
}

fn words(number: &BigInt, count: usize) -> Vec<u64> {
    let mut words = number.to_u64_digits().1;
    words.resize(count, 0);
    words
}

/// What the kernel is given, without room for the power.
fn numbers_of(n: &BigInt, base: &BigInt) -> Vec<u64> {
    let width = width(n.bits());
    let inverse = |bits: usize| (BigInt::from(1) << bits).modinv(n).unwrap();
    let r_squared = (BigInt::from(1) << (102 * width)) % n;
    [&inverse(102), &inverse(51), n, &r_squared]
        .into_iter()
        .flat_map(|number| limbs(number, width))
        .map(f64::to_bits)
        .chain(words(base, n.bits().div_ceil(64) as usize))
        .collect()
}

fn raised(n: &BigInt, base: &BigInt, squarings: u32) -> Option<BigInt> {
    let width = width(n.bits());
    let count = n.bits().div_ceil(64) as usize;
    let mut numbers = numbers_of(n, base);
    numbers.resize(numbers.len() + count, 0);
    power_of(&mut numbers, width, count, squarings)
        .then(|| numbers.iter().rev().take(count).fold(BigInt::ZERO, |sum, word| (sum << 64_u8) + *word))
}

fn check(n: &BigInt, base: &BigInt, squarings: u32) {
    let expected = base.modpow(&((BigInt::from(1) << squarings) + 1), n);
    assert_eq!(raised(n, base, squarings), Some(expected), "{base:x} ^ (2^{squarings} + 1) mod {n:x}");
}

#[test]
fn this_model_fuses() {
    assert!(fuses());
}

#[test]
fn powers_are_those_of_num_bigint() {
    let one = BigInt::from(1);
    for bits in [2048, 2049, 2079, 2080, 2081, 2560, 3072, 3303, 3304, 3305, 4095, 4096, 4222] {
        let top: BigInt = &one << (bits - 1);
        for n in [(&one << bits) - 1, &top + 1, (&one << bits) - 159, &top + (&one << (bits / 2)) + 1] {
            for base in [BigInt::ZERO, one.clone(), &n - 1, &n >> 1, (&n >> 1) + 1, &n / 7 * 5] {
                check(&n, &base, 16);
            }
            check(&n, &(&n / 5 * 3), 1);
        }
    }
}

/// Marsaglia's xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number of so many bits, random or of extreme limbs.
    fn number(&mut self, bits: u64) -> BigInt {
        let is_extreme = self.next().is_multiple_of(2);
        let sum = (0..bits.div_ceil(51)).fold(BigInt::ZERO, |sum, _| {
            let limb = match self.next() % 8 {
                0 | 1 if is_extreme => 1 << 50,
                2 if is_extreme => (1 << 50) - 1,
                3 | 4 if is_extreme => (1 << 51) - 1,
                5 if is_extreme => 0,
                _ => self.next() >> 13,
            };
            (sum << 51_u8) + limb
        });
        sum % (BigInt::from(1) << bits)
    }
}

/// `TOKENWARD_ROUNDS=100` multiplies the cases.
#[test]
fn random_and_extreme_numbers() {
    let rounds = std::env::var("TOKENWARD_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let mut random = Random(0x0123_4567_89ab_cdef);
    for _ in 0..100 * rounds {
        for bits in [2048, 2048, 2049 + random.next() % 2173] {
            let n: BigInt = random.number(bits) | BigInt::from(1) | BigInt::from(1) << (bits - 1);
            let base = random.number(bits) % &n;
            check(&n, &base, [1, 2, 4, 8, 16][(random.next() % 5) as usize]);
        }
    }
}

/// Columns come closest to what they hold when all limbs are as large as can be and of one sign. Any number f can stand for
/// 2^-102 mod n: it is, for n = 2^102 * f - 1.
#[test]
fn limbs_as_large_as_can_be() {
    let signs: [fn(usize) -> i64; 4] =
        [|_| 1, |_| -1, |at| if at % 2 == 0 { 1 } else { -1 }, |at| if at % 3 == 0 { -1 } else { 1 }];
    for width in [42, 66, 84] {
        for (number, factor, fold) in (0..64).map(|case| (signs[case % 4], signs[case / 4 % 4], signs[case / 16])) {
            let top = |sign: fn(usize) -> i64, count: usize, limb: i64, top: i64| {
                let mut limbs: Vec<f64> = (0..count - 1).map(|at| (sign(at) * limb) as f64).collect();
                limbs.push(top as f64);
                limbs.resize(width, 0.0);
                limbs
            };
            let number = top(number, width, LIMB, 200);
            let factor = top(factor, width, LIMB, -200);
            let fold_two = top(fold, width - 2, 1 << 50, 1 << 39);
            let fold_one = [&[0.0], &fold_two[..width - 1]].concat();
            let n = (value(&fold_two) << 102_u8) - 1;
            let inverse = (BigInt::from(1) << (51 * width)).modinv(&n).unwrap();
            for (is_square, factor) in [(false, &factor), (true, &number)] {
                let mut work = Work::new(width);
                for (pairs, limbs) in
                    [(&mut work.number, &number), (&mut work.fold_two, &fold_two), (&mut work.fold_one, &fold_one)]
                {
                    let mut limbs = limbs.iter().copied();
                    read(pairs, width, || limbs.next()).unwrap();
                }
                for (at, limb) in factor.iter().rev().enumerate() {
                    let place = if is_square { &mut work.reversed } else { &mut work.factor };
                    place[MARGIN + at] = *limb;
                }
                work.multiply(is_square).unwrap();
                let result: Vec<f64> =
                    work.number[MARGIN..MARGIN + width].iter().map(|pair| pair.doubles()[0]).collect();
                let reversed: Vec<f64> = work.reversed[MARGIN..MARGIN + width].iter().rev().copied().collect();
                assert_eq!(result, reversed);
                let difference = value(&result) - value(&number) * value(factor) * &inverse;
                assert_eq!(difference % &n, BigInt::ZERO);
            }
        }
    }
}

/// What JavaScript calls, with the numbers in their place.
#[test]
fn the_power_stands_behind_the_base() {
    let n: BigInt = (BigInt::from(1) << 2048_u16) - 159;
    let base: BigInt = &n / 7 * 5;
    let numbers = numbers_of(&n, &base);
    for (number, place) in numbers.iter().zip(&NUMBERS) {
        place.store(*number, Ordering::Relaxed);
    }
    assert!(power(42, 32, 16));
    let power = NUMBERS.iter().skip(numbers.len()).take(32).map(|word| word.load(Ordering::Relaxed));
    let expected = base.modpow(&BigInt::from(65_537), &n);
    assert_eq!(power.collect::<Vec<_>>(), words(&expected, 32));
}

#[test]
fn what_is_no_number_is_refused() {
    for (limbs, words, squarings) in [(0, 1, 1), (41, 1, 1), (90, 1, 1), (usize::MAX, 1, 1), (42, 67, 1), (42, 1, 32)] {
        assert!(!power(limbs, words, squarings));
    }
}
