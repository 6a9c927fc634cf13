//! Strict JSON (RFC 8259, narrowed as RFC 7515 section 4 and I-JSON, RFC 7493, ask): no byte order mark, no duplicate
//! member names however they are spelled, no lone surrogates, bounded depth.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Object, Value, number};

/// Arrays and objects may nest this deep. Real tokens stay below 10.
pub(crate) const MAX_DEPTH: u32 = 64;

/// What is wrong with a text, and where. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) problem: &'static str,
    /// In bytes from the start of the text.
    pub(crate) offset: usize,
}

/// Reads one JSON value and nothing after it but white space.
pub(crate) fn parse(text: &str) -> Result<Value<'_>, JsonError> {
    let mut parser = Parser::new(text);
    parser.skip_white_space();
    let value = parser.value(0)?;
    parser.skip_white_space();
    if parser.position < text.len() {
        return Err(parser.problem("something follows the value"));
    }
    Ok(value)
}

/// Reads from left to right. What it steps over before a value or a bracket is up to whoever calls.
pub(crate) struct Parser<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(crate) fn value(&mut self, depth: u32) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(_) => Err(self.problem("not a JSON value")),
            None => Err(self.problem("the text ends too soon")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value<'a>, JsonError> {
        let mut object = Object { members: Vec::new() };
        self.enter(depth)?;
        if self.take(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.problem("a member name in double quotes should stand here"));
            }
            let name = self.string()?;
            self.skip_white_space();
            if !self.take(b':') {
                return Err(self.problem("a colon should stand here"));
            }
            self.skip_white_space();
            let value = self.value(depth + 1)?;
            object.members.push((name, value));
            if !self.another(b'}')? {
                break;
            }
        }
        if object.has_duplicates() {
            return Err(self.problem("an object ends here that has the same member name twice"));
        }
        Ok(Value::Object(object))
    }

    fn array(&mut self, depth: u32) -> Result<Value<'a>, JsonError> {
        let mut elements = Vec::new();
        self.enter(depth)?;
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if !self.another(b']')? {
                return Ok(Value::Array(elements));
            }
        }
    }

    /// Steps over an opening bracket.
    pub(crate) fn enter(&mut self, depth: u32) -> Result<(), JsonError> {
        if depth >= MAX_DEPTH {
            return Err(self.problem("nested deeper than 64 levels"));
        }
        self.position += 1;
        self.skip_white_space();
        Ok(())
    }

    /// Steps over a comma (true) or the closing bracket (false).
    pub(crate) fn another(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_white_space();
        if self.take(close) {
            return Ok(false);
        }
        if !self.take(b',') {
            return Err(self.problem("a comma or a closing bracket should stand here"));
        }
        self.skip_white_space();
        Ok(true)
    }

    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.position += 1;
        let start = self.position;
        let mut unescaped: Option<String> = None;
        let mut run = start;
        loop {
            self.skip_plain_characters();
            match self.peek() {
                Some(b'"') => {
                    let tail = self.slice(run);
                    self.position += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let before = self.slice(run);
                    let text = unescaped.get_or_insert_default();
                    text.push_str(before);
                    self.position += 1;
                    let character = self.escape()?;
                    text.push(character);
                    run = self.position;
                }
                Some(_) => return Err(self.problem("an unescaped control character in a string")),
                None => return Err(self.problem("a string does not end")),
            }
        }
    }

    fn skip_plain_characters(&mut self) {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.position += special.unwrap_or(rest.len());
    }

    /// After the backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.problem("an unknown escape in a string")),
        };
        self.position += 1;
        Ok(simple)
    }

    /// At the `u`. A pair of surrogates is one character; a surrogate on its own is none (RFC 7493 section 2.1).
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        const LONE: &str = "a lone surrogate in a string";
        let first = self.code_unit()?;
        let code_point = match first {
            0xd800..0xdc00 => {
                if !self.take(b'\\') || self.peek() != Some(b'u') {
                    return Err(self.problem(LONE));
                }
                match self.code_unit()? {
                    second @ 0xdc00..0xe000 => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err(self.problem(LONE)),
                }
            }
            _ => first,
        };
        char::from_u32(code_point).ok_or_else(|| self.problem(LONE))
    }

    /// `u` and four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u32, JsonError> {
        self.position += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.problem("four hexadecimal digits should stand here"));
            };
            unit = unit * 16 + digit;
            self.position += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        self.number_text().map(|text| Value::Number(number::read(text)))
    }

    /// A number as it is spelled.
    pub(crate) fn number_text(&mut self) -> Result<&'a str, JsonError> {
        let start = self.position;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(self.slice(start))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.problem("a digit should stand here"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        Ok(())
    }

    pub(crate) fn literal<T>(&mut self, word: &str, value: T) -> Result<T, JsonError> {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.problem("not a JSON value"));
        }
        self.position += word.len();
        Ok(value)
    }

    pub(crate) fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        if here {
            self.position += 1;
        }
        here
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// From `start` to here. Both stand next to ASCII, so this never falls inside a character.
    fn slice(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    fn problem(&self, problem: &'static str) -> JsonError {
        JsonError { problem, offset: self.position }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, Value, parse};
    use alloc::string::{String, ToString};

    #[test]
    fn accepts_what_json_is() {
        for (text, shown) in [
            ("null", "null"),
            (" [ true , false ] ", "[true,false]"),
            (
                r#"{"a":{"b":[1,-0.5,2e3]},"c":"\u00e9\ud83d\ude00\n"}"#,
                "{\"a\":{\"b\":[1,-0.500,2000]},\"c\":\"é😀\\u000a\"}",
            ),
            ("{}", "{}"),
            ("[]", "[]"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_it_is_not() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "[1,]",
            "{,}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "nul",
            "truefalse",
            "\"\u{1}\"",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800\\n\"",
            "\u{feff}{}",
            "{} {}",
            "{\"a\":1,\"a\":2}",
            "'a'",
            "[1 2]",
            "/**/1",
            "{\"a\":1,\"\\u0061\":2}",
            "[{\"x\":{\"a\":1,\"a\":1}}]",
            "\u{a0}1",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn many_members_are_still_distinct() {
        let members = |last: &str| {
            let mut text = String::from("{");
            for index in 0..1000 {
                text.push_str(&alloc::format!("\"m{index}\":{index},"));
            }
            text.push_str(&alloc::format!("\"{last}\":0}}"));
            text
        };
        assert!(parse(&members("m1000")).is_ok());
        assert!(parse(&members("m7")).is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let limit = usize::try_from(MAX_DEPTH).unwrap();
        assert!(parse(&nested(limit)).is_ok());
        assert!(parse(&nested(limit + 1)).is_err());
        assert!(parse(&nested(1_000_000)).is_err());
    }

    #[test]
    fn numbers_beyond_doubles_are_noticed_not_refused() {
        assert!(parse("[[1e400]]").unwrap().has_overflow());
        assert!(parse("{\"a\":-1e400}").unwrap().has_overflow());
        assert!(!parse("[1e308]").unwrap().has_overflow());
    }

    #[test]
    fn objects_are_equal_in_any_order() {
        assert_eq!(parse("{\"a\":1,\"b\":[2]}").unwrap(), parse("{\"b\":[2],\"a\":1.0}").unwrap());
        assert_ne!(parse("{\"a\":1}").unwrap(), parse("{\"a\":1,\"b\":2}").unwrap());
        assert_ne!(parse("[1,2]").unwrap(), parse("[2,1]").unwrap());
        assert_eq!(parse("\"\\u0061\"").unwrap(), Value::from("a"));
    }
}
