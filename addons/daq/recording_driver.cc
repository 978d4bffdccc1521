// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/recording_driver.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/driver_table.h"
#include "addons/daq/options.h"
#include "addons/daq/recording_file.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {
namespace {

constexpr uint64_t kMillisecond = 1000000;

// An event of the driver's own.
int GiveEvent(uint8_t type, uint64_t t_last_ns, SummitFrame* frame) {
  SummitFrame own{};
  own.abi_version = SUMMIT_ABI_VERSION;
  own.event_type = type;
  own.location = 0xFF;
  own.t_last_ns = t_last_ns;
  own.stamps_sent = UINT64_MAX;
  const uint32_t room = std::min<uint32_t>(frame->struct_size, sizeof(own));
  own.struct_size = room;
  std::memcpy(frame, &own, room);
  return 1;
}

class Player {
 public:
  Player(const SummitHost& host, double speed, std::unique_ptr<RecordingFile> file)
      : host_(host), speed_(speed), file_(std::move(file)) {}

  bool good() const { return wakeup_.good(); }
  void Start() {
    begin_ns_ = 0;
    running_.store(true, std::memory_order_release);
  }
  void Stop() {
    running_.store(false, std::memory_order_release);
    wakeup_.Signal();
  }
  int Next(SummitFrame* frame, int timeout_ms);
  void Stats(SummitLinkStats* stats) const;

 private:
  enum class Slot { kLent, kNone, kLater };

  bool Running() const { return running_.load(std::memory_order_acquire); }
  void Sleep(uint64_t until_ns) const;
  bool Fetch();
  Slot Lend(SummitFrame* own, uint64_t until_ns);
  void Fill(SummitFrame* own);
  int Deliver(SummitFrame* own, SummitFrame* frame);
  int DeliverEnd(SummitFrame* frame);
  int TellDelivered(SummitFrame* frame);
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, ("recording: " + text).c_str()); }

  const SummitHost host_;
  const double speed_;  // 0: as fast as slots become free
  const std::unique_ptr<RecordingFile> file_;
  Wakeup wakeup_;
  std::atomic<bool> running_{false};
  std::atomic<bool> ended_{false};
  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> bytes_{0};
  // The link thread's.
  bool fetched_ = false;  // a frame waits for its time or its slot
  bool told_ = false;     // when it was delivered
  bool over_ = false;
  uint64_t begin_ns_ = 0;  // CLOCK_MONOTONIC of the first record here
  uint64_t first_t_ns_ = 0;  // and when it was recorded
  std::vector<uint8_t> event_;
};

