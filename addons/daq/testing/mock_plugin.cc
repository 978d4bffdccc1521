// SPDX-License-Identifier: Apache-2.0
// A site library as a test: implements addons/daq/driver.h in pull and in push style and plays a short series.
//
// Symbols: summit_driver (pull), summit_driver_push, and two that a host must refuse: summit_driver_other_abi,
// summit_driver_small. Options: "sensors" n (locations 0..n-1); "stamps" n; "rows", "cols"; "dropEvery" k
// (stamp numbers left out), "incompleteEvery" k, "doubleEvery" k (delivered twice), "staleToken" true (a slot is
// given back twice), "stuck" true (does not come back from next, nor from stop in time), "fail" true (ends with an
// error instead of its end; pull style), "imageBytes" n (at the start an image whose source, location 72, has so many
// bytes of 0xA5).
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/driver.h"

namespace {

struct Settings {
  unsigned sensors = 1;
  uint64_t stamps = 10;
  uint16_t rows = 10;
  uint16_t cols = 10;
  uint64_t drop_every = 0;
  uint64_t incomplete_every = 0;
  uint64_t double_every = 0;
  bool stale_token = false;
  bool stuck = false;
  bool fail = false;
  uint64_t image_bytes = 0;
};

bool EveryNth(uint64_t number, uint64_t n) { return n != 0 && number % n == n - 1; }

// START and RESUME of each sensor, the stamps in turns, PAUSE and STOP of each sensor, END.
class Series {
 public:
  Series(const Settings& settings, const SummitHost& host) : settings_(settings), host_(host) {}

  bool Next(SummitFrame* frame);

 private:
  SummitFrame Event(uint8_t type, unsigned sensor) const;
  SummitFrame Stamp(uint64_t number, unsigned sensor);
  const void* Metadata(unsigned sensor);

