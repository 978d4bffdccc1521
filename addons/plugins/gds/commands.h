// SPDX-License-Identifier: Apache-2.0
// Commands to the DAQ, first of all the question which series runs, and twice a second whether the DAQ is there: in a thread of its
// own, since the SDK's calls block.
// Thread: Ask by any; Start and Stop by the owner.
// Owns: the SDK's Client and its thread. A call that does not come back keeps both: Stop then says so and leaves them.
#ifndef SUMMIT_PLUGINS_GDS_COMMANDS_H_
#define SUMMIT_PLUGINS_GDS_COMMANDS_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "addons/plugins/gds/outlet.h"
#include "addons/plugins/gds/sdk_bytes.h"

namespace summit::gds {

struct RunningSeries {
  SummitRoiCommon common{};
  std::vector<SummitRoiLocation> locations;
};

class Commands {
 public:
  Commands(std::string partition, std::string interface_name, Outlet* outlet);

  // "" or what the SDK says against this partition.
  std::string Connect();
  void Start();
  // The ROIs of the series that is configured, none if none is. False: the DAQ has not told within the deadline.
  bool Running(std::chrono::milliseconds deadline, RunningSeries* running);
  bool Stop(std::chrono::milliseconds deadline);
  // One command as driver.h's `control`; a SummitError, and the reply in any case.
  bool up() const { return up_.load(std::memory_order_relaxed); }
  int Ask(const std::string& json, std::chrono::milliseconds deadline, std::string* reply);

 private:
  struct Request {
    std::string json;
    std::string reply;
    bool answered = false;
  };

  void Run();
  void Learn();
  std::string Answer(const std::string& json);
  int Call(const std::string& command, const std::string& json, GDS::Status* status, std::string* problem);
  int StartSeries(const std::string& json, GDS::Status* status, std::string* problem);
  void Look();

  const std::string partition_;
  const std::string interface_;
  Outlet* const outlet_;
  std::unique_ptr<GDS::Client> client_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Request>> requests_;
  RunningSeries running_;
  bool learnt_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  std::atomic<bool> up_{false};
  bool told_down_ = false;
};

}  // namespace summit::gds

#endif  // SUMMIT_PLUGINS_GDS_COMMANDS_H_
