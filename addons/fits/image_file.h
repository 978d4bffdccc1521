// SPDX-License-Identifier: Apache-2.0
// Reads one 2-D image of any FITS file, compressed or not, as float.
// Thread: any; each call opens and closes the file.
// Owns: nothing.
#ifndef SUMMIT_FITS_IMAGE_FILE_H_
#define SUMMIT_FITS_IMAGE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace summit::fits {

struct FitsImage {
  int hdu = 0;                // CFITSIO's number, from 1
  std::string name;           // EXTNAME; "" if it has none
  int32_t rows = 0;           // NAXIS2
  int32_t cols = 0;           // NAXIS1
  std::vector<float> pixels;  // row by row, BSCALE and BZERO applied; NaN where the file says BLANK or NaN
};

// `hdu` 0: the first HDU that holds a 2-D image. False with one sentence, the path in it, when there is none.
bool ReadImage(const std::string& path, int hdu, FitsImage* image, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_IMAGE_FILE_H_
