// SPDX-License-Identifier: Apache-2.0
// Requests, records and their rules as the kernel driver slaclab/aes-stream-drivers has them (API 0x06).
#include "addons/daq/datadev_card.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "addons/daq/driver.h"

namespace summit::daq {
namespace {

uint64_t AddressOf(void* memory) { return reinterpret_cast<uint64_t>(memory); }

}  // namespace

const CardCalls& SystemCardCalls() {
  static constexpr CardCalls calls{
      .context = nullptr,
      .open = [](void*, const char* path) { return ::open(path, O_RDWR | O_CLOEXEC); },
      .close = [](void*, int fd) { return ::close(fd); },
      .read = [](void*, int fd, void* records, size_t bytes) { return ::read(fd, records, bytes); },
      .ioctl = [](void*, int fd, unsigned long request, uint64_t argument) { return ::ioctl(fd, request, argument); },
      .mmap = [](void*, int fd, size_t bytes, off_t offset) { return ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, offset); },
      .poll = [](void*, pollfd* waiting, nfds_t count, int timeout_ms) { return ::poll(waiting, count, timeout_ms); },
  };
  return calls;
}

std::unique_ptr<Card> Card::Open(const CardCalls& calls, const CardSettings& settings, CardCounters* counters, int* code,
                                 std::string* message) {
  std::unique_ptr<Card> card(new Card(calls, counters));
  *code = SUMMIT_ERR_RESOURCE;
  card->fd_ = calls.open(calls.context, settings.path.c_str());
  if (card->fd_ < 0) {
    const int error = errno;
    *message = "datadev: device: cannot open " + settings.path + ": " + std::strerror(error);
    if (error == EACCES || error == EPERM) {
      *message += "; install scripts/udev/60-summit-agent.rules and put the agent's user into the group summit-agent";
    } else if (error == ENOENT || error == ENODEV || error == ENXIO) {
      *message += "; the card or its kernel module is missing: lspci -d 1a4a:2030 shows the card, modprobe datadev loads the module";
    }
    return nullptr;
  }
  if (!card->Check(settings, code, message) || !card->Claim(settings, code, message)) return nullptr;
  if (settings.zero_copy && !card->Map()) {
    card->warning_ = settings.path + ": buffers cannot be mapped (" + std::strerror(errno) + "): the kernel copies them";
  }
  if (card->maps_.empty()) card->copies_.resize(kRecords * card->size_);
  // A quarter of the card's buffers may wait to go back.
  card->ReadBuffers();
  card->batch_ = std::clamp<size_t>(counters->buffers.rx.Get() / 4, 1, kRecords);
  *code = SUMMIT_OK;
  return card;
}

bool Card::Check(const CardSettings& settings, int* code, std::string* message) {
  *code = SUMMIT_ERR_RESOURCE;
  const int version = Ask(kCardVersion);
  if (version != kCardApiVersion) {
    *message = "datadev: " + settings.path + ": expected a kernel driver with API version " + std::to_string(kCardApiVersion) + ", got " +
               (version < 0 ? "none: this is no datadev card" : std::to_string(version)) + "; install aes-stream-drivers of that version";
    return false;
  }
  const int count = Ask(kCardBufferCount), size = Ask(kCardBufferSize);
  if (count <= 0 || size <= 0) {
    *message = "datadev: " + settings.path + ": expected buffers, got " + std::to_string(count) + " of " + std::to_string(size) + " bytes";
    return false;
  }
  count_ = static_cast<uint32_t>(count);
  size_ = static_cast<uint32_t>(size);
  std::array<char, 33> text{};
  if (Ask(kCardGitVersion, AddressOf(text.data())) >= 0) firmware_ = text.data();
  return true;
}

