// SPDX-License-Identifier: Apache-2.0
// What makes a file of IMAGE, MASK and VARIANCE one that lsst.images reads as a MaskedImage (container version 1, schema
// masked_image-1.0.0): a description of it in JSON, an index of its HDUs at the end, and where these lie in the primary header.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_FITS_IMAGE_ARCHIVE_H_
#define SUMMIT_FITS_IMAGE_ARCHIVE_H_

#include <fitsio.h>

#include <span>
#include <string>

namespace summit::fits {

struct NamedPlane {
  const char* name;
  const char* description;
};

struct ArchivedImage {
  long rows;
  long cols;
  std::string unit;
  // By bit of the mask.
  std::span<const NamedPlane> planes;
};

// Both as CFITSIO does it: nothing happens where `status` is not 0. To the primary header, the current one, while it grows.
void StartArchive(fitsfile* file, int* status);
// After the planes, which are HDUs 2 to 4.
void FinishArchive(fitsfile* file, const ArchivedImage& image, int* status);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_IMAGE_ARCHIVE_H_
