//! Reconciliation, from Rust: what holds for any columns.

use judgefast_core::batches::Mode;
use judgefast_core::outcomes::{
    reconcile, Judgments, Labels, OneFailed, Outcomes, Rule, Settings, Verdicts, CHOICE_TIE,
};
use judgefast_core::Error;
use proptest::prelude::*;

const ONE: i64 = 1 << 24;

/// One judgment: whether it was read, its choice, and the probabilities of first, second, tie.
type Row = (bool, u8, [f32; 3]);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let p = (1_u16..1000, 0_u16..1000, 0_u16..1000).prop_map(|(first, second, tie)| {
        let all = f32::from(first) + f32::from(second) + f32::from(tie);
        [f32::from(first) / all, f32::from(second) / all, f32::from(tie) / all]
    });
    let row = (prop::bool::weighted(0.8), prop::sample::select(vec![0, 1, CHOICE_TIE]), p);
    prop::collection::vec(row, 0..40).prop_map(|mut rows| {
        rows.truncate(rows.len() / 2 * 2);
        rows
    })
}

/// Reconcile pairs of rows, both orders each, `repeats` pairs a comparison.
fn reconciled(
    rows: &[Row],
    repeats: u32,
    mirrored: bool,
    rule: Rule,
    one_failed: OneFailed,
) -> Result<Outcomes, Error> {
    let (mut item, mut first, mut second, mut repeat) = (vec![], vec![], vec![], vec![]);
    for row in 0..u32::try_from(rows.len()).expect("few rows") {
        let answer = u16::from((row % 2 == 1) != mirrored);
        item.push(row / 2 / repeats);
        first.push(answer);
        second.push(1 - answer);
        repeat.push(u16::try_from(row / 2 % repeats).expect("few repeats"));
    }
    let shown: Vec<_> = first.iter().zip(&second).flat_map(|(&a, &b)| [a, b]).collect();
    let shown_offsets: Vec<_> = (0..).step_by(2).take(rows.len() + 1).collect();
    let p_labels: Vec<_> = rows.iter().flat_map(|row| row.2).collect();
    let none = vec![f64::NAN; rows.len()];
    reconcile(
        &Judgments {
            item: &item,
            first: &first,
            second: &second,
            repeat: &repeat,
            aspect: &vec![0; rows.len()],
            shown: &shown,
            shown_offsets: &shown_offsets,
        },
        &Verdicts {
            status: &rows.iter().map(|row| u8::from(!row.0)).collect::<Vec<_>>(),
            choice: &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            score: &none,
            strength: &none,
            p_labels: &p_labels,
            label_mass: &vec![1.0; rows.len()],
        },
        &Settings {
            mode: Mode::Pairwise,
            rule,
            one_failed,
            labels: Labels {
                choice: &[0, 1, CHOICE_TIE],
                score: &[f64::NAN; 3],
                strong: &[1, 0, 0],
                graded: true,
            },
            baseline: None,
        },
    )
}

fn rules() -> impl Strategy<Value = (Rule, OneFailed)> {
    let rule = prop::sample::select(Rule::NAMES.map(|(_, rule)| rule).to_vec());
    (rule, prop::sample::select(OneFailed::NAMES.map(|(_, way)| way).to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_mirror_image_is_exact_for_any_probabilities(
        rows in rows(),
        repeats in 1_u32..4,
        (rule, one_failed) in rules(),
    ) {
        let plain = reconciled(&rows, repeats, false, rule, one_failed).expect("sound rows");
        let mirror = reconciled(&rows, repeats, true, rule, one_failed).expect("sound rows");
        for (outcome, &value) in plain.value.iter().enumerate() {
            let expected = if plain.status[outcome] == 0 { ONE - value } else { 0 };
            prop_assert_eq!(mirror.value[outcome], expected);
        }
        prop_assert_eq!(&mirror.status, &plain.status);
        prop_assert_eq!(&mirror.weight, &plain.weight);
        prop_assert_eq!(&mirror.position, &plain.position);
    }

    #[test]
    fn a_value_is_a_share_and_a_weight_is_small(
        rows in rows(),
        repeats in 1_u32..4,
        (rule, one_failed) in rules(),
    ) {
        let outcomes = reconciled(&rows, repeats, false, rule, one_failed).expect("sound rows");
        prop_assert!(outcomes.value.iter().all(|value| (0..=ONE).contains(value)));
        prop_assert!(outcomes.weight.iter().all(|&weight| weight <= 6));
        let judged: u32 = outcomes.judgments.iter().sum();
        prop_assert_eq!(usize::try_from(judged).expect("few"), rows.len());
    }
}

#[test]
fn columns_of_different_length_are_refused_by_name() {
    let none: [u16; 0] = [];
    let judgments = Judgments {
        item: &[0],
        first: &[0],
        second: &none,
        repeat: &[0],
        aspect: &[0],
        shown: &[0, 1],
        shown_offsets: &[0, 2],
    };
    let verdicts = Verdicts {
        status: &[0],
        choice: &[0],
        score: &[f64::NAN],
        strength: &[f64::NAN],
        p_labels: &[],
        label_mass: &[1.0],
    };
    let settings = Settings {
        mode: Mode::Pairwise,
        rule: Rule::Strict,
        one_failed: OneFailed::Pair,
        labels: Labels { choice: &[], score: &[], strong: &[], graded: false },
        baseline: None,
    };
    let refused = reconcile(&judgments, &verdicts, &settings).expect_err("`second` is short");
    assert_eq!(refused.to_string(), "`item` has 1 rows but `second` has 0");
}
