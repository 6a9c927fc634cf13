//! What the claims of a token must say (RFC 7519 section 4).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::slice;

use crate::error::{ConfigError, Error};
use crate::json::{Object, Value};
use crate::policy::LifeTimes;
use crate::profile::Profile;
use crate::tenant::Tenants;

/// A point in time: seconds since 1970-01-01T00:00:00Z, leap seconds ignored (RFC 7519's NumericDate). Always finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UnixTime(f64);

impl UnixTime {
    /// From whole seconds.
    #[must_use]
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact up to 2^53, finite beyond")]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds as f64)
    }

    /// From seconds with a fraction; `None` if not finite.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        seconds.is_finite().then_some(Self(seconds))
    }

    /// The system's clock.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    #[must_use]
    pub fn now() -> Self {
        Self::from(std::time::SystemTime::now())
    }

    /// From what is known to be finite.
    pub(crate) const fn of_finite(seconds: f64) -> Self {
        Self(seconds)
    }

    /// In seconds.
    #[must_use]
    pub const fn as_secs_f64(self) -> f64 {
        self.0
    }
}

/// Which values of `iss`, `aud` or `typ` are accepted. Of the first two there is no default: a verifier that
/// forgets to check either is a vulnerability (RFC 8725 sections 3.8 and 3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Any value, and none at all.
    Any,
    /// One of these, exactly.
    OneOf(Vec<String>),
}

impl Accept {
    /// Whether a string is one of the values that are named.
    pub(crate) fn names(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::OneOf(values), Value::String(text)) => values.iter().any(|named| named == text),
            _ => false,
        }
    }

    /// For messages: the one value, or an array of them.
    pub(crate) fn expected(&self) -> Value<'static> {
        match self {
            Self::Any => Value::Null,
            Self::OneOf(values) => match values.as_slice() {
                [value] => Value::from(value.as_str()),
                values => Value::Array(values.iter().map(|value| Value::from(value.as_str())).collect()),
            },
        }
    }
}

impl From<&str> for Accept {
    fn from(value: &str) -> Self {
        Self::OneOf(Vec::from([value.to_string()]))
    }
}

impl From<&String> for Accept {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<String> for Accept {
    fn from(value: String) -> Self {
        Self::OneOf(Vec::from([value]))
    }
}

impl From<Vec<String>> for Accept {
    fn from(values: Vec<String>) -> Self {
        Self::OneOf(values)
    }
}

impl<const N: usize> From<[&str; N]> for Accept {
    fn from(values: [&str; N]) -> Self {
        Self::OneOf(values.iter().map(ToString::to_string).collect())
    }
}

/// Everything a verifier asks of the claims.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    pub(crate) issuer: Accept,
    pub(crate) audience: Accept,
    pub(crate) subject: Option<String>,
    pub(crate) required: Vec<String>,
    pub(crate) expected: Vec<Expectation>,
    pub(crate) require_exp: bool,
    /// In seconds.
    pub(crate) clock_tolerance: f64,
    /// In seconds.
    pub(crate) max_token_age: Option<f64>,
    pub(crate) profile: Option<Profile>,
    pub(crate) tenants: Option<Tenants>,
}

/// What a claim must equal.
#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) claim: String,
    /// Any of these will do.
    pub(crate) values: Vec<Value<'static>>,
    /// Whether several were asked for, though there may be only one.
    pub(crate) one_of: bool,
}

/// The times of a token, checked to be finite, in Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TokenTimes {
    pub(crate) exp: Option<f64>,
    pub(crate) nbf: Option<f64>,
    pub(crate) iat: Option<f64>,
}

impl ClaimRules {
    /// Checks form first (the JSON type of every registered claim, numbers in range), then values. The times are given
    /// back: judging them is another step.
    pub(crate) fn check(&self, claims: &Object<'_>) -> Result<TokenTimes, Error> {
        let times = TokenTimes::read(claims)?;
        check_form(claims)?;
        if self.profile.is_some() {
            Profile::check_form(claims)?;
        }
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        if let Some(profile) = self.profile {
            profile.check(claims, self)?;
        }
        if let Some(subject) = &self.subject {
            let actual = present(claims, "sub")?;
            if actual.as_str() != Some(subject) {
                return Err(mismatch("sub", Value::from(subject.as_str()), actual));
            }
        }
        for claim in &self.required {
            present(claims, claim)?;
        }
        for Expectation { claim, values, one_of } in &self.expected {
            let actual = present(claims, claim)?;
            if !values.contains(actual) {
                let only = values.first().filter(|_| !one_of).cloned();
                return Err(mismatch(claim, only.unwrap_or_else(|| Value::Array(values.clone())), actual));
            }
        }
        self.require_times(times)?;
        Ok(times)
    }

