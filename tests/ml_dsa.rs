//! ML-DSA: keys as RFC 9964 writes them, and every answer beside that of `libcrux-ml-dsa`, on signatures that hold and on
//! signatures, messages and keys that were changed.
//!
//! `TOKENWARD_ROUNDS=8000 cargo test --test ml_dsa` makes a million comparisons for each algorithm, with other keys each round: a
//! quarter of an hour on one core.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenward::{Algorithm, Error, Jwk, JwkSet, UnixTime, Verifier};

/// What differs between the three, and how libcrux does it.
struct Set {
    algorithm: Algorithm,
    key_size: usize,
    signature_size: usize,
    /// Of c, and of each polynomial of z, in bytes; how many hints and polynomials of them there are.
    c_size: usize,
    z_size: usize,
    hints: usize,
    rows: usize,
    /// From 32 random bytes.
    generate: fn([u8; 32]) -> Pair,
    verify: fn(&[u8], &[u8], &[u8]) -> bool,
}

struct Pair {
    public: Vec<u8>,
    /// Signs a message with 32 random bytes.
    sign: Sign,
}

type Sign = Box<dyn Fn(&[u8], [u8; 32]) -> Vec<u8>>;

macro_rules! set {
    ($name:ident, $algorithm:ident, $($sizes:tt)*) => {
        fn $name() -> Set {
            use libcrux_ml_dsa::$name::portable;
            use libcrux_ml_dsa::{MLDSASignature, MLDSAVerificationKey};
            Set {
                algorithm: Algorithm::$algorithm,
                generate: |seed| {
                    let pair = portable::generate_key_pair(seed);
                    let public = pair.verification_key.as_slice().to_vec();
                    let sign = move |message: &[u8], random| {
                        portable::sign(&pair.signing_key, message, b"", random).ok().unwrap().as_slice().to_vec()
                    };
                    Pair { public, sign: Box::new(sign) }
                },
                verify: |public, message, signature| {
                    // libcrux takes arrays: another length does not compile there.
                    let (Ok(public), Ok(signature)) = (public.try_into(), signature.try_into()) else { return false };
                    let (public, signature) = (MLDSAVerificationKey::new(public), MLDSASignature::new(signature));
                    portable::verify(&public, message, b"", &signature).is_ok()
                },
                $($sizes)*
            }
        }
    };
}

set!(ml_dsa_44, MlDsa44, key_size: 1312, signature_size: 2420, c_size: 32, z_size: 576, hints: 80, rows: 4);
set!(ml_dsa_65, MlDsa65, key_size: 1952, signature_size: 3309, c_size: 48, z_size: 640, hints: 55, rows: 6);
set!(ml_dsa_87, MlDsa87, key_size: 2592, signature_size: 4627, c_size: 64, z_size: 640, hints: 75, rows: 8);

fn sets() -> [Set; 3] {
    [ml_dsa_44(), ml_dsa_65(), ml_dsa_87()]
}

#[test]
fn ml_dsa_44_is_libcrux() {
    compare(&ml_dsa_44());
}

#[test]
fn ml_dsa_65_is_libcrux() {
    compare(&ml_dsa_65());
}

#[test]
fn ml_dsa_87_is_libcrux() {
    compare(&ml_dsa_87());
}

fn compare(set: &Set) {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..rounds() {
        let pair = (set.generate)(random.array());
        let key = key(set, &pair.public);
        let length = random.below(200);
        let message = random.bytes(length);
        let signature = (pair.sign)(&message, random.array());
        assert!(key.verify(set.algorithm, &message, &signature).is_ok(), "{} {round}", set.algorithm.name());

        let mut cases = vec![(message.clone(), signature.clone())];
        cases.extend((0..4).map(|length| {
            let message = random.bytes(length * 700);
            let signature = (pair.sign)(&message, random.array());
            (message, signature)
        }));
        cases.extend((0..3).map(|_| (random.changed(&message), signature.clone())));
        cases
            .extend(changed_signatures(set, &signature, &mut random).into_iter().map(|bytes| (message.clone(), bytes)));
        for (message, signature) in &cases {
            let expected = (set.verify)(&pair.public, message, signature);
            let found = key.verify(set.algorithm, message, signature).is_ok();
            assert_eq!(found, expected, "{} {:x?} {message:x?} {signature:x?}", set.algorithm.name(), pair.public);
            if found {
                accepted += 1;
            } else {
                refused += 1;
            }
        }

        // Any bytes are a key. Zeros are one for which signatures can be made, and are the same for both.
        for public in [random.changed(&pair.public), random.bytes(set.key_size), vec![0; set.key_size]] {
            let expected = (set.verify)(&public, &message, &signature);
            assert_eq!(self::key(set, &public).verify(set.algorithm, &message, &signature).is_ok(), expected);
        }
    }
    println!("{}: {accepted} accepted, {refused} refused", set.algorithm.name());
    assert!(accepted >= 5 * rounds() && refused > 10 * rounds());
}

