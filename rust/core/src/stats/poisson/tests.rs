use proptest::prelude::*;

use super::super::weights::{cluster_word, poisson_weight};
use super::super::{FIXED_ONE, MAX_VALUE};
use super::*;

const SLICES: u32 = 3;
const SEED: u64 = 11;

type Row = (u64, i64, u8, u32);

fn with_columns<T>(rows: &[Row], work: impl FnOnce(OutcomeRows<'_>) -> T) -> T {
    let cluster_id64: Vec<_> = rows.iter().map(|row| row.0).collect();
    let value: Vec<_> = rows.iter().map(|row| row.1).collect();
    let weight: Vec<_> = rows.iter().map(|row| row.2).collect();
    let slice: Vec<_> = rows.iter().map(|row| row.3).collect();
    work(OutcomeRows { cluster_id64: &cluster_id64, value: &value, weight: &weight, slice: &slice })
}

fn add_rows(sums: &mut PoissonSums, rows: &[Row], path: Path) {
    with_columns(rows, |rows| sums.add(rows, path)).expect("rows in range");
}

fn sums_of(rows: &[Row], replicates: u32, path: Path) -> PoissonSums {
    let mut sums = PoissonSums::new(SLICES, replicates, SEED);
    add_rows(&mut sums, rows, path);
    sums
}

/// The oracle: one row, one replicate, one weight at a time, in 128 bits.
fn slow_sums(rows: &[Row], replicates: u32) -> PoissonSums {
    let mut sums = PoissonSums::new(SLICES, replicates.next_multiple_of(64), SEED);
    for &(cluster, value, weight, slice) in rows {
        let word = cluster_word(SEED, cluster);
        for replicate in 0..replicates.next_multiple_of(64) {
            let drawn = poisson_weight(word, replicate);
            let drawn = i128::from(drawn) * i128::from(weight);
            let block = replicate as usize / BLOCK * SLICES as usize + slice as usize;
            sums.totals[block].sum[replicate as usize % BLOCK] += drawn * i128::from(value);
            sums.totals[block].weight[replicate as usize % BLOCK] += drawn;
        }
    }
    sums.replicates = replicates;
    sums
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let value = prop_oneof![Just(0), Just(FIXED_ONE), -MAX_VALUE..=MAX_VALUE];
    let cluster = prop_oneof![0u64..6, any::<u64>()];
    prop::collection::vec((cluster, value, 0u8..=6, 0..SLICES), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_path_adds_what_plain_loops_add(rows in any_rows(), replicates in 1u32..150) {
        let slow = slow_sums(&rows, replicates);
        for (_, path) in Path::available() {
            prop_assert_eq!(&sums_of(&rows, replicates, path), &slow);
            let mut at_once = PoissonSums::new(SLICES, replicates, SEED);
            with_columns(&rows, |rows| at_once.add_shard(rows, path)).expect("rows in range");
            prop_assert_eq!(&at_once, &slow);
        }
    }

    #[test]
    fn clusters_that_come_alone_add_what_they_add_in_groups(rows in any_rows()) {
        let mut alone = PoissonSums::new(SLICES, 70, SEED);
        for row in &rows {
            add_rows(&mut alone, &[*row], Path::best());
        }
        prop_assert_eq!(alone, sums_of(&rows, 70, Path::best()));
    }
}

/// More clusters alike than 16 bits count, and sums that no double holds in one piece.
#[test]
fn groups_and_clusters_of_any_size_stay_exact() {
    let alike = (0..70_000).map(|cluster| (cluster, FIXED_ONE, 1, 0));
    let giants = (0..60_000u64).map(|row| (row % 3, MAX_VALUE - (row % 2).cast_signed(), 6, 1));
    let depths = (0..20_000).map(|row| (row, -MAX_VALUE, 6, 2));
    let rows: Vec<Row> = alike.chain(giants).chain(depths).collect();
    let slow = slow_sums(&rows, 64);
    for (_, path) in Path::available() {
        assert_eq!(sums_of(&rows, 64, path), slow);
        let mut threads = PoissonSums::new(SLICES, 64, SEED);
        let place = [Some(0), Some(1), Some(2)];
        let work = with_columns(&rows, |rows| prepare(rows, &place, SEED));
        threads.add_work(&work, path, 5).expect("fits");
        assert_eq!(threads, slow);
    }
}

/// Odd sums, so that a double past 2^53 loses their last bit.
#[test]
fn odd_sums_past_what_a_double_holds_stay_exact() {
    let giants = (0..60_000u64).map(|row| (row % 3, MAX_VALUE, 6, 0));
    let odd = (0..3u64)
        .flat_map(|cluster| [(cluster, -1, 1, 0), (cluster, 3 - 2 * cluster.cast_signed(), 1, 2)]);
    let apart: Vec<Row> = giants.chain(odd).collect();
    let alike: Vec<Row> = (0..60_000).map(|cluster| (cluster, MAX_VALUE - 1, 5, 1)).collect();
    // Each cluster with a part that is large, and behind it one that is not.
    let beside: Vec<Row> = (0..64_000u64)
        .map(|row| (row % 16, MAX_VALUE, 6, 0))
        .chain((0..16u64).flat_map(|cluster| {
            [(cluster, 2 * cluster.cast_signed() + 1, 1, 0), (cluster, 1, 1, 2)]
        }))
        .collect();
    for rows in [apart, alike, beside] {
        let slow = slow_sums(&rows, 64);
        for (name, path) in Path::available() {
            assert_eq!(sums_of(&rows, 64, path), slow, "{name}");
        }
    }
}

#[test]
fn a_total_past_128_bits_is_an_error_not_a_wrapped_number() {
    for (value, expected) in [(MAX_VALUE, 84..=90), (0, 120..=124)] {
        let mut sums = sums_of(&[(1, value, 6, 0)], 64, Path::Portable);
        let failed = (0..200).find_map(|doublings| {
            let other = sums.clone();
            sums.merge(&other).err().map(|error| (doublings, error))
        });
        let (doublings, error) = failed.expect("no 128 bits hold it");
        assert_eq!(error, Error::Overflow { column: "value" });
        assert!(expected.contains(&doublings), "{doublings}");
    }
}

#[test]
fn rows_past_128_bits_are_an_error_not_a_wrapped_number() {
    for (_, path) in Path::available() {
        let mut sums = sums_of(&[(1, MAX_VALUE, 6, 0)], 64, path);
        sums.totals[0].sum[63] = i128::MAX;
        let rows: Vec<Row> = (0..40).map(|cluster| (cluster, MAX_VALUE, 6, 0)).collect();
        let error = with_columns(&rows, |rows| sums.add(rows, path)).expect_err("no room");
        assert_eq!(error, Error::Overflow { column: "value" });
    }
}

#[test]
fn a_row_beyond_its_limit_is_refused_wherever_it_stands_and_nothing_is_added() {
    let good = (1, FIXED_ONE, 1, 0);
    let bad = [
        ("value", (1, MAX_VALUE + 1, 1, 0)),
        ("weight", (1, 0, 7, 0)),
        ("slice", (1, 0, 1, SLICES)),
    ];
    for (name, bad) in bad {
        let rows = [good, good, bad];
        let refused = |done: Result<(), Error>| match done.expect_err("the last row is bad") {
            Error::OutOfRange { column, row, .. } => assert_eq!((column, row), (name, 2)),
            other => panic!("{other}"),
        };
        let mut sums = sums_of(&[good], 70, Path::Portable);
        let before = sums.clone();
        refused(with_columns(&rows, |rows| sums.add(rows, Path::Portable)));
        refused(with_columns(&rows, |rows| sums.add_shard(rows, Path::Portable)));
        assert_eq!(sums, before);
        refused(with_columns(&rows, |rows| {
            replicate_means(rows, SLICES, &[0], SEED, 70, Path::Portable).map(|_| ())
        }));
    }
}

#[test]
fn a_path_that_this_processor_cannot_is_refused_by_name() {
    let error = Path::named("altivec").expect_err("no such path");
    assert!(error.to_string().starts_with("no path named `altivec`; known: portable"));
}
