// SPDX-License-Identifier: Apache-2.0
// Eight floats at once, by the compiler's portable vector extension: SSE2, AVX2 or NEON code comes from the same
// source. A hot function is written once as an inline body and compiled twice, for the baseline and for AVX2 with
// FMA; which one runs is chosen by the processor (SUMMIT_DISPATCHED). Results differ in rounding only.
// Thread: any; the choice is made at load and changed by tests only. Owns: nothing.
#ifndef SUMMIT_PIXELS_SIMD_H_
#define SUMMIT_PIXELS_SIMD_H_

#include <cstdint>
#include <cstring>

namespace summit::pixels {

typedef float V8 __attribute__((vector_size(32), aligned(4)));
typedef int32_t I8 __attribute__((vector_size(32), aligned(4)));

#define SUMMIT_INLINE inline __attribute__((always_inline))

// Whether the processor has AVX2 and FMA and a test did not turn them off.
bool WideSimd();
// For tests: false makes every kernel take its baseline form, true gives the choice back to the processor.
void AllowWideSimd(bool allowed);

// Defines Name(...) that calls Body(...), an inline function, in the form that suits the processor.
#if defined(__x86_64__)
#define SUMMIT_WIDE __attribute__((target("avx2,fma"), noinline))
#define SUMMIT_DISPATCHED(Name, Body)                                      \
  template <typename... A>                                                 \
  SUMMIT_WIDE auto Name##Wide(A... a) {                                    \
    return Body(a...);                                                     \
  }                                                                        \
  template <typename... A>                                                 \
  __attribute__((noinline)) auto Name##Plain(A... a) {                     \
    return Body(a...);                                                     \
  }                                                                        \
  template <typename... A>                                                 \
  auto Name(A... a) {                                                      \
    return WideSimd() ? Name##Wide(a...) : Name##Plain(a...);              \
  }
#else
#define SUMMIT_DISPATCHED(Name, Body) \
  template <typename... A>            \
  auto Name(A... a) {                 \
    return Body(a...);                \
  }
#endif

// By reference: a 32-byte vector in a parameter would change the calling convention between the forms.
SUMMIT_INLINE void Load(const float* p, V8* v) { std::memcpy(v, p, sizeof *v); }
SUMMIT_INLINE void Store(const V8& v, float* p) { std::memcpy(p, &v, sizeof v); }
SUMMIT_INLINE void Splat(float x, V8* v) { *v = V8{x, x, x, x, x, x, x, x}; }
SUMMIT_INLINE float Sum(const V8& v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SIMD_H_
