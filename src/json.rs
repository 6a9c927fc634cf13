//! JSON values, and their strict reading in `parser`.

mod number;
mod parser;

use alloc::borrow::Cow;
use alloc::collections::BinaryHeap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "serde")]
pub(crate) use parser::Parser;
pub(crate) use parser::{JsonError, parse};

use crate::text::digit;

/// A JSON value, borrowing from the text it was read from where it can.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as the nearest double; infinite where it is beyond their range.
    Number(f64),
    /// A string, its escapes resolved.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A JSON object: members in the order of the text, each name once. Equality ignores the order.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Value<'a> {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, which may be infinite.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The same value, owning its strings.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(elements) => Value::Array(elements.into_iter().map(Value::into_owned).collect()),
            Self::Object(object) => Value::Object(
                object.members.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            ),
        }
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// Whether a number anywhere inside is beyond the range of a double.
    pub(crate) fn has_overflow(&self) -> bool {
        match self {
            Self::Number(number) => !number.is_finite(),
            Self::Array(elements) => elements.iter().any(Value::has_overflow),
            Self::Object(object) => object.iter().any(|(_, value)| value.has_overflow()),
            Self::Null | Self::Bool(_) | Self::String(_) => false,
        }
    }
}

impl<'a> Object<'a> {
    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The members, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn has_duplicates(&self) -> bool {
        /// Up to here comparing every pair is quicker than putting them in order.
        const FEW: usize = 16;
        if self.members.len() <= FEW {
            let mut rest = self.members.as_slice();
            while let Some(((name, _), tail)) = rest.split_first() {
                if tail.iter().any(|(other, _)| other == name) {
                    return true;
                }
                rest = tail;
            }
            return false;
        }
        has_twice(&mut self.members.iter().map(|(name, _)| name.as_ref()))
    }
}

/// Whether a name is there twice.
pub(crate) fn has_twice(names: &mut dyn Iterator<Item = &str>) -> bool {
    let mut names: BinaryHeap<&str> = names.collect();
    let mut last = None;
    while let Some(name) = names.pop() {
        if last == Some(name) {
            return true;
        }
        last = Some(name);
    }
    false
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

/// Appends text as JSON writes it, with every control character and invisible direction mark escaped, so that it cannot lie
/// about where it ends.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\0'..' '
            | '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                out.push_str("\\u");
                let code = u64::from(u32::from(character));
                for shift in &[12, 8, 4, 0] {
                    out.push(char::from(digit(code >> shift & 15)));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Names must be distinct.
impl FromIterator<(String, Value<'static>)> for Object<'static> {
    fn from_iter<T: IntoIterator<Item = (String, Value<'static>)>>(members: T) -> Self {
        Self { members: members.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect() }
    }
}

impl From<&str> for Value<'static> {
    fn from(text: &str) -> Self {
        Self::String(Cow::Owned(text.to_string()))
    }
}

/// A number as messages show it.
pub(crate) fn shown_number(number: f64) -> String {
    let mut out = String::new();
    number::write(&mut out, number);
    out
}

impl Value<'_> {
    /// What [`Display`](fmt::Display) writes.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, number::write);
        out
    }

    /// Appends compact JSON, whose numbers another function writes.
    pub(crate) fn write(&self, out: &mut String, number: fn(&mut String, f64)) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(value) => number(out, *value),
            Self::String(text) => quote(out, text),
            Self::Array(elements) => {
                let mut before = '[';
                for element in elements {
                    out.push(before);
                    before = ',';
                    element.write(out, number);
                }
                out.push_str(if before == '[' { "[]" } else { "]" });
            }
            Self::Object(object) => {
                let mut before = '{';
                for (name, value) in object.iter() {
                    out.push(before);
                    before = ',';
                    quote(out, name);
                    out.push(':');
                    value.write(out, number);
                }
                out.push_str(if before == '{' { "{}" } else { "}" });
            }
        }
    }
}

/// Compact JSON for messages to people: of numbers it shows three decimals.
impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown())
    }
}
