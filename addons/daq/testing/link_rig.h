// SPDX-License-Identifier: Apache-2.0
// A started link for tests: collects records in the test's thread, with deadlines.
// Thread: the test's; the doorbell comes from the link thread.
// Owns: the link.
#ifndef SUMMIT_DAQ_TESTING_LINK_RIG_H_
#define SUMMIT_DAQ_TESTING_LINK_RIG_H_

#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/link.h"

namespace summit::daq::testing {

class LinkRig {
 public:
  // `settings`: JSON as agent/daq/link.ts writes it.
  explicit LinkRig(const std::string& settings) {
    LinkSettings parsed;
    EXPECT_TRUE(ReadLinkSettings(settings, &parsed, &message_)) << message_;
    int code = SUMMIT_OK;
    link_ = Link::Create(parsed, [bell = bell_] { bell->Signal(); }, &code, &message_);
    EXPECT_NE(link_, nullptr) << message_;
  }

  int Start() { return link_->Start(&message_); }
  const std::string& message() const { return message_; }
  Link& link() { return *link_; }
  const std::vector<Record>& records() const { return records_; }

  // Drains until the condition holds; false after 10 s.
  bool Until(const std::function<bool()>& condition) {
    const uint64_t deadline = MonotonicNs() + 10000000000u;
    while (!condition()) {
      if (MonotonicNs() > deadline) return false;
      bell_->Wait(100);
      bell_->Clear();
      Drain();
    }
    return true;
  }

  void Drain() {
    std::array<Record, 64> some;
    for (size_t count = link_->Drain(some); count > 0; count = link_->Drain(some)) {
      records_.insert(records_.end(), some.begin(), some.begin() + static_cast<long>(count));
    }
  }

  size_t Count(uint8_t event_type) const {
    size_t count = 0;
    for (const Record& record : records_) count += record.frame.event_type == event_type ? 1 : 0;
    return count;
  }

 private:
  // Outlives the link: a link that is left behind may still ring.
  std::shared_ptr<Wakeup> bell_ = std::make_shared<Wakeup>();
  std::shared_ptr<Link> link_;
  std::string message_;
  std::vector<Record> records_;
};

// The mock library beside the running test.
inline std::string MockPluginPath() {
  std::array<char, PATH_MAX> self{};
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size() - 1);
  const std::string path(self.data(), length > 0 ? static_cast<size_t>(length) : 0);
  const std::string directory = path.substr(0, path.rfind('/'));
  const std::string beside = directory + "/mock_plugin.so";
  return access(beside.c_str(), R_OK) == 0 ? beside : directory + "/lib.target/mock_plugin.so";
}

}  // namespace summit::daq::testing

#endif  // SUMMIT_DAQ_TESTING_LINK_RIG_H_
