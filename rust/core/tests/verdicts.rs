//! Properties that hold for every format and every text.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use judgefast_core::verdicts::{Choice, FormatSpec, LabelSpec, Parser, PatternSpec, Status};
use proptest::prelude::*;

fn labels(texts: &[&str]) -> Vec<LabelSpec> {
    (0..)
        .zip(texts)
        .map(|(place, text)| LabelSpec {
            text: (*text).to_owned(),
            choice: Choice::Position(place),
            score: f64::NAN,
            strength: f64::NAN,
        })
        .collect()
}

fn spec(name: &str, texts: &[&str]) -> FormatSpec {
    FormatSpec {
        name: name.to_owned(),
        labels: labels(texts),
        low: texts.is_empty().then_some(1.0),
        high: texts.is_empty().then_some(10.0),
        field: Some("score".to_owned()),
        which: "listed".to_owned(),
        ..FormatSpec::default()
    }
}

static STRICT: LazyLock<Vec<Parser>> = LazyLock::new(|| made(false));
static LENIENT: LazyLock<Vec<Parser>> = LazyLock::new(|| made(true));

fn parsers(lenient: bool) -> &'static [Parser] {
    if lenient {
        &LENIENT
    } else {
        &STRICT
    }
}

fn made(lenient: bool) -> Vec<Parser> {
    let mut specs = vec![
        spec("json", &[]),
        spec("json", &["A", "B"]),
        FormatSpec { member: Some("tone".to_owned()), ..spec("json", &[]) },
        spec("label", &["A", "B"]),
        spec("bracket", &["A", "B", "C"]),
        spec("arena5", &["A>>B", "A>B", "A=B", "B>A", "B>>A"]),
        spec("rating", &[]),
        spec("result", &[]),
        spec("result", &["A", "B"]),
        spec("score-pair", &[]),
    ];
    for which in ["listed", "first", "last", "unanimous"] {
        let pattern = PatternSpec { regex: r"score\W+(\S+)".to_owned(), verdict: None };
        specs.push(FormatSpec {
            patterns: vec![pattern],
            which: which.to_owned(),
            ..spec("regex", &[])
        });
    }
    specs
        .into_iter()
        .map(|spec| Parser::new(FormatSpec { lenient, ..spec }).expect("a good format"))
        .collect()
}

/// Pieces that the readers look for, beside arbitrary characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "{", "}", "\"score\"", ":", " ", "\n", "4", "10", "-1", ".", "/", "\"", "'", ",", "[[", "]]",
            "[", "]", "A", "B", "A>B", "[RESULT]", "<think>", "</think>", "score", "Score: 4", "\\",
            "{\"score\": 4}", "{\"tone\":", "{\"tone\": {\"score\": 4}}", "[[A]]", "é", "\u{1f600}", "\u{301}", "\u{2003}", "<", "```",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Any bytes at all, as a reader gets them; verdicts nested, repeated and broken; long numbers.
