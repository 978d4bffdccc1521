// SPDX-License-Identifier: Apache-2.0
// A stand-in for the DAQ SDK, of our own writing: class and member names and packed sizes are those of the published
// facts, nothing else is. Records.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_MOCK_GDS_RECORDS_HH_
#define SUMMIT_MOCK_GDS_RECORDS_HH_

#include <stdint.h>

#include <set>

namespace GDS {

class Location {
 public:
  Location() = default;
  Location(uint8_t bay, uint8_t board, uint8_t sensor) : index_(static_cast<uint8_t>(bay * 9 + board * 3 + sensor)) {}
  unsigned index() const { return index_; }

 private:
  uint8_t index_ = 0xFF;
};

class LocationSet {
 public:
  void insert(const Location& location) { indices_.insert(location.index()); }
  const std::set<unsigned>& indices() const { return indices_; }  // of the mock

 private:
  std::set<unsigned> indices_;
};

// The bytes are the mock's to fill; a user of the SDK sees classes without public fields.
template <unsigned kBytes>
class __attribute__((__packed__)) PackedRecord {
 public:
  char bytes_[kBytes] = {};
};

class StateMetadata : public PackedRecord<46> {};
class SeriesMetadata : public PackedRecord<183> {};
class RoiCommon : public PackedRecord<16> {};
class RoiLocation : public PackedRecord<8> {};
class ClearParameters : public PackedRecord<24> {};
class RawStamp {};
class Stamp {};
class Series {};

class Status {
 public:
  int32_t status() const { return status_; }
  uint16_t sequence() const { return sequence_; }

  int32_t status_ = 0;  // of the mock
  uint16_t sequence_ = 0;
};

}  // namespace GDS

#endif  // SUMMIT_MOCK_GDS_RECORDS_HH_
