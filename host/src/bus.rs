//! How a driver reaches registers.

use thiserror::Error;

/// A bus of 32-bit registers, by byte offset from the first.
pub trait RegisterBus {
    /// Why the bus failed: a SLVERR, a device that is gone.
    type Error: core::error::Error;

    /// Reads a register.
    ///
    /// # Errors
    /// The bus failed.
    fn read(&mut self, offset: u32) -> Result<u32, Self::Error>;

    /// Writes a whole register.
    ///
    /// # Errors
    /// The bus failed, or the register refused; then nothing changed.
    fn write(&mut self, offset: u32, value: u32) -> Result<(), Self::Error>;
}

impl<B: RegisterBus> RegisterBus for &mut B {
    type Error = B::Error;

    fn read(&mut self, offset: u32) -> Result<u32, Self::Error> {
        (**self).read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Self::Error> {
        (**self).write(offset, value)
    }
}

/// What an AXI4-Lite port answers other than OKAY: the error of a bus that hears such answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AxiError {
    /// The controller refused: a reserved register, one that is only read, or a command while one is busy.
    #[error("SLVERR: the controller refused")]
    Slverr,
    /// Nothing answers at the address.
    #[error("DECERR: nothing answers at this address")]
    Decerr,
}

impl AxiError {
    /// The answer of a response channel: bits of `bresp` or `rresp`.
    ///
    /// # Errors
    /// It is not OKAY (nor EXOKAY, which AXI4-Lite does not have).
    pub fn check(response: u8) -> Result<(), AxiError> {
        match response & 0b11 {
            0b10 => Err(AxiError::Slverr),
            0b11 => Err(AxiError::Decerr),
            _ => Ok(()),
        }
    }
}
