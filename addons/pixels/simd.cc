// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/simd.h"

#include <atomic>

namespace summit::pixels {
namespace {

bool ProcessorIsWide() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

std::atomic<bool> wide{ProcessorIsWide()};

}  // namespace

bool WideSimd() { return wide.load(std::memory_order_relaxed); }
void AllowWideSimd(bool allowed) { wide.store(allowed && ProcessorIsWide(), std::memory_order_relaxed); }

}  // namespace summit::pixels
