//! Raises a number to a power modulo another, for JavaScript: the kernel of `src/engine/fast/rsa`, compiled with relaxed SIMD
//! for engines that have it, where a product is added in one instruction instead of two.
//!
//! All sums are exact, so it does not matter whether an engine really fuses, and the answers are those of the same kernel in
//! Tokenward's own module, which serves all other engines. Only numbers cross the boundary, in a place of this module's
//! memory: there is no glue, no allocation and no state that outlives a call.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use montgomery::room;
use pair::Pair;

#[allow(dead_code, clippy::indexing_slicing, reason = "shared with src/engine/fast/rsa")]
#[path = "../../src/engine/fast/rsa/columns.rs"]
mod columns;
#[allow(dead_code, clippy::indexing_slicing, reason = "shared with src/engine/fast/rsa")]
#[path = "../../src/engine/fast/rsa/montgomery.rs"]
mod montgomery;
#[path = "../../src/engine/fast/rsa/pair.rs"]
mod pair;
#[cfg(test)]
mod tests;

/// Of a modulus of 2048 bits.
const USUAL_LIMBS: usize = 92;
/// Of a modulus of 8192 bits.
const MOST_LIMBS: usize = 348;

/// The bits of doubles. Atomic, because that is how memory is shared without `unsafe`; there is only one thread.
static NUMBERS: [AtomicU64; 3 * MOST_LIMBS] = [const { AtomicU64::new(0) }; 3 * MOST_LIMBS];

/// Where the numbers are that [`power`] takes, and then its result: room for three of the largest.
#[allow(unsafe_code, reason = "exported by its name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn numbers() -> *const AtomicU64 {
    NUMBERS.as_ptr()
}

/// The `power` of `src/engine/fast/rsa/montgomery.rs`, for three numbers of so many limbs; says whether it is done.
#[allow(unsafe_code, reason = "exported by its name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn power(limbs: usize, exponent: u32) -> bool {
    if limbs == 0 || limbs > MOST_LIMBS || !limbs.is_multiple_of(columns::ROWS) || exponent < 3 {
        return false;
    }
    if limbs <= USUAL_LIMBS {
        compute::<{ 3 * USUAL_LIMBS }, { room(USUAL_LIMBS) }>(3 * limbs, exponent)
    } else {
        compute::<{ 3 * MOST_LIMBS }, { room(MOST_LIMBS) }>(3 * limbs, exponent)
    }
}

/// On the stack, of which the usual modulus needs little.
fn compute<const LIMBS: usize, const ROOM: usize>(count: usize, exponent: u32) -> bool {
    let mut numbers = [0.0; LIMBS];
    let mut room = [Pair::ZERO; ROOM];
    let Some(numbers) = numbers.get_mut(..count) else { return false };
    for (number, bits) in numbers.iter_mut().zip(&NUMBERS) {
        *number = f64::from_bits(bits.load(Ordering::Relaxed));
    }
    montgomery::power(numbers, exponent, &mut room);
    for (number, bits) in numbers.iter().zip(&NUMBERS) {
        bits.store(number.to_bits(), Ordering::Relaxed);
    }
    true
}

#[cfg(all(target_arch = "wasm32", not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
