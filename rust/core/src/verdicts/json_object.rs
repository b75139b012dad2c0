//! A strict scanner for one JSON object. It builds no tree: it checks the grammar of RFC 8259 and
//! hands over the values of one field of the outermost object, or of an object that is its member.

use std::borrow::Cow;
use std::ops::Range;

use super::number;

/// Objects and arrays that may be open at once.
const MAX_DEPTH: u32 = 127;

/// How the scan of an object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Well-formed; the place behind its closing brace.
    Complete(usize),
    /// Not JSON; the place where it went wrong.
    Broken(usize),
    /// Well-formed as far as the text goes.
    Unclosed,
}

/// A value of the field. Ranges are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A number, complete.
    Number(Range<usize>),
    /// A string with its quotes, complete.
    Text(Range<usize>),
    /// `null`.
    Null,
    /// `true`, `false`, an object or an array.
    Other,
}

/// Where in an object a value is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    /// Member of the outermost object that holds the field; none: the outermost object does.
    pub member: Option<&'a str>,
    /// Name of the value.
    pub field: &'a str,
}

/// Scan the object that opens at byte `start` of `text`, calling `sight` for each value at `path`,
/// and for each member of that name that is no object.
pub(super) fn scan(text: &str, start: usize, path: Path<'_>, sight: &mut impl FnMut(Token)) -> End {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: start + 1 };
    match scanner.object(path, sight) {
        Ok(()) => End::Complete(scanner.at),
        Err(Stop::Broken) => End::Broken(scanner.at),
        Err(Stop::AtEnd) => End::Unclosed,
    }
}

/// The text that a string stands for; `quoted` includes its quotes and is well-formed. A lone
/// surrogate becomes U+FFFD.
pub(super) fn unescape(quoted: &str) -> Cow<'_, str> {
    let inside = &quoted[1..quoted.len() - 1];
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut plain = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(slash) = rest.find('\\') {
        plain.push_str(&rest[..slash]);
        let (sign, used) = escape(&rest[slash..]);
        plain.push(sign);
        rest = &rest[slash + used..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character of the escape that `text` begins with, and the bytes it takes.
fn escape(text: &str) -> (char, usize) {
    let bytes = text.as_bytes();
    match bytes[1] {
        b'u' => {
            let high = hex(text);
            let low = if bytes[6..].starts_with(b"\\u") { hex(&text[6..]) } else { 0 };
            if (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low) {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
            }
            (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
        }
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        plain => (char::from(plain), 2),
    }
}

fn hex(escape: &str) -> u32 {
    u32::from_str_radix(&escape[2..6], 16).unwrap_or(0)
}

enum Stop {
    Broken,
    AtEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    KeyOrEnd,
    Key,
    ItemOrEnd,
    Value,
    CommaOrEnd,
}

/// Which brackets are open, one bit each: 1 for an object.
struct Open {
    bits: u128,
    depth: u32,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Result<(), Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::Broken);
        }
        self.bits = self.bits << 1 | u128::from(is_object);
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
    }

    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn object(&mut self, path: Path<'_>, sight: &mut impl FnMut(Token)) -> Result<(), Stop> {
        let mut open = Open { bits: 1, depth: 1 };
        let mut expect = Expect::KeyOrEnd;
        let mut wanted = false;
        let mut in_member = false;
        loop {
            let byte = self.next_sign()?;
            let closes = match expect {
                Expect::KeyOrEnd => byte == b'}',
                Expect::ItemOrEnd => byte == b']',
                Expect::CommaOrEnd => byte == if open.in_object() { b'}' } else { b']' },
                Expect::Key | Expect::Value => false,
            };
            if closes {
                self.at += 1;
                open.pop();
                if open.depth == 0 {
                    return Ok(());
                }
                expect = Expect::CommaOrEnd;
                continue;
            }
            expect = match expect {
                Expect::KeyOrEnd | Expect::Key => {
                    let key = self.string()?;
                    wanted = match (path.member, open.depth) {
                        (None, 1) => unescape(&self.text[key]) == path.field,
                        (Some(member), 1) => {
                            in_member = unescape(&self.text[key]) == member;
                            in_member
                        }
                        (Some(_), 2) if in_member => unescape(&self.text[key]) == path.field,
                        _ => false,
                    };
                    self.colon()?;
                    Expect::Value
                }
                Expect::ItemOrEnd | Expect::Value => {
                    let holds_field = path.member.is_some() && open.depth == 1;
                    let (token, next) = self.value(byte, &mut open)?;
                    if wanted && holds_field && token != Token::Null {
                        if byte != b'{' {
                            sight(Token::Other);
                        }
                    } else if wanted {
                        sight(token);
                    }
                    wanted = false;
                    next
                }
                Expect::CommaOrEnd if byte == b',' => {
                    self.at += 1;
                    if open.in_object() {
                        Expect::Key
                    } else {
                        Expect::Value
                    }
                }
                Expect::CommaOrEnd => return Err(Stop::Broken),
            };
        }
    }

    /// A scalar, or the opening of an object or array, and what may follow.
    fn value(&mut self, byte: u8, open: &mut Open) -> Result<(Token, Expect), Stop> {
        let token = match byte {
            b'"' => Token::Text(self.string()?),
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b'n' => self.literal(b"null", Token::Null)?,
            b't' => self.literal(b"true", Token::Other)?,
            b'f' => self.literal(b"false", Token::Other)?,
            b'{' | b'[' => {
                let is_object = byte == b'{';
                open.push(is_object)?;
                self.at += 1;
                let next = if is_object { Expect::KeyOrEnd } else { Expect::ItemOrEnd };
                return Ok((Token::Other, next));
            }
            _ => return Err(Stop::Broken),
        };
        Ok((token, Expect::CommaOrEnd))
    }

    fn next_sign(&mut self) -> Result<u8, Stop> {
        let space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.bytes[self.at..].iter().take_while(space).count();
        self.peek()
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::AtEnd)
    }

    fn colon(&mut self) -> Result<(), Stop> {
        if self.next_sign()? != b':' {
            return Err(Stop::Broken);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, word: &[u8], token: Token) -> Result<Token, Stop> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(token);
        }
        Err(if word.starts_with(rest) { Stop::AtEnd } else { Stop::Broken })
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<Range<usize>, Stop> {
        let start = self.at;
        if self.peek()? != b'"' {
            return Err(Stop::Broken);
        }
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let run = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            // the least byte, since that needs no branch
            if rest[..run].iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
                self.at += rest[..run].iter().take_while(|byte| **byte >= b' ').count();
                return Err(Stop::Broken);
            }
            self.at += run;
            if self.peek()? == b'"' {
                self.at += 1;
                return Ok(start..self.at);
            }
            self.skip_escape()?;
        }
    }

    fn skip_escape(&mut self) -> Result<(), Stop> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return Err(Stop::Broken);
                    }
                    self.at += 1;
                }
            }
            _ => return Err(Stop::Broken),
        }
        Ok(())
    }

    /// A number; one that ends where the text ends is not complete.
    fn number(&mut self) -> Result<Range<usize>, Stop> {
        let start = self.at;
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.some_digits()?;
        }
        if self.peek()? == b'.' {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.some_digits()?;
        }
        self.peek()?;
        Ok(start..self.at)
    }

    fn some_digits(&mut self) -> Result<(), Stop> {
        if !self.peek()?.is_ascii_digit() {
            return Err(Stop::Broken);
        }
        self.at += number::digits(&self.bytes[self.at..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
