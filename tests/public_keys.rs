//! Keys from DER and PEM: every kind serves as its JWK does, and whatever is not strictly one is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;
use signing::{Signer, hex};
use tokenward::{Accept, Algorithm, ConfigError, Jwk, JwkSet, UnixTime, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);

const RSA: &str = "06092a864886f70d010101";
const RSA_PSS: &str = "06092a864886f70d01010a";
const EC: &str = "06072a8648ce3d0201";
const P256: &str = "06082a8648ce3d030107";
const P384: &str = "06052b81040022";
const P521: &str = "06052b81040023";
const SECP256K1: &str = "06052b8104000a";
const ED25519: &str = "06032b6570";
const X25519: &str = "06032b656e";
const NULL: &str = "0500";

/// Tag, length and value (X.690 section 8.1).
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = value.len();
    let length = match length {
        0..0x80 => vec![u8::try_from(length).unwrap()],
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..];
            [&[0x80 | u8::try_from(bytes.len()).unwrap()], bytes].concat()
        }
    };
    [&[tag], length.as_slice(), &value].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// A positive INTEGER.
fn integer(number: &[u8]) -> Vec<u8> {
    let zero: &[u8] = if number[0] < 0x80 { &[] } else { &[0] };
    tlv(2, &[zero, number])
}

fn spki(algorithm: &[&str], key: &[u8]) -> Vec<u8> {
    let algorithm: Vec<_> = algorithm.iter().map(|part| hex(part)).collect();
    let algorithm: Vec<&[u8]> = algorithm.iter().map(Vec::as_slice).collect();
    sequence(&[&sequence(&algorithm), &tlv(3, &[&[0], key])])
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    spki(&[RSA, NULL], &sequence(&[&integer(modulus), &integer(exponent)]))
}

fn number(signer: &Signer, member: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(signer.jwk[member].as_str().unwrap()).unwrap()
}

fn point(signer: &Signer) -> Vec<u8> {
    [vec![4], number(signer, "x"), number(signer, "y")].concat()
}

