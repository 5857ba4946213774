//! What each machine's table needs, and the configuration that has room for all of them.
//!
//! Tables are numbered as the machines are given. Their slices and windows lie one after another: a machine's page
//! frame `pfn` is the frame `window base + pfn`. Windows start at multiples of 1 GiB.

use std::collections::BTreeSet;

use stagecoach_captures::{Change, Sizing, Vm};
use stagecoach_spec::{Config, NetId, Slices};

use crate::Error;

/// Frames between the places where windows may start: 1 GiB.
const WINDOW_ALIGNMENT: u64 = 1 << 18;

/// A machine's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number.
    pub number: u16,
    /// What the machine is called on the network.
    pub net_id: NetId,
    /// What it owns.
    pub slices: Slices,
}

/// A configuration and the tables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The configuration, with room for every table.
    pub config: Config,
    /// The tables, in the order of the machines.
    pub tables: Vec<Table>,
    /// The protection domain of a queue pair that no event tells of: one that no region has, so that such a queue
    /// pair reaches nothing.
    pub no_pd: u32,
}

/// A field's least value, and why.
struct Need {
    field: &'static str,
    needs: u64,
    most: u64,
    why: String,
}

/// Plans tables for machines in `config`. Where it is too small, fields are raised if it is `growable`; the name
/// then tells so.
///
/// # Errors
/// A field is too small and may not grow, or no configuration is large enough.
pub fn plan(vms: &[Vm], mut config: Config, growable: bool) -> Result<Plan, Error> {
    let sizings: Vec<Sizing> = vms.iter().map(|vm| Sizing::of(&vm.log.events)).collect();
    let no_pd = unused_pd(vms);
    let mut has_grown = false;
    for need in needs(vms, &sizings, no_pd) {
        let Need { field, needs, most, why } = need;
        let field_value = field_of(&mut config, field);
        let has = u64::from(*field_value);
        if has >= needs {
            continue;
        }
        if needs > most {
            return Err(Error::TooLarge { field, needs, most, why });
        }
        if !growable {
            return Err(Error::TooSmall { name: config.name, field, has, needs, why });
        }
        // Powers of two keep addresses dense; a width is taken as it is.
        let grown = if field.ends_with("_bits") { needs } else { needs.next_power_of_two() };
        *field_value = grown.min(most) as u32;
        has_grown = true;
    }
    if has_grown {
        config.name = "sized_from_events".into();
        config.validate()?;
    }
    let tables = lay_out(vms, &sizings, &config)?;
    Ok(Plan { config, tables, no_pd })
}

fn needs(vms: &[Vm], sizings: &[Sizing], no_pd: u32) -> Vec<Need> {
    let machines = vms.len() as u64;
    let sum = |of: fn(&Sizing) -> u64| sizings.iter().map(of).fold(0, u64::saturating_add);
    let highest_pd = vms.iter().flat_map(pds).chain([no_pd]).max().unwrap_or_default();
    let frames = sizings.iter().fold(0u64, |end, s| window_after(end).saturating_add(s.frames));
    let need = |field, needs, most, why: String| Need { field, needs, most, why };
    let live = sizings.iter().map(|s| s.live_regions).sum::<u64>();
    vec![
        need("tables", machines, 4096, format!("a table for each of {machines} machines")),
        need("bindings", machines, 4096, format!("an address for each of {machines} machines")),
        need(
            "regions",
            sum(|s| s.regions),
            1 << 24,
            format!(
                "every table's slice reaches to its largest key index; at most {live} regions live at once"
            ),
        ),
        need(
            "slots",
            sum(|s| s.slots),
            1 << 24,
            "most pages that are registered at once, of each machine".into(),
        ),
        need(
            "pd_bits",
            bits(highest_pd.into()),
            32,
            format!("protection domains go up to {highest_pd}, with one that no region has"),
        ),
        need(
            "physical_address_bits",
            12 + bits(frames.saturating_sub(1)),
            64,
            format!("the frame windows of {machines} machines end at frame {frames}"),
        ),
    ]
}

fn field_of<'a>(config: &'a mut Config, field: &str) -> &'a mut u32 {
    match field {
        "tables" => &mut config.tables,
        "bindings" => &mut config.bindings,
        "regions" => &mut config.regions,
        "slots" => &mut config.slots,
        "pd_bits" => &mut config.pd_bits,
        _ => &mut config.physical_address_bits,
    }
}

fn lay_out(vms: &[Vm], sizings: &[Sizing], config: &Config) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    let (mut region_end, mut slot_end, mut window_end) = (0u32, 0u32, 0u64);
    for (number, (vm, sizing)) in vms.iter().zip(sizings).enumerate() {
        let net_id = NetId::from_ip(vm.address, config)
            .map_err(|source| Error::NetId { address: vm.address, source })?;
        // The sums fit the configuration, which has 32 bits for them.
        let (region_count, slot_count) = (sizing.regions as u32, sizing.slots as u32);
        let window_base = window_after(window_end);
        let slices = Slices {
            // An empty slice must still begin inside the pool.
            region_base: if region_count == 0 { 0 } else { region_end },
            region_count,
            slot_base: if slot_count == 0 { 0 } else { slot_end },
            slot_count,
            window_base: if sizing.frames == 0 { 0 } else { window_base },
            window_count: sizing.frames,
        };
        region_end += region_count;
        slot_end += slot_count;
        window_end = window_base + sizing.frames;
        tables.push(Table { number: number as u16, net_id, slices });
    }
    Ok(tables)
}

