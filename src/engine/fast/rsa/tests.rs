//! Powers against `num-bigint`'s.

use alloc::vec;
use alloc::vec::Vec;

use num_bigint::{BigInt, BigUint};
use proptest::prelude::{Strategy, any, prop, proptest};
use proptest::test_runner::Config;

use super::modulus::Modulus;
use super::montgomery;
use super::pair::Pair;

const EXPONENTS: [u32; 7] = [3, 5, 17, 257, 65_537, 0x8000_0001, u32::MAX];

fn check(n: &BigUint, base: &BigUint, exponent: u32) {
    let bytes = n.to_bytes_be();
    let mut padded = vec![0; bytes.len()];
    let encoded = base.to_bytes_be();
    padded[bytes.len() - encoded.len()..].copy_from_slice(&encoded);
    let power = Modulus::new(&bytes).power(&padded, exponent);
    assert_eq!(power.len(), bytes.len());
    let expected = base.modpow(&BigUint::from(exponent), n);
    assert_eq!(BigUint::from_bytes_be(&power), expected, "{base:x} ^ {exponent} mod {n:x}");
}

/// Bases at the ends, in the middle, and with limbs of zeros and ones.
fn bases(n: &BigUint) -> Vec<BigUint> {
    let one = BigUint::from(1_u8);
    let half = n >> 1_u8;
    let alternating = |pattern: u64, bits: usize| {
        let ones = (BigUint::from(1_u8) << bits) - 1_u8;
        (0..n.bits()).step_by(bits).enumerate().fold(BigUint::ZERO, |sum, (index, at)| {
            if pattern & (1 << (index % 64)) != 0 { sum + (&ones << at) } else { sum }
        }) % n
    };
    let patterns = [0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0x0f0f_0f0f_0f0f_0f0f, u64::MAX, 1, 1 << 63];
    let mut bases = vec![BigUint::ZERO, one.clone(), BigUint::from(2_u8), n - &one, half.clone(), half + 1_u8];
    bases.extend(patterns.iter().flat_map(|pattern| [alternating(*pattern, 24), alternating(*pattern, 23)]));
    // Every limb as large as a balanced limb can be: 2^23.
    bases.push((0..n.bits()).step_by(24).fold(BigUint::ZERO, |sum, at| sum + (BigUint::from(1_u32 << 23) << at)) % n);
    bases
}

#[test]
fn moduli_of_ones_and_zeros_of_every_size_around_the_limits() {
    let one = BigUint::from(1_u8);
    // Around whole bytes, limbs, pairs of limbs and steps.
    let sizes = [2048, 2049, 2050, 2051, 2053, 2056, 2058, 2059, 2064, 2088, 2112, 2136, 2154, 3072, 4095, 4096, 8192];
    for bits in sizes {
        let top = &one << (bits - 1);
        for n in [(&one << bits) - 1_u8, &top + 1_u8, &top + (&one << (bits / 2)) + 1_u8, (&one << bits) - 3_u8] {
            for base in [&n - 1_u8, (&n >> 1_u8) + 1_u8, BigUint::from(3_u8)] {
                check(&n, &base, 65_537);
            }
        }
    }
}

#[test]
fn every_number_of_limbs() {
    for bits in (2048..=8192).step_by(128).flat_map(|bits| [bits - 5, bits - 11]).filter(|bits| *bits >= 2048) {
        let n = ((BigUint::from(1_u8) << bits) / 3_u8) | BigUint::from(1_u8);
        check(&n, &(&n / 7_u8), 3);
    }
}

#[test]
fn patterns_of_limbs() {
    let one = BigUint::from(1_u8);
    for bits in [2048, 2049, 3072, 4096, 8192] {
        let balanced = (0..bits).step_by(24).fold(BigUint::ZERO, |sum, at| sum + (BigUint::from(1_u32 << 23) << at));
        let largest = (balanced % (&one << bits)) | &one | (&one << (bits - 1));
        for base in bases(&largest) {
            for exponent in EXPONENTS.into_iter().take(if bits > 4000 { 2 } else { 7 }) {
                check(&largest, &base, exponent);
            }
        }
    }
}

fn value(limbs: &[f64]) -> BigInt {
    limbs.iter().rev().fold(BigInt::ZERO, |sum, limb| (sum << 24_u8) + BigInt::from(*limb as i64))
}