void Player::Sleep(uint64_t until_ns) const {
  const uint64_t now = MonotonicNs();
  if (now >= until_ns) return;
  const uint64_t left = until_ns - now;
  const timespec wait{static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
  pollfd waiting{wakeup_.fd(), POLLIN, 0};
  ppoll(&waiting, 1, &wait, nullptr);
}

bool Player::Fetch() {
  if (fetched_) return true;
  if (over_) return false;
  std::string problem;
  switch (file_->Next(&problem)) {
    case RecordingFile::Step::kFrame:
      fetched_ = true;
      if (file_->head().left_out > 0) {
        Log(30, std::to_string(file_->head().left_out) + " frames before this one had not been recorded");
      }
      if (begin_ns_ == 0) {
        begin_ns_ = MonotonicNs();
        first_t_ns_ = file_->head().t_ns;
      }
      return true;
    case RecordingFile::Step::kDamaged: Log(40, problem); break;
    case RecordingFile::Step::kEnd: break;
  }
  over_ = true;
  return false;
}

// At a given pace a stamp without a slot goes on without pixels, as from the DAQ; without a pace it waits.
Player::Slot Player::Lend(SummitFrame* own, uint64_t until_ns) {
  while (true) {
    void* memory = nullptr;
    own->token = host_.acquire(host_.context, file_->head().bytes, &memory);
    own->data = memory;
    if (own->token != 0) return Slot::kLent;
    if (speed_ > 0 || file_->head().bytes > host_.slot_bytes) return Slot::kNone;
    const uint64_t now = MonotonicNs();
    if (now >= until_ns || !Running()) return Slot::kLater;
    Sleep(std::min(until_ns, now + kMillisecond));
  }
}

void Player::Fill(SummitFrame* own) {
  std::string problem;
  const auto room = static_cast<uint8_t*>(const_cast<void*>(own->data));
  if (file_->ReadPayload({room, file_->head().bytes}, &problem)) return;
  Log(40, problem);
  host_.cancel(host_.context, own->token);
  own->token = 0;
  own->data = nullptr;
  own->flags |= SUMMIT_FRAME_INCOMPLETE;
  own->missing = own->bytes;
}

int Player::Deliver(SummitFrame* own, SummitFrame* frame) {
  frames_.fetch_add(1, std::memory_order_relaxed);
  bytes_.fetch_add(file_->head().bytes, std::memory_order_relaxed);
  fetched_ = false;
  told_ = false;
  const uint32_t room = std::min<uint32_t>(frame->struct_size, sizeof(*own));
  own->struct_size = room;
  std::memcpy(frame, own, room);
  return 1;
}

int Player::DeliverEnd(SummitFrame* frame) {
  if (ended_.exchange(true, std::memory_order_relaxed)) return SUMMIT_ERR_CLOSED;
  return GiveEvent(SUMMIT_EVENT_END, 0, frame);
}

int Player::TellDelivered(SummitFrame* frame) {
  told_ = true;
  return GiveEvent(SUMMIT_EVENT_DELIVERED, file_->head().t_ns, frame);
}

int Player::Next(SummitFrame* frame, int timeout_ms) {
  if (!Running()) return SUMMIT_ERR_CLOSED;
  const uint64_t until = MonotonicNs() + static_cast<uint64_t>(std::max(timeout_ms, 0)) * kMillisecond;
  if (!Fetch()) return DeliverEnd(frame);
  if (speed_ > 0) {
    const uint64_t since = file_->head().t_ns - std::min(file_->head().t_ns, first_t_ns_);
    const uint64_t due = begin_ns_ + static_cast<uint64_t>(static_cast<double>(since) / speed_);
    while (Running() && MonotonicNs() < std::min(due, until)) Sleep(std::min(due, until));
    if (!Running()) return SUMMIT_ERR_CLOSED;
    if (MonotonicNs() < due) return 0;
  }
  if (!told_) return TellDelivered(frame);
  SummitFrame own = file_->frame();
  const bool had_slot = own.token != 0;
  own.token = 0;
  own.data = nullptr;
  if (own.event_type == SUMMIT_EVENT_STAMP) {
    if (had_slot) {
      const Slot slot = Lend(&own, until);
      if (slot == Slot::kLater) return Running() ? 0 : SUMMIT_ERR_CLOSED;
      if (slot == Slot::kLent) Fill(&own);
    }
  } else if (file_->head().bytes > 0) {
    std::string problem;
    event_.resize(file_->head().bytes);
    if (file_->ReadPayload(event_, &problem)) {
      own.data = event_.data();
      own.bytes = file_->head().bytes;
    } else {
      Log(40, problem);
      own.bytes = 0;
    }
  } else {
    own.bytes = 0;
  }
  return Deliver(&own, frame);
}

void Player::Stats(SummitLinkStats* stats) const {
  SummitLinkStats all{};
  const uint32_t room = std::min<uint32_t>(stats->struct_size, sizeof(all));
  all.struct_size = room;
  all.link_up = Running() && !ended_.load(std::memory_order_relaxed) ? 1 : 0;
  all.packets = frames_.load(std::memory_order_relaxed);
  all.bytes = bytes_.load(std::memory_order_relaxed);
  all.wakeups = all.packets;
  std::memcpy(stats, &all, room);
}

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Options options(json, "recording");
  const std::string path = options.Text("file", "");
  const std::string pace = options.Json("speed");
  std::string text = options.Problems();
  const auto speed = nlohmann::json::parse(pace, nullptr, false);
  double factor = 1;
  if (speed.is_number() && speed.get<double>() >= 0 && speed.get<double>() <= 1e6) {
    factor = speed.get<double>();
  } else if (speed == "max") {
    factor = 0;
  } else if (!speed.is_null()) {
    text += (text.empty() ? "" : "; ") + std::string("recording: speed: expected a number 0..1000000 or \"max\", got ") + pace;
  }
  if (path.empty()) text += (text.empty() ? "" : "; ") + std::string("recording: file: expected the path of a recording");
  if (!text.empty()) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  std::unique_ptr<RecordingFile> file = RecordingFile::Open(path, &text);
  if (file == nullptr) return Refuse(SUMMIT_ERR_RESOURCE, "recording: " + text, message, message_bytes);
  auto player = std::make_unique<Player>(*host, factor, std::move(file));
  if (!player->good()) return Refuse(SUMMIT_ERR_RESOURCE, "recording: no file descriptor left for the wake-up", message, message_bytes);
  *handle = player.release();
  return SUMMIT_OK;
}

constexpr SummitDriver kRecording = DriverTable<Player>("recording", SUMMIT_CAP_FINITE | SUMMIT_CAP_IN_STEP, Open);

}  // namespace

const SummitDriver* RecordingDriver() { return &kRecording; }

}  // namespace summit::daq
