//! Loads a built model and steps it: the only place with `unsafe` code.
//!
//! The other side of every call is the shim that [`crate::shim`] wrote for the very same ports; its table of
//! offsets and sizes, as the C++ compiler sees them, is compared with ours before the first call.

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::PortLayout;

use crate::structs::{self, PortStruct};
use crate::{Error, Options, shim};

type Raw = *mut c_void;

/// The shim's functions; valid as long as the shared object is loaded.
#[derive(Clone, Copy)]
struct Functions {
    create: unsafe extern "C" fn(u64) -> Raw,
    destroy: unsafe extern "C" fn(Raw),
    cycle: unsafe extern "C" fn(Raw, *const u64, *mut u64) -> i32,
    failure: unsafe extern "C" fn(Raw) -> *const c_char,
    open_wave: unsafe extern "C" fn(Raw, *const c_char) -> i32,
    close_wave: unsafe extern "C" fn(Raw),
    write_coverage: unsafe extern "C" fn(Raw, *const c_char) -> i32,
}

/// A built design in memory; makes any number of [`Model`]s.
pub struct Library {
    functions: Functions,
    layout: PortLayout,
    fingerprints: (u64, u64),
    options: Options,
    path: PathBuf,
    // Last: everything above points into it.
    _object: libloading::Library,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("path", &self.path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Loads the shared object at `path`, built for `module`.
    ///
    /// # Errors
    /// It does not load, or its layout is not that of `module`.
    pub(crate) fn open(path: &Path, module: &Module, options: Options) -> Result<Library, Error> {
        let unfit = |problem: String| Error::Unfit { path: path.to_owned(), problem };
        // SAFETY: the object was built by this crate; its initialisers are those of Verilator's runtime and
        // of the C++ library, which ask nothing of the program that loads them.
        let object = unsafe { libloading::Library::new(path) }.map_err(|error| unfit(error.to_string()))?;
        /// Looks a function up by name.
        ///
        /// # Safety
        /// `T` must be the function's type in the shim, and the object must stay loaded while it is used.
        unsafe fn find<T: Copy>(object: &libloading::Library, name: &str) -> Result<T, String> {
            // SAFETY: the caller's promise.
            unsafe { object.get::<T>(name.as_bytes()) }
                .map(|symbol| *symbol)
                .map_err(|error| error.to_string())
        }
        // SAFETY: the types are those of shim_tail.cpp; the object is kept beside the functions in `Library`.
        let found = unsafe {
            (|| {
                let layout = find::<unsafe extern "C" fn() -> *const u64>(&object, "stagecoach_layout")?;
                let functions = Functions {
                    create: find(&object, "stagecoach_create")?,
                    destroy: find(&object, "stagecoach_destroy")?,
                    cycle: find(&object, "stagecoach_cycle")?,
                    failure: find(&object, "stagecoach_failure")?,
                    open_wave: find(&object, "stagecoach_open_wave")?,
                    close_wave: find(&object, "stagecoach_close_wave")?,
                    write_coverage: find(&object, "stagecoach_write_coverage")?,
                };
                Ok((layout, functions))
            })()
        };
        let (layout_table, functions) = found.map_err(unfit)?;
        // SAFETY: the shim returns a static table whose first word is its own length in words.
        let table = unsafe {
            let table = layout_table();
            let length = usize::try_from(*table).unwrap_or(0);
            std::slice::from_raw_parts(table, length.max(1))
        };
        let layout = PortLayout::of(module);
        let expected = shim::expected_table(&layout);
        if table != expected {
            return Err(unfit(format!("its layout of ports is {table:?}, not {expected:?}")));
        }
        let fingerprints = (structs::fingerprint(&layout.inputs), structs::fingerprint(&layout.outputs));
        Ok(Library { functions, layout, fingerprints, options, path: path.to_owned(), _object: object })
    }

    /// Where the ports lie in the arrays that [`Model::cycle`] takes.
    pub fn layout(&self) -> &PortLayout {
        &self.layout
    }

    /// The flavour.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The shared object; the sources it was built from lie beside it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// One simulated instance of a design. Time starts at its making; a fresh one takes some 50 to 90 µs, and is
/// the way to clear memories, which no reset does.
pub struct Model {
    raw: NonNull<c_void>,
    // Copies of what the library knows: a cycle of a small design takes some 50 ns.
    cycle: unsafe extern "C" fn(Raw, *const u64, *mut u64) -> i32,
    input_limbs: usize,
    output_limbs: usize,
    cycles: u64,
    failure: Option<String>,
    library: Arc<Library>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("library", &self.library)
            .field("cycles", &self.cycles)
            .finish_non_exhaustive()
    }
}

// SAFETY: a model has a context of its own and shares nothing with other models but the runtime's tables, which
// it locks; it keeps no pointer to the thread that made it. It is not `Sync`: calls take `&mut self`.
unsafe impl Send for Model {}

impl Model {
    /// A new instance. `seed` chooses first values in the flavour [`crate::Initial::Unique`].
    ///
    /// # Errors
    /// The model's constructor failed.
    pub fn load(library: &Arc<Library>, seed: u64) -> Result<Model, Error> {
        // SAFETY: `create` is the shim's, and `library` keeps it loaded.
        let raw = unsafe { (library.functions.create)(seed) };
        let raw = NonNull::new(raw).ok_or_else(|| Error::Unfit {
            path: library.path.clone(),
            problem: "its constructor failed".to_owned(),
        })?;
        Ok(Model {
            raw,
            cycle: library.functions.cycle,
            input_limbs: library.layout.input_limbs,
            output_limbs: library.layout.output_limbs,
            cycles: 0,
            failure: None,
            library: library.clone(),
        })
    }