fn der(signer: &Signer) -> Vec<u8> {
    match (signer.jwk["kty"].as_str().unwrap(), signer.bits) {
        ("RSA", _) => rsa(&number(signer, "n"), &number(signer, "e")),
        ("EC", 256) => spki(&[EC, P256], &point(signer)),
        ("EC", 384) => spki(&[EC, P384], &point(signer)),
        ("EC", _) => spki(&[EC, P521], &point(signer)),
        _ => spki(&[ED25519], &number(signer, "x")),
    }
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| core::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn problem(error: &ConfigError) -> &str {
    match error {
        ConfigError::InvalidKey { problem } => problem,
        other => other.code(),
    }
}

#[test]
fn a_key_of_every_kind_serves_as_its_jwk_does() {
    for signer in Signer::all() {
        let algorithm = signer.alg.parse::<Algorithm>().unwrap();
        let der = der(&signer);
        let from_der = Jwk::from_public_key_der(&der, algorithm).unwrap();
        let from_pem = Jwk::from_public_key_pem(&pem(&der), algorithm).unwrap();
        let jwk = Jwk::from_json(&signer.jwk.to_string()).unwrap();
        for key in [from_der, from_pem] {
            assert_eq!((key.kty(), key.crv(), key.alg()), (jwk.kty(), jwk.crv(), Some(algorithm.name())));
            assert_eq!((key.kid(), key.usage(), key.secret()), (None, None, None));
            let keys = JwkSet::from_iter([key.with_kid(signer.kid())]);
            let verifier = Verifier::builder(keys, Accept::Any, Accept::Any).require_exp(false).build().unwrap();
            let token = signer.issue(&json!({ "sub": "user" }));
            assert_eq!(verifier.verify(&token, NOW).unwrap().kid(), Some(signer.kid()));
            let altered = signer.sign(json!({ "alg": signer.alg, "kid": signer.kid() }).to_string(), "{}");
            let altered = format!("{}{}", &token[..token.rfind('.').unwrap()], &altered[altered.rfind('.').unwrap()..]);
            assert_eq!(verifier.verify(&altered, NOW).unwrap_err().code(), "bad_signature");
        }
    }
}

/// Section 10.1, so that not only what this test writes is read.
#[test]
fn the_example_of_rfc_8410_is_read() {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----";
    for text in [pem.to_owned(), format!("\n {pem}\r\n\n"), pem.replace('\n', "\r\n")] {
        assert_eq!(Jwk::from_public_key_pem(&text, None).unwrap().crv(), Some("Ed25519"), "{text:?}");
    }
}

#[test]
fn a_key_serves_the_one_algorithm_that_is_told_or_implied() {
    for signer in [Signer::eddsa(), Signer::es256(), Signer::es384(), Signer::es512()] {
        assert_eq!(Jwk::from_public_key_der(&der(&signer), None).unwrap().alg(), Some(signer.alg));
        let error = Jwk::from_public_key_der(&der(&signer), Algorithm::Rs256).unwrap_err();
        assert_eq!(problem(&error), format!("it is not for RS256; it fits {}", signer.alg));
    }
    let signers = Signer::all();
    let signer = signers.iter().find(|signer| signer.alg == "RS256").unwrap();
    let error = Jwk::from_public_key_der(&der(signer), None).unwrap_err();
    assert!(problem(&error).contains("tell which one"), "{error}");
    let error = Jwk::from_public_key_der(&der(signer), Algorithm::EdDsa).unwrap_err();
    assert!(problem(&error).contains("it fits RS256, RS384, RS512, PS256, PS384, PS512"), "{error}");

    // Told PS256, it never verifies what RS256 signed.
    let key = Jwk::from_public_key_der(&der(signer), Algorithm::Ps256).unwrap().with_kid(signer.kid());
    let verifier = Verifier::builder(JwkSet::from_iter([key]), Accept::Any, Accept::Any).require_exp(false);
    let error = verifier.build().unwrap().verify(&signer.issue(&json!({})), NOW).unwrap_err();
    assert_eq!(error.code(), "key_unusable");
}

#[test]
fn what_is_not_strictly_a_public_key_is_refused() {
    let signers = Signer::all();
    let rsa_signer = signers.iter().find(|signer| signer.alg == "RS256").unwrap();
    let (n, e) = (number(rsa_signer, "n"), number(rsa_signer, "e"));
    let (es256, eddsa) = (Signer::es256(), Signer::eddsa());
    let (xy, ed) = (point(&es256), number(&eddsa, "x"));
    let good = der(&es256);
    let changed = |index: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[index] = to;
        bytes
    };
    let off_curve = [&xy[..64], &[xy[64] ^ 1]].concat();
    let negative = [&[0x80], &n[1..]].concat();
    let rsa_of = |modulus: &[u8], exponent: &[u8]| spki(&[RSA, NULL], &sequence(&[modulus, exponent]));
    let small_prime = [&[0xff; 255][..], &[0xfe]].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], "not a SubjectPublicKeyInfo"),
        ("something after it", [good.clone(), vec![0]].concat(), "trailing"),
        ("indefinite length", [&[0x30, 0x80], &good[2..], &[0, 0]].concat(), "strict DER"),
        ("a length longer than needed", [&[0x30, 0x81], &good[1..]].concat(), "strict DER"),
        ("another tag", changed(0, 0x31), "strict DER"),
        ("unused bits", changed(25, 1), ""),
        ("another OID", spki(&["06032a0304"], &xy), "1.2.3.4"),
        ("X25519", spki(&[X25519], &ed), "1.3.101.110"),
        ("another curve", spki(&[EC, SECP256K1], &xy), "1.3.132.0.10"),
        ("no curve", spki(&[EC], &xy), "not given by name"),
        ("NULL for a curve", spki(&[EC, NULL], &xy), "not given by name"),
        ("explicit parameters", spki(&[EC, "3003020101"], &xy), "not given by name"),
        ("a point of another curve's size", spki(&[EC, P384], &xy), "65 bytes"),
        ("a compressed point", spki(&[EC, P256], &[&[2], &xy[1..33]].concat()), "compressed"),
        ("a hybrid point", spki(&[EC, P256], &[&[6], &xy[1..]].concat()), "SEC 1"),
        ("the point at infinity", spki(&[EC, P256], &[0]), "SEC 1"),
        ("no point", spki(&[EC, P256], &[]), "SEC 1"),
        ("a point off the curve", spki(&[EC, P256], &off_curve), "curve"),
        ("Ed25519 with parameters", spki(&[ED25519, NULL], &ed), "parameters"),
        ("Ed25519, too short", spki(&[ED25519], &ed[1..]), "31 bytes"),
        ("Ed25519, of small order", spki(&[ED25519], &[&[1][..], &[0; 31]].concat()), ""),
        ("Ed25519, not canonical", spki(&[ED25519], &[0xff; 32]), "canonical"),
        ("RSA without NULL", spki(&[RSA], &sequence(&[&integer(&n), &integer(&e)])), "NULL"),
        ("RSA with other parameters", spki(&[RSA, "3000"], &sequence(&[&integer(&n), &integer(&e)])), "NULL"),
        ("id-RSASSA-PSS", spki(&[RSA_PSS], &sequence(&[&integer(&n), &integer(&e)])), "id-RSASSA-PSS"),
        ("a negative modulus", rsa_of(&tlv(2, &[&negative]), &integer(&e)), "strict DER"),
        ("a negative exponent", rsa_of(&integer(&n), &tlv(2, &[&[0xff]])), "strict DER"),
        ("a modulus with a zero too many", rsa_of(&tlv(2, &[&[0, 0], &n]), &integer(&e)), "strict DER"),
        ("an empty exponent", rsa_of(&integer(&n), &tlv(2, &[])), "strict DER"),
        ("a third number", spki(&[RSA, NULL], &sequence(&[&integer(&n), &integer(&e), &integer(&e)])), "strict DER"),
        (
            "something after the numbers",
            spki(&[RSA, NULL], &[sequence(&[&integer(&n), &integer(&e)]), vec![0]].concat()),
            "strict DER",
        ),
        ("a short modulus", rsa(&n[..128], &e), "1024 bits"),
        ("a huge modulus", rsa(&[0xff; 1025], &e), "8200 bits"),
        ("an even modulus", rsa(&small_prime, &e), "even"),
        ("exponent 1", rsa(&n, &[1]), "exponent"),
        ("a huge exponent", rsa(&n, &[1, 0, 0, 0, 1]), "exponent"),
        ("a zero modulus", rsa(&[0], &e), "0 bits"),
        ("too large", vec![0x30; 16 * 1024 + 1], "bytes long"),
        ("PKCS#1", sequence(&[&integer(&n), &integer(&e)]), "PKCS#1"),
        (
            "a private key (PKCS#8)",
            hex("302e020100300506032b657004220420").into_iter().chain([10; 32]).collect(),
            "private_key",
        ),
        ("a private key (SEC 1)", sequence(&[&integer(&[1]), &tlv(4, &[&[8; 32]])]), "private_key"),
        ("a private key (PKCS#1)", sequence(&[&integer(&[0]), &integer(&n), &integer(&e)]), "private_key"),
    ];
    for (what, der, word) in cases {
        let algorithm = if what.contains("RSA") || what.contains("mod") || what.contains("exp") || what.contains("numb")
        {
            Some(Algorithm::Rs256)
        } else {
            None
        };
        let error = Jwk::from_public_key_der(&der, algorithm).unwrap_err();
        assert!(problem(&error).contains(word), "{what}: {error}");
        let in_pem = Jwk::from_public_key_pem(&pem(&der), algorithm).unwrap_err();
        assert!(in_pem.code() == error.code() || der.is_empty(), "{what}: {in_pem}");
    }
}

