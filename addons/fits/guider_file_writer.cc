// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/guider_file_writer.h"

#include <fcntl.h>
#include <fitsio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "addons/fits/tai_text.h"

namespace summit::fits {

struct GuiderFileWriter::Handle {
  fitsfile* file = nullptr;

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    int status = 0;
    if (file != nullptr) fits_close_file(file, &status);
    fits_clear_errmsg();
  }
};

namespace {

constexpr int kMostText = 68;  // characters of text that one card holds

// Cards in a row; after the first failure nothing more is written and `status` keeps its reason.
class Cards {
 public:
  explicit Cards(fitsfile* file) : file_(file) {}

  void Text(const char* name, std::string text, const char* comment) {
    if (text.size() > kMostText) text.resize(kMostText);
    fits_write_key_str(file_, name, text.c_str(), comment, &status);
  }
  void Number(const char* name, int64_t value, const char* comment) {
    LONGLONG number = value;
    fits_write_key(file_, TLONGLONG, name, &number, comment, &status);
  }
  void Real(const char* name, double value, const char* comment) {
    fits_write_key(file_, TDOUBLE, name, &value, comment, &status);
  }
  void Flag(const char* name, bool value, const char* comment) { fits_write_key_log(file_, name, value ? 1 : 0, comment, &status); }
  void Value(const char* name, const GuiderValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return Text(name, *text, nullptr);
    if (const auto* number = std::get_if<int64_t>(&value)) return Number(name, *number, nullptr);
    if (const auto* real = std::get_if<double>(&value)) return Real(name, *real, nullptr);
    Flag(name, *std::get_if<bool>(&value), nullptr);
  }

  int status = 0;

 private:
  fitsfile* file_;
};

// False with errno when the file or directory could not be brought to the disk.
bool Sync(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  const int reason = errno;
  close(fd);
  errno = reason;
  return synced;
}

// Beside the target, so that rename stays within one file system; hidden from whoever lists *.fits.
std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> count{0};
  const std::filesystem::path target(path);
  std::string name(1, '.');
  name.append(target.filename().string()).append(1, '.').append(std::to_string(getpid())).append(1, '-');
  name.append(std::to_string(count.fetch_add(1))).append(".part");
  return (target.parent_path() / name).string();
}

}  // namespace

GuiderFileWriter::GuiderFileWriter(std::string path, std::string temporary, std::unique_ptr<Handle> handle)
    : path_(std::move(path)), temporary_(std::move(temporary)), handle_(std::move(handle)) {}

GuiderFileWriter::~GuiderFileWriter() {
  handle_.reset();
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

// CFITSIO's own reason seldom names the cause (a full disk, a missing right); errno does.
bool GuiderFileWriter::Fail(const char* step, int status, std::string* problem) {
  const int reason = errno;
  *problem = path_ + ": " + step + ": ";
  if (status != 0) {
    char text[FLEN_STATUS] = "";
    fits_get_errstatus(status, text);
    fits_clear_errmsg();
    *problem += std::string(text) + " (CFITSIO status " + std::to_string(status) + ")";
  }
  if (reason != 0) *problem += (status != 0 ? ", " : "") + std::string(std::strerror(reason));
  return false;
}

std::unique_ptr<GuiderFileWriter> GuiderFileWriter::Create(const std::string& path, const GuiderHeader& header,
                                                           std::string* problem) {
  const std::string temporary = TemporaryName(path);
  if (std::filesystem::path(path).filename().empty() || temporary.size() >= FLEN_FILENAME) {
    *problem = path + ": expected a file name, the whole path shorter than " + std::to_string(FLEN_FILENAME) + " bytes";
    return nullptr;
  }
  std::unique_ptr<GuiderFileWriter> writer(new GuiderFileWriter(path, temporary, std::make_unique<Handle>()));
  int status = 0;
  errno = 0;
  fits_create_diskfile(&writer->handle_->file, temporary.c_str(), &status);
  if (status != 0) {
    writer->handle_->file = nullptr;
    writer->Fail("cannot be created", status, problem);
    return nullptr;
  }
  if (!writer->WriteHeader(header, problem)) return nullptr;
  return writer;
}

bool GuiderFileWriter::WriteHeader(const GuiderHeader& header, std::string* problem) {
  fitsfile* file = handle_->file;
  errno = 0;
  Cards cards(file);
  fits_create_img(file, BYTE_IMG, 0, nullptr, &cards.status);
  cards.Text("FILENAME", std::filesystem::path(path_).filename().string(), "Original name of the file");
  for (const TextKeyword& keyword : kTextKeywords) {
    if (const std::string& text = header.*keyword.member; !text.empty()) cards.Text(keyword.name, text, keyword.comment);
  }
  for (const NumberKeyword& keyword : kNumberKeywords) {
    if (keyword.member == &GuiderHeader::stamps) continue;
    if (const auto& number = header.*keyword.member) cards.Number(keyword.name, *number, keyword.comment);
  }
  if (header.segment) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "Segment%02d", *header.segment);
    cards.Text(kSegmentKeyword, text.data(), "Guider ROI segment");
  }
  if (header.split_roi) cards.Flag(kSplitKeyword, *header.split_roi, "Guider ROI split?");
  if (header.gds_start_tai_ns) cards.Text(kStartKeyword, FormatTai(*header.gds_start_tai_ns), "Guider start time");
  for (const auto& [name, value] : header.other) cards.Value(name.c_str(), value);
  cards.Number("N_STAMPS", 0, "The number of stamps in the file");
  cards.Flag("HIERARCH HAS_ARCHIVE", false, nullptr);
  cards.Flag("HAS_MASK", false, nullptr);
  cards.Flag("HIERARCH HAS_VARIANCE", false, nullptr);
  cards.Text("STAMPCLS", "lsst.meas.algorithms.Stamps", nullptr);
  return cards.status == 0 || Fail("the primary header cannot be written", cards.status, problem);
}

