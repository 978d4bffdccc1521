// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/replay_driver.h"

#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/driver_table.h"
#include "addons/daq/options.h"
#include "addons/daq/replay_source.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {
namespace {

constexpr uint64_t kMillisecond = 1000000;
constexpr uint64_t kBetweenPasses = 1000 * kMillisecond;
constexpr uint64_t kLongGap = 60000 * kMillisecond;
constexpr size_t kMostFiles = 256;  // all stay open; CFITSIO takes about 120 kB for each
constexpr uint8_t kNoSensor = 0xFF;

struct ReplaySettings {
  std::vector<std::string> files;
  std::string obsid;  // of files that have none
  double speed = 1;  // 0: as fast as slots become free
  bool loop = false;
  uint64_t start_delay_ns = 0;
};

// False with the reason when `files` or `speed` are wrong; the other keys complain through `options`.
bool ReadSettings(Options* options, ReplaySettings* settings, std::string* problem) {
  settings->obsid = options->Text("obsid", "");
  settings->loop = options->Flag("loop", false);
  settings->start_delay_ns = static_cast<uint64_t>(options->Int("startDelayMs", 0, 0, 86400000)) * kMillisecond;
  const std::vector<std::string> files = options->Array("files");
  const std::string speed = options->Json("speed");
  *problem = options->Problems();
  if (!problem->empty()) return false;
  for (const std::string& text : files) {
    const auto path = nlohmann::json::parse(text, nullptr, false);
    if (path.is_string() && !path.get_ref<const std::string&>().empty()) {
      settings->files.push_back(path.get<std::string>());
    } else {
      *problem = "replay: files: expected paths, got " + text;
    }
  }
  if (files.empty() || files.size() > kMostFiles) {
    *problem = "replay: files: expected 1.." + std::to_string(kMostFiles) + " paths, got " + std::to_string(files.size());
  }
  const auto pace = nlohmann::json::parse(speed, nullptr, false);
  if (pace.is_number() && pace.get<double>() >= 0 && pace.get<double>() <= 1e6) {
    settings->speed = pace.get<double>();
  } else if (pace == "max") {
    settings->speed = 0;
  } else if (!pace.is_null()) {
    *problem = "replay: speed: expected a number 0..1000000 or \"max\", got " + speed;
  }
  return problem->empty();
}

class Replay {
 public:
  Replay(const SummitHost& host, const ReplaySettings& settings) : host_(host), settings_(settings) {
    if (getrandom(&session_, sizeof(session_), 0) != sizeof(session_) || session_ == 0) session_ = MonotonicNs();
  }

  bool OpenFiles(std::string* problem);
  void TellOfFiles() const;
  void Start();
  void Stop();
  int Next(SummitFrame* frame, int timeout_ms);
  void Stats(SummitLinkStats* stats) const;

 private:
  enum class State { kOpen, kRunning, kStopped };
  enum class Slot { kLent, kNone, kInterrupted };

  uint64_t Due(const ReplayEvent& event) const;
  uint64_t PassNs() const { return pass_ * (events_.back().axis_ns - events_.front().axis_ns + kBetweenPasses); }
  void Sleep(uint64_t until_ns) const;
  bool Running() const { return state_.load(std::memory_order_acquire) == State::kRunning; }
  Slot Lend(SummitFrame* frame, void** memory, uint64_t until_ns);
  void Fill(const ReplayEvent& event, SummitFrame* frame, void* memory);
  int Deliver(SummitFrame* own, SummitFrame* frame);
  int DeliverEnd(SummitFrame* frame);
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, ("replay: " + text).c_str()); }

  const SummitHost host_;
  const ReplaySettings settings_;
  std::vector<std::unique_ptr<ReplaySource>> sources_;
  std::vector<ReplayEvent> events_;  // of all files, in the order of the common axis
  uint64_t sequences_ = 1;           // that one pass takes
  uint64_t session_ = 0;
  Wakeup wakeup_;
  std::atomic<State> state_{State::kOpen};
  std::atomic<bool> ended_{false};
  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> bytes_{0};
  // The link thread's while running.
  size_t position_ = 0;
  uint64_t pass_ = 0;
  uint64_t begin_ns_ = 0;  // CLOCK_MONOTONIC of the first event
};

