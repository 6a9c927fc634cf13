//! Powers against `num-bigint`'s, and blocks as they must be.

use alloc::vec;
use alloc::vec::Vec;

use num_bigint::{BigInt, BigUint};
use proptest::prelude::{Strategy, any, prop, proptest};
use proptest::test_runner::Config;

use super::columns::ROWS;
use super::pair::Pair;
use super::*;

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

/// The same without a power around it: for a number with the fourth power next to it, each reduction of a square is seen.
#[test]
fn fourth_powers_of_limbs_as_large_as_can_be() {
    for width in [92, 124, 128, 248, 348] {
        for sign in [1.0, -1.0] {
            let mut fold = vec![sign * 8_388_608.0; width - 4];
            fold[width - 5] = sign * 131_072.0;
            fold.resize(width, 0.0);
            let mut number = vec![8_388_608.0; width];
            number[width - 1] = 65_535.0;
            let n = (value(&fold) << 96_u8) - 1_u8;
            let expected = value(&number).modpow(&4_u8.into(), &n);
            montgomery::fourth_power(&fold, &mut number, &mut vec![Pair::ZERO; montgomery::room(width)]);
            // It is divided by R three times.
            assert_eq!(((value(&number) << (3 * 24 * width)) - expected) % &n, BigInt::ZERO, "{width} limbs, {sign}");
        }
    }
}

/// What the debug assertions ask is what `columns.rs` says of sums in doubles, and no more.
#[test]
fn bounds_of_columns() {
    use super::columns::{BALANCED, BASE, EXACT, PRODUCTS, carry};

    assert_eq!(EXACT + 1.0, EXACT, "the first double that has no next integer");
    let carried = BASE / 2.0 + EXACT / BASE;
    let most = |products: usize| products as f64 * BALANCED.powi(2) + carried;
    assert!(most(PRODUCTS) <= EXACT && most(PRODUCTS + 1) > EXACT);
    for column in [EXACT, -EXACT, EXACT - BASE / 2.0] {
        let mut columns = [Pair::both(column); 3];
        carry(&mut columns);
        assert!(columns[1].lanes().iter().all(|limb| limb.abs() <= carried), "what one round leaves");
        carry(&mut columns);
        assert!(columns[1].lanes().iter().all(|limb| limb.abs() <= BALANCED), "what two rounds leave");
    }
}

/// A reduction adds multiples of 2^-96 mod n that depend on each other. For this base, which the first multiplication is by, all
/// of them are as large as can be and of one sign: only the carries in between keep their sums in a double.
#[test]
fn steps_of_a_reduction_as_large_as_can_be() {
    for width in [92, 124, 128, 132, 252, 348] {
        let mut fold = vec![8_388_608.0; width - 4];
        fold[width - 5] = 131_072.0;
        fold.resize(width, 0.0);
        let f = value(&fold);
        let step = value(&[8_388_607.0; ROWS]);
        // Each step is what is lowest; the rest, and a multiple of f, is what the next one is taken from.
        let steps = (0..width / ROWS).rev();
        let base = steps.fold(BigInt::ZERO, |next, _| ((next - &step * &f) << 96_u8) + &step);
        let mut left = base;
        let mut limbs = Vec::new();
        for _ in 0..width {
            let limb: BigInt = ((&left + 8_388_608) & BigInt::from(0xff_ffff)) - 8_388_608;
            left = (left - &limb) >> 24_u8;
            limbs.push(i32::try_from(limb).unwrap().into());
        }
        let mut one = vec![0.0; width];
        one[0] = 1.0;
        let n = (&f << 96_u8) - 1_u8;
        // The base is divided by R, that is squared and divided by R once more, and the last multiplication divides, too.
        let expected = value(&limbs).modpow(&3_u8.into(), &n);
        let mut numbers = [&fold[..], &one, &limbs].concat();
        montgomery::power(&mut numbers, 3, &mut vec![Pair::ZERO; montgomery::room(width)]);
        assert_eq!(((value(&numbers[..width]) << (4 * 24 * width)) - expected) % &n, BigInt::ZERO, "{width} limbs");
    }
}

