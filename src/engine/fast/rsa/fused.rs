//! Powers by a kernel that is faster and that we trust less: `relaxed/`, a WebAssembly module of its own, whose answers are right
//! only where an engine rounds a multiplication and an addition once. JavaScript asks it whether the engine does.
//!
//! Nothing is refused on its word alone: what does not hold with its power is computed again by the exact kernel
//! (`montgomery.rs`). Nothing is accepted on its word before it agreed with the exact kernel: a key's first signature is not its
//! business; then both compute until they agreed on one that is valid, and it is asked about others only while it never differed. So a kernel that fails,
//! knows no power, or answers anything but powers, costs time and changes no answer.
//!
//! What remains is a kernel that is right for a key and wrong later. To have a forged signature accepted, its wrong power
//! must be the very block that belongs to the message: for PKCS#1 each bit of it is prescribed, for PSS a hash over what is
//! unmasked. The kernel is told nothing of the message. Its errors would be of two kinds: an engine that stops fusing (the
//! specification has it choose once for a run) leaves errors of rounding in nearly all of the thousands of sums, which meet a given
//! number of 2048 bits by chance only; a flaw of its bounds would be rarer, and is excluded by the constants that are asserted
//! in `relaxed/src/multiply.rs` for all inputs. Neither depends on memory of former calls: everything it computes with
//! (the modulus' constants and the signature) is written anew for each, the place of its power is zeros before, and its power
//! must be below n. A kernel made to lie is no part of this (one that was right and then returned what it is given would have the
//! block itself accepted as its signature): it comes from the same package as the main module, which could lie as well.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use once_cell::race::OnceBox;

use super::modulus::Modulus;
#[cfg(all(target_arch = "wasm32", feature = "wasm"))]
use crate::wasm::fused_power;

const LIMB_BITS: i32 = 51;
const MASK: i64 = (1 << LIMB_BITS) - 1;
/// The kernel's numbers have so many limbs; the modulus 51 and 11 bits less.
const WIDTHS: [usize; 3] = [42, 66, 84];

const NEW: u8 = 0;
const USED: u8 = 1;
const TRUSTED: u8 = 2;
const UNUSABLE: u8 = 3;

/// What is known of the kernel's work for one key.
pub(super) struct Fused {
    state: AtomicU8,
    constants: OnceBox<Vec<u64>>,
}

impl Fused {
    pub(super) fn new() -> Self {
        Self { state: AtomicU8::new(NEW), constants: OnceBox::new() }
    }

    /// Whether a signature to the power of the exponent is a block that holds. The signature is as long as the modulus and less.
    pub(super) fn check(
        &self,
        (modulus, encoded): (&Modulus, &[u8]),
        exponent: u32,
        signature: &[u8],
        holds: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let fused =
            if state == USED || state == TRUSTED { self.power((modulus, encoded), exponent, signature) } else { None };
        if state == TRUSTED && fused.as_deref().is_some_and(&holds) {
            return true;
        }
        let exact = modulus.power(signature, exponent);
        let is_valid = holds(&exact);
        let next = match state {
            NEW => USED,
            // Of numbers that anybody can send, such as 0 and 1, any kernel knows the power.
            USED if fused.as_ref() == Some(&exact) && is_valid => TRUSTED,
            state if fused.as_ref() == Some(&exact) => state,
            _ => UNUSABLE,
        };
        self.state.store(next, Ordering::Relaxed);
        is_valid
    }

    /// The kernel's answer, if it has one that can be.
    fn power(&self, (modulus, encoded): (&Modulus, &[u8]), exponent: u32, signature: &[u8]) -> Option<Vec<u8>> {
        let rest = exponent.checked_sub(1).filter(|rest| rest.is_power_of_two())?;
        let bits = encoded.len() * 8 - encoded.first()?.leading_zeros() as usize;
        let width = WIDTHS.into_iter().find(|width| bits + 11 <= 51 * (width - 1))?;
        let mut numbers = self.constants.get_or_init(|| Box::new(constants(modulus, encoded, width))).clone();
        let count = signature.len().div_ceil(8);
        push_words(&mut numbers, signature);
        let place = numbers.len();
        numbers.resize(place + count, 0);
        if !fused_power(&mut numbers, width, count, rest.trailing_zeros()) {
            return None;
        }
        let mut power = Vec::new();
        for word in numbers[place..].iter().rev() {
            power.extend_from_slice(&word.to_be_bytes());
        }
        let power = power.split_off(8 * count - signature.len());
        (power.as_slice() < encoded).then_some(power)
    }
}

/// 2^-102 mod n, 2^-51 mod n, n, and R^2 mod n with R = 2^(51 * width): the bits of doubles, which are balanced limbs.
fn constants(modulus: &Modulus, encoded: &[u8], width: usize) -> Vec<u64> {
    let mut constants = Vec::new();
    push_limbs(&mut constants, &modulus.power_of_two(encoded, -2 * LIMB_BITS), width);
    push_limbs(&mut constants, &modulus.power_of_two(encoded, -LIMB_BITS), width);
    push_limbs(&mut constants, encoded, width);
    push_limbs(&mut constants, &modulus.power_of_two(encoded, 2 * LIMB_BITS * width as i32), width);
    constants
}

/// A big-endian number as little-endian words.
fn push_words(words: &mut Vec<u64>, bytes: &[u8]) {
    for chunk in bytes.rchunks(8) {
        words.push(chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
}

/// A big-endian number as limbs from -2^50 to 2^50, the bits of doubles. The topmost has room for a carry.
fn push_limbs(limbs: &mut Vec<u64>, bytes: &[u8], width: usize) {
    let mut bits: u128 = 0;
    let mut count = 0;
    let mut bytes = bytes.iter().rev();
    for _ in 0..width {
        while count < LIMB_BITS {
            bits += u128::from(*bytes.next().unwrap_or(&0)) << count;
            count += 8;
        }
        let limb = bits as i64 & MASK;
        bits >>= LIMB_BITS;
        count -= LIMB_BITS;
        let carried = limb > 1 << 50;
        bits += u128::from(carried);
        limbs.push(((limb - (i64::from(carried) << LIMB_BITS)) as f64).to_bits());
    }
}

/// The kernel of whoever links it: our tests.
#[cfg(all(feature = "compare", not(feature = "wasm")))]
pub(super) static KERNEL: OnceBox<super::super::FusedKernel> = OnceBox::new();

#[cfg(all(feature = "compare", not(feature = "wasm")))]
fn fused_power(numbers: &mut [u64], width: usize, words: usize, squarings: u32) -> bool {
    KERNEL.get().is_some_and(|kernel| kernel(numbers, width, words, squarings))
}

/// Only JavaScript has it.
#[cfg(not(any(all(target_arch = "wasm32", feature = "wasm"), all(feature = "compare", not(feature = "wasm")))))]
fn fused_power(_: &mut [u64], _: usize, _: usize, _: u32) -> bool {
    false
}

#[cfg(test)]
mod tests;
