// SPDX-License-Identifier: Apache-2.0
// The LSST camera DAQ's guider data service (GDS) behind the driver ABI: a push library.
//
// Options: {"partition": "guider", "interface": "", "locations": [3, 4, ...]}
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "addons/plugins/gds/commands.h"
#include "addons/plugins/gds/subscription.h"
#include "addons/plugins/library.h"

#ifndef SUMMIT_GDS_SDK
#define SUMMIT_GDS_SDK "unknown"
#endif

namespace summit::gds {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kSeriesWait{1000};

struct Settings {
  std::string partition;
  std::string interface_name;
  std::vector<uint8_t> locations;
};

std::string ReadSettings(const char* text, Settings* settings) {
  const nlohmann::json options = nlohmann::json::parse(text, nullptr, false);
  if (!options.is_object()) return "gds: expected a JSON object";
  for (const auto& [key, value] : options.items()) {
    if (key == "partition" && value.is_string()) settings->partition = value.get<std::string>();
    else if (key == "interface" && (value.is_string() || value.is_null())) settings->interface_name = value.is_string() ? value.get<std::string>() : "";
    else if (key == "locations" && value.is_array()) {
      for (const auto& one : value) {
        if (!one.is_number_unsigned() || one.get<unsigned>() >= kLocations) return "gds: locations: expected packed locations 0..224";
        settings->locations.push_back(static_cast<uint8_t>(one.get<unsigned>()));
      }
    } else {
      return "gds: " + key + ": expected partition (text), interface (text) or locations (list)";
    }
  }
  if (settings->partition.empty()) return "gds: partition: expected the name of a DAQ partition, such as guider";
  return "";
}

class GdsLink {
 public:
  GdsLink(const SummitHost& host, const Settings& settings)
      : settings_(settings), outlet_(host), commands_(settings.partition, settings.interface_name, &outlet_) {}

  std::string Open();
  void Start();
  int Stop(milliseconds deadline);
  Commands& commands() { return commands_; }
  void Stats(SummitLinkStats* stats) const;

 private:
  void Run();
  void Learn();

