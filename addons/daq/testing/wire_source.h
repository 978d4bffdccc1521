// SPDX-License-Identifier: Apache-2.0
// Makes the datagrams of a DAQ for tests: stamps in fragments, events, STATUS.
// Thread: one at a time.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_TESTING_WIRE_SOURCE_H_
#define SUMMIT_DAQ_TESTING_WIRE_SOURCE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "addons/daq/crc32c.h"
#include "addons/daq/driver.h"
#include "addons/daq/wire_format.h"

namespace summit::daq::testing {

using Datagram = std::vector<uint8_t>;

struct StatusEntry {
  uint8_t location;
  uint8_t state;
  uint16_t sequence;
  uint64_t sent;
};

class WireSource {
 public:
  uint64_t session = 1234;
  uint16_t sequence = 1;
  uint16_t rows = 20;
  uint16_t cols = 25;          // 2000 bytes int32
  uint32_t fragment = 600;     // four fragments, the last of 200
  uint8_t flags = 0;
  uint64_t tai_ns = 1800000000000000000u;

  WireHeader Header(uint8_t event_type, uint8_t location) {
    WireHeader header;
    header.event_type = event_type;
    header.location = location;
    header.flags = flags;
    header.sequence = sequence;
    header.session = session;
    header.time_tai_ns = tai_ns++;
    header.daq_state = SUMMIT_STATE_RUNNING;
    return header;
  }

  // Cuts a message into datagrams; numbers them.
  std::vector<Datagram> Message(WireHeader header, std::span<const uint8_t> payload) {
    std::vector<Datagram> datagrams;
    header.total_bytes = static_cast<uint32_t>(payload.size());
    size_t at = 0;
    do {
      const size_t bytes = std::min<size_t>(fragment, payload.size() - at);
      header.fragment_offset = static_cast<uint32_t>(at);
      header.fragment_bytes = static_cast<uint16_t>(bytes);
      header.packet = packet_++;
      header.payload_crc32c = bytes == 0 ? 0 : Crc32c(payload.data() + at, bytes);
      datagrams.push_back(One(header, payload.subspan(at, bytes)));
      at += bytes;
    } while (at < payload.size());
    return datagrams;
  }

  static Datagram One(const WireHeader& header, std::span<const uint8_t> payload) {
    Datagram datagram(kWireHeaderBytes + payload.size());
    EncodeWireHeader(header, std::span<uint8_t, kWireHeaderBytes>(datagram.data(), kWireHeaderBytes));
    if (!payload.empty()) std::memcpy(datagram.data() + kWireHeaderBytes, payload.data(), payload.size());
    return datagram;
  }

  WireHeader StampHeader(uint8_t location, uint64_t number) {
    WireHeader header = Header(SUMMIT_EVENT_STAMP, location);
    header.stamp = static_cast<uint16_t>(number);
    header.pixel_type = SUMMIT_PIXEL_I32;
    header.rows = rows;
    header.cols = cols;
    header.integration_ms = 50;
    return header;
  }

  // Pixel i of stamp n is 13000 + n + i % 251.
  std::vector<uint8_t> Pixels(uint64_t number) const {
    std::vector<int32_t> pixels(size_t{rows} * cols);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<int32_t>(13000 + number + i % 251);
    std::vector<uint8_t> bytes(pixels.size() * 4);
    std::memcpy(bytes.data(), pixels.data(), bytes.size());
    return bytes;
  }

  std::vector<Datagram> Stamp(uint8_t location, uint64_t number) {
    return Message(StampHeader(location, number), Pixels(number));
  }

  Datagram Start(uint8_t location) {
    SummitSeriesMetadata series{};
    series.common.nrows = rows;
    series.common.ncols = cols;
    series.roi.location = location;
    series.valid = 1;
    return Message(Header(SUMMIT_EVENT_START, location), Bytes(series)).front();
  }
  Datagram Resume(uint8_t location, std::string_view comment) {
    return Message(Header(SUMMIT_EVENT_RESUME, location), {reinterpret_cast<const uint8_t*>(comment.data()), comment.size()})
        .front();
  }
  Datagram Pause(uint8_t location, uint64_t sent) { return Message(Header(SUMMIT_EVENT_PAUSE, location), Bytes(sent)).front(); }
  Datagram Stop(uint8_t location, uint64_t sent) { return Message(Header(SUMMIT_EVENT_STOP, location), Bytes(sent)).front(); }

  Datagram Status(const std::vector<StatusEntry>& entries, uint8_t daq_state) {
    std::vector<uint8_t> payload(16 * entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      uint8_t* entry = payload.data() + 16 * i;
      entry[0] = entries[i].location;
      entry[1] = entries[i].state;
      std::memcpy(entry + 2, &entries[i].sequence, 2);
      std::memcpy(entry + 8, &entries[i].sent, 8);
    }
    WireHeader header = Header(SUMMIT_EVENT_STATUS, 0xFF);
    header.daq_state = daq_state;
    const uint32_t cut = std::exchange(fragment, 8900);
    Datagram datagram = Message(header, payload).front();
    fragment = cut;
    return datagram;
  }

 private:
  template <typename T>
  static std::span<const uint8_t> Bytes(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
  }
  uint32_t packet_ = 0;
};

}  // namespace summit::daq::testing

#endif  // SUMMIT_DAQ_TESTING_WIRE_SOURCE_H_
