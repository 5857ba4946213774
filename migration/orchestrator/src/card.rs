//! One VM's table and memory on a machine: what the effects of the protocol do there.

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_log::compaction::End;
use stagecoach_log::{
    Change, Destination, Header, Log, LogError, Plan, Relocation, ReplayError, binary, compact, plan,
};
use stagecoach_protocol::Epoch;
use stagecoach_spec::{Config, Slices, Update, UpdateError};
use thiserror::Error;

use crate::host::{EpochPort, Host};
use crate::packet::{Image, PAGE_BYTES, digest};

/// Where the VM's table stands on this machine.
#[derive(Clone, Debug)]
pub struct Place {
    /// The card's configuration.
    pub config: Config,
    /// The table.
    pub table: u16,
    /// Its slices and its window. Guest page n lies in the window's frame n, so the window begins at a multiple of the
    /// largest page size that the VM uses.
    pub slices: Slices,
    /// First word of its bitmap in the dirty pool.
    pub dirty_base: u32,
    /// Bindings that are kept free for the VM's network identifiers: nobody else may take them, or it could be bound nowhere
    /// when the source has let it go.
    pub bindings: u32,
}

/// What went wrong at the card. Nothing is served that was not before.
#[derive(Debug, Error)]
pub enum CardError {
    /// The port failed.
    #[error("the card's port failed: {0}; reset the card, and start again from the journal")]
    Port(String),
    /// The card refused.
    #[error("the card refused {what}: {error}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Why not.
        error: UpdateError,
    },
    /// There is no VM.
    #[error("no VM stands in table {0}; was its log lost?")]
    NoVm(u16),
    /// The log is damaged or of another attempt.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has no room here.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Pages are missing or differ.
    #[error("{} of {all} guest pages are not as the source has them: it is asked for them", wrong.len())]
    Pages {
        /// Which.
        wrong: Vec<u64>,
        /// Of how many.
        all: usize,
    },
    /// A page has another size than a page.
    #[error(
        "guest page {page:#x} came with {bytes} bytes, not {PAGE_BYTES}; do both ends have the same version?"
    )]
    PageBytes {
        /// The page.
        page: u64,
        /// What came.
        bytes: usize,
    },
    /// A guest page has no frame here.
    #[error("guest page {page:#x} lies beyond the window of {frames:#x} frames; give the VM a larger one")]
    BeyondWindow {
        /// The page.
        page: u64,
        /// The window's frames.
        frames: u64,
    },
}

/// What is known of the VM here.
#[derive(Clone, Debug)]
struct Guest {
    header: Header,
    changes: Vec<Change>,
    bound: bool,
}

/// A card and the machine under it, for one VM.
#[derive(Debug)]
pub struct Card<P, H> {
    port: P,
    host: H,
    place: Place,
    guest: Option<Guest>,
    tracked: bool,
    /// A table that was built ahead, and the epoch before which nothing of it can be bound.
    ahead: Option<(Epoch, Plan)>,
    /// Guest pages that the destination does not have as they are.
    dirty: BTreeSet<u64>,
}

impl<P: EpochPort, H: Host> Card<P, H> {
    /// A card without the VM.
    pub fn new(port: P, host: H, place: Place) -> Card<P, H> {
        Card { port, host, place, guest: None, tracked: false, ahead: None, dirty: BTreeSet::new() }
    }

    /// Port and host, for others who use them.
    pub fn parts(&mut self) -> (&mut P, &mut H) {
        (&mut self.port, &mut self.host)
    }

    /// Port and host, back again.
    pub fn into_parts(self) -> (P, H) {
        (self.port, self.host)
    }

    /// The shortest log of the VM as it is, for an epoch.
    ///
    /// # Errors
    /// There is no VM.
    pub fn log(&self, epoch: Epoch) -> Result<Log, CardError> {
        let guest = self.guest()?;
        let header = Header { epoch: epoch.0, ..guest.header.clone() };
        Ok(compact(&Log::new(header, guest.changes.clone())?)?)
    }