  const Settings settings_;
  const SummitHost host_;
  uint64_t step_ = 0;
  bool again_ = false;
  SummitFrame last_{};
  SummitSeriesMetadata metadata_{};
  uint64_t stale_ = 0;
};

SummitFrame Series::Event(uint8_t type, unsigned sensor) const {
  SummitFrame frame{};
  frame.struct_size = sizeof(frame);
  frame.abi_version = SUMMIT_ABI_VERSION;
  frame.event_type = type;
  frame.location = static_cast<uint8_t>(sensor);
  frame.sequence = 7;
  frame.stamps_sent = UINT64_MAX;
  frame.t_src_tai_ns = 1800000000000000000u + step_;
  frame.session = 99;
  frame.flags = SUMMIT_FRAME_SIMULATED;
  return frame;
}

const void* Series::Metadata(unsigned sensor) {
  metadata_.common.nrows = settings_.rows;
  metadata_.common.ncols = settings_.cols;
  metadata_.roi.location = static_cast<uint8_t>(sensor);
  metadata_.valid = 1;
  std::snprintf(metadata_.id, sizeof(metadata_.id), "mock");
  return &metadata_;
}

SummitFrame Series::Stamp(uint64_t number, unsigned sensor) {
  SummitFrame frame = Event(SUMMIT_EVENT_STAMP, sensor);
  frame.stamp = static_cast<uint16_t>(number);
  frame.rows = settings_.rows;
  frame.cols = settings_.cols;
  frame.pixel_type = SUMMIT_PIXEL_I32;
  frame.bytes = uint32_t{settings_.rows} * settings_.cols * 4;
  if (EveryNth(number, settings_.incomplete_every)) {
    frame.flags |= SUMMIT_FRAME_INCOMPLETE;
    frame.missing = frame.bytes;
    return frame;
  }
  void* memory = nullptr;
  // A mock has no camera that would not wait: it goes on without pixels only when nothing comes free for 5 s.
  for (int wait = 0; frame.token == 0 && wait < 50000; ++wait) {
    frame.token = host_.acquire(host_.context, frame.bytes, &memory);
    if (frame.token == 0) usleep(100);
  }
  if (frame.token == 0) return frame;
  auto* pixels = static_cast<int32_t*>(memory);
  for (int32_t i = 0; i < frame.rows * frame.cols; ++i) pixels[i] = 13000 + i % 97 + static_cast<int32_t>(number % 13);
  frame.data = memory;
  if (settings_.stale_token && stale_ != 0) host_.cancel(host_.context, stale_);
  stale_ = frame.token;
  return frame;
}

bool Series::Next(SummitFrame* frame) {
  if (again_) {
    // The same stamp once more, in a slot of its own.
    again_ = false;
    *frame = Stamp(last_.stamp, last_.location);
    return true;
  }
  const uint64_t sensors = settings_.sensors;
  for (;; ++step_) {
    const unsigned sensor = static_cast<unsigned>(step_ % sensors);
    const uint64_t round = step_ / sensors;
    if (round == 0) {
      *frame = Event(SUMMIT_EVENT_START, sensor);
      frame->data = Metadata(sensor);
      frame->bytes = sizeof(SummitSeriesMetadata);
    } else if (round == 1) {
      *frame = Event(SUMMIT_EVENT_RESUME, sensor);
      frame->data = "MC_O_20261124_000001";
      frame->bytes = 21;
    } else if (round < 2 + settings_.stamps) {
      const uint64_t number = round - 2;
      if (EveryNth(number, settings_.drop_every)) continue;
      *frame = Stamp(number, sensor);
      last_ = *frame;
      again_ = EveryNth(number, settings_.double_every);
    } else if (round < 4 + settings_.stamps) {
      *frame = Event(round == 2 + settings_.stamps ? SUMMIT_EVENT_PAUSE : SUMMIT_EVENT_STOP, sensor);
      frame->stamps_sent = settings_.stamps;
    } else if (round == 4 + settings_.stamps && sensor == 0) {
      *frame = Event(SUMMIT_EVENT_END, 0xFF);
    } else {
      return false;
    }
    ++step_;
    return true;
  }
}

struct Mock {
  Mock(const Settings& given, const SummitHost& lent) : settings(given), host(lent), series(given, lent) {}
  Settings settings;
  SummitHost host;
  Series series;
  std::thread thread;
  std::atomic<bool> stopping{false};
};

Mock* Of(void* handle) { return static_cast<Mock*>(handle); }

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  const nlohmann::json options = nlohmann::json::parse(json, nullptr, false);
  if (!options.is_object()) {
    std::snprintf(message, message_bytes, "mock: expected a JSON object");
    return SUMMIT_ERR_CONFIG;
  }
  Settings settings;
  settings.sensors = options.value("sensors", 1u);
  settings.stamps = options.value("stamps", uint64_t{10});
  settings.rows = options.value("rows", uint16_t{10});
  settings.cols = options.value("cols", uint16_t{10});
  settings.drop_every = options.value("dropEvery", uint64_t{0});
  settings.incomplete_every = options.value("incompleteEvery", uint64_t{0});
  settings.double_every = options.value("doubleEvery", uint64_t{0});
  settings.stale_token = options.value("staleToken", false);
  settings.stuck = options.value("stuck", false);
  settings.fail = options.value("fail", false);
  settings.image_bytes = options.value("imageBytes", uint64_t{0});
  if (settings.sensors < 1 || settings.sensors > 225) {
    std::snprintf(message, message_bytes, "mock: sensors: expected 1..225, got %u", settings.sensors);
    return SUMMIT_ERR_CONFIG;
  }
  *handle = new Mock(settings, *host);
  host->log(host->context, 20, "mock: open");
  return SUMMIT_OK;
}

void Play(Mock* mock) {
  SummitFrame frame;
  while (!mock->stopping.load() && mock->series.Next(&frame)) mock->host.commit(mock->host.context, &frame);
}

