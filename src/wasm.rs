//! The JavaScript binding: the only file that knows JavaScript. The npm package (`js/`) wraps what is exported here and
//! turns the plain error objects into `TokenError` and `ConfigError`.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use js_sys::JsString;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::claims::TokenTimes;
use crate::json::MAX_DEPTH;
use crate::{Accept, Algorithm, ConfigError, Error, JwkSet, Object, UnixTime, Value, Verifier, VerifierSet};

/// A JWK Set that was read and checked, ready to be handed to [`Core::set_keys`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Keys(JwkSet);

#[wasm_bindgen]
impl Keys {
    /// From JSON text or a plain JavaScript value.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of a [`ConfigError`].
    #[wasm_bindgen(constructor)]
    pub fn new(jwks: JsValue) -> Result<Keys, JsValue> {
        let value = from_js(jwks)?;
        read_keys(&value).map(Self).map_err(|error| config_error(&error))
    }
}

/// One verifier or several, addressed by their place in the options.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core {
    verifiers: VerifierSet,
}

#[wasm_bindgen]
impl Core {
    /// From an array of options, whose names and types the caller has checked.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of a [`ConfigError`].
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Core, JsValue> {
        let options = from_js(options)?;
        let verifiers = options
            .as_array()
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_object)
            .map(build)
            .collect::<Result<Vec<Verifier>, ConfigError>>()
            .and_then(VerifierSet::new)
            .map_err(|error| config_error(&error))?;
        Ok(Self { verifiers })
    }

    /// The place of the verifier whose issuer the token names.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of an [`Error`].
    pub fn choose(&self, token: &JsString) -> Result<usize, JsValue> {
        let limit = self.verifiers.verifiers().iter().map(Verifier::max_token_bytes).max().unwrap_or_default();
        let token = copy_token(token, limit)?;
        self.verifiers.choose(&token).map(|(index, _)| index).map_err(|error| token_error(&error))
    }

    /// Verifies a token as of `now`, in Unix seconds. The answer is JSON text: an array of the header, the payload (the
    /// very bytes that were signed) and the place of the key.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of an [`Error`].
    pub fn verify(&self, index: usize, token: &JsString, now: f64) -> Result<String, JsValue> {
        let verifier = self.get(index)?;
        let token = copy_token(token, verifier.max_token_bytes())?;
        let token = verifier.verify(&token, time(now)?).map_err(|error| token_error(&error))?;
        Ok(format!("[{},{},{}]", token.header(), token.payload(), token.key_index()))
    }

    /// Judges the times of a token that was verified with the current keys. Absent times are `NaN`.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of an [`Error`].
    #[wasm_bindgen(js_name = checkTimes)]
    pub fn check_times(&self, index: usize, exp: f64, nbf: f64, iat: f64, now: f64) -> Result<(), JsValue> {
        let present = |seconds: f64| Some(seconds).filter(|seconds| !seconds.is_nan());
        let times = TokenTimes { exp: present(exp), nbf: present(nbf), iat: present(iat) };
        self.get(index)?.check_times(times, time(now)?).map_err(|error| token_error(&error))
    }

    /// Replaces the keys of a verifier: all or nothing.
    ///
    /// # Errors
    ///
    /// A plain object with the facts of a [`ConfigError`].
    #[wasm_bindgen(js_name = setKeys)]
    pub fn set_keys(&mut self, index: usize, keys: Keys) -> Result<(), JsValue> {
        let Some(verifier) = self.verifiers.verifiers_mut().get_mut(index) else { return Err(no_such_verifier()) };
        verifier.set_keys(keys.0).map_err(|error| config_error(&error))
    }

    /// What is public knowledge about each key of a verifier.
    ///
    /// # Errors
    ///
    /// None that can be met: `index` comes from this module.
    pub fn keys(&self, index: usize) -> Result<JsValue, JsValue> {
        let keys = self.get(index)?.keys().iter().enumerate().map(|(index, key)| {
            object([
                ("index", Some(number(index))),
                ("kid", key.kid().map(Value::from)),
                ("kty", Some(Value::from(key.kty()))),
                ("crv", key.crv().map(Value::from)),
                ("alg", key.alg().map(Value::from)),
                ("use", key.usage().map(Value::from)),
            ])
        });
        Ok(to_js(&Value::Array(keys.collect())))
    }

    fn get(&self, index: usize) -> Result<&Verifier, JsValue> {
        self.verifiers.verifiers().get(index).ok_or_else(no_such_verifier)
    }
}

/// The length is looked at before anything is copied.
fn copy_token(token: &JsString, max: usize) -> Result<String, JsValue> {
    let units = usize::try_from(token.length()).unwrap_or(usize::MAX);
    if units > max {
        return Err(token_error(&Error::TooLarge { bytes: units, max }));
    }
    Ok(String::from(token))
}

fn time(now: f64) -> Result<UnixTime, JsValue> {
    UnixTime::from_secs_f64(now).ok_or_else(|| {
        let problem = "should give a finite number of Unix seconds".to_string();
        config_error(&ConfigError::InvalidOption { option: "now", problem })
    })
}

