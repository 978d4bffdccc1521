// SPDX-License-Identifier: Apache-2.0
// A stand-in for the DAQ SDK's image store, of our own writing: class and member names are those that public users of the SDK
// call, nothing else is.
// Thread: as declared by each user; the store's under its mutex. Owns: the mock's connection to the simulated image store.
#ifndef SUMMIT_MOCK_IMS_RECORDS_HH_
#define SUMMIT_MOCK_IMS_RECORDS_HH_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace DAQ {

class Location {
 public:
  explicit Location(uint8_t index) : index_(index) {}
  uint8_t bay() const { return static_cast<uint8_t>(index_ / 4); }
  uint8_t board() const { return static_cast<uint8_t>(index_ % 4); }
  uint8_t index() const { return index_; }

 private:
  uint8_t index_;
};

class LocationSet {
 public:
  static constexpr unsigned SIZE = 104;
  bool has(uint8_t index) const { return indices_.count(index) != 0; }
  void insert(uint8_t index) { indices_.insert(index); }

 private:
  std::set<uint8_t> indices_;
};

}  // namespace DAQ

namespace IMS {

struct Shelf;
struct Entry;

class Id {
 public:
  explicit Id(uint64_t value) : value_(value) {}
  uint64_t value() const { return value_; }

 private:
  uint64_t value_;
};

class Store {
 public:
  explicit Store(const char* partition);
  ~Store();
  Store(const Store&) = delete;
  Shelf& shelf() { return *shelf_; }  // of the mock

 private:
  std::unique_ptr<Shelf> shelf_;
};

class Stream {
 public:
  Stream(Store&, unsigned) {}
};

class ImageMetadata {
 public:
  const char* name() const { return name_.c_str(); }
  const char* folder() const { return folder_.c_str(); }
  const char* annotation() const { return annotation_.c_str(); }
  uint64_t timestamp() const { return timestamp_; }
  const DAQ::LocationSet& elements() const { return elements_; }

  std::string name_, folder_, annotation_;  // of the mock, as all that follows
  uint64_t timestamp_ = 0;
  DAQ::LocationSet elements_;
};

class Image {
 public:
  // Waits for the next one.
  Image(Store&, Stream&, unsigned microseconds);
  bool operator!() const { return entry_ == nullptr; }
  int error() const { return entry_ == nullptr ? 1 : 0; }
  Id id() const;
  const ImageMetadata& metadata() const;

 private:
  std::shared_ptr<const Entry> entry_;
};

class Source {
 public:
  Source(const Id&, const DAQ::Location&, Store&);
  bool operator!() const { return bytes_ == nullptr; }
  int error() const { return bytes_ == nullptr ? 1 : 0; }
  // 0: not all of it is written.
  uint64_t size() const { return bytes_ == nullptr ? 0 : bytes_->size(); }
  // 0: done.
  int read(char* into, unsigned length, uint64_t offset);

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace IMS

#endif  // SUMMIT_MOCK_IMS_RECORDS_HH_
