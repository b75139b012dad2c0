//! What comes in, in the order of sending, with the heads that are computed ahead of it.
//!
//! The engine `vllm` sends heads of prompts as requests of their own where layers slide
//! (`engines/vllm/priming.py`): what all begin with, and what a prompt shares with the next.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::slice::Iter;

use super::super::trie::Segments;

/// The row of a head.
pub(super) const HEAD: u32 = u32::MAX;
/// A head that saves fewer tokens is not sent.
const LEAST_TOKENS: usize = 64;

/// Prompts of one set that are still to come.
pub(super) struct Coming<'a> {
    pub(super) set: &'a Segments<'a>,
    order: Peekable<Iter<'a, u32>>,
    heads: Option<Heads>,
    /// Lengths of heads that go before `row`.
    ahead: VecDeque<usize>,
    row: Option<u32>,
}

impl<'a> Coming<'a> {
    /// Rows of a set; with heads of whole blocks of so many tokens, if any.
    pub(super) fn new(set: &'a Segments<'a>, order: &'a [u32], heads: Option<usize>) -> Self {
        Self {
            set,
            heads: heads.map(|block| Heads::new(set, order, block)),
            order: order.iter().peekable(),
            ahead: VecDeque::new(),
            row: None,
        }
    }

    /// The next row, and the length of its head where it is that which comes.
    pub(super) fn next(&mut self) -> Option<(u32, Option<usize>)> {
        if self.row.is_none() {
            let row = *self.order.next()?;
            self.row = Some(row);
            if let Some(heads) = &mut self.heads {
                heads.before(self.set, row, self.order.peek().copied(), &mut self.ahead);
            }
        }
        let row = self.row?;
        let head = self.ahead.pop_front();
        if head.is_none() {
            self.row = None;
        }
        Some((row, head))
    }
}

struct Heads {
    block: usize,
    /// Tokens that all prompts begin with.
    shared: usize,
    /// Tokens that the next prompt and the last have in common.
    common: usize,
    /// Lengths that were sent and begin the last prompt, rising.
    known: Vec<usize>,
}

impl Heads {
    fn new(set: &Segments<'_>, order: &[u32], block: usize) -> Self {
        let shared = order.split_first().map_or(0, |(&first, others)| {
            let common = |&row: &u32| common(set, first, row);
            others.iter().map(common).min().unwrap_or(0)
        });
        Self { block, shared, common: 0, known: Vec::new() }
    }

    /// Lengths of heads that go before a row.
    fn before(
        &mut self,
        set: &Segments<'_>,
        row: u32,
        next: Option<&u32>,
        ahead: &mut VecDeque<usize>,
    ) {
        while self.known.last().is_some_and(|&known| known > self.common) {
            self.known.pop();
        }
        let tokens: usize = set.row(row as usize).iter().map(|&part| set.tokens(part)).sum();
        self.common = next.map_or(0, |&next| common(set, row, next));
        for length in [self.shared, self.common] {
            let whole = length.min(tokens.saturating_sub(1)) / self.block * self.block;
            let done = self.known.last().copied().unwrap_or(0);
            if whole >= done + LEAST_TOKENS.max(self.block) {
                self.known.push(whole);
                ahead.push_back(whole);
            }
        }
    }
}

/// Tokens at the head that two prompts have in common.
fn common(set: &Segments<'_>, one: u32, two: u32) -> usize {
    let (one, two) = (set.row(one as usize), set.row(two as usize));
    let same = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let shared: usize = one[..same].iter().map(|&part| set.tokens(part)).sum();
    let rest_of_one = one[same..].iter().flat_map(|&part| set.ids_of(part));
    let rest_of_two = two[same..].iter().flat_map(|&part| set.ids_of(part));
    shared + rest_of_one.zip(rest_of_two).take_while(|(a, b)| a == b).count()
}
