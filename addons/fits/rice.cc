// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/rice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace summit::fits {
namespace {

// Of int32: bits that say how many low bits follow, the most that are split, bits of a pixel that is not.
constexpr unsigned kSplitBits = 5;
constexpr unsigned kMostSplit = 25;
constexpr unsigned kPixelBits = 32;

// Bits from the highest down, in a word of 64 of which whole bytes leave.
class Bits {
 public:
  explicit Bits(uint8_t* out) : begin_(out), out_(out) {}

  // At most 32 bits.
  void Put(uint64_t value, unsigned count) {
    held_ += count;
    word_ |= value << (64 - held_);
    Leave();
  }
  // `zeros` zeros and a one.
  void PutUnary(uint32_t zeros) {
    for (; zeros >= 32; zeros -= 32) Put(0, 32);
    Put(1, zeros + 1);
  }
  size_t Finish() {
    if (held_ > 0) out_++;
    return static_cast<size_t>(out_ - begin_);
  }

 private:
  // Writes eight bytes wherever it is, and keeps what is not a whole byte yet.
  void Leave() {
    const uint64_t big = std::endian::native == std::endian::little ? __builtin_bswap64(word_) : word_;
    std::memcpy(out_, &big, sizeof(big));
    const unsigned whole = held_ / 8;
    out_ += whole;
    word_ = whole == 8 ? 0 : word_ << (8 * whole);
    held_ -= 8 * whole;
  }

  uint8_t* begin_;
  uint8_t* out_;
  uint64_t word_ = 0;
  unsigned held_ = 0;  // below 8 between calls
};

// The standard's choice: about one high bit a pixel.
unsigned SplitOf(uint64_t sum, size_t count) {
  const auto half = static_cast<uint64_t>(count / 2 + 1);
  uint64_t mean = sum > half ? (sum - half) / count : 0;
  mean >>= 1;
  return static_cast<unsigned>(std::bit_width(mean));
}

}  // namespace

size_t RiceEncode(std::span<const int32_t> pixels, uint8_t* out) {
  Bits bits(out);
  if (pixels.empty()) return 0;
  bits.Put(static_cast<uint32_t>(pixels[0]), kPixelBits);
  uint32_t last = static_cast<uint32_t>(pixels[0]);
  std::array<uint32_t, kRiceBlock> folded;
  for (size_t at = 0; at < pixels.size(); at += kRiceBlock) {
    const size_t count = std::min(kRiceBlock, pixels.size() - at);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
      // Differences wrap, and are folded: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
      const uint32_t difference = static_cast<uint32_t>(pixels[at + i]) - (i == 0 ? last : static_cast<uint32_t>(pixels[at + i - 1]));
      folded[i] = difference << 1 ^ (difference >> 31 != 0 ? ~0u : 0u);
      sum += folded[i];
    }
    last = static_cast<uint32_t>(pixels[at + count - 1]);
    const unsigned split = SplitOf(sum, count);
    if (split >= kMostSplit) {
      bits.Put(kMostSplit + 1, kSplitBits);
      for (size_t i = 0; i < count; i++) bits.Put(folded[i], kPixelBits);
    } else if (split == 0 && sum == 0) {
      bits.Put(0, kSplitBits);
    } else {
      bits.Put(split + 1, kSplitBits);
      const uint32_t low = (1u << split) - 1u;
      for (size_t i = 0; i < count; i++) {
        const uint32_t high = folded[i] >> split;
        if (high + 1 + split <= 32) {
          bits.Put(uint64_t{1} << split | (folded[i] & low), high + 1 + split);
        } else {
          bits.PutUnary(high);
          bits.Put(folded[i] & low, split);
        }
      }
    }
  }
  return bits.Finish();
}

}  // namespace summit::fits