    /// The design that it is an instance of.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Cycles stepped so far.
    pub fn cycles(&self) -> u64 {
        self.cycles
    }

    /// One clock cycle: applies `inputs`, lets the logic settle, samples `outputs`, then gives the rising clock
    /// edge. Both are limbs as [`Library::layout`] says; bits above a port's width are ignored in inputs and
    /// zero in outputs. A design without clock only settles.
    ///
    /// # Errors
    /// [`Error::Shape`] for arrays of another length; [`Error::Stopped`] when an assertion fails (flavour
    /// [`Options::assertions`]), and from then on at every call.
    #[inline]
    pub fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        if inputs.len() != self.input_limbs || outputs.len() != self.output_limbs || self.failure.is_some() {
            return Err(self.refusal(inputs.len(), outputs.len()));
        }
        // SAFETY: both lengths have just been checked.
        unsafe { self.step(inputs.as_ptr(), outputs.as_mut_ptr()) }
    }

    /// As [`Model::cycle`], with structs written by [`crate::structs::write`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the structs were written for other ports, else as [`Model::cycle`].
    #[inline]
    pub fn cycle_typed<I: PortStruct, O: PortStruct>(
        &mut self,
        inputs: &I,
        outputs: &mut O,
    ) -> Result<(), Error> {
        if (I::FINGERPRINT, O::FINGERPRINT) != self.library.fingerprints {
            return Err(Error::Shape(format!(
                "{} and {} were written for other ports than those of {}; write them anew",
                I::NAME,
                O::NAME,
                self.library.path.display()
            )));
        }
        if self.failure.is_some() {
            return Err(self.refusal(self.input_limbs, self.output_limbs));
        }
        // SAFETY: a `PortStruct` has the layout that its fingerprint stands for, and these are the model's.
        unsafe { self.step(std::ptr::from_ref(inputs).cast(), std::ptr::from_mut(outputs).cast()) }
    }

    /// # Safety
    /// `inputs` must be readable for the layout's input limbs and `outputs` writable for its output limbs.
    #[inline]
    unsafe fn step(&mut self, inputs: *const u64, outputs: *mut u64) -> Result<(), Error> {
        // SAFETY: `raw` is a live model of this library; the caller answers for the arrays.
        let stopped = unsafe { (self.cycle)(self.raw.as_ptr(), inputs, outputs) };
        self.cycles += 1;
        if stopped == 0 { Ok(()) } else { Err(self.stop()) }
    }

    #[cold]
    fn stop(&mut self) -> Error {
        // SAFETY: `raw` is a live model; its message is a C string that lives until the next call.
        let message = unsafe { CStr::from_ptr((self.library.functions.failure)(self.raw.as_ptr())) };
        let message = message.to_string_lossy().trim().to_owned();
        self.failure = Some(message.clone());
        Error::Stopped { cycle: self.cycles - 1, message }
    }

    #[cold]
    fn refusal(&self, inputs: usize, outputs: usize) -> Error {
        match &self.failure {
            Some(message) => Error::Stopped { cycle: self.cycles - 1, message: message.clone() },
            None => Error::Shape(format!(
                "the model takes {} limbs and gives {}, but the arrays have {inputs} and {outputs}",
                self.input_limbs, self.output_limbs
            )),
        }
    }

    /// Writes an FST waveform from here on, two steps of time per cycle; closes an earlier one.
    ///
    /// # Errors
    /// The file cannot be opened, or the model was built without [`Options::wave`].
    pub fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        self.close_wave();
        let name = c_path(path)?;
        // SAFETY: `raw` is a live model, `name` a C string.
        let outcome = unsafe { (self.library.functions.open_wave)(self.raw.as_ptr(), name.as_ptr()) };
        self.file_outcome(outcome, "waveforms", "wave", path)
    }

    /// Completes the waveform, if there is one. Dropping the model does it too.
    pub fn close_wave(&mut self) {
        // SAFETY: `raw` is a live model.
        unsafe { (self.library.functions.close_wave)(self.raw.as_ptr()) }
    }

    /// Writes coverage so far, in the format of `verilator_coverage`: see [`crate::CoverageData`].
    ///
    /// # Errors
    /// The file cannot be written, or the model was built without [`Options::coverage`].
    pub fn write_coverage(&mut self, path: &Path) -> Result<(), Error> {
        let name = c_path(path)?;
        // The runtime only prints when it cannot write, and stops the program's way.
        std::fs::write(path, "").map_err(Error::io("cannot write", path))?;
        // SAFETY: `raw` is a live model, `name` a C string.
        let outcome = unsafe { (self.library.functions.write_coverage)(self.raw.as_ptr(), name.as_ptr()) };
        if outcome == 2 {
            let _ = std::fs::remove_file(path); // made a moment ago only to see that it can be
        }
        self.file_outcome(outcome, "coverage", "coverage", path)
    }

    fn file_outcome(&self, outcome: i32, what: &str, option: &str, path: &Path) -> Result<(), Error> {
        match outcome {
            0 => Ok(()),
            2 => Err(Error::Shape(format!("the model was built without {what}; set Options::{option}"))),
            _ => Err(Error::Shape(format!(
                "{what}: cannot write {}; does its directory exist, and may you write there?",
                path.display()
            ))),
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: `raw` is a live model and nobody uses it afterwards; `library` outlives this call.
        unsafe { (self.library.functions.destroy)(self.raw.as_ptr()) }
    }
}

fn c_path(path: &Path) -> Result<CString, Error> {
    CString::new(path.to_string_lossy().as_bytes())
        .map_err(|_| Error::Shape(format!("path {} contains a zero byte", path.display())))
}