bool Replay::OpenFiles(std::string* problem) {
  if (!wakeup_.good()) {
    *problem = "replay: no file descriptor left for the wake-up";
    return false;
  }
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (const std::string& path : settings_.files) {
    auto source = ReplaySource::Open(path, static_cast<uint32_t>(sources_.size()), problem);
    if (source != nullptr && source->most_bytes() > host_.slot_bytes) {
      *problem = path + ": a stamp has " + std::to_string(source->most_bytes()) + " bytes, a slot of the pool " +
                 std::to_string(host_.slot_bytes) + ": enlarge the slots";
      source.reset();
    }
    if (source == nullptr) {
      problem->insert(0, "replay: ");
      return false;
    }
    least = std::min(least, source->sequence());
    most = std::max(most, source->sequence());
    events_.insert(events_.end(), source->events().begin(), source->events().end());
    sources_.push_back(std::move(source));
  }
  sequences_ = most - least + 1;
  std::stable_sort(events_.begin(), events_.end(),
                   [](const ReplayEvent& a, const ReplayEvent& b) { return a.axis_ns < b.axis_ns; });
  return true;
}

void Replay::TellOfFiles() const {
  std::map<std::string, std::pair<size_t, std::string>> lacking;  // keywords -> files, the first of them
  for (const auto& source : sources_) {
    const fits::GuiderFile& file = source->file();
    if (file.sensor().corrected) Log(20, file.path() + ": " + file.sensor().evidence);
    for (const std::string& note : file.notes()) Log(30, file.path() + ": " + note);
    const uint64_t first_stamp = file.stamps().front().daq_stamp;
    if (first_stamp != 0) {
      Log(30, file.path() + ": DAQSTAMP begins at " + std::to_string(first_stamp) + ": the stamps before it count as missing");
    }
    std::string keywords;
    for (const std::string& keyword : file.missing()) keywords += (keywords.empty() ? "" : ", ") + keyword;
    if (keywords.empty()) continue;
    auto& [count, first] = lacking[keywords];
    if (count++ == 0) first = file.path();
  }
  std::string text;
  for (const auto& [keywords, files] : lacking) {
    if (!text.empty()) text += "; ";
    text += files.second;
    if (files.first > 1) text += " and " + std::to_string(files.first - 1) + " more";
    text += ": no " + keywords;
  }
  if (!text.empty()) Log(30, "keywords missing in the header, taken as absent: " + text);
  uint64_t gap = 0;
  for (size_t i = 1; i < events_.size(); ++i) gap = std::max(gap, events_[i].axis_ns - events_[i - 1].axis_ns);
  if (settings_.speed > 0 && gap > kLongGap) {
    Log(30, "the files leave a gap of " + std::to_string(gap / (1000 * kMillisecond)) + " s, which is replayed as it was");
  }
}

void Replay::Start() {
  wakeup_.Clear();
  position_ = 0;
  pass_ = 0;
  begin_ns_ = MonotonicNs() + settings_.start_delay_ns;
  ended_.store(false, std::memory_order_relaxed);
  state_.store(State::kRunning, std::memory_order_release);
}

void Replay::Stop() {
  state_.store(State::kStopped, std::memory_order_release);
  wakeup_.Signal();
}

uint64_t Replay::Due(const ReplayEvent& event) const {
  if (settings_.speed <= 0) return begin_ns_;
  const uint64_t since = PassNs() + event.axis_ns - events_.front().axis_ns;
  return begin_ns_ + static_cast<uint64_t>(static_cast<double>(since) / settings_.speed);
}

