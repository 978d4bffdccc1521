// SPDX-License-Identifier: Apache-2.0
// The `datadev` driver over the fake card, as a plug-in, so that a whole agent can run on it: what the simulated DAQ sends
// comes over a fibre into the card. Options: those of `datadev`, and
//   {"daq": "127.0.0.1:5581", "locations": [...], "corruptEvery": 0, "errorEvery": 0, "pullOutAt": 0, "pulledOutMs": 0}
// where every n-th stamp has a wrong byte or an error bit, and at the n-th stamp the card goes away for a while.
// Thread: `next` on the link thread; one thread of its own is the fibre. Owns: the card, and a link to the DAQ.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/crc32c.h"
#include "addons/daq/datadev_driver.h"
#include "addons/daq/drivers.h"
#include "addons/daq/testing/fake_card.h"
#include "addons/daq/wire_format.h"

namespace summit::daq {
namespace {

using nlohmann::json;

// The DAQ's end of the fibre: the `wire` driver with memory of its own.
class Daq {
 public:
  static constexpr size_t kSlots = 64, kSlotBytes = 640000;

  Daq() : memory_(kSlots * kSlotBytes) {
    for (size_t i = 1; i <= kSlots; ++i) free_.push_back(i);
    host_.struct_size = sizeof(host_);
    host_.abi_version = SUMMIT_ABI_VERSION;
    host_.context = this;
    host_.slot_bytes = kSlotBytes;
    host_.acquire = [](void* self, uint64_t, void** slot) { return static_cast<Daq*>(self)->Acquire(slot); };
    host_.cancel = [](void* self, uint64_t token) { static_cast<Daq*>(self)->free_.push_back(token); };
    host_.log = [](void*, int, const char*) {};
  }
  ~Daq() {
    if (handle_ == nullptr) return;
    driver_->stop(handle_, 1000);
    driver_->close(handle_);
  }
  Daq(const Daq&) = delete;
  Daq& operator=(const Daq&) = delete;

  int Open(const json& options, char* message, uint64_t message_bytes) {
    const json own{{"address", "127.0.0.1"}, {"port", 0}, {"control", options.value("daq", "127.0.0.1:5581")}, {"subscribe", true},
                   {"locations", options.value("locations", json::array())}};
    const int code = driver_->open(own.dump().c_str(), &host_, &handle_, message, message_bytes);
    return code == SUMMIT_OK ? driver_->start(handle_) : code;
  }
  bool Next(SummitFrame* frame) {
    *frame = SummitFrame{};
    frame->struct_size = sizeof(*frame);
    return driver_->next(handle_, frame, 50) == 1;
  }
  void Release(const SummitFrame& frame) {
    driver_->release(handle_, &frame);
    if (frame.token != 0) free_.push_back(frame.token);
  }
  int Control(const char* in, char* out, uint64_t out_bytes, int deadline_ms) {
    return driver_->control(handle_, in, out, out_bytes, deadline_ms);
  }

 private:
  uint64_t Acquire(void** slot) {
    if (free_.empty()) return 0;
    const uint64_t token = free_.front();
    free_.pop_front();
    *slot = memory_.data() + (token - 1) * kSlotBytes;
    return token;
  }

  const SummitDriver* driver_ = WireDriver();
  SummitHost host_{};
  void* handle_ = nullptr;
  std::vector<uint8_t> memory_;
  std::deque<uint64_t> free_;
};

std::vector<uint8_t> MessageOf(const SummitFrame& frame) {
  WireHeader header;
  header.event_type = frame.event_type;
  header.event_status = frame.event_status;
  header.location = frame.location;
  header.daq_state = frame.daq_state;
  header.pixel_type = frame.pixel_type;
  if ((frame.flags & SUMMIT_FRAME_SIMULATED) != 0) header.flags |= kWireSimulated;
  if ((frame.flags & SUMMIT_FRAME_SPLIT_ROI) != 0) header.flags |= kWireSplitRoi;
  if ((frame.flags & SUMMIT_FRAME_ONE_BASED) != 0) header.flags |= kWireOneBased;
  header.sequence = frame.sequence;
  header.stamp = frame.stamp;
  header.time_tai_ns = frame.t_src_tai_ns;
  header.rows = frame.rows;
  header.cols = frame.cols;
  header.segment = frame.segment;
  header.start_row = frame.start_row;
  header.start_col = frame.start_col;
  header.integration_ms = frame.integration_ms;
  header.over_rows = frame.over_rows;
  header.under_cols = frame.under_cols;
  header.over_cols = frame.over_cols;
  header.session = frame.session;
  const bool halt = frame.event_type == SUMMIT_EVENT_PAUSE || frame.event_type == SUMMIT_EVENT_STOP;
  const void* data = halt ? &frame.stamps_sent : frame.data;
  const uint32_t size = halt ? sizeof(frame.stamps_sent) : frame.data == nullptr ? 0 : frame.bytes;
  header.total_bytes = size;
  header.payload_crc32c = size == 0 ? 0 : Crc32c(static_cast<const uint8_t*>(data), size);
  std::vector<uint8_t> bytes(kWireHeaderBytes + size);
  EncodeWireHeader(header, std::span<uint8_t, kWireHeaderBytes>(bytes.data(), kWireHeaderBytes));
  if (size > 0) std::memcpy(bytes.data() + kWireHeaderBytes, data, size);
  return bytes;
}

class CardLink {
 public:
  explicit CardLink(const json& options) : options_(options), card_({.rx = 256, .tx = 4, .size = 131072, .cut = 131072}) {}