/// The signature with one thing after another changed, above all in its hints, which have more than one spelling.
fn changed_signatures(set: &Set, signature: &[u8], random: &mut Random) -> Vec<Vec<u8>> {
    let hints = set.signature_size - set.hints - set.rows;
    let cuts = set.signature_size - set.rows;
    let polynomials = (hints - set.c_size) / set.z_size;
    let used = usize::from(*signature.last().unwrap());
    let mut all = Vec::new();
    let mut with = |change: &mut dyn FnMut(&mut Vec<u8>)| {
        let mut bytes = signature.to_vec();
        change(&mut bytes);
        all.push(bytes);
    };
    for (start, end) in [(0, set.c_size), (set.c_size, hints), (hints, cuts), (cuts, set.signature_size)] {
        for _ in 0..8 {
            let (place, bit) = (start + random.below(end - start), random.below(8));
            with(&mut |bytes| bytes[place] ^= 1 << bit);
            let value = random.next();
            with(&mut |bytes| bytes[place] = value);
        }
        // All at once.
        with(&mut |bytes| bytes[start..end].fill(0));
        with(&mut |bytes| bytes[start..end].fill(0xff));
    }
    // Coefficients at and beyond the bounds.
    for polynomial in 0..polynomials {
        let start = set.c_size + polynomial * set.z_size;
        for fill in [0, 0xff] {
            with(&mut |bytes| bytes[start..start + 3].fill(fill));
        }
    }
    // Of hints: exchanged, doubled, moved across a cut, one more after the last, one less, padding that is no zero.
    if used >= 2 {
        let place = hints + random.below(used - 1);
        with(&mut |bytes| bytes.swap(place, place + 1));
        with(&mut |bytes| bytes[place + 1] = bytes[place]);
    }
    for row in 0..set.rows {
        with(&mut |bytes| bytes[cuts + row] = bytes[cuts + row].wrapping_add(1));
        with(&mut |bytes| bytes[cuts + row] = bytes[cuts + row].wrapping_sub(1));
        with(&mut |bytes| bytes[cuts + row] = u8::try_from(set.hints + 1).unwrap());
    }
    if used < set.hints {
        let place = hints + used;
        with(&mut |bytes| bytes[place] = 1);
        with(&mut |bytes| bytes[cuts - 1] = 1);
        with(&mut |bytes| {
            bytes[place] = 255;
            bytes[cuts + set.rows - 1] += 1;
        });
    }
    // Lengths, and nothing of a signature at all.
    with(&mut |bytes| bytes.push(0));
    with(&mut |bytes| bytes.truncate(set.signature_size - 1));
    with(&mut |bytes| bytes.clear());
    all.push(random.bytes(set.signature_size));
    all
}

/// Unless `TOKENWARD_ROUNDS` says otherwise.
fn rounds() -> usize {
    std::env::var("TOKENWARD_ROUNDS").ok().map_or(8, |rounds| rounds.parse().unwrap())
}

#[test]
fn a_key_has_exactly_its_size() {
    for set in sets() {
        let right = json_of(&set, &(set.generate)([7; 32]).public);
        assert!(Jwk::from_json(&right.to_string()).is_ok());
        let mut sizes = vec![0, 32, set.key_size - 1, set.key_size + 1];
        sizes.extend(sets().iter().map(|other| other.key_size).filter(|size| *size != set.key_size));
        for size in sizes {
            let reason = unusable(&set, &json_of(&set, &vec![1; size]));
            let name = set.algorithm.name();
            assert_eq!(reason, format!("its pub has {size} bytes; for {name} it should have exactly {}", set.key_size));
        }
    }
}

