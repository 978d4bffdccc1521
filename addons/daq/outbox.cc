// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/outbox.h"

namespace summit::daq {
namespace {

bool HasResult(const Record& record) {
  return record.outcome == static_cast<uint8_t>(Outcome::kMeasured) || record.outcome == static_cast<uint8_t>(Outcome::kRefused);
}

}  // namespace

void Outbox::PutStamp(size_t sensor, const Record& record, Counter* superseded) {
  Flush();
  Waiting& waiting = waiting_[sensor];
  if (!waiting.full && Room()) {
    ring_.Push(record);
    news_ = true;
    return;
  }
  const Record older = waiting.record;
  const bool replaced = waiting.full;
  if (!replaced) ++waiting_count_;
  waiting.full = true;
  waiting.record = record;
  if (!replaced) return;
  if (older.lease != 0) leases_.Release(older.lease);
  // Losses told by the older record are told by this one, so that no gap is hidden.
  waiting.record.frame.gap += older.frame.gap;
  waiting.record.frame.flags |= older.frame.flags & (SUMMIT_FRAME_GAP_BEFORE | SUMMIT_FRAME_FIRST);
  waiting.record.superseded += older.superseded;
  if (HasResult(older)) {
    waiting.record.superseded += 1;
    superseded->Add();
  } else {
    // It had no numbers, and nobody hears of it by itself any more.
    waiting.record.frame.gap += 1;
    waiting.record.frame.flags |= SUMMIT_FRAME_GAP_BEFORE;
  }
}

void Outbox::PutEvent(const Record& record, bool droppable) {
  Flush();
  if (droppable && !Room()) return;
  // What happened before the event goes out before it, into the reserve if need be.
  for (Waiting& waiting : waiting_) {
    if (!waiting.full || !ring_.Push(waiting.record)) continue;
    waiting.full = false;
    --waiting_count_;
  }
  if (ring_.Push(record)) {
    news_ = true;
  } else {
    events_lost_.Add();
  }
}

void Outbox::Flush() {
  if (waiting_count_ == 0) return;
  for (Waiting& waiting : waiting_) {
    if (!waiting.full) continue;
    if (!Room()) return;
    ring_.Push(waiting.record);
    waiting.full = false;
    --waiting_count_;
    news_ = true;
  }
}

}  // namespace summit::daq
