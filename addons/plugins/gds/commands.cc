// SPDX-License-Identifier: Apache-2.0
#include "addons/plugins/gds/commands.h"

#include <nlohmann/json.hpp>

#include "addons/plugins/library.h"

namespace summit::gds {
namespace {

using nlohmann::json;
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr size_t kMostRois = 8;  // the SDK does not check the bounds of its array

// Reply statuses of the DAQ.
constexpr int kCommandTimeout = -1, kSuccess = 0, kInvalidParameter = 1, kInvalidCommand = 3, kUnknown = 6;

const char* NameOf(int status) {
  switch (status) {
    case -3: return "POST_FAIL";
    case -2: return "NOSPACE";
    case -1: return "COMMAND_TIMEOUT";
    case 0: return "SUCCESS";
    case 1: return "INVALID_PARAMETER";
    case 2: return "INVALID_TRANSITION";
    case 3: return "INVALID_COMMAND";
    case 4: return "CONFIG_FAILED";
    case 5: return "INVALID";
    default: return "UNKNOWN";
  }
}

std::string Reply(int status, const std::string& message) {
  json reply{{"status", status}, {"reply", NameOf(status)}};
  if (!message.empty()) reply["message"] = message;
  return reply.dump();
}

// {"R00SG0": {"segment", "startRow", "startCol"}}: false where the name or a number is none.
bool ReadLocation(const std::string& name, const json& roi, SummitRoiLocation* location) {
  if (name.size() != 6 || name[0] != 'R' || name.compare(3, 2, "SG") != 0 || !roi.is_object()) return false;
  const int row = name[1] - '0', column = name[2] - '0', sensor = name[5] - '0';
  if (row < 0 || row > 4 || column < 0 || column > 4 || sensor < 0 || sensor > 1) return false;
  location->location = static_cast<uint8_t>((row * 5 + column) * 9 + 3 + sensor);
  location->segment = roi.value("segment", uint16_t{0});
  location->start_row = roi.value("startRow", uint16_t{0});
  location->start_col = roi.value("startCol", uint16_t{0});
  return true;
}

}  // namespace

Commands::Commands(std::string partition, std::string interface_name, Outlet* outlet)
    : partition_(std::move(partition)), interface_(std::move(interface_name)), outlet_(outlet) {}

std::string Commands::Connect() {
  return plugins::Guarded([this] {
    client_ = interface_.empty() ? std::make_unique<GDS::Client>(partition_.c_str())
                                 : std::make_unique<GDS::Client>(partition_.c_str(), interface_.c_str());
  });
}

bool Commands::Running(std::chrono::milliseconds deadline, RunningSeries* running) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!changed_.wait_for(lock, deadline, [this] { return learnt_; })) return false;
  *running = running_;
  return true;
}

void Commands::Learn() {
  RunningSeries running;
  const std::string problem = plugins::Guarded([this, &running] {
    GDS::Status status;
    GDS::Series series;
    GDS::RoiCommon common;
    std::vector<GDS::RoiLocation> rois(kLocations);
    unsigned count = 0;
    if (client_->config(status, series, common, rois.data(), count) != 0 || count > kLocations) return;
    running.common = ReadAs<SummitRoiCommon>(common);
    for (unsigned i = 0; i < count; ++i) running.locations.push_back(ReadAs<SummitRoiLocation>(rois[i]));
  });
  if (!problem.empty()) outlet_->Log(30, "which series runs is not known: the DAQ library says: " + problem);
  const std::lock_guard<std::mutex> lock(mutex_);
  running_ = std::move(running);
  learnt_ = true;
  changed_.notify_all();
}

void Commands::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool Commands::Stop(std::chrono::milliseconds deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  if (!thread_.joinable()) return true;
  if (!changed_.wait_for(lock, deadline, [this] { return ended_; })) {
    thread_.detach();
    return false;
  }
  lock.unlock();
  thread_.join();
  return true;
}

int Commands::Ask(const std::string& text, std::chrono::milliseconds deadline, std::string* reply) {
  const auto request = std::make_shared<Request>();
  request->json = text;
  std::unique_lock<std::mutex> lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  if (!changed_.wait_for(lock, deadline, [&] { return request->answered || stopping_; }) || !request->answered) {
    *reply = Reply(kCommandTimeout, "the DAQ did not answer within " + std::to_string(deadline.count()) + " ms");
    return SUMMIT_ERR_TIMEOUT;
  }
  *reply = request->reply;
  return SUMMIT_OK;
}

