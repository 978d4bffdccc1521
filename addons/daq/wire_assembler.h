// SPDX-License-Identifier: Apache-2.0
// Puts the wire's fragments together into frames, each in one pool slot, and closes what stays incomplete.
// Thread: the link thread only, except that the counters may be read anywhere.
// Owns: open assemblies (their slots until delivered), event payloads until Release, the queue of frames.
#ifndef SUMMIT_DAQ_WIRE_ASSEMBLER_H_
#define SUMMIT_DAQ_WIRE_ASSEMBLER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "addons/daq/counter.h"
#include "addons/daq/driver.h"
#include "addons/daq/event_store.h"
#include "addons/daq/frame_geometry.h"
#include "addons/daq/sequence_window.h"
#include "addons/daq/wire_format.h"
#include "addons/daq/wire_fragments.h"

namespace summit::daq {

// The assembler's part of SummitLinkStats.
struct WireCounters {
  Counter packets;
  Counter bytes;
  Counter bad_magic;
  Counter bad_version;
  Counter bad_header;
  Counter bad_payload;
  Counter unknown_event;
  Counter unknown_sensor;
  Counter duplicate_packets;
  Counter late_packets;
  Counter packets_lost;
  Counter link_up;
  Counter link_downs;
  Counter link_ups;
  Counter source_restarts;
};

// The descriptor of a message by its header: no payload, no slot, both packet times t_ns.
SummitFrame WireFrameOf(const WireHeader& header, uint64_t t_ns);

class WireAssembler {
 public:
  // `host` must outlive the assembler. link_timeout_ns: silence that means the link is down.
  WireAssembler(const SummitHost& host, uint64_t link_timeout_ns, uint64_t now_ns);
  ~WireAssembler();
  WireAssembler(const WireAssembler&) = delete;
  WireAssembler& operator=(const WireAssembler&) = delete;

  // One datagram that arrived at t_ns (CLOCK_MONOTONIC). Take all frames by Pop before the next one.
  void OnDatagram(std::span<const uint8_t> datagram, uint64_t t_ns);
  // Closes what has waited too long. Call only when the socket is empty: a packet that waits in the socket
  // behind a busy reader is not late.
  void OnIdle(uint64_t now_ns);
  // CLOCK_MONOTONIC of the next thing OnIdle would do.
  uint64_t NextDeadline() const;

  bool Pop(SummitFrame* frame);
  void Release(const SummitFrame& frame) { events_.Release(frame.data); }
  // Closes every open frame without delivering it: its slot goes back.
  void Abandon();

  const WireCounters& counters() const { return counters_; }

 private:
  static constexpr size_t kOpenPerSensor = 4;      // stamps of one sensor under way at once

  struct Assembly {
    bool open = false;
    uint8_t* memory = nullptr;  // null: no slot was free, only counted
    uint64_t index = 0;
    uint64_t deadline = 0;
    SummitFrame frame{};
    WireFragments fragments;
  };

  // A further copy of a stamp that was complete already, or a message that is bad: fragments are only counted.
  struct Shadow {
    bool open = false;
    uint64_t index = 0;
    uint32_t total = 0;
    WireFragments fragments;
  };

  struct Sensor {
    bool in_series = false;
    uint16_t sequence = 0;
    bool start_known = false;             // START of this series came
    uint64_t start_time = 0;              // source time of the last START
    uint64_t first_ns = 0;                // first packet of the newest stamp
    uint64_t period_ns = 0;               // measured between stamps; 0 = not yet
    StampWindow window;
    SeriesGeometry geometry;
    std::array<uint64_t, 5> event_time{};  // by event type: tells copies
    std::array<Assembly, kOpenPerSensor> open;
    Shadow copy;
    Shadow bad;
  };

  void OnSession(uint64_t session);
  void CountPacket(uint32_t packet);
  void SawTraffic(uint64_t t_ns);
  void OnStamp(const WireHeader& header, std::span<const uint8_t> payload, uint64_t t_ns);
  void OnBad(Sensor* sensor, const WireHeader& header, const SummitFrame& frame);
  void OnCopy(Sensor* sensor, uint64_t index, const WireHeader& header, const SummitFrame& frame);
  Assembly* Begin(Sensor* sensor, uint64_t index, const WireHeader& header, const SummitFrame& frame);
  void Add(Sensor* sensor, Assembly* assembly, const WireHeader& header, std::span<const uint8_t> payload, uint64_t t_ns);

  // Events: wire_events.cc.
  void OnEvent(const WireHeader& header, std::span<const uint8_t> payload, uint64_t t_ns);
  void OnStart(Sensor* sensor, const WireHeader& header, const SummitFrame& frame);
  void OnPauseOrStop(Sensor* sensor, const WireHeader& header, uint64_t sent);
  void OnStatus(const WireHeader& header, std::span<const uint8_t> payload);
  void LinkEvent(uint8_t type, const char* text, uint64_t t_ns);

  // False: the series is over.
  bool EnterSeries(Sensor* sensor, uint16_t sequence);
  void RestartSeries(Sensor* sensor, uint16_t sequence);
  bool GoodPayload(const WireHeader& header, std::span<const uint8_t> payload, uint32_t* flags);
  void Finish(Sensor* sensor, Assembly* assembly);
  void CloseIncomplete(Sensor* sensor, Assembly* assembly, uint32_t flags);
  void CloseBefore(Sensor* sensor, uint64_t index);
  void Closed(Assembly* assembly);
  void Push(const SummitFrame& frame);

  const SummitHost& host_;
  const uint64_t link_timeout_ns_;
  std::unique_ptr<std::array<Sensor, kLocations>> sensors_;
  uint32_t open_count_ = 0;
  uint64_t next_deadline_ = UINT64_MAX;  // of the open frames; may be early, never late
  uint64_t session_ = 0;
  PacketWindow packets_;
  uint64_t last_traffic_ns_;
  bool link_up_ = false;
  bool link_told_ = false;  // LINK_DOWN went out for this silence
  EventStore events_;
  std::vector<SummitFrame> queue_;  // ring, room for what one datagram can close
  size_t queue_head_ = 0;
  size_t queue_size_ = 0;
  WireCounters counters_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_ASSEMBLER_H_
