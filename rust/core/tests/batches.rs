//! The planner and its keys, from Rust.

use std::collections::HashSet;

use judgefast_core::batches::{
    keys, plan_requests, Bytes, Items, Mode, Orders, Pairs, Plan, Settings,
};
use judgefast_core::Error;
use proptest::prelude::*;

/// Plan items with the given numbers of answers, all without any text.
fn planned(sizes: &[i64], mode: Mode, orders: Orders, repeats: u16) -> Result<Plan, Error> {
    let item_ids: Vec<_> = (0..sizes.len()).map(|item| format!("q{item}")).collect();
    let mut answer_offsets = vec![0];
    for size in sizes {
        answer_offsets.push(answer_offsets[answer_offsets.len() - 1] + size);
    }
    let (no_text, no_answers) = (vec![0; sizes.len() + 1], vec![0; 1 + sum(sizes)]);
    let items = Items {
        item_ids: &item_ids,
        question_sha256: Bytes::new("question_sha256", &[], &no_text)?,
        reference_sha256: Bytes::new("reference_sha256", &[], &no_text)?,
        answer_sha256: Bytes::new("answer_sha256", &[], &no_answers)?,
        answer_offsets: &answer_offsets,
        baseline: &[],
        base: 0,
    };
    let aspects = &[keys::Aspect { name: "overall", prompt_hash: "00" }];
    let pairs = Pairs::All;
    let judge = "judge";
    plan_requests(&items, &Settings { mode, orders, pairs, repeats, seed: 1, judge, aspects })
}

fn sum(sizes: &[i64]) -> usize {
    usize::try_from(sizes.iter().sum::<i64>()).expect("sizes are small")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_pair_is_asked_in_both_orders_under_a_key_of_its_own(
        sizes in prop::collection::vec(2_i64..6, 0..5),
        repeats in 1_u16..4,
    ) {
        let plan = planned(&sizes, Mode::Pairwise, Orders::Both, repeats).expect("sound items");
        let pairs: i64 = sizes.iter().map(|size| size * (size - 1)).sum();
        let rows = usize::try_from(pairs).expect("few") * usize::from(repeats);
        prop_assert_eq!(plan.item.len(), rows);
        let unique: HashSet<_> = plan.key.chunks(16).collect();
        prop_assert_eq!(unique.len(), rows);
        for row in (0..rows).step_by(2) {
            prop_assert_eq!((plan.swapped[row], plan.swapped[row + 1]), (0, 1));
            prop_assert_eq!(plan.first[row], plan.second[row + 1]);
            prop_assert_eq!(plan.second[row], plan.first[row + 1]);
            prop_assert_eq!(plan.repeat[row], plan.repeat[row + 1]);
        }
    }

    #[test]
    fn one_order_asks_half_of_both(sizes in prop::collection::vec(2_i64..6, 0..5)) {
        for mode in [Mode::Pairwise, Mode::Choice] {
            let both = planned(&sizes, mode, Orders::Both, 1).expect("sound items");
            let one = planned(&sizes, mode, Orders::One, 1).expect("sound items");
            prop_assert_eq!(2 * one.item.len(), both.item.len());
            let asked: HashSet<_> = both.key.chunks(16).collect();
            prop_assert!(one.key.chunks(16).all(|key| asked.contains(key)));
        }
    }
}

/// How many comparisons each answer is in.
fn degrees(num_answers: u16, pairs: &[(u16, u16)]) -> Vec<u16> {
    let mut degrees = vec![0; usize::from(num_answers)];
    for &(low, high) in pairs {
        degrees[usize::from(low)] += 1;
        degrees[usize::from(high)] += 1;
    }
    degrees
}

/// How many answers hang together with the first one.
fn reached(pairs: &[(u16, u16)]) -> usize {
    let mut reached = HashSet::from([0]);
    loop {
        let before = reached.len();
        for &(low, high) in pairs {
            if reached.contains(&low) || reached.contains(&high) {
                reached.extend([low, high]);
            }
        }
        if reached.len() == before {
            return before;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sparse_pairs_are_balanced_connected_and_grow(
        num_answers in 2_u16..40,
        rounds in 1_u16..42,
        seed: u64,
        item in "[a-z]{0,3}",
    ) {
        let of = |pairs: Pairs| pairs.of_item(num_answers, (seed, &item), None);
        let (all, sparse) = (of(Pairs::All), of(Pairs::Sparse(rounds)));
        prop_assert!(sparse.windows(2).all(|two| two[0] < two[1]), "ascending, none twice");
        prop_assert!(sparse.iter().all(|pair| all.contains(pair)));
        let degrees = degrees(num_answers, &sparse);
        let (least, most) = degrees.iter().fold((u16::MAX, 0), |(least, most), &degree| (degree.min(least), degree.max(most)));
        prop_assert!(most - least <= 1, "{degrees:?}");
        prop_assert_eq!(most, rounds.min(num_answers - 1));
        if rounds >= 2 {
            prop_assert_eq!(reached(&sparse), usize::from(num_answers));
        }
        let larger = of(Pairs::Sparse(rounds + 1));
        prop_assert!(sparse.iter().all(|pair| larger.contains(pair)));
    }
}

#[test]
fn no_baseline_of_an_item_is_no_pair_and_no_other_design_has_a_name() {
    let pairs = |baseline| Pairs::Baseline.of_item(4, (0, "q"), baseline);
    assert_eq!(pairs(Some(2)), [(0, 2), (1, 2), (2, 3)]);
    assert_eq!(pairs(None), []);
    for name in ["sparse:0", "sparse:-1", "sparse:", "sparse", "sparse:65536", "All", ""] {
        let refused = Pairs::named(name).expect_err("no such design").to_string();
        assert!(refused.ends_with("known: all, baseline, sparse:K with K from 1 to 65535"));
    }
    assert_eq!(Pairs::named("sparse:3"), Ok(Pairs::Sparse(3)));
}

#[test]
fn offsets_that_fall_are_refused() {
    let refused = Bytes::new("answer_sha256", b"abc", &[0, 2, 1, 3]).expect_err("they fall");
    let message = refused.to_string();
    assert!(message.starts_with("row 2 of `answer_sha256` holds 1; allowed: offsets"), "{message}");
    for offsets in [&[][..], &[1, 3], &[0, 2]] {
        assert!(Bytes::new("answer_sha256", b"abc", offsets).is_err());
    }
}

#[test]
fn an_item_with_65535_answers_is_refused() {
    let refused = planned(&[1, 65_535], Mode::Scalar, Orders::Both, 1).expect_err("too many");
    let expected = "row 1 of `answers` holds 65535 answers; allowed: 1 to 65534 answers";
    assert_eq!(refused.to_string(), expected);
}
