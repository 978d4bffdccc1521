// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/file_publisher.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "addons/daq/clock.h"
#include "addons/fits/durable_file.h"
#include "addons/recorder/sha256.h"

namespace summit::recorder {

void FilePublisher::Add(std::unique_ptr<fits::GuiderFileWriter> file, FileReport report) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (file != nullptr) pending_.insert(file->path());
  jobs_.push_back({std::move(file), std::move(report)});
  changed_.notify_one();
}

bool FilePublisher::Pending(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return pending_.contains(path);
}

void FilePublisher::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ending_ = true;
  changed_.notify_one();
}

void FilePublisher::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const std::string path = job.file != nullptr ? job.file->path() : std::string();
    if (job.file != nullptr) Publish(&job);
    job.file.reset();
    done_(std::move(job.report));
    lock.lock();
    pending_.erase(path);
  }
}

void FilePublisher::Publish(Job* job) {
  FileReport& report = job->report;
  fits::GuiderFileWriter& file = *job->file;
  const std::string sidecar = file.path().substr(0, file.path().rfind('.')) + ".json";
  bool good = fits::WriteDurably(sidecar, fits::SidecarJson(file.cards()), &report.problem);
  if (good) {
    good = file.Publish(fits::GuiderFileWriter::IfThere::kRefuse, &report.problem);
    if (!good) unlink(sidecar.c_str());
  }
  if (good) {
    report.durable_ns = daq::MonotonicNs();
    report.path = file.path();
    report.sidecar = sidecar;
    report.sha256 = Sha256OfFile(report.path, &report.bytes);
    if (report.sha256.empty()) report.problem = report.path + ": cannot be read back: " + std::strerror(errno);
    return;
  }
  report.unpublished = report.stamps;
  report.failed += report.stamps;
  report.stamps = 0;
}

}  // namespace summit::recorder
