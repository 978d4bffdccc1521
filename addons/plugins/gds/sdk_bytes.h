// SPDX-License-Identifier: Apache-2.0
// The SDK's packed records, read and written as the bytes they are: no accessor's name is needed, only the layout.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_PLUGINS_GDS_SDK_BYTES_H_
#define SUMMIT_PLUGINS_GDS_SDK_BYTES_H_

#include <cstdint>
#include <cstring>

#include "addons/daq/driver.h"
#include <gds/Client.hh>
#include <gds/Decoder.hh>

namespace summit::gds {

inline constexpr unsigned kLocations = 225;  // bays 25 x boards 3 x sensors 3

static_assert(sizeof(GDS::StateMetadata) == 46, "another SDK: StateMetadata is expected to have 46 packed bytes");
static_assert(sizeof(GDS::SeriesMetadata) == sizeof(SummitSeriesMetadata), "another SDK: SeriesMetadata is expected to have 183 packed bytes");
static_assert(sizeof(GDS::RoiCommon) == sizeof(SummitRoiCommon), "another SDK: RoiCommon is expected to have 16 packed bytes");
static_assert(sizeof(GDS::RoiLocation) == sizeof(SummitRoiLocation), "another SDK: RoiLocation is expected to have 8 packed bytes");
static_assert(sizeof(GDS::ClearParameters) == 24, "another SDK: ClearParameters is expected to have 24 packed bytes");

struct State {
  uint8_t type = 0;
  uint8_t status = 0;
  uint16_t sequence = 0;
  uint16_t stamp = 0;
  uint64_t tai_ns = 0;
  uint8_t location = 0;
  char comment[32] = "";  // ends with a NUL
};

template <class Sdk>
const char* BytesOf(const Sdk& object) {
  return reinterpret_cast<const char*>(&object);
}

inline State Read(const GDS::StateMetadata& metadata) {
  const char* bytes = BytesOf(metadata);
  State state;
  const auto get = [bytes](size_t offset, auto* field) { std::memcpy(field, bytes + offset, sizeof(*field)); };
  get(0, &state.type);
  get(1, &state.status);
  get(2, &state.sequence);
  get(4, &state.stamp);
  get(6, &state.tai_ns);
  get(14, &state.location);
  std::memcpy(state.comment, bytes + 15, sizeof(state.comment) - 1);
  return state;
}

// One of the SDK's records with the bytes of ours.
template <class Sdk, class Ours>
void Write(const Ours& ours, Sdk* object) {
  static_assert(sizeof(Ours) == sizeof(Sdk));
  std::memcpy(static_cast<void*>(object), &ours, sizeof(Ours));
}

template <class Ours, class Sdk>
Ours ReadAs(const Sdk& object) {
  static_assert(sizeof(Ours) == sizeof(Sdk));
  Ours ours;
  std::memcpy(&ours, BytesOf(object), sizeof(Ours));
  return ours;
}

}  // namespace summit::gds

#endif  // SUMMIT_PLUGINS_GDS_SDK_BYTES_H_