/// Where a window may start when the one before ends at `end`.
fn window_after(end: u64) -> u64 {
    end.div_ceil(WINDOW_ALIGNMENT).saturating_mul(WINDOW_ALIGNMENT)
}

fn bits(value: u64) -> u64 {
    u64::from(u64::BITS - value.leading_zeros())
}

/// The protection domains that a machine's events name.
fn pds(vm: &Vm) -> impl Iterator<Item = u32> + '_ {
    vm.log.events.iter().filter_map(|event| match &event.change {
        Change::Register(region) => Some(region.pd),
        Change::QueuePair { pd, .. } => Some(*pd),
        Change::Deregister { .. } => None,
    })
}

/// The lowest protection domain that no event names.
fn unused_pd(vms: &[Vm]) -> u32 {
    let used: BTreeSet<u32> = vms.iter().flat_map(pds).collect();
    // There are fewer events than numbers.
    (0..u32::MAX).find(|pd| !used.contains(pd)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_captures::{Access, Event, EventLog, Region};
    use stagecoach_spec::Preset;
    use std::collections::BTreeMap;

    fn vm(address: &str, key: u32, pd: u32, pfns: Vec<u64>) -> Vm {
        let length = pfns.len() as u64 * 4096;
        let region = Region { key, pd, va: 0, length, access: Access(7), pfns };
        let events = vec![Event { time_ns: 0, line: 1, change: Change::Register(region) }];
        Vm {
            address: address.parse().unwrap(),
            requests: Vec::new(),
            log: EventLog { events, ..EventLog::default() },
            packets: 0,
            skipped: BTreeMap::new(),
        }
    }

    #[test]
    fn slices_lie_one_after_another_and_windows_a_gibibyte_apart() {
        let vms = [vm("10.0.0.1", 0x2_00, 0, vec![5, 6]), vm("10.0.0.2", 0x1_07, 1, vec![1 << 18])];
        let plan = plan(&vms, Preset::Roce.config(), true).unwrap();
        assert_eq!(plan.config, Preset::Roce.config());
        assert_eq!(plan.no_pd, 2);
        let first = Slices {
            region_base: 0,
            region_count: 3,
            slot_base: 0,
            slot_count: 2,
            window_base: 0,
            window_count: 7,
        };
        let second = Slices {
            region_base: 3,
            region_count: 2,
            slot_base: 2,
            slot_count: 1,
            window_base: 1 << 18,
            window_count: (1 << 18) + 1,
        };
        assert_eq!([plan.tables[0].slices, plan.tables[1].slices], [first, second]);
    }

    #[test]
    fn what_is_too_small_grows_or_is_named() {
        let vms = [vm("10.0.0.1", 5000 << 8, 1 << 20, vec![1 << 30])];
        let grown = plan(&vms, Preset::Roce.config(), true).unwrap().config;
        assert_eq!((grown.regions, grown.pd_bits, grown.slots), (8192, 21, 16384));
        assert_eq!(grown.name, "sized_from_events");
        let error = plan(&vms, Preset::Roce.config(), false).unwrap_err().to_string();
        assert!(
            error.contains("regions = 4096, but the events need 5001") && error.contains("raise regions"),
            "{error}"
        );
        let vms = [vm("10.0.0.1", 1, 0, vec![(1 << 36) - 1]), vm("10.0.0.2", 1, 0, vec![0])];
        assert_eq!(plan(&vms, Preset::Roce.config(), true).unwrap().config.physical_address_bits, 49);
    }

    #[test]
    fn a_pool_beyond_every_configuration_is_refused() {
        let vms = [vm("10.0.0.1", u32::MAX, 0, vec![0]), vm("10.0.0.2", 0, 0, vec![0])];
        let error = plan(&vms, Preset::Roce.config(), true).unwrap_err().to_string();
        assert!(error.contains("regions = 16777217") && error.contains("16777216 is the most"), "{error}");
    }

    #[test]
    fn an_address_too_wide_names_its_machine() {
        let error =
            plan(&[vm("fd00::1", 1, 0, vec![0])], Preset::Tiny.config(), false).unwrap_err().to_string();
        assert!(error.contains("--vm fd00::1") && error.contains("net_id_bits"), "{error}");
    }

    #[test]
    fn a_machine_that_registers_nothing_has_an_empty_table() {
        let mut idle = vm("10.0.0.2", 1, 0, vec![0]);
        idle.log.events.clear();
        let full = Config { regions: 1, slots: 1, ..Preset::Roce.config() };
        let plan = plan(&[vm("10.0.0.1", 1, 0, vec![0]), idle], full, false).unwrap();
        assert_eq!(plan.tables[1].slices, Slices::default());
    }
}
