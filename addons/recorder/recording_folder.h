// SPDX-License-Identifier: Apache-2.0
// The folder recordings go to: made where it is missing, locked against a second recorder, and cleared of what a
// crash left half done.
// Thread: one at a time.
// Owns: the lock, as long as the object lives.
#ifndef SUMMIT_RECORDER_RECORDING_FOLDER_H_
#define SUMMIT_RECORDER_RECORDING_FOLDER_H_

#include <string>
#include <string_view>
#include <vector>

namespace summit::recorder {

class RecordingFolder {
 public:
  explicit RecordingFolder(std::string path) : path_(std::move(path)) {}
  ~RecordingFolder();
  RecordingFolder(const RecordingFolder&) = delete;
  RecordingFolder& operator=(const RecordingFolder&) = delete;

  const std::string& path() const { return path_; }
  bool is_open() const { return lock_ >= 0; }
  // May be called again after a failure. False with one sentence. Temporary files of an earlier run, and sidecars
  // without their FITS file, are moved to the folder `incomplete` in it and added to `leftovers` by name.
  bool Open(std::vector<std::string>* leftovers, std::string* problem);
  // Another recorder may have it.
  void Close();

 private:
  bool Fail(const char* step, std::string* problem);
  bool SetAside(const std::string& name, std::string* problem);

  std::string path_;
  int lock_ = -1;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_RECORDING_FOLDER_H_