/// Each bit of an exponent, in a number of one round of carries and in one of several.
#[test]
fn exponents_of_many_ones() {
    for (bits, exponents) in [(2048, &[5, 7, 0xffff, u32::MAX, 0xaaaa_aaab][..]), (3200, &[7, 11]), (6100, &[3])] {
        let n = ((BigUint::from(1_u8) << bits) / 3_u8 * 2_u8) | BigUint::from(1_u8);
        let base = &n / 7_u8 * 5_u8;
        for exponent in exponents {
            check(&n, &base, *exponent);
        }
        let bytes = n.to_bytes_be();
        let expected = base.modpow(&3_u8.into(), &n);
        assert_eq!(
            BigUint::from_bytes_be(&power(&bytes, 3, &padded(&base, bytes.len()))),
            expected,
            "the door of tests"
        );
    }
}

fn padded(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; size - bytes.len()], bytes].concat()
}

const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

/// A block for a modulus of `bits` bits as RFC 8017 section 9.1.1 makes it, or nearly: what stands before the salt, and at the
/// end, may be something else.
struct Block<'a> {
    hash: Hash,
    bits: usize,
    salt: &'a [u8],
    change: fn(&mut [u8]),
    end: u8,
}

impl<'a> Block<'a> {
    fn right(hash: Hash, bits: usize, salt: &'a [u8]) -> Self {
        Self { hash, bits, salt, change: |_| (), end: 0xbc }
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let size = (self.bits - 1).div_ceil(8);
        let seed = hashed(self.hash, &[&[0; 8], &hashed(self.hash, &[message]), self.salt]);
        let mut data = vec![0; size - seed.len() - 1 - self.salt.len()];
        *data.last_mut().unwrap() = 1;
        (self.change)(&mut data);
        data.extend_from_slice(self.salt);
        let mask = (0_u32..).flat_map(|counter| hashed(self.hash, &[&seed, &counter.to_be_bytes()]));
        data.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        data[0] &= 0xff >> (8 * size - (self.bits - 1));
        [&data[..], &seed, &[self.end]].concat()
    }

    /// As long as the modulus.
    fn whole(&self, message: &[u8]) -> Vec<u8> {
        let block = self.encode(message);
        [vec![0; self.bits.div_ceil(8) - block.len()], block].concat()
    }
}

fn key(encoded: Vec<u8>, exponent: u32) -> RsaKey {
    RsaKey { modulus: Modulus::new(&encoded), encoded, exponent, fused: Fused::new() }
}

#[test]
fn blocks_of_pss() {
    let message = b"message";
    // Every number of bits that the first byte of a modulus may have.
    for bits in 2041..=2048 {
        let n: BigUint = (BigUint::from(1_u8) << (bits - 1)) + 1_u8;
        let key = key(n.to_bytes_be(), 3);
        for hash in HASHES {
            let size = hashed(hash, &[]).len();
            let salts: Vec<Vec<u8>> = (0..24).map(|at| vec![at; size + 1]).collect();
            let mut firsts = 0_u32;
            // The first bits of some blocks are zeros, of some they are not.
            for salt in salts.iter().map(|salt| &salt[1..]) {
                let block = Block::right(hash, bits, salt).whole(message);
                let holds = |block: &[u8]| key.is_pss(hash, block, message);
                assert!(holds(&block), "{bits} bits, {salt:?}");
                assert!(!key.is_pss(hash, &block, b"another"));
                firsts |= 1 << block[usize::from(bits == 2041)].leading_zeros();
                // What the modulus has and the block does not.
                for bit in 0..=2048 - bits {
                    let mut other = block.clone();
                    other[0] ^= 0x80 >> bit;
                    assert!(!holds(&other), "{bits} bits, and the bit {bit} is set");
                }
                // As many bytes as the modulus has, but the block of another one.
                assert!(!holds(&[&[0], &Block::right(hash, bits - 8, salt).whole(message)[..]].concat()));
                assert!(bits > 2041 || !holds(&Block::right(hash, 2048, salt).whole(message)));
            }
            assert!(firsts.count_ones() >= 2, "{firsts:b}");
            let salt = &salts[7];
            let holds = |block: &Block<'_>| key.is_pss(hash, &block.whole(message), message);
            for wrong in [&salt[2..], salt, &[]] {
                assert!(!holds(&Block::right(hash, bits, wrong)), "a salt of {} bytes", wrong.len());
            }
            let changes: [fn(&mut [u8]); 6] = [
                |before| before[0] = 1,
                |before| before[1] = 1,
                |before| before[before.len() - 2] = 0x80,
                |before| before[before.len() - 1] = 2,
                |before| before[before.len() - 1] = 0,
                |before| before.fill(1),
            ];
            for change in changes {
                assert!(!holds(&Block { change, ..Block::right(hash, bits, &salt[1..]) }));
            }
            for end in [0, 0xbb, 0xbd, 0xcc] {
                assert!(!holds(&Block { end, ..Block::right(hash, bits, &salt[1..]) }));
            }
            for length in 0..=2 * size + 3 {
                for first in [0, 1] {
                    let mut short = vec![0; length];
                    short.iter_mut().take(1).for_each(|byte| *byte = first);
                    short.iter_mut().next_back().into_iter().for_each(|byte| *byte = 0xbc);
                    assert!(!key.is_pss(hash, &short, message), "{length} bytes");
                }
            }
        }
    }
}