    fn require_times(&self, times: TokenTimes) -> Result<(), Error> {
        if self.require_exp && times.exp.is_none() {
            return Err(missing("exp"));
        }
        if self.max_token_age.is_some() && times.iat.is_none() {
            return Err(missing("iat"));
        }
        Ok(())
    }

    /// The part of the rules that time changes, for a token whose other claims hold.
    pub(crate) fn check_times(&self, times: TokenTimes, now: UnixTime) -> Result<(), Error> {
        let UnixTime(now) = now;
        let tolerance = self.clock_tolerance;
        if let Some(exp) = times.exp
            && now >= exp + tolerance
        {
            return Err(Error::Expired { exp, now, tolerance });
        }
        // Of two times to come the later one is told: that is when the answer changes.
        let issued = times.iat.filter(|iat| self.max_token_age.is_some() && now < iat - tolerance);
        let begins = times.nbf.filter(|nbf| now < nbf - tolerance);
        match (issued, begins) {
            (Some(iat), begins) if begins.is_none_or(|nbf| nbf < iat) => {
                return Err(Error::IssuedInFuture { iat, now, tolerance });
            }
            (_, Some(nbf)) => return Err(Error::NotYetValid { nbf, now, tolerance }),
            _ => {}
        }
        if let (Some(max_age), Some(iat)) = (self.max_token_age, times.iat)
            && now > iat + max_age + tolerance
        {
            return Err(Error::TooOld { iat, now, max_age });
        }
        Ok(())
    }

    /// From when until when [`ClaimRules::check_times`] lets these pass, tolerance and greatest age counted in.
    #[cfg(any(feature = "wasm", test))]
    pub(crate) fn validity(&self, times: TokenTimes) -> [Option<UnixTime>; 2] {
        let issued = times.iat.filter(|_| self.max_token_age.is_some()).map(|iat| iat - self.clock_tolerance);
        let LifeTimes { begins, ends, .. } = self.life_times(times);
        let begins = issued.map_or(begins, |issued| begins.max(issued));
        // Whoever comes of age before the beginning is told so only then (the order of `check_times`).
        let expires = times.exp.map_or(f64::INFINITY, |exp| exp + self.clock_tolerance);
        let ends = expires.min(ends.max(begins));
        [begins, ends].map(UnixTime::from_secs_f64)
    }

    /// The same times for the offline policy.
    pub(crate) fn life_times(&self, times: TokenTimes) -> LifeTimes {
        LifeTimes::new(times, self.clock_tolerance, self.max_token_age)
    }

    /// A duration that is an option.
    pub(crate) fn check_seconds(option: &'static str, seconds: f64) -> Result<(), ConfigError> {
        if seconds.is_finite() && seconds >= 0.0 {
            return Ok(());
        }
        let problem = "should be a finite number of seconds, 0 or more".to_string();
        Err(ConfigError::InvalidOption { option, problem })
    }

    /// The issuer is compared as a string, exactly (RFC 7519 section 4.1.1).
    fn check_issuer(&self, claims: &Object<'_>) -> Result<(), Error> {
        if self.issuer != Accept::Any {
            let actual = present(claims, "iss")?;
            if !self.issuer.names(actual) {
                return Err(mismatch("iss", self.issuer.expected(), actual));
            }
        }
        self.tenants.as_ref().map_or(Ok(()), |tenants| tenants.check(claims))
    }

    /// Whether an issuer is one of those that are accepted; not of any that would be.
    pub(crate) fn names_issuer(&self, issuer: &Value<'_>) -> bool {
        match (&self.issuer, &self.tenants, issuer.as_str()) {
            (Accept::Any, Some(tenants), Some(issuer)) => tenants.tenant_of(issuer).is_some(),
            _ => self.issuer.names(issuer),
        }
    }