  const Settings settings_;
  Outlet outlet_;
  Commands commands_;
  std::unique_ptr<Subscription> subscription_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_{false};
  bool ended_ = false;
};

std::string GdsLink::Open() {
  std::string problem = commands_.Connect();
  if (problem.empty()) {
    problem = plugins::Guarded([this] {
      GDS::LocationSet locations;
      for (const uint8_t one : settings_.locations) {
        locations.insert(GDS::Location(static_cast<uint8_t>(one / 9), static_cast<uint8_t>(one / 3 % 3), static_cast<uint8_t>(one % 3)));
      }
      subscription_ = std::make_unique<Subscription>(settings_.partition, locations, &outlet_);
    });
  }
  if (!problem.empty()) return "gds: partition " + settings_.partition + ": the DAQ library says: " + problem;
  outlet_.Log(20, "partition " + settings_.partition + ", SDK " SUMMIT_GDS_SDK);
  return "";
}

void GdsLink::Start() {
  thread_ = std::thread([this] { Run(); });
  commands_.Start();
}

// What comes meanwhile waits in the SDK's sockets; a DAQ that does not say which series runs holds nothing up for long.
void GdsLink::Learn() {
  const auto until = std::chrono::steady_clock::now() + kSeriesWait;
  RunningSeries running;
  while (!commands_.Running(milliseconds(20), &running)) {
    if (stopping_.load(std::memory_order_relaxed) || std::chrono::steady_clock::now() > until) return;
  }
  subscription_->Teach(running.common, running.locations);
  if (!running.locations.empty()) outlet_.Log(20, "a series is running");
}

// wait() returns now and then; what it throws is told, and it is called again.
void GdsLink::Run() {
  Learn();
  std::string last;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::string problem = plugins::Guarded([this] { subscription_->wait(); });
    if (!problem.empty() && problem != last) outlet_.Log(40, "the DAQ library says: " + problem);
    last = problem;
    if (!problem.empty()) std::this_thread::sleep_for(milliseconds(100));
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

// abort() only sets a flag: wait() may never see it. Its thread is then left behind, with all that it may use.
int GdsLink::Stop(milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  stopping_.store(true);
  subscription_->abort();
  bool ended = true;
  if (thread_.joinable()) {
    std::unique_lock<std::mutex> lock(mutex_);
    ended = changed_.wait_until(lock, until, [this] { return ended_; });
    lock.unlock();
    if (ended) thread_.join();
    else thread_.detach();
  }
  const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  const bool asked = commands_.Stop(std::max(left, milliseconds(1)));
  return static_cast<int>(ended && asked ? SUMMIT_OK : SUMMIT_ERR_TIMEOUT);
}

void GdsLink::Stats(SummitLinkStats* stats) const {
  SummitLinkStats all{};
  all.struct_size = sizeof(all);
  all.wakeups = subscription_->callbacks();
  std::snprintf(all.version, sizeof(all.version), "gds 1, SDK %s, partition %s", SUMMIT_GDS_SDK, settings_.partition.c_str());
  all.link_up = commands_.up() ? 1 : 0;
  const auto name = [&all](const char* what, unsigned location, const std::atomic<uint64_t>& value) {
    if (all.named_counts == SUMMIT_NAMED_COUNTS) return;
    SummitNamedCount& named = all.named[all.named_counts++];
    std::snprintf(named.name, sizeof(named.name), "sdk_%s_r%u%u_s%u%u", what, location / 9 / 5, location / 9 % 5, location / 3 % 3, location % 3);
    named.value = value.load(std::memory_order_relaxed);
  };
  for (unsigned location = 0; location < kLocations; ++location) {
    if (!subscription_->heard(location)) continue;
    const SensorStatistics& sensor = subscription_->statistics(location);
    all.packets += sensor.stamps.load(std::memory_order_relaxed);
    name("stamps", location, sensor.stamps);
    name("err_xfer", location, sensor.err_xfer);
    name("err_size", location, sensor.err_size);
    name("err_miss_beg", location, sensor.err_miss_beg);
    name("err_miss_end", location, sensor.err_miss_end);
  }
  plugins::Give(all, stats);
}

GdsLink* Of(void* handle) { return static_cast<GdsLink*>(handle); }

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Settings settings;
  std::string problem = ReadSettings(json, &settings);
  if (!problem.empty()) return plugins::Refuse(SUMMIT_ERR_CONFIG, problem, message, message_bytes);
  auto link = std::make_unique<GdsLink>(*host, settings);
  problem = link->Open();
  if (!problem.empty()) return plugins::Refuse(SUMMIT_ERR_RESOURCE, problem, message, message_bytes);
  *handle = link.release();
  return SUMMIT_OK;
}

int Control(void* handle, const char* in, char* out, uint64_t out_bytes, int deadline_ms) {
  std::string reply;
  const int code = Of(handle)->commands().Ask(in, milliseconds(deadline_ms), &reply);
  std::snprintf(out, out_bytes, "%s", reply.c_str());
  return code;
}

}  // namespace
}  // namespace summit::gds

extern "C" __attribute__((visibility("default"))) const SummitDriver* summit_driver(void) {
  using namespace summit::gds;
  static const SummitDriver table{
      .struct_size = sizeof(SummitDriver),
      .abi_version = SUMMIT_ABI_VERSION,
      .name = "gds",
      .version = "1 (SDK " SUMMIT_GDS_SDK ")",
      .caps = SUMMIT_CAP_PUSH | SUMMIT_CAP_CONTROL,
      .open = Open,
      .start = [](void* handle) { return Of(handle)->Start(), static_cast<int>(SUMMIT_OK); },
      .stop = [](void* handle, int deadline_ms) { return Of(handle)->Stop(std::chrono::milliseconds(deadline_ms)); },
      .next = nullptr,
      .release = nullptr,
      .control = Control,
      .stats = [](void* handle, SummitLinkStats* stats) { return Of(handle)->Stats(stats), static_cast<int>(SUMMIT_OK); },
      .close = [](void* handle) { delete Of(handle); },
  };
  return &table;
}
