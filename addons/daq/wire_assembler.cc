// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_assembler.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "addons/daq/crc32c.h"

namespace summit::daq {
namespace {

constexpr uint64_t kMsNs = 1000000;
// Half a period is the rule; below this a sender that was merely scheduled away would look like a loss.
constexpr uint64_t kLeastWaitNs = 20 * kMsNs;
constexpr uint64_t kMostWaitNs = 1000 * kMsNs;
// Before two stamps have been seen the period is not known: readout of a large ROI takes about this long.
constexpr uint64_t kReadoutNs = 100 * kMsNs;
constexpr size_t kQueueFrames = 1024;  // more than one datagram can close: 225 sensors x 4, and two events

}  // namespace

SummitFrame WireFrameOf(const WireHeader& header, uint64_t t_ns) {
  SummitFrame frame{};
  frame.struct_size = sizeof(SummitFrame);
  frame.abi_version = SUMMIT_ABI_VERSION;
  frame.event_type = header.event_type;
  frame.event_status = header.event_status;
  frame.daq_state = header.daq_state;
  frame.location = header.location;
  frame.pixel_type = header.pixel_type;
  frame.sequence = header.sequence;
  frame.stamp = header.stamp;
  if ((header.flags & kWireSimulated) != 0) frame.flags |= SUMMIT_FRAME_SIMULATED;
  if ((header.flags & kWireSplitRoi) != 0) frame.flags |= SUMMIT_FRAME_SPLIT_ROI;
  if ((header.flags & kWireOneBased) != 0) frame.flags |= SUMMIT_FRAME_ONE_BASED;
  frame.t_src_tai_ns = header.time_tai_ns;
  frame.t_first_ns = t_ns;
  frame.t_last_ns = t_ns;
  frame.rows = header.rows;
  frame.cols = header.cols;
  frame.segment = header.segment;
  frame.start_row = header.start_row;
  frame.start_col = header.start_col;
  frame.integration_ms = header.integration_ms;
  frame.over_rows = header.over_rows;
  frame.under_cols = header.under_cols;
  frame.over_cols = header.over_cols;
  frame.stamps_sent = UINT64_MAX;
  frame.session = header.session;
  return frame;
}

WireAssembler::WireAssembler(const SummitHost& host, uint64_t link_timeout_ns, uint64_t now_ns)
    : host_(host),
      link_timeout_ns_(link_timeout_ns),
      sensors_(std::make_unique<std::array<Sensor, kLocations>>()),
      last_traffic_ns_(now_ns),
      queue_(kQueueFrames) {
  for (Sensor& sensor : *sensors_) {
    for (Assembly& assembly : sensor.open) assembly.fragments.Reserve(host.slot_bytes);
    sensor.copy.fragments.Reserve(host.slot_bytes);
    sensor.bad.fragments.Reserve(host.slot_bytes);
  }
}

WireAssembler::~WireAssembler() { Abandon(); }

void WireAssembler::OnDatagram(std::span<const uint8_t> datagram, uint64_t t_ns) {
  counters_.packets.Add();
  counters_.bytes.Add(datagram.size());
  WireHeader header;
  switch (ParseWireHeader(datagram, &header)) {
    case WireVerdict::kBadMagic: return counters_.bad_magic.Add();
    case WireVerdict::kBadVersion: return counters_.bad_version.Add();
    case WireVerdict::kBadHeader: return counters_.bad_header.Add();
    case WireVerdict::kGood: break;
  }
  SawTraffic(t_ns);
  OnSession(header.session);
  CountPacket(header.packet);
  const std::span<const uint8_t> payload = datagram.subspan(header.header_bytes);
  if (header.event_type == SUMMIT_EVENT_STAMP) {
    OnStamp(header, payload, t_ns);
  } else {
    OnEvent(header, payload, t_ns);
  }
}

void WireAssembler::OnSession(uint64_t session) {
  if (session == session_) return;
  const bool restarted = session_ != 0;
  session_ = session;
  if (!restarted) return;
  counters_.source_restarts.Add();
  packets_.Restart();
  for (Sensor& sensor : *sensors_) {
    CloseBefore(&sensor, UINT64_MAX);
    RestartSeries(&sensor, 0);
    sensor.in_series = false;
    sensor.start_time = 0;
    sensor.event_time.fill(0);
  }
}

void WireAssembler::CountPacket(uint32_t packet) {
  const uint64_t index = packets_.Unwrap(packet);
  if (!packets_.started()) {
    packets_.Mark(index);
  } else if (index > packets_.newest()) {
    counters_.packets_lost.Add(index - packets_.newest() - 1);
    packets_.Mark(index);
  } else if (!packets_.TooOld(index) && !packets_.Seen(index)) {
    // It was counted as lost when a later one overtook it (or came before we listened).
    if (counters_.packets_lost.Get() > 0) counters_.packets_lost.Take();
    packets_.Mark(index);
  }
}

bool WireAssembler::EnterSeries(Sensor* sensor, uint16_t sequence) {
  if (sensor->in_series && sequence == sensor->sequence) return true;
  if (sensor->in_series && static_cast<uint16_t>(sequence - sensor->sequence) >= 0x8000) return false;
  CloseBefore(sensor, UINT64_MAX);
  RestartSeries(sensor, sequence);
  return true;
}

void WireAssembler::RestartSeries(Sensor* sensor, uint16_t sequence) {
  sensor->in_series = true;
  sensor->sequence = sequence;
  sensor->start_known = false;
  sensor->first_ns = 0;
  sensor->period_ns = 0;
  sensor->window.Restart();
  sensor->geometry.Forget();
  sensor->copy.open = false;
  sensor->bad.open = false;
}

void WireAssembler::OnStamp(const WireHeader& header, std::span<const uint8_t> payload, uint64_t t_ns) {
  if (header.location >= kLocations) return counters_.unknown_sensor.Add();
  Sensor* sensor = &(*sensors_)[header.location];
  if (!EnterSeries(sensor, header.sequence)) return counters_.late_packets.Add();

  const SummitFrame frame = WireFrameOf(header, t_ns);
  const uint64_t expected = GeometryBytes(frame);
  if (expected == 0 || expected != header.total_bytes || expected > host_.slot_bytes || sensor->geometry.Contradicts(frame)) {
    return OnBad(sensor, header, frame);
  }
  const uint64_t index = sensor->window.Unwrap(header.stamp);
  for (Assembly& assembly : sensor->open) {
    if (assembly.open && assembly.index == index) return Add(sensor, &assembly, header, payload, t_ns);
  }
  if (sensor->window.TooOld(index) || sensor->window.Damaged(index)) return counters_.late_packets.Add();
  if (sensor->window.Seen(index)) return OnCopy(sensor, index, header, frame);
  Add(sensor, Begin(sensor, index, header, frame), header, payload, t_ns);
}

void WireAssembler::OnBad(Sensor* sensor, const WireHeader& header, const SummitFrame& frame) {
  Shadow& bad = sensor->bad;
  const bool same = bad.open && bad.index == header.stamp && bad.total == header.total_bytes &&
                    bad.fragments.Look(header) != WireFragments::Answer::kRepeat;
  if (!same) {
    bad.open = true;
    bad.index = header.stamp;
    bad.total = header.total_bytes;
    bad.fragments.Begin(header.total_bytes);
    SummitFrame refused = frame;
    refused.flags |= header.total_bytes > host_.slot_bytes ? SUMMIT_FRAME_MAX : SUMMIT_FRAME_LEN;
    refused.bytes = header.total_bytes;
    Push(refused);
  }
  if (bad.fragments.Look(header) == WireFragments::Answer::kNew) bad.fragments.Take(header);
  if (bad.fragments.complete()) bad.open = false;
}

void WireAssembler::OnCopy(Sensor* sensor, uint64_t index, const WireHeader& header, const SummitFrame& frame) {
  counters_.duplicate_packets.Add();
  Shadow& copy = sensor->copy;
  if (!copy.open || copy.index != index || copy.total != header.total_bytes) {
    copy.open = true;
    copy.index = index;
    copy.total = header.total_bytes;
    copy.fragments.Begin(header.total_bytes);
  }
  if (copy.fragments.Look(header) != WireFragments::Answer::kNew) return;
  copy.fragments.Take(header);
  if (!copy.fragments.complete()) return;
  copy.open = false;
  SummitFrame repeated = frame;
  repeated.flags |= SUMMIT_FRAME_DUPLICATE;
  repeated.bytes = header.total_bytes;
  Push(repeated);
}

WireAssembler::Assembly* WireAssembler::Begin(Sensor* sensor, uint64_t index, const WireHeader& header,
                                              const SummitFrame& frame) {
  const uint64_t t_ns = frame.t_first_ns;
  if (!sensor->window.started() || index > sensor->window.newest()) {
    // A packet of the next stamp ends the wait for the older ones.
    CloseBefore(sensor, index);
    if (sensor->first_ns != 0 && t_ns > sensor->first_ns) {
      sensor->period_ns = (t_ns - sensor->first_ns) / (index - sensor->window.newest());
    }
    sensor->first_ns = t_ns;
    sensor->window.Advance(index);
  }
  Assembly* chosen = nullptr;
  for (Assembly& assembly : sensor->open) {
    if (!assembly.open) {
      chosen = &assembly;
      break;
    }
    if (chosen == nullptr || assembly.index < chosen->index) chosen = &assembly;
  }
  if (chosen->open) CloseIncomplete(sensor, chosen, 0);

  const uint64_t unmeasured = header.integration_ms * kMsNs + kReadoutNs;
  const uint64_t period = sensor->period_ns != 0 ? sensor->period_ns : unmeasured;
  chosen->open = true;
  chosen->index = index;
  chosen->deadline = t_ns + std::clamp(period / 2, kLeastWaitNs, kMostWaitNs);
  chosen->frame = frame;
  chosen->fragments.Begin(header.total_bytes);
  void* memory = nullptr;
  chosen->frame.token = host_.acquire(host_.context, header.total_bytes, &memory);
  chosen->memory = static_cast<uint8_t*>(memory);
  ++open_count_;
  next_deadline_ = std::min(next_deadline_, chosen->deadline);
  return chosen;
}

bool WireAssembler::GoodPayload(const WireHeader& header, std::span<const uint8_t> payload, uint32_t* flags) {
  if (payload.size() < header.fragment_bytes) {
    *flags |= SUMMIT_FRAME_TRUNCATED;
  } else if (header.fragment_bytes == 0 || Crc32c(payload.data(), header.fragment_bytes) == header.payload_crc32c) {
    return true;
  } else {
    *flags |= SUMMIT_FRAME_CRC;
  }
  counters_.bad_payload.Add();
  return false;
}

void WireAssembler::Add(Sensor* sensor, Assembly* assembly, const WireHeader& header, std::span<const uint8_t> payload,
                        uint64_t t_ns) {
  switch (assembly->fragments.Look(header)) {
    case WireFragments::Answer::kRepeat: return counters_.duplicate_packets.Add();
    case WireFragments::Answer::kContradiction: return counters_.bad_payload.Add();
    case WireFragments::Answer::kNew: break;
  }
  if (!GoodPayload(header, payload, &assembly->frame.flags)) return;
  if (assembly->memory != nullptr) {
    std::memcpy(assembly->memory + header.fragment_offset, payload.data(), header.fragment_bytes);
  }
  assembly->fragments.Take(header);
  assembly->frame.t_last_ns = t_ns;
  if (header.fragment_bytes == header.total_bytes) assembly->frame.crc32c = header.payload_crc32c;
  if (assembly->fragments.complete()) Finish(sensor, assembly);
}

void WireAssembler::Finish(Sensor* sensor, Assembly* assembly) {
  // A fragment that failed and was sent again is whole: what happened before no longer matters.
  assembly->frame.flags &= ~static_cast<uint32_t>(SUMMIT_FRAME_CRC | SUMMIT_FRAME_TRUNCATED);
  assembly->frame.bytes = static_cast<uint32_t>(GeometryBytes(assembly->frame));
  assembly->frame.data = assembly->memory;
  sensor->window.Mark(assembly->index);
  Push(assembly->frame);
  Closed(assembly);
}

void WireAssembler::CloseIncomplete(Sensor* sensor, Assembly* assembly, uint32_t flags) {
  SummitFrame& frame = assembly->frame;
  frame.missing = assembly->fragments.missing();
  frame.flags |= flags;
  if (frame.token != 0) {
    host_.cancel(host_.context, frame.token);
    frame.token = 0;
    frame.flags |= SUMMIT_FRAME_INCOMPLETE;
  }
  sensor->window.Mark(assembly->index, true);
  Push(frame);
  Closed(assembly);
}

void WireAssembler::Closed(Assembly* assembly) {
  assembly->open = false;
  assembly->memory = nullptr;
  if (--open_count_ == 0) next_deadline_ = UINT64_MAX;
}

void WireAssembler::CloseBefore(Sensor* sensor, uint64_t index) {
  // In the order of the stamps, so that what is delivered is too.
  for (;;) {
    Assembly* oldest = nullptr;
    for (Assembly& assembly : sensor->open) {
      if (assembly.open && assembly.index < index && (oldest == nullptr || assembly.index < oldest->index)) oldest = &assembly;
    }
    if (oldest == nullptr) return;
    CloseIncomplete(sensor, oldest, 0);
  }
}

void WireAssembler::OnIdle(uint64_t now_ns) {
  if (link_timeout_ns_ != 0 && !link_told_ && now_ns >= last_traffic_ns_ + link_timeout_ns_) {
    link_told_ = true;
    link_up_ = false;
    counters_.link_up.Set(0);
    counters_.link_downs.Add();
    char text[96];
    std::snprintf(text, sizeof(text), "nothing from the DAQ for %llu ms, not even STATUS",
                  static_cast<unsigned long long>((now_ns - last_traffic_ns_) / kMsNs));
    LinkEvent(SUMMIT_EVENT_LINK_DOWN, text, now_ns);
  }
  if (now_ns < next_deadline_) return;
  next_deadline_ = UINT64_MAX;
  for (Sensor& sensor : *sensors_) {
    for (Assembly& assembly : sensor.open) {
      if (assembly.open && assembly.deadline <= now_ns) CloseIncomplete(&sensor, &assembly, SUMMIT_FRAME_LATE);
      if (assembly.open) next_deadline_ = std::min(next_deadline_, assembly.deadline);
    }
  }
}

uint64_t WireAssembler::NextDeadline() const {
  const uint64_t silence = link_timeout_ns_ == 0 || link_told_ ? UINT64_MAX : last_traffic_ns_ + link_timeout_ns_;
  return std::min(next_deadline_, silence);
}

void WireAssembler::Push(const SummitFrame& frame) {
  queue_[(queue_head_ + queue_size_) % kQueueFrames] = frame;
  ++queue_size_;
}

bool WireAssembler::Pop(SummitFrame* frame) {
  if (queue_size_ == 0) return false;
  *frame = queue_[queue_head_];
  queue_head_ = (queue_head_ + 1) % kQueueFrames;
  --queue_size_;
  return true;
}

void WireAssembler::Abandon() {
  for (Sensor& sensor : *sensors_) {
    for (Assembly& assembly : sensor.open) {
      if (!assembly.open) continue;
      if (assembly.frame.token != 0) host_.cancel(host_.context, assembly.frame.token);
      Closed(&assembly);
    }
  }
  SummitFrame frame;
  while (Pop(&frame)) {
    if (frame.token != 0) host_.cancel(host_.context, frame.token);
    events_.Release(frame.data);
  }
}

}  // namespace summit::daq
