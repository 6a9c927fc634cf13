//! What the kernel is given, and how far it is believed: no answer shows that where it only costs time.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use num_bigint::BigUint;

use super::*;

std::thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
    /// What the kernel answers instead, in words.
    static LIE: RefCell<Option<Vec<u64>>> = const { RefCell::new(None) };
}

fn kernel(numbers: &mut [u64], limbs: usize, words: usize, squarings: u32) -> bool {
    ASKED.set(ASKED.get() + 1);
    LIE.with_borrow(|lie| match lie {
        Some(lie) if lie.is_empty() => false,
        Some(lie) => {
            let place = numbers.len() - words;
            numbers[place..].copy_from_slice(lie);
            true
        }
        None => tokenward_relaxed::power_of(numbers, limbs, words, squarings),
    })
}

fn link() {
    super::super::use_fused(kernel);
}

/// A modulus of so many bits, big-endian.
fn modulus(bits: u32) -> Vec<u8> {
    (((BigUint::from(1_u8) << bits) / 3_u8 * 2_u8) | BigUint::from(1_u8)).to_bytes_be()
}

fn base(modulus: &[u8]) -> Vec<u8> {
    let bytes = (BigUint::from_bytes_be(modulus) / 7_u8).to_bytes_be();
    [vec![0; modulus.len() - bytes.len()], bytes].concat()
}

fn words(bytes: &[u8]) -> Vec<u64> {
    let mut words = Vec::new();
    push_words(&mut words, bytes);
    words
}

#[test]
fn the_kernel_knows_each_power_that_is_its_business() {
    link();
    // Around the widths that the kernel has, and where a byte or a word begins.
    for bits in [2048, 2049, 2056, 2057, 2080, 2081, 3072, 3303, 3304, 3305, 4096, 4221, 4222] {
        let encoded = modulus(bits);
        let (modulus, base) = (Modulus::new(&encoded), base(&encoded));
        for exponent in [3, 5, 17, 257, 65_537] {
            let power = Fused::new().power((&modulus, &encoded), exponent, &base);
            assert_eq!(power, Some(modulus.power(&base, exponent)), "{bits} bits, {exponent}");
        }
        ASKED.set(0);
        for exponent in [0, 7, u32::MAX] {
            assert_eq!(Fused::new().power((&modulus, &encoded), exponent, &base), None);
        }
        assert_eq!(ASKED.get(), 0);
    }
    for bits in [4223, 4224, 8192] {
        let encoded = modulus(bits);
        assert_eq!(Fused::new().power((&Modulus::new(&encoded), &encoded), 3, &base(&encoded)), None, "{bits} bits");
    }
    // A limb of 2^50 keeps its sign, one more is negative and carries.
    let mut limbs = Vec::new();
    push_limbs(&mut limbs, &((1_u64 << 50) + 1).to_be_bytes(), 2);
    push_limbs(&mut limbs, &(1_u64 << 50).to_be_bytes(), 2);
    let half = 1_125_899_906_842_624.0;
    assert_eq!(limbs.into_iter().map(f64::from_bits).collect::<Vec<_>>(), [1.0 - half, 1.0, half, 0.0]);
}

#[test]
fn what_cannot_be_a_power_is_no_answer() {
    link();
    let encoded = modulus(2048);
    let (modulus, base) = (Modulus::new(&encoded), base(&encoded));
    let power = |lie: &[u8]| {
        LIE.set(Some(words(lie)));
        Fused::new().power((&modulus, &encoded), 3, &base)
    };
    let mut below = encoded.clone();
    below[255] -= 1;
    assert_eq!(power(&below), Some(below.clone()));
    assert_eq!(power(&encoded), None, "the modulus itself");
    assert_eq!(power(&[0xff; 256]), None);
    LIE.set(Some(Vec::new()));
    assert_eq!(Fused::new().power((&modulus, &encoded), 3, &base), None, "it says that it failed");
}

/// Whether a block holds is asked of the kernel's alone, of the exact one alone, or of both.
#[test]
fn the_kernel_is_believed_after_it_agreed_on_what_is_valid() {
    link();
    let encoded = modulus(2048);
    let (modulus, base) = (Modulus::new(&encoded), base(&encoded));
    let exact = modulus.power(&base, 3);
    let lie = [7; 256];
    let ask = |fused: &Fused, kernel: Option<&[u8]>, holds: &[&[u8]]| {
        ASKED.set(0);
        LIE.set(kernel.map(words));
        let answer = fused.check((&modulus, &encoded), 3, &base, |block| holds.contains(&block));
        (answer, ASKED.get())
    };
    let exact = exact.as_slice();
    let lie = lie.as_slice();

    let fused = Fused::new();
    assert_eq!(ask(&fused, Some(lie), &[lie]), (false, 0), "not asked at first");
    assert_eq!(ask(&fused, None, &[]), (false, 1), "agrees on what is not valid");
    assert_eq!(ask(&fused, None, &[]), (false, 1));
    assert_eq!(ask(&fused, Some(lie), &[lie]), (false, 1), "not believed by that");
    assert_eq!(ask(&fused, None, &[exact]), (true, 0), "not asked again after it differed");

    let fused = Fused::new();
    assert_eq!(ask(&fused, None, &[exact]), (true, 0));
    assert_eq!(ask(&fused, None, &[exact]), (true, 1));
    assert_eq!(ask(&fused, Some(lie), &[lie]), (true, 1), "believed, after both agreed on a valid one");
    assert_eq!(ask(&fused, None, &[]), (false, 1), "still asked after both agree that one is not valid");
    assert_eq!(ask(&fused, Some(lie), &[exact]), (true, 1), "nothing is refused on its word");
    assert_eq!(ask(&fused, None, &[exact]), (true, 0), "not asked again after it differed");

    let fused = Fused::new();
    assert_eq!(ask(&fused, None, &[exact]), (true, 0));
    assert_eq!(ask(&fused, Some(lie), &[exact]), (true, 1), "differs on a valid one");
    assert_eq!(ask(&fused, None, &[exact]), (true, 0), "not asked again");
}
