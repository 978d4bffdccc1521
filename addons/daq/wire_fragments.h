// SPDX-License-Identifier: Apache-2.0
// Which fragments of one message came. All fragments but the last have one size, so a bit each is enough.
// Thread: one at a time.
// Owns: its bitmap, sized once.
#ifndef SUMMIT_DAQ_WIRE_FRAGMENTS_H_
#define SUMMIT_DAQ_WIRE_FRAGMENTS_H_

#include <cstdint>
#include <vector>

#include "addons/daq/wire_format.h"

namespace summit::daq {

class WireFragments {
 public:
  static constexpr uint32_t kLeastBytes = 256;  // shorter fragments only as the last of a message

  enum class Answer : uint8_t { kNew, kRepeat, kContradiction };

  void Reserve(uint64_t most_bytes) { bits_.resize(most_bytes / kLeastBytes / 64 + 1); }
  void Begin(uint32_t total_bytes);
  // What this fragment is to the message; Take books a new one.
  Answer Look(const WireHeader& header) const;
  void Take(const WireHeader& header);

  bool complete() const { return received_ == total_; }
  uint32_t missing() const { return total_ - received_; }

 private:
  bool IsLast(const WireHeader& header) const { return header.fragment_offset + header.fragment_bytes == total_; }

  uint32_t total_ = 0;
  uint32_t received_ = 0;
  uint32_t size_ = 0;  // of all fragments but the last; 0 until one of them came
  uint32_t last_offset_ = 0;
  bool last_came_ = false;
  std::vector<uint64_t> bits_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_FRAGMENTS_H_
