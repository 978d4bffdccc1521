// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/datadev_assembler.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "addons/daq/crc32c.h"
#include "addons/daq/datadev_card.h"
#include "addons/daq/frame_geometry.h"
#include "addons/daq/wire_assembler.h"

namespace summit::daq {
namespace {

// A card hands over the pieces of a frame within microseconds of each other.
constexpr uint64_t kWaitNs = 250000000;
constexpr uint64_t kMsNs = 1000000;
constexpr uint32_t kCutFlags = SUMMIT_FRAME_FIFO | SUMMIT_FRAME_BUS | SUMMIT_FRAME_LEN | SUMMIT_FRAME_MAX | SUMMIT_FRAME_TRUNCATED | SUMMIT_FRAME_CRC;

uint32_t FrameFlagsOf(uint32_t flags, uint32_t error) {
  uint32_t of = 0;
  if ((error & kCardErrorFifo) != 0) of |= SUMMIT_FRAME_FIFO;
  if ((error & kCardErrorLength) != 0) of |= SUMMIT_FRAME_LEN;
  if ((error & kCardErrorMax) != 0) of |= SUMMIT_FRAME_MAX;
  if ((error & kCardErrorBus) != 0) of |= SUMMIT_FRAME_BUS;
  if ((flags & kCardTimedOut) != 0) of |= SUMMIT_FRAME_TRUNCATED;
  return of;
}

}  // namespace

DmaAssembler::DmaAssembler(const SummitHost& host, std::span<const uint32_t> destinations, uint64_t link_timeout_ns, uint64_t now_ns)
    : host_(host), link_timeout_ns_(link_timeout_ns), lane_of_(kCardDestinations), lanes_(destinations.size()), last_traffic_ns_(now_ns),
      queue_(destinations.size() + 8) {
  for (size_t i = 0; i < destinations.size(); ++i) lane_of_[destinations[i]] = static_cast<uint16_t>(i + 1);
}

DmaAssembler::~DmaAssembler() {
  for (Lane& lane : lanes_) {
    if (lane.open && lane.frame.token != 0) host_.cancel(host_.context, lane.frame.token);
  }
  SummitFrame frame;
  while (Pop(&frame)) {
    if (frame.token != 0) host_.cancel(host_.context, frame.token);
  }
}

void DmaAssembler::CountErrors(const Piece& piece) {
  counters_.pieces.Add();
  counters_.bytes.Add(piece.bytes.size());
  if ((piece.flags & kCardContinues) != 0) counters_.continued.Add();
  if ((piece.flags & kCardTimedOut) != 0) counters_.timed_out.Add();
  if (piece.error == 0) return;
  if ((piece.error & kCardErrorFifo) != 0) counters_.error_fifo.Add();
  if ((piece.error & kCardErrorLength) != 0) counters_.error_length.Add();
  if ((piece.error & kCardErrorMax) != 0) counters_.error_max.Add();
  if ((piece.error & kCardErrorBus) != 0) counters_.error_bus.Add();
}

void DmaAssembler::OnPiece(const Piece& piece, uint64_t t_ns) {
  CountErrors(piece);
  const uint16_t place = piece.destination < kCardDestinations ? lane_of_[piece.destination] : uint16_t{0};
  if (place == 0) return counters_.unclaimed.Add();
  Lane* lane = &lanes_[place - 1u];
  const bool last = (piece.flags & kCardContinues) == 0;
  std::span<const uint8_t> bytes = piece.bytes;
  WireHeader header;
  WireVerdict verdict = WireVerdict::kBadMagic;
  // Pixels do not look like a header with a right checksum: such a piece is the next message, and the rest of the one
  // under way was lost.
  if (!piece.lost) verdict = ParseWireMessage(bytes, &header);
  if (verdict == WireVerdict::kGood) {
    if (lane->open) Cut(lane, 0, t_ns);
    lane->skipping = false;
    SawTraffic(t_ns);
    OnSession(header.session);
    Begin(lane, header, t_ns);
    bytes = bytes.subspan(header.header_bytes);
  } else if (!lane->open) {
    if (!lane->skipping) CountVerdict(verdict);
    lane->skipping = !last;
    if (last) counters_.frames.Add();
    return;
  }

  lane->frame.flags |= FrameFlagsOf(piece.flags, piece.error);
  if (piece.lost) lane->frame.flags |= SUMMIT_FRAME_TRUNCATED;
  const uint64_t fits = lane->got < lane->room ? std::min<uint64_t>(bytes.size(), lane->room - lane->got) : 0;
  if (fits > 0) std::memcpy(lane->memory + lane->got, bytes.data(), fits);
  lane->got += bytes.size();
  if (last) Finish(lane, t_ns);
}

bool DmaAssembler::CountVerdict(WireVerdict verdict) {
  switch (verdict) {
    case WireVerdict::kBadMagic: counters_.bad_magic.Add(); break;
    case WireVerdict::kBadVersion: counters_.bad_version.Add(); break;
    case WireVerdict::kBadHeader: counters_.bad_header.Add(); break;
    case WireVerdict::kGood: return true;
  }
  return false;
}

void DmaAssembler::OnSession(uint64_t session) {
  if (session == session_) return;
  if (session_ != 0) counters_.source_restarts.Add();
  session_ = session;
}

void DmaAssembler::Begin(Lane* lane, const WireHeader& header, uint64_t t_ns) {
  lane->open = true;
  lane->header = header;
  lane->frame = WireFrameOf(header, t_ns);
  lane->got = 0;
  lane->deadline = t_ns + kWaitNs;
  lane->memory = lane->event.data();
  lane->room = lane->event.size();
  if (header.event_type != SUMMIT_EVENT_STAMP) return;
  const uint64_t expected = GeometryBytes(lane->frame);
  lane->memory = nullptr;
  lane->room = 0;
  if (expected == 0 || expected != header.total_bytes) {
    lane->frame.flags |= SUMMIT_FRAME_LEN;
  } else if (expected > host_.slot_bytes) {
    lane->frame.flags |= SUMMIT_FRAME_MAX;
  } else {
    void* memory = nullptr;
    lane->frame.token = host_.acquire(host_.context, expected, &memory);
    lane->memory = static_cast<uint8_t*>(memory);
    lane->room = lane->frame.token != 0 ? expected : 0;
  }
}

// Its last piece never came.
void DmaAssembler::Cut(Lane* lane, uint32_t flags, uint64_t t_ns) {
  counters_.broken.Add();
  lane->frame.flags |= flags | SUMMIT_FRAME_TRUNCATED;
  Finish(lane, t_ns);
}

void DmaAssembler::Finish(Lane* lane, uint64_t t_ns) {
  counters_.frames.Add();
  lane->open = false;
  lane->frame.t_last_ns = t_ns;
  if (lane->header.event_type == SUMMIT_EVENT_STAMP) FinishStamp(lane);
  else FinishEvent(lane);
}

void DmaAssembler::FinishStamp(Lane* lane) {
  SummitFrame& frame = lane->frame;
  const uint64_t total = lane->header.total_bytes;
  if (lane->got > total) frame.flags |= SUMMIT_FRAME_LEN;
  if (lane->got < total) frame.flags |= SUMMIT_FRAME_TRUNCATED;
  const bool whole = (frame.flags & kCutFlags) == 0;
  if (whole && frame.token != 0 && Crc32c(lane->memory, total) != lane->header.payload_crc32c) frame.flags |= SUMMIT_FRAME_CRC;
  frame.crc32c = lane->header.payload_crc32c;
  frame.bytes = static_cast<uint32_t>(total);
  if ((frame.flags & (SUMMIT_FRAME_CRC | SUMMIT_FRAME_TRUNCATED)) != 0) counters_.bad_payload.Add();
  if (frame.location >= kLocations) counters_.unknown_sensor.Add();
  if ((frame.flags & kCutFlags) != 0 || frame.location >= kLocations) {
    frame.flags |= SUMMIT_FRAME_INCOMPLETE;
    frame.missing = static_cast<uint32_t>(total - std::min(lane->got, total));
    if (frame.token != 0) host_.cancel(host_.context, frame.token);
    frame.token = 0;
  }
  if (frame.location >= kLocations) return;
  frame.data = frame.token != 0 ? lane->memory : nullptr;
  Push(frame);
}

// Events are small; of one that is damaged only the header speaks.
void DmaAssembler::FinishEvent(Lane* lane) {
  SummitFrame& frame = lane->frame;
  if (frame.event_type > SUMMIT_EVENT_RESET) counters_.unknown_event.Add();
  if (frame.event_type >= SUMMIT_EVENT_LINK_UP) return;
  if (frame.location >= kLocations && frame.location != kWholeLink) return counters_.unknown_sensor.Add();
  const uint32_t total = lane->header.total_bytes;
  const bool whole = (frame.flags & kCutFlags) == 0 && lane->got == total && total <= lane->event.size();
  if (whole && Crc32c(lane->event.data(), total) == lane->header.payload_crc32c) {
    frame.data = events_.Keep({lane->event.data(), total});
    frame.bytes = frame.data != nullptr ? total : 0;
  } else if (total > 0) {
    counters_.bad_payload.Add();
  }
  const bool closing = frame.event_type == SUMMIT_EVENT_PAUSE || frame.event_type == SUMMIT_EVENT_STOP;
  if (closing && frame.bytes >= sizeof(uint64_t)) std::memcpy(&frame.stamps_sent, frame.data, sizeof(uint64_t));
  Push(frame);
}

void DmaAssembler::SawTraffic(uint64_t t_ns) {
  if (!link_up_) {
    link_up_ = true;
    link_told_ = false;
    counters_.link_up.Set(1);
    counters_.link_ups.Add();
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "the DAQ is heard after %.3f s of silence",
                  static_cast<double>(t_ns > last_traffic_ns_ ? t_ns - last_traffic_ns_ : 0) * 1e-9);
    LinkEvent(SUMMIT_EVENT_LINK_UP, text.data(), t_ns);
  }
  if (t_ns > last_traffic_ns_) last_traffic_ns_ = t_ns;
}

