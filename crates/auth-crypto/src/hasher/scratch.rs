//! Working memory of one hashing thread, kept between hashes.

use argon2::Block;

/// Blocks of 1 KiB. Fresh memory costs a page fault for every four of them: a quarter of the time of
/// a 64 MiB hash (measured), so each thread keeps its own.
pub(super) struct Scratch {
    blocks: Vec<Block>,
    /// What the present parameters need, and so what is kept.
    usual: usize,
    dirty: bool,
}

impl Scratch {
    /// Memory for hashes of `usual` blocks, taken from the system at the first use.
    pub(super) fn new(usual: usize) -> Self {
        Self { blocks: Vec::new(), usual, dirty: false }
    }

    /// Memory for one hash of `count` blocks, in any state.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        self.dirty = true;
        // Memory for an imported, larger hash stays only as long as such hashes follow each other.
        let wanted = count.max(self.usual);
        if self.blocks.len() != wanted {
            self.release();
            self.blocks.resize(wanted, Block::new());
            self.dirty = true;
        }
        &mut self.blocks[..count]
    }

    /// How many blocks are kept.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Gives the memory back to the system.
    pub(super) fn release(&mut self) {
        self.wipe();
        self.blocks = Vec::new();
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Overwrites the memory: what it holds would let somebody who reads it test guesses faster than
    /// by hashing them.
    pub(super) fn wipe(&mut self) {
        self.blocks.fill(Block::new());
        self.dirty = false;
    }
}
