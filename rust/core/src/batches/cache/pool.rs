//! The blocks of a cache: found by what they hold, given out, kept as long as there is room.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// No block.
pub(super) const NONE: u32 = u32::MAX;

/// Keys are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[derive(Clone, Debug)]
struct Block {
    /// Of what it holds; 0 where it cannot be found: it is not full, or nobody may want it again.
    key: u64,
    /// Requests that hold it.
    holders: u32,
    /// Neighbours among the blocks that nobody holds, by the time of their release.
    older: u32,
    newer: u32,
    /// The next block with the same key, in the order in which they got it.
    twin: u32,
}

/// Blocks, of which those that nobody holds stay findable until they are needed.
///
/// A block that is released without a key is the next to be given out; with a key it waits behind
/// those that were never used and all that were released before it.
#[derive(Debug)]
pub(super) struct Pool {
    capacity: usize,
    free: usize,
    blocks: Vec<Block>,
    blank: Vec<u32>,
    oldest: u32,
    newest: u32,
    by_key: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
}

impl Pool {
    /// So many blocks, all blank.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            free: capacity,
            blocks: Vec::new(),
            blank: Vec::new(),
            oldest: NONE,
            newest: NONE,
            by_key: HashMap::default(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Blocks that nobody holds.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// The block with a key that has had it longest.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn is_held(&self, block: u32) -> bool {
        self.blocks[block as usize].holders > 0
    }

    /// Hold a block that was found.
    pub(super) fn hold(&mut self, block: u32) {
        if !self.is_held(block) {
            self.unlink(block);
            self.free -= 1;
        }
        self.blocks[block as usize].holders += 1;
    }

    /// Give a block out, with one holder and without a key. One must be free.
    pub(super) fn take(&mut self) -> u32 {
        self.free -= 1;
        let block = if let Some(block) = self.blank.pop() {
            block
        } else if self.blocks.len() < self.capacity {
            self.blocks.push(Block { key: 0, holders: 0, older: NONE, newer: NONE, twin: NONE });
            index(self.blocks.len() - 1)
        } else {
            let block = self.oldest;
            self.unlink(block);
            self.forget(block);
            block
        };
        self.blocks[block as usize].holders = 1;
        block
    }

    /// Make a block that has no key findable by one.
    pub(super) fn register(&mut self, block: u32, key: u64) {
        self.blocks[block as usize].key = key;
        let mut last = *self.by_key.entry(key).or_insert(block);
        if last == block {
            return;
        }
        while self.blocks[last as usize].twin != NONE {
            last = self.blocks[last as usize].twin;
        }
        self.blocks[last as usize].twin = block;
    }

    /// One holder less.
    pub(super) fn release(&mut self, block: u32) {
        let each = &mut self.blocks[block as usize];
        each.holders -= 1;
        if each.holders > 0 {
            return;
        }
        self.free += 1;
        if each.key == 0 {
            self.blank.push(block);
            return;
        }
        (each.older, each.newer) = (self.newest, NONE);
        match self.newest {
            NONE => self.oldest = block,
            newest => self.blocks[newest as usize].newer = block,
        }
        self.newest = block;
    }

    /// Take a block out of those that nobody holds.
    fn unlink(&mut self, block: u32) {
        let Block { older, newer, .. } = self.blocks[block as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.blocks[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.blocks[newer as usize].older = older,
        }
    }

    /// Make a block unfindable.
    fn forget(&mut self, block: u32) {
        let Block { key, twin, .. } = self.blocks[block as usize];
        let first = self.by_key[&key];
        if first != block {
            let mut before = first;
            while self.blocks[before as usize].twin != block {
                before = self.blocks[before as usize].twin;
            }
            self.blocks[before as usize].twin = twin;
        } else if twin == NONE {
            self.by_key.remove(&key);
        } else {
            self.by_key.insert(key, twin);
        }
        let each = &mut self.blocks[block as usize];
        (each.key, each.twin) = (0, NONE);
    }
}

/// The number of a block: a pool has fewer than 2^32.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NONE)
}
