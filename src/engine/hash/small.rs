//! SHA-256, SHA-384 and SHA-512 (FIPS 180-4) in half the code, for WebAssembly, where each kilobyte is downloaded. Their
//! constants, a kilobyte that no compressor makes shorter, are computed: they are bits of roots of primes.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "words are cut to size on purpose, and places are below the count of rounds"
)]

use alloc::boxed::Box;
use alloc::vec::Vec;

use once_cell::race::OnceBox;

use crate::algorithm::Hash;

pub(in crate::engine) fn hashed(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    let constants = CONSTANTS.get_or_init(|| Box::new(Constants::new()));
    let (initial, bytes) = match hash {
        Hash::Sha256 => (&constants.square[..8], 32),
        Hash::Sha384 => (&constants.square[8..], 48),
        Hash::Sha512 => (&constants.square[..8], 64),
    };
    let mut message = parts.concat();
    let mut output = Vec::with_capacity(64);
    if hash == Hash::Sha256 {
        pad(&mut message, 64);
        let mut state = core::array::from_fn(|i| upper(initial[i]));
        message.chunks_exact(64).for_each(|block| compress_32(&mut state, block, &constants.cube));
        state.iter().for_each(|word| output.extend_from_slice(&word.to_be_bytes()));
    } else {
        pad(&mut message, 128);
        let mut state = core::array::from_fn(|i| initial[i]);
        message.chunks_exact(128).for_each(|block| compress_64(&mut state, block, &constants.cube));
        state.iter().for_each(|word| output.extend_from_slice(&word.to_be_bytes()));
    }
    output.truncate(bytes);
    output
}

/// Section 5.1: a bit, zeros, and the length in bits, in an eighth of a block. Every message here is shorter than 2^61 bytes.
fn pad(message: &mut Vec<u8>, block: usize) {
    let bits = 8 * message.len() as u64;
    message.push(0x80);
    while message.len() % block != block - block / 8 {
        message.push(0);
    }
    message.resize(message.len() + block / 8 - 8, 0);
    message.extend_from_slice(&bits.to_be_bytes());
}

/// Section 6.2.2 or 6.4.2, for one of the two sizes of words; the rotations are those of section 4.1.2 or 4.1.3.
macro_rules! compress {
    ($name:ident, $word:ty, $rounds:literal, $constant:expr, $large0:expr, $large1:expr, $small0:expr, $small1:expr) => {
        fn $name(state: &mut [$word; 8], block: &[u8], constants: &[u64; 80]) {
            let large = |word: $word, [one, two, three]: [u32; 3]| {
                word.rotate_right(one) ^ word.rotate_right(two) ^ word.rotate_right(three)
            };
            let small = |word: $word, [one, two, shift]: [u32; 3]| {
                word.rotate_right(one) ^ word.rotate_right(two) ^ word >> shift
            };
            let mut words = [0; $rounds];
            let (numbers, _) = block.as_chunks();
            for (word, bytes) in words.iter_mut().zip(numbers) {
                *word = <$word>::from_be_bytes(*bytes);
            }
            for at in 0..$rounds - 16 {
                words[at + 16] = words[at]
                    .wrapping_add(small(words[at + 1], $small0))
                    .wrapping_add(words[at + 9])
                    .wrapping_add(small(words[at + 14], $small1));
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            for (word, constant) in words.iter().zip(constants) {
                let t1 = h
                    .wrapping_add(large(e, $large1))
                    .wrapping_add(g ^ e & (f ^ g))
                    .wrapping_add($constant(*constant))
                    .wrapping_add(*word);
                let t2 = large(a, $large0).wrapping_add(a & b | c & (a | b));
                (h, g, f, e) = (g, f, e, d.wrapping_add(t1));
                (d, c, b, a) = (c, b, a, t1.wrapping_add(t2));
            }
            for (word, mixed) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *word = word.wrapping_add(mixed);
            }
        }
    };
}

compress!(compress_32, u32, 64, upper, [2, 13, 22], [6, 11, 25], [7, 18, 3], [17, 19, 10]);
compress!(compress_64, u64, 80, core::convert::identity, [28, 34, 39], [14, 18, 41], [1, 8, 7], [19, 61, 6]);

/// SHA-256's constants are the upper halves of SHA-512's.
fn upper(constant: u64) -> u32 {
    (constant >> 32) as u32
}

static CONSTANTS: OnceBox<Constants> = OnceBox::new();

/// The first 64 bits of the fractions of roots of the first primes (sections 4.2.2, 4.2.3 and 5.3).
struct Constants {
    square: [u64; 16],
    cube: [u64; 80],
}

impl Constants {
    fn new() -> Self {
        // Below 23 * 23 a number is prime if no smaller one up to 22 divides it; the 80th prime is 409.
        let primes = || (2..).filter(|number| (2..22).all(|divisor| divisor >= *number || number % divisor != 0));
        let (mut square, mut cube) = ([0; 16], [0; 80]);
        square.iter_mut().zip(primes()).for_each(|(root, prime)| *root = fraction(prime, 2));
        cube.iter_mut().zip(primes()).for_each(|(root, prime)| *root = fraction(prime, 3));
        Self { square, cube }
    }
}

/// The first 64 bits of the fraction of a number's root: the square root (`degree` 2) or the cube root (3).
///
/// No root of the primes used comes so near to a multiple of 2^-28 or 2^-64 that rounding decides: the nearest is 0.004 of it away,
/// and the errors of doubles are below 2^-14. They add, subtract, multiply and divide only, so all processors agree.
fn fraction(number: u64, degree: u32) -> u64 {
    // Newton's method, until it stands still.
    let power = |base: f64| if degree == 2 { base } else { base * base };
    let mut root = number as f64;
    for _ in 0..24 {
        root = (root * f64::from(degree - 1) + number as f64 / power(root)) / f64::from(degree);
    }
    // The root's integer and 28 bits of its fraction are exact. What their power lacks is below 2^64, so it survives wrapping. Of
    // cubes, 2^84 times the number is 0 modulo 2^64: there is nothing left of it to shift.
    let first = (root * f64::from(1 << 28)) as u64;
    let lacking = number.checked_shl(28 * degree).unwrap_or_default().wrapping_sub(first.wrapping_pow(degree)) as f64;
    // (first + rest)^degree = first^degree + lacking, solved for the rest, from 0 on.
    let (first_as_float, mut rest) = (first as f64, 0.0);
    for _ in 0..4 {
        let factor = if degree == 2 {
            2.0 * first_as_float + rest
        } else {
            (3.0 * first_as_float + 3.0 * rest) * first_as_float + rest * rest
        };
        rest = lacking / factor;
    }
    (first << 36) + (rest * f64::from(1 << 30) * 64.0) as u64
}
