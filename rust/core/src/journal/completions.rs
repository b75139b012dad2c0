//! The lines of a segment as columns of the `completions` table.

use std::mem::take;

use super::frame_lines;
use super::line::{self, Answers, Line, Text, ERROR_KINDS, FINISH_REASONS};

/// Completions by column, one row a line.
#[derive(Clone, Debug, Default)]
pub struct Completions {
    /// 16 bytes a row.
    pub request_id: Vec<u8>,
    /// From 1, over all launches.
    pub attempt: Vec<i32>,
    /// The replica of the judge.
    pub lane: Vec<i32>,
    /// What the judge said.
    pub text: Texts,
    /// What ended it.
    pub finish_reason: Names,
    /// Probabilities of labels.
    pub answers: AnswerLists,
    /// Of the prompt, cached, of the completion, of reasoning; -1 where it is not known.
    pub tokens: [Vec<i32>; 4],
    /// Unix time.
    pub started: Vec<f64>,
    /// From then on.
    pub wall_seconds: Vec<f64>,
    /// What kind of error it was.
    pub error_kind: Names,
    /// What went wrong.
    pub error: Texts,
    /// Lone surrogates that were replaced.
    pub replaced_surrogates: Vec<i32>,
    /// What the judge thought before it said that.
    pub reasoning: Texts,
}

/// A column of texts as Arrow holds it.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Where each begins; one more than there are rows.
    pub offsets: Vec<i32>,
    /// UTF-8 of all.
    pub bytes: Vec<u8>,
    /// A bit for each row: whether there is a text.
    pub present: Vec<u8>,
    /// Rows without a text.
    pub absent: usize,
}

/// A column of few names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Place of each row's name among `names`; -1 where it has none.
    pub codes: Vec<i32>,
    /// Names in the order in which they first come.
    pub names: Vec<&'static str>,
}

/// A column of lists of answers as Arrow holds it.
#[derive(Clone, Debug)]
pub struct AnswerLists {
    /// Where the answers of each row begin; one more than there are rows.
    pub offsets: Vec<i32>,
    /// The question of each answer.
    pub questions: Vec<u16>,
    /// Where the logarithms of each answer begin; one more than there are answers.
    pub logprob_offsets: Vec<i32>,
    /// Natural logarithms of probabilities.
    pub logprobs: Vec<f32>,
}

/// Read the lines between `spans` of `bytes`; none where one is not as the writer writes it.
#[must_use]
pub fn read_completions(bytes: &[u8], spans: &[[usize; 2]]) -> Option<Completions> {
    let mut columns = Completions::default();
    for [start, end] in spans {
        let read = line::read(bytes.get(*start..*end)?, &mut columns.answers)?;
        columns.push(&read)?;
    }
    Some(columns)
}

/// As [`frame_lines`], where each line is one that [`read_completions`] reads; else none.
#[must_use]
pub fn frame_completions(lines: &[u8]) -> Option<Vec<u8>> {
    let mut rest = lines;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        line::read(&rest[..end], &mut ())?;
        rest = &rest[end + 1..];
    }
    rest.is_empty().then(|| frame_lines(lines))
}

impl Completions {
    fn push(&mut self, line: &Line<'_>) -> Option<()> {
        self.request_id.extend_from_slice(&line.request_id);
        self.attempt.push(line.attempt);
        self.lane.push(line.lane);
        self.text.push(Some(line.text))?;
        self.finish_reason.push(Some(FINISH_REASONS[line.finish_reason]));
        self.answers.offsets.push(i32::try_from(self.answers.questions.len()).ok()?);
        i32::try_from(self.answers.logprobs.len()).ok()?;
        for (column, count) in self.tokens.iter_mut().zip(line.tokens) {
            column.push(count.unwrap_or(-1));
        }
        self.started.push(line.started);
        self.wall_seconds.push(line.wall_seconds);
        self.error_kind.push(line.error_kind.map(|kind| ERROR_KINDS[kind]));
        self.error.push(line.error)?;
        self.replaced_surrogates.push(line.replaced_surrogates);
        self.reasoning.push(Some(line.reasoning))?;
        Some(())
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new(), present: Vec::new(), absent: 0 }
    }
}

impl Texts {
    fn push(&mut self, text: Option<Text<'_>>) -> Option<()> {
        let row = self.offsets.len() - 1;
        if row.is_multiple_of(8) {
            self.present.push(0);
        }
        if let Some(text) = text {
            text.append_to(&mut self.bytes);
            self.present[row / 8] |= 1 << (row % 8);
        } else {
            self.absent += 1;
        }
        self.offsets.push(i32::try_from(self.bytes.len()).ok()?);
        Some(())
    }

    /// The bits of `present`, which are left out where there is a text in every row.
    #[must_use]
    pub fn bitmap(&mut self) -> Option<Vec<u8>> {
        (self.absent > 0).then(|| take(&mut self.present))
    }
}

impl Names {
    fn push(&mut self, name: Option<&'static str>) {
        let code = name.map(|name| {
            self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
                self.names.push(name);
                self.names.len() - 1
            })
        });
        self.codes.push(code.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1));
    }
}

impl Default for AnswerLists {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            questions: Vec::new(),
            logprob_offsets: vec![0],
            logprobs: Vec::new(),
        }
    }
}

impl Answers for AnswerLists {
    fn question(&mut self, question: u16) {
        self.questions.push(question);
    }

    #[allow(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
    fn logprob(&mut self, logprob: Option<f64>) {
        self.logprobs.push(logprob.map_or(f32::NEG_INFINITY, |value| value as f32));
    }

