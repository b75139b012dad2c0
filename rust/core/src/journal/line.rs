//! A completion in a line of the journal, as the writer writes it: every field, in one order.
//!
//! This reads such lines and no others. A line that it does not read may be a completion all the
//! same, of another version; whoever asks has a reader of any JSON, which also says what is wrong.

use memchr::memchr2;

const ID_LETTERS: usize = 22;

/// What ended a completion, by code.
pub(super) const FINISH_REASONS: [&str; 5] = ["stop", "length", "refused", "error", "cancelled"];
/// What went wrong, by code.
pub(super) const ERROR_KINDS: [&str; 5] =
    ["engine_error", "too_long", "timeout", "unsupported", "invalid"];

/// One line, its texts where they lie.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) request_id: [u8; 16],
    pub(super) attempt: i32,
    pub(super) lane: i32,
    pub(super) text: Text<'a>,
    pub(super) finish_reason: usize,
    pub(super) tokens: [Option<i32>; 4],
    pub(super) started: f64,
    pub(super) wall_seconds: f64,
    pub(super) error_kind: Option<usize>,
    pub(super) error: Option<Text<'a>>,
    pub(super) replaced_surrogates: i32,
    pub(super) reasoning: Text<'a>,
}

/// What a line says of the labels of its questions.
pub(super) trait Answers {
    /// The next answer is to this question.
    fn question(&mut self, question: u16);
    /// The next probability of this answer, as a logarithm; none is that of 0.
    fn logprob(&mut self, logprob: Option<f64>);
    /// The answer has no more of them.
    fn end(&mut self);
}

/// Nobody asks what the answers are, only whether they can be read.
impl Answers for () {
    fn question(&mut self, _: u16) {}
    fn logprob(&mut self, _: Option<f64>) {}
    fn end(&mut self) {}
}

/// A text of a line: what stands between the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Add the UTF-8 of the text.
    pub(super) fn append_to(self, bytes: &mut Vec<u8>) {
        let mut rest = self.0;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            bytes.extend_from_slice(&rest[..at]);
            let (letter, length) = escaped(&rest[at..]).unwrap_or((b'\\', 1));
            bytes.push(letter);
            rest = &rest[at + length..];
        }
        bytes.extend_from_slice(rest);
    }
}

/// Read a line; `answers` gets its answers, some of them also where the line cannot be read.
pub(super) fn read<'a>(bytes: &'a [u8], answers: &mut impl Answers) -> Option<Line<'a>> {
    std::str::from_utf8(bytes).ok()?;
    // The least byte: this looks at many at a time, as a search for one that is too small does not.
    if bytes.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
        return None;
    }
    let mut scan = Scan(bytes);
    let request_id = scan.after(b"{\"request_id\":")?.id()?;
    let attempt = scan.after(b",\"attempt\":")?.count()?;
    let lane = scan.after(b",\"lane\":")?.count()?;
    let text = scan.after(b",\"text\":")?.text()?;
    let finish_reason = scan.after(b",\"finish_reason\":")?.one_of(&FINISH_REASONS)?;
    scan.after(b",\"answers\":")?.list(|scan| scan.answer(answers))?;
    let tokens = [
        scan.after(b",\"prompt_tokens\":")?.or_null(Scan::count)?,
        scan.after(b",\"cached_tokens\":")?.or_null(Scan::count)?,
        scan.after(b",\"completion_tokens\":")?.or_null(Scan::count)?,
        scan.after(b",\"reasoning_tokens\":")?.or_null(Scan::count)?,
    ];
    let started = scan.after(b",\"started\":")?.number()?;
    let wall_seconds = scan.after(b",\"wall_seconds\":")?.number()?;
    let error_kind = scan.after(b",\"error_kind\":")?.or_null(|scan| scan.one_of(&ERROR_KINDS))?;
    let error = scan.after(b",\"error\":")?.or_null(Scan::text)?;
    let replaced_surrogates = scan.after(b",\"replaced_surrogates\":")?.count()?;
    // Lines of before judges were asked to think do not have it.
    let has_reasoning = scan.is_next(b",\"reasoning\":");
    let reasoning = if has_reasoning { scan.text()? } else { Text(b"") };
    let is_whole = scan.0 == b"}";
    is_whole.then_some(Line {
        request_id,
        attempt,
        lane,
        text,
        finish_reason,
        tokens,
        started,
        wall_seconds,
        error_kind,
        error,
        replaced_surrogates,
        reasoning,
    })
}

