// SPDX-License-Identifier: Apache-2.0
// Puts the pieces of DMA frames together, one message a frame, each in one pool slot; books what the card says of them.
// Thread: the link thread only, except that the counters may be read anywhere.
// Owns: open frames (their slots until delivered), event payloads until Release, the queue of frames.
#ifndef SUMMIT_DAQ_DATADEV_ASSEMBLER_H_
#define SUMMIT_DAQ_DATADEV_ASSEMBLER_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/daq/event_store.h"
#include "addons/daq/wire_format.h"

namespace summit::daq {

struct DmaCounters {
  Counter pieces;
  Counter bytes;
  Counter frames;         // frames that ended, good or not
  Counter continued;      // pieces that were not their frame's last
  Counter broken;         // frames whose end never came: the next message cut in, or too long a wait
  Counter error_fifo;     // pieces with these bits
  Counter error_length;
  Counter error_max;
  Counter error_bus;
  Counter timed_out;
  Counter unclaimed;      // pieces for a destination that is not ours
  Counter bad_magic;
  Counter bad_version;
  Counter bad_header;
  Counter bad_payload;
  Counter unknown_event;
  Counter unknown_sensor;
  Counter link_up;
  Counter link_ups;
  Counter link_downs;
  Counter source_restarts;
};

class DmaAssembler {
 public:
  // `host` must outlive the assembler. link_timeout_ns: silence that means the link is down; 0: never.
  DmaAssembler(const SummitHost& host, std::span<const uint32_t> destinations, uint64_t link_timeout_ns, uint64_t now_ns);
  ~DmaAssembler();
  DmaAssembler(const DmaAssembler&) = delete;
  DmaAssembler& operator=(const DmaAssembler&) = delete;

  struct Piece {
    uint32_t destination = 0;
    uint32_t flags = 0;  // CardRecord::flags, ::error
    uint32_t error = 0;
    bool lost = false;   // the card could not hand its bytes over
    std::span<const uint8_t> bytes{};
  };
  // One buffer that was taken at t_ns (CLOCK_MONOTONIC). Take all frames by Pop before the next one.
  void OnPiece(const Piece& piece, uint64_t t_ns);
  // Closes what has waited too long, and says that nothing is heard.
  void OnIdle(uint64_t now_ns);
  uint64_t NextDeadline() const;
  // The link is down for this reason: what is under way will not become whole.
  void OnDown(std::string_view reason, uint64_t t_ns);

  bool Pop(SummitFrame* frame);
  void Release(const SummitFrame& frame) { events_.Release(frame.data); }

  const DmaCounters& counters() const { return counters_; }

 private:
  static constexpr size_t kEventBytes = EventStore::kPayloadBytes;

  // One destination: its pieces come in order, one frame after the other.
  struct Lane {
    bool open = false;
    bool skipping = false;      // the rest of a frame whose header nobody could read
    uint8_t* memory = nullptr;  // where the payload goes; null: only counted
    uint64_t room = 0;
    uint64_t got = 0;
    uint64_t deadline = 0;
    WireHeader header{};
    SummitFrame frame{};
    std::array<uint8_t, kEventBytes> event{};
  };

  void CountErrors(const Piece& piece);
  void Begin(Lane* lane, const WireHeader& header, uint64_t t_ns);
  void Finish(Lane* lane, uint64_t t_ns);
  void FinishStamp(Lane* lane);
  void FinishEvent(Lane* lane);
  void Cut(Lane* lane, uint32_t flags, uint64_t t_ns);
  bool CountVerdict(WireVerdict verdict);
  void OnSession(uint64_t session);
  void SawTraffic(uint64_t t_ns);
  void LinkEvent(uint8_t type, std::string_view text, uint64_t t_ns);
  void Push(const SummitFrame& frame);

  const SummitHost& host_;
  const uint64_t link_timeout_ns_;
  std::vector<uint16_t> lane_of_;  // by destination: place in lanes_ + 1, 0 = not ours
  std::vector<Lane> lanes_;
  uint64_t session_ = 0;
  uint64_t last_traffic_ns_;
  bool link_up_ = false;
  bool link_told_ = false;  // LINK_DOWN went out for this silence
  EventStore events_;
  std::vector<SummitFrame> queue_;
  size_t queue_head_ = 0;
  size_t queue_size_ = 0;
  DmaCounters counters_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_DATADEV_ASSEMBLER_H_
