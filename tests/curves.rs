//! Our ECDSA and Ed25519 against the reference: every answer on signatures that hold and on signatures broken in every way,
//! with keys that are used for the first time and with keys that have tables.
//!
//! `TOKENWARD_ROUNDS=700 cargo test --release --test curves` makes a million comparisons for each algorithm, with other keys
//! each round.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

use ed25519_dalek::Signer as _;
use num_bigint::BigUint;
use tokenward::Algorithm;
use tokenward::compare::{Engine, Key, Numbers, sums_are};

#[test]
fn es256() {
    compare(Algorithm::Es256, 32, p256_signer, ORDER_256);
}

#[test]
fn es384() {
    compare(Algorithm::Es384, 48, p384_signer, ORDER_384);
}

#[test]
fn es512() {
    compare(Algorithm::Es512, 66, p521_signer, ORDER_521);
}

const ORDER_256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ORDER_384: &str =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const ORDER_521: &str = "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5\
    d03bb5c9b8899c47aebb6fb71e91386409";

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;
type MakeSigner = fn(&[u8]) -> Signer;

/// A key pair from the bytes of its private number: the coordinates of the public key, and how it signs.
struct Signer {
    x: Vec<u8>,
    y: Vec<u8>,
    sign: Sign,
}

macro_rules! signer {
    ($name:ident, $curve:ident) => {
        fn $name(private: &[u8]) -> Signer {
            use $curve::ecdsa::signature::Signer as _;
            use $curve::elliptic_curve::point::AffineCoordinates;
            let key = $curve::ecdsa::SigningKey::from_slice(private).unwrap();
            let point = *key.verifying_key().as_affine();
            let sign = move |message: &[u8]| {
                let signature: $curve::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            };
            Signer { x: point.x().to_vec(), y: point.y().to_vec(), sign: Box::new(sign) }
        }
    };
}

signer!(p256_signer, p256);
signer!(p384_signer, p384);
signer!(p521_signer, p521);

fn compare(algorithm: Algorithm, size: usize, signer: fn(&[u8]) -> Signer, order: &str) {
    let order = BigUint::parse_bytes(order.as_bytes(), 16).unwrap();
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut answers = Answers::default();
    for _ in 0..rounds() {
        // Private numbers whose public keys are close to the base point, and any.
        let small: u32 = 1 + u32::try_from(random.below(6)).unwrap();
        for private in [BigUint::from(small), &order - small, random.number(&order), random.number(&order)] {
            let Signer { x, y, sign } = signer(&be_bytes(&private, size));
            let make = |engine| Key::new(engine, Numbers::Ec { algorithm, x: &x, y: &y }).unwrap();
            let keys = [make(Engine::Fast), make(Engine::Reference)];
            for _ in 0..8 {
                let message = random.bytes(40);
                let good = sign(&message);
                let (r, s) = good.split_at(size);
                let mut check = |message: &[u8], signature: &[u8]| {
                    // A fresh key answers without tables, the other one with them.
                    let first = make(Engine::Fast).verify(algorithm, message, signature);
                    let [fast, reference] = keys.each_ref().map(|key| key.verify(algorithm, message, signature));
                    assert_eq!([first, fast], [reference; 2], "{algorithm:?} {private} {message:x?} {signature:x?}");
                    answers.count(reference);
                };
                check(&message, &good);
                // The other signature that holds, (r, n - s).
                check(&message, &[r, &be_bytes(&(&order - BigUint::from_bytes_be(s)), size)].concat());
                for _ in 0..6 {
                    check(&message, &random.flipped(&good));
                }
                check(&random.flipped(&message), &good);
                check(&message, &[s, r].concat());
                for number in edges(&order) {
                    let number = be_bytes(&number, size);
                    check(&message, &[r, &number].concat());
                    check(&message, &[&number, s].concat());
                }
                let number = be_bytes(&random.number(&order), size);
                check(&message, &[&number, s].concat());
            }
        }
    }
    answers.both_kinds();
}

/// Numbers at which comparisons and carries turn.
fn edges(order: &BigUint) -> Vec<BigUint> {
    let one = BigUint::from(1_u8);
    let bits = order.bits();
    let mut edges = vec![BigUint::ZERO, one.clone(), order - 1_u8, order.clone(), order + 1_u8];
    for power in [28, 29, bits / 2, bits - 1] {
        edges.extend([(&one << power) - 1_u8, &one << power, (&one << power) + 1_u8]);
    }
    edges
}