void DmaAssembler::OnDown(std::string_view reason, uint64_t t_ns) {
  for (Lane& lane : lanes_) {
    if (lane.open) Cut(&lane, SUMMIT_FRAME_LATE, t_ns);
    lane.skipping = false;
  }
  if (link_told_) return;
  link_told_ = true;
  link_up_ = false;
  counters_.link_up.Set(0);
  counters_.link_downs.Add();
  LinkEvent(SUMMIT_EVENT_LINK_DOWN, reason, t_ns);
}

void DmaAssembler::OnIdle(uint64_t now_ns) {
  if (link_timeout_ns_ != 0 && !link_told_ && now_ns >= last_traffic_ns_ + link_timeout_ns_) {
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "nothing from the DAQ for %llu ms, not even STATUS",
                  static_cast<unsigned long long>((now_ns - last_traffic_ns_) / kMsNs));
    return OnDown(text.data(), now_ns);
  }
  for (Lane& lane : lanes_) {
    if (lane.open && lane.deadline <= now_ns) Cut(&lane, SUMMIT_FRAME_LATE, now_ns);
  }
}

uint64_t DmaAssembler::NextDeadline() const {
  uint64_t next = link_timeout_ns_ == 0 || link_told_ ? UINT64_MAX : last_traffic_ns_ + link_timeout_ns_;
  for (const Lane& lane : lanes_) {
    if (lane.open) next = std::min(next, lane.deadline);
  }
  return next;
}

void DmaAssembler::LinkEvent(uint8_t type, std::string_view text, uint64_t t_ns) {
  WireHeader header;
  header.event_type = type;
  header.location = kWholeLink;
  header.session = session_;
  SummitFrame frame = WireFrameOf(header, t_ns);
  frame.data = events_.Keep({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  frame.bytes = frame.data != nullptr ? static_cast<uint32_t>(text.size()) : 0;
  Push(frame);
}

void DmaAssembler::Push(const SummitFrame& frame) {
  queue_[(queue_head_ + queue_size_) % queue_.size()] = frame;
  ++queue_size_;
}

bool DmaAssembler::Pop(SummitFrame* frame) {
  if (queue_size_ == 0) return false;
  *frame = queue_[queue_head_];
  queue_head_ = (queue_head_ + 1) % queue_.size();
  --queue_size_;
  return true;
}

}  // namespace summit::daq
