// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers and cheap normal deviates of everything that is painted.
// Thread: one at a time per object; the table is made once. Owns: nothing outside itself.
#ifndef SUMMIT_SIM_NOISE_H_
#define SUMMIT_SIM_NOISE_H_

#include <cstdint>
#include <vector>

namespace summit::sim {

// xoshiro256** by Blackman and Vigna (public domain description), seeded by splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15u;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
      word = z ^ (z >> 31);
    }
  }
  uint64_t Next() {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Between(double low, double high) { return low + (high - low) * Uniform(); }

 private:
  static uint64_t Rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t state_[4];
};

// 65536 quantiles of the normal distribution.
const std::vector<float>& NormalTable();

// Normal deviates, four from each random number: 16 random bits give one (unit variance to 1e-4, tails to 4.3 sigma).
class Normals {
 public:
  explicit Normals(uint64_t seed) : random_(seed), table_(NormalTable().data()) {}
  float Next() {
    if (left_ == 0) {
      bits_ = random_.Next();
      left_ = 4;
    }
    left_--;
    const float value = table_[bits_ & 0xFFFFu];
    bits_ >>= 16;
    return value;
  }

 private:
  Random random_;
  const float* table_;
  uint64_t bits_ = 0;
  int left_ = 0;
};

}  // namespace summit::sim

#endif  // SUMMIT_SIM_NOISE_H_
