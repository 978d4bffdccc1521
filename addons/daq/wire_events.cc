// SPDX-License-Identifier: Apache-2.0
// The assembler's part for messages that are not stamps, and for the link itself.
#include <cstdio>
#include <cstring>
#include <string_view>

#include "addons/daq/wire_assembler.h"

namespace summit::daq {
namespace {

constexpr size_t kStatusEntryBytes = 16;
constexpr uint8_t kLastDaqEvent = SUMMIT_EVENT_RESET;
constexpr uint8_t kFirstLinkEvent = SUMMIT_EVENT_LINK_UP;  // never taken from the wire

uint64_t Base(const WireHeader& header) { return (header.flags & kWireOneBased) != 0 ? 1 : 0; }

// One past the last stamp of a series of `sent` stamps; nothing told: everything.
uint64_t EndOf(const WireHeader& header, uint64_t sent) { return sent == UINT64_MAX ? UINT64_MAX : Base(header) + sent; }

}  // namespace

void WireAssembler::SawTraffic(uint64_t t_ns) {
  if (!link_up_) {
    link_up_ = true;
    link_told_ = false;
    counters_.link_up.Set(1);
    counters_.link_ups.Add();
    char text[96];
    std::snprintf(text, sizeof(text), "the DAQ is heard after %.3f s of silence",
                  static_cast<double>(t_ns > last_traffic_ns_ ? t_ns - last_traffic_ns_ : 0) * 1e-9);
    LinkEvent(SUMMIT_EVENT_LINK_UP, text, t_ns);
  }
  if (t_ns > last_traffic_ns_) last_traffic_ns_ = t_ns;
}

void WireAssembler::LinkEvent(uint8_t type, const char* text, uint64_t t_ns) {
  WireHeader header;
  header.event_type = type;
  header.location = kWholeLink;
  header.session = session_;
  SummitFrame frame = WireFrameOf(header, t_ns);
  const std::string_view words(text);
  frame.data = events_.Keep({reinterpret_cast<const uint8_t*>(words.data()), words.size()});
  frame.bytes = frame.data != nullptr ? static_cast<uint32_t>(words.size()) : 0;
  Push(frame);
}

void WireAssembler::OnEvent(const WireHeader& header, std::span<const uint8_t> payload, uint64_t t_ns) {
  // Events fit one datagram; of a longer one only the first fragment speaks, without payload.
  if (header.fragment_offset != 0) return counters_.bad_payload.Add();
  if (header.event_type > kLastDaqEvent) counters_.unknown_event.Add();
  if (header.event_type >= kFirstLinkEvent) return;
  if (header.location >= kLocations && header.location != kWholeLink) return counters_.unknown_sensor.Add();

  SummitFrame frame = WireFrameOf(header, t_ns);
  if (header.fragment_bytes == header.total_bytes && GoodPayload(header, payload, &frame.flags)) {
    frame.data = events_.Keep(payload.first(header.fragment_bytes));
    frame.bytes = frame.data != nullptr ? header.fragment_bytes : 0;
  }
  Sensor* sensor = header.location < kLocations ? &(*sensors_)[header.location] : nullptr;
  switch (header.event_type) {
    case SUMMIT_EVENT_START:
      if (sensor != nullptr) OnStart(sensor, header, frame);
      break;
    case SUMMIT_EVENT_PAUSE:
    case SUMMIT_EVENT_STOP:
      if (frame.bytes >= sizeof(uint64_t)) std::memcpy(&frame.stamps_sent, frame.data, sizeof(uint64_t));
      if (sensor != nullptr) OnPauseOrStop(sensor, header, frame.stamps_sent);
      break;
    case SUMMIT_EVENT_RESUME:
      // The pause is no measure of the time between stamps.
      if (sensor != nullptr && EnterSeries(sensor, header.sequence)) sensor->first_ns = 0;
      break;
    case SUMMIT_EVENT_STATUS:
      if (frame.data != nullptr) OnStatus(header, payload.first(header.fragment_bytes));
      break;
    default: break;
  }
  Push(frame);
}

void WireAssembler::OnStart(Sensor* sensor, const WireHeader& header, const SummitFrame& frame) {
  const bool same = sensor->in_series && header.sequence == sensor->sequence;
  // Copies and messages that were overtaken by a newer START change nothing.
  if (same && sensor->start_known && header.time_tai_ns == sensor->start_time) return;
  if (sensor->start_time != 0 && header.time_tai_ns < sensor->start_time) return;
  // The stamps of a series may overtake its START: then the series goes on.
  if (!same || sensor->start_known) {
    CloseBefore(sensor, UINT64_MAX);
    RestartSeries(sensor, header.sequence);
  }
  sensor->start_known = true;
  sensor->start_time = header.time_tai_ns;
  sensor->geometry.Learn(frame);
}

void WireAssembler::OnPauseOrStop(Sensor* sensor, const WireHeader& header, uint64_t sent) {
  uint64_t& last = sensor->event_time[header.event_type];
  if (header.time_tai_ns != 0 && header.time_tai_ns <= last) return;
  last = header.time_tai_ns;
  if (!EnterSeries(sensor, header.sequence)) return;
  CloseBefore(sensor, EndOf(header, sent));
  sensor->first_ns = 0;
}

void WireAssembler::OnStatus(const WireHeader& header, std::span<const uint8_t> payload) {
  for (size_t at = 0; at + kStatusEntryBytes <= payload.size(); at += kStatusEntryBytes) {
    const uint8_t* entry = payload.data() + at;
    uint16_t sequence = 0;
    uint64_t sent = 0;
    std::memcpy(&sequence, entry + 2, sizeof(sequence));
    std::memcpy(&sent, entry + 8, sizeof(sent));
    if (entry[0] >= kLocations || entry[1] == SUMMIT_STATE_RUNNING) continue;
    Sensor* sensor = &(*sensors_)[entry[0]];
    if (sensor->in_series && sensor->sequence == sequence) CloseBefore(sensor, EndOf(header, sent));
  }
}

}  // namespace summit::daq
