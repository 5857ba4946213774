//! The controller's registers, as its AXI4-Lite port shows them: the one description from which come the hardware's
//! decoder, `registers.json`, `registers.md` and `registers.h` beside the Verilog, and these constants.
//!
//! | offsets | what stands there |
//! | --- | --- |
//! | 0x000 to 0x00f | what it is, and how it is |
//! | 0x010 to 0x03f | the configuration, read back |
//! | 0x040 to 0x05f | one command at the [update port](crate::command), and its answer |
//! | 0x060 to 0x067 | interrupts |
//! | 0x068 to 0x06b | the registration log |
//! | 0x100 to 0x12f | the packet decoder's queue pairs ([`crate::queue_pair`]); reserved without a decoder |
//! | 0x130 to 0x147 | what became of frames; reserved without a decoder |
//!
//! All registers are 32 bits wide and lie at multiples of four; the two lowest address bits are ignored. Byte strobes
//! are obeyed where a register can be written. What is not listed is reserved: it reads as zero, and a write there is
//! answered SLVERR and changes nothing, as is one to a register that is only read.
//!
//! A command: write TABLE, INDEX and DATA, then COMMAND; wait for `done` in STATUS (or the interrupt); read `error`
//! there, and RESULT. While a command is busy, and before `init_done`, writes to these are answered SLVERR and change
//! nothing, so a driver that forgot to wait hears of it and disturbs nobody.

use serde::Serialize;

use crate::config::{Cam, Config, FrameWindows, Protection};

/// What [`Register::Id`] reads as: "STAG" in ASCII, the first letter in the highest byte.
pub const ID: u32 = 0x5354_4147;
/// Layout of the registers: the major number in the upper half changes when old drivers break.
pub const VERSION: u32 = 0x0001_0002;
/// Bits of an address at the port: a page of 4 KiB.
pub const ADDRESS_BITS: u32 = 12;

/// Who may change a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Only read.
    ReadOnly,
    /// Read and written.
    ReadWrite,
    /// Read; a one that is written clears its bit.
    WriteOneToClear,
    /// Written; a write does something. Reads as zero.
    WriteOnly,
}

/// Some bits of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// In lower snake case.
    pub name: &'static str,
    /// Lowest bit.
    pub low: u32,
    /// Bits.
    pub bits: u32,
    /// What they say.
    pub doc: &'static str,
}

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// In lower snake case.
    pub name: &'static str,
    /// Bytes from the first register.
    pub offset: u32,
    /// Who may change it.
    pub access: Access,
    /// Its fields from the lowest bit on. Bits of none are reserved: they read as zero and must be written as zero,
    /// otherwise the write is answered SLVERR and changes nothing.
    pub fields: &'static [Field],
    /// What it is for.
    pub doc: &'static str,
}

impl Description {
    /// A one where a field is.
    pub const fn mask(&self) -> u32 {
        let (mut mask, mut number) = (0, 0);
        while number < self.fields.len() {
            let field = &self.fields[number];
            mask |= ((1u64 << field.bits) - 1) as u32 * (1 << field.low);
            number += 1;
        }
        mask
    }
}

/// A field of some bits.
const fn field(name: &'static str, low: u32, bits: u32, doc: &'static str) -> Field {
    Field { name, low, bits, doc }
}

