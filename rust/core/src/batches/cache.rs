//! What an engine's prefix cache will have of each prompt, known before anything is computed.
//!
//! The scheduler of vLLM (0.32, `v1/core`) step by step, without a model: running requests go on
//! first, then waiting ones enter in the order of sending as long as tokens, places and blocks are
//! left. A block can be found from the moment that it is scheduled, so requests of one step share.
//! Running requests hold their blocks; one that ends releases its tail first; what nobody holds
//! is given out again in the order of release. The last token of a prompt is always computed.

mod chain;
mod coming;
mod pool;
mod request;

use std::collections::VecDeque;

use self::chain::Chain;
use self::coming::{Coming, HEAD};
use self::pool::Pool;
use self::request::{Group, Request};
use super::trie::Segments;
use crate::error::Error;

/// An engine's cache and what it runs at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Tokens of a block.
    pub block_tokens: u32,
    /// Tokens that the cache holds, those of running requests among them; None: any number. A block
    /// holds its tokens for one group of layers, so that with windows they are counted by group.
    pub budget_tokens: Option<u64>,
    /// Requests that run at a time.
    pub running: u32,
    /// Tokens of each answer, at least 1.
    pub generated_tokens: u32,
    /// Tokens that a step computes at most.
    pub batched_tokens: u32,
    /// Tokens that a sliding layer looks at; None where no layer slides.
    pub window: Option<u32>,
    /// Groups of layers that look at all tokens.
    pub full_groups: u32,
    /// Groups of layers that slide, where there is a window.
    pub sliding_groups: u32,
    /// Blocks of sliding layers are kept for all that may share them; else only where a prompt
    /// ends, and where two were seen to part.
    pub keeps_all: bool,
    /// What prompts share is sent ahead of them, as a prompt of its own.
    pub sends_heads: bool,
}

impl CacheSettings {
    /// # Errors
    ///
    /// [`Error::OutOfRange`], naming the setting.
    fn check(&self) -> Result<(), Error> {
        let least = [
            ("block_tokens", self.block_tokens, 1, "1 or more"),
            ("running", self.running, 1, "1 or more"),
            ("generated_tokens", self.generated_tokens, 1, "1 or more"),
            ("batched_tokens", self.batched_tokens, 1, "1 or more"),
            ("full_groups", self.full_groups, 1, "1 or more"),
            ("window", self.window.unwrap_or(2), 2, "2 or more"),
            ("sliding_groups", self.sliding_groups, self.window.is_some().into(), "1 or more"),
        ];
        for (column, value, least, allowed) in least {
            if value < least {
                return Err(Error::OutOfRange {
                    column,
                    row: 0,
                    value: value.to_string(),
                    allowed,
                });
            }
        }
        Ok(())
    }

    /// Blocks of the cache; those that 32 bits can number where there is no limit.
    fn blocks(&self) -> usize {
        let most = u64::from(u32::MAX - 1);
        let blocks =
            self.budget_tokens.map_or(most, |budget| budget / u64::from(self.block_tokens));
        usize::try_from(blocks.min(most)).unwrap_or(usize::MAX)
    }

    /// Sliding ones first, as in models that have them.
    fn groups(&self) -> Vec<Group> {
        let sliding = self.window.map_or(0, |_| self.sliding_groups);
        (0..sliding + self.full_groups).map(|n| Group::new(self, n, n < sliding)).collect()
    }
}

/// An engine without a model; its cache goes on from one set of prompts to the next.
#[derive(Debug)]
pub struct CacheSimulator {
    settings: CacheSettings,
    groups: Vec<Group>,
    pool: Pool,
    chain: Chain,
    running: Vec<Request>,
    /// Those that lost their blocks to others and wait to begin again.
    preempted: VecDeque<Request>,
    /// Tokens that the step may still compute.
    left: usize,
    /// Somebody was preempted in this step: nobody enters.
    is_closed: bool,
    serial: u64,
    preemptions: u64,
    too_large: u64,
    head_tokens: u64,
}

