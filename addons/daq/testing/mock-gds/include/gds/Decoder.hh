// SPDX-License-Identifier: Apache-2.0
// Part of the stand-in for the DAQ SDK: the receiving side.
// Thread: callbacks in the thread that is inside wait(). Owns: its link to the simulated DAQ.
#ifndef SUMMIT_MOCK_GDS_DECODER_HH_
#define SUMMIT_MOCK_GDS_DECODER_HH_

#include <gds/Records.hh>

#include <atomic>
#include <memory>

namespace GDS {

struct Message;
struct Wire;

class Subscriber {
 public:
  class Stats {
   public:
    unsigned stamps = 0;
    unsigned err_xfer = 0;
    unsigned err_size = 0;
    unsigned err_miss_beg = 0;
    unsigned err_miss_end = 0;
  };

  Subscriber(const char* partition, const LocationSet& locations);
  virtual ~Subscriber();
  virtual void wait();
  void abort() { abort_ = true; }
  const Stats& stats(const Location& location) const { return stats_[location.index()]; }

 private:
  virtual void start(const StateMetadata&, const SeriesMetadata&) {}
  virtual void resume(const StateMetadata&) {}
  virtual void pause(const StateMetadata&) {}
  virtual void stop(const StateMetadata&) {}
  virtual void raw_stamp(const StateMetadata&, const RawStamp&) {}
  virtual uint8_t* room(unsigned bytes) = 0;
  virtual void decoded(const StateMetadata&) = 0;
  void Deliver(const Message& message);

  std::unique_ptr<Wire> wire_;
  std::atomic<bool> abort_{false};
  Stats stats_[256];
};

class Decoder : public Subscriber {
 public:
  Decoder(const char* partition, const LocationSet& locations) : Subscriber(partition, locations) {}

 private:
  virtual void stamp(const StateMetadata&, const Stamp&) {}
  virtual uint8_t* allocate(unsigned size) = 0;
  uint8_t* room(unsigned bytes) override { return allocate(bytes); }
  void decoded(const StateMetadata& state) override { stamp(state, Stamp()); }
};

}  // namespace GDS

#endif  // SUMMIT_MOCK_GDS_DECODER_HH_
