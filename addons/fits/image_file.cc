// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/image_file.h"

#include <fitsio.h>

#include <array>
#include <limits>

#include "addons/fits/open_file.h"

namespace summit::fits {
namespace {

constexpr long kMostSide = 65536;
constexpr int kMostHdus = 4096;

struct Found {
  int axes = 0;
  std::array<long, 2> sides{};
};

// What the present HDU holds; axes 0 when it is no image.
Found Look(fitsfile* file) {
  Found found;
  int status = 0;
  int type = 0;
  int bits = 0;
  fits_get_hdu_type(file, &type, &status);
  if (status == 0 && type == IMAGE_HDU) fits_get_img_param(file, 2, &bits, &found.axes, found.sides.data(), &status);
  fits_clear_errmsg();
  if (status != 0) found = {};
  return found;
}

bool Usable(const Found& found) {
  return found.axes == 2 && found.sides[0] > 0 && found.sides[1] > 0 && found.sides[0] <= kMostSide && found.sides[1] <= kMostSide;
}

// Moves to the wanted HDU; false with a sentence without the path.
bool Find(fitsfile* file, int hdu, Found* found, int* at, std::string* problem) {
  for (*at = hdu == 0 ? 1 : hdu; *at <= kMostHdus; ++*at) {
    int status = 0;
    fits_movabs_hdu(file, *at, nullptr, &status);
    if (status != 0) break;
    *found = Look(file);
    if (Usable(*found)) return true;
    if (hdu != 0) {
      *problem = "HDU " + std::to_string(hdu) + ": expected a 2-D image, got " +
                 (found->axes == 0 ? std::string("none") : std::to_string(found->axes) + " axes, " + std::to_string(found->sides[0]) + " x " + std::to_string(found->sides[1]));
      return false;
    }
  }
  fits_clear_errmsg();
  *problem = hdu == 0 ? "expected a 2-D image, found none in any HDU" : "HDU " + std::to_string(hdu) + ": the file has no such HDU";
  return false;
}

}  // namespace

bool ReadImage(const std::string& path, int hdu, FitsImage* image, std::string* problem) {
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  Found found;
  std::string why;
  if (!Find(handle.file, hdu, &found, &image->hdu, &why)) {
    *problem = path + ": " + why;
    return false;
  }
  const char* which = "";
  if (!ChecksumsFit(&handle, &which)) {
    *problem = path + ": HDU " + std::to_string(image->hdu) + ": damaged: " + which + " does not fit its contents";
    return false;
  }
  image->name = TextKey(handle.file, "EXTNAME");
  image->cols = static_cast<int32_t>(found.sides[0]);
  image->rows = static_cast<int32_t>(found.sides[1]);
  image->pixels.resize(static_cast<size_t>(image->rows) * static_cast<size_t>(image->cols));
  float missing = std::numeric_limits<float>::quiet_NaN();
  int status = 0, any_missing = 0;  // CFITSIO writes here without asking when it meets a NaN
  fits_read_img(handle.file, TFLOAT, 1, static_cast<LONGLONG>(image->pixels.size()), &missing, image->pixels.data(), &any_missing, &status);
  if (status == 0) return true;
  *problem = path + ": HDU " + std::to_string(image->hdu) + ": pixels cannot be read: " + FitsReason(status);
  return false;
}

}  // namespace summit::fits
