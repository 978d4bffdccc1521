// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/recording_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addons/daq/crc32c.h"

namespace summit::daq {

std::unique_ptr<RecordingFile> RecordingFile::Open(const std::string& path, std::string* problem) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    *problem = path + ": cannot be opened: " + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<RecordingFile> file(new RecordingFile(path, fd));
  struct stat status {};
  if (fstat(fd, &status) == 0) file->size_ = static_cast<uint64_t>(status.st_size);
  if (!file->ReadHeader(problem)) return nullptr;
  return file;
}

RecordingFile::~RecordingFile() { close(fd_); }

bool RecordingFile::Read(uint64_t at, void* into, uint64_t bytes) const {
  auto* to = static_cast<uint8_t*>(into);
  while (bytes > 0) {
    const ssize_t got = pread(fd_, to, bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    at += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
  return true;
}

bool RecordingFile::ReadHeader(std::string* problem) {
  RecordingHeader header{};
  if (!Read(0, &header, sizeof(header)) || std::memcmp(header.magic, kRecordingMagic, sizeof(header.magic)) != 0) {
    *problem = path_ + ": expected a recording of summit-agent record, got another file";
    return false;
  }
  if (header.version != kRecordingVersion) {
    *problem = path_ + ": expected a recording of version " + std::to_string(kRecordingVersion) + ", got " + std::to_string(header.version);
    return false;
  }
  const bool sound = header.json_bytes <= kMostHeaderJson && header.header_bytes >= sizeof(header) + header.json_bytes &&
                     header.header_bytes <= sizeof(header) + kMostHeaderJson + 8;
  std::vector<uint8_t> all(sound ? header.header_bytes : 0);
  if (sound && Read(0, all.data(), all.size())) {
    const uint32_t told = header.crc32c;
    header.crc32c = 0;
    std::memcpy(all.data(), &header, sizeof(header));
    if (Crc32c(all.data(), all.size()) == told) {
      json_.assign(reinterpret_cast<const char*>(all.data()) + sizeof(header), header.json_bytes);
      next_ = header.header_bytes;
      return true;
    }
  }
  *problem = path_ + ": its header is damaged";
  return false;
}

RecordingFile::Step RecordingFile::Damaged(const char* what, std::string* problem) {
  over_ = true;
  *problem = path_ + ": record " + std::to_string(records_) + " at byte " + std::to_string(next_) + ": " + what +
             "; the records before it are good";
  return Step::kDamaged;
}

RecordingFile::Step RecordingFile::Next(std::string* problem) {
  if (over_) return Damaged("nothing is read beyond the end", problem);
  if (next_ == size_) return Damaged("the file ends without its end marker", problem);
  if (!Read(next_, &head_, sizeof(head_))) return Damaged("the file ends within a record", problem);
  const uint32_t descriptor_bytes = DescriptorBytes(head_.kind);
  uint8_t descriptor[sizeof(SummitFrame)];
  if (descriptor_bytes == 0) return Damaged("no record begins here", problem);
  payload_ = next_ + sizeof(head_) + descriptor_bytes;
  if (!Read(next_ + sizeof(head_), descriptor, descriptor_bytes)) return Damaged("the file ends within a record", problem);
  if (HeadCrc(head_, {descriptor, descriptor_bytes}) != head_.head_crc32c || head_.stored_bytes > kMostRecordPayload ||
      head_.bytes > kMostRecordPayload) {
    return Damaged("its head does not fit its checksum", problem);
  }
  if (payload_ + head_.stored_bytes > size_) return Damaged("the file ends within a record", problem);
  const uint64_t here = next_;
  next_ = payload_ + PaddedTo8(head_.stored_bytes);
  if (head_.kind == static_cast<uint16_t>(RecordKind::kEnd)) {
    std::memcpy(&end_, descriptor, sizeof(end_));
    over_ = true;
    if (end_.records == records_) return Step::kEnd;
    next_ = here;
    return Damaged("the end marker counts other records than there are", problem);
  }
  std::memcpy(&frame_, descriptor, sizeof(frame_));
  ++records_;
  return Step::kFrame;
}

bool RecordingFile::ReadPayload(std::span<uint8_t> out, std::string* problem) {
  const char* what = "the payload cannot be read";
  if (out.size() == head_.bytes) {
    stored_.resize(head_.stored_bytes);
    if (Read(payload_, stored_.data(), stored_.size())) {
      what = "the payload does not fit its checksum";
      if (Crc32c(stored_.data(), stored_.size()) == head_.payload_crc32c) {
        const auto encoding = static_cast<RecordEncoding>(head_.encoding);
        what = "the payload is in an encoding that is not known here";
        if (encoding == RecordEncoding::kPlain && stored_.size() == out.size()) {
          if (!out.empty()) std::memcpy(out.data(), stored_.data(), out.size());
          return true;
        }
        if (encoding == RecordEncoding::kDeflate) {
          if (Inflate(stored_, &scratch_, out)) return true;
          what = "the payload cannot be inflated";
        }
      }
    }
  }
  *problem = path_ + ": record " + std::to_string(records_ - 1) + ": " + what;
  return false;
}

}  // namespace summit::daq