#[test]
fn eddsa() {
    let order = BigUint::parse_bytes(b"1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16).unwrap();
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut answers = Answers::default();
    for _ in 0..rounds() {
        for _ in 0..4 {
            let signing = ed25519_dalek::SigningKey::from_bytes(&random.bytes(32).try_into().unwrap());
            let public = signing.verifying_key().to_bytes();
            let make = |engine| Key::new(engine, Numbers::Ed25519(&public)).unwrap();
            let keys = [make(Engine::Fast), make(Engine::Reference)];
            for _ in 0..12 {
                let message = random.bytes(40);
                let good = signing.sign(&message).to_bytes();
                let (r, s) = good.split_at(32);
                let mut check = |message: &[u8], signature: &[u8]| {
                    let first = make(Engine::Fast).verify(Algorithm::EdDsa, message, signature);
                    let [fast, reference] = keys.each_ref().map(|key| key.verify(Algorithm::EdDsa, message, signature));
                    assert_eq!([first, fast], [reference; 2], "{public:x?} {message:x?} {signature:x?}");
                    answers.count(reference);
                };
                check(&message, &good);
                for _ in 0..8 {
                    check(&message, &random.flipped(&good));
                }
                check(&random.flipped(&message), &good);
                // S + l is S once more, but is not canonical.
                let twice = (BigUint::from_bytes_le(s) + &order).to_bytes_le();
                check(&message, &[r, &twice].concat());
                for number in edges(&order) {
                    let mut number = be_bytes(&number, 32);
                    number.reverse();
                    check(&message, &[r, &number].concat());
                    check(&message, &[&number, s].concat());
                }
                for point in ENCODINGS {
                    check(&message, &[&point, s].concat());
                }
            }
        }
    }
    answers.both_kinds();
}

/// Whoever asks: the verifier has compared both before.
#[test]
fn other_lengths_and_other_algorithms_are_refused() {
    const ALL: [Algorithm; 5] =
        [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa, Algorithm::Rs256];
    let refuses = |numbers: Numbers<'_>, own: Algorithm, good: &[u8]| {
        for engine in [Engine::Fast, Engine::Reference] {
            let key = Key::new(engine, numbers).unwrap();
            assert!(key.verify(own, b"message", good));
            for wrong in [&[][..], &good[1..], &good[..good.len() - 1], &[good, &[0]].concat(), &[good, good].concat()]
            {
                assert!(!key.verify(own, b"message", wrong), "{own:?} {} bytes", wrong.len());
            }
            for other in ALL.into_iter().filter(|other| *other != own) {
                assert!(!key.verify(other, b"message", good), "{own:?} as {other:?}");
            }
        }
    };
    let private = BigUint::from(7_u8);
    let signers: [(Algorithm, usize, MakeSigner); 3] =
        [(Algorithm::Es256, 32, p256_signer), (Algorithm::Es384, 48, p384_signer), (Algorithm::Es512, 66, p521_signer)];
    for (algorithm, size, signer) in signers {
        let Signer { x, y, sign } = signer(&be_bytes(&private, size));
        refuses(Numbers::Ec { algorithm, x: &x, y: &y }, algorithm, &sign(b"message"));
    }
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let good = signing.sign(b"message").to_bytes();
    refuses(Numbers::Ed25519(&signing.verifying_key().to_bytes()), Algorithm::EdDsa, &good);
}

