// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/exposure_book.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "addons/daq/frame_geometry.h"
#include "addons/recorder/detector_name.h"

namespace summit::recorder {
namespace {

std::string Trimmed(const uint8_t* text, size_t bytes) {
  std::string out(reinterpret_cast<const char*>(text), strnlen(reinterpret_cast<const char*>(text), bytes));
  const size_t from = out.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) return {};
  return out.substr(from, out.find_last_not_of(" \t\r\n") - from + 1);
}

uint64_t Base(const SummitFrame& frame) { return (frame.flags & SUMMIT_FRAME_ONE_BASED) != 0 ? 1 : 0; }

}  // namespace

std::string ExposureBook::SeriesId(const Sensor& sensor) {
  if (sensor.metadata) {
    std::string id(sensor.metadata->id, strnlen(sensor.metadata->id, sizeof(sensor.metadata->id)));
    if (!id.empty()) return id;
  }
  return std::string("series-").append(std::to_string(sensor.series));
}

std::string ExposureBook::Obsid(const Sensor& sensor) { return sensor.comment.empty() ? SeriesId(sensor) : sensor.comment; }

void ExposureBook::Take(const FrameQueue::Entry& entry) {
  Sensor* sensor = &sensors_[entry.frame.location];
  if (entry.after_loss) {
    // What was said meanwhile is not known: the exposure may be another one.
    Close(entry.frame.location, sensor, {entry.before, entry.left_out_before}, "lost_event", entry.frame.t_last_ns);
    sensor->comment.clear();
    sensor->resume_tai_ns = 0;
    resumed_.reset();
  }
  switch (entry.frame.event_type) {
    case SUMMIT_EVENT_START: return OnStart(sensor, entry);
    case SUMMIT_EVENT_RESUME: return OnResume(sensor, entry);
    case SUMMIT_EVENT_PAUSE:
    case SUMMIT_EVENT_STOP: return OnHalt(sensor, entry);
    case SUMMIT_EVENT_STAMP: return OnStamp(sensor, entry);
    case SUMMIT_EVENT_STATUS: return OnStatus(sensor, entry);
    default: return;
  }
}

// A frame of another series than the one so far ends it.
void ExposureBook::EnterSeries(Sensor* sensor, const FrameQueue::Entry& entry) {
  const SummitFrame& frame = entry.frame;
  if (sensor->known && sensor->series == frame.series) return;
  Close(frame.location, sensor, {entry.before, entry.left_out_before}, "series", frame.t_last_ns);
  sensor->known = true;
  sensor->stopped = false;
  sensor->series = frame.series;
  sensor->sequence = frame.sequence;
  sensor->metadata.reset();
  sensor->comment.clear();
  sensor->resume_tai_ns = sensor->halt_tai_ns = 0;
  sensor->next = sensor->newest = 0;
}

void ExposureBook::OnStart(Sensor* sensor, const FrameQueue::Entry& entry) {
  EnterSeries(sensor, entry);
  if (entry.payload_bytes < sizeof(SummitSeriesMetadata)) return;
  SummitSeriesMetadata metadata;
  std::memcpy(&metadata, entry.frame.data, sizeof(metadata));
  sensor->metadata = metadata;
}

void ExposureBook::Begin(Sensor* sensor, const Totals& at) {
  sensor->open = true;
  sensor->failing = false;
  sensor->base = at;
  sensor->outside = 0;
  sensor->failed = 0;
  sensor->problem.clear();
}

void ExposureBook::OnResume(Sensor* sensor, const FrameQueue::Entry& entry) {
  EnterSeries(sensor, entry);
  const Totals at{entry.before, entry.left_out_before};
  Close(entry.frame.location, sensor, at, "resume", entry.frame.t_last_ns);
  Begin(sensor, at);
  sensor->stopped = false;
  sensor->resume_tai_ns = entry.frame.t_src_tai_ns;
  sensor->comment = entry.payload_bytes > 0 ? Trimmed(static_cast<const uint8_t*>(entry.frame.data), entry.payload_bytes) : "";
  resumed_ = Resumed{sensor->series, sensor->comment, sensor->resume_tai_ns};
}

// An exposure whose RESUME did not come: not the one before. The DAQ resumes all sensors of a series with one comment.
void ExposureBook::LearnFromOthers(Sensor* sensor, const SummitFrame& first) const {
  const uint64_t time = first.t_src_tai_ns;
  if (time <= sensor->halt_tai_ns) return;
  const uint64_t before = sensor->resume_tai_ns;
  sensor->comment.clear();
  sensor->resume_tai_ns = 0;
  if (!resumed_ || resumed_->series != sensor->series || resumed_->tai_ns <= before || resumed_->tai_ns >= time) return;
  sensor->comment = resumed_->comment;
  sensor->resume_tai_ns = resumed_->tai_ns;
}

void ExposureBook::OnStamp(Sensor* sensor, const FrameQueue::Entry& entry) {
  EnterSeries(sensor, entry);
  const SummitFrame& frame = entry.frame;
  if (frame.stamp_index < sensor->next || (!sensor->open && sensor->stopped)) {
    ++sensor->outside;
    counters_.outside.Add();
    return;
  }
  // Without RESUME: the agent came in the middle, or the event was lost.
  if (!sensor->open) {
    LearnFromOthers(sensor, frame);
    Begin(sensor, {entry.before, entry.left_out_before});
  }
  sensor->newest = std::max(sensor->newest, frame.stamp_index + 1);
  std::string problem;
  if (!sensor->failing && sensor->file == nullptr) OpenFile(sensor, frame);
  if (!sensor->failing && !sensor->file->Append(frame, &problem)) Fail(sensor, frame.location, std::move(problem));
  if (sensor->failing) {
    ++sensor->failed;
    counters_.failed.Add();
  } else {
    counters_.recorded.Add();
  }
}

