// SPDX-License-Identifier: Apache-2.0
// Numbers that wrap, unwrapped, with a memory of which of the last 2048 were there.
// Thread: one at a time.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_SEQUENCE_WINDOW_H_
#define SUMMIT_DAQ_SEQUENCE_WINDOW_H_

#include <array>
#include <cstdint>

namespace summit::daq {

template <unsigned kBits>
class SequenceWindow {
 public:
  static constexpr uint64_t kSpan = 2048;  // numbers remembered behind the newest
  static constexpr uint64_t kModulus = uint64_t{1} << kBits;
  static_assert(kModulus % kSpan == 0);

  void Restart() { *this = SequenceWindow(); }

  bool started() const { return started_; }
  uint64_t newest() const { return newest_; }

  // The number nearest to the newest one (or to a later `hint`) that looks like `raw` on the wire.
  uint64_t Unwrap(uint64_t raw, uint64_t hint = 0) const {
    if (!started_ && hint == 0) return raw;
    const uint64_t reference = started_ && newest_ > hint ? newest_ : hint;
    const uint64_t ahead = (raw - reference) & (kModulus - 1);
    if (ahead < kModulus / 2) return reference + ahead;
    const uint64_t behind = kModulus - ahead;
    return reference >= behind ? reference - behind : reference + ahead;
  }

  // Moves the newest forward, forgetting what falls out of the window. Numbers in between count as not there.
  void Advance(uint64_t index) {
    if (!started_) {
      started_ = true;
      newest_ = index;
      return;
    }
    if (index <= newest_) return;
    if (index - newest_ >= kSpan) {
      seen_.fill(0);
      damaged_.fill(0);
    } else {
      for (uint64_t i = newest_ + 1; i <= index; ++i) Clear(i);
    }
    newest_ = index;
  }

  // Adds whole turns of the counter: same places in the window, larger numbers.
  void AddTurns(uint64_t turns) { newest_ += turns * kModulus; }

  bool TooOld(uint64_t index) const { return started_ && index + kSpan <= newest_; }
  bool Seen(uint64_t index) const { return started_ && index <= newest_ && !TooOld(index) && Bit(seen_, index); }
  bool Damaged(uint64_t index) const { return Seen(index) && Bit(damaged_, index); }

  void Mark(uint64_t index, bool damaged = false) {
    Advance(index);
    if (TooOld(index)) return;
    seen_[Word(index)] |= Mask(index);
    if (damaged) damaged_[Word(index)] |= Mask(index);
  }

 private:
  using Bits = std::array<uint64_t, kSpan / 64>;
  static size_t Word(uint64_t index) { return index % kSpan / 64; }
  static uint64_t Mask(uint64_t index) { return uint64_t{1} << (index % 64); }
  static bool Bit(const Bits& bits, uint64_t index) { return (bits[Word(index)] & Mask(index)) != 0; }
  void Clear(uint64_t index) {
    seen_[Word(index)] &= ~Mask(index);
    damaged_[Word(index)] &= ~Mask(index);
  }

  bool started_ = false;
  uint64_t newest_ = 0;
  Bits seen_{};
  Bits damaged_{};
};

using StampWindow = SequenceWindow<16>;
using PacketWindow = SequenceWindow<32>;

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_SEQUENCE_WINDOW_H_
