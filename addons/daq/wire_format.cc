// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_format.h"

#include <bit>
#include <cstring>

#include "addons/daq/crc32c.h"

namespace summit::daq {

static_assert(std::endian::native == std::endian::little, "the wire is little endian, and so are the copies below");

namespace {

template <typename T>
void Get(const uint8_t* bytes, size_t offset, T* field) {
  std::memcpy(field, bytes + offset, sizeof(T));
}

template <typename T>
void Put(uint8_t* bytes, size_t offset, T field) {
  std::memcpy(bytes + offset, &field, sizeof(T));
}

// One list of offsets for both directions.
template <typename Visit>
void VisitFields(Visit visit) {
  visit(5, &WireHeader::header_bytes);
  visit(6, &WireHeader::event_type);
  visit(7, &WireHeader::event_status);
  visit(8, &WireHeader::location);
  visit(9, &WireHeader::daq_state);
  visit(10, &WireHeader::pixel_type);
  visit(11, &WireHeader::flags);
  visit(12, &WireHeader::sequence);
  visit(14, &WireHeader::stamp);
  visit(16, &WireHeader::time_tai_ns);
  visit(24, &WireHeader::packet);
  visit(28, &WireHeader::total_bytes);
  visit(32, &WireHeader::fragment_offset);
  visit(36, &WireHeader::fragment_bytes);
  visit(38, &WireHeader::rows);
  visit(40, &WireHeader::cols);
  visit(42, &WireHeader::segment);
  visit(44, &WireHeader::start_row);
  visit(46, &WireHeader::start_col);
  visit(48, &WireHeader::integration_ms);
  visit(50, &WireHeader::over_rows);
  visit(52, &WireHeader::under_cols);
  visit(54, &WireHeader::over_cols);
  visit(56, &WireHeader::session);
  visit(64, &WireHeader::payload_crc32c);
}

}  // namespace

WireVerdict ParseWireMessage(std::span<const uint8_t> message, WireHeader* header) {
  const uint8_t* bytes = message.data();
  if (message.size() < kWireHeaderBytes) return WireVerdict::kBadMagic;
  uint32_t magic = 0;
  Get(bytes, 0, &magic);
  if (magic != kWireMagic) return WireVerdict::kBadMagic;
  if (bytes[4] != kWireVersion) return WireVerdict::kBadVersion;
  const size_t header_bytes = bytes[5];
  if (header_bytes < kWireHeaderBytes || header_bytes > message.size()) return WireVerdict::kBadHeader;
  uint32_t checksum = 0;
  Get(bytes, header_bytes - 4, &checksum);
  if (checksum != Crc32c(bytes, header_bytes - 4)) return WireVerdict::kBadHeader;
  VisitFields([&](size_t offset, auto field) { Get(bytes, offset, &(header->*field)); });
  return WireVerdict::kGood;
}

WireVerdict ParseWireHeader(std::span<const uint8_t> datagram, WireHeader* header) {
  const WireVerdict verdict = ParseWireMessage(datagram, header);
  if (verdict != WireVerdict::kGood) return verdict;
  // A shorter datagram is a cut one (its header holds); a longer one is not what its header describes.
  if (datagram.size() > size_t{header->header_bytes} + header->fragment_bytes) return WireVerdict::kBadHeader;
  const uint64_t end = uint64_t{header->fragment_offset} + header->fragment_bytes;
  if (end > header->total_bytes) return WireVerdict::kBadHeader;
  if (header->fragment_bytes == 0 && header->total_bytes != 0) return WireVerdict::kBadHeader;
  return WireVerdict::kGood;
}

void EncodeWireHeader(const WireHeader& header, std::span<uint8_t, kWireHeaderBytes> bytes) {
  Put(bytes.data(), 0, kWireMagic);
  Put(bytes.data(), 4, kWireVersion);
  VisitFields([&](size_t offset, auto field) { Put(bytes.data(), offset, header.*field); });
  Put(bytes.data(), 5, static_cast<uint8_t>(kWireHeaderBytes));
  Put(bytes.data(), 68, Crc32c(bytes.data(), kWireHeaderBytes - 4));
}

}  // namespace summit::daq
