// SPDX-License-Identifier: Apache-2.0
// CRC32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where there is one.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_DAQ_CRC32C_H_
#define SUMMIT_DAQ_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace summit::daq {

uint32_t Crc32c(const void* data, size_t bytes);

// The same by tables only: what machines without the instruction use, and the yardstick of the test.
uint32_t Crc32cByTable(const void* data, size_t bytes);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_CRC32C_H_