impl CacheSimulator {
    /// An empty cache.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`], naming a setting that makes no sense.
    pub fn new(settings: CacheSettings) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self {
            groups: settings.groups(),
            pool: Pool::new(settings.blocks()),
            chain: Chain::new(settings.block_tokens as usize),
            running: Vec::new(),
            preempted: VecDeque::new(),
            left: settings.batched_tokens as usize,
            is_closed: false,
            serial: 0,
            preemptions: 0,
            too_large: 0,
            head_tokens: 0,
            settings,
        })
    }

    /// Requests that lost their blocks to others so far and were computed once more.
    #[must_use]
    pub fn preemptions(&self) -> u64 {
        self.preemptions
    }

    /// Prompts so far that the whole cache cannot hold: none of them was computed.
    #[must_use]
    pub fn too_large(&self) -> u64 {
        self.too_large
    }

    /// Tokens that were computed so far of heads that went ahead.
    #[must_use]
    pub fn head_tokens(&self) -> u64 {
        self.head_tokens
    }

    /// Let prompts enter, in the order of their rows in `order`; those of one call behind those of
    /// the call before, which run on.
    ///
    /// Returns the tokens of each row that were in the cache when it entered: 0 where a row is not
    /// in `order`, has no tokens or is too large for the cache.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`], naming the first row in `order` that there is not.
    pub fn add(&mut self, set: &Segments<'_>, order: &[u32]) -> Result<Vec<u32>, Error> {
        if let Some(row) = order.iter().position(|&row| row as usize >= set.len()) {
            return Err(Error::OutOfRange {
                column: "order",
                row,
                value: order[row].to_string(),
                allowed: "rows of the set",
            });
        }
        let mut cached = vec![0; set.len()];
        self.chain.new_set();
        let block = self.settings.block_tokens as usize;
        let mut coming = Coming::new(set, order, self.settings.sends_heads.then_some(block));
        let mut held = None;
        loop {
            while !self.is_closed
                && self.left > 0
                && self.running.len() < self.settings.running as usize
            {
                let next = self.preempted.pop_front().or_else(|| held.take());
                let Some(request) = next.or_else(|| self.next(&mut coming)) else {
                    return Ok(cached); // the next call goes on within this step
                };
                let (row, is_new, tokens) = (request.row, request.is_new(), request.tokens);
                match self.admit(request) {
                    Ok(hit) if is_new && row == HEAD => self.head_tokens += (tokens - hit) as u64,
                    Ok(hit) if is_new => {
                        cached[row as usize] = u32::try_from(hit).unwrap_or(u32::MAX);
                    }
                    Ok(_) => {}
                    Err(request) if self.running.is_empty() => {
                        self.too_large += u64::from(request.is_new());
                    }
                    Err(request) => {
                        if is_new {
                            held = Some(request);
                        } else {
                            self.preempted.push_front(request);
                        }
                        break;
                    }
                }
            }
            self.end_step();
            self.begin_step();
        }
    }

    /// The next prompt that has tokens and fits into the cache.
    fn next(&mut self, coming: &mut Coming<'_>) -> Option<Request> {
        while let Some((row, head)) = coming.next() {
            let all = self.chain.advance(coming.set, row as usize);
            // The last token of a prompt is never shared, so that a head has one more.
            let tokens = head.map_or(all, |head| head + 1);
            let answer = if head.is_some() { 1 } else { self.settings.generated_tokens as usize };
            let blocks = self.groups.iter().map(|group| group.most_blocks(tokens + answer - 1));
            if tokens == 0 {
                continue;
            }
            if blocks.sum::<usize>() > self.pool.capacity() {
                self.too_large += u64::from(head.is_none());
                continue;
            }
            self.serial += 1;
            let keys = &self.chain.keys()[..tokens / self.settings.block_tokens as usize];
            let row = if head.is_some() { HEAD } else { row };
            return Some(Request::new(self.serial, row, tokens, answer, keys, &self.groups));
        }
        None
    }

    /// Let a request in if there are blocks for all of it; the tokens that it finds in the cache.
    fn admit(&mut self, mut request: Request) -> Result<usize, Request> {
        let (hit, parting) = request.find(&self.groups, &self.pool);
        let scheduled = (request.tokens - hit).min(self.left);
        let fits = |tokens: usize, is_capped: bool| {
            let each = self.groups.iter().zip(&request.blocks);
            let needed =
                each.map(|(group, found)| group.needed(&self.pool, found, hit, tokens, is_capped));
            needed.sum::<usize>() <= self.pool.free()
        };
        if !(fits(request.tokens, true) && fits(hit + scheduled, false)) {
            request.let_go();
            return Err(request);
        }
        request.enter(&self.groups, &mut self.pool, hit, parting);
        request.schedule(&self.groups, &mut self.pool, scheduled);
        self.left -= scheduled;
        self.running.push(request);
        Ok(hit)
    }

    /// The model has computed what was scheduled: whoever has all tokens of its prompt gets one of
    /// its answer, and leaves with the last of them.
    fn end_step(&mut self) {
        let pool = &mut self.pool;
        let block = self.settings.block_tokens as usize;
        self.running.retain_mut(|request| {
            let is_over = request.compute(block);
            if is_over {
                request.release(pool);
            }
            !is_over
        });
    }

    /// Those that run go on, the first of them at the cost of the last where blocks are lacking.
    fn begin_step(&mut self) {
        self.left = self.settings.batched_tokens as usize;
        self.is_closed = false;
        let mut place = 0;
        while place < self.running.len() && self.left > 0 {
            let request = &mut self.running[place];
            let scheduled = (request.tokens - request.computed).min(self.left);
            request.slide(&self.groups, &mut self.pool);
            let needed = request.lacking(&self.groups, scheduled);
            while needed > self.pool.free() && place < self.running.len() {
                self.is_closed = true;
                self.preemptions += 1;
                if let Some(mut last) = self.running.pop() {
                    last.release(&mut self.pool);
                    self.preempted.push_front(last);
                }
            }
            let Some(request) = self.running.get_mut(place) else { return };
            request.schedule(&self.groups, &mut self.pool, scheduled);
            self.left -= scheduled;
            place += 1;
        }
    }
}
