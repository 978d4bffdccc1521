// SPDX-License-Identifier: Apache-2.0
// The stand-in for the DAQ SDK over the simulated DAQ. Environment:
//   MOCK_GDS_DAQ=HOST:PORT   its control channel (127.0.0.1:5581)
//   MOCK_GDS_WAIT=forever    wait() never returns
//   MOCK_GDS_WAIT=throw      wait() throws
//   MOCK_GDS_CONFIG=forever  config() never returns
//   MOCK_GDS_DECODE=coming   stamps are decoded as their bytes come: one that lacks some holds up the others; else when complete
// Partition "nowhere" is unknown.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/drivers.h"
#include <gds/Client.hh>
#include <gds/Decoder.hh>

namespace GDS {
namespace {

using nlohmann::json;
constexpr size_t kSlots = 64, kSlotBytes = 640000;
constexpr uint64_t kDecoded = UINT64_MAX;  // token of the reader's own memory
constexpr int kCommandMs = 1000;

std::string Environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

}  // namespace

struct Message {
  SummitFrame frame{};
};

// One link of the `wire` driver with memory of its own.
struct Wire {
  Wire(const char* partition, const json& more) : memory(kSlots * kSlotBytes) {
    if (std::strcmp(partition, "nowhere") == 0) throw std::runtime_error("no partition of this name");
    for (size_t i = 1; i <= kSlots; ++i) free.push_back(i);
    host.struct_size = sizeof(host);
    host.abi_version = SUMMIT_ABI_VERSION;
    host.context = this;
    host.slot_bytes = kSlotBytes;
    host.acquire = [](void* self, uint64_t bytes, void** slot) { return static_cast<Wire*>(self)->Acquire(bytes, slot); };
    host.cancel = [](void* self, uint64_t token) { static_cast<Wire*>(self)->GiveBack(token); };
    host.log = [](void*, int, const char*) {};
    json options{{"address", "127.0.0.1"}, {"port", 0}, {"control", Environment("MOCK_GDS_DAQ", "127.0.0.1:5581")}, {"linkTimeoutMs", 0}};
    options.update(more);
    char message[512] = "";
    if (driver->open(options.dump().c_str(), &host, &handle, message, sizeof(message)) != SUMMIT_OK) throw std::runtime_error(message);
    driver->start(handle);
  }
  ~Wire() {
    driver->stop(handle, 1000);
    driver->close(handle);
  }

  // One stamp at a time is decoded as it comes; what comes beside it is kept meanwhile.
  uint64_t Acquire(uint64_t bytes, void** slot) {
    if (room && !decoding) {
      decoding = true;
      *slot = room(static_cast<unsigned>(bytes));
      return kDecoded;
    }
    if (free.empty()) return 0;
    const uint64_t token = free.back();
    free.pop_back();
    *slot = memory.data() + (token - 1) * kSlotBytes;
    return token;
  }

  void GiveBack(uint64_t token) {
    if (token == kDecoded) decoding = false;
    else free.push_back(token);
  }

  int Ask(const json& command, Status& status, json* reply = nullptr) {
    std::vector<char> out(65537);
    const int code = driver->control(handle, command.dump().c_str(), out.data(), out.size(), kCommandMs);
    if (code != SUMMIT_OK) return -1;
    const json answer = json::parse(out.data(), nullptr, false);
    status.status_ = answer.value("status", 6);
    status.sequence_ = answer.value("sequence", uint16_t{0});
    if (reply != nullptr) *reply = answer;
    return 0;
  }

  const SummitDriver* driver = summit::daq::WireDriver();
  SummitHost host{};
  void* handle = nullptr;
  std::vector<uint8_t> memory;
  std::vector<uint64_t> free;  // the last one given back is still in the processor's cache
  std::function<uint8_t*(unsigned)> room;  // the reader's memory for the next stamp
  bool decoding = false;                   // a stamp is on its way into it
  std::deque<Message> waiting;
};

namespace {

StateMetadata StateOf(const SummitFrame& frame, uint8_t type) {
  StateMetadata state;
  state.bytes_[0] = static_cast<char>(type);
  state.bytes_[1] = static_cast<char>(frame.event_status);
  std::memcpy(state.bytes_ + 2, &frame.sequence, 2);
  std::memcpy(state.bytes_ + 4, &frame.stamp, 2);
  std::memcpy(state.bytes_ + 6, &frame.t_src_tai_ns, 8);
  state.bytes_[14] = static_cast<char>(frame.location);
  if (frame.event_type == SUMMIT_EVENT_RESUME && frame.data != nullptr) std::memcpy(state.bytes_ + 15, frame.data, std::min<size_t>(frame.bytes, 30));
  return state;
}

json LocationsOf(const LocationSet& locations) {
  json list = json::array();
  for (const unsigned one : locations.indices()) list.push_back(one);
  return list;
}

std::string NameOf(unsigned location) {
  return "R" + std::to_string(location / 45) + std::to_string(location / 9 % 5) + "SG" + std::to_string(location % 3);
}

template <class T>
T At(const char* bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes + offset, sizeof(value));
  return value;
}

}  // namespace

Subscriber::Subscriber(const char* partition, const LocationSet& locations)
    : wire_(std::make_unique<Wire>(partition, json{{"subscribe", true}, {"locations", LocationsOf(locations)}})) {}

Subscriber::~Subscriber() = default;

