//! One module as text.

use std::fmt::Write as _;

use super::expression::{Expressions, Id};
use super::hoist::hoisted;
use super::layout::{LINE, Text};
use super::names::{Names, word};
use super::plan::{Statement, live, memory_inputs, statements};
use super::print::{Printer, Target, constant, part};
use super::ram::Wrapper;
use crate::netlist::{
    Direction, InstanceId, MemoryId, Module, NodeId, Operation, Property, RegisterId, Source,
};

/// A module's text and the names that the writer had to find.
pub(super) struct Written {
    pub text: String,
    /// (name, where the value was described).
    pub derived: Vec<(String, Source)>,
}

/// Writes `module` under `name`; `child_name` names the modules of its instances. With `formal`, properties are
/// written too.
pub(super) fn write_module(
    module: &Module,
    name: &str,
    child_name: &dyn Fn(&Module) -> String,
    formal: bool,
) -> Written {
    let all = Expressions::of(module);
    let properties: Vec<&Property> =
        if formal { module.assertions.iter().chain(&module.covers).collect() } else { Vec::new() };
    let live = live(&all, &properties);
    let statements = statements(&all, &live);
    let mut roots: Vec<Id> = statements.iter().flat_map(|s| read_by(&all, s)).map(|(_, id)| id).collect();
    roots.extend(module.unused.iter().map(|node| all.seen(*node)));
    roots.extend(properties.iter().map(|property| all.seen(property.condition)));
    let wanted = hoisted(&all, &roots);
    let names = Names::of(&all);
    let mut writer = Writer {
        all: &all,
        printer: Printer::new(&all, names),
        wanted,
        met: vec![false; all.list.len()],
        body: String::new(),
        declared: Vec::new(),
        derived: Vec::new(),
        child_name,
        reads_clock: false,
        reads_reset: false,
    };
    writer.declare_inputs();
    statements.iter().for_each(|statement| writer.statement(statement));
    if formal {
        writer.properties();
    }
    writer.sink();
    let mut text = writer.head(name);
    text.push_str(writer.body.trim_matches('\n'));
    text.push_str("\n\nendmodule\n");
    Written { text, derived: writer.derived }
}

/// The expressions that a statement writes, with a name to derive others from.
fn read_by(all: &Expressions<'_>, statement: &Statement) -> Vec<(String, Id)> {
    let module = all.module;
    match statement {
        Statement::Wire(node, Some(id)) | Statement::Assign(node, id) => {
            vec![(all.name(*node).to_owned(), *id)]
        }
        Statement::Output(port, id) => vec![(module.ports[*port].name.clone(), *id)],
        Statement::Clocked(registers) => {
            let mut read = Vec::new();
            for (position, register) in registers.iter().enumerate() {
                let register = &module.registers[register.index()];
                if position == 0 {
                    read.extend(register.enable.map(|enable| (register.name.clone(), all.seen(enable))));
                }
                read.extend(register.next.map(|next| (register.name.clone(), all.seen(next))));
            }
            read
        }
        Statement::Memory(id) => {
            let name = &module.memories[id.index()].name;
            let inputs = memory_inputs(module, *id).into_iter();
            inputs.map(|(port, node)| (format!("{name}_{port}"), all.seen(node))).collect()
        }
        Statement::Instance(id) => {
            let instance = &module.instances[id.index()];
            let base = |port: usize| format!("{}_{}", instance.name, instance.module.ports[port].name);
            instance.inputs.iter().map(|(port, node)| (base(*port), all.seen(*node))).collect()
        }
        Statement::Wire(_, None)
        | Statement::Section(_)
        | Statement::Comment(_)
        | Statement::Register(_)
        | Statement::Words(_)
        | Statement::Outputs(_) => Vec::new(),
    }
}

pub(super) struct Writer<'a, 'm> {
    pub all: &'a Expressions<'m>,
    pub printer: Printer<'a, 'm>,
    /// Expressions that get a name.
    wanted: Vec<bool>,
    /// Expressions searched for such already.
    met: Vec<bool>,
    pub body: String,
    /// Everything declared that must be read somewhere: name, width.
    declared: Vec<(String, u32, Target)>,
    derived: Vec<(String, Source)>,
    child_name: &'a dyn Fn(&Module) -> String,
    pub reads_clock: bool,
    pub reads_reset: bool,
}

impl Writer<'_, '_> {
    fn declare_inputs(&mut self) {
        for port in self.all.module.ports.iter().filter(|port| port.direction == Direction::Input) {
            self.declared.push((port.name.clone(), port.width, Target::Node(port.node)));
        }
    }

