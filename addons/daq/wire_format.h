// SPDX-License-Identifier: Apache-2.0
// The header of wire format v1 (sim-hw/README.md): bytes to fields and back.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_DAQ_WIRE_FORMAT_H_
#define SUMMIT_DAQ_WIRE_FORMAT_H_

#include <cstdint>
#include <span>

namespace summit::daq {

inline constexpr uint32_t kWireMagic = 0x51414453u;  // "SDAQ"
inline constexpr uint8_t kWireVersion = 1;
inline constexpr uint32_t kWireHeaderBytes = 72;
inline constexpr uint32_t kMaxDatagramBytes = 9216;  // MTU up to 9000, and room to notice longer ones

// Bits of `flags` in the header.
inline constexpr uint8_t kWireSimulated = 1u << 0;
inline constexpr uint8_t kWireSplitRoi = 1u << 1;
inline constexpr uint8_t kWireOneBased = 1u << 2;

struct WireHeader {
  uint8_t header_bytes = kWireHeaderBytes;
  uint8_t event_type = 0;
  uint8_t event_status = 0;
  uint8_t location = 0;
  uint8_t daq_state = 0;
  uint8_t pixel_type = 0;
  uint8_t flags = 0;
  uint16_t sequence = 0;
  uint16_t stamp = 0;
  uint64_t time_tai_ns = 0;
  uint32_t packet = 0;
  uint32_t total_bytes = 0;
  uint32_t fragment_offset = 0;
  uint16_t fragment_bytes = 0;
  uint16_t rows = 0;
  uint16_t cols = 0;
  uint16_t segment = 0;
  uint16_t start_row = 0;
  uint16_t start_col = 0;
  uint16_t integration_ms = 0;
  uint16_t over_rows = 0;
  uint16_t under_cols = 0;
  uint16_t over_cols = 0;
  uint64_t session = 0;
  uint32_t payload_crc32c = 0;
};

enum class WireVerdict : uint8_t {
  kGood,
  kBadMagic,    // not ours, or shorter than a header
  kBadVersion,  // another version of the wire
  kBadHeader,   // checksum or lengths contradict: nothing in it can be trusted
};

WireVerdict ParseWireHeader(std::span<const uint8_t> datagram, WireHeader* header);

// The header of a message that comes in one piece and may be longer than a datagram: `bytes` begins with it, and its
// fragment_offset and fragment_bytes say nothing.
WireVerdict ParseWireMessage(std::span<const uint8_t> bytes, WireHeader* header);

// Writes the 72 bytes, header checksum included; payload_crc32c is taken as it is.
void EncodeWireHeader(const WireHeader& header, std::span<uint8_t, kWireHeaderBytes> bytes);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_FORMAT_H_
