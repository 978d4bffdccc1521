// SPDX-License-Identifier: Apache-2.0
// The book of every stamp: unwraps numbers, finds gaps and copies, and keeps the conservation law per sensor.
//
//   seen = complete + incomplete + bad + duplicate + dropped
//   sent = complete + incomplete + dropped + lost      (a bad frame's stamp shows up in lost)
//
// Thread: OnStamp and OnEvent on the link thread; counters may be read anywhere.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_SENSOR_ACCOUNT_H_
#define SUMMIT_DAQ_SENSOR_ACCOUNT_H_

#include <array>
#include <cstdint>

#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/daq/frame_geometry.h"
#include "addons/daq/sequence_window.h"

namespace summit::daq {

struct SensorCounters {
  Counter seen;
  Counter complete;
  Counter incomplete;
  Counter bad;
  Counter duplicate;
  Counter dropped;
  Counter lost;
  Counter refused;     // complete, but the kernel found the pixels unusable
  Counter superseded;  // complete, result overtaken by a newer one in the ring
  Counter reordered;
  Counter err_xfer;     // the DAQ's own names: transfer, size, missing at the beginning and end of a series
  Counter err_size;
  Counter err_miss_beg;
  Counter err_miss_end;
  Counter unsettled;  // series that ended without anybody having told how many stamps they had
};

enum class Verdict : uint8_t { kComplete, kIncomplete, kBad, kDuplicate, kDropped };

// The series of a link: one number for all its sensors, unwrapped so that it never repeats, not even when the
// DAQ restarts and counts from the beginning again.
class SeriesClock {
 public:
  // Called with every frame; true when the source restarted (its session changed).
  bool OnSession(uint64_t session);
  uint64_t Unwrap(uint16_t sequence) const;
  // A frame of this series came. A series that follows one we know began while we were listening.
  void Enter(uint64_t series);
  // A START was seen: what other sensors send of this series counts from its beginning, with or without theirs.
  void SawStart(uint64_t series);
  // The source was seen idle: whatever series comes next begins under our eyes.
  void SawIdle();
  // A START with an older number but a newer time: the source counts anew.
  void CountAnew();
  bool Watched(uint64_t series) const { return series >= watched_from_; }

 private:
  uint64_t session_ = 0;
  uint64_t epoch_ = 0;  // upper 48 bits of a series number; grows at a wrap and at a restart
  bool started_ = false;
  uint64_t newest_ = 0;
  uint64_t watched_from_ = UINT64_MAX;
};

class SensorAccount {
 public:
  // Fills series, stamp_index, gap and flags of the frame and books it.
  Verdict OnStamp(SummitFrame* frame, SeriesClock* clock);

  // START, RESUME, PAUSE, STOP of this sensor: fills series and gap. False: a copy of one already handled, or
  // one of a series that is over.
  bool OnEvent(SummitFrame* frame, SeriesClock* clock);

  // What a STATUS entry says of this sensor. `settled`: no stamp is under way (it is not RUNNING).
  void OnStatus(uint16_t sequence, uint64_t sent, bool settled, bool one_based, SeriesClock* clock);

  // The source restarted: nothing known of before holds. Counters stay.
  void Restart();

  uint64_t series() const { return series_; }  // of the newest stamp or event
  const SensorCounters& counters() const { return counters_; }
  SensorCounters& counters() { return counters_; }

 private:
  // Tells copies of an event from new ones.
  struct EventMark {
    uint64_t series = UINT64_MAX;
    uint64_t time = 0;
    uint64_t sent = 0;
  };

  void BeginSeries(uint64_t series, bool from_start, bool one_based);
  void EndUntold();
  bool OnStart(SummitFrame* frame, SeriesClock* clock);
  uint32_t Settle(uint64_t sent);
  void Align(uint64_t sent);
  void Claim(SummitFrame* frame);
  void CheckTime(SummitFrame* frame, bool newer);
  bool IsCopy(const SummitFrame& frame, uint64_t series);

  bool in_series_ = false;
  bool from_start_ = false;  // losses before the first received stamp count
  bool have_begin_ = false;  // begin_ and next_ are valid
  bool any_stamp_ = false;
  uint64_t series_ = 0;
  uint64_t base_ = 0;   // number of the first stamp of a series: 0 or 1
  uint64_t begin_ = 0;  // first stamp the account answers for
  uint64_t next_ = 0;   // one past the last stamp the account answers for
  uint64_t told_ = 0;   // one past the newest stamp the source spoke of; 0: it did not speak of any
  bool settled_ = false;  // the source's last word was how many there are
  uint64_t last_src_ns_ = 0;
  uint64_t start_src_ns_ = 0;
  StampWindow window_;
  SeriesGeometry geometry_;
  std::array<EventMark, 5> marks_{};  // by event type, START..RESUME
  SensorCounters counters_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_SENSOR_ACCOUNT_H_
