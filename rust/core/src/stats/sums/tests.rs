use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::MAX_VALUE;
use super::{cluster_moments, ClusterSums, Moments, OutcomeRows, FIXED_ONE};
use crate::Error;

const SLICES: u32 = 3;

type Row = (u64, i64, u8, u32);

#[derive(Default)]
struct Columns {
    cluster: Vec<u64>,
    value: Vec<i64>,
    weight: Vec<u8>,
    slice: Vec<u32>,
}

impl Columns {
    fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut columns = Self::default();
        for &(cluster, value, weight, slice) in rows {
            columns.cluster.push(cluster);
            columns.value.push(value);
            columns.weight.push(weight);
            columns.slice.push(slice);
        }
        columns
    }

    fn rows(&self) -> OutcomeRows<'_> {
        OutcomeRows {
            cluster_id64: &self.cluster,
            value: &self.value,
            weight: &self.weight,
            slice: &self.slice,
        }
    }
}

fn sums(rows: &[Row]) -> ClusterSums {
    ClusterSums::collect(Columns::of(rows).rows(), SLICES).expect("rows in range")
}

/// The oracle: a map from cluster to its rows, one slice at a time.
fn slow_moments(rows: &[Row], slice: u32) -> Moments {
    let mut by_cluster: BTreeMap<u64, Vec<(i128, i128)>> = BTreeMap::new();
    for &(cluster, value, weight, _) in rows.iter().filter(|row| row.2 > 0 && row.3 == slice) {
        by_cluster.entry(cluster).or_default().push((value.into(), weight.into()));
    }
    let per: Vec<(i128, i128)> = by_cluster
        .values()
        .map(|rows| {
            (
                rows.iter().map(|(value, weight)| value * weight).sum(),
                rows.iter().map(|r| r.1).sum(),
            )
        })
        .collect();
    let values: Vec<i128> = by_cluster.values().flatten().map(|row| row.0).collect();
    Moments {
        clusters: per.len() as u64,
        outcomes: values.len() as u64,
        w: per.iter().map(|(_, w)| w).sum(),
        s: per.iter().map(|(s, _)| s).sum(),
        ss: per.iter().map(|(s, _)| s * s).sum(),
        sw: per.iter().map(|(s, w)| s * w).sum(),
        ww: per.iter().map(|(_, w)| w * w).sum(),
        is_binary: values.iter().all(|&value| value == 0 || value == i128::from(FIXED_ONE)),
    }
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let value = prop_oneof![Just(0), Just(FIXED_ONE), -MAX_VALUE..=MAX_VALUE];
    let cluster = prop_oneof![0u64..6, any::<u64>()];
    prop::collection::vec((cluster, value, 0u8..=6, 0..SLICES), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn moments_are_those_of_a_map_of_clusters(rows in any_rows()) {
        let moments = cluster_moments(Columns::of(&rows).rows(), SLICES).expect("in range");
        let slow: Vec<Moments> = (0..SLICES).map(|slice| slow_moments(&rows, slice)).collect();
        prop_assert_eq!(moments, slow);
    }

    #[test]
    fn neither_order_nor_shards_change_the_state(
        rows in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        shard_of in prop::collection::vec(0usize..7, 60),
    ) {
        let (rows, shuffled) = rows;
        let mut shards: Vec<Vec<Row>> = vec![Vec::new(); 7];
        for (row, shard) in shuffled.iter().zip(shard_of) {
            shards[shard].push(*row);
        }
        let merged = shards
            .iter()
            .map(|shard| sums(shard))
            .reduce(|left, right| right.merge(left).expect("no overflow"))
            .expect("seven shards");
        prop_assert_eq!(merged, sums(&rows));
    }

    #[test]
    fn duplicating_every_row_scales_the_moments_and_nothing_else(rows in any_rows()) {
        let once = sums(&rows);
        let twice = once.clone().merge(once.clone()).expect("no overflow");
        let (once, twice) = (once.moments().expect("fits"), twice.moments().expect("fits"));
        for (one, two) in once.iter().zip(&twice) {
            prop_assert_eq!((two.clusters, two.outcomes), (one.clusters, 2 * one.outcomes));
            prop_assert_eq!((two.w, two.s), (2 * one.w, 2 * one.s));
            prop_assert_eq!((two.ss, two.sw, two.ww), (4 * one.ss, 4 * one.sw, 4 * one.ww));
        }
    }
}

#[test]
fn a_sum_of_squares_past_128_bits_is_an_error_not_a_wrapped_number() {
    let mut state = sums(&[(1, MAX_VALUE, 6, 0)]);
    let fits = (0..25).fold(state.clone(), |sum, _| sum.clone().merge(sum).expect("fits"));
    assert!(fits.moments().is_ok());
    for _ in 0..26 {
        state = state.clone().merge(state).expect("the plain sum fits");
    }
    assert_eq!(state.moments(), Err(Error::Overflow { column: "value" }));
}

#[test]
fn a_plain_sum_past_128_bits_is_an_error() {
    let mut state = sums(&[(1, MAX_VALUE, 6, 0)]);
    let mut doublings = 0;
    let error = loop {
        match state.clone().merge(state) {
            Ok(sum) => state = sum,
            Err(error) => break error,
        }
        doublings += 1;
    };
    assert_eq!(error, Error::Overflow { column: "value" });
    assert_eq!(doublings, 63, "the count of outcomes is the first to leave its 64 bits");
}

#[test]
fn what_is_out_of_range_is_refused_by_row() {
    let refused = |row: Row| {
        let rows = [(7, 0, 1, 0), row];
        cluster_moments(Columns::of(&rows).rows(), SLICES).expect_err("out of range").to_string()
    };
    assert_eq!(
        refused((7, MAX_VALUE + 1, 1, 0)),
        "row 1 of `value` holds 34359738369; allowed: -2048 to 2048 times 2^24"
    );
    assert_eq!(refused((7, i64::MIN, 1, 0)).split(';').count(), 2);
    assert_eq!(refused((7, 0, 7, 0)), "row 1 of `weight` holds 7; allowed: 0 to 6");
    assert_eq!(
        refused((7, 0, 0, 3)),
        "row 1 of `slice` holds 3; allowed: codes below `num_slices`"
    );
}

#[test]
fn columns_of_different_lengths_are_refused_by_name() {
    let mut columns = Columns::of(&[(7, 0, 1, 0)]);
    columns.weight.push(1);
    let error = cluster_moments(columns.rows(), SLICES).expect_err("lengths differ");
    assert_eq!(error.to_string(), "`weight` has 2 rows but `value` has 1");
}

#[test]
fn shards_that_number_their_slices_differently_do_not_merge() {
    let other = ClusterSums::collect(Columns::default().rows(), SLICES + 1).expect("empty");
    assert!(matches!(sums(&[]).merge(other), Err(Error::LengthMismatch { .. })));
}
