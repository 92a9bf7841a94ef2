//! Reads what blocks hold, each verified before a byte of it is seen.

use std::io::{self, Read};

use super::{BLOCK_BYTES, LAST, MAGIC, VERSION};
use crate::map::Format;

/// What is wrong with a file, or with reading it.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Damaged { offset: u64, reason: String },
    Format { found: Format, expected: Format },
}

impl Fault {
    pub(super) fn at(offset: u64, reason: impl Into<String>) -> Self {
        Fault::Damaged { offset, reason: reason.into() }
    }
}

pub(super) struct BlockReader<R> {
    from: R,
    /// Where in the file the next block starts.
    next_offset: u64,
    index: u64,
    last: bool,
    /// The length as it stands in the file, then the content; a checksum behind it is cut off.
    block: Vec<u8>,
    at: usize,
}

const HEAD: usize = 4;
const CHECKSUM: usize = 4;

impl<R: Read> BlockReader<R> {
    pub(super) fn new(from: R) -> Result<Self, Fault> {
        let mut reader = Self { from, next_offset: 0, index: 0, last: false, block: Vec::new(), at: 0 };
        let mut head = Vec::new();
        reader.read(MAGIC.len() + VERSION.to_le_bytes().len(), &mut head)?;
        let version = match head.split_first_chunk() {
            Some((MAGIC, version)) => version,
            _ => return Err(Fault::at(0, "it does not start as a snapshot does")),
        };
        if *version != VERSION.to_le_bytes() {
            return Err(Fault::at(MAGIC.len() as u64, format!("another version than {VERSION}")));
        }
        reader.next_offset = head.len() as u64;
        Ok(reader)
    }

    /// Where in the file the next byte is.
    pub(super) fn offset(&self) -> u64 {
        let left = self.block.len() - self.at;
        // Behind what is left of the block comes its checksum, then the next block.
        if left == 0 { self.next_offset } else { self.next_offset - (left + CHECKSUM) as u64 }
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self, len: u64) -> Result<String, Fault> {
        let offset = self.offset();
        let mut bytes = Vec::new();
        self.append(len, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Fault::at(offset, "a name that is not UTF-8"))
    }

    /// Appends the next `len` bytes. Allocates for the bytes that are read, not for `len`.
    pub(super) fn append(&mut self, mut len: u64, into: &mut Vec<u8>) -> Result<(), Fault> {
        while len > 0 {
            let bytes = self.some(len)?;
            into.extend_from_slice(bytes);
            len -= bytes.len() as u64;
        }
        Ok(())
    }

    /// Nothing may follow, neither in the block nor in the file.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        while !self.last && self.at == self.block.len() {
            self.next_block()?;
        }
        if self.at < self.block.len() {
            return Err(Fault::at(self.offset(), "more than the maps that were written"));
        }
        match (&mut self.from).take(1).read_to_end(&mut Vec::new()).map_err(Fault::Io)? {
            0 => Ok(()),
            _ => Err(Fault::at(self.next_offset, "more bytes after the last block")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        let mut filled = 0;
        while filled < N {
            let bytes = self.some((N - filled) as u64)?;
            array[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
        }
        Ok(array)
    }

    /// At least one and at most `limit` of the next bytes.
    fn some(&mut self, limit: u64) -> Result<&[u8], Fault> {
        while self.at == self.block.len() {
            if self.last {
                return Err(Fault::at(self.next_offset, "the last block ends within what was written"));
            }
            self.next_block()?;
        }
        let start = self.at;
        let len = usize::try_from(limit).unwrap_or(usize::MAX).min(self.block.len() - start);
        self.at += len;
        Ok(&self.block[start..self.at])
    }

    fn next_block(&mut self) -> Result<(), Fault> {
        let start = self.next_offset;
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        self.read(HEAD, &mut block)?;
        let length = block.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let content = (length & !LAST) as usize;
        if content > BLOCK_BYTES {
            return Err(Fault::at(
                start,
                format!("a block of {content} bytes, expected at most {BLOCK_BYTES}"),
            ));
        }
        self.read(content + CHECKSUM, &mut block)?;
        let checksum = block.split_off(HEAD + content);
        if checksum != super::checksum(self.index, &block).to_le_bytes() {
            return Err(Fault::at(start, "a block whose checksum is wrong"));
        }
        self.last = length & LAST != 0;
        self.next_offset = start + (HEAD + content + CHECKSUM) as u64;
        self.index += 1;
        (self.block, self.at) = (block, HEAD);
        Ok(())
    }

    /// Appends exactly `len` bytes of the file; `len` is never more than a block.
    fn read(&mut self, len: usize, into: &mut Vec<u8>) -> Result<(), Fault> {
        let read = (&mut self.from).take(len as u64).read_to_end(into).map_err(Fault::Io)?;
        if read < len {
            return Err(Fault::at(self.next_offset, "the file ends within it"));
        }
        Ok(())
    }
}