    /// A change of the VM's table: at the card, then in the log.
    ///
    /// # Errors
    /// The card refused it, and nothing changed.
    pub fn change(&mut self, change: Change) -> Result<(), CardError> {
        let page_shifts = self.guest()?.header.page_shifts.clone();
        let (table, base) = (self.place.table, self.place.slices.window_base);
        let size = |index: u8| {
            let shift = page_shifts.get(usize::from(index)).copied().unwrap_or(0);
            self.place.config.page_size_index(shift).ok_or(ReplayError::PageSize(index))
        };
        let mut here = change.clone();
        match &mut here {
            Change::SetSlot { page_size, .. } => *page_size = size(*page_size)?,
            Change::Install { region, .. } => region.page_size = size(region.page_size)?,
            _ => {}
        }
        let Some(update) = here.update(table, |page| base + page) else {
            self.note(change);
            return Ok(());
        };
        self.update("a change of the table", &update)?;
        if let (true, Change::SetSlot { page, page_size, .. }) = (self.tracked, &change) {
            // Memory that the destination has never heard of.
            self.dirty.extend(pages_of(*page, *page_size, &page_shifts));
        }
        self.note(change);
        Ok(())
    }

    fn note(&mut self, change: Change) {
        if let Some(guest) = &mut self.guest {
            guest.changes.push(change);
        }
    }

    /// Starts tracking; every page is to be copied.
    pub(crate) fn track(&mut self) -> Result<(), CardError> {
        let (table, dirty_base) = (self.place.table, self.place.dirty_base);
        self.update("tracking", &Update::Track { table, granule_shift: 12, dirty_base })?;
        self.host.take_written_frames();
        self.tracked = true;
        self.dirty = self.guest_pages()?;
        Ok(())
    }

    /// Guest pages that were written since the last call, by the card or the VM's CPU, or are to be copied for the first time.
    pub(crate) fn take_dirty(&mut self) -> Result<BTreeSet<u64>, CardError> {
        self.gather()?;
        Ok(std::mem::take(&mut self.dirty))
    }

    fn gather(&mut self) -> Result<(), CardError> {
        if !self.tracked {
            return Ok(());
        }
        let Place { table, slices, .. } = self.place;
        let words = Config::dirty_words_of(slices.window_count, 12) as u32;
        for word in 0..words {
            let bits = self.update("a harvest", &Update::Harvest { table, word })?;
            self.dirty
                .extend((0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| u64::from(word) * 64 + bit));
        }
        let written = self.host.take_written_frames();
        self.dirty.extend(written.into_iter().filter_map(|frame| frame.checked_sub(slices.window_base)));
        // The VM's own pages; who else has some of the window is copied with whom it belongs to.
        let pages = self.guest_pages()?;
        self.dirty.retain(|page| pages.contains(page));
        Ok(())
    }

    /// The bytes of a guest page.
    pub(crate) fn page(&mut self, page: u64) -> Result<Vec<u8>, CardError> {
        let frame = self.frame(page)?;
        Ok(self.host.read_frame(frame))
    }

    /// A page of a round, at the destination.
    pub(crate) fn takes_page(&mut self, page: u64, bytes: &[u8]) -> Result<(), CardError> {
        let frame = self.frame(page)?;
        if bytes.len() != PAGE_BYTES {
            return Err(CardError::PageBytes { page, bytes: bytes.len() });
        }
        self.host.write_frame(frame, bytes);
        Ok(())
    }

    /// The VM stands still, and nothing of it is under way.
    pub(crate) fn freeze(&mut self) -> Result<(), CardError> {
        self.host.pause();
        self.update("freeze", &Update::Freeze { table: self.place.table })?;
        Ok(())
    }

    /// All that the destination may miss, behind the fence.
    pub(crate) fn image(&mut self, attempt: Epoch) -> Result<Image, CardError> {
        self.gather()?;
        let of_queue_pairs = self.host.transport_state();
        let states =
            of_queue_pairs.into_iter().map(|(stream, state)| Change::TransportState { stream, state });
        let whole = self.log(attempt)?;
        let changes = whole.changes().iter().cloned().chain(states).collect();
        let log = binary::write(&Log::new(whole.header().clone(), changes)?);
        let mut last = Vec::new();
        for page in self.dirty.clone() {
            last.push((page, self.page(page)?));
        }
        let mut digests = Vec::new();
        for page in self.guest_pages()? {
            digests.push((page, digest(&self.page(page)?)));
        }
        Ok(Image { log, last, digests })
    }