/// A key with another exponent than 65537 is a key, and refused unless that was asked for, as in a JWK.
#[test]
fn other_exponents_need_the_option() {
    let signers = Signer::all();
    let signer = signers.iter().find(|signer| signer.alg == "RS256").unwrap();
    let key = Jwk::from_public_key_der(&rsa(&number(signer, "n"), &[3]), Algorithm::Rs256).unwrap();
    let builder = || Verifier::builder(JwkSet::from_iter([key.clone()]), Accept::Any, Accept::Any);
    let error = builder().build().unwrap_err().to_string();
    assert!(error.contains("any_rsa_exponent"), "{error}");
    assert!(builder().any_rsa_exponent(true).build().is_ok());
}

#[test]
fn pem_is_one_block_of_a_public_key() {
    let good = pem(&der(&Signer::es256()));
    let label = |label: &str| good.replace("PUBLIC KEY", label);
    for (what, text, word) in [
        ("nothing", String::new(), "does not begin"),
        ("text before it", format!("key:\n{good}"), "does not begin"),
        ("text after it", format!("{good}x"), "PEM"),
        ("two of them", format!("{good}{good}"), "more than one"),
        ("no end", good.replace("-----END PUBLIC KEY-----", ""), "PEM"),
        ("another end", good.replace("END PUBLIC", "END RSA PUBLIC"), "PEM"),
        ("a foreign character", good.replacen("MF", "M*", 1), "PEM"),
        ("a header", good.replacen("-----\n", "-----\nProc-Type: 4\n\n", 1), "PEM"),
        ("a certificate", label("CERTIFICATE"), "openssl x509"),
        ("PKCS#1", label("RSA PUBLIC KEY"), "openssl rsa"),
        ("something else", label("X509 CRL"), "\"X509 CRL\""),
        ("a private key", label("PRIVATE KEY"), "private_key"),
        ("an encrypted private key", label("ENCRYPTED PRIVATE KEY"), "private_key"),
        ("a private key of a curve", label("EC PRIVATE KEY"), "private_key"),
        ("a private key, cut off", "-----BEGIN RSA PRIVATE KEY-----\nMII".to_owned(), "private_key"),
        ("JWK", Signer::es256().jwk.to_string(), "does not begin"),
        ("too large", format!("{good}{}", " ".repeat(16 * 1024)), "bytes long"),
    ] {
        let error = Jwk::from_public_key_pem(&text, None).unwrap_err();
        assert!(problem(&error).contains(word), "{what}: {error}");
        assert!(!error.to_string().contains("MFkw"), "no key in a message: {error}");
    }
    let hint = JwkSet::from_json(&good).unwrap_err().to_string();
    assert!(hint.contains("Jwk::from_public_key_pem"), "{hint}");
}

