//! An issuer with many tenants, each with an issuer identifier of its own: Microsoft Entra.

use alloc::string::{String, ToString};

use crate::claims::{mismatch, present};
use crate::error::Error;
use crate::json::{Object, Value};

/// What stands for the tenant in a template.
const PLACE: &str = "{tenantid}";

/// How the issuer identifiers of all tenants are made: a text with `{tenantid}` in it, which the claim `tid` fills.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tenants {
    template: String,
    /// What stands before the tenant in it, and after.
    around: [String; 2],
}

impl Tenants {
    /// `None` unless the template has one place for the tenant.
    pub(crate) fn of(template: &str) -> Option<Self> {
        // By bytes: searching for a text in a text is 7 kB of Brotli in WebAssembly.
        let mut places = template.as_bytes().windows(PLACE.len()).enumerate();
        let mut next = || places.find(|(_, window)| *window == PLACE.as_bytes()).map(|(place, _)| place);
        let (Some(place), None) = (next(), next()) else {
            return None;
        };
        let around = [template.get(..place)?, template.get(place + PLACE.len()..)?].map(ToString::to_string);
        Some(Self { template: template.to_string(), around })
    }

    /// The tenant whose issuer identifier this is: a GUID in lower case.
    pub(crate) fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let [before, after] = &self.around;
        issuer.strip_prefix(before.as_str())?.strip_suffix(after.as_str()).filter(|tenant| is_guid(tenant))
    }

    /// Whether a key of the set is for an issuer: a key may name one, or the template for all.
    pub(crate) fn is_key_for(&self, key_issuer: &str, issuer: &str) -> bool {
        key_issuer == self.template || key_issuer == issuer
    }

    /// `iss` must be that of a tenant, and `tid` this tenant.
    pub(crate) fn check(&self, claims: &Object<'_>) -> Result<(), Error> {
        let issuer = present(claims, "iss")?;
        let Some(tenant) = issuer.as_str().and_then(|issuer| self.tenant_of(issuer)) else {
            return Err(mismatch("iss", Value::from(self.template.as_str()), issuer));
        };
        let actual = present(claims, "tid")?;
        if actual.as_str() == Some(tenant) {
            return Ok(());
        }
        Err(mismatch("tid", Value::from(tenant), actual))
    }
}

fn is_guid(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}
