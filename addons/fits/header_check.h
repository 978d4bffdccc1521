// SPDX-License-Identifier: Apache-2.0
// Checks every header of a FITS file before CFITSIO reads it: CFITSIO divides by zero on some damaged headers.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_FITS_HEADER_CHECK_H_
#define SUMMIT_FITS_HEADER_CHECK_H_

#include <cstdint>
#include <cstdio>
#include <string>

namespace summit::fits {

// Walks from header to header of `bytes` bytes. False with a sentence (without the path) when the file is cut, or
// when a header does not fit its own CHECKSUM and DATASUM. A header without these two cards is believed.
bool CheckHeaders(std::FILE* file, uint64_t bytes, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_HEADER_CHECK_H_
