// SPDX-License-Identifier: Apache-2.0
#include "addons/image/unpack18.h"

#include <algorithm>
#include <cstring>

#include "addons/pixels/raw_decode.h"
#include "addons/pixels/simd.h"

#if defined(__x86_64__)
// gcc 12's own header: undefined lanes that no instruction reads.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

namespace summit::image {
namespace {

using pixels::kRawClockBytes;
static_assert(kChannels == static_cast<size_t>(pixels::kRawSegments));

#if defined(__x86_64__)

// Rows of eight channels become columns: out[channel] holds eight clocks.
__attribute__((target("avx2"))) SUMMIT_INLINE void Transpose(__m256i* v) {
  __m256i t[8], u[8];
  for (int i = 0; i < 4; i++) {
    t[2 * i] = _mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
  }
  for (int i = 0; i < 2; i++) {
    u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    v[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

// Four channels are nine bytes. The last four are read from byte 20, so as not to read past the clock.
__attribute__((target("avx2"))) void SortAvx2(const uint8_t* raw, size_t clocks, uint32_t code, int32_t* const* planes, size_t at) {
  const __m128i head = _mm_setr_epi8(0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9);
  const __m128i tail = _mm_setr_epi8(7, 8, 9, 10, 9, 10, 11, 12, 11, 12, 13, 14, 13, 14, 15, -1);
  const __m256i shuffles[2] = {_mm256_broadcastsi128_si256(head), _mm256_inserti128_si256(_mm256_castsi128_si256(head), tail, 1)};
  const __m256i shifts = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6), mask = _mm256_set1_epi32(0x3FFFF), flip = _mm256_set1_epi32(static_cast<int>(code));
  constexpr size_t kFrom[2][2] = {{0, 9}, {18, 20}};
  for (size_t i = 0; i + 16 <= clocks; i += 16, raw += 16 * kRawClockBytes) {
    for (size_t half = 0; half < 2; half++) {
      for (size_t group = 0; group < 16; group += 8) {
        __m256i v[8];
        for (size_t k = 0; k < 8; k++) {
          const uint8_t* p = raw + (group + k) * kRawClockBytes;
          const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + kFrom[half][0]));
          const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + kFrom[half][1]));
          const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
          const __m256i words = _mm256_srlv_epi32(_mm256_shuffle_epi8(both, shuffles[half]), shifts);
          v[k] = _mm256_and_si256(_mm256_xor_si256(words, flip), mask);
        }
        Transpose(v);
        for (size_t s = 0; s < 8; s++) _mm256_storeu_si256(reinterpret_cast<__m256i*>(planes[8 * half + s] + at + i + group), v[s]);
      }
    }
  }
}

#define SUMMIT_UNPACK_AVX512 __attribute__((target("avx2,avx512f,avx512vl,avx512bw,avx512dq")))

SUMMIT_UNPACK_AVX512 SUMMIT_INLINE void Transpose(__m512i* v) {
  __m512i t[16], u[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
  }
  // u[4q + c]: in its lane l channel 4l + c of clocks 4q .. 4q + 3.
  for (int q = 0; q < 4; q++) {
    u[4 * q] = _mm512_unpacklo_epi64(t[4 * q], t[4 * q + 2]);
    u[4 * q + 1] = _mm512_unpackhi_epi64(t[4 * q], t[4 * q + 2]);
    u[4 * q + 2] = _mm512_unpacklo_epi64(t[4 * q + 1], t[4 * q + 3]);
    u[4 * q + 3] = _mm512_unpackhi_epi64(t[4 * q + 1], t[4 * q + 3]);
  }
  for (int c = 0; c < 4; c++) {
    const __m512i low01 = _mm512_shuffle_i32x4(u[c], u[4 + c], 0x44), high01 = _mm512_shuffle_i32x4(u[c], u[4 + c], 0xEE);
    const __m512i low23 = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0x44), high23 = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0xEE);
    v[c] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    v[4 + c] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
    v[8 + c] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    v[12 + c] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
  }
}

