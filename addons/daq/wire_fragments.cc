// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_fragments.h"

#include <algorithm>

namespace summit::daq {

void WireFragments::Begin(uint32_t total_bytes) {
  const size_t used = std::min<size_t>(bits_.size(), total_ / kLeastBytes / 64 + 1);
  std::fill_n(bits_.begin(), used, 0);
  total_ = total_bytes;
  received_ = 0;
  size_ = 0;
  last_offset_ = 0;
  last_came_ = false;
}

WireFragments::Answer WireFragments::Look(const WireHeader& header) const {
  if (header.total_bytes != total_) return Answer::kContradiction;
  if (IsLast(header)) {
    if (last_came_) return header.fragment_offset == last_offset_ ? Answer::kRepeat : Answer::kContradiction;
    if (size_ != 0 && (header.fragment_offset % size_ != 0 || header.fragment_bytes > size_)) return Answer::kContradiction;
    return Answer::kNew;
  }
  const uint32_t size = size_ != 0 ? size_ : header.fragment_bytes;
  if (size < kLeastBytes || header.fragment_bytes != size || header.fragment_offset % size != 0) return Answer::kContradiction;
  if (last_came_ && last_offset_ % size != 0) return Answer::kContradiction;
  const uint32_t position = header.fragment_offset / size;
  if (position / 64 >= bits_.size()) return Answer::kContradiction;
  return (bits_[position / 64] >> (position % 64) & 1u) != 0 ? Answer::kRepeat : Answer::kNew;
}

void WireFragments::Take(const WireHeader& header) {
  received_ += header.fragment_bytes;
  if (IsLast(header)) {
    last_came_ = true;
    last_offset_ = header.fragment_offset;
    return;
  }
  size_ = header.fragment_bytes;
  const uint32_t position = header.fragment_offset / size_;
  bits_[position / 64] |= uint64_t{1} << (position % 64);
}

}  // namespace summit::daq
