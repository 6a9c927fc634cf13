//! The fields of our engine, and the orders of P-256, P-384 and edwards25519, against `fiat-crypto`, whose code Coq has proved to compute what it says: ours is checked against
//! proved code, which does not make it proved.
//!
//! `TOKENWARD_ROUNDS=100 cargo test --release --test fiat` makes a million and more comparisons for each field.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what it expects by failing"
)]

use fiat_crypto::{curve25519_64 as f25519, p256_64 as p256, p384_64 as p384, p521_64 as p521};
use fiat_crypto::{curve25519_scalar_64 as n25519, p256_scalar_64 as n256, p384_scalar_64 as n384};
use tokenward::compare::{Field, FieldOperation, field};

#[test]
fn p256() {
    compare(
        &P256,
        b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    );
}

#[test]
fn p384() {
    let mut prime = [0xff; 48];
    prime[31] = 0xfe;
    prime[36..44].fill(0);
    compare(&P384, &prime);
}

#[test]
fn p521() {
    let mut prime = [0xff; 66];
    prime[0] = 1;
    compare(&P521, &prime);
}

#[test]
fn f25519() {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0x7f, 0xed);
    compare(&F25519, &prime);
}

#[test]
fn n256() {
    compare(
        &N256,
        b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
    );
}

#[test]
fn n384() {
    let mut order = [0xff; 48];
    order[24..].copy_from_slice(
        b"\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
    );
    compare(&N384, &order);
}

#[test]
fn n25519() {
    let mut order = [0; 32];
    order[0] = 0x10;
    order[16..].copy_from_slice(b"\x14\xde\xf9\xde\xa2\xf7\x9c\xd6\x58\x12\x63\x1a\x5c\xf5\xd3\xed");
    compare(&N25519, &order);
}

/// A field as `fiat-crypto` computes in it; bytes are big-endian and below the prime.
struct Proved {
    field: Field,
    mul: fn(&[u8], &[u8]) -> Vec<u8>,
    square: fn(&[u8]) -> Vec<u8>,
    add: fn(&[u8], &[u8]) -> Vec<u8>,
    sub: fn(&[u8], &[u8]) -> Vec<u8>,
}

/// In Montgomery form.
macro_rules! montgomery {
    ($name:ident, $module:ident, $size:literal, $limbs:literal, $number:ident, $plain:ident,
     $mul:ident, $square:ident, $add:ident, $sub:ident, $to:ident, $from:ident, $read:ident, $write:ident) => {
        const $name: Proved = {
            fn read(bytes: &[u8]) -> $module::$number {
                let mut plain = $module::$plain([0; $limbs]);
                $module::$read(&mut plain.0, &reversed::<$size>(bytes));
                let mut number = $module::$number([0; $limbs]);
                $module::$to(&mut number, &plain);
                number
            }
            fn written(number: $module::$number) -> Vec<u8> {
                let mut plain = $module::$plain([0; $limbs]);
                $module::$from(&mut plain, &number);
                let mut bytes = [0; $size];
                $module::$write(&mut bytes, &plain.0);
                bytes.into_iter().rev().collect()
            }
            fn binary(
                operation: fn(&mut $module::$number, &$module::$number, &$module::$number),
                a: &[u8],
                b: &[u8],
            ) -> Vec<u8> {
                let mut number = $module::$number([0; $limbs]);
                operation(&mut number, &read(a), &read(b));
                written(number)
            }
            fn square(a: &[u8]) -> Vec<u8> {
                let mut number = $module::$number([0; $limbs]);
                $module::$square(&mut number, &read(a));
                written(number)
            }
            Proved {
                field: Field::$name,
                mul: |a, b| binary($module::$mul, a, b),
                square,
                add: |a, b| binary($module::$add, a, b),
                sub: |a, b| binary($module::$sub, a, b),
            }
        };
    };
}