fn hostile() -> impl Strategy<Value = String> {
    let bytes = prop::collection::vec(any::<u8>(), 0..200)
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let nested =
        (prop::sample::select(vec!["{\"score\":", "[", "{\"a\":[", "[[", "\\\""]), 0_usize..300)
            .prop_map(|(open, depth)| open.repeat(depth) + "4}]}");
    let long =
        (prop::sample::select(vec!["{\"score\": ", "[[", "[RESULT] ", "score: ", ""]), any::<u8>())
            .prop_map(|(before, kind)| {
                let digits = "7".repeat(10_000);
                format!("{before}{}{digits}", if kind % 2 == 0 { "" } else { "1." })
            });
    let part = prop_oneof![text(), bytes, nested, long];
    (prop::collection::vec(part, 1..4), any::<prop::sample::Index>(), any::<char>()).prop_map(
        |(parts, place, sign)| {
            let mut signs: Vec<char> = parts.concat().chars().collect();
            let at = place.index(signs.len() + 1);
            signs.insert(at, sign);
            signs.into_iter().collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic_and_its_span_lies_on_characters(text in text(), cut: bool) {
        for parser in parsers(false).iter().chain(parsers(true)) {
            let verdict = parser.parse_one(&text, cut);
            let (start, end) = (verdict.span.0 as usize, verdict.span.1 as usize);
            if verdict.status == Status::Parsed {
                prop_assert!(start < end);
                prop_assert!(text.get(start..end).is_some());
            } else {
                prop_assert_eq!((start, end, verdict.choice), (0, 0, 255));
                prop_assert!(verdict.score.is_nan() && verdict.strength.is_nan() && !verdict.repaired);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_twice_alike_without_a_panic(text in hostile(), cut: bool) {
        for parser in parsers(false).iter().chain(parsers(true)) {
            let verdict = parser.parse_one(&text, cut);
            let again = parser.parse_one(&text, cut);
            prop_assert_eq!(format!("{verdict:?}"), format!("{again:?}"));
            prop_assert!(text.get(verdict.span.0 as usize..verdict.span.1 as usize).is_some());
            prop_assert_eq!(verdict.status == Status::Parsed, verdict.span.0 < verdict.span.1);
        }
    }

    #[test]
    fn a_text_is_read_alike_whatever_stands_in_the_other_rows(
        texts in prop::collection::vec((text(), any::<bool>()), 0..6)
    ) {
        let (texts, cut): (Vec<_>, Vec<_>) = texts.into_iter().map(|(t, c)| (t, u8::from(c))).unzip();
        for parser in parsers(false) {
            let columns = parser.parse(&texts, &cut).expect("equal lengths");
            for (row, text) in texts.iter().enumerate() {
                let alone = parser.parse_one(text, cut[row] == 1);
                prop_assert_eq!(columns.status[row], alone.status as u8);
                prop_assert_eq!(columns.choice[row], alone.choice);
                prop_assert_eq!(columns.score[row].to_bits(), alone.score.to_bits());
                prop_assert_eq!(&columns.span[2 * row..2 * row + 2], &[alone.span.0, alone.span.1]);
            }
        }
    }

    #[test]
    fn a_score_that_was_read_is_on_the_scale(text in text(), cut: bool, lenient: bool) {
        for parser in parsers(lenient) {
            let verdict = parser.parse_one(&text, cut);
            prop_assert!(verdict.score.is_nan() || (1.0..=10.0).contains(&verdict.score));
        }
    }

    #[test]
    fn cutting_a_text_never_reads_part_of_its_number(score in 1_u32..=10, keep in 0_usize..40) {
        let whole = [
            format!("{{\"score\": {score}, \"reason\": \"r\"}}"),
            format!("So: [[{score}]]. Done."),
            format!("So [RESULT] {score}\n"),
            format!("{score} {score}\nSince"),
            format!("score: {score} points"),
        ];
        for text in &whole {
            let part = &text[..keep.min(text.len())];
            for parser in parsers(false) {
                let verdict = parser.parse_one(part, true);
                if verdict.status == Status::Parsed && verdict.score.is_finite() {
                    prop_assert_eq!(verdict.score.to_bits(), f64::from(score).to_bits(), "{}", part);
                }
            }
        }
    }
}

#[test]
fn long_hostile_texts_take_time_in_proportion_to_their_length() {
    const BYTES: usize = 1_000_000;
    let pieces = [
        "{",
        "{\"a\":",
        "[[",
        "[[A",
        "[[a]] ",
        "<think>",
        "\n<think>",
        "<",
        "\"score\": ",
        "[RESULT] ",
        "\\",
        "\"",
        "{\"score\":4}",
        "{\"",
        "score ",
        "\n",
        "1",
        "8 9\n",
        "{\"score\"",
        "'score':",
        "{score:",
        "{tone:",
        "'tone':{'score':",
        "[RESULT] 1 ",
        "[RESULT]A",
    ];
    for piece in pieces {
        let text = piece.repeat(BYTES / piece.len()) + &" ".repeat(BYTES);
        for (parser, cut) in
            parsers(false).iter().zip([true; 99]).chain(parsers(true).iter().zip([false; 99]))
        {
            let start = Instant::now();
            let verdict = parser.parse_one(&text, cut);
            let spent = start.elapsed();
            assert!(spent < Duration::from_secs(3), "{piece:?}: {spent:?}, {verdict:?}");
        }
    }
}

#[test]
fn a_pattern_that_looks_to_the_end_for_each_match_is_not_asked_for_ever() {
    // Each match of `[a-z]` is found only after `.*[^a-z]` was looked for up to the end.
    let pattern = PatternSpec { regex: "(.*[^a-z]|[a-z])".to_owned(), verdict: None };
    for which in ["last", "unanimous"] {
        let spec = FormatSpec {
            patterns: vec![pattern.clone()],
            which: which.to_owned(),
            ..spec("regex", &["a", "b"])
        };
        let parser = Parser::new(spec).expect("a good format");
        assert_eq!(parser.parse_one(&"a".repeat(2_000), false).status, Status::Parsed);
        let verdict = parser.parse_one(&"a".repeat(1_000_000), false);
        assert_eq!(verdict.status, Status::Malformed);
    }
    // What was not looked for to the end may lie behind everything that another pattern found.
    let found = PatternSpec { regex: "a(b)".to_owned(), verdict: None };
    let spec = FormatSpec {
        patterns: vec![pattern, found],
        which: "last".to_owned(),
        ..spec("regex", &["a", "b"])
    };
    let parser = Parser::new(spec).expect("a good format");
    let verdict = parser.parse_one(&("aab".to_owned() + &"a".repeat(1_000_000)), false);
    assert_eq!(verdict.status, Status::Malformed);
}

#[test]
fn a_bad_format_is_refused_in_words() {
    let words = |spec| Parser::new(spec).expect_err("a bad format").to_string();
    assert!(words(spec("jsn", &[])).starts_with("no verdict format named `jsn`; known: json,"));
    assert!(words(spec("label", &[])).contains("needs `verdict.labels`"));
    let scale = FormatSpec { high: Some(1.0), ..spec("rating", &[]) };
    assert!(words(scale).contains("needs `verdict.low` < `verdict.high`"));
    let pattern = |regex: &str, verdict: Option<&str>| FormatSpec {
        patterns: vec![PatternSpec {
            regex: regex.to_owned(),
            verdict: verdict.map(str::to_owned),
        }],
        ..spec("regex", &["A", "B"])
    };
    assert!(
        words(pattern("(?=a)", Some("A"))).contains("`verdict.patterns[0].regex` cannot be used")
    );
    assert!(words(pattern("a", Some("C"))).contains("is `C`, which is no label"));
    assert!(words(pattern("a", None)).contains("neither a `verdict` nor a group"));
    let which = FormatSpec { which: "any".to_owned(), ..pattern("a", Some("A")) };
    assert!(words(which).contains("no rule of `verdict.which` named `any`"));
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let parser = Parser::new(spec("rating", &[])).expect("a good format");
    let error = parser.parse(&["a", "b"], &[0]).expect_err("too short");
    assert_eq!(error.to_string(), "`texts` has 2 rows but `cut` has 1");
    let error = parser.parse(&["a", "b"], &[0, 2]).expect_err("no flag");
    assert_eq!(error.to_string(), "row 1 of `cut` holds code 2; codes run from 0 to 1");
}
