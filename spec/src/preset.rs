//! The configurations that ship with Stagecoach.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

#[cfg(feature = "std")]
use crate::config::Config;
use thiserror::Error;

/// A configuration that ships as a file in `spec/presets/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preset {
    /// 16 tables, 32-bit identifiers: for reading waveforms and for fast tests.
    Tiny,
    /// 64 tables, 128-bit identifiers: RoCEv2 on one host.
    Roce,
    /// 256 tables, 152-bit identifiers (VNI and GID): overlay networks.
    Cloud,
    /// 1024 tables, 152-bit identifiers: overlay networks on one ECP5-85k.
    CloudEcp5,
}

/// No preset has the name that was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no preset is called `{given}`; did you mean `{suggestion}`? There are: tiny, roce, cloud, cloud-ecp5"
)]
pub struct UnknownPreset {
    /// The name as given.
    pub given: String,
    /// The nearest name that exists.
    pub suggestion: Preset,
}

impl Preset {
    /// Every preset, smallest first.
    pub const fn all() -> [Preset; 4] {
        [Preset::Tiny, Preset::Roce, Preset::Cloud, Preset::CloudEcp5]
    }

    /// The name as it is written on a command line; in the file an underscore stands for a dash.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Tiny => "tiny",
            Preset::Roce => "roce",
            Preset::Cloud => "cloud",
            Preset::CloudEcp5 => "cloud-ecp5",
        }
    }

    /// The file, as it ships.
    pub const fn toml(self) -> &'static str {
        match self {
            Preset::Tiny => include_str!("../presets/tiny.toml"),
            Preset::Roce => include_str!("../presets/roce.toml"),
            Preset::Cloud => include_str!("../presets/cloud.toml"),
            Preset::CloudEcp5 => include_str!("../presets/cloud-ecp5.toml"),
        }
    }

    /// The configuration. The files are compiled in and tested, so this cannot fail.
    #[cfg(feature = "std")]
    pub fn config(self) -> Config {
        Config::from_toml(self.toml(), self.name()).expect("the presets that ship are tested")
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(given: &str) -> Result<Self, UnknownPreset> {
        let wanted = given.trim().to_ascii_lowercase();
        if let Some(found) = Preset::all().into_iter().find(|p| p.name() == wanted) {
            return Ok(found);
        }
        let suggestion = Preset::all()
            .into_iter()
            .min_by_key(|p| edit_distance(&wanted, p.name()))
            .unwrap_or(Preset::Roce);
        Err(UnknownPreset { given: given.to_owned(), suggestion })
    }
}

/// Levenshtein distance: how many letters to add, drop or change.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_parse_and_carry_their_names() {
        for preset in Preset::all() {
            assert_eq!(preset.config().name, preset.name());
            assert_eq!(preset.name().parse(), Ok(preset));
        }
    }

    #[test]
    fn sizes_are_those_of_the_issue() {
        let sizes = Preset::all().map(|p| {
            let c = p.config();
            (c.tables, c.bindings, c.net_id_bits, c.regions, c.slots, c.pd_bits, c.stream_bits, c.tag_bits)
        });
        assert_eq!(sizes[0], (16, 16, 32, 256, 1024, 8, 8, 8));
        assert_eq!(sizes[1], (64, 64, 128, 4096, 16384, 16, 24, 8));
        assert_eq!(sizes[2], (256, 256, 152, 65536, 262144, 24, 24, 16));
        assert_eq!(sizes[3], (1024, 1024, 152, 4096, 16384, 16, 24, 8));
    }

    #[test]
    fn roce_is_the_default() {
        assert_eq!(Preset::Roce.config(), Config { name: "roce".into(), ..Config::default() });
    }

    #[test]
    fn a_misspelt_preset_is_suggested() {
        let error = "rocce".parse::<Preset>().unwrap_err();
        assert_eq!(error.suggestion, Preset::Roce);
        assert!(error.to_string().contains("did you mean `roce`"), "{error}");
        assert_eq!("clowd".parse::<Preset>().unwrap_err().suggestion, Preset::Cloud);
        assert_eq!("cloud-ecp".parse::<Preset>().unwrap_err().suggestion, Preset::CloudEcp5);
        assert_eq!("tinny".parse::<Preset>().unwrap_err().suggestion, Preset::Tiny);
    }
}
