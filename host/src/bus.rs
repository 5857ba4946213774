//! How a driver reaches registers.

/// A bus of 32-bit registers, by byte offset from the first.
pub trait RegisterBus {
    /// Why the bus failed: a SLVERR, a device that is gone.
    type Error: std::error::Error;

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
