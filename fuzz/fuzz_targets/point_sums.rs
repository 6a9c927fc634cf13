//! `u * G + v * Q` of our engine, without tables and with them, against RustCrypto's curves and dalek's.
#![no_main]

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar as Scalar25519;
use libfuzzer_sys::fuzz_target;
use tokenward::Algorithm;
use tokenward::compare::sums_are;

macro_rules! curve {
    ($name:ident, $curve:ident, $algorithm:ident, $size:literal) => {
        fn $name(numbers: [&[u8]; 3]) {
            use $curve::elliptic_curve::Group;
            use $curve::elliptic_curve::ff::PrimeField;
            use $curve::elliptic_curve::point::AffineCoordinates;
            use $curve::{ProjectivePoint, Scalar};
            // Numbers of the order or more are out of the question: they are cut until they are below.
            let [u, v, d] = numbers.map(|bytes| {
                let mut bytes = padded::<$size>(bytes);
                loop {
                    if let Some(scalar) = Option::<Scalar>::from(Scalar::from_repr(bytes.into())) {
                        return scalar;
                    }
                    let first = bytes.iter().position(|byte| *byte != 0).expect("zero is below the order");
                    bytes[first] >>= 1;
                }
            });
            let q = ProjectivePoint::GENERATOR * d;
            if bool::from(q.is_identity()) {
                return;
            }
            let sum = ProjectivePoint::GENERATOR * u + q * v;
            let expected = (!bool::from(sum.is_identity())).then(|| sum.to_affine().x());
            let q = q.to_affine();
            let point = [q.x(), q.y()].concat();
            let answers = sums_are(Algorithm::$algorithm, &point, &u.to_repr(), &v.to_repr(), expected.as_deref());
            assert_eq!(answers, [true; 3]);
        }
    };
}

curve!(p256, p256, Es256, 32);
curve!(p384, p384, Es384, 48);
curve!(p521, p521, Es512, 66);

fn edwards25519(torsion: u8, numbers: [&[u8]; 3]) {
    let [u, v, d] = numbers.map(|bytes| Scalar25519::from_bytes_mod_order(padded(bytes)));
    let q = ED25519_BASEPOINT_POINT * d + EIGHT_TORSION[usize::from(torsion % 8)];
    let expected = (ED25519_BASEPOINT_POINT * u + q * v).compress().to_bytes();
    let point = q.compress().to_bytes();
    assert_eq!(sums_are(Algorithm::EdDsa, &point, &u.to_bytes(), &v.to_bytes(), Some(&expected)), [true; 3]);
}

fn padded<const SIZE: usize>(bytes: &[u8]) -> [u8; SIZE] {
    core::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default())
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let size = [32, 48, 66, 32][usize::from(kind % 4)];
    let mut parts = data.chunks(size);
    let numbers = core::array::from_fn(|_| parts.next().unwrap_or_default());
    match kind % 4 {
        0 => p256(numbers),
        1 => p384(numbers),
        2 => p521(numbers),
        _ => edwards25519(kind / 4, numbers),
    }
});
