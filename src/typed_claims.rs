//! Claims as the types of an app, by serde.
//!
//! The strict parser has judged the payload before: no member is there twice, nothing follows. What is left to refuse is what
//! does not fit the type. It is read from the text again, so that integers are exact and strings are borrowed.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::Token;
use crate::json::{JsonError, Parser, quote};

impl Token {
    /// The claims as a type that implements serde's `Deserialize`. A member that the type does not name is ignored, unless
    /// the type says otherwise (`deny_unknown_fields`). Strings may be borrowed where the text has no escapes.
    ///
    /// ```no_run
    /// # let token: tokenward::Token = unimplemented!();
    /// #[derive(serde::Deserialize)]
    /// struct Claims<'t> {
    ///     sub: &'t str,
    ///     #[serde(default)]
    ///     roles: Vec<String>,
    /// }
    ///
    /// let claims = token.claims::<Claims>()?;
    /// println!("{} has {} roles", claims.sub, claims.roles.len());
    /// # Ok::<(), tokenward::ClaimsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClaimsError`], which names the first member that does not fit the type. The token is genuine all the same.
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    pub fn claims<'t, T: Deserialize<'t>>(&'t self) -> Result<T, ClaimsError> {
        let mut parser = Parser::new(self.payload());
        parser.skip_white_space();
        T::deserialize(Reader { parser: &mut parser })
    }
}

/// The claims of a genuine token are not what the app's type says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimsError {
    /// A member is absent.
    Missing {
        /// Where it should be: `sub`, `realm_access.roles`, `groups[2].id`, `["https://app.example/roles"]`.
        member: String,
    },
    /// A member has another type than expected, a value that the type refuses, or a name that it does not know.
    Invalid {
        /// Where it is, in the same form; empty for the whole of the claims.
        member: String,
        /// What was found, and what was expected.
        problem: String,
    },
}

impl ClaimsError {
    /// `missing_claim` or `invalid_claim`, as [`Error::code`](crate::Error::code) has them.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_claim",
            Self::Invalid { .. } => "invalid_claim",
        }
    }

    /// The member that this is about: `sub`, `realm_access.roles`, `groups[2].id`, `["https://app.example/roles"]`. Empty for
    /// the whole of the claims.
    #[must_use]
    pub fn member(&self) -> &str {
        match self {
            Self::Missing { member } | Self::Invalid { member, .. } => member,
        }
    }

    fn invalid(member: &str, problem: impl fmt::Display) -> Self {
        Self::Invalid { member: by_name(member), problem: plain(&problem.to_string()) }
    }

    /// The same, seen from one level further up.
    fn within(mut self, outer: &str) -> Self {
        let (Self::Missing { member } | Self::Invalid { member, .. }) = &mut self;
        let dot = if member.is_empty() || member.starts_with('[') { "" } else { "." };
        *member = format!("{outer}{dot}{member}");
        self
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = plain(self.member());
        match self {
            Self::Missing { .. } => write!(out, "the claim {member} is missing"),
            Self::Invalid { problem, .. } if member.is_empty() => write!(out, "the claims do not fit: {problem}"),
            Self::Invalid { problem, .. } => write!(out, "the claim {member} does not fit: {problem}"),
        }
    }
}

impl core::error::Error for ClaimsError {}

impl serde::de::Error for ClaimsError {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::invalid("", problem)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing { member: by_name(field) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::invalid(field, format_args!("it is unknown; expected are {}", expected.join(", ")))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::invalid(field, "it is there twice, by another name")
    }
}

/// Not to be met: the text was read by the same parser before.
impl From<JsonError> for ClaimsError {
    fn from(JsonError { problem, offset }: JsonError) -> Self {
        Self::custom(format_args!("{problem} (byte {offset})"))
    }
}

/// A name as a part of a path.
fn by_name(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'#' | b'@'));
    if is_plain {
        return name.to_string();
    }
    let mut member = String::from("[");
    quote(&mut member, name);
    member + "]"
}

/// Text for people, of which a stranger may have written a part: shortened, on one line, without marks of direction.
fn plain(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(LONGEST).map(visible).collect();
    if characters.next().is_some() {
        short.push('\u{2026}');
    }
    short
}