// Once per open: what is not claimed here is thrown away by the card, and nobody counts it.
bool Card::Claim(const CardSettings& settings, int* code, std::string* message) {
  std::array<uint8_t, kCardMaskBytes> mask{};
  std::string names;
  for (const uint32_t destination : settings.destinations) {
    mask[destination / 8] = static_cast<uint8_t>(mask[destination / 8] | 1u << destination % 8);
    names += (names.empty() ? "" : ", ") + std::to_string(destination);
  }
  if (Ask(kCardMaskBytesRequest, AddressOf(mask.data())) >= 0) return true;
  *code = SUMMIT_ERR_RESOURCE;
  *message = "datadev: destinations: " + settings.path + " does not give " + names +
             ": another process has one of them; stop it, or name others (fuser -v " + settings.path + " shows who it is)";
  return false;
}

bool Card::Map() {
  for (uint32_t i = 0; i < count_; ++i) {
    void* memory = calls_.mmap(calls_.context, fd_, size_, static_cast<off_t>(uint64_t{i} * size_));
    if (memory == MAP_FAILED) {
      for (const Mapping& mapping : maps_) munmap(mapping.memory, mapping.bytes);
      maps_.clear();
      return false;
    }
    maps_.push_back({memory, size_});
  }
  return true;
}

Card::~Card() {
  if (fd_ < 0) return;
  Flush();
  for (const Mapping& mapping : maps_) munmap(mapping.memory, mapping.bytes);
  calls_.close(calls_.context, fd_);
}

int Card::Read() {
  for (size_t i = 0; i < kRecords; ++i) {
    records_[i] = CardRecord{};
    if (copies_.empty()) continue;
    records_[i].data = AddressOf(copies_.data() + i * size_);
    records_[i].size = size_;
  }
  const size_t most = std::min<size_t>(kRecords, count_);
  const ssize_t got = calls_.read(calls_.context, fd_, records_.data(), most * sizeof(CardRecord));
  if (got >= 0) return static_cast<int>(std::min<size_t>(static_cast<size_t>(got), most));
  return errno == EINTR || errno == EAGAIN ? 0 : -1;
}

std::span<const uint8_t> Card::bytes(size_t i) {
  const CardRecord& record = records_[i];
  if (record.ret < 0) return {};
  const size_t size = std::min<size_t>(static_cast<size_t>(record.ret), size_);
  if (record.data != 0) return {reinterpret_cast<const uint8_t*>(record.data), size};
  if (record.index >= maps_.size()) {
    counters_.bad_index.Add();
    return {};
  }
  return {static_cast<const uint8_t*>(maps_[record.index].memory), size};
}

void Card::Done(size_t i) {
  const CardRecord& record = records_[i];
  // An index that is none of the card's would spoil the batch.
  if (record.data != 0 || record.index >= maps_.size()) return;
  returns_[to_return_++] = record.index;
  if (to_return_ >= batch_) Flush();
}

void Card::Flush() {
  if (to_return_ == 0) return;
  const uint64_t count = to_return_;
  to_return_ = 0;
  if (Ask(kCardReturnIndex | count << 16, AddressOf(returns_.data())) >= 0) return counters_.returned.Add(count);
  // One index that the card does not take stops the whole batch: the others go back one by one.
  for (uint64_t i = 0; i < count; ++i) {
    if (Ask(kCardReturnIndex | 1ul << 16, AddressOf(&returns_[i])) >= 0) counters_.returned.Add();
    else counters_.return_refused.Add();
  }
}

void Card::ReadBuffers() {
  const auto read = [this](unsigned long request, Counter* into) {
    const int value = Ask(request);
    if (value >= 0) into->Set(static_cast<uint64_t>(value));
  };
  CardBuffers& buffers = counters_.buffers;
  read(kCardRxCount, &buffers.rx);
  read(kCardRxInUser, &buffers.in_user);
  read(kCardRxInHardware, &buffers.in_hardware);
  read(kCardRxMissing, &buffers.missing);
  const int before = Ask(kCardRxInPreQueue), in = Ask(kCardRxInQueue);
  if (before >= 0 && in >= 0) buffers.in_queue.Set(static_cast<uint64_t>(before) + static_cast<uint64_t>(in));
}

bool Card::ReadRegister(uint64_t address, uint32_t* value) {
  CardRegister request{address, 0};
  if (Ask(kCardReadRegister, AddressOf(&request)) < 0) return false;
  *value = request.data;
  return true;
}

}  // namespace summit::daq
