//! Verifies signed JSON Web Tokens where there is no network.
//!
//! Tokenward checks a JWS compact token ([RFC 7515]) against a *bundled or cached* JWK Set ([RFC 7517]), then the JWT
//! claims ([RFC 7519]), following the best practices of [RFC 8725]. It reads no clock, no storage and no network: the
//! time and the keys are arguments. The same code runs natively, on bare metal (`no_std` + `alloc`) and, compiled to
//! WebAssembly, as the npm package `tokenward`.
//!
//! ```
//! use tokenward::{JwkSet, UnixTime, Verifier};
//!
//! // RFC 8037 appendix A: an Ed25519 key, here as a set of one.
//! let keys = JwkSet::from_json(
//!     r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-01",
//!         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
//! )?;
//! let verifier = Verifier::builder(keys, "https://login.example", "my-app").build()?;
//!
//! let error = verifier
//!     .verify("eyJhbGciOiJub25lIn0.e30.", UnixTime::from_secs(1_760_000_000))
//!     .unwrap_err();
//! assert_eq!(error.code(), "unsupported_algorithm");
//! # Ok::<(), tokenward::ConfigError>(())
//! ```
//!
//! Only asymmetric signatures are supported; see [`Algorithm`] for the table. A [`Verifier`] holds only keys that were
//! checked when they were added, and a [`Token`] exists only when everything held.
//!
//! Verification handles public data only (tokens, public keys), so nothing here needs to run in constant time. What one call expects
//! ([`Expected`]) is all the same compared without an early end.
//!
//! # Features
//!
//! - `std` (default): conveniences such as `UnixTime::now`. Never changes what is accepted.
//! - `serde`: `Token::claims::<T>()`, the claims as a type of the app's. Never changes what is accepted.
//! - `der`, `pem`: `Jwk::from_public_key_der` and `Jwk::from_public_key_pem`. Never change what is accepted.
//! - `reference`: verifies with `RustCrypto`'s and dalek's arithmetic instead of our own. Never changes what is accepted.
//! - `ml-dsa`: the algorithms ML-DSA-44, -65 and -87, by `RustCrypto`'s `ml-dsa`. Then keys of the type `AKP` serve, which
//!   are unusable without it.
//! - `wasm`: the JavaScript binding behind the npm package. Not needed from Rust.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod algorithm;
mod base64url;
mod claims;
mod engine;
mod error;
mod json;
mod jwk;
mod jwk_set;
mod jws;
mod policy;
mod profile;
#[cfg(feature = "der")]
mod public_key;
mod tenant;
mod text;
mod time;
#[cfg(feature = "serde")]
mod typed_claims;
mod verifier;
#[cfg(feature = "wasm")]
mod wasm;

pub use algorithm::{Algorithm, ParseAlgorithmError};
pub use claims::{Accept, UnixTime};
#[cfg(feature = "compare")]
#[doc(hidden)]
pub use engine::compare;
pub use error::{ConfigError, Error, TimeRangeError};
pub use json::{Object, Value};
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use policy::{Access, ClockMarks, Decision, Policy, Reason};
pub use profile::{Expected, Profile};
pub use time::Seconds;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use typed_claims::ClaimsError;
pub use verifier::{Token, Verifier, VerifierBuilder, VerifierSet};

/// The code in the crate's first page is compiled and run with the other examples.
#[cfg(all(doctest, feature = "pem", feature = "serde"))]
#[doc = include_str!("README.md")]
struct FirstPage;