fn visible(character: char) -> char {
    match character {
        '\0'..' '
        | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// At a value.
struct Reader<'p, 'de> {
    parser: &'p mut Parser<'de>,
}

impl<'de> Reader<'_, 'de> {
    /// Has the members of an object read, all of them.
    fn members<T>(self, read: impl FnOnce(&mut Members<'_, 'de>) -> Result<T, ClaimsError>) -> Result<T, ClaimsError> {
        self.parser.enter(0)?;
        let mut members = Members { elements: Elements::new(self.parser, b'}'), name: Cow::Borrowed("") };
        let value = read(&mut members)?;
        members.elements.end("member").map(|()| value)
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = ClaimsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        match self.parser.peek() {
            Some(b'{') => self.members(|members| visitor.visit_map(members)),
            Some(b'[') => {
                self.parser.enter(0)?;
                let mut elements = Elements::new(self.parser, b']');
                let value = visitor.visit_seq(&mut elements)?;
                elements.end("element").map(|()| value)
            }
            Some(b'"') => match self.parser.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'-' | b'0'..=b'9') => {
                let text = self.parser.number_text()?;
                if let Ok(number) = text.parse() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = text.parse() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(text.parse().map_err(Self::Error::custom)?)
                }
            }
            Some(b't') => {
                self.parser.literal("true", true).map_err(Into::into).and_then(|value| visitor.visit_bool(value))
            }
            Some(b'f') => {
                self.parser.literal("false", false).map_err(Into::into).and_then(|value| visitor.visit_bool(value))
            }
            _ => self.parser.literal("null", ()).map_err(Into::into).and_then(|()| visitor.visit_unit()),
        }
    }

    /// `null` is nothing.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        if self.parser.peek() == Some(b'n') {
            self.parser.literal("null", ())?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        visitor.visit_newtype_struct(self)
    }

    /// As serde tags them from outside: a name, or an object whose one member has the name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        match self.parser.peek() {
            Some(b'"') => visitor.visit_enum(Name(self.parser.string()?)),
            Some(b'{') => self.members(|members| visitor.visit_enum(MapAccessDeserializer::new(members))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        if !matches!(self.parser.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.deserialize_any(visitor);
        }
        match self.parser.number_text()?.parse() {
            Ok(number) => visitor.visit_i128(number),
            Err(_) => Err(Self::Error::custom("expected an integer of 128 bits")),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        if !matches!(self.parser.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.deserialize_any(visitor);
        }
        match self.parser.number_text()?.parse() {
            Ok(number) => visitor.visit_u128(number),
            Err(_) => Err(Self::Error::custom("expected an integer of 128 bits, 0 or more")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        self.parser.value(0)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier
    }
}

/// After an opening bracket.
struct Elements<'p, 'de> {
    parser: &'p mut Parser<'de>,
    close: u8,
    count: usize,
    is_over: bool,
}

impl<'p, 'de> Elements<'p, 'de> {
    fn new(parser: &'p mut Parser<'de>, close: u8) -> Self {
        Self { parser, close, count: 0, is_over: false }
    }

    /// Goes to the next one, if there is one.
    fn next(&mut self) -> Result<bool, ClaimsError> {
        if self.is_over {
            return Ok(false);
        }
        self.is_over = match self.count {
            0 => self.parser.take(self.close),
            _ => !self.parser.another(self.close)?,
        };
        self.count += 1;
        Ok(!self.is_over)
    }

    fn end(&mut self, what: &str) -> Result<(), ClaimsError> {
        let wanted = self.count;
        if self.next()? { Err(ClaimsError::custom(format_args!("expected no {what} after {wanted}"))) } else { Ok(()) }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = ClaimsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ClaimsError> {
        if !self.next()? {
            return Ok(None);
        }
        let index = self.count - 1;
        let element = seed.deserialize(Reader { parser: self.parser });
        element.map(Some).map_err(|error| error.within(&format!("[{index}]")))
    }
}

struct Members<'p, 'de> {
    elements: Elements<'p, 'de>,
    /// Of the value that is read next.
    name: Cow<'de, str>,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = ClaimsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ClaimsError> {
        if !self.elements.next()? {
            return Ok(None);
        }
        let parser = &mut *self.elements.parser;
        self.name = parser.string()?;
        parser.skip_white_space();
        parser.take(b':');
        parser.skip_white_space();
        seed.deserialize(Name(self.name.clone())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ClaimsError> {
        let value = seed.deserialize(Reader { parser: self.elements.parser });
        value.map_err(|error| error.within(&by_name(&self.name)))
    }
}

/// The name of a member or of a variant.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = ClaimsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        match self.0 {
            Cow::Borrowed(text) => BorrowedStrDeserializer::new(text).deserialize_any(visitor),
            Cow::Owned(text) => StringDeserializer::new(text).deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Name<'de> {
    type Error = ClaimsError;
    type Variant = WithoutContent;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, WithoutContent), ClaimsError> {
        seed.deserialize(self).map(|name| (name, WithoutContent))
    }
}

/// What a variant has that is a mere name.
struct WithoutContent;

impl<'de> serde::de::VariantAccess<'de> for WithoutContent {
    type Error = ClaimsError;

    fn unit_variant(self) -> Result<(), ClaimsError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, ClaimsError> {
        Err(ClaimsError::custom("it is a name; expected an object with that member"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, ClaimsError> {
        Err(ClaimsError::custom("it is a name; expected an object with that member"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        Err(ClaimsError::custom("it is a name; expected an object with that member"))
    }
}
