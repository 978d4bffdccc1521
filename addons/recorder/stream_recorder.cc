// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/stream_recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "addons/daq/clock.h"
#include "addons/daq/crc32c.h"
#include "addons/daq/recording_format.h"
#include "addons/daq/thread_setup.h"

namespace summit::recorder {
namespace {

using daq::RecordEncoding;
using daq::RecordHead;
using daq::RecordingEnd;
using daq::RecordingHeader;
using daq::RecordKind;

constexpr uint32_t kPayloadBytes = 4096;  // a STATUS with 225 sensors has 3600
constexpr int kIdleMs = 500;
constexpr size_t kBufferBytes = 1 << 20;

std::span<const uint8_t> BytesOf(const auto& value) { return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)}; }

}  // namespace

std::shared_ptr<StreamRecorder> StreamRecorder::Create(const StreamSettings& settings, std::string* problem) {
  const int fd = open(settings.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    *problem = settings.path + (errno == EEXIST ? ": there is a file of this name already; a recording replaces nothing"
                                                : std::string(": cannot be made: ") + std::strerror(errno));
    return nullptr;
  }
  std::shared_ptr<StreamRecorder> recorder(new StreamRecorder(settings, fd));
  if (recorder->WriteHeader()) return recorder;
  *problem = recorder->problem();
  return nullptr;
}

StreamRecorder::StreamRecorder(const StreamSettings& settings, int fd)
    : settings_(settings), fd_(fd), queue_(settings.queue_stamps, kPayloadBytes) {
  buffer_.reserve(kBufferBytes + 65536);
}

StreamRecorder::~StreamRecorder() {
  Stop(1000);
  close(fd_);
}

void StreamRecorder::Attach(std::shared_ptr<daq::FramePool> pool) {
  pool_ = pool;
  queue_.Attach(std::move(pool));
}

void StreamRecorder::Start() {
  thread_ = std::thread([self = shared_from_this()] {
    daq::SetUpThread("summit-stream", {});
    self->Write();
    self->written_.Signal();
  });
}

bool StreamRecorder::Stop(int deadline_ms) {
  if (!thread_.joinable()) return true;
  stopping_.store(true);
  queue_.Signal();
  const bool written = written_.Wait(deadline_ms);
  if (written) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return written;
}

void StreamRecorder::OnDelivered(const SummitFrame& frame, uint64_t delivered_ns) {
  if (frame.event_type != SUMMIT_EVENT_STAMP) {
    queue_.PushEvent(frame, delivered_ns);
    return;
  }
  if (settings_.guided && !told_[frame.location]) OnPrediction(frame.location, {});
  SummitFrame stamp = frame;
  stamp.data = frame.token == 0 ? nullptr : pool_->Memory(frame.token);
  // A driver's word: more than a slot holds is not there.
  if (stamp.data == nullptr) stamp.token = 0;
  queue_.PushStamp(stamp, delivered_ns);
}

void StreamRecorder::OnPrediction(uint8_t location, const SummitPrediction& prediction) {
  SummitFrame frame{};
  told_[location] = true;
  frame.struct_size = sizeof(frame);
  frame.abi_version = SUMMIT_ABI_VERSION;
  frame.event_type = SUMMIT_EVENT_PREDICTION;
  frame.location = location;
  frame.stamps_sent = UINT64_MAX;
  frame.data = &prediction;
  frame.bytes = sizeof(prediction);
  queue_.PushEvent(frame);
}

void StreamRecorder::Write() {
  while (true) {
    const bool stopping = stopping_.load();
    const FrameQueue::Entry* entry = queue_.Front();
    if (entry != nullptr) {
      WriteFrame(*entry);
      queue_.Pop();
      continue;
    }
    if (stopping) break;
    Put({});
    queue_.Wait(kIdleMs);
  }
  WriteEnd();
}

bool StreamRecorder::WriteHeader() {
  RecordingHeader header{};
  std::memcpy(header.magic, daq::kRecordingMagic, sizeof(header.magic));
  header.version = daq::kRecordingVersion;
  header.json_bytes = static_cast<uint32_t>(std::min<size_t>(settings_.json.size(), daq::kMostHeaderJson));
  header.header_bytes = static_cast<uint32_t>(daq::PaddedTo8(sizeof(header) + header.json_bytes));
  std::vector<uint8_t> all(header.header_bytes);
  std::memcpy(all.data(), &header, sizeof(header));
  std::memcpy(all.data() + sizeof(header), settings_.json.data(), header.json_bytes);
  header.crc32c = daq::Crc32c(all.data(), all.size());
  std::memcpy(all.data(), &header, sizeof(header));
  return Put(all) && Put({});
}

