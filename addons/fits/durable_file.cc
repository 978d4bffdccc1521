// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/durable_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace summit::fits {
namespace {

bool Sync(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  const int reason = errno;
  close(fd);
  errno = reason;
  return synced;
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool WriteAndSync(const std::string& path, std::span<const std::string_view> parts) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  bool written = true;
  for (const std::string_view part : parts) written = written && WriteAll(fd, part);
  written = written && fsync(fd) == 0;
  const int reason = errno;
  close(fd);
  errno = reason;
  return written;
}

}  // namespace

std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> count{0};
  const std::filesystem::path target(path);
  std::string name(kTemporaryBegin);
  name.append(target.filename().string()).append(1, '.').append(std::to_string(getpid())).append(1, '-');
  name.append(std::to_string(count.fetch_add(1))).append(kTemporaryEnd);
  return (target.parent_path() / name).string();
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

bool SyncFile(const std::string& path) { return Sync(path, O_RDONLY); }
bool SyncFolder(const std::string& path) { return Sync(path, O_RDONLY | O_DIRECTORY); }

bool Rename(const std::string& from, const std::string& to, bool replace) {
  if (replace) return rename(from.c_str(), to.c_str()) == 0;
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  // A file system without it: a second name fails where one is, too.
  if (link(from.c_str(), to.c_str()) != 0) return false;
  unlink(from.c_str());
  return true;
}

bool WriteDurably(const std::string& path, std::string_view text, std::string* problem) {
  return WriteDurably(path, std::span(&text, 1), true, problem);
}

bool WriteDurably(const std::string& path, std::span<const std::string_view> parts, bool replace, std::string* problem) {
  const std::string temporary = TemporaryName(path);
  const char* step = ": cannot be written: ";
  bool good = WriteAndSync(temporary, parts);
  if (good) {
    step = ": cannot be given its name: ";
    good = Rename(temporary, path, replace);
  }
  // A file whose name may be gone tomorrow is none.
  const bool is_ours = good && !replace;
  if (good) {
    step = ": the directory cannot be synced: ";
    good = SyncFolder(FolderOf(path));
  }
  if (good) return true;
  *problem = path + step + std::strerror(errno);
  unlink(temporary.c_str());
  if (is_ours) unlink(path.c_str());
  return false;
}

}  // namespace summit::fits