/// Writes the enumeration, and what it says of each register.
macro_rules! registers {
    ($($(#[doc = $doc:literal])+ $register:ident = $offset:literal $name:literal $access:ident [$($field:expr),+ $(,)?];)+) => {
        /// The registers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Register {
            $($(#[doc = $doc])+ $register = $offset,)+
        }

        impl Register {
            /// All, by offset.
            pub const ALL: &[Register] = &[$(Register::$register),+];

            /// What the contract says of it.
            pub const fn description(self) -> Description {
                match self {
                    $(Register::$register => {
                        const FIELDS: &[Field] = &[$($field),+];
                        Description {
                            name: $name,
                            offset: $offset,
                            access: Access::$access,
                            fields: FIELDS,
                            doc: concat!($($doc),+),
                        }
                    })+
                }
            }
        }
    };
}

registers! {
    /// "STAG" in ASCII: this is a Stagecoach controller.
    Id = 0x000 "id" ReadOnly [field("id", 0, 32, "0x53544147")];
    /// Layout of these registers.
    Version = 0x004 "version" ReadOnly [
        field("minor", 0, 16, "goes up when registers are added"),
        field("major", 16, 16, "goes up when drivers for older layouts break"),
    ];
    /// What this controller can do beyond the least.
    Capabilities = 0x008 "capabilities" ReadOnly [
        field("cuckoo", 0, 1, "the CAM is a cuckoo table: `move` and `reseed` exist, and inserts are planned"),
        field("parity", 1, 1, "stored words are guarded by parity"),
        field("secded", 2, 1, "stored words are guarded by SECDED"),
        field("fault_log", 3, 1, "refused requests are logged"),
        field("shared_frames", 4, 1, "frame windows of tables may overlap, since an IOMMU tells tables apart"),
        field("registration_log", 5, 1, "changes are logged at m_axis_log, and epochs are checked"),
        field("packet_decoder", 6, 1, "RoCEv2 frames come in, and queue pairs are known"),
    ];
    /// How the controller is.
    Status = 0x00c "status" ReadOnly [
        field("init_done", 0, 1, "every stored entry is clear; commands are taken"),
        field("busy", 1, 1, "a command is under way"),
        field("done", 2, 1, "the last command was answered; cleared by the next"),
        field("error", 8, 8, "why the last command was refused, 0 if it was not"),
    ];
    /// Mapping tables.
    Tables = 0x010 "tables" ReadOnly [field("count", 0, 32, "tables, thus VMs")];
    /// Network identifiers that can be bound at once.
    Bindings = 0x014 "bindings" ReadOnly [field("count", 0, 32, "bindings")];
    /// Width of a network identifier.
    NetIdBits = 0x018 "net_id_bits" ReadOnly [field("bits", 0, 32, "bits")];
    /// Regions in the pool that the tables share.
    Regions = 0x01c "regions" ReadOnly [field("count", 0, 32, "regions")];
    /// Page slots in the pool that the tables share.
    Slots = 0x020 "slots" ReadOnly [field("count", 0, 32, "slots")];
    /// Words of the dirty pool, 64 bits each.
    DirtyWords = 0x024 "dirty_words" ReadOnly [field("count", 0, 32, "words")];
    /// Refused requests that the fault log remembers; 0 without a log.
    FaultLogEntries = 0x028 "fault_log_entries" ReadOnly [field("count", 0, 32, "entries")];
    /// Most bytes that one request translates.
    MaxRequestBytes = 0x02c "max_request_bytes" ReadOnly [field("bytes", 0, 32, "bytes")];
    /// Most granted spans that wait for their retirement.
    MaxInFlight = 0x030 "max_in_flight" ReadOnly [field("spans", 0, 32, "spans")];
    /// Width of a physical address.
    PhysicalAddressBits = 0x034 "physical_address_bits" ReadOnly [field("bits", 0, 32, "bits")];
    /// The page sizes. A page size's number in commands is how many smaller ones there are.
    PageShifts = 0x038 "page_shifts" ReadOnly [field("shifts", 0, 32, "bit n: there are pages of 2^n bytes")];
    /// The command's table.
    Table = 0x040 "table" ReadWrite [field("table", 0, 16, "table")];
    /// The command's index: key, slot, entry or staging word.
    Index = 0x044 "index" ReadWrite [field("index", 0, 32, "index")];
    /// The command's data, lower half.
    DataLow = 0x048 "data_low" ReadWrite [field("data", 0, 32, "bits 31:0")];
    /// The command's data, upper half.
    DataHigh = 0x04c "data_high" ReadWrite [field("data", 0, 32, "bits 63:32")];
    /// A write begins a command with the arguments above.
    Command = 0x050 "command" WriteOnly [field("op", 0, 5, "operation, as at the update port")];
    /// The epoch that `set_table`, `bind` and `thaw` carry.
    Epoch = 0x054 "epoch" ReadWrite [field("epoch", 0, 32, "epoch of the VM's life on this machine")];
    /// What the last command read, lower half.
    ResultLow = 0x058 "result_low" ReadOnly [field("result", 0, 32, "bits 31:0")];
    /// What the last command read, upper half.
    ResultHigh = 0x05c "result_high" ReadOnly [field("result", 0, 32, "bits 63:32")];
    /// What happened since it was cleared.
    InterruptStatus = 0x060 "interrupt_status" WriteOneToClear [
        field("command_done", 0, 1, "a command was answered"),
        field("init_done", 1, 1, "the clearing after reset is over"),
    ];
    /// Which of these raise `irq`.
    InterruptMask = 0x064 "interrupt_mask" ReadWrite [
        field("command_done", 0, 1, "raise for command_done"),
        field("init_done", 1, 1, "raise for init_done"),
    ];
    /// Words of the registration log that are free.
    LogRoom = 0x068 "log_room" ReadOnly [field("words", 0, 32, "words; 0 without a log")];
    /// Word 0 of what a queue pair's command writes, or has read.
    QueuePairWord0 = 0x100 "queue_pair_word0" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 1 of what a queue pair's command writes, or has read.
    QueuePairWord1 = 0x104 "queue_pair_word1" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 2 of what a queue pair's command writes, or has read.
    QueuePairWord2 = 0x108 "queue_pair_word2" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 3 of what a queue pair's command writes, or has read.
    QueuePairWord3 = 0x10c "queue_pair_word3" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 4 of what a queue pair's command writes, or has read.
    QueuePairWord4 = 0x110 "queue_pair_word4" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 5 of what a queue pair's command writes, or has read.
    QueuePairWord5 = 0x114 "queue_pair_word5" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 6 of what a queue pair's command writes, or has read.
    QueuePairWord6 = 0x118 "queue_pair_word6" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// Word 7 of what a queue pair's command writes, or has read.
    QueuePairWord7 = 0x11c "queue_pair_word7" ReadWrite [field("word", 0, 32, "see QUEUE_PAIR_COMMAND")];
    /// The queue pair, or the entry, that a command is for.
    QueuePairIndex = 0x120 "queue_pair_index" ReadWrite [field("index", 0, 16, "queue pair or entry")];
    /// A write begins a command: 1 writes the entry, 2 the queue pair's context, 3 its open message, 4 reads that message.
    QueuePairCommand = 0x124 "queue_pair_command" WriteOnly [field("op", 0, 3, "1 to 4; others do nothing")];
    /// How the decoder is.
    QueuePairStatus = 0x128 "queue_pair_status" ReadOnly [
        field("ready", 0, 1, "the tables are cleared, and no command is under way"),
    ];
    /// Queue pairs that the decoder knows at once.
    QueuePairs = 0x12c "queue_pairs" ReadOnly [field("count", 0, 32, "queue pairs")];
    /// Frames that became accesses; wraps.
    FramesAccepted = 0x130 "frames_accepted" ReadOnly [field("count", 0, 32, "frames")];
    /// Frames dropped as malformed, damaged or cut; wraps.
    FramesMalformed = 0x134 "frames_malformed" ReadOnly [field("count", 0, 32, "frames")];
    /// Frames dropped as not RoCEv2, or of an operation that is not decoded; wraps.
    FramesOther = 0x138 "frames_other" ReadOnly [field("count", 0, 32, "frames")];
    /// Frames dropped because nobody has their queue pair; wraps.
    FramesUnknownQueuePair = 0x13c "frames_unknown_queue_pair" ReadOnly [field("count", 0, 32, "frames")];
    /// Frames dropped because another than the peer sent them; wraps.
    FramesUnknownPeer = 0x140 "frames_unknown_peer" ReadOnly [field("count", 0, 32, "frames")];
    /// Later packets of a write dropped because no open message has a place for them; wraps.
    FramesNoMessage = 0x144 "frames_no_message" ReadOnly [field("count", 0, 32, "frames")];
}

impl Register {
    /// The words of a queue pair's command, lowest first.
    pub const QUEUE_PAIR_WORDS: [Register; 8] = [
        Register::QueuePairWord0,
        Register::QueuePairWord1,
        Register::QueuePairWord2,
        Register::QueuePairWord3,
        Register::QueuePairWord4,
        Register::QueuePairWord5,
        Register::QueuePairWord6,
        Register::QueuePairWord7,
    ];

    /// What became of frames: accepted, then the reasons for which they are dropped.
    pub const FRAME_COUNTS: [Register; 6] = [
        Register::FramesAccepted,
        Register::FramesMalformed,
        Register::FramesOther,
        Register::FramesUnknownQueuePair,
        Register::FramesUnknownPeer,
        Register::FramesNoMessage,
    ];

    /// Bytes from the first register.
    pub const fn offset(self) -> u32 {
        self as u32
    }

    /// The register of an offset; nothing where it is reserved.
    pub fn at(offset: u32) -> Option<Register> {
        Register::ALL.iter().copied().find(|register| register.offset() == offset & !3)
    }

    /// Whether a controller of this configuration has it; otherwise its place is reserved.
    pub fn exists(self, config: &Config) -> bool {
        self.offset() < 0x100 || config.processing.queue_pairs() > 0
    }

    /// What it always reads as under a configuration; nothing if it changes.
    pub fn constant(self, config: &Config) -> Option<u32> {
        let flag = |set: bool, bit: u32| u32::from(set) << bit;
        Some(match self {
            Register::Id => ID,
            Register::Version => VERSION,
            Register::Capabilities => {
                flag(config.cam_kind() == Cam::Cuckoo, 0)
                    | flag(config.protection == Protection::Parity, 1)
                    | flag(config.protection == Protection::Secded, 2)
                    | flag(config.fault_log_entries > 0, 3)
                    | flag(config.frame_windows == FrameWindows::Iommu, 4)
                    | flag(config.log_room() > 0, 5)
                    | flag(config.processing.queue_pairs() > 0, 6)
            }
            Register::Tables => config.tables,
            Register::Bindings => config.bindings,
            Register::NetIdBits => config.net_id_bits,
            Register::Regions => config.regions,
            Register::Slots => config.slots,
            Register::DirtyWords => config.dirty_words,
            Register::FaultLogEntries => config.fault_log_entries,
            Register::MaxRequestBytes => config.max_request_bytes,
            Register::MaxInFlight => config.max_in_flight,
            Register::PhysicalAddressBits => config.physical_address_bits,
            Register::PageShifts => config.page_shifts.iter().fold(0, |word, shift| word | 1 << shift),
            Register::QueuePairs => config.processing.queue_pairs(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn registers_lie_apart_in_ascending_order_and_inside_the_page() {
        for pair in Register::ALL.windows(2) {
            assert!(pair[0].offset() < pair[1].offset(), "{pair:?}");
        }
        for register in Register::ALL {
            assert_eq!(register.offset() % 4, 0, "{register:?}");
            assert!(register.offset() < 1 << ADDRESS_BITS);
            assert_eq!(Register::at(register.offset() + 3), Some(*register), "low bits are ignored");
        }
        assert_eq!(Register::at(0x06c), None);
    }

    #[test]
    fn fields_ascend_and_do_not_overlap() {
        for register in Register::ALL {
            let mut free = 0;
            for field in register.description().fields {
                assert!(field.low >= free && field.bits > 0, "{register:?}.{}", field.name);
                free = field.low + field.bits;
            }
            assert!(free <= 32, "{register:?}");
        }
        assert_eq!(Register::Status.description().mask(), 0xff07);
        assert_eq!(Register::Id.description().mask(), u32::MAX);
    }

    #[test]
    fn the_configuration_is_read_back() {
        let roce = Preset::Roce.config();
        assert_eq!(Register::Tables.constant(&roce), Some(64));
        assert_eq!(Register::PageShifts.constant(&roce), Some(1 << 12 | 1 << 16 | 1 << 21 | 1 << 30));
        assert_eq!(Register::Capabilities.constant(&roce), Some(0b101000));
        let cloud = Preset::CloudEcp5.config();
        assert_eq!(Register::Capabilities.constant(&cloud), Some(0b001001));
        assert_eq!(Register::Status.constant(&roce), None);
    }
}