void Commands::Run() {
  Learn();
  std::unique_lock<std::mutex> lock(mutex_);
  auto look_at = std::chrono::steady_clock::now();
  while (!stopping_) {
    if (requests_.empty()) changed_.wait_until(lock, look_at, [this] { return stopping_ || !requests_.empty(); });
    if (stopping_) break;
    if (!requests_.empty()) {
      const std::shared_ptr<Request> request = requests_.front();
      requests_.pop_front();
      lock.unlock();
      std::string reply = Answer(request->json);
      lock.lock();
      request->reply = std::move(reply);
      request->answered = true;
      changed_.notify_all();
    }
    if (std::chrono::steady_clock::now() < look_at) continue;
    lock.unlock();
    Look();
    lock.lock();
    look_at = std::chrono::steady_clock::now() + kLookEvery;
  }
  ended_ = true;
  changed_.notify_all();
}

// The SDK tells nothing while nothing happens: whether the DAQ is there must be asked.
void Commands::Look() {
  GDS::Status status;
  GDS::Series series;
  int code = kUnknown;
  std::string problem = plugins::Guarded([&] { code = client_->series(status, series); });
  if (problem.empty() && code == kCommandTimeout) problem = "COMMAND_TIMEOUT";
  const bool up = problem.empty();
  if (up == up_ && (up || told_down_)) return;
  up_ = up;
  told_down_ = !up;
  const std::string text = up ? "partition " + partition_ + " answers" : "partition " + partition_ + " does not answer: " + problem;
  outlet_->LinkEvent(up ? SUMMIT_EVENT_LINK_UP : SUMMIT_EVENT_LINK_DOWN, text);
}

std::string Commands::Answer(const std::string& text) {
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return Reply(kInvalidCommand, "expected a JSON object with a command");
  }
  GDS::Status status;
  std::string problem;
  int code = kUnknown;
  const std::string thrown = plugins::Guarded([&] { code = Call(request["command"].get<std::string>(), text, &status, &problem); });
  if (!thrown.empty()) return Reply(kUnknown, thrown);
  if (!problem.empty()) return Reply(code, problem);
  if (code == kSuccess) code = static_cast<int>(status.status());
  json reply{{"status", code}, {"reply", NameOf(code)}, {"sequence", status.sequence()}};
  if (code != kSuccess) reply["message"] = std::string("the DAQ says ") + NameOf(code) + " to " + request["command"].get<std::string>();
  return reply.dump();
}

int Commands::Call(const std::string& command, const std::string& text, GDS::Status* status, std::string* problem) {
  const json request = json::parse(text, nullptr, false);
  const std::string comment = request.value("comment", "");
  // CCS's values.
  struct {
    uint32_t delay = 50, pre_rows = 100, flush_count = 2, read_rows = 0, post_rows = 0, over_rows = 0;
  } clear;
  GDS::ClearParameters parameters;
  Write(clear, &parameters);
  if (command == "initGuiders") return StartSeries(text, status, problem);
  if (command == "resume") return client_->resume(comment.c_str(), *status);
  if (command == "pause") return client_->pause(comment.c_str(), *status);
  if (command == "stop") return client_->stop(comment.c_str(), *status);
  if (command == "sleep") return client_->sleep(*status);
  if (command == "wake") return client_->wake(parameters, *status);
  if (command == "clear") return client_->clear(parameters, *status);
  if (command == "status") {
    GDS::Series series;
    return client_->series(*status, series);
  }
  *problem = "expected initGuiders, resume, pause, stop, sleep, wake, clear or status, got \"" + command + "\"";
  return kInvalidCommand;
}

int Commands::StartSeries(const std::string& text, GDS::Status* status, std::string* problem) {
  const json request = json::parse(text, nullptr, false);
  const json spec = request.value("roiSpec", json());
  *problem = "roiSpec: expected common {rows, cols, integrationTimeMillis} and 1 to 8 sensors such as R00SG0";
  if (!spec.is_object() || !spec.contains("common")) return kInvalidParameter;
  SummitRoiCommon common{};
  common.nrows = spec["common"].value("rows", uint16_t{50});
  common.ncols = spec["common"].value("cols", uint16_t{50});
  common.integration_ms = spec["common"].value("integrationTimeMillis", uint16_t{100});
  common.flush_count = 2;
  std::vector<GDS::RoiLocation> rois;
  for (const auto& [name, roi] : spec.items()) {
    SummitRoiLocation location{};
    if (name == "common") continue;
    if (!ReadLocation(name, roi, &location)) return kInvalidParameter;
    Write(location, &rois.emplace_back());
  }
  if (rois.empty() || rois.size() > kMostRois) return kInvalidParameter;
  problem->clear();
  GDS::RoiCommon sdk_common;
  Write(common, &sdk_common);
  const uint32_t endless = 0;
  return client_->start(sdk_common, rois.data(), static_cast<unsigned>(rois.size()), request.value("comment", "summit-agent").c_str(), endless, *status);
}

}  // namespace summit::gds
