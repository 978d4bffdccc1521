// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/sensor_account.h"

#include <algorithm>

namespace summit::daq {

bool SeriesClock::OnSession(uint64_t session) {
  if (session == 0 || session == session_) return false;
  const bool restarted = session_ != 0;
  session_ = session;
  if (restarted) {
    ++epoch_;
    started_ = false;
    watched_from_ = UINT64_MAX;
  }
  return restarted;
}

uint64_t SeriesClock::Unwrap(uint16_t sequence) const {
  if (!started_) return (epoch_ << 16) + sequence;
  const auto ahead = static_cast<uint16_t>(sequence - newest_);
  if (ahead < 0x8000) return newest_ + ahead;
  const uint64_t behind = 0x10000u - ahead;
  return newest_ >= behind ? newest_ - behind : newest_ + ahead;
}

void SeriesClock::Enter(uint64_t series) {
  if (started_ && series <= newest_) return;
  if (started_) watched_from_ = std::min(watched_from_, series);
  started_ = true;
  newest_ = series;
  epoch_ = series >> 16;
}

void SeriesClock::SawStart(uint64_t series) { watched_from_ = std::min(watched_from_, series); }

void SeriesClock::SawIdle() { watched_from_ = std::min(watched_from_, started_ ? newest_ + 1 : epoch_ << 16); }

void SeriesClock::CountAnew() {
  ++epoch_;
  started_ = false;
  watched_from_ = epoch_ << 16;
}

void SensorAccount::Restart() {
  EndUntold();
  in_series_ = false;
  start_src_ns_ = 0;
  last_src_ns_ = 0;
  geometry_.Forget();
  marks_ = {};
}

// PAUSE, STOP and STATUS were lost, or did not tell. What the source had spoken of is lost by now; whether there was more is
// not known, and that is what is counted.
void SensorAccount::EndUntold() {
  if (!in_series_ || settled_) return;
  counters_.unsettled.Add();
  if (!have_begin_ || told_ <= next_) return;
  counters_.lost.Add(told_ - next_);
  counters_.err_miss_end.Add(told_ - next_);
}

void SensorAccount::BeginSeries(uint64_t series, bool from_start, bool one_based) {
  EndUntold();
  in_series_ = true;
  series_ = series;
  from_start_ = from_start;
  base_ = one_based ? 1 : 0;
  have_begin_ = from_start;
  begin_ = next_ = base_;
  told_ = 0;
  settled_ = false;
  any_stamp_ = false;
  last_src_ns_ = 0;
  start_src_ns_ = 0;
  window_.Restart();
  geometry_.Forget();
}

Verdict SensorAccount::OnStamp(SummitFrame* frame, SeriesClock* clock) {
  counters_.seen.Add();
  const uint64_t series = clock->Unwrap(frame->sequence);
  if (!in_series_ || series > series_) {
    clock->Enter(series);
    BeginSeries(series, clock->Watched(series), (frame->flags & SUMMIT_FRAME_ONE_BASED) != 0);
  }
  frame->series = series;
  const bool wrong_size = (frame->flags & (SUMMIT_FRAME_LEN | SUMMIT_FRAME_MAX)) != 0 || geometry_.Contradicts(*frame);
  frame->stamp_index = window_.Unwrap(frame->stamp, told_ == 0 ? 0 : told_ - 1);
  // A stamp of a series that is over: its number says nothing in this one.
  if (wrong_size || series < series_ || window_.TooOld(frame->stamp_index)) {
    counters_.bad.Add();
    if (wrong_size) counters_.err_size.Add();
    return Verdict::kBad;
  }
  if ((frame->flags & SUMMIT_FRAME_DUPLICATE) != 0 || window_.Seen(frame->stamp_index)) {
    frame->flags |= SUMMIT_FRAME_DUPLICATE;
    counters_.duplicate.Add();
    return Verdict::kDuplicate;
  }
  Claim(frame);
  if ((frame->flags & SUMMIT_FRAME_INCOMPLETE) != 0) {
    counters_.incomplete.Add();
    counters_.err_xfer.Add();
    return Verdict::kIncomplete;
  }
  if (frame->token == 0) {
    counters_.dropped.Add();
    return Verdict::kDropped;
  }
  counters_.complete.Add();
  return Verdict::kComplete;
}

void SensorAccount::Claim(SummitFrame* frame) {
  const uint64_t index = frame->stamp_index;
  if (!have_begin_) {
    have_begin_ = true;
    begin_ = next_ = index;
  }
  CheckTime(frame, index >= next_);
  if (index >= next_) {
    settled_ = false;
    const uint64_t gap = index - next_;
    if (gap != 0) {
      counters_.lost.Add(gap);
      if (!any_stamp_) counters_.err_miss_beg.Add(gap);
      frame->gap = static_cast<uint32_t>(std::min<uint64_t>(gap, UINT32_MAX));
      frame->flags |= SUMMIT_FRAME_GAP_BEFORE;
    }
    next_ = index + 1;
  } else {
    // It had been counted as lost, or it lies before the first stamp a late joiner saw.
    if (index >= begin_) {
      counters_.lost.Take();
    } else {
      counters_.lost.Add(begin_ - index - 1);
      begin_ = index;
    }
    counters_.reordered.Add();
    frame->flags |= SUMMIT_FRAME_REORDERED;
  }
  if (!any_stamp_ && from_start_) frame->flags |= SUMMIT_FRAME_FIRST;
  any_stamp_ = true;
  window_.Mark(index);
}

void SensorAccount::CheckTime(SummitFrame* frame, bool newer) {
  const uint64_t time = frame->t_src_tai_ns;
  if (time == 0 || (newer && time <= last_src_ns_)) frame->flags |= SUMMIT_FRAME_TIME_SUSPECT;
  if (newer && time > last_src_ns_) last_src_ns_ = time;
}

bool SensorAccount::IsCopy(const SummitFrame& frame, uint64_t series) {
  EventMark& mark = marks_[frame.event_type];
  if (frame.t_src_tai_ns != 0 && mark.series == series && mark.time == frame.t_src_tai_ns && mark.sent == frame.stamps_sent) {
    return true;
  }
  mark = EventMark{series, frame.t_src_tai_ns, frame.stamps_sent};
  return false;
}

bool SensorAccount::OnEvent(SummitFrame* frame, SeriesClock* clock) {
  if (frame->event_type == SUMMIT_EVENT_START) return OnStart(frame, clock);
  const uint64_t series = clock->Unwrap(frame->sequence);
  frame->series = series;
  if (in_series_ && series < series_) return false;
  if (!in_series_ || series > series_) {
    clock->Enter(series);
    BeginSeries(series, clock->Watched(series), (frame->flags & SUMMIT_FRAME_ONE_BASED) != 0);
  }
  if (IsCopy(*frame, series)) return false;
  if (frame->event_type == SUMMIT_EVENT_RESUME) settled_ = false;
  const bool closing = frame->event_type == SUMMIT_EVENT_PAUSE || frame->event_type == SUMMIT_EVENT_STOP;
  if (closing && frame->stamps_sent != UINT64_MAX) frame->gap = Settle(frame->stamps_sent);
  return true;
}

bool SensorAccount::OnStart(SummitFrame* frame, SeriesClock* clock) {
  const uint64_t time = frame->t_src_tai_ns;
  uint64_t series = clock->Unwrap(frame->sequence);
  if (in_series_ && series <= series_ && start_src_ns_ != 0 && time > start_src_ns_) {
    clock->CountAnew();
    series = clock->Unwrap(frame->sequence);
  }
  frame->series = series;
  if (in_series_ && series < series_) return false;
  const bool known = in_series_ && series == series_;
  if (known && start_src_ns_ != 0) return false;
  clock->Enter(series);
  clock->SawStart(series);
  if (!known) {
    BeginSeries(series, true, (frame->flags & SUMMIT_FRAME_ONE_BASED) != 0);
  } else if (!have_begin_) {
    have_begin_ = true;
    begin_ = next_ = base_;
  } else if (begin_ > base_) {
    // Its stamps overtook it: what lies before the first of them counts after all.
    counters_.lost.Add(begin_ - base_);
    counters_.err_miss_beg.Add(begin_ - base_);
    begin_ = base_;
  }
  from_start_ = true;
  start_src_ns_ = time != 0 ? time : 1;
  geometry_.Learn(*frame);
  return true;
}

void SensorAccount::OnStatus(uint16_t sequence, uint64_t sent, bool settled, bool one_based, SeriesClock* clock) {
  const uint64_t series = clock->Unwrap(sequence);
  if (in_series_ && series < series_) return;
  if (!in_series_ || series > series_) {
    clock->Enter(series);
    BeginSeries(series, clock->Watched(series) || sent == 0, one_based);
  }
  if (settled) {
    Settle(sent);
  } else if (sent > 0) {
    Align(sent);
    told_ = std::max(told_, base_ + sent);
  }
}

uint32_t SensorAccount::Settle(uint64_t sent) {
  Align(sent);
  const uint64_t end = base_ + sent;
  settled_ = true;
  if (!have_begin_) {
    have_begin_ = true;
    begin_ = next_ = end;
  }
  if (end <= next_) return 0;
  const uint64_t missing = end - next_;
  counters_.lost.Add(missing);
  counters_.err_miss_end.Add(missing);
  next_ = end;
  window_.Advance(end - 1);
  return static_cast<uint32_t>(std::min<uint64_t>(missing, UINT32_MAX));
}

void SensorAccount::Align(uint64_t sent) {
  // A late joiner unwrapped from what it saw first; the source's own count says how often it had wrapped.
  if (from_start_ || !have_begin_) return;
  const uint64_t end = base_ + sent;
  if (end < next_ + StampWindow::kModulus / 2) return;
  const uint64_t turns = (end - next_ + StampWindow::kModulus / 2) / StampWindow::kModulus;
  window_.AddTurns(turns);
  begin_ += turns * StampWindow::kModulus;
  next_ += turns * StampWindow::kModulus;
}

}  // namespace summit::daq