#[test]
fn every_truncation_is_refused() {
    for signer in [Signer::eddsa(), Signer::es256(), Signer::es512()] {
        let (der, algorithm) = (der(&signer), signer.alg.parse::<Algorithm>().unwrap());
        let pem = pem(&der);
        for end in 0..der.len() {
            assert!(Jwk::from_public_key_der(&der[..end], algorithm).is_err(), "{} up to {end}", signer.alg);
        }
        for end in 0..pem.len() - 1 {
            assert!(Jwk::from_public_key_pem(&pem[..end], algorithm).is_err(), "{} up to {end}", signer.alg);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the bytes, there is an answer; and what is accepted is the key itself.
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), algorithm in prop::sample::select(Algorithm::all().collect::<Vec<_>>())) {
        prop_assert!(Jwk::from_public_key_der(&bytes, algorithm).is_err());
        let _ = Jwk::from_public_key_pem(&String::from_utf8_lossy(&bytes), algorithm);
        let _ = Jwk::from_public_key_pem(&pem(&bytes), None);
    }

    #[test]
    fn a_changed_byte_never_panics_and_never_passes_for_the_same_key(
        kind in 0_usize..4, place in any::<prop::sample::Index>(), change in 1_u8..=255,
    ) {
        let signer = [Signer::eddsa(), Signer::es256(), Signer::es384(), Signer::es512()].into_iter().nth(kind).unwrap();
        let mut bytes = der(&signer);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        // One of two coordinates does not fit the other any more; half of all Ed25519 encodings are some other point.
        match Jwk::from_public_key_der(&bytes, None) {
            Err(_) => {}
            Ok(key) => {
                prop_assert_eq!(signer.alg, "EdDSA");
                let token = signer.issue(&json!({}));
                let verifier = Verifier::builder(JwkSet::from_iter([key.with_kid(signer.kid())]), Accept::Any, Accept::Any);
                let verifier = verifier.require_exp(false).build().unwrap();
                prop_assert_eq!(verifier.verify(&token, NOW).unwrap_err().code(), "bad_signature");
            }
        }
    }
}
