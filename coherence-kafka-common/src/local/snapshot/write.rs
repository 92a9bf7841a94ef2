//! Cuts what is written into blocks.

use std::io::{self, Write};

use super::{BLOCK_BYTES, LAST, MAGIC, VERSION};

pub(super) struct BlockWriter<W> {
    to: W,
    /// Room for the length, then the content so far.
    block: Vec<u8>,
    index: u64,
}

const HEAD: usize = 4;

impl<W: Write> BlockWriter<W> {
    pub(super) fn new(mut to: W) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { to, block: vec![0; HEAD], index: 0 })
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = HEAD + BLOCK_BYTES - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if now.len() == room {
                self.write_block(0)?;
            }
        }
        Ok(())
    }

    /// Writes the last block and gives the file back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_block(LAST)?;
        Ok(self.to)
    }

    fn write_block(&mut self, last: u32) -> io::Result<()> {
        let length = (self.block.len() - HEAD) as u32 | last;
        self.block[..HEAD].copy_from_slice(&length.to_le_bytes());
        let checksum = super::checksum(self.index, &self.block);
        self.block.extend_from_slice(&checksum.to_le_bytes());
        self.to.write_all(&self.block)?;
        self.block.truncate(HEAD);
        self.index += 1;
        Ok(())
    }
}
