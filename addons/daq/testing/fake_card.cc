// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/testing/fake_card.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace summit::daq::testing {
namespace {

int Fail(int error) {
  errno = error;
  return -1;
}

FakeCard* Of(void* context) { return static_cast<FakeCard*>(context); }

}  // namespace

FakeCard::FakeCard(const FakeCardSettings& settings) : settings_(settings), buffers_(settings.rx + settings.tx) {
  const size_t bytes = buffers_.size() * settings_.size;
  memory_fd_ = memfd_create("fake-card", MFD_CLOEXEC);
  if (ftruncate(memory_fd_, static_cast<off_t>(bytes)) == 0) {
    memory_ = static_cast<uint8_t*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd_, 0));
  }
  // The last ones are for sending.
  for (size_t i = settings_.rx; i < buffers_.size(); ++i) buffers_[i].place = Place::kUser;
}

FakeCard::~FakeCard() {
  munmap(memory_, buffers_.size() * settings_.size);
  close(memory_fd_);
  for (const auto& [fd, file] : files_) close(fd);
}

CardCalls FakeCard::calls() {
  return {
      .context = this,
      .open = [](void* context, const char*) { return Of(context)->Open(); },
      .close = [](void* context, int fd) { return Of(context)->Close(fd); },
      .read = [](void* context, int fd, void* records, size_t bytes) { return Of(context)->Read(fd, static_cast<CardRecord*>(records), bytes); },
      .ioctl = [](void* context, int fd, unsigned long request, uint64_t argument) { return Of(context)->Ioctl(fd, request, argument); },
      .mmap = [](void* context, int fd, size_t bytes, off_t offset) { return Of(context)->Map(fd, bytes, offset); },
      // The descriptor is an eventfd that can be read while records wait.
      .poll = [](void*, pollfd* waiting, nfds_t count, int timeout_ms) { return ::poll(waiting, count, timeout_ms); },
  };
}

int FakeCard::Open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (gone_) return Fail(ENOENT);
  if (open_error_ != 0) return Fail(open_error_);
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  files_[fd];
  return fd;
}

// Everything that this file held returns to the card.
int FakeCard::Close(int fd) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Buffer& buffer : buffers_) {
    if (buffer.owner == fd) buffer = Buffer{};
  }
  files_.erase(fd);
  return close(fd);
}

ssize_t FakeCard::Read(int fd, CardRecord* records, size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (gone_) return Fail(ENODEV);
  const size_t room = bytes / sizeof(CardRecord);
  if (bytes % sizeof(CardRecord) != 0 || room > buffers_.size()) return Fail(EINVAL);
  File& file = files_[fd];
  size_t count = 0;
  for (; count < room && !file.queue.empty(); ++count) {
    CardRecord record = file.queue.front();
    file.queue.pop_front();
    const CardRecord asked = records[count];
    Buffer* buffer = record.index < buffers_.size() ? &buffers_[record.index] : nullptr;
    if (asked.data == 0) {
      if (buffer != nullptr) buffer->place = Place::kUser;
    } else {
      record.data = asked.data;
      if (record.size > asked.size) {
        record.ret = -1;
        record.error |= kCardErrorMax;
      } else if (buffer != nullptr) {
        std::memcpy(reinterpret_cast<void*>(asked.data), memory_ + size_t{record.index} * settings_.size, record.size);
      }
      if (buffer != nullptr) *buffer = Buffer{};
    }
    records[count] = record;
  }
  Show(fd, file);
  return static_cast<ssize_t>(count);
}

int FakeCard::Count(Place place) const {
  return static_cast<int>(std::count_if(buffers_.begin(), buffers_.begin() + settings_.rx, [place](const Buffer& buffer) { return buffer.place == place; }));
}

int FakeCard::Ioctl(int fd, unsigned long request, uint64_t argument) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (gone_) return Fail(ENODEV);
  switch (request & 0xFFFF) {
    case kCardVersion: return settings_.version >= 0 ? settings_.version : Fail(ENOTTY);
    case kCardBufferCount: return static_cast<int>(buffers_.size());
    case kCardBufferSize: return static_cast<int>(settings_.size);
    case kCardRxCount: return static_cast<int>(settings_.rx);
    case kCardRxInUser: return Count(Place::kUser);
    case kCardRxInHardware: return Count(Place::kHardware);
    case kCardRxInPreQueue: return 0;
    case kCardRxInQueue: return Count(Place::kQueue);
    case kCardRxMissing: return 0;
    case kCardGitVersion: return std::strncpy(reinterpret_cast<char*>(argument), "fake-1", 32) != nullptr ? 0 : -1;
    case kCardMaskBytesRequest: return Claim(&files_[fd], {reinterpret_cast<const uint8_t*>(argument), kCardMaskBytes});
    case kCardReturnIndex: return Return(fd, reinterpret_cast<const uint32_t*>(argument), request >> 16 & 0xFFFF);
    case kCardReadRegister: {
      auto* asked = reinterpret_cast<CardRegister*>(argument);
      const auto found = registers_.find(asked->address);
      if (found == registers_.end()) return Fail(EINVAL);
      asked->data = found->second;
      return 0;
    }
    default: return Fail(ENOTTY);
  }
}

