// SPDX-License-Identifier: Apache-2.0
// Writes a guider FITS file as the camera does: RICE_1 stamps after one primary header, whole or not at all.
// Thread: one at a time.
// Owns: the temporary file beside the target, removed with the object unless Publish put it in its place.
#ifndef SUMMIT_FITS_GUIDER_FILE_WRITER_H_
#define SUMMIT_FITS_GUIDER_FILE_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "addons/fits/guider_cards.h"
#include "addons/fits/guider_header.h"

namespace summit::fits {

struct NewStamp {
  std::span<const int32_t> pixels;  // row by row
  uint16_t rows = 0;
  uint16_t cols = 0;
  uint64_t tai_ns = 0;  // 0: absent, no time keyword is written
  uint64_t daq_stamp = 0;
};

class GuiderFileWriter {
 public:
  // Writes the primary header. FILENAME and N_STAMPS are the writer's; `header.stamps` is not read.
  // nullptr on failure; *problem is then one sentence with path and reason. The same holds for false below.
  static std::unique_ptr<GuiderFileWriter> Create(const std::string& path, const GuiderHeader& header, std::string* problem);
  ~GuiderFileWriter();
  GuiderFileWriter(const GuiderFileWriter&) = delete;
  GuiderFileWriter& operator=(const GuiderFileWriter&) = delete;

  bool Append(const NewStamp& stamp, std::string* problem);
  // A primary keyword gets its final value; it must have been in the header.
  bool Update(std::string_view name, const GuiderValue& value, std::string* problem);
  // Asks the system to begin writing what is not on the disk yet, without waiting for it.
  void Hasten();
  // Sets N_STAMPS and closes the file under its temporary name. Nothing may be appended afterwards.
  bool Finish(std::string* problem);

  enum class IfThere { kReplace, kRefuse };
  // After Finish: syncs the file, gives it its name in one step, and syncs the directory: afterwards it survives a
  // power cut. May be called on another thread.
  bool Publish(IfThere if_there, std::string* problem);
  // Finish and Publish; an older file of that name is replaced.
  bool Close(std::string* problem) { return Finish(problem) && Publish(IfThere::kReplace, problem); }

  int64_t stamps() const { return stamps_; }
  const std::string& path() const { return path_; }
  // Where the bytes are until Publish.
  const std::string& temporary() const { return temporary_; }
  // With CHECKSUM and DATASUM after Finish.
  const std::vector<GuiderCard>& cards() const { return cards_; }

 private:
  struct Handle;
  GuiderFileWriter(std::string path, std::string temporary, std::unique_ptr<Handle> handle);
  bool WriteHeader(const GuiderHeader& header, std::string* problem);
  bool Fail(const char* step, int status, std::string* problem);

  std::string path_;
  std::string temporary_;
  std::unique_ptr<Handle> handle_;
  std::vector<GuiderCard> cards_;
  int64_t stamps_ = 0;
};

static_assert(!std::is_copy_constructible_v<GuiderFileWriter>);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_GUIDER_FILE_WRITER_H_
