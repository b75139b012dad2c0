//! Kernels beside the plain way of doing the same: `python benches/bench_kernels.py` has the ratios.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use judgefast_core::batches::{order, Segments};
use judgefast_core::stats::{poisson_weight, replicate_means, OutcomeRows, Path, FIXED_ONE};
use judgefast_core::verdicts::{Choice, FormatSpec, LabelSpec, Parser};
use regex::Regex;

const TEXTS: usize = 2_000;
const OUTCOMES: usize = 2_000;
const REPLICATES: u32 = 256;
const PROMPTS: usize = 3_000;

/// A generator with a state, for data that is the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

fn label(place: u8, text: &str) -> LabelSpec {
    LabelSpec {
        text: text.to_owned(),
        choice: Choice::Position(place),
        score: f64::NAN,
        strength: f64::NAN,
    }
}

/// Verdicts in brackets behind reasons, beside one regular expression and its last match.
fn parse(criterion: &mut Criterion) {
    let mut chance = Chance(1);
    let reason = "the first answer names a cause and gives one example but leaves a step out; ";
    let texts: Vec<String> = (0..TEXTS)
        .map(|_| {
            let many = 1 + usize::try_from(chance.below(6)).unwrap_or(1);
            let verdict = ["[[A]]", "[[B]]"][usize::from(chance.below(2) == 1)];
            format!("{}{verdict}", reason.repeat(many))
        })
        .collect();
    let spec = FormatSpec {
        name: "bracket".to_owned(),
        labels: vec![label(0, "A"), label(1, "B")],
        which: "listed".to_owned(),
        ..FormatSpec::default()
    };
    let parser = Parser::new(spec).expect("a format of the package");
    let plain = Regex::new(r"\[\[([AB])\]\]").expect("an expression");
    let cut = vec![0; texts.len()];
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(TEXTS as u64));
    group.bench_function("judgefast", |bench| {
        bench.iter(|| parser.parse(black_box(&texts), &cut));
    });
    group.bench_function("one regular expression", |bench| {
        bench.iter(|| {
            texts
                .iter()
                .filter_map(|text| plain.find_iter(text).last())
                .map(|m| m.start())
                .sum::<usize>()
        });
    });
    group.finish();
}

/// Means of Poisson replicates, beside a loop over rows that draws each weight.
fn bootstrap(criterion: &mut Criterion) {
    let mut chance = Chance(2);
    let clusters: Vec<u64> = (0..OUTCOMES).map(|_| chance.below(u64::MAX)).collect();
    let values: Vec<i64> = (0..OUTCOMES)
        .map(|_| i64::try_from(chance.below(3)).unwrap_or(0) * FIXED_ONE / 2)
        .collect();
    let (weights, slices) = (vec![1; OUTCOMES], vec![0; OUTCOMES]);
    let rows =
        OutcomeRows { cluster_id64: &clusters, value: &values, weight: &weights, slice: &slices };
    let mut group = criterion.benchmark_group("bootstrap");
    group.throughput(Throughput::Elements(OUTCOMES as u64 * u64::from(REPLICATES)));
    group.bench_function("judgefast", |bench| {
        bench.iter(|| replicate_means(black_box(rows), 1, &[0], 7, REPLICATES, Path::best()));
    });
    group.bench_function("a loop over rows", |bench| {
        bench.iter(|| {
            (0..REPLICATES)
                .map(|replicate| {
                    let (mut sum, mut weight) = (0_i64, 0_i64);
                    for (&cluster, &value) in black_box(&clusters).iter().zip(&values) {
                        let word = judgefast_core::stats::cluster_word(7, cluster);
                        let own = i64::from(poisson_weight(word, replicate));
                        sum += own * value;
                        weight += own;
                    }
                    sum / weight.max(1)
                })
                .sum::<i64>()
        });
    });
    group.finish();
}

/// Prompts in the order of their shared segments, beside a sort by token ids.
fn ordering(criterion: &mut Criterion) {
    let mut chance = Chance(3);
    let distinct = 400;
    let mut ids = Vec::new();
    let mut id_offsets = vec![0_i64];
    for _ in 0..distinct {
        let long = 20 + chance.below(200);
        ids.extend((0..long).map(|_| i32::try_from(chance.below(50_000)).unwrap_or(0)));
        id_offsets.push(i64::try_from(ids.len()).unwrap_or(0));
    }
    let mut segments = Vec::new();
    let mut offsets = vec![0_i64];
    for _ in 0..PROMPTS {
        segments.push(0);
        segments.extend((0..3).map(|_| u32::try_from(1 + chance.below(distinct - 1)).unwrap_or(0)));
        offsets.push(i64::try_from(segments.len()).unwrap_or(0));
    }
    let made = Segments::new(&segments, &offsets, &ids, &id_offsets).expect("offsets that fit");
    let mut group = criterion.benchmark_group("ordering");
    group.throughput(Throughput::Elements(PROMPTS as u64));
    group.bench_function("judgefast", |bench| bench.iter(|| order(black_box(&made))));
    group.bench_function("a sort by token ids", |bench| {
        bench.iter(|| {
            let mut prompts: Vec<(Vec<i32>, usize)> = (0..PROMPTS)
                .map(|row| {
                    (
                        made.row(row).iter().flat_map(|&each| made.ids_of(each)).copied().collect(),
                        row,
                    )
                })
                .collect();
            prompts.sort_unstable();
            prompts.len()
        });
    });
    group.finish();
}

criterion_group!(kernels, parse, bootstrap, ordering);
criterion_main!(kernels);
