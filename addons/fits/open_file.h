// SPDX-License-Identifier: Apache-2.0
// Opens a FITS file for reading after looking at it: what CFITSIO cannot be trusted with is refused first.
// Thread: one at a time per handle.
// Owns: the open CFITSIO file, closed with the handle.
#ifndef SUMMIT_FITS_OPEN_FILE_H_
#define SUMMIT_FITS_OPEN_FILE_H_

#include <fitsio.h>

#include <cstdint>
#include <string>

namespace summit::fits {

struct FitsHandle {
  fitsfile* file = nullptr;

  FitsHandle() = default;
  FitsHandle(const FitsHandle&) = delete;
  FitsHandle& operator=(const FitsHandle&) = delete;
  ~FitsHandle();
};

// CFITSIO's words for a status; its message stack is emptied.
std::string FitsReason(int status);

// False with one sentence, the path in it, when `path` is no plain, whole, readable FITS file.
bool OpenFits(const std::string& path, FitsHandle* handle, std::string* problem);

// False with "DATASUM" or "CHECKSUM" in *which when the present HDU does not fit its checksums. CFITSIO's
// decompression trusts its input: only what the checksums vouch for may be given to it. An HDU without checksums passes.
bool ChecksumsFit(FitsHandle* handle, const char** which);

// A text keyword of the present HDU; "" where it has none.
std::string TextKey(fitsfile* file, const char* name);

// Moves to the first image of cols x rows px, of this EXTNAME or EXTTYPE where one is given; false when there is none in any HDU.
bool FindImage(fitsfile* file, int32_t cols, int32_t rows, const std::string& what = "");

}  // namespace summit::fits

#endif  // SUMMIT_FITS_OPEN_FILE_H_
