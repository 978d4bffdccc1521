// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), with the processor's own instructions where it has them.
// Thread: one at a time.
// Owns: nothing outside itself.
#ifndef SUMMIT_RECORDER_SHA256_H_
#define SUMMIT_RECORDER_SHA256_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace summit::recorder {

class Sha256 {
 public:
  void Add(std::span<const uint8_t> bytes);
  // 64 hexadecimal digits. Nothing may be added afterwards.
  std::string Finish();

 private:
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> block_{};
  uint64_t bytes_ = 0;
};

// Of a whole file; empty with errno when it cannot be read.
std::string Sha256OfFile(const std::string& path, uint64_t* bytes);

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_SHA256_H_
