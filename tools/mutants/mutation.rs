//! Which mutant is active: a module of the copy of the crate that holds them all, see `tools/mutants.mjs`.

extern crate std;

use core::intrinsics::const_eval_select;
use core::sync::atomic::{AtomicU32, Ordering};
use std::io::Write as _;

const UNREAD: u32 = u32::MAX;
/// No mutant is active, but it is written down which functions are reached.
const RECORDING: u32 = u32::MAX - 1;

static ACTIVE: AtomicU32 = AtomicU32::new(UNREAD);
static REACHED: [AtomicU32; 4096] = [const { AtomicU32::new(0) }; 4096];

/// None for the compiler: a mutant of what it computes has to be built.
pub(crate) const fn active() -> u32 {
    const_eval_select((), none, chosen)
}

/// Whether one of a function's mutants is active.
pub(crate) const fn is_within(first: u32, last: u32) -> bool {
    const_eval_select((first, last), is_none_within, is_chosen_within)
}

const fn none() -> u32 {
    0
}

const fn is_none_within(_: u32, _: u32) -> bool {
    false
}

#[inline(always)]
fn chosen() -> u32 {
    match ACTIVE.load(Ordering::Relaxed) {
        UNREAD => read(),
        number => number,
    }
}

#[inline(always)]
fn is_chosen_within(first: u32, last: u32) -> bool {
    let active = chosen();
    if active == RECORDING {
        record(first);
    }
    first <= active && active <= last
}

#[cold]
#[inline(never)]
fn read() -> u32 {
    let number = std::env::var("TOKENWARD_MUTANT").ok().and_then(|number| number.parse().ok());
    let number = if std::env::var_os("TOKENWARD_MUTANTS_REACHED").is_some() { RECORDING } else { number.unwrap_or(0) };
    ACTIVE.store(number, Ordering::Relaxed);
    number
}

#[cold]
#[inline(never)]
fn record(function: u32) {
    let is_new = REACHED.get(function as usize).is_some_and(|reached| reached.swap(1, Ordering::Relaxed) == 0);
    if let (true, Some(path)) = (is_new, std::env::var_os("TOKENWARD_MUTANTS_REACHED")) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(std::format!("{function}\n").as_bytes()).unwrap();
    }
}

/// What `for_each_limb` does, not unrolled.
#[inline(always)]
pub(crate) fn repeat<const L: usize>(mut body: impl FnMut(usize)) {
    for place in 0..L {
        body(place);
    }
}
