// SPDX-License-Identifier: Apache-2.0
// A PGP/DMA card as its kernel driver shows it, behind the table of system calls: buffers of hardware, queue and user,
// destinations claimed once per open, batches of indices that one bad one stops, losses that nobody counts.
// Thread: any; all under one mutex.
// Owns: the memory of the buffers, which its mmap maps for real.
#ifndef SUMMIT_DAQ_TESTING_FAKE_CARD_H_
#define SUMMIT_DAQ_TESTING_FAKE_CARD_H_

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "addons/daq/datadev_card.h"

namespace summit::daq::testing {

struct FakeCardSettings {
  uint32_t rx = 32;
  uint32_t tx = 4;
  uint32_t size = 4096;  // of a buffer: whole pages
  uint32_t cut = 256;    // bytes of a piece
  int version = kCardApiVersion;
  bool mappable = true;
};

class FakeCard {
 public:
  explicit FakeCard(const FakeCardSettings& settings = {});
  ~FakeCard();
  FakeCard(const FakeCard&) = delete;
  FakeCard& operator=(const FakeCard&) = delete;

  CardCalls calls();

  // What comes over the fibre: a frame in pieces, or one piece. False: lost for want of a buffer.
  bool Deliver(uint32_t dest, std::span<const uint8_t> frame);
  bool DeliverPiece(uint32_t dest, std::span<const uint8_t> bytes, uint32_t flags, uint32_t error);
  // A record that names a buffer which the card does not have.
  void DeliverBadIndex(uint32_t dest);

  void RefuseOpen(int error);  // 0: opens again
  void PullOut();              // every call fails from now on, and what was open is closed
  void PutBack();
  void RefuseBatches(unsigned count);  // the next ones are stopped, as by a bad index
  void SetRegister(uint64_t address, uint32_t value);

  // What the real one does not tell.
  uint32_t in_user();
  uint32_t in_hardware();
  uint64_t thrown_away();  // for destinations that nobody claimed
  uint64_t no_buffer();
  size_t waiting();  // records to be read

 private:
  enum class Place : uint8_t { kHardware, kQueue, kUser };
  struct Buffer {
    Place place = Place::kHardware;
    int owner = -1;
  };
  struct File {
    std::set<uint32_t> destinations;
    bool claimed = false;
    std::deque<CardRecord> queue;
  };

  int Open();
  int Close(int fd);
  ssize_t Read(int fd, CardRecord* records, size_t bytes);
  int Ioctl(int fd, unsigned long request, uint64_t argument);
  int Return(int fd, const uint32_t* indices, size_t count);
  int Claim(File* file, std::span<const uint8_t> mask);
  void* Map(int fd, size_t bytes, off_t offset);
  bool Put(uint32_t dest, std::span<const uint8_t> bytes, uint32_t flags, uint32_t error);
  int Count(Place place) const;
  void Show(int fd, const File& file);

  const FakeCardSettings settings_;
  std::mutex mutex_;
  int memory_fd_ = -1;
  uint8_t* memory_ = nullptr;
  std::vector<Buffer> buffers_;
  std::map<int, File> files_;
  std::map<uint64_t, uint32_t> registers_;
  bool gone_ = false;
  int open_error_ = 0;
  unsigned refuse_batches_ = 0;
  uint64_t thrown_away_ = 0;
  uint64_t no_buffer_ = 0;
};

}  // namespace summit::daq::testing

#endif  // SUMMIT_DAQ_TESTING_FAKE_CARD_H_
