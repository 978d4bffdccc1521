// SPDX-License-Identifier: Apache-2.0
// Reads a raw full frame as the camera archives it: RICE_1 or plain segments, also gzip inside a .fits name. Geometry
// is that of the detector model: BIASSEC, LTV and DETSEC are not needed and not believed.
// Thread: any; each call opens and closes the file. Owns: nothing.
#ifndef SUMMIT_FITS_RAW_IMAGE_FILE_H_
#define SUMMIT_FITS_RAW_IMAGE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "addons/image/detector_model.h"

namespace summit::fits {

// A keyword without a value is null, as in the camera's own headers.
using HeaderValue = std::variant<std::monostate, bool, int64_t, double, std::string>;

struct RawHeader {
  std::vector<std::pair<std::string, HeaderValue>> cards;  // of the primary HDU, in order; no COMMENT, HISTORY, CONTINUE

  const HeaderValue* Find(std::string_view name) const;
  // "" where the keyword is missing, null or no text.
  std::string Text(std::string_view name) const;
  // NaN where the keyword is missing, null or no number.
  double Number(std::string_view name) const;
};

struct RawImage {
  const image::DetectorModel* model = nullptr;
  std::string detector;  // "LATISS", "R44_SW0"
  RawHeader header;
  std::vector<int32_t> planes;  // segment planes in the order of the model
  int64_t out_of_range = 0;     // pixels outside 0..262143
  std::vector<std::string> doubtful;  // plain segments that do not fit their DATASUM; compressed ones are refused
};

// False with one sentence, the path in it.
bool ReadRawImage(const std::string& path, RawImage* image, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_RAW_IMAGE_FILE_H_
