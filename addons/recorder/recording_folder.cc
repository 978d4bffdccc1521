// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/recording_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>

#include "addons/fits/durable_file.h"

namespace summit::recorder {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLockName = ".summit-agent.lock";
constexpr std::string_view kIncomplete = "incomplete";
constexpr std::string_view kSidecarEnd = ".json";
constexpr std::string_view kGuider = "_guider";
// As in MC_O_20251121_000156_R44_SW0: letters, digits where the pattern has them.
constexpr std::string_view kRawStem = "AA_A_00000000_000000_A00_XXX";

bool IsTemporary(std::string_view name) {
  return name.size() > fits::kTemporaryBegin.size() + fits::kTemporaryEnd.size() && name.starts_with(fits::kTemporaryBegin) &&
         name.ends_with(fits::kTemporaryEnd);
}

bool IsRawStem(std::string_view stem) {
  if (stem.size() != kRawStem.size()) return false;
  for (size_t i = 0; i < stem.size(); i++) {
    const char c = stem[i];
    const bool letter = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    const char wanted = kRawStem[i];
    if (wanted == 'A' ? !letter : wanted == '0' ? !digit : wanted == 'X' ? !(letter || digit) : c != wanted) return false;
  }
  return true;
}

// The FITS file comes after its sidecar, so that whoever sees the one finds the other.
bool IsOrphan(const fs::path& folder, std::string_view name) {
  if (!name.ends_with(kSidecarEnd)) return false;
  const std::string_view stem = name.substr(0, name.size() - kSidecarEnd.size());
  if (stem.find(kGuider) == std::string_view::npos && !IsRawStem(stem)) return false;
  const std::string fits_name = std::string(stem) + ".fits";
  std::error_code error;
  return !fs::exists(folder / fits_name, error) && !error;
}

// Folders that several recorders of this process hold together.
struct SharedLocks {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const int>> by_folder;
};

SharedLocks& Shared() {
  static auto* locks = new SharedLocks;
  return *locks;
}

}  // namespace

bool RecordingFolder::Fail(const char* step, std::string* problem) {
  *problem = path_ + ": " + step + ": " + std::strerror(errno);
  Close();
  return false;
}

// The lock that is held is the one that is there.
bool RecordingFolder::Holds() const {
  if (!is_open()) return false;
  struct stat held {};
  struct stat there {};
  if (fstat(*lock_, &held) != 0 || stat((fs::path(path_) / kLockName).c_str(), &there) != 0) return false;
  return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

bool RecordingFolder::Open(std::vector<std::string>* leftovers, std::string* problem) {
  if (Holds()) return true;
  Close();
  if (!shared_) return LockAndClear(leftovers, problem);
  // Held until the first has cleared the folder: what the next writes there is nobody's leftover.
  const std::lock_guard<std::mutex> together(Shared().mutex);
  std::weak_ptr<const int>& held = Shared().by_folder[path_];
  lock_ = held.lock();
  if (Holds()) return cleared_ = true;
  Close();
  if (!LockAndClear(leftovers, problem)) return false;
  held = lock_;
  return true;
}

// What lies there later may be what is being written.
bool RecordingFolder::LockAndClear(std::vector<std::string>* leftovers, std::string* problem) {
  if (!Lock(problem)) return false;
  cleared_ = cleared_ || Clear(leftovers, problem);
  return cleared_;
}

bool RecordingFolder::Lock(std::string* problem) {
  std::error_code error;
  fs::create_directories(path_, error);
  errno = error.value();
  if (error) return Fail("the folder cannot be made", problem);
  const std::string lock = (fs::path(path_) / kLockName).string();
  const int descriptor = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return Fail("the folder cannot be written to", problem);
  lock_ = std::shared_ptr<const int>(new int(descriptor), [](const int* one) {
    close(*one);
    delete one;
  });
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) return Fail("the folder cannot be locked", problem);
  Fail("", problem);
  *problem = path_ + ": another agent records into this folder: give each a folder of its own";
  return false;
}

bool RecordingFolder::Clear(std::vector<std::string>* leftovers, std::string* problem) {
  std::error_code error;
  // Names first: setting aside changes what is being listed.
  std::vector<std::string> names;
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (IsTemporary(name) || IsOrphan(path_, name)) names.push_back(name);
  }
  errno = error.value();
  if (error) return Fail("the folder cannot be listed", problem);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (!SetAside(name, problem)) return false;
    leftovers->push_back(name);
  }
  return true;
}

bool RecordingFolder::SetAside(const std::string& name, std::string* problem) {
  const fs::path aside = fs::path(path_) / kIncomplete;
  std::error_code error;
  fs::create_directory(aside, error);
  errno = error.value();
  if (error) return Fail("the folder for incomplete files cannot be made", problem);
  // Without the dot in front, where people look for it.
  const std::string plain = name.substr(name.starts_with('.') ? 1 : 0);
  const std::string from = (fs::path(path_) / name).string();
  std::string to = (aside / plain).string();
  for (int number = 2; !fits::Rename(from, to, false); ++number) {
    if (errno != EEXIST) return Fail("an incomplete file cannot be set aside", problem);
    to = (aside / plain).string().append(1, '-').append(std::to_string(number));
  }
  return true;
}

}  // namespace summit::recorder
