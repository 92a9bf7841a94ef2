//! One entry, in one allocation.

/// The length of the key in 31 bits and whether the entry expires in the highest one, then the deadline in 8 bytes
/// where it does, the key, the value.
#[derive(Clone)]
pub(super) struct Entry(Box<[u8]>);

/// The length of the key.
const HEAD: usize = 4;
const DEADLINE: usize = 8;
const EXPIRES: u32 = 1 << 31;

/// The largest entry, key and value together, and so the largest key.
pub(super) const MAX_ENTRY_BYTES: usize = i32::MAX as usize;

impl Entry {
    /// The deadline is a time of the [`super::Clock`].
    pub(super) fn new(key: &[u8], value: &[u8], deadline: Option<u64>) -> Self {
        let key_len = u32::try_from(key.len()).expect("no entry exceeds MAX_ENTRY_BYTES");
        Self(
            match deadline {
                None => [&key_len.to_ne_bytes(), key, value].concat(),
                Some(at) => [&(key_len | EXPIRES).to_ne_bytes(), &at.to_ne_bytes()[..], key, value].concat(),
            }
            .into_boxed_slice(),
        )
    }

    fn head(&self) -> u32 {
        let [a, b, c, d, ..] = *self.0 else { return 0 };
        u32::from_ne_bytes([a, b, c, d])
    }

    fn key_start(&self) -> usize {
        HEAD + DEADLINE * usize::from(self.expires())
    }

    fn value_start(&self) -> usize {
        self.key_start() + (self.head() & !EXPIRES) as usize
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.0[self.key_start()..self.value_start()]
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.0[self.value_start()..]
    }

    /// Returns the key and, right behind it, the value.
    pub(super) fn payload(&self) -> &[u8] {
        &self.0[self.key_start()..]
    }

    pub(super) fn expires(&self) -> bool {
        self.head() & EXPIRES != 0
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let bytes = self.expires().then(|| self.0.get(HEAD..)?.first_chunk())??;
        Some(u64::from_ne_bytes(*bytes))
    }

    pub(super) fn is_due(&self, now: u64) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Values of one map tend to be equally long; then the allocation stays.
    pub(super) fn overwrite(&mut self, value: &[u8], deadline: Option<u64>) {
        let (start, expires) = (self.value_start(), self.expires());
        match self.0.get_mut(start..) {
            Some(old) if old.len() == value.len() && expires == deadline.is_some() => {
                old.copy_from_slice(value)
            }
            _ => {
                *self = Self::new(self.key(), value, deadline);
                return;
            }
        }
        if let Some(deadline) = deadline {
            self.0[HEAD..HEAD + DEADLINE].copy_from_slice(&deadline.to_ne_bytes());
        }
    }
}

/// What an allocator adds to an entry, on average: its own header and the rounding to 16 bytes.
const ALLOCATOR_BYTES: usize = 16;

/// Returns the memory that entries take apart from the tables they lie in.
pub(super) fn memory_bytes(entries: usize, expiring: usize, payload_bytes: usize) -> usize {
    entries * (HEAD + ALLOCATOR_BYTES) + expiring * DEADLINE + payload_bytes
}
