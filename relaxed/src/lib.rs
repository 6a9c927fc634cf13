//! Raises a number to a power modulo another, for JavaScript: RSA, in engines that round a multiplication and an addition once
//! (fused, relaxed SIMD), on limbs of 51 bits.
//!
//! An engine may have relaxed SIMD and not fuse: then all here is wrong, so [`fuses`] is asked first. What this module says is
//! believed only where it agrees with the block that a signature must hold, and only for keys for which it once agreed with the
//! exact kernel: see `src/engine/fast/rsa/fused.rs`. Only numbers cross the boundary, in a place of this module's memory: there
//! is no glue, no allocation and no state that outlives a call.
#![cfg_attr(all(target_arch = "wasm32", not(feature = "std")), no_std)]

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
/// So many limbs a number has: for moduli of 2080, 3304 and 4222 bits.
const WIDTHS: [usize; 3] = [42, 66, 84];
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
    let given = NUMBERS.iter().map(|number| number.load(Ordering::Relaxed));
    let Some(result) = compute(given, limbs, words, squarings) else { return false };
    for (place, word) in NUMBERS.iter().skip(4 * limbs + words).zip(result).take(words) {
        place.store(word, Ordering::Relaxed);
    }
    true
}

/// The same for whoever links this crate: the last `words` of the numbers become the power.
#[must_use]
pub fn power_of(numbers: &mut [u64], limbs: usize, words: usize, squarings: u32) -> bool {
    let Some(at) = numbers.len().checked_sub(words) else { return false };
    let (given, place) = numbers.split_at_mut(at);
    let Some(result) = compute(given.iter().copied(), limbs, words, squarings) else { return false };
    place.iter_mut().zip(result).for_each(|(place, word)| *place = word);
    true
}

fn compute(
    mut numbers: impl Iterator<Item = u64>,
    limbs: usize,
    words: usize,
    squarings: u32,
) -> Option<[u64; MOST_WORDS]> {
    if !WIDTHS.contains(&limbs) || squarings > 31 {
        return None;
    }
    let mut work = Work::new(limbs);
    let mut double = || numbers.next().map(f64::from_bits);
    read(&mut work.fold_two, limbs, &mut double)?;
    read(&mut work.fold_one, limbs, &mut double)?;
    let mut n = [0.0; MOST];
    let n = n.get_mut(..limbs)?;
    for limb in &mut *n {
        *limb = double()?;
    }
    read(&mut work.number, limbs, &mut double)?;
    let (mut base, mut result) = ([0; MOST_WORDS], [0; MOST_WORDS]);
    for word in base.get_mut(..words)? {
        *word = numbers.next()?;
    }
    power::power(&mut work, n, base.get(..words)?, squarings, result.get_mut(..words)?)?;
    Some(result)
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

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
