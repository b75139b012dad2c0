//! Prompts in segments: their order, what they share, their names.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use judgefast_core::batches::{ideal, measure, order, Segments};
use judgefast_core::hashes::Framed;
use judgefast_core::Error;
use proptest::prelude::*;

/// Prompts as lists of segments, and the ids of each segment, as columns.
struct Columns {
    segments: Vec<u32>,
    segment_offsets: Vec<i64>,
    ids: Vec<i32>,
    id_offsets: Vec<i64>,
}

impl Columns {
    fn new(prompts: &[Vec<u32>], ids: &[Vec<i32>]) -> Self {
        Self {
            segments: prompts.concat(),
            segment_offsets: offsets(prompts),
            ids: ids.concat(),
            id_offsets: offsets(ids),
        }
    }

    fn checked(&self) -> Result<Segments<'_>, Error> {
        Segments::new(&self.segments, &self.segment_offsets, &self.ids, &self.id_offsets)
    }
}

fn offsets<T>(rows: &[Vec<T>]) -> Vec<i64> {
    let mut offsets = vec![0];
    for row in rows {
        offsets.push(offsets[offsets.len() - 1] + i64::try_from(row.len()).expect("few"));
    }
    offsets
}

/// Segments of up to seven tokens, and prompts of up to five of them.
fn prompts() -> impl Strategy<Value = (Vec<Vec<u32>>, Vec<Vec<i32>>)> {
    let prompts = prop::collection::vec(prop::collection::vec(0_u32..4, 0..5), 0..24);
    let ids = prop::collection::vec(prop::collection::vec(0_i32..9, 0..7), 4);
    (prompts, ids)
}

/// Row in which each prefix of the prompts is met first.
fn first_rows(prompts: &[Vec<u32>]) -> HashMap<&[u32], usize> {
    let mut first = HashMap::new();
    for (row, prompt) in prompts.iter().enumerate() {
        for end in 0..=prompt.len() {
            first.entry(&prompt[..end]).or_insert(row);
        }
    }
    first
}

/// Where one prompt stands by another, by the row in which the prefix is met at which they part.
fn by_prefix(first: &HashMap<&[u32], usize>, left: &[u32], right: &[u32]) -> Ordering {
    let shared = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    if left.len() == shared || right.len() == shared {
        return left.len().cmp(&right.len());
    }
    first[&left[..=shared]].cmp(&first[&right[..=shared]])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_order_of_sending_holds_each_row_once_and_sorts_by_where_prefixes_appear(
        (prompts, ids) in prompts(),
    ) {
        let columns = Columns::new(&prompts, &ids);
        let first = first_rows(&prompts);
        let mut expected: Vec<u32> = (0..).take(prompts.len()).collect();
        expected.sort_by(|&left, &right| {
            by_prefix(&first, &prompts[left as usize], &prompts[right as usize])
        });
        prop_assert_eq!(order(&columns.checked().expect("sound columns")), expected);
    }

    #[test]
    fn the_ideal_counts_each_distinct_prefix_once((prompts, ids) in prompts()) {
        let columns = Columns::new(&prompts, &ids);
        let whole: Vec<Vec<i32>> = prompts
            .iter()
            .map(|prompt| prompt.iter().flat_map(|&each| ids[each as usize].clone()).collect())
            .collect();
        let prefixes: HashSet<_> =
            whole.iter().flat_map(|prompt| (1..=prompt.len()).map(|end| &prompt[..end])).collect();
        let tokens = prefixes.len();
        prop_assert_eq!(ideal(&columns.checked().expect("sound columns")), Ok(tokens as u64));
    }

    #[test]
    fn a_prompt_is_measured_as_its_ids_joined((prompts, ids) in prompts()) {
        let columns = Columns::new(&prompts, &ids);
        let found = measure(&columns.checked().expect("sound columns")).expect("short prompts");
        for (row, prompt) in prompts.iter().enumerate() {
            let whole: Vec<i32> =
                prompt.iter().flat_map(|&segment| ids[segment as usize].clone()).collect();
            let bytes: Vec<u8> = whole.iter().flat_map(|id| id.to_le_bytes()).collect();
            let hash = Framed::new("judgefast ids 1").field(&bytes).key();
            prop_assert_eq!(&found.ids_hash[16 * row..16 * (row + 1)], &hash[..]);
            prop_assert_eq!(found.prompt_tokens[row], i32::try_from(whole.len()).expect("few"));
        }
    }

    #[test]
    fn any_columns_are_checked_and_none_panics(
        segments in prop::collection::vec(0_u32..6, 0..8),
        segment_offsets in prop::collection::vec(-2_i64..9, 0..6),
        ids in prop::collection::vec(-2_i32..9, 0..8),
        id_offsets in prop::collection::vec(-2_i64..9, 0..6),
    ) {
        if let Ok(set) = Segments::new(&segments, &segment_offsets, &ids, &id_offsets) {
            prop_assert_eq!(order(&set).len(), set.len());
            prop_assert!(ideal(&set).is_ok() && measure(&set).is_ok());
        }
    }
}

#[test]
fn a_segment_without_ids_is_named_by_its_place() {
    let mut columns = Columns::new(&[vec![0, 1], vec![2]], &[vec![5], vec![6]]);
    let refused = columns.checked().expect_err("there are two segments").to_string();
    let expected =
        "row 2 of `segments` holds 2; allowed: numbers of the segments that `id_offsets`";
    assert!(refused.starts_with(expected), "{refused}");
    columns.segments[2] = 1;
    assert!(columns.checked().is_ok());
    columns.segment_offsets[1] = 4;
    let refused = columns.checked().expect_err("offsets fall").to_string();
    assert!(refused.starts_with("row 2 of `segment_offsets` holds 3"), "{refused}");
}

#[test]
fn without_a_tokenizer_prompts_are_ordered_and_have_no_tokens() {
    let columns =
        Columns::new(&[vec![0, 1], vec![2], vec![0, 3]], &[vec![], vec![], vec![], vec![]]);
    let set = columns.checked().expect("sound columns");
    assert_eq!(order(&set), [0, 2, 1]);
    assert_eq!(ideal(&set), Ok(0));
    assert_eq!(measure(&set).expect("no tokens").prompt_tokens, [0, 0, 0]);
}
