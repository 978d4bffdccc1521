// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/crc32c.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace summit::daq {
namespace {

uint32_t Of(std::string_view text) { return Crc32c(text.data(), text.size()); }

TEST(Crc32c, AgreesWithPublishedVectors) {
  EXPECT_EQ(Of("123456789"), 0xE3069283u);
  EXPECT_EQ(Of(""), 0u);
  // RFC 3720, B.4.
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0x00).data(), 32), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0xFF).data(), 32), 0x62A8AB43u);
  std::vector<uint8_t> rising(32);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(Crc32c(rising.data(), 32), 0x46DD794Eu);
  EXPECT_EQ(Crc32cByTable(rising.data(), 32), 0x46DD794Eu);
}

TEST(Crc32c, InstructionAndTableAgreeOnEveryLengthAndAlignment) {
  std::vector<uint8_t> bytes(9300);
  uint32_t state = 1;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  for (size_t length = 0; length <= 9216; length += length < 200 ? 1 : 97) {
    const size_t offset = length % 9;
    ASSERT_EQ(Crc32c(bytes.data() + offset, length), Crc32cByTable(bytes.data() + offset, length)) << length;
  }
}

}  // namespace
}  // namespace summit::daq
