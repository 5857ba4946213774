//! What a machine has to offer: its card's update port with epochs, and its memory.

use stagecoach_host::{Driver, RegisterBus};
use stagecoach_log::UpdatePort;

/// An update port whose updates carry an epoch, as register `epoch` of the controller does.
pub trait EpochPort: UpdatePort {
    /// The epoch of what follows.
    ///
    /// # Errors
    /// As those of an update.
    fn set_epoch(&mut self, epoch: u32) -> Result<(), Self::Error>;
}

impl<B: RegisterBus> EpochPort for Driver<B> {
    fn set_epoch(&mut self, epoch: u32) -> Result<(), Self::Error> {
        Driver::set_epoch(self, epoch)
    }
}

/// The machine under the VM: memory by frames, the VM's CPU, and the way that the network takes to it.
pub trait Host {
    /// The 4096 bytes of a frame.
    fn read_frame(&mut self, frame: u64) -> Vec<u8>;

    /// Writes a frame.
    fn write_frame(&mut self, frame: u64, bytes: &[u8]);

    /// Frames that the VM's own CPU wrote since it was last asked. Every one is told once at least.
    fn take_written_frames(&mut self) -> Vec<u64>;

    /// The VM's CPU stands still.
    fn pause(&mut self);

    /// It goes on.
    fn resume(&mut self);

    /// The network sends the VM's clients here.
    fn redirect(&mut self);

    /// What the transport keeps of each of the VM's queue pairs, by its number: expected sequence number, saved atomic results, open
    /// messages; at most [`stagecoach_log::MOST_STATE_BYTES`] each. Asked behind the freeze: nothing of the VM is under way at the card,
    /// and the transport takes no packet of it any more. A host without a transport has none.
    fn transport_state(&mut self) -> Vec<(u32, Vec<u8>)> {
        Vec::new()
    }

    /// The transport goes on from what another machine's kept. Asked before the VM is served here, perhaps more than once.
    fn take_transport_state(&mut self, _state: Vec<(u32, Vec<u8>)>) {}
}