    // ---- pieces of text ------------------------------------------------------------------------------------

    /// A blank line, unless there is one.
    pub fn blank(&mut self) {
        if !self.body.ends_with("\n\n") {
            self.body.push('\n');
        }
    }

    pub fn line(&mut self, line: &str) {
        self.body.push_str(line);
        self.body.push('\n');
    }

    /// A statement with its comment, beside it if there is room.
    fn line_with_doc(&mut self, line: &str, doc: &str) {
        let comment = comment(doc);
        let last = line.lines().last().unwrap_or_default();
        if doc.is_empty() {
            self.line(line);
        } else if last.len() + comment.len() + 2 <= LINE + 10 && !line.contains('\n') {
            self.line(&format!("{line}  {comment}"));
        } else {
            self.line(&format!("  {comment}"));
            self.line(line);
        }
    }

    /// `beginning` followed by an expression and `end`.
    pub fn with_expression(&mut self, beginning: &str, id: Id, end: &str) -> String {
        let text = self.printer.text(id);
        let indent = beginning.len() - beginning.trim_start().len() + 4;
        text.layout(beginning, indent) + end
    }

    // ---- names for parts of expressions --------------------------------------------------------------------

    /// Declares what `id` needs under a name that does not exist yet, called after `base`.
    pub fn prepare(&mut self, base: &str, id: Id) {
        let (mut work, mut found) = (vec![id], Vec::new());
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut self.met[id], true) {
                continue;
            }
            if self.wanted[id] {
                found.push(id);
            }
            work.extend(self.all.operands(id));
        }
        found.sort_unstable();
        for id in found {
            let width = self.all.list[id].width;
            let definition = self.printer.definition(id);
            let name = self.printer.names.unique(&format!("{base}_{}", word(self.all, id)));
            let line = definition.layout(&format!("  wire {}{name} = ", range(width)), 6);
            self.line(&format!("{line};"));
            self.declared.push((name.clone(), width, Target::Named(id)));
            self.derived.push((name.clone(), self.all.list[id].source));
            self.printer.given.insert(id, name);
        }
    }

    // ---- statements ----------------------------------------------------------------------------------------

    fn statement(&mut self, statement: &Statement) {
        for (base, id) in read_by(self.all, statement) {
            self.prepare(&base, id);
        }
        match statement {
            Statement::Section(title) => {
                self.blank();
                let heading = format!("  // ---- {} ", one_line(title));
                self.line(&format!("{heading:-<LINE$}"));
                self.blank();
            }
            Statement::Comment(text) => {
                text.lines().for_each(|line| self.line(&format!("  {}", comment(line))))
            }
            Statement::Wire(node, value) => {
                let declaration = format!("  wire {}{}", range(self.width(*node)), self.all.name(*node));
                let line = match value {
                    Some(id) => self.with_expression(&format!("{declaration} = "), *id, ";"),
                    None => format!("{declaration};"),
                };
                self.line_with_doc(&line, &self.all.module.node(*node).doc);
                self.must_be_read(*node);
            }
            Statement::Assign(node, id) => {
                let line = self.with_expression(&format!("  assign {} = ", self.all.name(*node)), *id, ";");
                let doc = match self.all.output_port(*node) {
                    Some(_) => &self.all.module.node(*node).doc,
                    None => "",
                };
                self.line_with_doc(&line, doc);
            }
            Statement::Output(port, id) => {
                if !self.body.ends_with("\n\n") && !last_line(&self.body).starts_with("  assign") {
                    self.blank();
                }
                let name = &self.all.module.ports[*port].name;
                let line = self.with_expression(&format!("  assign {name} = "), *id, ";");
                self.line(&line);
            }
            Statement::Register(id) => {
                let register = &self.all.module.registers[id.index()];
                if self.all.output_port(register.node).is_none() {
                    let line = format!("  reg {}{};", range(register.width), register.name);
                    self.line_with_doc(&line, &self.all.module.node(register.node).doc);
                    self.must_be_read(register.node);
                }
            }
            Statement::Words(id) => {
                let reads = self.all.module.memories[id.index()].reads.iter();
                reads.for_each(|read| self.declare_wire(read.data));
            }
            Statement::Outputs(id) => {
                let outputs = self.all.module.instances[id.index()].outputs.iter();
                outputs.for_each(|(_, node)| self.declare_wire(*node));
            }
            Statement::Clocked(registers) => self.clocked(registers),
            Statement::Memory(id) => self.memory(*id),
            Statement::Instance(id) => self.instance(*id),
        }
    }

    fn width(&self, node: NodeId) -> u32 {
        self.all.module.node(node).width
    }

    fn must_be_read(&mut self, node: NodeId) {
        let (name, width) = (self.all.name(node).to_owned(), self.width(node));
        self.declared.push((name, width, Target::Node(node)));
    }

    fn declare_wire(&mut self, node: NodeId) {
        if self.all.output_port(node).is_none() {
            let line = format!("  wire {}{};", range(self.width(node)), self.all.name(node));
            self.line_with_doc(&line, &self.all.module.node(node).doc);
            self.must_be_read(node);
        }
    }

    fn clocked(&mut self, registers: &[RegisterId]) {
        let module = self.all.module;
        let registers: Vec<_> = registers.iter().map(|id| &module.registers[id.index()]).collect();
        let Some(first) = registers.first() else { return };
        self.reads_clock = true;
        self.blank();
        let mut line = "  always @(posedge clk) ".to_owned();
        if first.reset.is_some() {
            self.reads_reset = true;
            line.push_str("if (rst) begin");
            self.line(&line);
            for register in &registers {
                let value = register.reset.clone().unwrap_or_default();
                self.line(&format!("    {} <= {};", register.name, constant(register.width, &value)));
            }
            line = "  end else ".to_owned();
        }
        if let Some(enable) = first.enable {
            let enable = self.all.seen(enable);
            line = self.with_expression(&format!("{line}if ("), enable, ") ");
        }
        self.line(&format!("{line}begin"));
        for register in &registers {
            if let Some(next) = register.next {
                let beginning = format!("    {} <= ", register.name);
                let line = self.with_expression(&beginning, self.all.seen(next), ";");
                self.line(&line);
            }
        }
        self.line("  end");
        self.blank();
    }

    fn memory(&mut self, id: MemoryId) {
        let module = self.all.module;
        let memory = &module.memories[id.index()];
        let inputs = memory_inputs(module, id);
        let mut ports = vec![("clk".to_owned(), Text::word("clk"))];
        self.reads_clock = true;
        let value = |writer: &mut Self, port: &str| {
            let driver = inputs.iter().find(|(name, _)| name == port).map(|(_, node)| writer.all.seen(*node));
            driver.map_or_else(|| Text::word("1'b1"), |driver| writer.printer.text(driver))
        };
        for port in ["write_enable", "write_address", "write_data"] {
            ports.push((port.to_owned(), value(self, port)));
        }
        for (position, read) in memory.reads.iter().enumerate() {
            let suffix = super::ram::port_suffix(memory.reads.len(), position);
            for port in ["read_enable", "read_address"] {
                let port = format!("{port}{suffix}");
                let text = value(self, &port);
                ports.push((port, text));
            }
            ports.push((format!("read_data{suffix}"), Text::word(self.all.name(read.data))));
        }
        self.blank();
        self.line(&format!("  {} #(", Wrapper::of(memory).name()));
        self.line(&format!("    .WIDTH          ({}),", memory.width));
        self.line(&format!("    .ADDRESS_WIDTH  ({}),", memory.address_width()));
        self.line(&format!("    .OUTPUT_REGISTER({})", u32::from(memory.read_latency == 2)));
        self.line(&format!("  ) {} (", memory.name));
        self.connections(&ports);
    }

    fn instance(&mut self, id: InstanceId) {
        let instance = &self.all.module.instances[id.index()];
        let child = &instance.module;
        let mut ports = Vec::new();
        if child.has_clock {
            self.reads_clock = true;
            ports.push(("clk".to_owned(), Text::word("clk")));
        }
        if child.has_reset {
            self.reads_reset = true;
            ports.push(("rst".to_owned(), Text::word("rst")));
        }
        for (position, port) in child.ports.iter().enumerate() {
            let connected = instance.inputs.iter().chain(&instance.outputs).find(|(at, _)| *at == position);
            let (_, node) = connected.expect("a finished module has every port of its instances connected");
            let text = match port.direction {
                Direction::Input => self.printer.text(self.all.seen(*node)),
                Direction::Output => Text::word(self.all.name(*node)),
            };
            ports.push((port.name.clone(), text));
        }
        self.blank();
        self.line(&format!("  {} {} (", (self.child_name)(child), instance.name));
        self.connections(&ports);
    }

    fn connections(&mut self, ports: &[(String, Text)]) {
        let longest = ports.iter().map(|(port, _)| port.len()).max().unwrap_or(0);
        for (position, (port, text)) in ports.iter().enumerate() {
            let line = text.layout(&format!("    .{port:longest$}("), 8);
            let end = if position + 1 == ports.len() { ")" } else { ")," };
            self.line(&format!("{line}{end}"));
        }
        self.line("  );");
        self.blank();
    }

    /// Reads what nothing else reads, so that no tool warns of it.
    fn sink(&mut self) {
        let mut parts = Vec::new();
        let unused: Vec<Id> = self.all.module.unused.iter().map(|node| self.all.seen(*node)).collect();
        for id in &unused {
            self.prepare("unused", *id);
        }
        for id in unused {
            parts.push(self.printer.text(id));
        }
        for (name, width, target) in &self.declared {
            for (low, count) in self.printer.unread(*target, *width) {
                parts.push(Text::word(if count == *width { name.clone() } else { part(name, low, count) }));
            }
        }
        let module = self.all.module;
        let clocks =
            [("clk", module.has_clock, self.reads_clock), ("rst", module.has_reset, self.reads_reset)];
        parts.extend(
            clocks.into_iter().filter(|(_, has, reads)| *has && !reads).map(|(name, ..)| Text::word(name)),
        );
        if parts.is_empty() {
            return;
        }
        let name = self.printer.names.unique("unused_ok");
        let mut text = Text::word("&{1'b0");
        for part in parts {
            text = text.then(",").or_break().inner(part);
        }
        self.blank();
        self.line("  // Deliberately unread.");
        self.line(&(text.then("}").layout(&format!("  wire {name} = "), 6) + ";"));
    }

    // ---- the head ------------------------------------------------------------------------------------------

    fn head(&self, name: &str) -> String {
        let module = self.all.module;
        let mut text = String::new();
        for line in &module.doc {
            text.push_str(comment(line).trim_end());
            text.push('\n');
        }
        if !module.doc.is_empty() {
            text.push_str("//\n");
        }
        text.push_str("// Generated by stagecoach; do not edit.\n\n");
        // (direction, kind, range, name, comment)
        let mut ports: Vec<(&str, &str, String, &str, &str)> = Vec::new();
        if module.has_clock {
            ports.push(("input", "wire", String::new(), "clk", ""));
        }
        if module.has_reset {
            ports.push(("input", "wire", String::new(), "rst", "synchronous, active high"));
        }
        for (position, port) in module.ports.iter().enumerate() {
            let (direction, kind) = match port.direction {
                Direction::Input => ("input", "wire"),
                Direction::Output => {
                    let is_register = matches!(module.node(port.node).operation, Operation::Register(_))
                        && self.all.output_port(port.node) == Some(position);
                    ("output", if is_register { "reg" } else { "wire" })
                }
            };
            ports.push((direction, kind, range(port.width), &port.name, &port.doc));
        }
        if module.keep_hierarchy {
            text.push_str("(* keep_hierarchy = \"yes\" *)\n");
        }
        if ports.is_empty() {
            let _ = writeln!(text, "module {name};\n");
        } else {
            let ranges = ports.iter().map(|port| port.2.len()).max().unwrap_or(0);
            let names = ports.iter().map(|port| port.3.len()).max().unwrap_or(0) + 1;
            let _ = writeln!(text, "module {name} (");
            let last = ports.len() - 1;
            for (position, (direction, kind, range, name, doc)) in ports.into_iter().enumerate() {
                let name = format!("{name}{}", if position == last { "" } else { "," });
                let line = format!("  {direction:<6} {kind:<4} {range:<ranges$}{name:<names$}");
                let doc = if doc.is_empty() { String::new() } else { format!("  {}", comment(doc)) };
                let _ = writeln!(text, "{}", format!("{line}{doc}").trim_end());
            }
            text.push_str(");\n\n");
        }
        let parameters = &self.printer.parameters;
        let widest = parameters.values().map(|parameter| range(parameter.width).len()).max().unwrap_or(0);
        let longest = parameters.values().map(|parameter| parameter.name.len()).max().unwrap_or(0);
        for parameter in parameters.values() {
            let (range, name) = (range(parameter.width), &parameter.name);
            let value = constant(parameter.width, &parameter.value);
            let _ = writeln!(text, "  localparam {range:<widest$}{name:<longest$} = {value};");
        }
        if !parameters.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// `[7:0] `, or nothing for one bit.
pub(super) fn range(width: u32) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

/// A comment that no tool takes for a directive.
pub(super) fn comment(text: &str) -> String {
    let text = one_line(text);
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    let is_directive =
        ["verilator", "synopsys", "synthesis", "cadence", "pragma", "ambit", "altera", "xilinx"]
            .iter()
            .any(|tool| first.starts_with(tool));
    if is_directive { format!("// - {text}") } else { format!("// {text}") }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").trim_end_matches(['\\', ' ']).to_owned()
}

fn last_line(text: &str) -> &str {
    text.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default()
}