// Returns after one message, or when abort was called.
void Subscriber::wait() {
  const std::string mode = Environment("MOCK_GDS_WAIT", "");
  while (mode == "forever") ::pause();
  if (mode == "throw") throw std::runtime_error("the multicast socket is gone");
  if (!wire_->room && Environment("MOCK_GDS_DECODE", "") == "coming") wire_->room = [this](unsigned bytes) { return room(bytes); };
  while (!abort_) {
    if (!wire_->waiting.empty() && !wire_->decoding) {
      const Message message = wire_->waiting.front();
      wire_->waiting.pop_front();
      Deliver(message);
      return;
    }
    Message message;
    message.frame.struct_size = sizeof(message.frame);
    if (wire_->driver->next(wire_->handle, &message.frame, 50) != 1) continue;
    // A reader decodes one stamp at a time, and hears of everything in order.
    const uint64_t token = message.frame.token;
    if (wire_->decoding && token != kDecoded && (token != 0 || !wire_->waiting.empty())) {
      wire_->waiting.push_back(message);
      continue;
    }
    Deliver(message);
    return;
  }
}

void Subscriber::Deliver(const Message& message) {
  const SummitFrame& frame = message.frame;
  Stats& stats = stats_[frame.location];
  switch (frame.event_type) {
    case SUMMIT_EVENT_STAMP:
      if ((frame.flags & (SUMMIT_FRAME_LEN | SUMMIT_FRAME_MAX)) != 0) ++stats.err_size;
      else if (frame.token == 0) ++stats.err_xfer;
      else {
        ++stats.stamps;
        const StateMetadata state = StateOf(frame, SUMMIT_EVENT_STAMP);
        raw_stamp(state, RawStamp());
        if (frame.token != kDecoded) std::memcpy(room(frame.bytes), frame.data, frame.bytes);
        decoded(state);
      }
      break;
    case SUMMIT_EVENT_START: {
      SeriesMetadata series;
      if (frame.data != nullptr) std::memcpy(series.bytes_, frame.data, std::min<size_t>(frame.bytes, sizeof(series.bytes_)));
      start(StateOf(frame, SUMMIT_EVENT_START), series);
      break;
    }
    case SUMMIT_EVENT_RESUME: resume(StateOf(frame, SUMMIT_EVENT_RESUME)); break;
    case SUMMIT_EVENT_PAUSE: pause(StateOf(frame, SUMMIT_EVENT_PAUSE)); break;
    case SUMMIT_EVENT_STOP: stop(StateOf(frame, SUMMIT_EVENT_STOP)); break;
    case SUMMIT_EVENT_STATUS:
      // Only who is turned away hears of it.
      if (frame.event_status != SUMMIT_STATUS_SUCCESS) stop(StateOf(frame, SUMMIT_EVENT_STATUS));
      break;
    default: break;
  }
  wire_->driver->release(wire_->handle, &frame);
  if (frame.token != 0) wire_->GiveBack(frame.token);
}

Client::Client(const char* partition) : wire_(std::make_unique<Wire>(partition, json::object())) {}
Client::Client(const char* partition, const char*) : Client(partition) {}
Client::~Client() = default;

int Client::wake(const ClearParameters&, Status& status) { return wire_->Ask({{"command", "wake"}}, status); }
int Client::sleep(Status& status) { return wire_->Ask({{"command", "sleep"}}, status); }
int Client::clear(const ClearParameters&, Status& status) { return wire_->Ask({{"command", "clear"}}, status); }
int Client::stop(const char*, Status& status) { return wire_->Ask({{"command", "stop"}}, status); }
int Client::pause(const char*, Status& status) { return wire_->Ask({{"command", "pause"}}, status); }
int Client::resume(const char* comment, Status& status) { return wire_->Ask({{"command", "resume"}, {"comment", comment}}, status); }
int Client::series(Status& status, Series&) { return wire_->Ask({{"command", "status"}}, status); }

int Client::start(const RoiCommon& common, const RoiLocation* rois, unsigned count, const char*, uint32_t, Status& status) {
  json spec{{"common",
             {{"rows", At<uint16_t>(common.bytes_, 0)}, {"cols", At<uint16_t>(common.bytes_, 2)}, {"integrationTimeMillis", At<uint16_t>(common.bytes_, 4)}}}};
  for (unsigned i = 0; i < count; ++i) {
    const char* roi = rois[i].bytes_;
    spec[NameOf(At<uint8_t>(roi, 0))] = {{"segment", At<uint16_t>(roi, 2)}, {"startRow", At<uint16_t>(roi, 4)}, {"startCol", At<uint16_t>(roi, 6)}};
  }
  return wire_->Ask({{"command", "initGuiders"}, {"roiSpec", spec}}, status);
}

int Client::config(Status& status, Series&, RoiCommon& common, RoiLocation* rois, unsigned& count) {
  while (Environment("MOCK_GDS_CONFIG", "") == "forever") ::pause();
  json reply;
  count = 0;
  const int code = wire_->Ask({{"command", "status"}}, status, &reply);
  if (code != 0 || !reply.is_object()) return code;
  const json spec = reply.value("roiSpec", json());
  if (!spec.is_object()) return code;
  const auto put = [](char* bytes, size_t offset, uint16_t value) { std::memcpy(bytes + offset, &value, sizeof(value)); };
  for (const auto& [name, roi] : spec.items()) {
    if (name == "common") {
      put(common.bytes_, 0, roi.value("rows", uint16_t{0}));
      put(common.bytes_, 2, roi.value("cols", uint16_t{0}));
      put(common.bytes_, 4, roi.value("integrationTimeMillis", uint16_t{0}));
      continue;
    }
    char* bytes = rois[count++].bytes_;
    bytes[0] = static_cast<char>(((name[1] - '0') * 5 + (name[2] - '0')) * 9 + 3 + (name[5] - '0'));
    put(bytes, 2, roi.value("segment", uint16_t{0}));
    put(bytes, 4, roi.value("startRow", uint16_t{0}));
    put(bytes, 6, roi.value("startCol", uint16_t{0}));
  }
  return 0;
}

}  // namespace GDS