    fn end(&mut self) {
        self.logprob_offsets.push(i32::try_from(self.logprobs.len()).unwrap_or(i32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line as the writer writes it.
    fn line(text: &str, rest: &str) -> String {
        format!(
            "{{\"request_id\":\"AQIDBAUGBwgJCgsMDQ4PEA==\",\"attempt\":1,\"lane\":0,\"text\":{text},\
             \"finish_reason\":\"stop\",\"answers\":[{{\"question\":0,\"logprobs\":[-0.5,null]}}],\
             \"prompt_tokens\":7,\"cached_tokens\":null,\"completion_tokens\":0,\
             \"reasoning_tokens\":null,\"started\":1.5,\"wall_seconds\":2e-3,\"error_kind\":null,\
             \"error\":null,\"replaced_surrogates\":0,\"reasoning\":\"so \\\"\"}}{rest}"
        )
    }

    fn read(line: &str) -> Option<Completions> {
        read_completions(line.as_bytes(), &[[0, line.len()]])
    }

    #[test]
    fn every_field_of_a_line_has_its_column() {
        let columns = read(&line("\"a\\n\u{e9}\"", "")).expect("it is as the writer writes it");
        assert_eq!(columns.request_id, (1..=16).collect::<Vec<u8>>());
        assert_eq!((columns.attempt, columns.lane), (vec![1], vec![0]));
        assert_eq!(columns.text.bytes, "a\n\u{e9}".as_bytes());
        assert_eq!(columns.text.offsets, [0, 4]);
        assert_eq!(columns.finish_reason.names, ["stop"]);
        assert_eq!(columns.answers.offsets, [0, 1]);
        assert_eq!(columns.answers.logprob_offsets, [0, 2]);
        assert_eq!(columns.answers.logprobs, [-0.5, f32::NEG_INFINITY]);
        assert_eq!(columns.tokens, [vec![7], vec![-1], vec![0], vec![-1]]);
        assert_eq!(columns.started, [1.5]);
        assert_eq!(columns.wall_seconds, [0.002]);
        assert_eq!((columns.error_kind.codes, columns.error.absent), (vec![-1], 1));
        assert_eq!(columns.reasoning.bytes, b"so \"");
    }

    #[test]
    fn a_line_of_before_there_was_reasoning_has_none() {
        let before = line("\"x\"", "").replace(",\"reasoning\":\"so \\\"\"", "");
        let columns = read(&before).expect("it is as the writer wrote it");
        assert_eq!(columns.text.bytes, b"x");
        assert_eq!((columns.reasoning.offsets, columns.reasoning.absent), (vec![0, 0], 0));
    }

    #[test]
    fn a_line_that_says_anything_else_is_left_to_others() {
        let good = line("\"x\"", "");
        assert!(read(&good).is_some());
        for (old, new) in [
            ("\"attempt\":1", "\"attempt\":-1"),
            ("\"attempt\":1", "\"attempt\":2147483648"),
            ("\"attempt\":1", "\"attempt\":01"),
            ("\"lane\":0", "\"lane\": 0"),
            ("\"stop\"", "\"ended\""),
            ("\"error_kind\":null", "\"error_kind\":\"tired\""),
            ("AQID", "AQI*"),
            ("DQ4PEA==", "DQ4PEB=="),
            ("DQ4PEA==", "DQ4PEA"),
            ("1.5", "null"),
            ("1.5", "1."),
            ("1.5", "-0"),
            ("2e-3", "2e"),
            ("2e-3", "2e999"),
            ("\"question\":0", "\"question\":65536"),
            ("-0.5,", "-0.5,,"),
            ("\"x\"", "\"\\ud800\""),
            ("\"x\"", "\"\\x\""),
            ("\"x\"", "\"\t\""),
            ("\"x\"", "null"),
            ("\"error\":null,", ""),
            (",\"reasoning\":", ",\"more\":"),
            ("\"so \\\"\"}", "\"so \\\"\",\"more\":1}"),
            ("\"so \\\"\"}", "null}"),
        ] {
            assert!(good.contains(old), "{old}");
            assert!(read(&good.replace(old, new)).is_none(), "{new}");
            assert!(frame_completions((good.replace(old, new) + "\n").as_bytes()).is_none());
        }
        assert!(read(&line("\"x\"", " ")).is_none());
    }

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was(text in "\\PC{0,20}[\u{0}-\u{1f}\"\\\\/\u{7f}]{0,4}\\PC{0,9}") {
            let json = serde_json::to_string(&text).expect("any text is JSON");
            let columns = read(&line(&json, "")).expect("it is as the writer writes it");
            prop_assert_eq!(columns.text.bytes, text.as_bytes());
        }

        #[test]
        fn what_is_framed_is_read(texts in prop::collection::vec("[a-z\"\n]{0,9}", 0..5)) {
            let lines: String = texts
                .iter()
                .map(|text| line(&serde_json::to_string(text).expect("any text is JSON"), "\n"))
                .collect();
            let framed = frame_completions(lines.as_bytes()).expect("all can be read");
            prop_assert_eq!(&framed, &frame_lines(lines.as_bytes()));
            let spans = super::super::check_lines(&framed).spans;
            let columns = read_completions(&framed, &spans).expect("all can be read");
            prop_assert_eq!(columns.text.bytes, texts.concat().into_bytes());
        }

        #[test]
        fn a_cut_or_flipped_line_never_panics(
            cut in any::<prop::sample::Index>(), byte in any::<u8>()
        ) {
            let mut bytes = line("\"a \\u0007 b\"", "").into_bytes();
            let at = cut.index(bytes.len());
            prop_assert!(read_completions(&bytes[..at], &[[0, at]]).is_none());
            bytes[at] = byte;
            let _any = read_completions(&bytes, &[[0, bytes.len()]]);
        }
    }
}