/// On limbs with room above them.
macro_rules! unsaturated {
    ($name:ident, $module:ident, $size:literal, $limbs:literal, $tight:ident, $loose:ident,
     $mul:ident, $square:ident, $add:ident, $sub:ident, $carry:ident, $relax:ident, $read:ident, $write:ident) => {
        const $name: Proved = {
            fn read(bytes: &[u8]) -> $module::$tight {
                let mut number = $module::$tight([0; $limbs]);
                $module::$read(&mut number, &reversed::<$size>(bytes));
                number
            }
            fn relaxed(bytes: &[u8]) -> $module::$loose {
                let mut number = $module::$loose([0; $limbs]);
                $module::$relax(&mut number, &read(bytes));
                number
            }
            fn written(number: $module::$tight) -> Vec<u8> {
                let mut bytes = [0; $size];
                $module::$write(&mut bytes, &number);
                bytes.into_iter().rev().collect()
            }
            fn mul(a: &[u8], b: &[u8]) -> Vec<u8> {
                let mut number = $module::$tight([0; $limbs]);
                $module::$mul(&mut number, &relaxed(a), &relaxed(b));
                written(number)
            }
            fn square(a: &[u8]) -> Vec<u8> {
                let mut number = $module::$tight([0; $limbs]);
                $module::$square(&mut number, &relaxed(a));
                written(number)
            }
            fn sum(
                operation: fn(&mut $module::$loose, &$module::$tight, &$module::$tight),
                a: &[u8],
                b: &[u8],
            ) -> Vec<u8> {
                let mut loose = $module::$loose([0; $limbs]);
                operation(&mut loose, &read(a), &read(b));
                let mut number = $module::$tight([0; $limbs]);
                $module::$carry(&mut number, &loose);
                written(number)
            }
            Proved {
                field: Field::$name,
                mul,
                square,
                add: |a, b| sum($module::$add, a, b),
                sub: |a, b| sum($module::$sub, a, b),
            }
        };
    };
}

montgomery!(
    P256,
    p256,
    32,
    4,
    fiat_p256_montgomery_domain_field_element,
    fiat_p256_non_montgomery_domain_field_element,
    fiat_p256_mul,
    fiat_p256_square,
    fiat_p256_add,
    fiat_p256_sub,
    fiat_p256_to_montgomery,
    fiat_p256_from_montgomery,
    fiat_p256_from_bytes,
    fiat_p256_to_bytes
);
montgomery!(
    P384,
    p384,
    48,
    6,
    fiat_p384_montgomery_domain_field_element,
    fiat_p384_non_montgomery_domain_field_element,
    fiat_p384_mul,
    fiat_p384_square,
    fiat_p384_add,
    fiat_p384_sub,
    fiat_p384_to_montgomery,
    fiat_p384_from_montgomery,
    fiat_p384_from_bytes,
    fiat_p384_to_bytes
);
montgomery!(
    N256,
    n256,
    32,
    4,
    fiat_p256_scalar_montgomery_domain_field_element,
    fiat_p256_scalar_non_montgomery_domain_field_element,
    fiat_p256_scalar_mul,
    fiat_p256_scalar_square,
    fiat_p256_scalar_add,
    fiat_p256_scalar_sub,
    fiat_p256_scalar_to_montgomery,
    fiat_p256_scalar_from_montgomery,
    fiat_p256_scalar_from_bytes,
    fiat_p256_scalar_to_bytes
);
montgomery!(
    N384,
    n384,
    48,
    6,
    fiat_p384_scalar_montgomery_domain_field_element,
    fiat_p384_scalar_non_montgomery_domain_field_element,
    fiat_p384_scalar_mul,
    fiat_p384_scalar_square,
    fiat_p384_scalar_add,
    fiat_p384_scalar_sub,
    fiat_p384_scalar_to_montgomery,
    fiat_p384_scalar_from_montgomery,
    fiat_p384_scalar_from_bytes,
    fiat_p384_scalar_to_bytes
);
montgomery!(
    N25519,
    n25519,
    32,
    4,
    fiat_25519_scalar_montgomery_domain_field_element,
    fiat_25519_scalar_non_montgomery_domain_field_element,
    fiat_25519_scalar_mul,
    fiat_25519_scalar_square,
    fiat_25519_scalar_add,
    fiat_25519_scalar_sub,
    fiat_25519_scalar_to_montgomery,
    fiat_25519_scalar_from_montgomery,
    fiat_25519_scalar_from_bytes,
    fiat_25519_scalar_to_bytes
);
unsaturated!(
    P521,
    p521,
    66,
    9,
    fiat_p521_tight_field_element,
    fiat_p521_loose_field_element,
    fiat_p521_carry_mul,
    fiat_p521_carry_square,
    fiat_p521_add,
    fiat_p521_sub,
    fiat_p521_carry,
    fiat_p521_relax,
    fiat_p521_from_bytes,
    fiat_p521_to_bytes
);
unsaturated!(
    F25519,
    f25519,
    32,
    5,
    fiat_25519_tight_field_element,
    fiat_25519_loose_field_element,
    fiat_25519_carry_mul,
    fiat_25519_carry_square,
    fiat_25519_add,
    fiat_25519_sub,
    fiat_25519_carry,
    fiat_25519_relax,
    fiat_25519_from_bytes,
    fiat_25519_to_bytes
);

