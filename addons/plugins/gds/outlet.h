// SPDX-License-Identifier: Apache-2.0
// The way to the host: one at a time, though the SDK's thread and the one that asks the DAQ both have something to tell.
// Thread: any.
// Owns: nothing; the host outlives it.
#ifndef SUMMIT_PLUGINS_GDS_OUTLET_H_
#define SUMMIT_PLUGINS_GDS_OUTLET_H_

#include <cstdint>
#include <mutex>
#include <string>

#include "addons/daq/driver.h"
#include "addons/plugins/library.h"

namespace summit::gds {

class Outlet {
 public:
  explicit Outlet(const SummitHost& host) : host_(host) {}

  uint64_t Acquire(uint64_t bytes, void** memory) { return host_.acquire(host_.context, bytes, memory); }
  void Cancel(uint64_t token) {
    if (token != 0) host_.cancel(host_.context, token);
  }
  void Commit(const SummitFrame& frame) {
    const std::lock_guard<std::mutex> lock(mutex_);
    host_.commit(host_.context, &frame);
  }
  void Log(int level, const std::string& text) { host_.log(host_.context, level, ("gds: " + text).c_str()); }

  // A link event, or nothing but the descriptor of one.
  static SummitFrame FrameOf(uint8_t type) {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    frame.abi_version = SUMMIT_ABI_VERSION;
    frame.event_type = type;
    frame.location = 0xFF;
    frame.stamps_sent = UINT64_MAX;
    frame.t_first_ns = frame.t_last_ns = plugins::MonotonicNs();
    return frame;
  }
  void LinkEvent(uint8_t type, const std::string& text) {
    SummitFrame frame = FrameOf(type);
    frame.data = text.data();
    frame.bytes = static_cast<uint32_t>(text.size());
    Commit(frame);
  }

 private:
  const SummitHost host_;
  std::mutex mutex_;
};

}  // namespace summit::gds

#endif  // SUMMIT_PLUGINS_GDS_OUTLET_H_
