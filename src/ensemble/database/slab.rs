//! Stores values in fixed-size chunks, so that a growing table does not move them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

const CHUNK_BITS: u32 = 9;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Index of a value in a slab. It is reused after the value is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot(pub(super) u32);

impl Slot {
    /// The first slot. The root of a tree lies there.
    pub(super) const ROOT: Self = Self(0);

    /// Returns the chunk of the slot and its place in the chunk.
    const fn split(self) -> (usize, usize) {
        let at = self.0 as usize;
        (at >> CHUNK_BITS, at & (CHUNK - 1))
    }
}

#[derive(Debug)]
struct Chunk<T> {
    slots: Vec<Option<T>>,
    free: Vec<u16>,
    live: u16,
    /// Whether `Slab::spare` lists this chunk.
    listed: bool,
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// Chunks that may have room.
    spare: Vec<u32>,
    live: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            spare: Vec::new(),
            live: 0,
        }
    }
}

impl<T> Slab<T> {
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    pub(super) fn insert(&mut self, value: T) -> Slot {
        self.live += 1;
        let at = self.chunk_with_room();
        let chunk = &mut self.chunks[at];
        chunk.live += 1;
        let place = if let Some(place) = chunk.free.pop() {
            let place = usize::from(place);
            chunk.slots[place] = Some(value);
            place
        } else {
            if chunk.slots.capacity() == 0 {
                // The first chunk starts small, so that a small table uses little memory.
                chunk.slots.reserve_exact(if at == 0 { 8 } else { CHUNK });
            }
            chunk.slots.push(Some(value));
            chunk.slots.len() - 1
        };
        let slot = (at << CHUNK_BITS) | place;
        Slot(u32::try_from(slot).expect("four billion values do not fit in memory"))
    }

    fn chunk_with_room(&mut self) -> usize {
        while let Some(at) = self.spare.last().copied() {
            let chunk = &mut self.chunks[at as usize];
            if usize::from(chunk.live) < CHUNK {
                return at as usize;
            }
            chunk.listed = false;
            self.spare.pop();
        }
        let at = self.chunks.len();
        self.chunks.push(Chunk {
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            listed: true,
        });
        self.spare
            .push(u32::try_from(at).expect("four billion values do not fit in memory"));
        at
    }

    /// Removes the value and frees its slot for reuse. The memory of a chunk without values is
    /// returned.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let (at, place) = slot.split();
        let chunk = self.chunks.get_mut(at)?;
        let value = chunk.slots.get_mut(place)?.take()?;
        self.live -= 1;
        chunk.live -= 1;
        if self.live == 0 {
            *self = Self::default();
            return Some(value);
        }
        if chunk.live == 0 {
            chunk.slots = Vec::new();
            chunk.free = Vec::new();
        } else {
            chunk
                .free
                .push(u16::try_from(place).expect("a chunk has few slots"));
        }
        if !chunk.listed {
            chunk.listed = true;
            self.spare
                .push(u32::try_from(at).expect("the slot has 32 bits"));
        }
        Some(value)
    }

    /// Returns the value if the slot is in use.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        let (at, place) = slot.split();
        self.chunks.get(at)?.slots.get(place)?.as_ref()
    }

    /// Like [`Self::get`], for changes.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let (at, place) = slot.split();
        self.chunks.get_mut(at)?.slots.get_mut(place)?.as_mut()
    }

    /// Returns a value that must exist.
    ///
    /// # Panics
    /// If the slot is not in use, which means that the table is inconsistent.
    pub(super) fn node(&self, slot: Slot) -> &T {
        self.get(slot).expect("every slot in the table is in use")
    }

    /// Like [`Self::node`], for changes.
    pub(super) fn node_mut(&mut self, slot: Slot) -> &mut T {
        self.get_mut(slot)
            .expect("every slot in the table is in use")
    }

    /// How many slots have memory.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.slots.capacity()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_and_empty_chunks_return_their_memory() {
        let mut slab = Slab::default();
        let slots: Vec<Slot> = (0..10 * CHUNK).map(|value| slab.insert(value)).collect();
        assert_eq!(slab.len(), 10 * CHUNK);
        for (value, slot) in slots.iter().enumerate() {
            assert_eq!(slab.get(*slot), Some(&value));
        }
        for slot in &slots[..9 * CHUNK] {
            assert!(slab.remove(*slot).is_some());
            assert!(slab.remove(*slot).is_none());
        }
        assert_eq!((slab.len(), slab.capacity()), (CHUNK, CHUNK));
        for value in 0..5 * CHUNK {
            let slot = slab.insert(value);
            assert!(slots.contains(&slot), "a freed slot is used first");
            assert_eq!(slab.get(slot), Some(&value));
        }
        assert_eq!(slab.len(), 6 * CHUNK);
        for slot in 0..10 * CHUNK {
            slab.remove(Slot(u32::try_from(slot).expect("few")));
        }
        assert_eq!((slab.len(), slab.capacity(), slab.spare.len()), (0, 0, 0));
        assert_eq!(slab.insert(7), Slot::ROOT);
    }
}
