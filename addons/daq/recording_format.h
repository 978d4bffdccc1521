// SPDX-License-Identifier: Apache-2.0
// The container of a recorded DAQ stream: every frame and event as the driver delivered it. README.md, "Recordings",
// documents it for other readers. Little endian; records begin at multiples of 8 bytes.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_DAQ_RECORDING_FORMAT_H_
#define SUMMIT_DAQ_RECORDING_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "addons/daq/driver.h"

namespace summit::daq {

inline constexpr char kRecordingMagic[8] = {'S', 'M', 'T', 'R', 'E', 'C', '\r', '\n'};
inline constexpr uint32_t kRecordingVersion = 1;
inline constexpr uint32_t kMostHeaderJson = 65536;
inline constexpr uint32_t kMostRecordPayload = 1u << 30;

// Followed by `json_bytes` of UTF-8 and zeros up to `header_bytes`.
struct RecordingHeader {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;  // offset of the first record
  uint32_t json_bytes;
  uint32_t crc32c;        // of all header bytes, with zero here
};
static_assert(sizeof(RecordingHeader) == 24);

enum class RecordKind : uint16_t { kFrame = 1, kEnd = 2 };
enum class RecordEncoding : uint16_t {
  kPlain = 0,
  kDeflate = 1,  // the four bytes of each word apart (all first bytes, then all second, ...), then zlib
};

// Followed by a SummitFrame (128 bytes; kFrame) or a RecordingEnd (kEnd), then the payload, then zeros to 8.
struct RecordHead {
  uint16_t kind;
  uint16_t encoding;
  uint32_t stored_bytes;  // of the payload in the file
  uint32_t bytes;         // of the payload
  uint32_t left_out;      // frames that the recorder had no room for directly before this one
  uint64_t t_ns;          // CLOCK_MONOTONIC when the driver had delivered it
  uint32_t payload_crc32c;  // of the stored payload
  uint32_t head_crc32c;     // of the head before this field and the 128 or 32 bytes after it
};
static_assert(sizeof(RecordHead) == 32);

struct RecordingEnd {
  uint64_t records;   // before this one
  uint64_t left_out;  // frames in all
  uint64_t stamps;    // the part of `records` that are stamps
  uint64_t reserved;
};
static_assert(sizeof(RecordingEnd) == 32);

constexpr uint64_t PaddedTo8(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

// Bytes of the descriptor that follows the head; 0: no such kind.
constexpr uint32_t DescriptorBytes(uint16_t kind) {
  if (kind == static_cast<uint16_t>(RecordKind::kFrame)) return sizeof(SummitFrame);
  return kind == static_cast<uint16_t>(RecordKind::kEnd) ? sizeof(RecordingEnd) : 0;
}

uint32_t HeadCrc(const RecordHead& head, std::span<const uint8_t> descriptor);

// False when it does not get smaller; `out` then is not to be used.
bool Deflate(std::span<const uint8_t> bytes, std::vector<uint8_t>* scratch, std::vector<uint8_t>* out);
// False when the bytes are no such text, or are not exactly as many as `out` has room for.
bool Inflate(std::span<const uint8_t> stored, std::vector<uint8_t>* scratch, std::span<uint8_t> out);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_RECORDING_FORMAT_H_
