// SPDX-License-Identifier: Apache-2.0
// What happens when JavaScript is slower than the DAQ: the last quarter of the ring is kept for events, and
// beyond it the newest result of each sensor waits in a place of its own, where a newer one replaces it.
// Thread: the link thread; counters anywhere.
// Owns: the waiting records, and through them their leases.
#ifndef SUMMIT_DAQ_OUTBOX_H_
#define SUMMIT_DAQ_OUTBOX_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/leases.h"
#include "addons/daq/record_ring.h"

namespace summit::daq {

class Outbox {
 public:
  Outbox(RecordRing* ring, Leases* leases, size_t sensors)
      : ring_(*ring), leases_(*leases), reserve_(ring->capacity() / 4), waiting_(sensors) {}

  // `superseded` is the sensor's counter of complete stamps whose result gave way.
  void PutStamp(size_t sensor, const Record& record, Counter* superseded);
  // Never gives way. `droppable`: may be left out when room is short (STATUS, 4 a second).
  void PutEvent(const Record& record, bool droppable);
  // Moves what waits into the ring as far as there is room.
  void Flush();
  // Has anything gone into the ring since the last call?
  bool TakeNews() { return std::exchange(news_, false); }

  uint64_t events_lost() const { return events_lost_.Get(); }

 private:
  struct Waiting {
    bool full = false;
    Record record;
  };
  bool Room() const { return ring_.Free() > reserve_; }

  RecordRing& ring_;
  Leases& leases_;
  const uint32_t reserve_;
  std::vector<Waiting> waiting_;
  size_t waiting_count_ = 0;
  bool news_ = false;
  Counter events_lost_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_OUTBOX_H_
