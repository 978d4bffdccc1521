// SPDX-License-Identifier: Apache-2.0
// Writes a raw image as the camera archives it: a primary header without data, one RICE_1 image per segment, REB_COND,
// CONFIG_COND, and a JSON sidecar with the primary keys. Segments are compressed in memory, each by the next free
// thread; nothing is on the disk before everything could be made.
// Thread: any; starts threads of its own for the call.
// Owns: nothing outside the call.
#ifndef SUMMIT_FITS_RAW_IMAGE_WRITER_H_
#define SUMMIT_FITS_RAW_IMAGE_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "addons/fits/guider_cards.h"
#include "addons/fits/raw_segment.h"

namespace summit::fits {

struct CameraHeader {
  std::vector<GuiderCard> primary;  // in the order of the file; without a value: null in the sidecar, left out of the file
  std::vector<GuiderCard> reb_cond;
  std::vector<GuiderCard> config_cond;
};

// {"primary": [[name, value, comment?], ...], "reb_cond": [...], "config_cond": [...]}; null is a card without a value,
// names of more than eight letters are HIERARCH cards ("HIERARCH.STUTTER.ROWS"). False with one sentence.
bool ReadCameraHeader(std::string_view json, CameraHeader* header, std::string* problem);

struct CameraImage {
  RawDetector detector = RawDetector::kLatiss;
  uint32_t rows = 0;
  uint32_t cols = 0;
  std::span<const int32_t> planes;  // in the order of SegmentLabels, row by row
};

// A whole file in memory, and its sidecar.
struct RawFile {
  std::vector<std::vector<uint8_t>> parts;
  std::string sidecar;

  uint64_t bytes() const;
};

// False with one sentence.
bool MakeRawFile(const CameraHeader& header, const CameraImage& image, unsigned threads, RawFile* file, std::string* problem);

// The sidecar's name of a file's.
std::string SidecarName(const std::string& path);

// Sidecar first, then the file, each by all steps of durable_file.h: whoever sees the file finds its sidecar. A file of
// this name is never replaced. False with one sentence, the path in it; nothing is left behind then.
bool PublishRawFile(const std::string& path, const RawFile& file, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_RAW_IMAGE_WRITER_H_
