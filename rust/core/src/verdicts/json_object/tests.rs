//! The scanner beside `serde_json`.

use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;

fn values(text: &str) -> (End, Vec<Token>) {
    let mut seen = Vec::new();
    let end = scan(text, 0, Path { member: None, field: "score" }, &mut |token| seen.push(token));
    (end, seen)
}

/// Whether `serde_json` stopped where the text does: it calls `1.` at the end no number, but a cut
/// text may well have had one.
fn is_cut(error: &serde_json::Error, text: &str) -> bool {
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    let is_at_end =
        error.line() == 1 + text.matches('\n').count() && error.column() == last_line.len();
    error.is_eof() || (is_at_end && error.to_string().starts_with("invalid number"))
}

/// Mostly JSON, often broken.
fn json_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00e9", "\\n", " ", "\n", "\u{1}", "\"score\":",
            "\"a\":", "\"score\"", "1", "-0", "01", "1.5", "2e3", "1.", "true", "null", "nul",
            "\"x\"", "{\"score\":3}", "[1,2]", "é",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("{{{}", pieces.concat()))
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let key = prop_oneof![Just("score".to_owned()), any::<String>()];
    let tree = leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::vec((any::<String>(), tree), 0..4)
        .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect()))
}

proptest! {
    #[test]
    fn it_takes_what_serde_takes_and_nothing_else(text in json_like()) {
        let mut stream =
            serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>();
        let first = stream.next();
        match (values(&text).0, first) {
            (End::Complete(end), Some(Ok(_))) => prop_assert_eq!(end, stream.byte_offset()),
            (End::Unclosed, Some(Err(error))) => prop_assert!(is_cut(&error, &text), "{}", error),
            (End::Broken(_), Some(Err(error))) => prop_assert!(!error.is_eof(), "{}", error),
            (end, other) => prop_assert!(false, "{:?} but {:?}", end, other.map(|_| ())),
        }
    }

    #[test]
    fn it_finds_the_field_that_serde_finds(value in tree(), score in any::<String>()) {
        let mut value = value;
        value["score"] = score.clone().into();
        let text = value.to_string();
        let (end, seen) = values(&text);
        prop_assert_eq!(end, End::Complete(text.len()));
        let [Token::Text(span)] = &seen[..] else { return Err(TestCaseError::fail("no text")) };
        prop_assert_eq!(unescape(&text[span.clone()]), score);
    }

    #[test]
    fn a_prefix_of_an_object_is_unclosed(value in tree(), keep in 0.0..1.0) {
        let text = value.to_string();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "any place in the text will do")]
        let mut end = ((text.len() as f64 * keep) as usize).max(1);
        while !text.is_char_boundary(end) { end += 1; }
        prop_assume!(end < text.len());
        prop_assert_eq!(values(&text[..end]).0, End::Unclosed);
    }
}

#[test]
fn a_number_that_ends_with_the_text_is_unclosed() {
    for text in ["{\"score\":1.", "{\"score\":1.5e", "{\"score\":-", "{\"a\":1,\n\"score\":2."] {
        assert_eq!(values(text).0, End::Unclosed, "{text}");
        let error = serde_json::from_str::<IgnoredAny>(text).expect_err("it is cut");
        assert!(is_cut(&error, text), "{error}");
    }
}

#[test]
fn surrogate_pairs_are_one_character_and_lone_ones_are_replaced() {
    assert_eq!(unescape(r#""\ud83d\ude00 \ud83d x \ude00""#), "\u{1f600} \u{fffd} x \u{fffd}");
    assert_eq!(unescape(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
}

#[test]
fn nesting_past_the_limit_is_broken() {
    let deep = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
    assert_eq!(values(&deep(127)).0, End::Complete(deep(127).len()));
    assert!(matches!(values(&deep(128)).0, End::Broken(_)));
}
