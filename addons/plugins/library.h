// SPDX-License-Identifier: Apache-2.0
// What plug-ins over a site's library have in common.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_PLUGINS_LIBRARY_H_
#define SUMMIT_PLUGINS_LIBRARY_H_

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "addons/daq/driver.h"

namespace summit::plugins {

// CLOCK_MONOTONIC, the host's own time scale.
inline uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// The one place where the library's exceptions end: "" or what it threw.
template <class Call>
std::string Guarded(Call call) {
  try {
    call();
    return "";
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception without a text";
  }
}

// `code` of `open`, with its sentence.
inline int Refuse(int code, const std::string& text, char* message, uint64_t message_bytes) {
  std::snprintf(message, message_bytes, "%s", text.c_str());
  return code;
}

// As much of `all` as the host's record has room for.
inline void Give(const SummitLinkStats& all, SummitLinkStats* stats) {
  const uint32_t room = std::min<uint32_t>(stats->struct_size, sizeof(all));
  std::memcpy(stats, &all, room);
  stats->struct_size = room;
}

}  // namespace summit::plugins

#endif  // SUMMIT_PLUGINS_LIBRARY_H_
