//! JWS compact serialisation (RFC 7515 section 7.1) and the JOSE header (section 4), checked for form only.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Error;
use crate::json::{self, JsonError, Object, Value};
use crate::{Algorithm, base64url};

/// The three segments, decoded. The header and payload are UTF-8; [`Jws::header`] and [`Jws::payload`] read them.
pub(crate) struct Jws<'a> {
    pub(crate) header: String,
    pub(crate) payload: String,
    pub(crate) signature: Vec<u8>,
    /// What was signed: the first two segments and the dot between them.
    pub(crate) signing_input: &'a [u8],
}

/// The header parameters that decide anything. `jwk`, `jku`, `x5u` and `x5c` are not among them: no key from a token is
/// ever used.
pub(crate) struct JoseHeader {
    pub(crate) algorithm: Algorithm,
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
}

impl<'a> Jws<'a> {
    /// Splits and decodes a token of at most `max_bytes`.
    pub(crate) fn parse(token: &'a str, max_bytes: usize) -> Result<Self, Error> {
        if token.len() > max_bytes {
            return Err(Error::TooLarge { bytes: token.len(), max: max_bytes });
        }
        let mut segments = token.as_bytes().splitn(3, |byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature)) = (segments.next(), segments.next(), segments.next()) else {
            return Err(not_three_segments(token));
        };
        let signing_input = token.as_bytes().get(..header.len() + 1 + payload.len()).unwrap_or_default();
        // Base64url has no dot, so a fourth segment makes decoding fail. Only then are dots counted.
        Self::decode(signing_input, [header, payload, signature])
            .map_err(|error| if dots_of(token) > 2 { not_three_segments(token) } else { error })
    }

    fn decode(signing_input: &'a [u8], [header, payload, signature]: [&[u8]; 3]) -> Result<Self, Error> {
        Ok(Self {
            header: decode_text("header", header)?,
            payload: decode_text("payload", payload)?,
            signature: decode("signature", signature)?,
            signing_input,
        })
    }

    /// The payload as the JSON object a JWT's claims set is (RFC 7519 section 7.2).
    pub(crate) fn claims(&self) -> Result<Object<'_>, Error> {
        parse_object("payload", &self.payload)
    }

    /// The header as a JSON object.
    pub(crate) fn header_object(&self) -> Result<Object<'_>, Error> {
        parse_object("header", &self.header)
    }
}

impl JoseHeader {
    /// Reads the parameters that decide anything.
    pub(crate) fn read(object: &Object<'_>) -> Result<Self, Error> {
        let kid = text_parameter(object, "kid", "kid is not a string")?;
        let typ = text_parameter(object, "typ", "typ is not a string")?;
        let alg = match object.get("alg") {
            None => "(missing)",
            Some(Value::String(alg)) => alg,
            Some(_) => "(not a string)",
        };
        let Some(algorithm) = Algorithm::from_name(alg) else {
            return Err(Error::UnsupportedAlgorithm { alg: alg.into() });
        };
        Ok(Self { algorithm, alg: alg.into(), kid, typ })
    }

    /// Refuses extensions, none of which is understood here (RFC 7515 section 4.1.11, RFC 7797 section 7).
    pub(crate) fn refuse_extensions(object: &Object<'_>) -> Result<(), Error> {
        for parameter in &["crit", "b64"] {
            if object.get(parameter).is_some() {
                return Err(Error::UnsupportedCritical { parameter });
            }
        }
        Ok(())
    }
}

fn text_parameter(object: &Object<'_>, name: &str, problem: &'static str) -> Result<Option<String>, Error> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_ref().into())),
        Some(_) => Err(malformed("header", problem)),
    }
}

fn parse_object<'t>(part: &'static str, text: &'t str) -> Result<Object<'t>, Error> {
    match json::parse(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(malformed(part, "it is not a JSON object")),
        Err(JsonError { problem, offset }) => Err(Error::Malformed { part, problem, offset: Some(offset) }),
    }
}

#[cold]
fn not_three_segments(token: &str) -> Error {
    let is_encrypted = dots_of(token) == 4;
    let problem = "it is not three segments with two dots between them";
    let jwe = "it has five segments: it is encrypted (JWE), not signed";
    malformed("token", if is_encrypted { jwe } else { problem })
}

fn dots_of(token: &str) -> usize {
    token.bytes().filter(|byte| *byte == b'.').count()
}

fn decode_text(part: &'static str, segment: &[u8]) -> Result<String, Error> {
    String::from_utf8(decode(part, segment)?).map_err(|error| Error::Malformed {
        part,
        problem: "not valid UTF-8",
        offset: Some(error.utf8_error().valid_up_to()),
    })
}

fn decode(part: &'static str, segment: &[u8]) -> Result<Vec<u8>, Error> {
    base64url::decode(segment).ok_or_else(|| not_decoded(part, segment))
}

#[cold]
fn not_decoded(part: &'static str, segment: &[u8]) -> Error {
    let problem = if segment.iter().any(u8::is_ascii_whitespace) {
        // What remains of an Authorization header or of a file's line.
        "there is white space in it: a prefix such as Bearer, or the end of a line, is no part of a token"
    } else if segment.ends_with(b"=") {
        "it is padded with =, which no JWT is; an AWS load balancer pads x-amzn-oidc-data, not x-amzn-oidc-accesstoken"
    } else {
        base64url::problem(segment)
    };
    malformed(part, problem)
}

fn malformed(part: &'static str, problem: &'static str) -> Error {
    Error::Malformed { part, problem, offset: None }
}