/// What of a line is still to be read.
struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    fn after(&mut self, expected: &[u8]) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(self)
    }

    fn is_next(&mut self, expected: &[u8]) -> bool {
        self.after(expected).is_some()
    }

    #[allow(clippy::option_option, reason = "none: cannot be read; some none: null")]
    fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.is_next(b"null") {
            return Some(None);
        }
        read(self).map(Some)
    }

    fn list(&mut self, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.after(b"[")?;
        if self.is_next(b"]") {
            return Some(());
        }
        loop {
            read(self)?;
            if !self.is_next(b",") {
                return self.after(b"]").map(|_| ());
            }
        }
    }

    fn answer(&mut self, answers: &mut impl Answers) -> Option<()> {
        let question = self.after(b"{\"question\":")?.count()?;
        answers.question(u16::try_from(question).ok()?);
        self.after(b",\"logprobs\":")?.list(|scan| {
            answers.logprob(scan.or_null(Scan::number)?);
            Some(())
        })?;
        answers.end();
        self.after(b"}").map(|_| ())
    }

    fn text(&mut self) -> Option<Text<'a>> {
        self.after(b"\"")?;
        let mut end = 0;
        loop {
            end += memchr2(b'"', b'\\', &self.0[end..])?;
            if self.0[end] == b'"' {
                let text = Text(&self.0[..end]);
                self.0 = &self.0[end + 1..];
                return Some(text);
            }
            end += escaped(&self.0[end..])?.1;
        }
    }

    fn one_of(&mut self, names: &[&str]) -> Option<usize> {
        let Text(name) = self.text()?;
        names.iter().position(|known| known.as_bytes() == name)
    }

    /// A count that an `i32` holds.
    fn count(&mut self) -> Option<i32> {
        let digits = self.digits();
        let has_zero_before = digits.len() > 1 && digits[0] == b'0';
        if digits.is_empty() || has_zero_before || digits.len() > 10 {
            return None;
        }
        let value = digits.iter().fold(0_i64, |sum, digit| 10 * sum + i64::from(digit - b'0'));
        i32::try_from(value).ok()
    }

    fn digits(&mut self) -> &'a [u8] {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits
    }

    /// A finite number by the grammar of JSON. Whole ones of many digits are left to others, and
    /// `-0`, which is a whole number without a sign to some.
    fn number(&mut self) -> Option<f64> {
        const LONGEST_WHOLE: usize = 15;
        let start = self.0;
        let is_below = self.is_next(b"-");
        let whole = self.digits();
        let has_zero_before = whole.len() > 1 && whole[0] == b'0';
        if whole.is_empty() || has_zero_before {
            return None;
        }
        let has_point = self.is_next(b".");
        if has_point && self.digits().is_empty() {
            return None;
        }
        let has_exponent = self.is_next(b"e") || self.is_next(b"E");
        if has_exponent {
            let _has_sign = self.is_next(b"-") || self.is_next(b"+");
            if self.digits().is_empty() {
                return None;
            }
        }
        let is_odd = whole.len() > LONGEST_WHOLE || (is_below && whole == b"0");
        if !has_point && !has_exponent && is_odd {
            return None;
        }
        let number = std::str::from_utf8(&start[..start.len() - self.0.len()]).ok()?;
        number.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// 16 bytes in base64.
    fn id(&mut self) -> Option<[u8; 16]> {
        let letters = self.after(b"\"")?.0.get(..ID_LETTERS)?;
        let mut bits = 0_u128;
        for letter in &letters[..ID_LETTERS - 1] {
            bits = bits << 6 | u128::from(six_bits(*letter)?);
        }
        let last = six_bits(letters[ID_LETTERS - 1])?; // 132 bits, of which four are over
        if last & 0xf != 0 {
            return None;
        }
        self.0 = &self.0[ID_LETTERS..];
        self.after(b"==\"")?;
        Some((bits << 2 | u128::from(last >> 4)).to_be_bytes())
    }
}

fn six_bits(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The letter of an escape, and its length; the writer escapes nothing beyond ASCII.
fn escaped(bytes: &[u8]) -> Option<(u8, usize)> {
    let letter = match *bytes.get(1)? {
        known @ (b'"' | b'\\' | b'/') => known,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let digits = bytes.get(2..6)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let code = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            return code.is_ascii().then_some((code, 6));
        }
        _ => return None,
    };
    Some((letter, 2))
}
