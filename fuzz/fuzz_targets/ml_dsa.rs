//! ML-DSA keys and signatures: those that hold, changed in any way, and any bytes as a key. Every answer is libcrux's.
#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use tokenward::{Algorithm, Jwk};

macro_rules! set {
    ($name:ident, $algorithm:ident) => {
        fn $name(data: &Input<'_>) {
            use libcrux_ml_dsa::$name::portable;
            use libcrux_ml_dsa::{MLDSASignature, MLDSAVerificationKey};
            let algorithm = Algorithm::$algorithm;
            let pair = portable::generate_key_pair([data.seed; 32]);
            let signed =
                portable::sign(&pair.signing_key, data.message, b"", [data.seed; 32]).ok().expect("a signature");
            let (good_key, good) = (pair.verification_key.as_slice().to_vec(), signed.as_slice().to_vec());
            let mut public = good_key.clone();
            let mut signature = good.clone();
            changed(if data.changes_key { &mut public } else { &mut signature }, data.changes);

            let text = BASE64_URL_SAFE_NO_PAD.encode(&public);
            let jwk = format!(r#"{{"kty":"AKP","alg":"{}","pub":"{text}"}}"#, algorithm.name());
            let key = Jwk::from_json(&jwk).expect("any bytes of the right length are a key");
            let expected = portable::verify(
                &MLDSAVerificationKey::new(public.clone().try_into().expect("its length")),
                data.message,
                b"",
                &MLDSASignature::new(signature.clone().try_into().expect("its length")),
            );
            let found = key.verify(algorithm, data.message, &signature);
            assert_eq!(found.is_ok(), expected.is_ok());
            assert!(found.is_ok() || signature != good || public != good_key);
            // Another length never holds, and libcrux cannot be asked.
            signature.push(0);
            assert!(key.verify(algorithm, data.message, &signature).is_err());
            signature.truncate(usize::from(data.seed) * 16 % good.len());
            assert!(key.verify(algorithm, data.message, &signature).is_err());
        }
    };
}

set!(ml_dsa_44, MlDsa44);
set!(ml_dsa_65, MlDsa65);
set!(ml_dsa_87, MlDsa87);

struct Input<'a> {
    seed: u8,
    changes_key: bool,
    message: &'a [u8],
    changes: &'a [u8],
}

/// Each change is a place, counted from the end, where the hints are, and what is added there.
fn changed(bytes: &mut [u8], changes: &[u8]) {
    for change in changes.chunks_exact(3) {
        let place = bytes.len() - 1 - usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] = bytes[place].wrapping_add(change[2]);
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = Jwk::from_json(&format!(r#"{{"kty":"AKP",{text}}}"#));
    }
    let [kind, seed, length, rest @ ..] = data else { return };
    let (message, changes) = rest.split_at(usize::from(*length).min(rest.len()));
    let input = Input { seed: *seed, changes_key: kind / 3 % 4 == 0, message, changes };
    match kind % 3 {
        0 => ml_dsa_44(&input),
        1 => ml_dsa_65(&input),
        _ => ml_dsa_87(&input),
    }
});
