// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/crc32c.h"

#include <array>
#include <cstring>

namespace summit::sim {
namespace {

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1u) ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

uint32_t ByTable(const uint8_t* p, size_t n) {
  uint32_t crc = 0xFFFFFFFFu;
  for (; n > 0; n--, p++) crc = (crc >> 8) ^ kTable[(crc ^ *p) & 0xFFu];
  return crc ^ 0xFFFFFFFFu;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t ByInstruction(const uint8_t* p, size_t n) {
  uint64_t crc = 0xFFFFFFFFu;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  uint32_t tail = static_cast<uint32_t>(crc);
  for (; n > 0; n--, p++) tail = __builtin_ia32_crc32qi(tail, *p);
  return tail ^ 0xFFFFFFFFu;
}
#endif

}  // namespace

uint32_t Crc32c(const void* data, size_t bytes) {
  const auto* p = static_cast<const uint8_t*>(data);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ByInstruction(p, bytes);
#endif
  return ByTable(p, bytes);
}

}  // namespace summit::sim
