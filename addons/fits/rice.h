// SPDX-License-Identifier: Apache-2.0
// RICE_1 of the FITS standard (4.0, 10.4.1) for int32: differences of neighbours, blocks of 32 pixels, each with the number
// of low bits that suits it. What it writes every reader of the standard reads; it is several times as fast as CFITSIO's.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_FITS_RICE_H_
#define SUMMIT_FITS_RICE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace summit::fits {

inline constexpr size_t kRiceBlock = 32;

// Bytes that `pixels` may need at most, with what the coder writes beyond its last byte.
constexpr size_t RiceMost(size_t pixels) { return 4 * pixels + pixels / kRiceBlock + 32; }

// One tile; `out` has RiceMost bytes. Returns the bytes of the code.
size_t RiceEncode(std::span<const int32_t> pixels, uint8_t* out);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_RICE_H_