  int Open(const SummitHost* host, char* message, uint64_t message_bytes) {
    json own = options_;
    for (const char* key : {"daq", "locations", "partition", "corruptEvery", "errorEvery", "pullOutAt", "pulledOutMs"}) own.erase(key);
    const int code = OpenDatadev(card_.calls(), own.dump().c_str(), host, &handle_, message, message_bytes);
    return code == SUMMIT_OK ? daq_.Open(options_, message, message_bytes) : code;
  }
  ~CardLink() {
    Stop(1000);
    if (handle_ != nullptr) DatadevDriver()->close(handle_);
  }
  int Start() {
    const int code = DatadevDriver()->start(handle_);
    fibre_ = std::thread([this] { Run(); });
    return code;
  }
  int Stop(int deadline_ms) {
    stopping_.store(true);
    if (fibre_.joinable()) fibre_.join();
    return handle_ != nullptr ? DatadevDriver()->stop(handle_, deadline_ms) : static_cast<int>(SUMMIT_OK);
  }
  void* handle() const { return handle_; }
  Daq& daq() { return daq_; }

 private:
  void Run() {
    const auto every = [this](const char* key) { return options_.value(key, uint64_t{0}); };
    const uint64_t corrupt = every("corruptEvery"), error = every("errorEvery"), pull_out = every("pullOutAt");
    uint64_t stamps = 0;
    SummitFrame frame;
    while (!stopping_.load()) {
      if (!daq_.Next(&frame)) continue;
      if (frame.event_type < SUMMIT_EVENT_LINK_UP && (frame.flags & SUMMIT_FRAME_INCOMPLETE) == 0) {
        std::vector<uint8_t> message = MessageOf(frame);
        const bool stamp = frame.event_type == SUMMIT_EVENT_STAMP;
        if (stamp) ++stamps;
        if (stamp && pull_out != 0 && stamps == pull_out) {
          card_.PullOut();
          std::this_thread::sleep_for(std::chrono::milliseconds(options_.value("pulledOutMs", 0)));
          card_.PutBack();
        }
        if (stamp && corrupt != 0 && stamps % corrupt == 0) message[kWireHeaderBytes + 40] ^= 1;
        if (stamp && error != 0 && stamps % error == 0) card_.DeliverPiece(0, message, 0, 1);  // FIFO error
        else card_.Deliver(0, message);
      }
      daq_.Release(frame);
    }
  }

  const json options_;
  testing::FakeCard card_;
  void* handle_ = nullptr;
  Daq daq_;
  std::atomic<bool> stopping_{false};
  std::thread fibre_;
};

CardLink* Of(void* handle) { return static_cast<CardLink*>(handle); }

int Open(const char* text, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  const json options = json::parse(text, nullptr, false);
  if (!options.is_object()) {
    std::snprintf(message, message_bytes, "card: expected a JSON object");
    return SUMMIT_ERR_CONFIG;
  }
  auto link = std::make_unique<CardLink>(options);
  const int code = link->Open(host, message, message_bytes);
  if (code == SUMMIT_OK) *handle = link.release();
  return code;
}

}  // namespace
}  // namespace summit::daq

extern "C" __attribute__((visibility("default"))) const SummitDriver* summit_driver(void) {
  using namespace summit::daq;
  static const SummitDriver table{
      .struct_size = sizeof(SummitDriver),
      .abi_version = SUMMIT_ABI_VERSION,
      .name = "datadev on a fake card",
      .version = "1",
      .caps = SUMMIT_CAP_CONTROL,
      .open = Open,
      .start = [](void* handle) { return Of(handle)->Start(); },
      .stop = [](void* handle, int deadline_ms) { return Of(handle)->Stop(deadline_ms); },
      .next = [](void* handle, SummitFrame* frame, int timeout_ms) { return DatadevDriver()->next(Of(handle)->handle(), frame, timeout_ms); },
      .release = [](void* handle, const SummitFrame* frame) { DatadevDriver()->release(Of(handle)->handle(), frame); },
      .control = [](void* handle, const char* in, char* out, uint64_t out_bytes, int deadline_ms) { return Of(handle)->daq().Control(in, out, out_bytes, deadline_ms); },
      .stats = [](void* handle, SummitLinkStats* stats) { return DatadevDriver()->stats(Of(handle)->handle(), stats); },
      .close = [](void* handle) { delete Of(handle); },
  };
  return &table;
}
