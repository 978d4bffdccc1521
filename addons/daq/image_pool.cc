// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/image_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "addons/image/unpack18.h"

namespace summit::daq {

uint64_t ImagePool::set_bytes() { return uint64_t{image::kPlaneBytes} * image::kChannels; }

std::shared_ptr<ImagePool> ImagePool::Create(uint32_t sets, bool huge_pages, std::string* message) {
  std::shared_ptr<ImagePool> pool(new ImagePool());
  pool->sets_ = sets;
  pool->mapping_bytes_ = set_bytes() * sets;
  void* mapping = mmap(nullptr, pool->mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    *message = "images: no memory for " + std::to_string(sets) + " images of one board, " + std::to_string(pool->mapping_bytes_ >> 20) + " MiB: " + std::strerror(errno);
    return nullptr;
  }
  pool->mapping_ = mapping;
  if (huge_pages) madvise(mapping, pool->mapping_bytes_, MADV_HUGEPAGE);
  // Touched now, so that no image waits for the kernel to find its pages.
  std::memset(mapping, 0, pool->mapping_bytes_);
  for (uint32_t i = sets; i-- > 0;) pool->free_.push_back(reinterpret_cast<int32_t*>(static_cast<uint8_t*>(mapping) + set_bytes() * i));
  return pool;
}

ImagePool::~ImagePool() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

std::shared_ptr<int32_t[]> ImagePool::Acquire() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_.empty()) return nullptr;
  int32_t* set = free_.back();
  free_.pop_back();
  high_water_ = std::max(high_water_, sets_ - static_cast<uint32_t>(free_.size()));
  return {set, [self = shared_from_this()](int32_t* p) { self->GiveBack(p); }};
}

void ImagePool::GiveBack(int32_t* set) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(set);
}

uint32_t ImagePool::in_use() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return sets_ - static_cast<uint32_t>(free_.size());
}

uint32_t ImagePool::high_water() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return high_water_;
}

}  // namespace summit::daq
