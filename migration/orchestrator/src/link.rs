//! The way to the other machine. In a real deployment it is authenticated and encrypted: TLS or IPsec can stand behind the
//! trait.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use stagecoach_protocol::Address;
use thiserror::Error;

use crate::packet::Packet;

/// Most bytes of a packet: an image of a million pages' digests fits.
pub const MOST_PACKET_BYTES: u32 = 256 << 20;

/// Why nothing was sent or came.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The connection broke, or was closed.
    #[error("the link broke: {0}; connect again, nothing is lost but time")]
    Io(#[from] io::Error),
    /// A packet is longer than any may be.
    #[error(
        "a packet of {0} bytes is announced, {MOST_PACKET_BYTES} is the most; is the other end a Stagecoach?"
    )]
    TooLong(u32),
    /// The bytes are no packet.
    #[error("{0} bytes came that are no packet: {1}; do both ends have the same version?")]
    NoPacket(usize, postcard::Error),
}

/// Sends packets. What is sent may get lost: the protocol says it again.
pub trait Link {
    /// Sends a packet to the peer or the arbiter.
    ///
    /// # Errors
    /// It is sure not to arrive.
    fn send(&mut self, to: Address, packet: &Packet) -> Result<(), LinkError>;
}

/// A connection to the peer; packets to an arbiter's node are not for it and are dropped.
#[derive(Debug)]
pub struct TcpLink(TcpStream);

impl TcpLink {
    /// Over a connected stream. `timeout` bounds each read and write.
    ///
    /// # Errors
    /// The stream does not take a timeout.
    pub fn new(stream: TcpStream, timeout: Duration) -> Result<TcpLink, LinkError> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(TcpLink(stream))
    }

    /// The next packet; nothing if none came in time.
    ///
    /// # Errors
    /// The connection broke, also within a packet, or what came is none.
    pub fn receive(&mut self) -> Result<Option<Packet>, LinkError> {
        let mut length = [0; 4];
        match self.0.read(&mut length[..1]) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        self.0.read_exact(&mut length[1..])?;
        let length = u32::from_le_bytes(length);
        if length > MOST_PACKET_BYTES {
            return Err(LinkError::TooLong(length));
        }
        // Grows with what comes, whatever was announced.
        let mut bytes = Vec::new();
        (&self.0).take(length.into()).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        postcard::from_bytes(&bytes).map(Some).map_err(|error| LinkError::NoPacket(bytes.len(), error))
    }
}

impl Link for TcpLink {
    fn send(&mut self, to: Address, packet: &Packet) -> Result<(), LinkError> {
        if to == Address::Arbiter {
            return Ok(());
        }
        let bytes = postcard::to_stdvec(packet).map_err(|error| LinkError::NoPacket(0, error))?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length > MOST_PACKET_BYTES {
            return Err(LinkError::TooLong(length));
        }
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(&bytes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    use stagecoach_protocol::{Epoch, Message};

    fn pair() -> (TcpStream, TcpLink) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = TcpLink::new(listener.accept().unwrap().0, Duration::from_millis(50)).unwrap();
        (near, far)
    }

    #[test]
    fn packets_arrive_whole_and_in_order_and_silence_is_no_error() {
        let (near, mut far) = pair();
        assert!(far.receive().unwrap().is_none());
        let packets = [
            Packet::Page { attempt: Epoch(2), page: 7, bytes: vec![5; 4096] },
            Packet::Protocol(Message::Commit(Epoch(2))),
        ];
        let mut near = TcpLink::new(near, Duration::from_secs(1)).unwrap();
        for packet in &packets {
            near.send(Address::Peer, packet).unwrap();
            near.send(Address::Arbiter, packet).unwrap();
        }
        for packet in packets {
            assert_eq!(far.receive().unwrap(), Some(packet));
        }
        assert!(far.receive().unwrap().is_none(), "what is for the arbiter does not come here");
        drop(near);
        assert!(matches!(far.receive(), Err(LinkError::Io(_))), "closed");
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        let refused = |bytes: &[u8]| {
            let (mut near, mut far) = pair();
            near.write_all(bytes).unwrap();
            drop(near);
            far.receive().unwrap_err()
        };
        assert!(matches!(refused(&u32::MAX.to_le_bytes()), LinkError::TooLong(u32::MAX)));
        assert!(matches!(refused(&[3, 0, 0, 0, 255, 255, 255]), LinkError::NoPacket(3, _)));
        assert!(matches!(refused(&[9, 0, 0, 0, 1]), LinkError::Io(_)), "cut within a packet");
        assert!(matches!(refused(&[9, 0]), LinkError::Io(_)), "cut within its length");
    }
}