int FakeCard::Claim(File* file, std::span<const uint8_t> mask) {
  if (file->claimed) return Fail(EBUSY);
  std::set<uint32_t> wanted;
  for (uint32_t dest = 0; dest < kCardDestinations; ++dest) {
    if ((mask[dest / 8] >> dest % 8 & 1) == 0) continue;
    for (const auto& [fd, other] : files_) {
      if (other.destinations.contains(dest)) return Fail(EBUSY);
    }
    wanted.insert(dest);
  }
  file->destinations = wanted;
  file->claimed = true;
  return 0;
}

int FakeCard::Return(int fd, const uint32_t* indices, size_t count) {
  if (count > 1 && refuse_batches_ > 0) {
    --refuse_batches_;
    return Fail(EINVAL);
  }
  for (size_t i = 0; i < count; ++i) {
    if (indices[i] >= settings_.rx || buffers_[indices[i]].owner != fd || buffers_[indices[i]].place != Place::kUser) return Fail(EINVAL);
  }
  for (size_t i = 0; i < count; ++i) buffers_[indices[i]] = Buffer{};
  return 0;
}

void* FakeCard::Map(int, size_t bytes, off_t offset) {
  if (!settings_.mappable) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return mmap(nullptr, bytes, PROT_READ, MAP_SHARED, memory_fd_, offset);
}

void FakeCard::Show(int fd, const File& file) {
  uint64_t count = 1;
  [[maybe_unused]] const ssize_t done = file.queue.empty() ? read(fd, &count, sizeof(count)) : write(fd, &count, sizeof(count));
}

bool FakeCard::Put(uint32_t dest, std::span<const uint8_t> bytes, uint32_t flags, uint32_t error) {
  const auto found = std::find_if(files_.begin(), files_.end(), [dest](const auto& one) { return one.second.destinations.contains(dest); });
  if (found == files_.end() || gone_) {
    ++thrown_away_;
    return true;
  }
  const auto free = std::find_if(buffers_.begin(), buffers_.begin() + settings_.rx, [](const Buffer& buffer) { return buffer.place == Place::kHardware; });
  if (free == buffers_.begin() + settings_.rx) {
    ++no_buffer_;
    return false;
  }
  const auto index = static_cast<uint32_t>(free - buffers_.begin());
  *free = Buffer{Place::kQueue, found->first};
  std::copy(bytes.begin(), bytes.end(), memory_ + size_t{index} * settings_.size);
  const auto size = static_cast<uint32_t>(bytes.size());
  found->second.queue.push_back({.data = 0, .dest = dest, .flags = flags, .index = index, .error = error, .size = size, .is32 = 0,
                                  .ret = static_cast<int32_t>(size), .pad = 0});
  Show(found->first, found->second);
  return true;
}

bool FakeCard::DeliverPiece(uint32_t dest, std::span<const uint8_t> bytes, uint32_t flags, uint32_t error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Put(dest, bytes, flags, error);
}

bool FakeCard::Deliver(uint32_t dest, std::span<const uint8_t> frame) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool all = true;
  for (size_t at = 0; at < frame.size(); at += settings_.cut) {
    const auto piece = frame.subspan(at, std::min<size_t>(settings_.cut, frame.size() - at));
    all = Put(dest, piece, at + piece.size() < frame.size() ? kCardContinues : 0, 0) && all;
  }
  return all;
}

void FakeCard::DeliverBadIndex(uint32_t dest) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [fd, file] : files_) {
    if (!file.destinations.contains(dest)) continue;
    file.queue.push_back({.data = 0, .dest = dest, .flags = 0, .index = 1u << 20, .error = 0, .size = 8, .is32 = 0, .ret = 8, .pad = 0});
    Show(fd, file);
  }
}

void FakeCard::RefuseOpen(int error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_error_ = error;
}

void FakeCard::PullOut() {
  const std::lock_guard<std::mutex> lock(mutex_);
  gone_ = true;
  // A reader that waits is woken, and then told.
  for (const auto& [fd, file] : files_) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t done = write(fd, &one, sizeof(one));
  }
}

void FakeCard::PutBack() {
  const std::lock_guard<std::mutex> lock(mutex_);
  gone_ = false;
}

void FakeCard::RefuseBatches(unsigned count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  refuse_batches_ = count;
}

void FakeCard::SetRegister(uint64_t address, uint32_t value) {
  const std::lock_guard<std::mutex> lock(mutex_);
  registers_[address] = value;
}

uint32_t FakeCard::in_user() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<uint32_t>(Count(Place::kUser));
}

uint32_t FakeCard::in_hardware() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<uint32_t>(Count(Place::kHardware));
}

uint64_t FakeCard::thrown_away() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return thrown_away_;
}

uint64_t FakeCard::no_buffer() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return no_buffer_;
}

size_t FakeCard::waiting() {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t count = 0;
  for (const auto& [fd, file] : files_) count += file.queue.size();
  return count;
}

}  // namespace summit::daq::testing