    /// `aud` is one string or an array of them; one of them must be accepted (RFC 7519 section 4.1.3).
    fn check_audience(&self, claims: &Object<'_>) -> Result<(), Error> {
        if self.audience == Accept::Any {
            return Ok(());
        }
        let actual = present(claims, "aud")?;
        let audiences = actual.as_array().unwrap_or(slice::from_ref(actual));
        if audiences.iter().any(|audience| self.audience.names(audience)) {
            return Ok(());
        }
        Err(mismatch("aud", self.audience.expected(), actual))
    }
}

impl TokenTimes {
    pub(crate) fn read(claims: &Object<'_>) -> Result<Self, Error> {
        Ok(Self { exp: time(claims, "exp")?, nbf: time(claims, "nbf")?, iat: time(claims, "iat")? })
    }
}

pub(crate) fn time(claims: &Object<'_>, claim: &str) -> Result<Option<f64>, Error> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::Number(seconds)) if seconds.is_finite() => Ok(Some(*seconds)),
        Some(other) => Err(invalid(claim, "a finite number of seconds since 1970", other)),
    }
}

fn check_form(claims: &Object<'_>) -> Result<(), Error> {
    for claim in &["iss", "sub", "jti"] {
        if let Some(value) = claims.get(claim)
            && value.as_str().is_none()
        {
            return Err(invalid(claim, "a string", value));
        }
    }
    if let Some(aud) = claims.get("aud") {
        let strings = |values: &[Value<'_>]| values.iter().all(|value| value.as_str().is_some());
        if aud.as_str().is_none() && !aud.as_array().is_some_and(strings) {
            return Err(invalid("aud", "a string or an array of strings", aud));
        }
    }
    match claims.iter().find(|(_, value)| value.has_overflow()) {
        None => Ok(()),
        Some((claim, value)) => Err(invalid(claim, "free of numbers beyond the range of a double", value)),
    }
}

pub(crate) fn present<'c, 'a>(claims: &'c Object<'a>, claim: &str) -> Result<&'c Value<'a>, Error> {
    claims.get(claim).ok_or_else(|| missing(claim))
}

fn missing(claim: &str) -> Error {
    Error::MissingClaim { claim: claim.to_string() }
}

pub(crate) fn invalid(claim: &str, expected: &'static str, actual: &Value<'_>) -> Error {
    Error::InvalidClaim { claim: claim.to_string(), expected, actual: actual.clone().into_owned() }
}

pub(crate) fn mismatch(claim: &str, expected: Value<'static>, actual: &Value<'_>) -> Error {
    Error::ClaimMismatch { claim: claim.to_string(), expected, actual: Some(actual.clone().into_owned()) }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Accept, ClaimRules, TokenTimes, UnixTime};

    /// To the second, and no further: what `tests/conformance/cases/times.mjs` asks in every runtime.
    #[test]
    fn times_end_where_they_say() {
        let rules = ClaimRules {
            issuer: Accept::Any,
            audience: Accept::Any,
            subject: None,
            required: Vec::new(),
            expected: Vec::new(),
            require_exp: true,
            clock_tolerance: 5.0,
            max_token_age: Some(60.0),
            profile: None,
            tenants: None,
        };
        let times = TokenTimes { exp: Some(2000.0), nbf: Some(1000.0), iat: Some(1500.0) };
        let code_at = |now: f64| rules.check_times(times, UnixTime(now)).err().map(|error| error.code());
        assert_eq!(code_at(994.5), Some("not_yet_valid"));
        assert_eq!(code_at(1494.5), Some("not_yet_valid"), "issued in the future");
        assert_eq!(code_at(1495.0), None);
        assert_eq!(code_at(1565.0), None);
        assert_eq!(code_at(1565.5), Some("too_old"));
        assert_eq!(code_at(2005.0), Some("expired"));
        assert_eq!(rules.validity(times), [1495.0, 1565.0].map(UnixTime::from_secs_f64));
        let aged = TokenTimes { iat: Some(100.0), ..times };
        assert_eq!(rules.validity(aged), [995.0, 995.0].map(UnixTime::from_secs_f64), "too old before it begins");
        let ended = TokenTimes { exp: Some(500.0), ..aged };
        assert_eq!(rules.validity(ended), [995.0, 505.0].map(UnixTime::from_secs_f64), "expired before it begins");
    }
}
