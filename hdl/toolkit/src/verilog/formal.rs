//! Properties: immediate assertions and covers that yosys reads.

use super::module::Writer;
use crate::netlist::Property;

impl Writer<'_, '_> {
    /// The properties of the module, checked in every cycle out of reset, from the first reset on.
    pub(super) fn properties(&mut self) {
        let module = self.all.module;
        let assertions = module.assertions.iter().map(|property| ("assert", property));
        let covers = module.covers.iter().map(|property| ("cover", property));
        let properties: Vec<(&str, &Property)> = assertions.chain(covers).collect();
        for (_, property) in &properties {
            self.prepare(&property.name, self.all.seen(property.condition));
        }
        self.blank();
        self.line("  // ---- properties");
        self.blank();
        if module.has_reset && module.has_clock {
            let seen = self.printer.names.unique("reset_seen");
            self.line(&format!("  reg {seen};"));
            self.line(&format!("  initial {seen} = 1'b0;"));
            self.line("  always @(posedge clk)");
            self.line(&format!("    if (rst) {seen} <= 1'b1;"));
            self.blank();
            self.line(&format!("  always @(posedge clk) if ({seen} && !rst) begin"));
            (self.reads_clock, self.reads_reset) = (true, true);
        } else if module.has_clock {
            self.reads_clock = true;
            self.line("  always @(posedge clk) begin");
        } else {
            self.line("  always @* begin");
        }
        for (keyword, property) in properties {
            if !property.doc.is_empty() {
                self.line(&format!("    {}", super::module::comment(&property.doc)));
            }
            let beginning = format!("    {}: {keyword} (", property.name);
            let line = self.with_expression(&beginning, self.all.seen(property.condition), ");");
            self.line(&line);
        }
        self.line("  end");
    }
}
