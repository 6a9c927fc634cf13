//! Raises a number to a power modulo another, for JavaScript: RSA, in engines that round a multiplication and an addition once
//! (fused, relaxed SIMD), on limbs of 51 bits.
//!
//! An engine may have relaxed SIMD and not fuse: then all here is wrong, so [`fuses`] is asked first. What this module says is
//! believed only where it agrees with the block that a signature must hold, and only for keys for which it once agreed with the
//! exact kernel: see `src/engine/fast/rsa/fused.rs`. Only numbers cross the boundary, in a place of this module's memory: there
//! is no glue, no allocation and no state that outlives a call.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::sync::atomic::{AtomicU64, Ordering};

use lanes::Lanes;
use multiply::{MARGIN, MOST, Pairs, Work};

mod lanes;
#[allow(clippy::indexing_slicing, reason = "by constants, of arrays; what else is indexed is a `part`")]
mod multiply;
mod power;
#[cfg(test)]
mod tests;

/// Words of the base: one more than the modulus of most bits has.
const MOST_WORDS: usize = MOST * 51 / 64;
const MOST_NUMBERS: usize = 4 * MOST + 2 * MOST_WORDS;

/// Atomic, because that is how memory is shared without `unsafe`; there is only one thread.
static NUMBERS: [AtomicU64; MOST_NUMBERS] = [const { AtomicU64::new(0) }; MOST_NUMBERS];

/// Where the numbers are that [`power`] takes, and its result.
#[allow(unsafe_code, reason = "exported by its name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn numbers() -> *const AtomicU64 {
    NUMBERS.as_ptr()
}

/// Whether this engine rounds a multiplication and an addition once. The specification lets it choose, but only once for a
/// whole run.
#[allow(unsafe_code, reason = "exported by its name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fuses() -> bool {
    multiply::fuses()
}

/// Raises a base to the power of 2^squarings + 1. The numbers are: 2^-102 mod n, 2^-51 mod n, n, and R^2 mod n, R = 2^(51 limbs),
/// each so many doubles, balanced limbs of base 2^51; then the base, so many little-endian words. The power is written behind them. Says whether it is done.
#[allow(unsafe_code, reason = "exported by its name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn power(limbs: usize, words: usize, squarings: u32) -> bool {
    let fits = limbs != 0 && limbs <= MOST && limbs.is_multiple_of(6) && words <= MOST_WORDS;
    fits && squarings <= 31 && compute(limbs, words, squarings).is_some()
}

fn compute(limbs: usize, words: usize, squarings: u32) -> Option<()> {
    let mut numbers = NUMBERS.iter();
    let mut double = || numbers.next().map(|bits| f64::from_bits(bits.load(Ordering::Relaxed)));
    let mut work = Work::new(limbs);
    for pairs in [&mut work.fold_two, &mut work.fold_one] {
        read(pairs, limbs, &mut double)?;
    }
    let mut modulus = [0.0; MOST];
    let modulus = modulus.get_mut(..limbs)?;
    for limb in &mut *modulus {
        *limb = double()?;
    }
    read(&mut work.number, limbs, &mut double)?;
    let (mut base, mut result) = ([0; MOST_WORDS], [0; MOST_WORDS]);
    let (base, result) = (base.get_mut(..words)?, result.get_mut(..words)?);
    for (word, number) in base.iter_mut().zip(numbers.by_ref()) {
        *word = number.load(Ordering::Relaxed);
    }
    power::power(&mut work, modulus, base, squarings, result)?;
    for (word, number) in result.iter().zip(numbers) {
        number.store(*word, Ordering::Relaxed);
    }
    Some(())
}

fn read(pairs: &mut Pairs, limbs: usize, mut double: impl FnMut() -> Option<f64>) -> Option<()> {
    let mut before = 0.0;
    for (index, place) in pairs.get_mut(MARGIN - 1..MARGIN + limbs)?.iter_mut().enumerate() {
        let limb = if index < limbs { double()? } else { 0.0 };
        *place = Lanes::new(before, limb);
        before = limb;
    }
    Some(())
}

#[cfg(all(target_arch = "wasm32", not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
