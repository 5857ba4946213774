//! Enumerations: constants whose names reach the Verilog as `localparam`s.

use num_bigint::BigUint;

/// Named constants of one width. Variant names are written in Verilog as `NAME_VARIANT` in capitals.
#[derive(Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Name, e.g. `fault`.
    pub name: String,
    /// Width in bits of every constant.
    pub width: u32,
    /// (variant name, value), in the order given.
    pub variants: Vec<(String, BigUint)>,
}

impl Enumeration {
    /// An enumeration of explicit values.
    ///
    /// # Panics
    /// If a value does not fit `width` or two variants share a name: a mistake in the description itself.
    pub fn new(name: &str, width: u32, variants: &[(&str, u64)]) -> std::sync::Arc<Enumeration> {
        for (position, (variant, value)) in variants.iter().enumerate() {
            assert!(
                64 - value.leading_zeros() <= width,
                "enumeration {name}: value {value} of {variant} does not fit {width} bits"
            );
            assert!(
                variants[..position].iter().all(|(earlier, _)| earlier != variant),
                "enumeration {name}: two variants are called {variant}"
            );
        }
        std::sync::Arc::new(Enumeration {
            name: name.to_owned(),
            width,
            variants: variants.iter().map(|(n, v)| ((*n).to_owned(), BigUint::from(*v))).collect(),
        })
    }

    /// The position of `variant`.
    pub fn position(&self, variant: &str) -> Option<usize> {
        self.variants.iter().position(|(name, _)| name == variant)
    }

    /// The Verilog name of variant `position`.
    pub fn verilog_name(&self, position: usize) -> String {
        format!("{}_{}", self.name, self.variants[position].0).to_uppercase()
    }
}
