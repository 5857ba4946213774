//! What others publish of lookups on an FPGA.

/// A design, as its source says.
pub struct Published {
    pub design: &'static str,
    pub device: &'static str,
    pub entries: &'static str,
    pub mhz: f64,
    /// Of a lookup; none where the source says none.
    pub cycles: Option<u32>,
    pub source: &'static str,
}

impl Published {
    /// In ns.
    pub fn latency(&self) -> Option<f64> {
        self.cycles.map(|cycles| f64::from(cycles) * 1e3 / self.mhz)
    }
}

/// Lookups alone: identifier to value.
pub const PUBLISHED: [Published; 3] = [
    Published {
        design: "AMD Binary CAM Search",
        device: "UltraScale+, speed grade -2, mid voltage: \"designed to run at up to\"",
        entries: "256 to 15,564 x (32 + 16 bits)",
        mhz: 600.0,
        cycles: Some(12),
        source: "[PG317 5.0, \"Performance\"](https://docs.amd.com/r/en-US/pg317-bcam/Performance)",
    },
    Published {
        design: "open four-way cuckoo hash map",
        device: "UltraScale+",
        entries: "16,384 x (64 + 64 bits), 8 UltraRAM",
        mhz: 350.0,
        cycles: None,
        source: "the project's notes on open tools; the nearest public description is [Walker](http://adamwalker.github.io/Building-Better-Hashtable/)",
    },
    Published {
        design: "FASTHash, static, 16 lookups a cycle",
        device: "Alveo U250 (UltraScale+)",
        entries: "on-chip memory",
        mhz: 335.0,
        cycles: None,
        source: "[Yang et al., ISC 2020](https://doi.org/10.1007/978-3-030-50743-5_1)",
    },
];
