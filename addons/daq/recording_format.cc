// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/recording_format.h"

#include <zlib.h>

#include <array>
#include <cstring>

#include "addons/daq/crc32c.h"

namespace summit::daq {
namespace {

constexpr int kFast = 1;

}  // namespace

uint32_t HeadCrc(const RecordHead& head, std::span<const uint8_t> descriptor) {
  std::array<uint8_t, offsetof(RecordHead, head_crc32c) + sizeof(SummitFrame)> bytes{};
  std::memcpy(bytes.data(), &head, offsetof(RecordHead, head_crc32c));
  std::memcpy(bytes.data() + offsetof(RecordHead, head_crc32c), descriptor.data(), descriptor.size());
  return Crc32c(bytes.data(), offsetof(RecordHead, head_crc32c) + descriptor.size());
}

bool Deflate(std::span<const uint8_t> bytes, std::vector<uint8_t>* scratch, std::vector<uint8_t>* out) {
  const size_t words = bytes.size() / 4;
  scratch->resize(bytes.size());
  for (size_t plane = 0; plane < 4; ++plane) {
    uint8_t* to = scratch->data() + plane * words;
    for (size_t i = 0; i < words; ++i) to[i] = bytes[4 * i + plane];
  }
  for (size_t i = 4 * words; i < bytes.size(); ++i) (*scratch)[i] = bytes[i];
  uLongf length = compressBound(static_cast<uLong>(bytes.size()));
  out->resize(length);
  if (compress2(out->data(), &length, scratch->data(), static_cast<uLong>(scratch->size()), kFast) != Z_OK) return false;
  out->resize(length);
  return length < bytes.size();
}

bool Inflate(std::span<const uint8_t> stored, std::vector<uint8_t>* scratch, std::span<uint8_t> out) {
  scratch->resize(out.size());
  uLongf length = static_cast<uLongf>(out.size());
  if (uncompress(scratch->data(), &length, stored.data(), static_cast<uLong>(stored.size())) != Z_OK || length != out.size()) return false;
  const size_t words = out.size() / 4;
  for (size_t plane = 0; plane < 4; ++plane) {
    const uint8_t* from = scratch->data() + plane * words;
    for (size_t i = 0; i < words; ++i) out[4 * i + plane] = from[i];
  }
  for (size_t i = 4 * words; i < out.size(); ++i) out[i] = (*scratch)[i];
  return true;
}

}  // namespace summit::daq
