// SPDX-License-Identifier: Apache-2.0
// A host for drivers and assemblers under test: a real pool and a log to look at.
// Thread: as FramePool; the log under its mutex.
// Owns: the pool.
#ifndef SUMMIT_DAQ_TESTING_TEST_HOST_H_
#define SUMMIT_DAQ_TESTING_TEST_HOST_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/frame_pool.h"

namespace summit::daq::testing {

class TestHost {
 public:
  explicit TestHost(uint32_t slots = 8, uint64_t slot_bytes = 64000) {
    std::string message;
    pool_ = FramePool::Create({.slots = slots, .slot_bytes = slot_bytes, .huge_pages = false}, &message);
    host_.struct_size = sizeof(host_);
    host_.abi_version = SUMMIT_ABI_VERSION;
    host_.context = this;
    host_.slot_bytes = slot_bytes;
    host_.acquire = [](void* self, uint64_t bytes, void** memory) { return Of(self)->pool_->Acquire(bytes, memory); };
    host_.cancel = [](void* self, uint64_t token) { Of(self)->pool_->Release(token); };
    host_.commit = [](void* self, const SummitFrame* frame) { Of(self)->pool_->Release(frame->token); };
    host_.log = [](void* self, int, const char* text) {
      const std::lock_guard<std::mutex> lock(Of(self)->mutex_);
      Of(self)->log_.emplace_back(text);
    };
  }

  const SummitHost& host() const { return host_; }
  FramePool& pool() { return *pool_; }
  std::vector<std::string> log() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return log_;
  }

 private:
  static TestHost* Of(void* self) { return static_cast<TestHost*>(self); }
  std::unique_ptr<FramePool> pool_;
  SummitHost host_{};
  std::mutex mutex_;
  std::vector<std::string> log_;
};

}  // namespace summit::daq::testing

#endif  // SUMMIT_DAQ_TESTING_TEST_HOST_H_