// Returns at the time, or at once when stop was called. ppoll keeps the pace finer than poll's milliseconds.
void Replay::Sleep(uint64_t until_ns) const {
  const uint64_t now = MonotonicNs();
  if (now >= until_ns) return;
  const uint64_t left = until_ns - now;
  const timespec wait{static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
  pollfd waiting{wakeup_.fd(), POLLIN, 0};
  ppoll(&waiting, 1, &wait, nullptr);
}

// At a given pace a stamp without a slot goes on without pixels, as from the DAQ; without a pace it waits.
Replay::Slot Replay::Lend(SummitFrame* frame, void** memory, uint64_t until_ns) {
  while (true) {
    frame->token = host_.acquire(host_.context, frame->bytes, memory);
    if (frame->token != 0) return Slot::kLent;
    if (settings_.speed > 0) return Slot::kNone;
    const uint64_t now = MonotonicNs();
    if (now >= until_ns) return Slot::kInterrupted;
    Sleep(std::min(until_ns, now + kMillisecond));
    if (!Running()) return Slot::kInterrupted;
  }
}

void Replay::Fill(const ReplayEvent& event, SummitFrame* frame, void* memory) {
  std::string problem;
  if (sources_[event.source]->ReadPixels(event, memory, &problem)) {
    frame->data = memory;
    return;
  }
  Log(40, problem);
  host_.cancel(host_.context, frame->token);
  frame->token = 0;
  frame->flags |= SUMMIT_FRAME_INCOMPLETE;
  frame->missing = frame->bytes;
}

int Replay::Deliver(SummitFrame* own, SummitFrame* frame) {
  own->session = session_;
  own->t_first_ns = own->t_last_ns = MonotonicNs();
  frames_.fetch_add(1, std::memory_order_relaxed);
  if (own->data != nullptr) bytes_.fetch_add(own->bytes, std::memory_order_relaxed);
  const uint32_t room = std::min<uint32_t>(frame->struct_size, sizeof(*own));
  own->struct_size = room;
  std::memcpy(frame, own, room);
  return 1;
}

int Replay::DeliverEnd(SummitFrame* frame) {
  if (ended_.exchange(true, std::memory_order_relaxed)) return SUMMIT_ERR_CLOSED;
  SummitFrame own{};
  own.abi_version = SUMMIT_ABI_VERSION;
  own.event_type = SUMMIT_EVENT_END;
  own.location = kNoSensor;
  own.stamps_sent = UINT64_MAX;
  return Deliver(&own, frame);
}

int Replay::Next(SummitFrame* frame, int timeout_ms) {
  if (state_.load(std::memory_order_acquire) == State::kOpen) return SUMMIT_ERR_STATE;
  const uint64_t until = MonotonicNs() + static_cast<uint64_t>(std::max(timeout_ms, 0)) * kMillisecond;
  if (position_ == events_.size()) {
    if (!Running()) return SUMMIT_ERR_CLOSED;
    if (!settings_.loop) return DeliverEnd(frame);
    position_ = 0;
    ++pass_;
  }
  const ReplayEvent& event = events_[position_];
  const uint64_t due = Due(event);
  while (Running() && MonotonicNs() < std::min(due, until)) Sleep(std::min(due, until));
  if (!Running()) return SUMMIT_ERR_CLOSED;
  if (MonotonicNs() < due) return 0;

  SummitFrame own = sources_[event.source]->Frame(event);
  own.sequence = static_cast<uint16_t>(own.sequence + pass_ * sequences_);
  if (own.t_src_tai_ns != 0) own.t_src_tai_ns += PassNs();
  if (event.type == SUMMIT_EVENT_RESUME && own.bytes == 0) {
    own.data = settings_.obsid.c_str();
    own.bytes = static_cast<uint32_t>(settings_.obsid.size());
  }
  if (event.type == SUMMIT_EVENT_STAMP) {
    void* memory = nullptr;
    switch (Lend(&own, &memory, until)) {
      case Slot::kLent: Fill(event, &own, memory); break;
      case Slot::kNone: break;
      case Slot::kInterrupted: return Running() ? 0 : SUMMIT_ERR_CLOSED;
    }
  }
  ++position_;
  return Deliver(&own, frame);
}

void Replay::Stats(SummitLinkStats* stats) const {
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
  Options options(json, "replay");
  ReplaySettings settings;
  std::string text;
  if (!ReadSettings(&options, &settings, &text)) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  auto replay = std::make_unique<Replay>(*host, settings);
  if (!replay->OpenFiles(&text)) return Refuse(SUMMIT_ERR_RESOURCE, text, message, message_bytes);
  replay->TellOfFiles();
  *handle = replay.release();
  return SUMMIT_OK;
}

constexpr SummitDriver kReplay = DriverTable<Replay>("replay", SUMMIT_CAP_FINITE, Open);

}  // namespace

const SummitDriver* ReplayDriver() { return &kReplay; }

}  // namespace summit::daq
