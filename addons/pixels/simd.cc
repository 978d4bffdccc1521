// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/simd.h"

#include <algorithm>
#include <atomic>

namespace summit::pixels {
namespace {

SimdLevel Processor() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SimdLevel::kPlain;
  const bool more = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  return more ? SimdLevel::kAvx512 : SimdLevel::kAvx2;
#else
  return SimdLevel::kPlain;
#endif
}

std::atomic<SimdLevel> chosen{Processor()};

}  // namespace

SimdLevel Simd() { return chosen.load(std::memory_order_relaxed); }
void LimitSimd(SimdLevel most) { chosen.store(std::min(most, Processor()), std::memory_order_relaxed); }

}  // namespace summit::pixels