    /// Whether an image is whole, with the pages that came before it, and has room here. Nothing changes but frames that are
    /// nobody's yet.
    pub(crate) fn verify(&mut self, attempt: Epoch, image: &Image) -> Result<(), CardError> {
        let log = binary::read(&image.log, attempt.0)?;
        self.plan(&log)?;
        for (page, bytes) in &image.last {
            self.takes_page(*page, bytes)?;
        }
        let wanted: BTreeMap<u64, [u8; 32]> = image.digests.iter().copied().collect();
        let mut wrong = Vec::new();
        for page in pages_of_log(&log) {
            if wanted.get(&page) != Some(&digest(&self.page(page)?)) {
                wrong.push(page);
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(CardError::Pages { wrong, all: wanted.len() }) }
    }

    /// Pages that the destination asks for are in the next image.
    pub(crate) fn owes(&mut self, pages: &[u64]) -> Result<(), CardError> {
        let known = self.guest_pages()?;
        self.dirty.extend(pages.iter().copied().filter(|page| known.contains(page)));
        Ok(())
    }

    /// Builds what another machine sent, frozen and unbound; nothing older than `floor` is bound or thawed from now on.
    pub(crate) fn stage(&mut self, log: &Log, floor: Epoch) -> Result<(), CardError> {
        self.build(log, floor)?;
        let states = log.changes().iter().filter_map(|change| match change {
            Change::TransportState { stream, state } => Some((*stream, state.clone())),
            _ => None,
        });
        self.host.take_transport_state(states.collect());
        Ok(())
    }

    /// Builds a table of what the source says before the end, so that little is left to do then. Nobody is bound to it.
    pub(crate) fn build_ahead(&mut self, log: &Log, floor: Epoch) -> Result<(), CardError> {
        self.wipe(log.header())?;
        let plan = self.plan(log)?;
        self.set_epoch(floor)?;
        plan.prepare_ahead(&mut self.port)?;
        self.ahead = Some((floor, plan));
        Ok(())
    }

    /// Builds the table from a log, frozen and unbound; of one that was built ahead, only what differs.
    fn build(&mut self, log: &Log, floor: Epoch) -> Result<(), CardError> {
        let plan = self.plan(log)?;
        let ahead = self.ahead.as_ref().filter(|(before, _)| *before == floor);
        match ahead.and_then(|(_, before)| plan.changes_from(before)) {
            Some(changes) => {
                for update in &changes {
                    self.update("a change of a table that was built ahead", update)?;
                }
                self.ahead = None;
            }
            None => {
                self.wipe(log.header())?;
                self.set_epoch(floor)?;
                plan.prepare(&mut self.port)?;
            }
        }
        self.guest = Some(Guest { header: log.header().clone(), changes: of_table(log), bound: false });
        Ok(())
    }

    /// Builds the table again as it was when it was served in an epoch, frozen and bound.
    pub(crate) fn rebuild_bound(&mut self, log: &Log, epoch: Epoch) -> Result<(), CardError> {
        // The transport's own state is newer than what once came with the log.
        self.build(log, epoch)?;
        self.bind_all(epoch)
    }

    /// Serves from now on, at a new epoch.
    pub(crate) fn bind(&mut self, epoch: Epoch) -> Result<(), CardError> {
        self.bind_all(epoch)?;
        self.host.redirect();
        self.thaw(epoch)
    }

    /// Goes on serving.
    pub(crate) fn thaw(&mut self, epoch: Epoch) -> Result<(), CardError> {
        self.set_epoch(epoch)?;
        self.update("thaw", &Update::Thaw { table: self.place.table })?;
        self.host.resume();
        Ok(())
    }

    /// Unbinds and clears.
    pub(crate) fn clear(&mut self) -> Result<(), CardError> {
        if let Some(guest) = self.guest.take() {
            self.wipe(&guest.header)?;
        }
        if let Some((_, plan)) = self.ahead.take() {
            self.wipe(plan.header())?;
        }
        self.dirty.clear();
        Ok(())
    }

    /// The VM stands still, and whatever an earlier process left of it in the table goes.
    pub(crate) fn forget(&mut self, header: &Header) -> Result<(), CardError> {
        self.host.pause();
        self.wipe(header)
    }

    /// Whatever stands in the table goes, if anything does.
    fn wipe(&mut self, header: &Header) -> Result<(), CardError> {
        let table = self.place.table;
        self.tracked = false;
        self.ahead = None;
        let unbinds = header.net_ids.iter().map(|net_id| Update::Unbind { table, net_id: *net_id });
        for update in unbinds.chain([Update::ClearTable { table }]) {
            // Refused means that there is nothing of it.
            let _nothing = self.port.update(&update).map_err(|error| CardError::Port(error.to_string()))?;
        }
        self.guest = None;
        Ok(())
    }

    fn bind_all(&mut self, epoch: Epoch) -> Result<(), CardError> {
        let table = self.place.table;
        let guest = self.guest()?;
        if guest.bound {
            return Ok(());
        }
        let net_ids = guest.header.net_ids.clone();
        self.set_epoch(epoch)?;
        for net_id in net_ids {
            self.update("bind", &Update::Bind { table, net_id })?;
        }
        if let Some(guest) = &mut self.guest {
            guest.bound = true;
        }
        Ok(())
    }

    fn plan(&self, log: &Log) -> Result<stagecoach_log::Plan, CardError> {
        let Place { config, table, slices, bindings, .. } = &self.place;
        let pairs = pages_of_log(log).into_iter().map(|page| (page, slices.window_base + page));
        let map = Relocation::new(pairs).unwrap_or_default();
        let free_bindings = *bindings;
        Ok(plan(log, &map, Destination { config, table: *table, slices: *slices, free_bindings })?)
    }

    fn guest(&self) -> Result<&Guest, CardError> {
        self.guest.as_ref().ok_or(CardError::NoVm(self.place.table))
    }

    fn guest_pages(&self) -> Result<BTreeSet<u64>, CardError> {
        let guest = self.guest()?;
        Ok(pages(&guest.changes, &guest.header.page_shifts))
    }

    fn frame(&self, page: u64) -> Result<u64, CardError> {
        let slices = &self.place.slices;
        if page >= slices.window_count {
            return Err(CardError::BeyondWindow { page, frames: slices.window_count });
        }
        Ok(slices.window_base + page)
    }

    fn set_epoch(&mut self, epoch: Epoch) -> Result<(), CardError> {
        self.port.set_epoch(epoch.0).map_err(|error| CardError::Port(error.to_string()))
    }

    fn update(&mut self, what: &'static str, update: &Update) -> Result<u64, CardError> {
        match self.port.update(update) {
            Ok(answer) => answer.map_err(|error| CardError::Refused { what, error }),
            Err(error) => Err(CardError::Port(error.to_string())),
        }
    }
}

/// The changes of a log without its freeze, since whether it serves is the protocol's, and without what the transport kept, which
/// gets old.
fn of_table(log: &Log) -> Vec<Change> {
    let kept = |change: &&Change| {
        !matches!(change, Change::Freeze | Change::Thaw | Change::Bind { .. } | Change::TransportState { .. })
    };
    log.changes().iter().filter(kept).cloned().collect()
}

/// The guest pages that slots name in the end.
fn pages(changes: &[Change], page_shifts: &[u32]) -> BTreeSet<u64> {
    let slots = End::of(changes).slots;
    slots.values().flat_map(|(page, size)| pages_of(*page, *size, page_shifts)).collect()
}

fn pages_of_log(log: &Log) -> BTreeSet<u64> {
    pages(log.changes(), &log.header().page_shifts)
}

fn pages_of(page: u64, size: u8, page_shifts: &[u32]) -> std::ops::Range<u64> {
    let shift = page_shifts.get(usize::from(size)).copied().unwrap_or(12);
    page..page + (1 << (shift - 12))
}
