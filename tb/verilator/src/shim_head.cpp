
#include "Vmodel.h"
#include "verilated.h"
#if HAS_WAVE
#include "verilated_fst_c.h"
#endif
#if HAS_COVERAGE
#include "verilated_cov.h"
#endif

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "limbs are copied as bytes; this machine is not little-endian"
#endif

namespace {

