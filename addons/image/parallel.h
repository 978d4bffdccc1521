// SPDX-License-Identifier: Apache-2.0
// The same work on several threads: parts 0..parts-1, each done once; the caller's thread takes its share.
// Thread: the caller waits. Owns: nothing afterwards.
#ifndef SUMMIT_IMAGE_PARALLEL_H_
#define SUMMIT_IMAGE_PARALLEL_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace summit::image {

inline constexpr int32_t kMostThreads = 8;

template <typename Work>
void ForEachPart(int32_t threads, int32_t parts, const Work& work) {
  std::atomic<int32_t> next{0};
  const auto take = [&next, parts, &work] {
    for (int32_t part = next++; part < parts; part = next++) work(part);
  };
  std::vector<std::thread> others;
  for (int32_t i = 1; i < threads && i < parts; i++) others.emplace_back(take);
  take();
  for (std::thread& other : others) other.join();
}

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_PARALLEL_H_