void ExposureBook::OpenFile(Sensor* sensor, const SummitFrame& first) {
  std::string problem;
  if (!ready_(&problem)) return Fail(sensor, first.location, std::move(problem));
  ExposureFacts facts{.obsid = Obsid(*sensor),
                      .partition = partition_,
                      .resume_tai_ns = sensor->resume_tai_ns,
                      .series = sensor->metadata,
                      .first = first};
  sensor->file = ExposureFile::Open(FreePath(facts.obsid, first.location), facts, &problem);
  if (sensor->file == nullptr) Fail(sensor, first.location, std::move(problem));
}

// Told at once, not when the exposure is over. The unfinished file goes: on a full disk it would stand in the way of
// the next.
void ExposureBook::Fail(Sensor* sensor, uint8_t location, std::string problem) {
  sensor->failing = true;
  sensor->problem = std::move(problem);
  FileReport report = ReportOf(*sensor, location);
  report.closed_by = "failure";
  report.problem = sensor->problem;
  publisher_.Add(nullptr, std::move(report));
  if (sensor->file == nullptr) return;
  const uint64_t lost = sensor->file->stamps();
  sensor->file.reset();
  sensor->failed += lost;
  counters_.failed.Add(lost);
  counters_.recorded.Take(lost);
}

FileReport ExposureBook::ReportOf(const Sensor& sensor, uint8_t location) {
  FileReport report;
  report.location = location;
  report.obsid = Obsid(sensor);
  report.obsid_told = !sensor.comment.empty();
  report.series_id = SeriesId(sensor);
  report.sequence = sensor.sequence;
  report.series = sensor.series;
  return report;
}

void ExposureBook::OnHalt(Sensor* sensor, const FrameQueue::Entry& entry) {
  EnterSeries(sensor, entry);
  const SummitFrame& frame = entry.frame;
  const bool stop = frame.event_type == SUMMIT_EVENT_STOP;
  if (frame.stamps_sent != UINT64_MAX) sensor->newest = std::max(sensor->newest, Base(frame) + frame.stamps_sent);
  Close(frame.location, sensor, {entry.before, entry.left_out_before}, stop ? "stop" : "pause", frame.t_last_ns);
  sensor->halt_tai_ns = frame.t_src_tai_ns;
  sensor->next = std::max(sensor->next, sensor->newest);
  sensor->stopped = sensor->stopped || stop;
}

// PAUSE or STOP was lost, and the DAQ says that the sensor is not running any more. A STATUS from before RESUME that
// came late tells nothing.
void ExposureBook::OnStatus(Sensor* sensor, const FrameQueue::Entry& entry) {
  const SummitFrame& frame = entry.frame;
  if (!sensor->open || sensor->sequence != frame.sequence || frame.t_src_tai_ns <= sensor->resume_tai_ns) return;
  Close(frame.location, sensor, {entry.before, entry.left_out_before}, "status", frame.t_last_ns);
  sensor->halt_tai_ns = frame.t_src_tai_ns;
  sensor->next = std::max(sensor->next, sensor->newest);
}

std::string ExposureBook::FreePath(const std::string& obsid, uint8_t location) {
  const DetectorName name = NameOfLocation(location);
  const std::string stem = folder_ + "/" + FileStem(obsid) + "_" + name.raft_bay + "_" + name.ccd_slot + "_guider";
  std::string path = stem + ".fits";
  std::error_code error;
  for (int number = 2; publisher_.Pending(path) || std::filesystem::exists(path, error); ++number) {
    path = std::string(stem).append(1, '-').append(std::to_string(number)).append(".fits");
  }
  return path;
}

void ExposureBook::Close(uint8_t location, Sensor* sensor, const Totals& at, const char* closed_by, uint64_t now_ns) {
  if (!sensor->open) return;
  sensor->open = false;
  FileReport report = ReportOf(*sensor, location);
  report.closed_by = closed_by;
  report.closed_ns = now_ns;
  report.complete = at.offered - sensor->base.offered - sensor->outside;
  report.left_out = at.left_out - sensor->base.left_out;
  std::unique_ptr<fits::GuiderFileWriter> writer;
  if (sensor->file != nullptr) {
    report.stamps = sensor->file->stamps();
    writer = sensor->file->Finish(report.complete, report.complete - report.stamps, closed_by, &sensor->problem);
    if (writer == nullptr) {
      Fail(sensor, location, std::move(sensor->problem));
      report.stamps = 0;
    }
    sensor->file.reset();
  }
  report.failed = sensor->failed;
  report.problem = std::exchange(sensor->problem, {});
  // An exposure without a stamp, or with one that was lost, has nothing to tell.
  if (writer == nullptr && report.complete == 0) return;
  publisher_.Add(std::move(writer), std::move(report));
}

void ExposureBook::CloseAll(const FrameQueue& queue, uint64_t now_ns) {
  for (unsigned location = 0; location < daq::kLocations; ++location) {
    const auto at = static_cast<uint8_t>(location);
    Close(at, &sensors_[at], {queue.offered(at), queue.left_out(at)}, "agent_stop", now_ns);
  }
}

}  // namespace summit::recorder
