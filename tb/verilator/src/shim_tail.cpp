namespace {

struct Model {
    // Destroyed from the last to the first: the waveform needs the model, the model its context.
    std::unique_ptr<VerilatedContext> context;
    std::unique_ptr<Vmodel> top;
#if HAS_WAVE
    std::unique_ptr<VerilatedFstC> wave;
#endif
    std::string failure;
};

// What this thread's models have printed since the last call, at most this many bytes.
const size_t PRINTED_LIMIT = 65536;
thread_local std::string printed;
// Set by a stop inside the model that this thread is evaluating.
thread_local std::string stopped;

void note_stop(const char* what, const char* file, int line) {
    if (!stopped.empty()) return;
    stopped = what;
    if (file && *file) stopped += std::string(" at ") + file + ":" + std::to_string(line);
}

void enter(Model* model) {
    Verilated::threadContextp(model->context.get());
    printed.clear();
    stopped.clear();
}

// Empty if the model did not stop.
void leave(Model* model) {
    if (stopped.empty() || !model->failure.empty()) return;
    model->failure = printed.empty() ? stopped : printed + stopped;
    stopped.clear();
}

void settle(Model* model) {
    model->top->eval();
#if HAS_WAVE
    if (model->wave) model->wave->dump(model->context->time());
#endif
#if HAS_WAVE || HAS_ASSERTIONS
    model->context->timeInc(1);
#endif
}

}  // namespace

extern "C" int stagecoach_print(const char* format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (printed.size() < PRINTED_LIMIT) printed += text;
    return length;
}

void vl_finish(const char* filename, int linenum, const char*) VL_MT_UNSAFE {
    note_stop("$finish", filename, linenum);
}
void vl_stop(const char* filename, int linenum, const char*) VL_MT_UNSAFE {
    note_stop("stopped", filename, linenum);
}
// Must not return: Verilator's code goes on as if it did not.
void vl_fatal(const char* filename, int linenum, const char*, const char* message) VL_MT_UNSAFE {
    note_stop("fatal", filename, linenum);
    throw std::runtime_error(message && *message ? message : "fatal error in the model");
}

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const uint64_t* stagecoach_layout() { return layout_table; }

EXPORT Model* stagecoach_create(uint64_t seed) {
    try {
#if IS_RANDOMISED
        // The generator's epoch is shared by all contexts: one construction at a time keeps it repeatable.
        static std::mutex one_at_a_time;
        const std::lock_guard<std::mutex> lock{one_at_a_time};
#endif
        std::unique_ptr<Model> model{new Model};
        model->context.reset(new VerilatedContext);
        enter(model.get());
#if IS_RANDOMISED
        model->context->randReset(2);
        // A seed of 0 would mean the time of day.
        const int folded = static_cast<int>((seed ^ (seed >> 31)) & 0x7fffffff);
        model->context->randSeed(folded ? folded : 0x5eed);
#else
        (void)seed;
#endif
#if HAS_WAVE
        model->context->traceEverOn(true);
#endif
        model->top.reset(new Vmodel{model->context.get(), "TOP"});
#if HAS_CLOCK
        model->top->clk = 0;
#endif
        leave(model.get());
        return model.release();
    } catch (const std::exception&) {
        return nullptr;
    }
}

EXPORT void stagecoach_destroy(Model* model) {
    try {
        enter(model);
        model->top->final();
    } catch (const std::exception&) {
        // It is thrown away anyway.
    }
    delete model;
}

// One clock cycle. Returns 0, or 1 if the model stopped: see stagecoach_failure.
EXPORT int32_t stagecoach_cycle(Model* model, const uint64_t* in, uint64_t* out) {
    Vmodel& top = *model->top;
#if HAS_WAVE || HAS_ASSERTIONS
    enter(model);
#endif
    try {
        take(top, in);
#if HAS_CLOCK
        top.clk = 0;
        settle(model);
        show(top, out);
        top.clk = 1;
        settle(model);
#else
        settle(model);
        show(top, out);
#endif
    } catch (const std::exception& error) {
        model->failure = error.what();
        return 1;
    }
#if HAS_WAVE || HAS_ASSERTIONS
    leave(model);
    return model->failure.empty() ? 0 : 1;
#else
    return 0;
#endif
}

EXPORT const char* stagecoach_failure(const Model* model) { return model->failure.c_str(); }

// 0, or 1 if it cannot be opened, or 2 if the model was built without waveforms.
EXPORT int32_t stagecoach_open_wave(Model* model, const char* path) {
#if HAS_WAVE
    enter(model);
    model->wave.reset(new VerilatedFstC);
    model->top->trace(model->wave.get(), 99);
    model->wave->open(path);
    if (model->wave->isOpen()) return 0;
    model->wave.reset();
    return 1;
#else
    (void)model;
    (void)path;
    return 2;
#endif
}

EXPORT void stagecoach_close_wave(Model* model) {
#if HAS_WAVE
    enter(model);
    if (model->wave) model->wave->close();
    model->wave.reset();
#else
    (void)model;
#endif
}

// 0, or 1 if it cannot be written, or 2 if the model was built without coverage.
EXPORT int32_t stagecoach_write_coverage(Model* model, const char* path) {
#if HAS_COVERAGE
    enter(model);
    try {
        model->context->coveragep()->write(path);
    } catch (const std::exception&) {
        return 1;
    }
    return stopped.empty() ? 0 : 1;
#else
    (void)model;
    (void)path;
    return 2;
#endif
}
