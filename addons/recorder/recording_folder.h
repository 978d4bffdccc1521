// SPDX-License-Identifier: Apache-2.0
// The folder recordings go to: made where it is missing, locked against a second recorder, and cleared of what a
// crash left half done.
// Thread: one at a time for each object.
// Owns: the lock, as long as the object lives; links of one process may hold it together.
#ifndef SUMMIT_RECORDER_RECORDING_FOLDER_H_
#define SUMMIT_RECORDER_RECORDING_FOLDER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace summit::recorder {

class RecordingFolder {
 public:
  // `shared`: others of this process that say so too record into the same folder.
  explicit RecordingFolder(std::string path, bool shared = false) : path_(std::move(path)), shared_(shared) {}
  RecordingFolder(const RecordingFolder&) = delete;
  RecordingFolder& operator=(const RecordingFolder&) = delete;

  const std::string& path() const { return path_; }
  bool is_open() const { return lock_ != nullptr; }
  // May be called again after a failure, and before each file: a folder that was removed, or in whose place another is
  // (a disk that was mounted), is made or taken anew. False with one sentence. The first time temporary files of an
  // earlier run, and sidecars without their FITS file, are moved to the folder `incomplete` in it and added to
  // `leftovers` by name.
  bool Open(std::vector<std::string>* leftovers, std::string* problem);
  // Another recorder may have it.
  void Close() { lock_.reset(); }

 private:
  bool Fail(const char* step, std::string* problem);
  bool Holds() const;
  bool LockAndClear(std::vector<std::string>* leftovers, std::string* problem);
  bool Lock(std::string* problem);
  bool Clear(std::vector<std::string>* leftovers, std::string* problem);
  bool SetAside(const std::string& name, std::string* problem);

  const std::string path_;
  const bool shared_;
  bool cleared_ = false;
  // Its descriptor; the last who lets go closes it.
  std::shared_ptr<const int> lock_;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_RECORDING_FOLDER_H_
