// SPDX-License-Identifier: Apache-2.0
// CRC32C (Castagnoli, reflected polynomial 0x82F63B78), as the wire format asks for.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_SIM_CRC32C_H_
#define SUMMIT_SIM_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace summit::sim {

uint32_t Crc32c(const void* data, size_t bytes);

}  // namespace summit::sim

#endif  // SUMMIT_SIM_CRC32C_H_
