//! Our RSA kernel against num-bigint: any odd modulus of a size it takes, any odd exponent, any base.
#![no_main]

use libfuzzer_sys::fuzz_target;
use num_bigint::BigUint;
use tokenward::compare::rsa_power;

/// What a pattern of bytes is repeated to: sizes just above and below those of limbs and of steps.
const BITS: [usize; 12] = [2048, 2049, 2055, 2056, 2064, 2112, 3072, 4095, 4096, 4097, 8191, 8192];

fuzz_target!(|data: &[u8]| {
    let [size, e0, e1, e2, e3, split, patterns @ ..] = data else { return };
    let bits = BITS[usize::from(*size) % BITS.len()];
    let (modulus, base) = patterns.split_at(usize::from(*split).min(patterns.len()));
    let one = BigUint::from(1_u8);
    let mut modulus = number(modulus, bits);
    modulus.set_bit(0, true);
    modulus.set_bit(bits as u64 - 1, true);
    // Below the modulus: from above, from below, or any.
    let base = match e0 & 3 {
        0 => &modulus - &one - (number(base, 64) % &modulus),
        1 => number(base, 64),
        _ => number(base, bits) % &modulus,
    };
    // Few bits: num-bigint is slow.
    let exponent = u32::from_be_bytes([0, *e1 & 1, *e2, *e3]) | 3;
    let length = bits.div_ceil(8);
    let expected = bytes(&base.modpow(&exponent.into(), &modulus), length);
    assert_eq!(rsa_power(&bytes(&modulus, length), exponent, &bytes(&base, length)), expected);
});

fn number(pattern: &[u8], bits: usize) -> BigUint {
    if pattern.is_empty() {
        return BigUint::ZERO;
    }
    let bytes: Vec<u8> = pattern.iter().copied().cycle().take(bits.div_ceil(8)).collect();
    BigUint::from_bytes_be(&bytes) % (BigUint::from(1_u8) << bits)
}

fn bytes(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    core::iter::repeat_n(0, length - bytes.len()).chain(bytes).collect()
}
