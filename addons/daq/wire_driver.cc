// SPDX-License-Identifier: Apache-2.0
// The `wire` driver: UDP stamps and the TCP control channel of sim-hw/README.md behind the driver ABI.
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "addons/daq/clock.h"
#include "addons/daq/driver_table.h"
#include "addons/daq/drivers.h"
#include "addons/daq/options.h"
#include "addons/daq/wakeup.h"
#include "addons/daq/wire_assembler.h"
#include "addons/daq/wire_control.h"
#include "addons/daq/wire_images.h"
#include "addons/daq/wire_socket.h"

namespace summit::daq {
namespace {

constexpr int64_t kDefaultPort = 5580;
constexpr int64_t kDefaultBufferBytes = 16 << 20;  // three bursts of 8 stamps of 400x400 int32
constexpr int64_t kDefaultLinkTimeoutMs = 750;     // three STATUS messages

struct WireSettings {
  WireSocketSettings socket;
  WireControlSettings control;
  WireImageSettings images;
  uint64_t link_timeout_ns = 0;
};

WireSettings ReadSettings(Options* options) {
  WireSettings settings;
  settings.socket.address = options->Text("address", "0.0.0.0");
  settings.socket.port = static_cast<uint16_t>(options->Int("port", kDefaultPort, 0, 65535));
  settings.socket.group = options->Text("group", "");
  settings.socket.interface_name = options->Text("interface", "");
  settings.socket.receive_buffer_bytes = static_cast<int>(options->Int("receiveBufferBytes", kDefaultBufferBytes, 0, 1 << 30));
  settings.socket.busy_poll_us = static_cast<int>(options->Int("busyPollUs", 0, 0, 1000000));
  settings.link_timeout_ns = static_cast<uint64_t>(options->Int("linkTimeoutMs", kDefaultLinkTimeoutMs, 0, 3600000)) * 1000000;
  settings.control.target = options->Text("control", "");
  settings.control.subscribe = options->Flag("subscribe", false);
  settings.control.locations = options->Ints("locations", 0, kLocations - 1);
  settings.control.data_address = settings.socket.group;
  settings.images.target = options->Text("images", "");
  settings.images.timeout_ms = static_cast<int>(options->Int("imageTimeoutMs", settings.images.timeout_ms, 100, 600000));
  return settings;
}

// One open link. Members are destroyed in reverse: the control thread ends before the socket closes.
class WireLink {
 public:
  WireLink(const SummitHost& host, const WireSettings& settings, std::unique_ptr<WireSocket> socket)
      : host_(host), socket_(std::move(socket)), assembler_(host_, settings.link_timeout_ns, MonotonicNs()) {}

  bool OpenControl(const WireControlSettings& settings, std::string* message) {
    control_ = WireControl::Open(settings, host_, message);
    return control_ != nullptr;
  }

  bool OpenImages(const WireImageSettings& settings, std::string* message) {
    images_ = WireImages::Open(settings, host_, message);
    return images_ != nullptr;
  }

  void Start() {
    if (control_ != nullptr) control_->Subscribe();
    if (images_ != nullptr) images_->Start();
  }

  void Stop() {
    stop_ns_.store(MonotonicNs());
    wakeup_.Signal();
    if (control_ != nullptr) control_->Stop();
    if (images_ != nullptr) images_->Stop();
  }

  int Next(SummitFrame* frame, int timeout_ms);
  void Release(const SummitFrame& frame) { assembler_.Release(frame); }
  int Control(const char* json, char* out, uint64_t out_bytes, int deadline_ms);
  void Stats(SummitLinkStats* stats) const;
  const WireSocket& socket() const { return *socket_; }

 private:
  int WaitMs(uint64_t until_ns) const;