/// The door that fuzz targets and the tests inside WebAssembly go through: it must not say that any sum is right.
#[test]
fn sums_are_right_or_not() {
    const ALL: [bool; 3] = [true; 3];
    const NONE: [bool; 3] = [false; 3];
    let signers: [(Algorithm, usize, MakeSigner, &str); 3] = [
        (Algorithm::Es256, 32, p256_signer, ORDER_256),
        (Algorithm::Es384, 48, p384_signer, ORDER_384),
        (Algorithm::Es512, 66, p521_signer, ORDER_521),
    ];
    for (algorithm, size, signer, order) in signers {
        let number = |number: u32| be_bytes(&BigUint::from(number), size);
        let Signer { x, y, .. } = signer(&number(7));
        let point = [x, y].concat();
        let sum = signer(&number(5 + 3 * 7)).x;
        let (u, v) = (number(5), number(3));
        assert_eq!(sums_are(algorithm, &point, &u, &v, Some(&sum)), ALL);
        assert_eq!(sums_are(algorithm, &point, &u, &v, Some(&number(1))), NONE);
        assert_eq!(sums_are(algorithm, &point, &u, &v, None), NONE);
        let opposite = be_bytes(&(BigUint::parse_bytes(order.as_bytes(), 16).unwrap() - 21_u8), size);
        assert_eq!(sums_are(algorithm, &point, &opposite, &v, None), ALL);
        assert_eq!(sums_are(algorithm, &point, &opposite, &v, Some(&sum)), NONE);
        let mut outside = point.clone();
        *outside.last_mut().unwrap() ^= 1;
        assert_eq!(sums_are(algorithm, &outside, &u, &v, Some(&sum)), NONE, "no point of the curve");
    }
    let encoded = |multiple: u64| {
        let scalar = curve25519_dalek::Scalar::from(multiple);
        (curve25519_dalek::constants::ED25519_BASEPOINT_POINT * scalar).compress().to_bytes()
    };
    let number = |number: u64| curve25519_dalek::Scalar::from(number).to_bytes();
    let (point, sum, (u, v)) = (encoded(7), encoded(5 + 3 * 7), (number(5), number(3)));
    assert_eq!(sums_are(Algorithm::EdDsa, &point, &u, &v, Some(&sum)), ALL);
    assert_eq!(sums_are(Algorithm::EdDsa, &point, &u, &v, Some(&encoded(1))), NONE);
    assert_eq!(sums_are(Algorithm::EdDsa, &point, &number(0), &number(0), Some(&encoded(0))), ALL);
    assert_eq!(sums_are(Algorithm::EdDsa, &[0xff; 32], &u, &v, Some(&sum)), NONE, "no point of the curve");
}

/// Points of small order, and encodings that are none or not the only one.
const ENCODINGS: [[u8; 32]; 4] = {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut negative_zero = neutral;
    negative_zero[31] = 0x80;
    let mut not_canonical = [0xff; 32];
    not_canonical[0] = 0xee;
    not_canonical[31] = 0x7f;
    [neutral, negative_zero, not_canonical, [0xff; 32]]
};

/// Any 32 bytes are a key for both engines, or for neither.
#[test]
fn ed25519_keys() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let mut answers = Answers::default();
    let tried = (0..500 * rounds()).map(|_| <[u8; 32]>::try_from(random.bytes(32)).unwrap());
    let small = (0..=u8::MAX).flat_map(|low| {
        [0, 0x7f, 0x80, 0xff].map(|high| {
            let mut bytes = [if high & 0x7f == 0 { 0 } else { 0xff }; 32];
            (bytes[0], bytes[31]) = (low, high);
            bytes
        })
    });
    for bytes in tried.chain(small).chain(ENCODINGS) {
        let [fast, reference] =
            [Engine::Fast, Engine::Reference].map(|engine| Key::new(engine, Numbers::Ed25519(&bytes)).is_ok());
        assert_eq!(fast, reference, "{bytes:x?}");
        answers.count(reference);
    }
    answers.both_kinds();
}

fn rounds() -> usize {
    std::env::var("TOKENWARD_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

fn be_bytes(number: &BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; size - bytes.len()], bytes].concat()
}

#[derive(Default)]
struct Answers {
    yes: usize,
    no: usize,
}

impl Answers {
    fn count(&mut self, answer: bool) {
        *if answer { &mut self.yes } else { &mut self.no } += 1;
    }

    fn both_kinds(&self) {
        println!("{} hold, {} do not", self.yes, self.no);
        assert!(self.yes > 40 && self.no > 40);
    }
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// From 1 to one below the bound.
    fn number(&mut self, bound: &BigUint) -> BigUint {
        BigUint::from_bytes_be(&self.bytes(80)) % (bound - 1_u8) + 1_u8
    }

    fn flipped(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let bit = usize::try_from(self.below(8 * u64::try_from(bytes.len()).unwrap())).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    }
}
