//! What an update will go through, as far as that depends on what is stored.

use stagecoach_spec::latency::updates::UpdateCycles;
use stagecoach_spec::{Action, Cam, Command, Config, Counter, PeekEntry, Slices, Update, UpdateOp};

use super::fences::Era;
use crate::Golden;

/// The way of an update that is no `stage`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// It needs a search before it is judged.
    pub(super) searches: bool,
    pub(super) way: Way,
}

/// What follows the judgement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// It is refused.
    Refused,
    /// It does not concern the pipeline.
    Local(Storing),
    /// `harvest`.
    Harvest,
    /// `track` that stops.
    Untrack,
    /// `track` that starts: words of the bitmap to clear.
    Retrack { words: u64 },
    /// Tokens pass through the pipeline.
    Tokens(Tokens),
}

/// Whether something is stored at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storing {
    Nothing,
    Something,
}

/// The tokens of an update, numbered from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    pub(super) last: u32,
    /// With which the update is accepted.
    pub(super) accepted_with: u32,
    /// A fence: what has to be over behind the first token.
    pub(super) fence: Option<Era>,
    /// `clear_table`: cycles of clearing, behind the fence.
    pub(super) walk: Option<u32>,
}

impl Tokens {
    pub(super) const ONE: Tokens = Tokens { last: 0, accepted_with: 0, fence: None, walk: None };
}

/// The plan of a command. `ahead` is a model that has seen all commands before, and is told of this one here.
///
/// Requests change nothing that an update's way depends on, so a model that never sees them knows it: before the update
/// is accepted, and thus before the model that the requests ask may know of it.
pub(super) fn plan(ahead: &mut Golden, command: &Command) -> Plan {
    let searches = match UpdateOp::from_code(command.op) {
        Some(UpdateOp::Bind | UpdateOp::Unbind | UpdateOp::SetTable) => true,
        // Where there is no such thing, it is refused at once.
        Some(UpdateOp::Move) => ahead.config.cam_kind() == Cam::Cuckoo,
        // To stop meets nobody else's bitmap.
        Some(UpdateOp::Track) => starts_tracking(command),
        _ => false,
    };
    let decoded = command.decode(&ahead.staged, &ahead.config);
    let before = decoded.ok().map(|action| (action, Before::of(ahead, &action)));
    let accepted = ahead.command(command).is_ok();
    let way = match before {
        Some((Action::Update(update), before)) if accepted => way(&update, &before, &ahead.config),
        _ => Way::Refused,
    };
    Plan { searches, way }
}

/// What stands before the update is applied.
struct Before {
    era: Era,
    slices: Slices,
    replaces_page: bool,
}

impl Before {
    fn of(golden: &Golden, action: &Action) -> Before {
        let table = match action {
            Action::Update(update) => table_of(update),
            Action::Stage { .. } => 0,
        };
        let state = golden.tables.tables.get(&table);
        let replaces_page = match action {
            Action::Update(Update::SetSlot { table, slot, .. }) => {
                golden.tables.slots.get(*table, *slot).is_some()
            }
            _ => false,
        };
        Before {
            era: (table, state.is_some_and(|state| state.epoch)),
            slices: state.map(|state| state.slices).unwrap_or_default(),
            replaces_page,
        }
    }
}

fn way(update: &Update, before: &Before, config: &Config) -> Way {
    let Before { era, slices, .. } = *before;
    match *update {
        Update::Harvest { .. } => Way::Harvest,
        Update::Track { granule_shift: 0, .. } => Way::Untrack,
        Update::Track { granule_shift, .. } => {
            Way::Retrack { words: Config::dirty_words_of(slices.window_count, granule_shift.into()) }
        }
        Update::Peek { entry: PeekEntry::Binding { .. } | PeekEntry::Table { .. }, .. } => {
            Way::Local(Storing::Nothing)
        }
        Update::Inject { stored, .. } => match stored.space() {
            // The lookups' memories: what is stored there is read with one token and written with another. A register
            // is flipped where it stands.
            0 if config.cam_kind() == Cam::Register => Way::Tokens(Tokens::ONE),
            0..=3 => Way::Tokens(Tokens { last: 1, accepted_with: 1, ..Tokens::ONE }),
            _ => Way::Local(Storing::Something),
        },
        // Nobody stands in the way, so no request can tell when it is.
        Update::Reseed { .. } => Way::Local(Storing::Something),
        Update::ClearTable { .. } => {
            let walk = UpdateCycles::walk(config, slices.region_count, slices.slot_count);
            // One token more for each counter of requests.
            let last = Counter::Corrected.index();
            Way::Tokens(Tokens { last, accepted_with: 0, fence: Some(era), walk: Some(walk) })
        }
        _ => {
            let fence = (update.is_fence() || before.replaces_page).then_some(era);
            Way::Tokens(Tokens { fence, ..Tokens::ONE })
        }
    }
}

/// The table that an update changes; 0 for those that look at something else.
fn table_of(update: &Update) -> u16 {
    match *update {
        Update::SetTable { table, .. }
        | Update::ClearTable { table }
        | Update::Bind { table, .. }
        | Update::Unbind { table, .. }
        | Update::Move { table, .. }
        | Update::Freeze { table }
        | Update::Thaw { table }
        | Update::Install { table, .. }
        | Update::Invalidate { table, .. }
        | Update::SetSlot { table, .. }
        | Update::ClearSlot { table, .. }
        | Update::Track { table, .. }
        | Update::Harvest { table, .. }
        | Update::ReadCounter { table, .. } => table,
        Update::Peek { .. } | Update::Inject { .. } | Update::Reseed { .. } => 0,
    }
}

/// Whether the bits that hold the granule's shift are not all zero, whatever else the word holds.
fn starts_tracking(command: &Command) -> bool {
    command.data & 0x1f != 0
}
