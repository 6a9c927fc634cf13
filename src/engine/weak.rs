//! Keys that no engine should be handed: wrong sizes, weak numbers, encodings with a second spelling.

use alloc::string::{String, ToString};

use super::KeyMaterial;
use crate::text::Piece::{Count, Text};
use crate::text::filled;

const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;

/// Says what is wrong with a key, if anything can be said without arithmetic on large numbers.
pub(super) fn check(material: &KeyMaterial<'_>) -> Result<(), String> {
    match material {
        KeyMaterial::Rsa { modulus, exponent } => {
            let bits = bit_length(modulus);
            if !RSA_BITS.contains(&bits) {
                return Err(filled("its RSA modulus has {} bits; it should have 2048 to 8192", &[Count(bits)]));
            }
            check_rsa(modulus, exponent).map_err(ToString::to_string)
        }
        KeyMaterial::P256 { x, y } => check_sizes(&[("x", x), ("y", y)], 32),
        KeyMaterial::P384 { x, y } => check_sizes(&[("x", x), ("y", y)], 48),
        KeyMaterial::P521 { x, y } => check_sizes(&[("x", x), ("y", y)], 66),
        KeyMaterial::Ed25519 { point } => {
            check_sizes(&[("x", point)], 32)?;
            check_ed25519(point).map_err(ToString::to_string)
        }
        #[cfg(feature = "ml-dsa")]
        KeyMaterial::MlDsa { algorithm, public } => {
            let (found, size) = (public.len(), super::ml_dsa::key_size(*algorithm));
            if found == size {
                return Ok(());
            }
            Err(filled(
                "its pub has {} bytes; for {} it should have exactly {}",
                &[Count(found), Text(algorithm.name()), Count(size)],
            ))
        }
    }
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), &'static str> {
    if is_even(modulus) {
        return Err("its RSA modulus is even");
    }
    if is_even(exponent) || exponent == [1] || bit_length(exponent) > 32 {
        return Err("its RSA exponent is not an odd number from 3 to 2^32");
    }
    if is_roca(modulus) {
        return Err("its RSA modulus has the ROCA weakness (CVE-2017-15361)");
    }
    Ok(())
}

/// RFC 7518 section 6.2.1.2 and RFC 8037 section 2: numbers have the full size of the field, leading zeros and all.
fn check_sizes(numbers: &[(&str, &[u8])], size: usize) -> Result<(), String> {
    match numbers.iter().find(|(_, number)| number.len() != size) {
        None => Ok(()),
        Some((name, number)) => {
            let found = number.len();
            Err(filled(
                "its {} has {} bytes; it should have exactly {}, leading zeros included",
                &[Text(name), Count(found), Count(size)],
            ))
        }
    }
}

/// RFC 8032 section 5.1.3: the encoded y is less than p = 2^255 - 19.
fn check_ed25519(point: &[u8]) -> Result<(), &'static str> {
    if let [first, middle @ .., last] = point
        && *first >= 0xed
        && middle.iter().all(|byte| *byte == 0xff)
        && *last & 0x7f == 0x7f
    {
        return Err("its Ed25519 point is not canonically encoded");
    }
    Ok(())
}

/// Whether a modulus has the fingerprint of the flawed generator of CVE-2017-15361: Nemec, Sys, Svenda, Klinec, Matyas,
/// "The Return of Coppersmith's Attack" (CCS 2017), section 4.2. Its primes are k * M + (65537^a mod M), M a product of
/// the first primes, so the modulus is a power of 65537 modulo each of them. About one sound modulus in 2^27 looks like one.
fn is_roca(modulus: &[u8]) -> bool {
    // Sorted by the share of residues that are powers of 65537, the smallest first: one or two tell nearly all sound moduli.
    const PRIMES: [u32; 38] = [
        97, 37, 79, 11, 61, 73, 127, 151, 13, 17, 19, 53, 71, 103, 107, 109, 157, 3, 5, 7, 23, 29, 31, 41, 43, 47, 59,
        67, 83, 89, 101, 113, 131, 137, 139, 149, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        // Three bytes at a time: 8 bits of the residue and 24 more fit into 32.
        let residue = modulus
            .rchunks(3)
            .rev()
            .fold(0, |residue, bytes| bytes.iter().fold(residue, |sum, byte| sum << 8 | u32::from(*byte)) % prime);
        let mut power = 1;
        loop {
            if power == residue {
                return true;
            }
            power = power * (65_537 % prime) % prime;
            if power == 1 {
                return false;
            }
        }
    })
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte % 2 == 0)
}

/// Of a big-endian number without leading zeros.
fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |first| {
        let unused = usize::try_from(first.leading_zeros()).unwrap_or_default();
        number.len() * 8 - unused
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::iter::successors;

    use num_bigint::BigUint;

    use super::is_roca;

    fn primes() -> impl Iterator<Item = u32> {
        (3..=167).filter(|number| (2..*number).all(|divisor| number % divisor != 0))
    }

    /// A number of `bytes` bytes that is `65537^power` modulo each prime, but `more` above it modulo one of them.
    fn modulus(bytes: u32, power: u32, (prime, more): (u32, u32)) -> Vec<u8> {
        let product = primes().fold(BigUint::from(1_u8), |product, prime| product * prime);
        let others = &product / prime;
        let shift = &others * others.modpow(&BigUint::from(prime - 2), &prime.into()) * more;
        let residue = (BigUint::from(65_537_u32).modpow(&power.into(), &product) + shift) % &product;
        let lowest = BigUint::from(1_u8) << (8 * bytes - 1);
        (&lowest - &lowest % &product + product + residue).to_bytes_be()
    }

    #[test]
    fn what_is_a_power_modulo_every_prime_has_the_fingerprint() {
        for (bytes, power) in
            (256..262).chain([512, 1024]).flat_map(|bytes| [0, 1, 2, 12_345].map(|power| (bytes, power)))
        {
            assert!(is_roca(&modulus(bytes, power, (3, 0))), "{bytes} bytes, 65537^{power}");
        }
    }

    #[test]
    fn what_is_none_modulo_a_single_prime_has_not() {
        for prime in primes() {
            let powers: Vec<u32> = successors(Some(1), |power| Some(power * 65_537 % prime)).take(167).collect();
            for more in 1..prime {
                let residue = (65_537 % prime + more) % prime;
                let modulus = modulus(256, 1, (prime, more));
                assert_eq!(is_roca(&modulus), powers.contains(&residue), "{residue} modulo {prime}");
            }
        }
    }
}