fn reversed<const SIZE: usize>(bytes: &[u8]) -> [u8; SIZE] {
    core::array::from_fn(|i| bytes[SIZE - 1 - i])
}

/// Every pair of edges, and pairs that look random.
fn compare(proved: &Proved, prime: &[u8]) {
    let edges = edges(prime);
    let mut random = Random(0x746f_6b65_6e77_6172 ^ prime.len() as u64 ^ u64::from(prime[0]) << 32);
    let mut compared = 0;
    for a in &edges {
        for b in &edges {
            compared += compare_pair(proved, prime, a, b);
        }
    }
    for _ in 0..1500 * rounds() {
        let (a, b) = (random.below(prime, &edges), random.below(prime, &edges));
        compared += compare_pair(proved, prime, &a, &b);
    }
    assert!(compared >= 10_000, "{compared} comparisons");
    println!("{:?}: {compared} comparisons", proved.field);
}

/// Answers how many comparisons were made.
fn compare_pair(proved: &Proved, prime: &[u8], a: &[u8], b: &[u8]) -> usize {
    let ours = |operation| field(proved.field, operation, a, b);
    let (sum, difference) = ((proved.add)(a, b), (proved.sub)(a, b));
    let expected = [
        (FieldOperation::Mul, (proved.mul)(a, b)),
        (FieldOperation::Square, (proved.square)(a)),
        (FieldOperation::Add, sum.clone()),
        (FieldOperation::Sub, difference.clone()),
        (FieldOperation::WideMul, (proved.mul)(&sum, &difference)),
        (FieldOperation::WideSquare, (proved.square)(&difference)),
    ];
    for (operation, expected) in &expected {
        assert_eq!(&ours(*operation), expected, "{:?}, {operation:?} of {a:02x?} and {b:02x?}", proved.field);
    }
    if a.iter().all(|byte| *byte == 0) {
        return expected.len();
    }
    // The inverse is the number whose product with it is one.
    let inverse = ours(FieldOperation::Invert);
    assert!(inverse.as_slice() < prime);
    let one = (proved.mul)(a, &inverse);
    assert!(one[..one.len() - 1].iter().all(|byte| *byte == 0) && one[one.len() - 1] == 1, "the inverse of {a:02x?}");
    expected.len() + 1
}

/// Numbers at which limbs and carries turn, all below the prime.
fn edges(prime: &[u8]) -> Vec<Vec<u8>> {
    let size = prime.len();
    let mut edges = vec![vec![0; size]];
    for bit in [0, 1, 27, 28, 29, 51, 57, 58, 63, 64, 128, 192, 8 * size - 9, 8 * size - 16] {
        let mut power = vec![0; size];
        power[size - 1 - bit / 8] = 1 << (bit % 8);
        let mut below = vec![0; size];
        for at in 0..bit {
            below[size - 1 - at / 8] |= 1 << (at % 8);
        }
        edges.extend([power, below]);
    }
    // The greatest ones.
    for less in [1, 2, 3, 19] {
        let mut number = prime.to_vec();
        number[size - 1] -= less;
        edges.push(number);
    }
    edges.push([&[0][..], &prime[..size - 1]].concat());
    assert!(edges.iter().all(|edge| edge.as_slice() < prime));
    edges
}

/// Sebastiano Vigna's SplitMix64: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Mostly any number, at times one with long runs of equal bits, or an edge.
    fn below(&mut self, prime: &[u8], edges: &[Vec<u8>]) -> Vec<u8> {
        if self.next().is_multiple_of(16) {
            return edges[(self.next() % edges.len() as u64) as usize].clone();
        }
        let has_runs = self.next().is_multiple_of(4);
        loop {
            let byte = |_| {
                let random = self.next();
                if has_runs {
                    [0, 0xff, 0, 0xff, 1, 0x80, 0x7f, (random >> 8) as u8][random as usize % 8]
                } else {
                    random as u8
                }
            };
            let mut number: Vec<u8> = (0..prime.len()).map(byte).collect();
            // Of the first byte only as many bits as the prime has there.
            number[0] &= 0xff >> prime[0].leading_zeros();
            if number.as_slice() < prime {
                return number;
            }
        }
    }
}

fn rounds() -> usize {
    std::env::var("TOKENWARD_ROUNDS").map_or(1, |rounds| rounds.parse().expect("TOKENWARD_ROUNDS is a number"))
}