fn build(options: &Object<'_>) -> Result<Verifier, ConfigError> {
    let jwks = options.get("jwks").unwrap_or(&Value::Null);
    let mut builder = Verifier::builder(read_keys(jwks)?, accept(options, "issuer"), accept(options, "audience"));
    if let Some(names) = options.get("algorithms") {
        builder = builder.algorithms(strings(names).map(algorithm).collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(seconds) = options.get("clockTolerance").and_then(Value::as_f64) {
        builder = builder.clock_tolerance(seconds);
    }
    if let Some(typ) = options.get("typ").and_then(Value::as_str) {
        builder = builder.typ(typ);
    }
    if let Some(subject) = options.get("subject").and_then(Value::as_str) {
        builder = builder.subject(subject);
    }
    if let Some(seconds) = options.get("maxTokenAge").and_then(Value::as_f64) {
        builder = builder.max_token_age(seconds);
    }
    for claim in options.get("requiredClaims").into_iter().flat_map(strings) {
        builder = builder.require_claim(claim);
    }
    for (claim, expected) in options.get("claims").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
        builder = builder.expect_value(claim, expected.clone().into_owned());
    }
    if let Some(bytes) = options.get("maxTokenBytes").and_then(Value::as_f64) {
        builder = builder.max_token_bytes(whole(bytes));
    }
    if let Some(required) = options.get("requireExp") {
        builder = builder.require_exp(*required != Value::Bool(false));
    }
    builder.any_rsa_exponent(options.get("anyRsaExponent") == Some(&Value::Bool(true))).build()
}

fn read_keys(jwks: &Value<'_>) -> Result<JwkSet, ConfigError> {
    match jwks {
        Value::String(text) => JwkSet::from_json(text),
        value => JwkSet::from_value(value),
    }
}

/// `null` is the explicit way to accept anything; leaving the option out was refused before.
fn accept(options: &Object<'_>, name: &str) -> Accept {
    match options.get(name) {
        Some(Value::Null) => Accept::Any,
        value => Accept::OneOf(value.into_iter().flat_map(strings).map(ToString::to_string).collect()),
    }
}

/// One string or an array of them.
fn strings<'v>(value: &'v Value<'_>) -> impl Iterator<Item = &'v str> {
    value.as_array().unwrap_or(core::slice::from_ref(value)).iter().filter_map(Value::as_str)
}

fn algorithm(name: &str) -> Result<Algorithm, ConfigError> {
    Algorithm::from_name(name).ok_or_else(|| ConfigError::InvalidOption {
        option: "algorithms",
        problem: format!("holds {name:?}, which is not supported: only asymmetric signatures are, named exactly"),
    })
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(number: f64) -> usize {
    number as usize
}

fn no_such_verifier() -> JsValue {
    JsValue::from_str("no such verifier")
}

fn token_error(error: &Error) -> JsValue {
    to_js(&object([
        ("kind", Some(Value::from("token"))),
        ("code", Some(Value::from(error.code()))),
        ("message", Some(Value::from(error.to_string().as_str()))),
        ("claim", error.claim().map(Value::from)),
        ("expected", error.expected()),
        ("actual", error.actual()),
    ]))
}

fn config_error(error: &ConfigError) -> JsValue {
    to_js(&object([
        ("kind", Some(Value::from("config"))),
        ("code", Some(Value::from(error.code()))),
        ("message", Some(Value::from(error.to_string().as_str()))),
        ("option", Some(Value::from(error.option()))),
    ]))
}

fn object<const N: usize>(members: [(&str, Option<Value<'static>>); N]) -> Value<'static> {
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
    Value::Object(present.collect())
}

fn number(index: usize) -> Value<'static> {
    Value::Number(u32::try_from(index).unwrap_or(u32::MAX).into())
}

fn to_js(value: &Value<'_>) -> JsValue {
    Outgoing(value).serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::UNDEFINED)
}

fn from_js(value: JsValue) -> Result<Value<'static>, JsValue> {
    serde_wasm_bindgen::from_value::<Incoming>(value)
        .map(|incoming| incoming.0)
        .map_err(|error| config_error(&ConfigError::InvalidJwks { problem: format!("it is not plain JSON: {error}") }))
}

struct Outgoing<'v>(&'v Value<'v>);

impl Serialize for Outgoing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(elements) => serializer.collect_seq(elements.iter().map(Outgoing)),
            Value::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (name, value) in object.iter() {
                    map.serialize_entry(name, &Outgoing(value))?;
                }
                map.end()
            }
        }
    }
}

struct Incoming(Value<'static>);

impl<'de> Deserialize<'de> for Incoming {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Level(0).deserialize(deserializer).map(Self)
    }
}

/// Reads a value that stands this deep, so that even an endless one is refused in time.
struct Level(u32);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value<'static>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0 > MAX_DEPTH {
            return Err(D::Error::custom("nested too deep"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value<'static>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("plain JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(value))
    }

    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a JavaScript number was a double before")]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(Level(self.0 + 1))? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            object.push((name, members.next_value_seed(Level(self.0 + 1))?));
        }
        Ok(Value::Object(object.into_iter().collect()))
    }
}
