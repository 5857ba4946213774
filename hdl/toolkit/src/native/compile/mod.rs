//! Compiles a [`super::program::Program`] into machine code that runs a whole cycle: it settles values, samples
//! outputs and properties, and replaces registers. Memories follow, in Rust.
//!
//! [`plan`] decides on the order, [`emit`] and [`wide`] write the code of single steps, and this file loads and calls
//! it. Most values live in machine registers only, so between two cycles the limb array holds inputs and state
//! alone; the interpreter fills in the rest for whoever looks.

mod emit;
mod operation;
mod plan;
mod wide;

use cranelift_codegen::ir::AbiParam;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, ModuleError, default_libcall_names};

use self::emit::Emitter;
use self::plan::Plan;
use super::program::{MemoryPlan, Program};

/// Limbs, outputs, and a byte per property.
type Function = unsafe extern "C" fn(*mut u64, *mut u64, *mut u8);

/// A compiled cycle.
pub(super) struct Compiled {
    /// Keeps the code in memory. `None` only while it is dropped.
    module: Option<JITModule>,
    /// To be called one after the other.
    functions: Vec<Function>,
    /// Where the memories' ports are after the functions have run.
    pub(super) memories: Vec<MemoryPlan>,
    /// How long the limb array must be, at least.
    limbs: usize,
    /// Limbs of all outputs.
    outputs: usize,
    /// Assertions and cover points.
    properties: usize,
}

impl Compiled {
    /// Compiles `program`. `None` where the processor is none that the compiler knows, or the system allows no code
    /// to be made.
    pub(super) fn new(program: &Program, output_limbs: usize) -> Option<Compiled> {
        let plan = Plan::of(program);
        let mut module = JITModule::new(builder()?);
        let functions = match define(&mut module, &plan, program) {
            Ok(functions) => functions,
            Err(_) => {
                release(module);
                return None;
            }
        };
        Some(Compiled {
            module: Some(module),
            functions,
            memories: plan.memories,
            limbs: plan.limbs,
            outputs: output_limbs,
            properties: program.assertions.len() + program.covers.len(),
        })
    }

    /// How long the limb array must be.
    pub(super) fn limbs(&self) -> usize {
        self.limbs
    }

    /// A cycle without the memories' edge and the reset: `outputs` and `properties` are as before the edge, the
    /// registers in `m` as after it.
    pub(super) fn run(&self, m: &mut [u64], outputs: &mut [u64], properties: &mut [u8]) {
        assert!(
            m.len() >= self.limbs && outputs.len() >= self.outputs && properties.len() >= self.properties
        );
        for function in &self.functions {
            // SAFETY: the code was made for this signature and is loaded as long as `self.module` lives. It reads and
            // writes below `self.limbs`, `self.outputs` and `self.properties`, which the slices have been compared
            // with, and keeps no pointer.
            unsafe { function(m.as_mut_ptr(), outputs.as_mut_ptr(), properties.as_mut_ptr()) }
        }
    }

    /// How many functions the cycle consists of.
    pub(super) fn functions(&self) -> usize {
        self.functions.len()
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        self.functions.clear();
        if let Some(module) = self.module.take() {
            release(module);
        }
    }
}

fn release(module: JITModule) {
    // SAFETY: callers have dropped all pointers into the code, or never had one.
    unsafe { module.free_memory() }
}

/// The compiler for this processor: no checks of its own input, no unwinding through code that never panics.
fn builder() -> Option<JITBuilder> {
    let mut flags = settings::builder();
    let chosen = [
        ("opt_level", "none"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
    ];
    for (name, value) in chosen {
        flags.set(name, value).ok()?;
    }
    let target = cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()?;
    Some(JITBuilder::with_isa(target, default_libcall_names()))
}

fn define(module: &mut JITModule, plan: &Plan, program: &Program) -> Result<Vec<Function>, Box<ModuleError>> {
    let mut signature = module.make_signature();
    signature.params = vec![AbiParam::new(module.target_config().pointer_type()); 3];
    let mut context = module.make_context();
    let mut frontend = FunctionBuilderContext::new();
    let mut emitter = Emitter::new(plan, program);
    let mut ids = Vec::new();
    for chunk in &plan.chunks {
        let id = module.declare_anonymous_function(&signature)?;
        context.func.signature = signature.clone();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
        emitter.function(&mut builder, &plan.steps[chunk.clone()]);
        builder.finalize(module.target_config());
        module.define_function(id, &mut context)?;
        module.clear_context(&mut context);
        ids.push(id);
    }
    module.finalize_definitions()?;
    let functions = ids.into_iter().map(|id| {
        let code = module.get_finalized_function(id);
        // SAFETY: the function was defined with the signature of `Function`, and finished just now.
        unsafe { std::mem::transmute::<*const u8, Function>(code) }
    });
    Ok(functions.collect())
}
