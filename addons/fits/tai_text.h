// SPDX-License-Identifier: Apache-2.0
// ISO 8601 text of a TAI time to and from whole nanoseconds since 1970-01-01T00:00:00 TAI, by integers only.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_FITS_TAI_TEXT_H_
#define SUMMIT_FITS_TAI_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace summit::fits {

// "2024-09-18T13:51:28.526": up to nine digits of fraction, years 1970 to 2199. TAI has no second 60.
std::optional<uint64_t> ParseTai(std::string_view text);

// Three digits of fraction when the time is whole milliseconds, nine otherwise.
std::string FormatTai(uint64_t tai_ns);

// Modified Julian Date; a double resolves about a microsecond.
double TaiMjd(uint64_t tai_ns);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_TAI_TEXT_H_
