// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_format.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "addons/daq/crc32c.h"
#include "addons/daq/driver.h"

namespace summit::daq {
namespace {

// Written out from the table in sim-hw/README.md; only the last four bytes, the checksum, are computed.
std::array<uint8_t, 76> Golden() {
  std::array<uint8_t, 76> bytes = {
      0x53, 0x44, 0x41, 0x51,                          // magic "SDAQ"
      1, 72,                                           // version, header_bytes
      0, 1, 39, 3, 1, 0x05,                            // STAMP, BDI_ERROR, R04_SG0, RUNNING, int32, simulated + one-based
      0x34, 0x12, 0xFF, 0xFF,                          // sequence, stamp
      0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,  // time
      0x0D, 0x0C, 0x0B, 0x0A,                          // packet
      0x10, 0x27, 0, 0,                                // total_bytes 10000
      0x0C, 0x27, 0, 0,                                // fragment_offset 9996
      4, 0,                                            // fragment_bytes
      50, 0, 51, 0, 17, 0,                             // rows, cols, segment
      0x2C, 0x01, 0xC8, 0x00, 100, 0,                  // start_row 300, start_col 200, integration_ms
      1, 0, 3, 0, 2, 0,                                // over_rows, under_cols, over_cols
      0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,  // session
      0xEF, 0xBE, 0xAD, 0xDE,                          // payload_crc32c
      0, 0, 0, 0,                                      // header_crc32c
      1, 2, 3, 4,                                      // payload
  };
  const uint32_t checksum = Crc32cByTable(bytes.data(), 68);
  std::memcpy(bytes.data() + 68, &checksum, 4);
  return bytes;
}

void Sign(std::vector<uint8_t>* datagram) {
  const size_t at = (*datagram)[5] - 4u;
  const uint32_t checksum = Crc32c(datagram->data(), at);
  std::memcpy(datagram->data() + at, &checksum, 4);
}

TEST(WireFormat, ReadsEveryFieldOfTheGoldenHeader) {
  const auto bytes = Golden();
  WireHeader header;
  ASSERT_EQ(ParseWireHeader(bytes, &header), WireVerdict::kGood);
  EXPECT_EQ(header.event_type, SUMMIT_EVENT_STAMP);
  EXPECT_EQ(header.event_status, 1);
  EXPECT_EQ(header.location, 39);
  EXPECT_EQ(header.daq_state, 3);
  EXPECT_EQ(header.pixel_type, 1);
  EXPECT_EQ(header.flags, kWireSimulated | kWireOneBased);
  EXPECT_EQ(header.sequence, 0x1234);
  EXPECT_EQ(header.stamp, 0xFFFF);
  EXPECT_EQ(header.time_tai_ns, 0x0102030405060708u);
  EXPECT_EQ(header.packet, 0x0A0B0C0Du);
  EXPECT_EQ(header.total_bytes, 10000u);
  EXPECT_EQ(header.fragment_offset, 9996u);
  EXPECT_EQ(header.fragment_bytes, 4);
  EXPECT_EQ(header.rows, 50);
  EXPECT_EQ(header.cols, 51);
  EXPECT_EQ(header.segment, 17);
  EXPECT_EQ(header.start_row, 300);
  EXPECT_EQ(header.start_col, 200);
  EXPECT_EQ(header.integration_ms, 100);
  EXPECT_EQ(header.over_rows, 1);
  EXPECT_EQ(header.under_cols, 3);
  EXPECT_EQ(header.over_cols, 2);
  EXPECT_EQ(header.session, 0x1122334455667788u);
  EXPECT_EQ(header.payload_crc32c, 0xDEADBEEFu);
}

TEST(WireFormat, WritesTheSameBytesAgain) {
  const auto bytes = Golden();
  WireHeader header;
  ASSERT_EQ(ParseWireHeader(bytes, &header), WireVerdict::kGood);
  std::array<uint8_t, kWireHeaderBytes> again{};
  EncodeWireHeader(header, again);
  EXPECT_EQ(std::memcmp(again.data(), bytes.data(), kWireHeaderBytes), 0);
}

TEST(WireFormat, TellsWhatIsWrongWithADatagram) {
  const auto golden = Golden();
  const auto with = [&](size_t at, uint8_t value, bool sign) {
    std::vector<uint8_t> bytes(golden.begin(), golden.end());
    bytes[at] = value;
    if (sign) Sign(&bytes);
    WireHeader header;
    return ParseWireHeader(bytes, &header);
  };
  WireHeader header;
  EXPECT_EQ(ParseWireHeader(std::span(golden).first(71), &header), WireVerdict::kBadMagic);
  EXPECT_EQ(ParseWireHeader({}, &header), WireVerdict::kBadMagic);
  EXPECT_EQ(with(0, 'X', true), WireVerdict::kBadMagic);
  EXPECT_EQ(with(4, 2, true), WireVerdict::kBadVersion);
  EXPECT_EQ(with(20, 9, false), WireVerdict::kBadHeader) << "checksum";
  EXPECT_EQ(with(5, 71, false), WireVerdict::kBadHeader) << "header shorter than v1";
  EXPECT_EQ(with(5, 200, false), WireVerdict::kBadHeader) << "header longer than the datagram";
  EXPECT_EQ(with(36, 3, true), WireVerdict::kBadHeader) << "longer than it says";
  EXPECT_EQ(with(36, 5, true), WireVerdict::kBadHeader) << "fragment beyond the message";
  EXPECT_EQ(with(32, 0x00, true), WireVerdict::kGood) << "another offset is fine";
}

TEST(WireFormat, AcceptsACutDatagramWhoseHeaderHolds) {
  const auto golden = Golden();
  WireHeader header;
  EXPECT_EQ(ParseWireHeader(std::span(golden).first(73), &header), WireVerdict::kGood);
}

TEST(WireFormat, AcceptsALongerHeaderOfTheSameVersion) {
  const auto golden = Golden();
  std::vector<uint8_t> bytes(golden.begin(), golden.begin() + 68);
  bytes.resize(80);  // 68 known, 8 not known here, 4 checksum
  bytes[5] = 80;
  Sign(&bytes);
  bytes.insert(bytes.end(), {1, 2, 3, 4});
  WireHeader header;
  ASSERT_EQ(ParseWireHeader(bytes, &header), WireVerdict::kGood);
  EXPECT_EQ(header.header_bytes, 80);
  EXPECT_EQ(header.session, 0x1122334455667788u);
}

TEST(WireFormat, RandomBytesNeverPass) {
  uint32_t state = 7;
  std::vector<uint8_t> bytes(300);
  for (int turn = 0; turn < 20000; ++turn) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    std::memcpy(bytes.data(), "SDAQ\x01", 5);
    WireHeader header;
    ASSERT_NE(ParseWireHeader(std::span(bytes).first(72u + static_cast<size_t>(turn) % 228), &header), WireVerdict::kGood);
  }
}

}  // namespace
}  // namespace summit::daq
