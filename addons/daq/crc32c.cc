// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace summit::daq {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78u;  // 0x1EDC6F41, bits reversed

// table[k][b]: effect of byte b followed by k zero bytes; eight of them take eight bytes per step.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? kPolynomial : 0u);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (size_t k = 1; k < 8; ++k) tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xFFu];
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

uint32_t UpdateByTable(uint32_t crc, const uint8_t* data, size_t bytes) {
  for (; bytes >= 8; bytes -= 8, data += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xFFu];
  }
  for (; bytes > 0; --bytes, ++data) crc = (crc >> 8) ^ kTables[0][(crc ^ *data) & 0xFFu];
  return crc;
}

#if defined(__x86_64__)

// The instruction takes 3 cycles and can start every cycle: three independent lanes keep it busy. Lanes are
// joined by "append n zero bytes", a linear map of the 32 register bits, looked up byte by byte.
constexpr size_t kLongLane = 1024;   // bytes; two rounds in a 8900-byte fragment
constexpr size_t kShortLane = 256;

using ShiftTable = std::array<std::array<uint32_t, 256>, 4>;

ShiftTable MakeShift(size_t zeros) {
  const std::array<uint8_t, kLongLane> nothing{};
  ShiftTable table{};
  for (uint32_t bit = 0; bit < 32; ++bit) {
    const uint32_t moved = UpdateByTable(1u << bit, nothing.data(), zeros);
    for (uint32_t byte = 0; byte < 256; ++byte) {
      if ((byte >> (bit % 8) & 1u) != 0) table[bit / 8][byte] ^= moved;
    }
  }
  return table;
}

uint32_t Shift(const ShiftTable& table, uint32_t crc) {
  return table[0][crc & 0xFFu] ^ table[1][(crc >> 8) & 0xFFu] ^ table[2][(crc >> 16) & 0xFFu] ^ table[3][crc >> 24];
}

uint64_t Load(const uint8_t* data) {
  uint64_t word = 0;
  std::memcpy(&word, data, 8);
  return word;
}

template <size_t kLane>
__attribute__((target("sse4.2"))) uint32_t ThreeLanes(const ShiftTable& table, uint32_t crc, const uint8_t* data) {
  uint64_t first = crc;
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < kLane; i += 8) {
    first = _mm_crc32_u64(first, Load(data + i));
    second = _mm_crc32_u64(second, Load(data + kLane + i));
    third = _mm_crc32_u64(third, Load(data + 2 * kLane + i));
  }
  const uint32_t joined = Shift(table, static_cast<uint32_t>(first)) ^ static_cast<uint32_t>(second);
  return Shift(table, joined) ^ static_cast<uint32_t>(third);
}

__attribute__((target("sse4.2"))) uint32_t UpdateByInstruction(uint32_t crc, const uint8_t* data, size_t bytes) {
  static const ShiftTable long_shift = MakeShift(kLongLane);
  static const ShiftTable short_shift = MakeShift(kShortLane);
  for (; bytes >= 3 * kLongLane; bytes -= 3 * kLongLane, data += 3 * kLongLane) {
    crc = ThreeLanes<kLongLane>(long_shift, crc, data);
  }
  for (; bytes >= 3 * kShortLane; bytes -= 3 * kShortLane, data += 3 * kShortLane) {
    crc = ThreeLanes<kShortLane>(short_shift, crc, data);
  }
  uint64_t wide = crc;
  for (; bytes >= 8; bytes -= 8, data += 8) wide = _mm_crc32_u64(wide, Load(data));
  crc = static_cast<uint32_t>(wide);
  for (; bytes > 0; --bytes, ++data) crc = _mm_crc32_u8(crc, *data);
  return crc;
}

#endif

}  // namespace

uint32_t Crc32cByTable(const void* data, size_t bytes) {
  return ~UpdateByTable(~0u, static_cast<const uint8_t*>(data), bytes);
}

uint32_t Crc32c(const void* data, size_t bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~UpdateByInstruction(~0u, static_cast<const uint8_t*>(data), bytes);
#endif
  return Crc32cByTable(data, bytes);
}

}  // namespace summit::daq
