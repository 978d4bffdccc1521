// SPDX-License-Identifier: Apache-2.0
// The ABI's table of functions for a driver of ours: a class with Start, Stop, Next and Stats behind the handle.
// Thread: as driver.h says.
// Owns: nothing; `close` deletes the handle that `open` gave.
#ifndef SUMMIT_DAQ_DRIVER_TABLE_H_
#define SUMMIT_DAQ_DRIVER_TABLE_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "addons/daq/driver.h"

namespace summit::daq {

// What `open` returns when it opens nothing.
inline int Refuse(int code, const std::string& text, char* message, uint64_t message_bytes) {
  std::snprintf(message, message_bytes, "%s", text.c_str());
  return code;
}

template <class Link>
Link* HandleOf(void* handle) {
  return static_cast<Link*>(handle);
}

// Payloads live until the next frame or as long as the handle, and nothing is controlled, unless `release` and
// `control` are set besides.
template <class Link>
constexpr SummitDriver DriverTable(const char* name, uint64_t caps, decltype(SummitDriver::open) open) {
  SummitDriver table{};
  table.struct_size = sizeof(SummitDriver);
  table.abi_version = SUMMIT_ABI_VERSION;
  table.name = name;
  table.version = "1";
  table.caps = caps;
  table.open = open;
  table.start = [](void* handle) { return HandleOf<Link>(handle)->Start(), static_cast<int>(SUMMIT_OK); };
  table.stop = [](void* handle, int) { return HandleOf<Link>(handle)->Stop(), static_cast<int>(SUMMIT_OK); };
  table.next = [](void* handle, SummitFrame* frame, int timeout_ms) { return HandleOf<Link>(handle)->Next(frame, timeout_ms); };
  table.stats = [](void* handle, SummitLinkStats* stats) {
    return HandleOf<Link>(handle)->Stats(stats), static_cast<int>(SUMMIT_OK);
  };
  table.close = [](void* handle) { delete HandleOf<Link>(handle); };
  return table;
}

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_DRIVER_TABLE_H_
