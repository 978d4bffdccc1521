// SPDX-License-Identifier: Apache-2.0
// One SLAC PGP/DMA fibre card (`/dev/datadev_N`): claims destinations, reads records, gives buffers back in batches.
// Thread: one at a time; the counters anywhere.
// Owns: the file descriptor and the mappings. Buffers that were not given back return to the card when it is closed.
#ifndef SUMMIT_DAQ_DATADEV_CARD_H_
#define SUMMIT_DAQ_DATADEV_CARD_H_

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "addons/daq/counter.h"

namespace summit::daq {

// All that is ever asked of the system, as it answers: -1 and errno. A test puts a card of its own behind it.
struct CardCalls {
  void* context = nullptr;
  int (*open)(void* context, const char* path) = nullptr;
  int (*close)(void* context, int fd) = nullptr;
  ssize_t (*read)(void* context, int fd, void* records, size_t bytes) = nullptr;
  int (*ioctl)(void* context, int fd, unsigned long request, uint64_t argument) = nullptr;
  void* (*mmap)(void* context, int fd, size_t bytes, off_t offset) = nullptr;
  int (*poll)(void* context, pollfd* waiting, nfds_t count, int timeout_ms) = nullptr;
};
const CardCalls& SystemCardCalls();

inline constexpr int kCardApiVersion = 0x06;
inline constexpr size_t kCardMaskBytes = 512;
inline constexpr uint32_t kCardDestinations = kCardMaskBytes * 8;

// Requests of the kernel driver: plain numbers. The argument is the address, or the number itself where it says "value".
enum CardRequest : unsigned long {
  kCardBufferCount = 0x1001,  // buffers of both directions
  kCardBufferSize = 0x1002,
  kCardReturnIndex = 0x1005,  // | count << 16; argument: u32 array
  kCardMaskBytesRequest = 0x1008,
  kCardVersion = 0x1009,
  kCardReadRegister = 0x100B,
  kCardRxCount = 0x100C,
  kCardRxInUser = 0x1014,
  kCardRxInHardware = 0x1015,
  kCardRxInPreQueue = 0x1016,
  kCardRxInQueue = 0x1017,
  kCardRxMissing = 0x1018,
  kCardGitVersion = 0x1019,
};

struct CardRecord {
  uint64_t data;  // where to copy to; 0: `index` names a mapped buffer, which is ours from then on
  uint32_t dest;
  uint32_t flags;
  uint32_t index;
  uint32_t error;
  uint32_t size;
  uint32_t is32;
  int32_t ret;    // bytes; -1: lost
  uint32_t pad;
};
static_assert(sizeof(CardRecord) == 40, "the kernel driver's record has 40 bytes");

struct CardRegister {
  uint64_t address;
  uint32_t data;
};
static_assert(sizeof(CardRegister) == 16, "8 + 4 bytes and padding");

// Bits of CardRecord::flags and ::error.
inline constexpr uint32_t kCardContinues = 1u << 16;
inline constexpr uint32_t kCardTimedOut = 1u << 17;
inline constexpr uint32_t kCardErrorFifo = 1u << 0;
inline constexpr uint32_t kCardErrorLength = 1u << 1;
inline constexpr uint32_t kCardErrorMax = 1u << 2;
inline constexpr uint32_t kCardErrorBus = 1u << 3;

struct CardSettings {
  std::string path = "/dev/datadev_0";
  std::vector<uint32_t> destinations{};
  bool zero_copy = true;
};

// Where the card's receive buffers are.
struct CardBuffers {
  Counter rx;           // of the card
  Counter in_user;
  Counter in_hardware;  // 0: what arrives now is lost
  Counter in_queue;
  Counter missing;
};

struct CardCounters {
  Counter returned;         // indices given back
  Counter return_refused;   // indices that the card did not take back
  Counter bad_index;        // records that name no buffer of this card
  CardBuffers buffers;
};

class Card {
 public:
  static constexpr size_t kRecords = 64;

  // nullptr with a SummitError in *code and a sentence in *message. `counters` outlive the card.
  static std::unique_ptr<Card> Open(const CardCalls& calls, const CardSettings& settings, CardCounters* counters, int* code,
                                    std::string* message);
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  int fd() const { return fd_; }
  const std::string& firmware() const { return firmware_; }
  // "" or why buffers are copied instead of mapped.
  const std::string& warning() const { return warning_; }
  bool zero_copy() const { return copies_.empty(); }

  // Takes what is there without waiting: how many records, -1 when the card is gone (errno).
  int Read();
  const CardRecord& record(size_t i) const { return records_[i]; }
  // Empty when the record names no memory.
  std::span<const uint8_t> bytes(size_t i);
  // Its memory is no longer read. Gives buffers back as soon as a batch is full.
  void Done(size_t i);
  void Flush();
  void ReadBuffers();
  bool ReadRegister(uint64_t address, uint32_t* value);

 private:
  struct Mapping {
    void* memory = nullptr;
    size_t bytes = 0;
  };

  Card(const CardCalls& calls, CardCounters* counters) : calls_(calls), counters_(*counters) {}
  bool Check(const CardSettings& settings, int* code, std::string* message);
  bool Claim(const CardSettings& settings, int* code, std::string* message);
  bool Map();
  int Ask(unsigned long request, uint64_t argument = 0) { return calls_.ioctl(calls_.context, fd_, request, argument); }

  const CardCalls calls_;
  CardCounters& counters_;
  int fd_ = -1;
  uint32_t count_ = 0;
  uint32_t size_ = 0;
  size_t batch_ = 1;
  std::string firmware_;
  std::string warning_;
  std::vector<Mapping> maps_;
  std::vector<uint8_t> copies_;
  std::array<CardRecord, kRecords> records_{};
  std::array<uint32_t, kRecords> returns_{};
  size_t to_return_ = 0;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_DATADEV_CARD_H_