void StreamRecorder::WriteFrame(const FrameQueue::Entry& entry) {
  SummitFrame frame = entry.frame;
  std::span<const uint8_t> payload;
  if (frame.event_type == SUMMIT_EVENT_STAMP) {
    const uint64_t most = pool_->slot_bytes();
    if (frame.token != 0) payload = {static_cast<const uint8_t*>(frame.data), std::min<uint64_t>(frame.bytes, most)};
    frame.token = frame.token != 0 ? 1 : 0;
  } else if (entry.payload_bytes > 0) {
    payload = {static_cast<const uint8_t*>(frame.data), entry.payload_bytes};
  }
  frame.data = nullptr;
  RecordHead head{};
  head.kind = static_cast<uint16_t>(RecordKind::kFrame);
  head.bytes = static_cast<uint32_t>(payload.size());
  head.t_ns = entry.delivered_ns;
  if (settings_.compress && payload.size() >= 256 && daq::Deflate(payload, &scratch_, &deflated_)) {
    head.encoding = static_cast<uint16_t>(RecordEncoding::kDeflate);
    payload = deflated_;
  }
  head.stored_bytes = static_cast<uint32_t>(payload.size());
  head.left_out = static_cast<uint32_t>(entry.lost_before - left_out_);
  head.payload_crc32c = daq::Crc32c(payload.data(), payload.size());
  head.head_crc32c = daq::HeadCrc(head, BytesOf(frame));
  static constexpr uint8_t kZeros[8] = {};
  const size_t padding = daq::PaddedTo8(payload.size()) - payload.size();
  if (!Put(BytesOf(head)) || !Put(BytesOf(frame)) || !Put(payload) || (padding > 0 && !Put({kZeros, padding}))) {
    unwritten_.Add();
    return;
  }
  left_out_ = entry.lost_before;
  records_.Add();
  if (frame.event_type == SUMMIT_EVENT_STAMP) stamps_.Add();
}

void StreamRecorder::WriteEnd() {
  RecordingEnd end{};
  end.records = records_.Get();
  end.stamps = stamps_.Get();
  end.left_out = queue_.stamps_left_out() + queue_.events_left_out();
  RecordHead head{};
  head.kind = static_cast<uint16_t>(RecordKind::kEnd);
  head.t_ns = daq::MonotonicNs();
  head.left_out = static_cast<uint32_t>(end.left_out - left_out_);
  head.head_crc32c = daq::HeadCrc(head, BytesOf(end));
  if (Put(BytesOf(head)) && Put(BytesOf(end)) && Put({}) && fsync(fd_) != 0) Fail("cannot be synced to the disk");
}

// Gathers small pieces; an empty one writes what is gathered. After a failure, which leaves the file as it is up to
// there, nothing more is written.
bool StreamRecorder::Put(std::span<const uint8_t> bytes) {
  if (failed_) return false;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (!bytes.empty() && buffer_.size() < kBufferBytes) return true;
  size_t at = 0;
  while (at < buffer_.size()) {
    const ssize_t written = write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      Fail("cannot be written");
      return false;
    }
    at += static_cast<size_t>(written);
  }
  bytes_.Add(buffer_.size());
  buffer_.clear();
  return true;
}

void StreamRecorder::Fail(const char* what) {
  failed_ = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  problem_ = settings_.path + ": " + what + ": " + std::strerror(errno);
}

std::string StreamRecorder::problem() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return problem_;
}

std::map<std::string, uint64_t> StreamRecorder::Snapshot() const {
  return {{"stream_records", records_.Get()},
          {"stream_stamps", stamps_.Get()},
          {"stream_bytes", bytes_.Get()},
          {"stream_left_out", queue_.stamps_left_out() + queue_.events_left_out()},
          {"stream_unwritten", unwritten_.Get()},
          {"stream_queue_high_water", queue_.high_water()}};
}

}  // namespace summit::recorder
