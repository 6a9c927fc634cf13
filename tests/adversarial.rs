//! Tokens and keys that must be refused, each with its exact code, through the Rust API alone. The full table of tokens runs
//! through the JavaScript API in every runtime; this one holds each code of the core once or twice.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod signing;

use serde_json::{Value, json};
use signing::{Signer, text};
use tokenward::{Accept, Algorithm, ConfigError, Jwk, JwkSet, UnixTime, Verifier, VerifierSet};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
const HEADER: &str = r#"{"alg":"EdDSA","kid":"EdDSA-256","typ":"at+jwt"}"#;
const CLAIMS: &str = concat!(
    r#"{"iss":"https://login.example","aud":["other","app"],"sub":"u","exp":1760000300,"nbf":1759999000,"#,
    r#""iat":1759999000,"scope":"","role":{"a":1,"b":[true]}}"#
);

/// Genuinely signed, with one thing wrong in the header.
#[test]
fn headers() {
    let cases = [
        ("malformed", r#"{"alg":"EdDSA","\u0061lg":"EdDSA"}"#),
        ("malformed", "\u{feff}{\"alg\":\"EdDSA\"}"),
        ("malformed", r#"["EdDSA"]"#),
        ("malformed", r#"{"alg":"EdDSA","kid":7}"#),
        ("malformed", r#"{"alg":"EdDSA","typ":null}"#),
        ("unsupported_algorithm", r#"{"typ":"at+jwt"}"#),
        ("unsupported_algorithm", r#"{"alg":"eddsa"}"#),
        ("unsupported_algorithm", r#"{"alg":"EdDSA "}"#),
        ("unsupported_algorithm", r#"{"alg":["EdDSA"]}"#),
        ("unsupported_algorithm", r#"{"alg":"none"}"#),
        ("unsupported_algorithm", r#"{"alg":"HS256"}"#),
        ("algorithm_not_allowed", r#"{"alg":"ES384"}"#),
        ("unsupported_critical", r#"{"alg":"EdDSA","crit":["exp"],"exp":1,"typ":"at+jwt"}"#),
        ("unsupported_critical", r#"{"alg":"EdDSA","crit":{},"typ":"at+jwt"}"#),
        ("unsupported_critical", r#"{"alg":"EdDSA","b64":true,"typ":"at+jwt"}"#),
        ("unexpected_type", r#"{"alg":"EdDSA"}"#),
        ("unexpected_type", r#"{"alg":"EdDSA","typ":"application/at+jwt/x"}"#),
        ("key_not_found", r#"{"alg":"EdDSA","kid":"eddsa-256","typ":"at+jwt"}"#),
        ("key_not_found", r#"{"alg":"RS256","kid":"EdDSA-256","typ":"at+jwt"}"#),
        ("key_unusable", r#"{"alg":"EdDSA","kid":"for encryption","typ":"at+jwt"}"#),
        ("key_unusable", r#"{"alg":"EdDSA","kid":"small order","typ":"at+jwt"}"#),
        ("key_unusable", r#"{"alg":"ES256","kid":"off the curve","typ":"at+jwt"}"#),
        ("key_unusable", r#"{"alg":"RS256","kid":"1024 bits","typ":"at+jwt"}"#),
        ("bad_signature", r#"{"alg":"ES256","kid":"ES256-256","typ":"at+jwt"}"#),
    ];
    let verifier = verifier();
    for (code, header) in cases {
        let error = verifier.verify(&Signer::eddsa().sign(header, CLAIMS), NOW).unwrap_err();
        assert_eq!(error.code(), code, "{header}: {error}");
    }
}

/// Genuinely signed, with one thing wrong in the claims: `member` replaces the one of that name.
#[test]
fn claims() {
    let cases = [
        ("missing_claim", "iss", None),
        ("invalid_claim", "iss", Some("7")),
        ("claim_mismatch", "iss", Some(r#""https://login.example/""#)),
        ("missing_claim", "aud", None),
        ("invalid_claim", "aud", Some(r#"["app",null]"#)),
        ("claim_mismatch", "aud", Some(r#"["ap","apps"]"#)),
        ("claim_mismatch", "aud", Some("[]")),
        ("invalid_claim", "sub", Some("{}")),
        ("claim_mismatch", "sub", Some(r#""U""#)),
        ("missing_claim", "scope", None),
        ("claim_mismatch", "role", Some(r#"{"b":[true],"a":1.5}"#)),
        ("missing_claim", "exp", None),
        ("invalid_claim", "exp", Some("\"1760000300\"")),
        ("invalid_claim", "exp", Some("1e400")),
        ("invalid_claim", "exp", Some("-1e400")),
        ("expired", "exp", Some("1759999995")),
        ("invalid_claim", "nbf", Some("null")),
        ("not_yet_valid", "nbf", Some("1760000005.5")),
        ("missing_claim", "iat", None),
        ("invalid_claim", "iat", Some("[]")),
        ("too_old", "iat", Some("1759996394.5")),
        ("not_yet_valid", "iat", Some("1760000005.5")),
        ("invalid_claim", "deep", Some("[{\"x\":-1e999}]")),
    ];
    let verifier = verifier();
    assert!(verifier.verify(&Signer::eddsa().sign(HEADER, CLAIMS), NOW).is_ok());
    for (code, name, member) in cases {
        let mut claims: serde_json::Map<String, Value> = serde_json::from_str(CLAIMS).unwrap();
        claims.remove(name);
        let mut payload = Value::from(claims).to_string();
        if let Some(member) = member {
            payload.insert_str(1, &format!("\"{name}\":{member},"));
        }
        let error = verifier.verify(&Signer::eddsa().sign(HEADER, &payload), NOW).unwrap_err();
        assert_eq!((error.code(), error.claim()), (code, Some(name)), "{payload}: {error}");
    }
}

/// A good token whose text was changed.
#[test]
fn tokens() {
    let good = Signer::eddsa().sign(HEADER, CLAIMS);
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let cases = [
        ("malformed", String::new()),
        ("malformed", format!("{header}.{payload}")),
        ("malformed", format!("{good}.")),
        ("malformed", format!("{good}\n")),
        ("malformed", format!("{header}.{payload}=.{signature}")),
        ("malformed", format!("{header}.{payload}.{}", last_bit_set(signature))),
        ("malformed", format!("{header}.{}.{signature}", text(b"{\"sub\":\"\xff\"}"))),
        ("malformed", format!("{header}.{}.{signature}", text("[".repeat(10_000).as_bytes()))),
        ("malformed", format!("{header}.{}.{signature}", text(br#"{"a":"\ud800"}"#))),
        ("too_large", ".".repeat(5_000_000)),
        ("bad_signature", format!("{header}.{payload}.")),
        ("bad_signature", format!("{header}.{payload}.{}", &signature[..84])),
        ("bad_signature", format!("{header}.{payload}.{}", text(&[0; 64]))),
        ("bad_signature", format!("{header}.{}.{signature}", text(CLAIMS.replace("\"u\"", "\"v\"").as_bytes()))),
    ];
    for (code, token) in cases {
        let error = verifier().verify(&token, NOW).unwrap_err();
        let start: String = token.chars().take(200).collect();
        assert_eq!(error.code(), code, "{start}: {error}");
        assert!(!error.to_string().contains(payload), "a message must not hold the token");
    }
}

#[test]
fn key_sets() {
    let key = Signer::eddsa().jwk.to_string();
    let cases = [
        ("invalid_jwks", "{}".to_owned()),
        ("invalid_jwks", "{\"keys\":{}}".to_owned()),
        ("invalid_jwks", format!("{{\"keys\":[{key}],\"keys\":[]}}")),
        ("invalid_jwks", "[7]".to_owned()),
        ("private_key", format!("[{}]", key.replacen('{', "{\"d\":\"AA\",", 1))),
        ("private_key", format!("[{}]", key.replacen('{', "{\"oth\":[{}],", 1))),
        ("symmetric_key", format!("[{key},{{\"kty\":\"oct\",\"k\":\"AA\"}}]")),
        ("no_usable_key", "[]".to_owned()),
        ("no_usable_key", "[{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AA\"}]".to_owned()),
        ("no_usable_key", format!("[{}]", key.replacen('{', "{\"key_ops\":[\"sign\"],", 1))),
        ("no_usable_key", format!("[{}]", Signer::es384().jwk)),
    ];
    for (code, text) in cases {
        let build = |keys| Verifier::builder(keys, Accept::Any, Accept::Any).algorithms([Algorithm::EdDsa]).build();
        let error = JwkSet::from_json(&text).and_then(build).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
    }
}

#[test]
fn rsa_exponents_and_rotation() {
    let mut jwk = Signer::rs256().jwk;
    let refusal =
        |jwk: &Value| Verifier::builder(set(&[jwk]), Accept::Any, Accept::Any).build().map(|_| ()).unwrap_err();
    for exponent in ["AQ", "AQAA", "AA", "AQAAAAE"] {
        jwk["e"] = exponent.into();
        assert_eq!(refusal(&jwk).code(), "no_usable_key", "{exponent}");
        let lenient = Verifier::builder(set(&[&jwk]), Accept::Any, Accept::Any).any_rsa_exponent(true).build();
        assert_eq!(lenient.map(|_| ()).unwrap_err().code(), "no_usable_key", "{exponent}");
    }
    jwk["e"] = "Aw".into();
    assert_eq!(refusal(&jwk).code(), "no_usable_key");
    assert!(Verifier::builder(set(&[&jwk]), Accept::Any, Accept::Any).any_rsa_exponent(true).build().is_ok());

    let mut verifier = verifier();
    let token = Signer::eddsa().sign(HEADER, CLAIMS);
    assert!(matches!(verifier.set_keys(set(&[])), Err(ConfigError::NoUsableKey { .. })));
    assert!(verifier.verify(&token, NOW).is_ok(), "a set that cannot serve leaves the old one in place");
    verifier.set_keys(set(&[&Signer::es256().jwk])).unwrap();
    assert_eq!(verifier.verify(&token, NOW).unwrap_err().code(), "key_not_found");
}

/// Another issuer's key never verifies this issuer's token, and an issuer nobody named is not shown.
#[test]
fn several_issuers() {
    let of = |issuer, signer: &Signer| Verifier::builder(set(&[&signer.jwk]), issuer, "app").build().unwrap();
    let verifiers = VerifierSet::new(vec![of("a", &Signer::eddsa()), of("b", &Signer::es256())]).unwrap();
    let token = |signer: &Signer, issuer: &str| {
        let claims = format!("{{{issuer}\"aud\":\"app\",\"exp\":1760000300}}");
        signer.sign(json!({ "alg": signer.alg }).to_string(), claims)
    };
    assert!(verifiers.verify(&token(&Signer::eddsa(), "\"iss\":\"a\","), NOW).is_ok());
    assert!(verifiers.verify(&token(&Signer::es256(), "\"iss\":\"b\","), NOW).is_ok());
    for (code, issuer) in [
        ("key_not_found", "\"iss\":\"b\","),
        ("claim_mismatch", "\"iss\":\"A\","),
        ("missing_claim", ""),
        ("malformed", "\"iss\":\"a\",\"iss\":\"b\","),
    ] {
        let error = verifiers.verify(&token(&Signer::eddsa(), issuer), NOW).unwrap_err();
        assert_eq!(error.code(), code, "{issuer}: {error}");
        assert_eq!(error.actual(), None, "nothing of a token is shown before its signature held");
    }
    assert!(VerifierSet::new(Vec::new()).is_err());
    assert!(VerifierSet::new(vec![of("a", &Signer::eddsa()), of("a", &Signer::es256())]).is_err());
}

/// What is weak is known to be before any token comes.
#[test]
fn a_weak_key_says_so() {
    for (jwk, reason) in weak_keys() {
        let algorithm = Jwk::from_json(&jwk.to_string()).map(|key| match key.kty() {
            "RSA" => (key, Algorithm::Rs256),
            "EC" => (key, Algorithm::Es256),
            _ => (key, Algorithm::EdDsa),
        });
        let (key, algorithm) = algorithm.unwrap();
        let error = key.verify(algorithm, b"", b"").unwrap_err();
        assert_eq!(error.code(), "key_unusable");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

fn verifier() -> Verifier {
    let weak: Vec<Value> = weak_keys().into_iter().map(|(jwk, _)| jwk).collect();
    let good = [Signer::eddsa().jwk, Signer::es256().jwk];
    let keys: Vec<&Value> = weak.iter().chain(&good).collect();
    Verifier::builder(set(&keys), "https://login.example", ["app", "second"])
        .algorithms([Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256])
        .typ("at+jwt")
        .subject("u")
        .require_claim("scope")
        .expect_claim("role", r#"{"b":[true],"a":1.0}"#)
        .max_token_age(3600.0)
        .build()
        .unwrap()
}

fn weak_keys() -> Vec<(Value, &'static str)> {
    let good = Signer::eddsa().jwk;
    let es256 = Signer::es256().jwk;
    vec![
        (json!({ "kty": "OKP", "crv": "Ed25519", "kid": "for encryption", "use": "enc", "x": good["x"] }), "use"),
        (json!({ "kty": "OKP", "crv": "Ed25519", "kid": "small order", "x": text(&[0; 32]) }), "order"),
        (json!({ "kty": "EC", "crv": "P-256", "kid": "off the curve", "x": es256["x"], "y": es256["x"] }), "curve"),
        (json!({ "kty": "RSA", "kid": "1024 bits", "n": text(&[0xff; 128]), "e": "AQAB" }), "2048"),
    ]
}

fn set(keys: &[&Value]) -> JwkSet {
    JwkSet::from_json(&json!({ "keys": keys }).to_string()).unwrap()
}

/// The same bytes to a lax decoder: an unused bit of the last character is set.
fn last_bit_set(segment: &str) -> String {
    let last = segment.as_bytes()[segment.len() - 1];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.iter().position(|character| *character == last).unwrap();
    format!("{}{}", &segment[..segment.len() - 1], char::from(alphabet[place | 1]))
}