  const SummitHost host_;
  std::unique_ptr<WireSocket> socket_;
  WireAssembler assembler_;
  Wakeup wakeup_;
  std::atomic<uint64_t> stop_ns_{UINT64_MAX};
  unsigned batch_ = 0;  // datagrams staged
  unsigned taken_ = 0;  // of them, given to the assembler
  std::unique_ptr<WireControl> control_;
  std::unique_ptr<WireImages> images_;
};

int WireLink::WaitMs(uint64_t until_ns) const {
  const uint64_t now = MonotonicNs();
  const uint64_t deadline = std::min(until_ns, assembler_.NextDeadline());
  if (deadline <= now) return 0;
  return static_cast<int>((deadline - now + 999999) / 1000000);
}

// Once it is told to stop it waits no more, and delivers what had arrived.
int WireLink::Next(SummitFrame* frame, int timeout_ms) {
  const uint64_t until = MonotonicNs() + static_cast<uint64_t>(std::max(timeout_ms, 0)) * 1000000;
  while (true) {
    if (assembler_.Pop(frame)) return 1;
    const uint64_t stop_ns = stop_ns_.load(std::memory_order_relaxed);
    if (taken_ < batch_) {
      const unsigned i = taken_++;
      if (socket_->received_ns(i) > stop_ns) return SUMMIT_ERR_CLOSED;
      assembler_.OnDatagram(socket_->datagram(i), socket_->received_ns(i));
      continue;
    }
    const bool stopping = stop_ns != UINT64_MAX;
    const bool maybe_more = stopping || batch_ == WireSocket::kBatch;
    if (!maybe_more) {
      std::array<pollfd, 2> waiting{{{socket_->fd(), POLLIN, 0}, {wakeup_.fd(), POLLIN, 0}}};
      if (poll(waiting.data(), waiting.size(), WaitMs(until)) <= 0) {
        assembler_.OnIdle(MonotonicNs());
        if (assembler_.Pop(frame)) return 1;
        if (MonotonicNs() >= until) return 0;
        continue;
      }
    }
    batch_ = socket_->Receive();
    taken_ = 0;
    if (stopping && batch_ == 0) return SUMMIT_ERR_CLOSED;
  }
}

int WireLink::Control(const char* json, char* out, uint64_t out_bytes, int deadline_ms) {
  if (control_ == nullptr) return SUMMIT_ERR_UNSUPPORTED;
  std::string reply;
  int code = control_->Request(json, deadline_ms, &reply);
  if (reply.size() + 1 > out_bytes) {
    reply = R"({"status":5,"reply":"INVALID","message":"the reply of the DAQ is longer than the reader takes"})";
    code = SUMMIT_ERR_IO;
  }
  std::snprintf(out, out_bytes, "%s", reply.c_str());
  return code;
}

void WireLink::Stats(SummitLinkStats* stats) const {
  const WireCounters& counters = assembler_.counters();
  SummitLinkStats all{};
  all.struct_size = sizeof(all);
  all.link_up = static_cast<uint32_t>(counters.link_up.Get());
  all.packets = counters.packets.Get();
  all.bytes = counters.bytes.Get();
  all.bad_magic = counters.bad_magic.Get();
  all.bad_version = counters.bad_version.Get();
  all.bad_header = counters.bad_header.Get();
  all.bad_payload = counters.bad_payload.Get();
  all.unknown_event = counters.unknown_event.Get();
  all.unknown_sensor = counters.unknown_sensor.Get();
  all.duplicate_packets = counters.duplicate_packets.Get();
  all.late_packets = counters.late_packets.Get();
  all.packets_lost = counters.packets_lost.Get();
  all.kernel_drops = socket_->kernel_drops().Get();
  all.rcvbuf_requested = socket_->buffer_requested();
  all.rcvbuf_actual = socket_->buffer_actual();
  all.link_downs = counters.link_downs.Get();
  all.link_ups = counters.link_ups.Get();
  all.source_restarts = counters.source_restarts.Get();
  all.wakeups = socket_->wakeups().Get();
  const uint32_t room = std::min<uint32_t>(stats->struct_size, sizeof(all));
  std::memcpy(stats, &all, room);
  stats->struct_size = room;
}

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Options options(json, "wire");
  WireSettings settings = ReadSettings(&options);
  if (settings.control.subscribe && settings.control.target.empty()) {
    return Refuse(SUMMIT_ERR_CONFIG, "wire: subscribe: needs `control`, the address to subscribe at", message, message_bytes);
  }
  std::string text = options.Problems();
  if (!text.empty()) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);

  int code = SUMMIT_OK;
  std::unique_ptr<WireSocket> socket = WireSocket::Open(settings.socket, &code, &text);
  if (socket == nullptr) return Refuse(code, text, message, message_bytes);
  if (!socket->warning().empty()) host->log(host->context, 30, ("wire: " + socket->warning()).c_str());
  settings.control.data_port = socket->port();
  host->log(host->context, 20,
            ("wire: stamps on UDP " + settings.socket.address + ":" + std::to_string(socket->port())).c_str());

  auto link = std::make_unique<WireLink>(*host, settings, std::move(socket));
  if (!settings.control.target.empty() && !link->OpenControl(settings.control, &text)) {
    return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  }
  // A host that takes no images (an older one) is not given any.
  const bool takes = host->struct_size >= sizeof(SummitHost) && host->image != nullptr;
  if (!settings.images.target.empty() && takes && !link->OpenImages(settings.images, &text)) {
    return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  }
  *handle = link.release();
  return SUMMIT_OK;
}

constexpr SummitDriver WireTable() {
  SummitDriver table = DriverTable<WireLink>("wire", SUMMIT_CAP_CONTROL, Open);
  table.release = [](void* handle, const SummitFrame* frame) { HandleOf<WireLink>(handle)->Release(*frame); };
  table.control = [](void* handle, const char* in, char* out, uint64_t bytes, int deadline_ms) {
    return HandleOf<WireLink>(handle)->Control(in, out, bytes, deadline_ms);
  };
  return table;
}

constexpr SummitDriver kWire = WireTable();

}  // namespace

const SummitDriver* WireDriver() { return &kWire; }

}  // namespace summit::daq
