//! Our RSA against the reference: every answer on signatures that hold and on signatures broken in every way.
//!
//! `TOKENWARD_ROUNDS=600 cargo test --release --test rsa` makes a million comparisons for each algorithm, with other keys each
//! round.
//!
//! The keys are products of many small primes: quickly made in any size and quickly signed with, and to a verifier one
//! modulus is like another.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test says what it expects by failing"
)]

use core::sync::atomic::{AtomicUsize, Ordering};

use num_bigint::BigUint;
use num_integer::Integer;
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokenward::Algorithm;
use tokenward::compare::{Engine, Key, Numbers, use_fused};

const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

/// How often the kernel for engines that fuse multiply-adds was asked.
static ASKED: AtomicUsize = AtomicUsize::new(0);

fn fused_power(numbers: &mut [u64], limbs: usize, words: usize, squarings: u32) -> bool {
    ASKED.fetch_add(1, Ordering::Relaxed);
    tokenward_relaxed::power_of(numbers, limbs, words, squarings)
}

/// In WebAssembly it depends on the features of the module: without relaxed SIMD it is a model, and a slow one.
fn has_fused() -> bool {
    cfg!(any(not(target_arch = "wasm32"), target_feature = "relaxed-simd")) && tokenward_relaxed::fuses()
}

