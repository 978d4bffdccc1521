// SPDX-License-Identifier: Apache-2.0
// Eight floats at once, by the compiler's portable vector extension: SSE2, AVX2 or NEON code comes from the same
// source. A hot function is written once as an inline body and compiled three times, for the baseline, for AVX2 with
// FMA, and for AVX-512's 32 registers and masks at the same width; which one runs is chosen by the processor
// (SUMMIT_DISPATCHED). Results differ in rounding only.
// Thread: any; the choice is made at load and changed by tests only. Owns: nothing.
#ifndef SUMMIT_PIXELS_SIMD_H_
#define SUMMIT_PIXELS_SIMD_H_

#include <cstdint>

namespace summit::pixels {

typedef float V8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float V16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t I8 __attribute__((vector_size(32), aligned(4), may_alias));

#define SUMMIT_INLINE inline __attribute__((always_inline))

enum class SimdLevel : int { kPlain = 0, kAvx2 = 1, kAvx512 = 2 };

// What the processor has, or less where a test limited it.
SimdLevel Simd();
// For tests: no kernel takes a form above `most`.
void LimitSimd(SimdLevel most);

// Defines Name(...) that calls Body(...), an inline function, in the form that suits the processor.
#if defined(__x86_64__)
#define SUMMIT_AVX2 __attribute__((target("avx2,fma"), noinline))
// clang, which builds the fuzz targets, knows no preferred width in a target.
#if defined(__clang__)
#define SUMMIT_AVX512 __attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq"), noinline))
#else
#define SUMMIT_AVX512 __attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=256"), noinline))
#endif
#define SUMMIT_DISPATCHED(Name, Body)                        \
  template <typename... A>                                   \
  SUMMIT_AVX512 auto Name##Avx512(A... a) {                  \
    return Body(a...);                                       \
  }                                                          \
  template <typename... A>                                   \
  SUMMIT_AVX2 auto Name##Avx2(A... a) {                      \
    return Body(a...);                                       \
  }                                                          \
  template <typename... A>                                   \
  __attribute__((noinline)) auto Name##Plain(A... a) {       \
    return Body(a...);                                       \
  }                                                          \
  template <typename... A>                                   \
  auto Name(A... a) {                                        \
    const SimdLevel level = Simd();                          \
    if (level == SimdLevel::kAvx512) return Name##Avx512(a...); \
    return level == SimdLevel::kAvx2 ? Name##Avx2(a...) : Name##Plain(a...); \
  }
// The same for Body<V>, a template over its vector: 16 floats for AVX-512, else eight.
#define SUMMIT_DISPATCHED_BY_WIDTH(Name, Body)               \
  template <typename... A>                                   \
  SUMMIT_AVX512 auto Name##Avx512(A... a) {                  \
    return Body<V16>(a...);                                  \
  }                                                          \
  template <typename... A>                                   \
  SUMMIT_AVX2 auto Name##Avx2(A... a) {                      \
    return Body<V8>(a...);                                   \
  }                                                          \
  template <typename... A>                                   \
  __attribute__((noinline)) auto Name##Plain(A... a) {       \
    return Body<V8>(a...);                                   \
  }                                                          \
  template <typename... A>                                   \
  auto Name(A... a) {                                        \
    const SimdLevel level = Simd();                          \
    if (level == SimdLevel::kAvx512) return Name##Avx512(a...); \
    return level == SimdLevel::kAvx2 ? Name##Avx2(a...) : Name##Plain(a...); \
  }
#else
#define SUMMIT_DISPATCHED_BY_WIDTH(Name, Body) \
  template <typename... A>                     \
  auto Name(A... a) {                          \
    return Body<V8>(a...);                     \
  }
#define SUMMIT_DISPATCHED(Name, Body) \
  template <typename... A>            \
  auto Name(A... a) {                 \
    return Body(a...);                \
  }
#endif

// By reference: a 32-byte vector in a parameter would change the calling convention between the forms.
// Not templates: a template argument loses the typedef's alignment of a float.
SUMMIT_INLINE void Load(const float* p, V8* v) { *v = *reinterpret_cast<const V8*>(p); }
SUMMIT_INLINE void Load(const float* p, V16* v) { *v = *reinterpret_cast<const V16*>(p); }
SUMMIT_INLINE void Store(const V8& v, float* p) { *reinterpret_cast<V8*>(p) = v; }
SUMMIT_INLINE void Store(const V16& v, float* p) { *reinterpret_cast<V16*>(p) = v; }
SUMMIT_INLINE void Splat(float x, V8* v) { *v = V8{x, x, x, x, x, x, x, x}; }
SUMMIT_INLINE void Ramp(V8* v) { *v = V8{0, 1, 2, 3, 4, 5, 6, 7}; }
SUMMIT_INLINE void Ramp(V16* v) { *v = V16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
SUMMIT_INLINE float Sum(const V8& v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }
// Eight lanes with the same sum.
SUMMIT_INLINE void Fold(const V8& v, V8* eight) { *eight = v; }
SUMMIT_INLINE void Fold(const V16& v, V8* eight) { *eight = reinterpret_cast<const V8*>(&v)[0] + reinterpret_cast<const V8*>(&v)[1]; }
SUMMIT_INLINE float Sum(const V16& v) {
  V8 halves;
  Fold(v, &halves);
  return Sum(halves);
}
// Lane k = sum of the lanes of v[k], for eight vectors at once.
SUMMIT_INLINE void SumEach(const V8* v, V8* sums) {
  V8 pair[4], four[2];
  for (int32_t i = 0; i < 4; i++) {
    const V8 &a = v[2 * i], &b = v[2 * i + 1];
    pair[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int32_t i = 0; i < 2; i++) {
    const V8 &a = pair[2 * i], &b = pair[2 * i + 1];
    four[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  *sums = __builtin_shufflevector(four[0], four[1], 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(four[0], four[1], 4, 5, 6, 7, 12, 13, 14, 15);
}
// Written so that each comparison is used once: then it becomes one instruction. Of equals and NaN the second.
SUMMIT_INLINE void Least(const V8& a, const V8& b, V8* v) { *v = a < b ? a : b; }
SUMMIT_INLINE void Least(const V16& a, const V16& b, V16* v) { *v = a < b ? a : b; }
SUMMIT_INLINE void Greatest(const V8& a, const V8& b, V8* v) { *v = a > b ? a : b; }
SUMMIT_INLINE void Greatest(const V16& a, const V16& b, V16* v) { *v = a > b ? a : b; }
SUMMIT_INLINE float Lowest(const V8& v) {
  const float a = v[0] < v[4] ? v[0] : v[4], b = v[1] < v[5] ? v[1] : v[5], c = v[2] < v[6] ? v[2] : v[6], d = v[3] < v[7] ? v[3] : v[7];
  const float e = a < b ? a : b, f = c < d ? c : d;
  return e < f ? e : f;
}
SUMMIT_INLINE float Highest(const V8& v) { return -Lowest(-v); }
// Sets the lanes that are no whole number. Adding 1.5 * 2^23 rounds to one.
SUMMIT_INLINE void MarkFractions(const V8& v, I8* lanes) { *lanes |= (v + 12582912.0f) - 12582912.0f != v; }
// Whether any lane of a comparison is true.
SUMMIT_INLINE bool Any(const I8& v) {
  typedef int64_t L4 __attribute__((vector_size(32), aligned(4), may_alias));
  const L4 l = reinterpret_cast<const L4&>(v);
  return ((l[0] | l[1]) | (l[2] | l[3])) != 0;
}

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SIMD_H_
