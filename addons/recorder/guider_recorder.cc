// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/guider_recorder.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "addons/daq/clock.h"
#include "addons/daq/frame_geometry.h"
#include "addons/daq/thread_setup.h"

namespace summit::recorder {
namespace {

constexpr uint32_t kPayloadBytes = 256;  // START has 183, a comment of RESUME at most 31
constexpr size_t kStatusEntryBytes = 16;
constexpr int kIdleMs = 500;
constexpr int kNice = 10;  // measuring and publishing go first

void SetUpOwnThread(const char* name) { daq::SetUpThread(name, {.nice = kNice}); }

}  // namespace

std::shared_ptr<GuiderRecorder> GuiderRecorder::Create(const RecorderSettings& settings, std::function<void()> news) {
  return std::shared_ptr<GuiderRecorder>(new GuiderRecorder(settings, std::move(news)));
}

GuiderRecorder::GuiderRecorder(const RecorderSettings& settings, std::function<void()> news)
    : settings_(settings),
      news_(std::move(news)),
      queue_(settings.queue_stamps, kPayloadBytes),
      folder_(settings.folder, settings.shared),
      publisher_([this](FileReport report) { OnReport(std::move(report)); }),
      book_(settings.folder, settings.partition, &publisher_, [this](std::string* problem) { return OpenFolder(problem); }) {}

GuiderRecorder::~GuiderRecorder() { Stop(1000); }

void GuiderRecorder::Start() {
  writer_thread_ = std::thread([self = shared_from_this()] {
    SetUpOwnThread("summit-record");
    self->Write();
    self->written_.Signal();
  });
  publisher_thread_ = std::thread([self = shared_from_this()] {
    SetUpOwnThread("summit-publish");
    self->publisher_.Run();
    self->published_.Signal();
  });
}

bool GuiderRecorder::Stop(int deadline_ms) {
  if (!writer_thread_.joinable()) return true;
  const uint64_t deadline = daq::MonotonicNs() + static_cast<uint64_t>(deadline_ms) * 1000000;
  const auto left_ms = [&] {
    const uint64_t now = daq::MonotonicNs();
    return now >= deadline ? 0 : static_cast<int>((deadline - now) / 1000000);
  };
  stopping_.store(true);
  queue_.Signal();
  const bool written = written_.Wait(deadline_ms);
  const bool published = written && published_.Wait(left_ms());
  for (std::thread* thread : {&writer_thread_, &publisher_thread_}) {
    if (thread == &writer_thread_ ? written : published) {
      thread->join();
    } else {
      thread->detach();
    }
  }
  // The object may live on for a while, and its successor wants the folder.
  if (published) folder_.Close();
  return published;
}

void GuiderRecorder::Write() {
  std::string problem;
  // A folder that cannot be used is told when an exposure needs it, and tried again with the next.
  OpenFolder(&problem);
  while (true) {
    const bool stopping = stopping_.load();
    const FrameQueue::Entry* entry = queue_.Front();
    if (entry != nullptr) {
      book_.Take(*entry);
      queue_.Pop();
    } else if (stopping) {
      break;
    } else {
      queue_.Wait(kIdleMs);
    }
  }
  book_.CloseAll(queue_, daq::MonotonicNs());
  publisher_.End();
}

bool GuiderRecorder::OpenFolder(std::string* problem) {
  std::vector<std::string> leftovers;
  const bool good = folder_.Open(&leftovers, problem);
  if (leftovers.empty()) return good;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    leftover_count_ += leftovers.size();
    leftovers_.insert(leftovers_.end(), leftovers.begin(), leftovers.end());
  }
  news_();
  return good;
}

void GuiderRecorder::OnComplete(const SummitFrame& frame) {
  running_[frame.location] = frame.sequence;
  queue_.PushStamp(frame);
}

void GuiderRecorder::OnEvent(const SummitFrame& frame) {
  if (frame.event_type == SUMMIT_EVENT_STATUS) return PushStatus(frame);
  if (frame.location >= daq::kLocations) return;
  running_[frame.location].reset();
  if (frame.event_type == SUMMIT_EVENT_RESUME) running_[frame.location] = frame.sequence;
  queue_.PushEvent(frame);
}

// As one event per sensor that does not run, by its entry or for want of one, while an exposure of it may be open. A
// STATUS without entries tells of all sensors only when the DAQ idles: a driver need not hand entries over.
void GuiderRecorder::PushStatus(const SummitFrame& frame) {
  const size_t entries = frame.data == nullptr ? 0 : frame.bytes / kStatusEntryBytes;
  if (entries == 0 && frame.daq_state != SUMMIT_STATE_IDLECLEARING && frame.daq_state != SUMMIT_STATE_SLEEPING) return;
  std::array<const uint8_t*, 256> told{};
  for (size_t i = 0; i < entries; ++i) {
    const uint8_t* entry = static_cast<const uint8_t*>(frame.data) + i * kStatusEntryBytes;
    told[entry[0]] = entry;
  }
  for (unsigned location = 0; location < daq::kLocations; ++location) {
    std::optional<uint16_t>& running = running_[location];
    const uint8_t* entry = told[location];
    if (!running || (entry != nullptr && entry[1] == SUMMIT_STATE_RUNNING)) continue;
    SummitFrame one = frame;
    one.location = static_cast<uint8_t>(location);
    one.data = nullptr;
    one.bytes = 0;
    one.sequence = *running;
    if (entry != nullptr) std::memcpy(&one.sequence, entry + 2, sizeof(one.sequence));
    running.reset();
    queue_.PushEvent(one);
  }
}

void GuiderRecorder::OnReport(FileReport report) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (report.durable_ns != 0) {
      ++files_;
      bytes_ += report.bytes;
    }
    unpublished_ += report.unpublished;
    reports_.push_back(std::move(report));
  }
  news_();
}

std::vector<FileReport> GuiderRecorder::TakeReports() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(reports_, {});
}

std::vector<std::string> GuiderRecorder::TakeLeftovers() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(leftovers_, {});
}

std::map<std::string, uint64_t> GuiderRecorder::Snapshot() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const BookCounters& book = book_.counters();
  return {{"files", files_},
          {"bytes", bytes_},
          {"complete", queue_.stamps_offered()},
          {"recorded", book.recorded.Get() - unpublished_},
          {"left_out", queue_.stamps_left_out()},
          {"failed", book.failed.Get() + unpublished_},
          {"outside", book.outside.Get()},
          {"events_left_out", queue_.events_left_out()},
          {"queue", queue_.held()},
          {"queue_high_water", queue_.high_water()},
          {"queue_stamps", queue_.stamps()},
          {"leftovers", leftover_count_}};
}

}  // namespace summit::recorder
