// SPDX-License-Identifier: Apache-2.0
// The bytes of one HDU, made in memory without CFITSIO's files: its memory driver fails on data that are not written in
// order.
// Thread: any.
// Owns: nothing outside the call.
#ifndef SUMMIT_FITS_HDU_BYTES_H_
#define SUMMIT_FITS_HDU_BYTES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "addons/fits/guider_cards.h"

namespace summit::fits {

// One 80-character card: fixed format for names of up to eight letters, else HIERARCH, with blanks for dots.
std::string CardText(const GuiderCard& card);

// Header and data, each padded to whole blocks, with CHECKSUM and DATASUM of their own. `head` comes before CHECKSUM,
// `tail` after it; cards without a value are left out.
std::vector<uint8_t> MakeHdu(std::span<const GuiderCard> head, std::span<const GuiderCard> tail, std::span<const uint8_t> data);

// RICE_1 of int32, a row to a tile, as the data of a binary table: one descriptor a row, then the heap.
struct CompressedRows {
  std::vector<uint8_t> data;
  uint64_t heap_bytes = 0;
  uint64_t longest = 0;  // bytes of a row
};
CompressedRows CompressRows(std::span<const int32_t> pixels, uint32_t cols);

// The text of a card in a header's bytes, without quotes and blanks around it; "" when it is not there.
std::string TextInHeader(std::span<const uint8_t> header, std::string_view name);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_HDU_BYTES_H_
