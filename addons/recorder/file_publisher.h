// SPDX-License-Identifier: Apache-2.0
// Brings finished guider files to the disk on a thread of its own, so that a slow fsync delays no stamp of the next
// exposure: sidecar, then file, each synced and renamed; then the report.
// Thread: Add and Pending by the recorder's thread; Stop by its owner; Run is the thread.
// Owns: the files it was given, until they are durable.
#ifndef SUMMIT_RECORDER_FILE_PUBLISHER_H_
#define SUMMIT_RECORDER_FILE_PUBLISHER_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "addons/fits/guider_file_writer.h"
#include "addons/recorder/file_report.h"

namespace summit::recorder {

class FilePublisher {
 public:
  // `done` is called on the publishing thread once per report.
  explicit FilePublisher(std::function<void(FileReport)> done) : done_(std::move(done)) {}

  // `file` was finished; nullptr: there is only the report to pass on, in its order.
  void Add(std::unique_ptr<fits::GuiderFileWriter> file, FileReport report);
  // A file of this name is on its way to the disk.
  bool Pending(const std::string& path);
  // Works until End was called and everything is done.
  void Run();
  void End();

 private:
  struct Job {
    std::unique_ptr<fits::GuiderFileWriter> file;
    FileReport report;
  };
  static void Publish(Job* job);

  const std::function<void(FileReport)> done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::set<std::string> pending_;
  bool ending_ = false;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_FILE_PUBLISHER_H_
