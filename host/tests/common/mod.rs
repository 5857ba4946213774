//! A controller of plain Rust.

use stagecoach_host::{AxiError, RegisterBus};
use stagecoach_model::Golden;
use stagecoach_spec::registers::Register;
use stagecoach_spec::{Answer, Command, Config, UpdateError};

/// The registers, written from their page, before the golden model.
pub struct ModelBus {
    config: Config,
    pub golden: Golden,
    table: u32,
    index: u32,
    data: [u32; 2],
    answer: Option<Answer>,
}

impl ModelBus {
    pub fn new(config: Config) -> ModelBus {
        let golden = Golden::new(&config);
        ModelBus { config, golden, table: 0, index: 0, data: [0; 2], answer: None }
    }
}

impl RegisterBus for ModelBus {
    type Error = AxiError;

    fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
        let Some(register) = Register::at(offset) else { return Ok(0) };
        if let Some(value) = register.constant(&self.config) {
            return Ok(value);
        }
        let result = self.answer.and_then(Result::ok).unwrap_or(0);
        Ok(match register {
            Register::Status => {
                let error = self.answer.and_then(Result::err).map_or(0, UpdateError::code);
                1 | u32::from(self.answer.is_some()) << 2 | u32::from(error) << 8
            }
            Register::ResultLow => result as u32,
            Register::ResultHigh => (result >> 32) as u32,
            _ => 0,
        })
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), AxiError> {
        let register = Register::at(offset).ok_or(AxiError::Slverr)?;
        if value & !register.description().mask() != 0 {
            return Err(AxiError::Slverr);
        }
        match register {
            Register::Table => self.table = value,
            Register::Index => self.index = value,
            Register::DataLow => self.data[0] = value,
            Register::DataHigh => self.data[1] = value,
            Register::Command => {
                let data = u64::from(self.data[1]) << 32 | u64::from(self.data[0]);
                let command = Command { op: value as u8, table: self.table as u16, index: self.index, data };
                self.answer = Some(self.golden.command(&command));
            }
            _ => return Err(AxiError::Slverr),
        }
        Ok(())
    }
}