// A library may know fewer fields than the host: it says how many bytes its events have.
void TellImage(const SummitHost& host, uint64_t bytes) {
  if (bytes == 0 || host.image == nullptr) return;
  const std::vector<uint8_t> piece(1000001, 0xA5);
  SummitImageEvent event{};
  event.struct_size = sizeof(event);
  event.image = 99;
  event.location = 72;
  event.bytes_expected = 42467328;
  event.name = "AT_O_20261124_000001";
  event.t_ns = 1;
  const auto tell = [&](uint16_t type) {
    event.type = type;
    return host.image(host.context, &event);
  };
  if (tell(SUMMIT_IMAGE_CREATED) == 0 || tell(SUMMIT_IMAGE_SOURCE) == 0) return;
  event.struct_size = offsetof(SummitImageEvent, name);
  event.data = piece.data();
  for (event.offset = 0; event.offset < bytes; event.offset += event.bytes) {
    event.bytes = std::min<uint64_t>(piece.size(), bytes - event.offset);
    if (tell(SUMMIT_IMAGE_DATA) == 0) break;
  }
  tell(SUMMIT_IMAGE_SOURCE_END);
  tell(SUMMIT_IMAGE_COMPLETE);
}

int StartPull(void* handle) {
  TellImage(Of(handle)->host, Of(handle)->settings.image_bytes);
  return SUMMIT_OK;
}

int StartPush(void* handle) {
  Mock* mock = Of(handle);
  mock->thread = std::thread([mock] { Play(mock); });
  return SUMMIT_OK;
}

int Stop(void* handle, int deadline_ms) {
  Mock* mock = Of(handle);
  if (mock->settings.stuck) {
    usleep(static_cast<useconds_t>(deadline_ms) * 1000);
    return SUMMIT_ERR_TIMEOUT;
  }
  mock->stopping.store(true);
  if (mock->thread.joinable()) mock->thread.join();
  return SUMMIT_OK;
}

int Next(void* handle, SummitFrame* frame, int) {
  Mock* mock = Of(handle);
  while (mock->settings.stuck) pause();
  if (mock->stopping.load()) return SUMMIT_ERR_CLOSED;
  if (mock->series.Next(frame)) return 1;
  return static_cast<int>(mock->settings.fail ? SUMMIT_ERR_RESOURCE : SUMMIT_ERR_CLOSED);
}

int Control(void*, const char* in, char* out, uint64_t out_bytes, int) {
  std::snprintf(out, out_bytes, R"({"status":0,"reply":"SUCCESS","echo":%s})", in);
  return SUMMIT_OK;
}

int Stats(void*, SummitLinkStats* stats) {
  stats->link_up = 1;
  return SUMMIT_OK;
}

void Close(void* handle) { delete Of(handle); }

SummitDriver Table(bool push) {
  SummitDriver table{};
  table.struct_size = sizeof(SummitDriver);
  table.abi_version = SUMMIT_ABI_VERSION;
  table.name = "mock";
  table.version = "1.0";
  table.caps = SUMMIT_CAP_CONTROL | (push ? static_cast<uint64_t>(SUMMIT_CAP_PUSH) : 0u);
  table.open = Open;
  table.start = push ? StartPush : StartPull;
  table.stop = Stop;
  table.next = push ? nullptr : Next;
  table.control = Control;
  table.stats = Stats;
  table.close = Close;
  return table;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) const SummitDriver* summit_driver(void) {
  static const SummitDriver table = Table(false);
  return &table;
}

__attribute__((visibility("default"))) const SummitDriver* summit_driver_push(void) {
  static const SummitDriver table = Table(true);
  return &table;
}

__attribute__((visibility("default"))) const SummitDriver* summit_driver_other_abi(void) {
  static SummitDriver table = Table(false);
  table.abi_version = SUMMIT_ABI_VERSION + 1;
  return &table;
}

__attribute__((visibility("default"))) const SummitDriver* summit_driver_small(void) {
  static SummitDriver table = Table(false);
  table.struct_size = 16;
  return &table;
}

}  // extern "C"