// Any channel lies within two 16-bit words of the clock's 18, shifted by at most 14 bits.
SUMMIT_UNPACK_AVX512 void SortAvx512(const uint8_t* raw, size_t clocks, uint32_t code, int32_t* const* planes, size_t at) {
  alignas(64) uint16_t words[32];
  alignas(64) uint32_t bits[16];
  for (uint32_t c = 0; c < kChannels; c++) {
    words[2 * c] = static_cast<uint16_t>(18 * c / 16);
    words[2 * c + 1] = static_cast<uint16_t>(18 * c / 16 + 1);
    bits[c] = 18 * c % 16;
  }
  const __m512i order = _mm512_load_si512(words), shifts = _mm512_load_si512(bits), mask = _mm512_set1_epi32(0x3FFFF), flip = _mm512_set1_epi32(static_cast<int>(code));
  for (size_t i = 0; i + 16 <= clocks; i += 16) {
    __m512i v[16];
    for (size_t k = 0; k < 16; k++, raw += kRawClockBytes) {
      const __m512i shifted = _mm512_srlv_epi32(_mm512_permutexvar_epi16(order, _mm512_maskz_loadu_epi32(0x1FF, raw)), shifts);
      v[k] = _mm512_ternarylogic_epi32(shifted, flip, mask, 0x28);  // (shifted ^ flip) & mask
    }
    Transpose(v);
    // Whole lines past the caches, which are smaller than the planes: a third faster (scripts/bench/image).
    for (size_t s = 0; s < 16; s++) _mm512_stream_si512(reinterpret_cast<__m512i*>(planes[s] + at + i), v[s]);
  }
  // Whoever is told that the planes are complete finds them so.
  _mm_sfence();
}

#endif

}  // namespace

Unpacker::Unpacker(const ChannelMap& map, uint32_t code, int32_t* planes, size_t clocks) : code_(code), clocks_(clocks) {
  for (size_t channel = 0; channel < kChannels; channel++) planes_[channel] = planes + size_t{map[channel]} * clocks;
}

void Unpacker::Sort(const uint8_t* raw, size_t clocks) {
  size_t sorted = 0;
#if defined(__x86_64__)
  if (const pixels::SimdLevel level = pixels::Simd(); level >= pixels::SimdLevel::kAvx2) {
    sorted = clocks - clocks % kGroup;
    // Lines are whole where every plane begins at one.
    const bool lines = level == pixels::SimdLevel::kAvx512 && clocks_ % kGroup == 0;
    (lines ? SortAvx512 : SortAvx2)(raw, sorted, code_, planes_.data(), done_);
  }
#endif
  if (sorted < clocks) {
    std::array<int32_t*, kChannels> at = planes_;
    for (int32_t*& plane : at) plane += done_ + sorted;
    pixels::DecodeRawPlanes(raw + sorted * kClockBytes, clocks - sorted, code_, at.data());
  }
  done_ += clocks;
}

size_t Unpacker::Feed(std::span<const uint8_t> bytes) {
  bytes = bytes.first(static_cast<size_t>(std::min<uint64_t>(bytes.size(), expected() - bytes_)));
  const size_t taken = bytes.size();
  bytes_ += taken;
  if (rest_bytes_ > 0) {
    const size_t more = std::min(bytes.size(), rest_.size() - rest_bytes_);
    std::copy_n(bytes.data(), more, rest_.data() + rest_bytes_);
    rest_bytes_ += more;
    bytes = bytes.subspan(more);
    if (rest_bytes_ == rest_.size()) {
      Sort(rest_.data(), kGroup);
      rest_bytes_ = 0;
    }
  }
  const size_t whole = bytes.size() / rest_.size() * kGroup;
  if (whole > 0) Sort(bytes.data(), whole);
  bytes = bytes.subspan(whole * kClockBytes);
  if (!bytes.empty()) {
    std::copy_n(bytes.data(), bytes.size(), rest_.data());
    rest_bytes_ = bytes.size();
  }
  if (complete() && rest_bytes_ > 0) {
    Sort(rest_.data(), rest_bytes_ / kClockBytes);
    rest_bytes_ = 0;
  }
  return taken;
}

}  // namespace summit::image
