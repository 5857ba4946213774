//! Opens a file that may be gzipped, and tells damage to the gzip stream from other failures.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Marks an I/O error as damage found by the gzip decoder (bad header, checksum or early end).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct GzipDamage(String);

/// A decompressor whose own errors can be told from those of the file below it.
struct Gunzip<R: Read>(MultiGzDecoder<R>);

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other(GzipDamage("the gzip stream ends early".into())),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::other(GzipDamage(error.to_string()))
            }
            _ => error,
        })
    }
}

/// The bytes of a file, decompressed when it starts with the gzip magic (RFC 1952), together
/// with its first bytes (at most `peek`) for recognising the format.
pub(crate) fn open(path: &Path, peek: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let (magic, plain) = peeked(File::open(path)?, 2)?;
    let bytes: Box<dyn Read + Send> = if magic == [0x1f, 0x8b] {
        Box::new(Gunzip(MultiGzDecoder::new(BufReader::new(plain))))
    } else {
        Box::new(plain)
    };
    let (start, bytes) = peeked(bytes, peek)?;
    Ok((start, Box::new(BufReader::new(bytes))))
}

/// The first bytes of a stream, and the stream from its beginning.
fn peeked<R: Read>(mut from: R, count: usize) -> io::Result<(Vec<u8>, impl Read)> {
    let mut start = Vec::with_capacity(count);
    from.by_ref().take(count as u64).read_to_end(&mut start)?;
    let again = io::Cursor::new(start.clone());
    Ok((start, again.chain(from)))
}

/// The gzip decoder's words, if it was the one that failed.
pub(crate) fn gzip_damage(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<GzipDamage>()?;
    Some(inner.to_string())
}
