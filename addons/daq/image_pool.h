// SPDX-License-Identifier: Apache-2.0
// A fixed number of plane sets, 16 segments of one board each, in touched memory: where every pixel of a full frame is
// written once.
// Thread: any.
// Owns: the memory, until the last set of it is given back.
#ifndef SUMMIT_DAQ_IMAGE_POOL_H_
#define SUMMIT_DAQ_IMAGE_POOL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace summit::daq {

class ImagePool : public std::enable_shared_from_this<ImagePool> {
 public:
  // nullptr with a sentence in *message when the memory cannot be had.
  static std::shared_ptr<ImagePool> Create(uint32_t sets, bool huge_pages, std::string* message);
  ~ImagePool();
  ImagePool(const ImagePool&) = delete;
  ImagePool& operator=(const ImagePool&) = delete;

  // Free again when the last holder lets go; nullptr when none is free.
  std::shared_ptr<int32_t[]> Acquire();

  uint32_t sets() const { return sets_; }
  uint32_t in_use() const;
  uint32_t high_water() const;
  static uint64_t set_bytes();

 private:
  ImagePool() = default;
  void GiveBack(int32_t* set);

  uint32_t sets_ = 0;
  void* mapping_ = nullptr;
  uint64_t mapping_bytes_ = 0;
  mutable std::mutex mutex_;
  std::vector<int32_t*> free_;
  uint32_t high_water_ = 0;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_IMAGE_POOL_H_