/// A key for which a number is the cube root of a block.
fn key_by_root(bits: usize, root: &BigUint, block: &[u8]) -> RsaKey {
    let n = root.pow(3) - BigUint::from_bytes_be(block);
    assert_eq!(n.bits() as usize, bits);
    assert!(n.bit(0));
    key(n.to_bytes_be(), 3)
}

#[test]
fn signatures_of_chosen_keys() {
    let message = b"message";
    for (hash, pss, pkcs1) in [
        (Hash::Sha256, Algorithm::Ps256, Algorithm::Rs256),
        (Hash::Sha384, Algorithm::Ps384, Algorithm::Rs384),
        (Hash::Sha512, Algorithm::Ps512, Algorithm::Rs512),
    ] {
        let salt = vec![7; hashed(hash, &[]).len()];
        // The block is odd for one of them, and even for the other.
        for (algorithm, bits) in [(pss, 2048), (pss, 2049), (pkcs1, 2048), (pkcs1, 2047 + 8)] {
            let block = if algorithm == pss {
                Block::right(hash, bits, &salt).whole(message)
            } else {
                let digest = hashed(hash, &[message]);
                let info: &[u8] = match hash {
                    Hash::Sha256 => &SHA256_INFO,
                    Hash::Sha384 => &SHA384_INFO,
                    Hash::Sha512 => &SHA512_INFO,
                };
                let padding = vec![0xff; bits.div_ceil(8) - 3 - info.len() - digest.len()];
                [&[0, 1], &padding[..], &[0], info, &digest].concat()
            };
            let mut root = (BigUint::from(1_u8) << bits).cbrt();
            if root.bit(0) == BigUint::from_bytes_be(&block).bit(0) {
                root -= 1_u8;
            }
            let key = key_by_root(bits, &root, &block);
            let size = bits.div_ceil(8);
            let right = padded(&root, size);
            // The first is the exact kernel's business alone.
            for _ in 0..3 {
                assert!(key.verify(algorithm, message, &right), "{algorithm:?}, {bits} bits");
            }
            assert!(!key.verify(algorithm, b"another", &right));
            for other in [Algorithm::Es256, Algorithm::EdDsa, pss, pkcs1].into_iter().filter(|one| *one != algorithm) {
                assert!(!key.verify(other, message, &right), "{algorithm:?} as {other:?}");
            }
            let n = BigUint::from_bytes_be(&key.encoded);
            let mut others = vec![right[1..].to_vec(), right[..size - 1].to_vec(), Vec::new(), key.encoded.clone()];
            others.push([&[0], &right[..]].concat());
            others.push([&right[..], &[0]].concat());
            // The same residue, if that is as long.
            others.extend((bits % 8 != 0).then(|| padded(&(&n + &root), size)));
            others.push(padded(&(&n - &root), size));
            others.push(vec![0xff; size]);
            for other in others {
                assert!(!key.verify(algorithm, message, &other), "{algorithm:?}, {bits} bits, {} bytes", other.len());
            }
        }
    }
}

#[test]
fn masks_are_as_long_as_they_are_wanted() {
    let seed = [3; 32];
    for hash in HASHES {
        let blocks: Vec<u8> = (0..3_u32).flat_map(|counter| hashed(hash, &[&seed, &counter.to_be_bytes()])).collect();
        let size = blocks.len() / 3;
        for length in [0, 1, size - 1, size, size + 1, 2 * size, 3 * size] {
            assert_eq!(mgf1(hash, &seed, length), blocks[..length]);
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
