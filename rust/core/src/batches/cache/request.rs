//! A request in the cache, and how many blocks each group of layers keeps of it.

use super::chain::mixed;
use super::pool::{Pool, NONE};
use super::CacheSettings;

/// Words that no token ids make: these are not negative.
const GENERATED: u64 = 1 << 63;
const OF_GROUP: u64 = GENERATED | 1 << 62;

/// Layers whose blocks are kept alike.
#[derive(Debug)]
pub(super) struct Group {
    block: usize,
    /// Makes of the key of a block that of this group's.
    salt: u64,
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    tokens: usize,
    /// Blocks in a row that let a prompt go on behind them.
    blocks: usize,
    /// A request never holds more while it is computed in chunks.
    most_blocks: usize,
    keeps_all: bool,
}

impl Group {
    pub(super) fn new(settings: &CacheSettings, number: u32, slides: bool) -> Self {
        let block = settings.block_tokens as usize;
        let window = settings.window.filter(|_| slides).map(|tokens| {
            let before = tokens as usize - 1;
            Window {
                tokens: tokens as usize,
                blocks: before.div_ceil(block),
                most_blocks: (before + settings.batched_tokens as usize).div_ceil(block) + 1,
                keeps_all: settings.keeps_all,
            }
        });
        let salt = if number == 0 { 0 } else { OF_GROUP | u64::from(number) };
        Self { block, salt, window }
    }

    /// Blocks of a request of so many tokens, at most.
    pub(super) fn most_blocks(&self, tokens: usize) -> usize {
        let blocks = tokens.div_ceil(self.block);
        self.window.as_ref().map_or(blocks, |window| blocks.min(window.most_blocks))
    }

    /// Blocks at the head that nothing behind so many computed tokens looks at.
    fn skipped(&self, computed: usize) -> usize {
        let behind = |window: &Window| (computed + 1).saturating_sub(window.tokens) / self.block;
        self.window.as_ref().map_or(0, behind)
    }

    /// Blocks that must be free for a request to enter: new ones up to `tokens`, and those it has
    /// found that nobody holds.
    pub(super) fn needed(
        &self,
        pool: &Pool,
        found: &[u32],
        hit: usize,
        tokens: usize,
        is_capped: bool,
    ) -> usize {
        let all = if is_capped { self.most_blocks(tokens) } else { tokens.div_ceil(self.block) };
        let skipped = self.skipped(hit);
        let idle = |&&block: &&u32| block != NONE && !pool.is_held(block);
        let taken = found.iter().skip(skipped).filter(idle).count();
        all.saturating_sub(skipped.max(found.len())) + taken
    }

    fn key(&self, key: u64) -> u64 {
        if self.salt == 0 {
            key
        } else {
            mixed(key, self.salt)
        }
    }
}

/// A request that waits, runs or was preempted.
#[derive(Debug)]
pub(super) struct Request {
    /// Unlike that of any other.
    serial: u64,
    /// In the set that it came with.
    pub(super) row: u32,
    prompt: usize,
    /// Tokens of its answer, once it has all.
    answer: usize,
    /// Of its prompt and what it has generated.
    pub(super) tokens: usize,
    pub(super) computed: usize,
    scheduled: usize,
    /// Of the full blocks of its tokens.
    keys: Vec<u64>,
    /// In each group; [`NONE`] where it has slid out.
    pub(super) blocks: Vec<Vec<u32>>,
    /// Blocks at the head that were made findable, or will not be.
    registered: usize,
    /// Tokens up to where it parts from another whose sliding blocks are gone; 0: nowhere.
    parting: usize,
    has_entered: bool,
}

impl Request {
    pub(super) fn new(
        serial: u64,
        row: u32,
        prompt: usize,
        answer: usize,
        keys: &[u64],
        groups: &[Group],
    ) -> Self {
        Self {
            serial,
            row,
            prompt,
            answer,
            tokens: prompt,
            computed: 0,
            scheduled: 0,
            keys: keys.to_vec(),
            blocks: vec![Vec::new(); groups.len()],
            registered: 0,
            parting: 0,
            has_entered: false,
        }
    }

    /// Whether it has never run.
    pub(super) fn is_new(&self) -> bool {
        !self.has_entered
    }