bool GuiderFileWriter::Append(const NewStamp& stamp, std::string* problem) {
  if (handle_ == nullptr) {
    *problem = path_ + ": a stamp after Close";
    return false;
  }
  const size_t pixels = size_t{stamp.rows} * stamp.cols;
  if (pixels == 0 || stamp.pixels.size() != pixels) {
    *problem = path_ + ": a stamp of " + std::to_string(stamp.rows) + " rows x " + std::to_string(stamp.cols) + " columns with " +
               std::to_string(stamp.pixels.size()) + " pixels";
    return false;
  }
  fitsfile* file = handle_->file;
  errno = 0;
  Cards cards(file);
  std::array<long, 2> tile{stamp.cols, 1};
  std::array<long, 2> sides{stamp.cols, stamp.rows};
  fits_set_compression_type(file, RICE_1, &cards.status);
  fits_set_tile_dim(file, 2, tile.data(), &cards.status);
  fits_create_img(file, LONG_IMG, 2, sides.data(), &cards.status);
  cards.Text("EXTNAME", "IMAGE", nullptr);
  cards.Number("EXTVER", stamps_ + 1, nullptr);
  if (stamp.tai_ns != 0) {
    const std::string time = FormatTai(stamp.tai_ns);
    cards.Text("TIMESYS", "TAI", "The time scale used");
    cards.Text("STMPTIME", time, "Readout trigger of the stamp");
    cards.Real("STMPTMJD", TaiMjd(stamp.tai_ns), "[d] Readout trigger of the stamp");
    cards.Text("DATE-END", time, "Readout trigger of the stamp");
    cards.Real("MJD-END", TaiMjd(stamp.tai_ns), "[d] Readout trigger of the stamp");
  }
  cards.Number("DAQSTAMP", static_cast<int64_t>(stamp.daq_stamp), "Number of the stamp in the DAQ");
  // CFITSIO takes the pixels without const and does not change them.
  fits_write_img(file, TINT, 1, static_cast<LONGLONG>(pixels), const_cast<int32_t*>(stamp.pixels.data()), &cards.status);
  fits_write_chksum(file, &cards.status);
  if (cards.status != 0) return Fail("a stamp cannot be written", cards.status, problem);
  ++stamps_;
  return true;
}

bool GuiderFileWriter::Close(std::string* problem) {
  if (handle_ == nullptr) {
    *problem = path_ + ": closed twice";
    return false;
  }
  int status = 0;
  errno = 0;
  LONGLONG count = stamps_;
  fits_movabs_hdu(handle_->file, 1, nullptr, &status);
  fits_update_key(handle_->file, TLONGLONG, "N_STAMPS", &count, nullptr, &status);
  fits_write_chksum(handle_->file, &status);
  int close_status = 0;
  fits_close_file(handle_->file, &close_status);
  handle_->file = nullptr;
  handle_.reset();
  if (status == 0) status = close_status;
  if (status != 0) return Fail("cannot be completed", status, problem);
  if (!Sync(temporary_, O_RDONLY)) return Fail("cannot be synced to the disk", 0, problem);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Fail("cannot be given its name", 0, problem);
  temporary_.clear();
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  if (!Sync(directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY)) return Fail("the directory cannot be synced", 0, problem);
  return true;
}

}  // namespace summit::fits
