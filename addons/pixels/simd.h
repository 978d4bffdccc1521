// SPDX-License-Identifier: Apache-2.0
// Eight floats at once, by the compiler's portable vector extension: SSE2, AVX2, AVX-512 or NEON code comes from
// the same source; hot functions are compiled for several instruction sets and chosen at load (SUMMIT_CLONES).
// Thread: plain values. Owns: nothing.
#ifndef SUMMIT_PIXELS_SIMD_H_
#define SUMMIT_PIXELS_SIMD_H_

#include <cstdint>
#include <cstring>

// The sanitizers cannot run before relocation is done, where clones are chosen.
#if defined(__x86_64__) && !defined(SUMMIT_SANITIZED) && !defined(SUMMIT_NO_CLONES)
#define SUMMIT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define SUMMIT_CLONES
#endif

namespace summit::pixels {

typedef float V8 __attribute__((vector_size(32), aligned(4)));
typedef int32_t I8 __attribute__((vector_size(32), aligned(4)));

#define SUMMIT_INLINE inline __attribute__((always_inline))

// By reference: a 32-byte vector in a parameter would change the calling convention between clones.
SUMMIT_INLINE void Load(const float* p, V8* v) { std::memcpy(v, p, sizeof *v); }
SUMMIT_INLINE void Store(const V8& v, float* p) { std::memcpy(p, &v, sizeof v); }
SUMMIT_INLINE void Splat(float x, V8* v) { *v = V8{x, x, x, x, x, x, x, x}; }
SUMMIT_INLINE float Sum(const V8& v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SIMD_H_