    /// Look its blocks up. Returns the tokens that all groups have of it, and, where those that look
    /// at all have more, as many as these; else 0.
    pub(super) fn find(&mut self, groups: &[Group], pool: &Pool) -> (usize, usize) {
        let most = (self.tokens - 1) / groups[0].block;
        let mut full = 0;
        'keys: while full < most {
            for (group, found) in groups.iter().zip(&mut self.blocks) {
                if group.window.is_none() {
                    let Some(block) = pool.find(group.key(self.keys[full])) else { break 'keys };
                    found.push(block);
                }
            }
            full += 1;
        }
        let (start, end) = self.found_by_windows(groups, pool, full);
        for (group, found) in groups.iter().zip(&mut self.blocks) {
            if group.window.is_none() {
                found.truncate(end);
            } else {
                found.resize(start, NONE);
                let keys = &self.keys[start..end];
                found.extend(keys.iter().filter_map(|&key| pool.find(group.key(key))));
            }
        }
        let block = groups[0].block;
        (end * block, if end < full { full * block } else { 0 })
    }

    /// Of the first `full` blocks, those that let sliding layers go on behind them: the last that
    /// fill a window, or all from the first on. Without such layers, none up to `full`.
    fn found_by_windows(&self, groups: &[Group], pool: &Pool, full: usize) -> (usize, usize) {
        let sliding = || groups.iter().filter(|group| group.window.is_some());
        let least = sliding().filter_map(|it| it.window.as_ref()).map(|it| it.blocks).max();
        let least = least.unwrap_or(0);
        let (mut start, mut end) = (full, full);
        while start > 0 && end - start < least {
            start -= 1;
            if !sliding().all(|group| pool.find(group.key(self.keys[start])).is_some()) {
                end = start;
            }
        }
        (start, end)
    }

    /// Forget what was found.
    pub(super) fn let_go(&mut self) {
        self.blocks.iter_mut().for_each(Vec::clear);
    }

    /// Hold what was found, `hit` tokens.
    pub(super) fn enter(&mut self, groups: &[Group], pool: &mut Pool, hit: usize, parting: usize) {
        for block in self.blocks.iter().flatten().filter(|&&block| block != NONE) {
            pool.hold(*block);
        }
        self.computed = hit;
        self.registered = hit / groups[0].block;
        self.parting = parting;
        self.has_entered = true;
    }

    /// Blocks that must be given out before so many more tokens are computed.
    pub(super) fn lacking(&self, groups: &[Group], scheduled: usize) -> usize {
        let all = (self.computed + scheduled).div_ceil(groups[0].block);
        self.blocks.iter().map(|blocks| all.saturating_sub(blocks.len())).sum()
    }

    /// Take blocks for so many more tokens, and make those findable that these fill.
    pub(super) fn schedule(&mut self, groups: &[Group], pool: &mut Pool, scheduled: usize) {
        self.scheduled = scheduled;
        let (block, tokens) = (groups[0].block, self.computed + scheduled);
        let (all, full) = (tokens.div_ceil(block), tokens / block);
        for blocks in &mut self.blocks {
            while blocks.len() < all {
                blocks.push(pool.take());
            }
        }
        for (group, blocks) in groups.iter().zip(&self.blocks) {
            let filled = blocks.iter().zip(&self.keys).enumerate().take(full).skip(self.registered);
            for (place, (&block, &key)) in filled {
                if block != NONE && self.is_kept(group, place) {
                    pool.register(block, group.key(key));
                }
            }
        }
        self.registered = self.registered.max(full);
    }

    /// Whether a full block is to be found by others.
    fn is_kept(&self, group: &Group, place: usize) -> bool {
        let Some(window) = group.window.as_ref().filter(|window| !window.keeps_all) else {
            return true;
        };
        [self.prompt - 1, self.parting].into_iter().any(|tokens| {
            let end = tokens / group.block;
            place < end && place + window.blocks >= end
        })
    }

    /// Release the blocks that its windows have left behind.
    pub(super) fn slide(&mut self, groups: &[Group], pool: &mut Pool) {
        for (group, blocks) in groups.iter().zip(&mut self.blocks) {
            let skipped = group.skipped(self.computed).min(blocks.len());
            for block in blocks[..skipped].iter_mut().rev().take_while(|block| **block != NONE) {
                pool.release(std::mem::replace(block, NONE));
            }
        }
    }

    /// What was scheduled is computed; whether it now has its whole answer.
    pub(super) fn compute(&mut self, block: usize) -> bool {
        self.computed += std::mem::take(&mut self.scheduled);
        if self.computed < self.tokens {
            return false;
        }
        self.tokens += 1;
        if self.tokens - self.prompt == self.answer {
            return true;
        }
        if self.tokens.is_multiple_of(block) {
            let parent = self.keys.last().copied().unwrap_or(0);
            self.keys.push(mixed(parent, GENERATED | self.serial));
        }
        false
    }

    /// Release all its blocks, the last of each group first.
    pub(super) fn release(&mut self, pool: &mut Pool) {
        for blocks in &mut self.blocks {
            for block in blocks.drain(..).rev().filter(|&block| block != NONE) {
                pool.release(block);
            }
        }
    }
}
