//! Replays a log of a million records (or `--count N`) into the golden model and prints how long each step took.

use std::convert::Infallible;
use std::error::Error;
use std::time::Instant;

use stagecoach_log::{Capacity, Change, Destination, Header, Log, Relocation, UpdatePort, binary, plan};
use stagecoach_model::Golden;
use stagecoach_spec::{Access, Answer, Config, NetId, Region, Slices, Update};

struct Port(Golden);

impl UpdatePort for Port {
    type Error = Infallible;

    fn update(&mut self, update: &Update) -> Result<Answer, Infallible> {
        Ok(self.0.update(update))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u32 = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => 1_000_000,
        (Some("--count"), Some(count)) => count.parse()?,
        _ => return Err("usage: replay_rate [--count RECORDS]".into()),
    };
    // Half slots, half regions of one page each: nothing that compaction could leave out.
    let each = (count / 2).clamp(1, 1 << 23);
    let config = Config { regions: each, slots: each, ..Config::default() };
    let header = Header {
        epoch: 1,
        net_ids: vec![NetId::from_u128(1)],
        page_shifts: config.page_shifts.clone(),
        capacity: Capacity { regions: each, slots: each },
    };
    let began = Instant::now();
    let mut changes = Vec::new();
    for slot in 0..each {
        changes.push(Change::SetSlot { slot, page: slot.into(), page_size: 0 });
    }
    for index in 0..each {
        let base = u64::from(index) << 12;
        let rights = Access::REMOTE_READ;
        let region =
            Region { base, length: 4096, first_offset: 0, rights, page_size: 0, first_slot: index, pd: 0 };
        changes.push(Change::Install { key: index << 8, region });
    }
    let bytes = binary::write(&Log::new(header, changes)?);
    let written = began.elapsed();

    let began = Instant::now();
    let log = binary::read(&bytes, 1)?;
    let verified = began.elapsed();

    let count = u64::from(each);
    let map = Relocation::new((0..count).map(|page| (page, count - 1 - page)))?;
    let began = Instant::now();
    let slices = Slices { region_count: each, slot_count: each, window_count: count, ..Slices::default() };
    let plan = plan(&log, &map, Destination { config: &config, table: 0, slices, free_bindings: 1 })?;
    let planned = began.elapsed();

    let mut port = Port(Golden::new(&config));
    let began = Instant::now();
    plan.prepare(&mut port)?;
    let replayed = began.elapsed();
    println!("{} records, {} bytes", log.changes().len(), bytes.len());
    println!("written  {:.2} s", written.as_secs_f64());
    println!("verified {:.2} s", verified.as_secs_f64());
    println!("planned  {:.2} s", planned.as_secs_f64());
    println!("replayed {:.2} s (into the golden model)", replayed.as_secs_f64());
    Ok(())
}
