//! Who is reachable under which network identifier, on a CAM of either kind.
//!
//! A CAM of registers takes an identifier wherever an entry is free. In a cuckoo CAM others may have to move first; the
//! [`Planner`] says who, and no bound identifier misses meanwhile.

use alloc::vec::Vec;

use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{Cam, Config, NetId, Update, UpdateError};
use thiserror::Error;

use crate::bus::RegisterBus;
use crate::driver::{Driver, DriverError};

/// Why an identifier could not be bound or unbound.
#[derive(Debug, Error)]
pub enum BindError<E: core::error::Error> {
    /// The driver failed; what the CAM holds is not known.
    #[error(transparent)]
    Driver(#[from] DriverError<E>),
    /// There is no way to do it; nothing changed.
    #[error("{0}")]
    Plan(PlanError),
    /// The controller refused; all identifiers that were bound are bound.
    #[error("the controller refused: {0}")]
    Refused(UpdateError),
    /// The controller's sizes are none that can be.
    #[error("the controller says that it has {bindings} bindings of {net_id_bits} bits, which cannot be")]
    Implausible {
        /// Bindings.
        bindings: u32,
        /// Bits of an identifier.
        net_id_bits: u32,
    },
}

/// The bindings of a controller, all made through this.
#[derive(Clone, Debug)]
pub struct Bindings {
    planner: Planner,
    /// Entries of the CAM.
    entries: u32,
}

impl Bindings {
    /// Those of a controller that has none yet.
    ///
    /// # Errors
    /// The controller's sizes are implausible.
    pub fn new<B: RegisterBus>(driver: &Driver<B>) -> Result<Bindings, BindError<B::Error>> {
        let sizes = driver.sizes();
        let (bindings, net_id_bits) = (sizes.bindings, sizes.net_id_bits);
        let cam = if sizes.is_cuckoo { Cam::Cuckoo } else { Cam::Register };
        let config = Config { bindings, net_id_bits, cam: Some(cam), ..Config::default() };
        config.validate().map_err(|_| BindError::Implausible { bindings, net_id_bits })?;
        Ok(Bindings { planner: Planner::new(&config), entries: config.cam_entries() })
    }

    /// Identifiers that are bound.
    pub fn len(&self) -> usize {
        self.planner.len()
    }

    /// Nobody is bound.
    pub fn is_empty(&self) -> bool {
        self.planner.is_empty()
    }

    /// The identifiers that a table is reachable under.
    pub fn of(&self, table: u16) -> Vec<NetId> {
        let bound = (0..self.entries).filter_map(|entry| self.planner.at(entry));
        bound.filter(|(_, of)| *of == table).map(|(net_id, _)| net_id).collect()
    }

    /// Makes a table reachable under an identifier.
    ///
    /// # Errors
    /// As [`BindError`] says.
    pub fn bind<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        net_id: NetId,
        table: u16,
    ) -> Result<(), BindError<B::Error>> {
        let plan = self.planner.bind(net_id, table).map_err(BindError::Plan)?;
        self.play(driver, &plan)
    }

    /// Ends a binding: when this returns, nothing that was granted under the identifier is under way.
    ///
    /// # Errors
    /// As [`BindError`] says.
    pub fn unbind<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        net_id: NetId,
    ) -> Result<(), BindError<B::Error>> {
        let plan = self.planner.unbind(net_id).map_err(BindError::Plan)?;
        self.play(driver, &plan)
    }

    /// The controller says that an identifier is not bound, so its unbinding was made and the answer lost.
    pub(crate) fn is_gone(&mut self, net_id: NetId, table: u16) {
        // An error says that it was not known as bound either.
        let _known = self.planner.follow(&Update::Unbind { table, net_id });
    }

    /// Plays a plan, and follows what was accepted.
    fn play<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        plan: &[Update],
    ) -> Result<(), BindError<B::Error>> {
        for update in plan {
            driver.update(update)?.map_err(BindError::Refused)?;
            self.planner.follow(update).map_err(BindError::Refused)?;
        }
        Ok(())
    }
}