#[test]
fn a_key_says_what_it_is_for() {
    let set = ml_dsa_44();
    let right = json_of(&set, &(set.generate)([7; 32]).public);
    let with = |name: &str, value: Value| {
        let mut key = right.clone();
        key[name] = value;
        Jwk::from_json(&key.to_string())
    };
    let names = "it should be \"ML-DSA-44\", \"ML-DSA-65\" or \"ML-DSA-87\"";
    for (alg, found) in [
        (Value::Null, "its alg is missing"),
        (json!("ES256"), "its alg is \"ES256\""),
        (json!("ml-dsa-44"), "its alg is \"ml-dsa-44\""),
        (json!("ML-DSA-44-ES256"), "its alg is \"ML-DSA-44-ES256\""),
        (json!("SLH-DSA-SHA2-128s"), "its alg is \"SLH-DSA-SHA2-128s\""),
    ] {
        let error = with("alg", alg).unwrap_err().to_string();
        assert!(error.ends_with(&format!("{found}; {names}")), "{error}");
    }
    assert!(with("alg", json!(44)).unwrap_err().to_string().ends_with("its alg is a number; it should be a string"));
    let other = with("alg", json!("ML-DSA-65")).unwrap().verify(Algorithm::MlDsa65, b"", &[0; 3309]).unwrap_err();
    assert!(other.to_string().contains("its pub has 1312 bytes; for ML-DSA-65 it should have exactly 1952"), "{other}");
    assert_eq!(with("priv", json!("AAAA")).unwrap_err().code(), "private_key");
    assert_eq!(with("kty", json!("OKP")).unwrap_err().code(), "invalid_jwks");
    assert_eq!(
        unusable(&set, &json!({ "kty": "AKP", "alg": "ML-DSA-44" })),
        "its pub is missing; it should be base64url text"
    );
    assert!(with("use", json!("enc")).unwrap().verify(Algorithm::MlDsa44, b"", &[0; 2420]).is_err());

    let key = with("crv", json!("Ed25519")).unwrap();
    assert_eq!((key.kty(), key.alg(), key.crv()), ("AKP", Some("ML-DSA-44"), None));
}

#[test]
fn keys_and_algorithms_do_not_mix() {
    for set in sets() {
        let pair = (set.generate)([7; 32]);
        let key = key(&set, &pair.public);
        for algorithm in Algorithm::all().filter(|algorithm| *algorithm != set.algorithm) {
            let signature = (pair.sign)(b"message", [0; 32]);
            assert_eq!(key.verify(algorithm, b"message", &signature).unwrap_err().code(), "key_unusable");
        }
    }
}

#[test]
fn a_token_is_verified_among_keys_of_other_types() {
    const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
    let rfc8037 =
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let pairs = sets().map(|set| (set.generate)([7; 32]));
    let mut keys = vec![rfc8037];
    keys.extend(sets().iter().zip(&pairs).map(|(set, pair)| {
        let mut key = json_of(set, &pair.public);
        key["kid"] = json!(set.algorithm.name());
        key
    }));
    let keys = JwkSet::from_json(&json!({ "keys": keys }).to_string()).unwrap();
    let verifier = Verifier::builder(keys, "https://login.example", "app").build().unwrap();
    for (index, (set, pair)) in sets().iter().zip(&pairs).enumerate() {
        let header = json!({ "alg": set.algorithm.name(), "kid": set.algorithm.name() });
        let claims = json!({ "iss": "https://login.example", "aud": "app", "exp": 1_760_000_300 });
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let mut signature = (pair.sign)(message.as_bytes(), [0; 32]);
        let token = |signature: &[u8]| format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(verifier.verify(&token(&signature), NOW).unwrap().key_index(), index + 1);
        signature[100] ^= 1;
        assert_eq!(verifier.verify(&token(&signature), NOW).unwrap_err(), Error::BadSignature);
    }
}

fn key(set: &Set, public: &[u8]) -> Jwk {
    Jwk::from_json(&json_of(set, public).to_string()).unwrap()
}

fn json_of(set: &Set, public: &[u8]) -> Value {
    json!({ "kty": "AKP", "alg": set.algorithm.name(), "pub": BASE64_URL_SAFE_NO_PAD.encode(public) })
}

fn unusable(set: &Set, key: &Value) -> String {
    let key = Jwk::from_json(&key.to_string()).unwrap();
    match key.verify(set.algorithm, b"", &vec![0; set.signature_size]) {
        Err(Error::KeyUnusable { reason, .. }) => reason,
        other => format!("{other:?}"),
    }
}

/// Steele, Lea and Flood's splitmix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56).try_into().unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next()).collect()
    }

    fn array(&mut self) -> [u8; 32] {
        self.bytes(32).try_into().unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.bytes(4).into_iter().fold(0, |number, byte| number * 256 + usize::from(byte)) % end
    }

    /// With one bit changed, or, of nothing, one byte more.
    fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        if changed.is_empty() {
            return vec![self.next()];
        }
        let place = self.below(bytes.len());
        changed[place] ^= 1 << self.below(8);
        changed
    }
}