#[test]
fn both_engines_give_the_same_answers() {
    if has_fused() {
        use_fused(fused_power);
    }
    let rounds = std::env::var("TOKENWARD_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let mut random = Random(0x0123_4567_89ab_cdef);
    let signatures: usize = (0..rounds).map(|_| round(&mut random)).sum();
    println!("{signatures} signatures");
    assert!(signatures > 5000 * rounds, "{signatures} signatures");
}

fn round(random: &mut Random) -> usize {
    let mut signatures = 0;
    for (bits, exponents) in [
        (2048, &[3, 17, 65_537, 0x8000_0001, u32::MAX][..]),
        (2049, &[3, 65_537]),
        (2050, &[65_537, u32::MAX]),
        (2055, &[65_537]),
        (2056, &[3, 65_537]),
        (3072, &[3, 65_537]),
        (4095, &[65_537]),
        (4096, &[3, 65_537]),
        (4097, &[65_537]),
        (8185, &[65_537]),
        (8192, &[3, 65_537]),
    ] {
        for exponent in exponents {
            let signer = Signer::new(bits, *exponent, random);
            for algorithm in ALGORITHMS {
                signatures += signer.compare(algorithm, random);
            }
        }
    }
    signatures
}

struct Signer {
    modulus: BigUint,
    primes: Vec<u64>,
    exponent: u32,
    fast: Key,
    reference: Key,
}

impl Signer {
    fn new(bits: u64, exponent: u32, random: &mut Random) -> Self {
        let (modulus, primes) = loop {
            let mut primes = Vec::new();
            let mut modulus = BigUint::from(1_u8);
            while modulus.bits() < bits - 20 {
                let prime = random.prime(60.min(bits - modulus.bits()), exponent);
                if !primes.contains(&prime) {
                    primes.push(prime);
                    modulus *= prime;
                }
            }
            if modulus.bits() == bits {
                break (modulus, primes);
            }
        };
        let (n, e) = (modulus.to_bytes_be(), BigUint::from(exponent).to_bytes_be());
        let key = |engine| Key::new(engine, Numbers::Rsa { modulus: &n, exponent: &e }).unwrap();
        Self { fast: key(Engine::Fast), reference: key(Engine::Reference), modulus, primes, exponent }
    }

    /// Signs a message, breaks block and signature in many ways, and answers how many signatures were compared.
    fn compare(&self, algorithm: Algorithm, random: &mut Random) -> usize {
        let message = random.bytes(40);
        let asked = ASKED.load(Ordering::Relaxed);
        let size = self.modulus.bits().div_ceil(8) as usize;
        let block = encode(algorithm, &message, self.modulus.bits(), 0, random);
        let right = self.sign(&block);
        let mut compared = 0;
        let mut check = |message: &[u8], signature: &[u8], holds: Option<bool>| {
            let fast = self.fast.verify(algorithm, message, signature);
            let reference = self.reference.verify(algorithm, message, signature);
            let about = || format!("{algorithm:?}, {} bits, exponent {}", self.modulus.bits(), self.exponent);
            assert_eq!(fast, reference, "{}", about());
            assert_eq!(fast, holds.unwrap_or(fast), "{}", about());
            compared += 1;
        };
        check(&message, &right, Some(true));
        check(b"another message", &right, Some(false));
        // A signature of another length, or another number for the same residue.
        check(&message, &right[1..], Some(false));
        check(&message, &right[..size - 1], Some(false));
        check(&message, &[&[0], &right[..]].concat(), Some(false));
        check(&message, &[&right[..], &[0]].concat(), Some(false));
        check(&message, &[], Some(false));
        let number = BigUint::from_bytes_be(&right);
        let small = &self.modulus >> 8_u8;
        for other in
            [&number + &self.modulus, &self.modulus - &number, &self.modulus + 0_u8, &self.modulus - 1_u8, small]
        {
            check(&message, &padded(&other, size), Some(false));
        }
        for extreme in [0_u8, 1, 2, 0x7f, 0x80, 0xff] {
            check(&message, &vec![extreme; size], Some(false));
        }
        check(&message, &padded(&BigUint::ZERO, size), Some(false));
        check(&message, &padded(&BigUint::from(1_u8), size), Some(false));
        for _ in 0..8 {
            let mut broken = right.clone();
            broken[random.below(size)] ^= 1 << random.below(8);
            check(&message, &broken, Some(false));
            check(&message, &random.bytes(size), None);
        }
        // What signs well, but is not the block it should be: each of the first and last bytes, and some between.
        let ends = (0..12).chain(block.len() - 12..block.len());
        let between: Vec<usize> = (0..16).map(|_| random.below(block.len())).collect();
        for at in ends.chain(between) {
            let mut other = block.clone();
            other[at] ^= 1 << random.below(8);
            check(&message, &self.sign(&other), Some(false));
        }
        for change in [-1, 1, 8, -20] {
            if !algorithm.name().starts_with('P') {
                break;
            }
            let block = encode(algorithm, &message, self.modulus.bits(), change, random);
            check(&message, &self.sign(&block), Some(false));
        }
        for other in ALGORITHMS {
            let block = encode(other, &message, self.modulus.bits(), 0, random);
            check(&message, &self.sign(&block), Some(other == algorithm));
        }
        // Two are the exact kernel's, up to two dozen no numbers below the modulus; a kernel that differs is asked no more.
        let is_fused = has_fused() && self.modulus.bits() <= 4222 && (self.exponent - 1).is_power_of_two();
        let asked = ASKED.load(Ordering::Relaxed) - asked;
        assert!(if is_fused { asked > compared - 27 } else { asked == 0 }, "{asked} of {compared} were asked");
        compared
    }

    /// The root of a block modulo each prime, put together by Garner's form of the Chinese remainder theorem.
    fn sign(&self, block: &[u8]) -> Vec<u8> {
        let number = BigUint::from_bytes_be(block) % &self.modulus;
        let mut root = BigUint::ZERO;
        let mut product = BigUint::from(1_u8);
        for prime in &self.primes {
            let residue = u64::try_from(&number % prime).unwrap();
            let wanted = power(residue, inverse(u64::from(self.exponent), prime - 1), *prime);
            let present = u64::try_from(&root % prime).unwrap();
            let step = u64::try_from(&product % prime).unwrap();
            let difference = (wanted + prime - present) % prime;
            root += &product * times(difference, power(step, prime - 2, *prime), *prime);
            product *= *prime;
        }
        padded(&root, self.modulus.bits().div_ceil(8) as usize)
    }
}

/// RFC 8017 sections 9.2 and 9.1.1, the salt longer or shorter than it should be by `change`.
fn encode(algorithm: Algorithm, message: &[u8], bits: u64, change: isize, random: &mut Random) -> Vec<u8> {
    type Hash = fn(&[u8]) -> Vec<u8>;
    let (info, hash): (&str, Hash) = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            ("3031300d060960864801650304020105000420", |m| Sha256::digest(m).to_vec())
        }
        Algorithm::Rs384 | Algorithm::Ps384 => {
            ("3041300d060960864801650304020205000430", |m| Sha384::digest(m).to_vec())
        }
        _ => ("3051300d060960864801650304020305000440", |m| Sha512::digest(m).to_vec()),
    };
    let digest = hash(message);
    if matches!(algorithm, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512) {
        let info = BigUint::parse_bytes(info.as_bytes(), 16).unwrap().to_bytes_be();
        let padding = vec![0xff; bits.div_ceil(8) as usize - 3 - info.len() - digest.len()];
        return [&[0, 1], &padding[..], &[0], &info, &digest].concat();
    }
    let size = (bits - 1).div_ceil(8) as usize;
    let salt = random.bytes(digest.len().checked_add_signed(change).unwrap());
    let seed = hash(&[&[0; 8], &digest[..], &salt].concat());
    let mut data = vec![0; size - seed.len() - 1];
    let at = data.len() - salt.len();
    data[at - 1] = 1;
    data[at..].copy_from_slice(&salt);
    let mask = (0..).flat_map(|counter: u32| hash(&[&seed[..], &counter.to_be_bytes()].concat()));
    data.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    data[0] &= 0xff >> (8 * size as u64 - (bits - 1));
    [&data[..], &seed, &[0xbc]].concat()
}

fn padded(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; size.saturating_sub(bytes.len())], bytes].concat()
}

fn times(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

fn power(base: u64, exponent: u64, modulus: u64) -> u64 {
    (0..64).rev().fold(1, |value, bit| {
        let square = times(value, value, modulus);
        if exponent >> bit & 1 == 1 { times(square, base, modulus) } else { square }
    })
}

fn inverse(value: u64, modulus: u64) -> u64 {
    let found = i128::from(value).extended_gcd(&i128::from(modulus));
    assert_eq!(found.gcd, 1);
    u64::try_from(found.x.rem_euclid(i128::from(modulus))).unwrap()
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

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// A prime of so many bits that leaves the exponent invertible.
    fn prime(&mut self, bits: u64, exponent: u32) -> u64 {
        loop {
            let candidate = self.next() >> (64 - bits) | 1 << (bits - 1) | 1;
            let is_probably_prime = [2, 3, 5, 7, 11, 13].iter().all(|base| power(*base, candidate - 1, candidate) == 1);
            if is_probably_prime && (candidate - 1).gcd(&u64::from(exponent)) == 1 {
                return candidate;
            }
        }
    }
}