/// Columns come closest to what a double holds when all limbs are as large as can be and of one sign. Any number f can stand
/// for 2^-96 mod n: it is, for n = 2^96 * f - 1.
#[test]
fn limbs_as_large_as_can_be() {
    // The most limbs without carries in between, one step more, and the most of all.
    for width in [92, 124, 128, 348] {
        let limbs = |sign: fn(usize) -> f64, count: usize, top: f64| {
            let mut limbs: Vec<f64> = (0..count - 1).map(|at| sign(at) * 8_388_608.0).collect();
            limbs.push(top);
            limbs.resize(width, 0.0);
            limbs
        };
        let signs: [fn(usize) -> f64; 3] = [|_| 1.0, |_| -1.0, |at| if at % 2 == 0 { 1.0 } else { -1.0 }];
        for (sign, other) in
            signs.into_iter().zip(signs.into_iter().cycle().skip(1)).chain(signs.into_iter().zip(signs))
        {
            let fold = limbs(sign, width - 4, 131_072.0);
            let (start, base) = (limbs(other, width, 65_535.0), limbs(sign, width, 65_535.0));
            let n = (value(&fold) << 96_u8) - 1_u8;
            let r = (BigInt::from(1_u8) << (24 * width)) % &n;
            let modulo_n = |number: BigInt| ((number % &n) + &n) % &n;
            for exponent in [3_u32, 17, 23] {
                let mut numbers = [&fold[..], &start, &base].concat();
                montgomery::power(&mut numbers, exponent, &mut vec![Pair::ZERO; montgomery::room(width)]);
                // R^2 mod n was to be given, `start` was.
                let factor = modulo_n(value(&start) * r.modinv(&n).unwrap().pow(2));
                let expected = value(&base).modpow(&exponent.into(), &n) * factor.modpow(&(exponent - 1).into(), &n);
                assert_eq!(modulo_n(value(&numbers[..width])), modulo_n(expected), "{width} limbs, {exponent}");
            }
        }
    }
}

/// What the constants of the kernel in `relaxed/` are made of.
#[test]
fn powers_of_two() {
    let one = BigUint::from(1_u8);
    let patterns = [3_u8, 5, 7, 11, 13].map(|divisor| (&one << 4300_u16) / divisor);
    for bits in [2048_u32, 2049, 2080, 2560, 3072, 3304, 4096, 4222] {
        let random =
            patterns.iter().map(|pattern| -> BigUint { (pattern >> (4300 - bits)) | &one | (&one << (bits - 1)) });
        for n in random.chain([(&one << bits) - 1_u8, (&one << (bits - 1)) + 1_u8, (&one << bits) - 159_u8]) {
            let bytes = n.to_bytes_be();
            let modulus = Modulus::new(&bytes);
            for exponent in [-120_i32, -119, -102, -51, -1, 0, 1, 4284, 6732, 8568] {
                let power = BigUint::from_bytes_be(&modulus.power_of_two(&bytes, exponent));
                let expected = (&one << exponent.max(0)) % &n;
                assert!(power < n);
                assert_eq!((power << -exponent.min(0)) % &n, expected, "2^{exponent} mod {n:x}");
            }
        }
    }
}

/// The limbs of a number, so many bits long: random, or the extremes.
fn number(bits: usize) -> impl Strategy<Value = BigUint> {
    let limb = prop::sample::select(vec![0, 1, 0x7f_ffff, 0x80_0000, 0x80_0001, 0xff_ffff]);
    let limbs = prop::collection::vec(proptest::prop_oneof![any::<u32>(), limb], bits.div_ceil(24));
    limbs.prop_map(move |limbs| {
        let number = limbs.iter().fold(BigUint::ZERO, |sum, limb| (sum << 24_u8) + (limb & 0xff_ffff));
        number % (BigUint::from(1_u8) << bits)
    })
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_power(
        (n, base) in (2048_usize..=4200).prop_flat_map(|bits| (number(bits), number(bits), proptest::strategy::Just(bits)))
            .prop_map(|(n, base, bits)| {
                let n = n | (BigUint::from(1_u8) << (bits - 1)) | BigUint::from(1_u8);
                let base = base % &n;
                (n, base)
            }),
        exponent in prop::sample::select(EXPONENTS.to_vec()),
    ) {
        check(&n, &base, exponent);
    }
}
