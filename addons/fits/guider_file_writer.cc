// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/guider_file_writer.h"

#include <fcntl.h>
#include <fitsio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "addons/fits/durable_file.h"
#include "addons/fits/tai_text.h"

namespace summit::fits {

struct GuiderFileWriter::Handle {
  fitsfile* file = nullptr;
  int descriptor = -1;  // of the same file, for Hasten

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    int status = 0;
    if (file != nullptr) fits_close_file(file, &status);
    fits_clear_errmsg();
    if (descriptor >= 0) close(descriptor);
  }
};

namespace {

// Cards in a row; after the first failure nothing more is written and `status` keeps its reason.
class Cards {
 public:
  explicit Cards(fitsfile* file) : file_(file) {}

  void Text(const char* name, const std::string& text, const char* comment) {
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
  void Card(const GuiderCard& card) {
    // A blank keyword, as the camera sets off its sections.
    if (card.section()) {
      fits_write_record(file_, "                                                                                ", &status);
      const std::string title = "        ---- " + card.comment + " ----";
      fits_write_record(file_, title.c_str(), &status);
      return;
    }
    const std::string name = card.name.size() > 8 ? "HIERARCH " + card.name : card.name;
    const char* comment = card.comment.empty() ? nullptr : card.comment.c_str();
    if (const auto* text = std::get_if<std::string>(&card.value)) Text(name.c_str(), *text, comment);
    if (const auto* number = std::get_if<int64_t>(&card.value)) Number(name.c_str(), *number, comment);
    if (const auto* real = std::get_if<double>(&card.value)) Real(name.c_str(), *real, comment);
    if (const auto* flag = std::get_if<bool>(&card.value)) Flag(name.c_str(), *flag, comment);
  }

  int status = 0;

 private:
  fitsfile* file_;
};

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
  writer->handle_->descriptor = open(temporary.c_str(), O_WRONLY | O_CLOEXEC);
  if (!writer->WriteHeader(header, problem)) return nullptr;
  return writer;
}

bool GuiderFileWriter::WriteHeader(const GuiderHeader& header, std::string* problem) {
  cards_ = PrimaryCards(header, std::filesystem::path(path_).filename().string());
  fitsfile* file = handle_->file;
  errno = 0;
  Cards cards(file);
  fits_create_img(file, BYTE_IMG, 0, nullptr, &cards.status);
  // CFITSIO's two lines about the FITS standard are not in a file of the camera.
  fits_delete_key(file, "COMMENT", &cards.status);
  fits_delete_key(file, "COMMENT", &cards.status);
  for (const GuiderCard& card : cards_) cards.Card(card);
  return cards.status == 0 || Fail("the primary header cannot be written", cards.status, problem);
}

bool GuiderFileWriter::Update(std::string_view name, const GuiderValue& value, std::string* problem) {
  if (handle_ == nullptr) {
    *problem = path_ + ": a keyword after Finish";
    return false;
  }
  int status = 0;
  errno = 0;
  const std::string key(name);
  SetCard(&cards_, name, value);
  fits_movabs_hdu(handle_->file, 1, nullptr, &status);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    LONGLONG count = *number;
    fits_modify_key_lng(handle_->file, key.c_str(), count, "&", &status);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    fits_modify_key_str(handle_->file, key.c_str(), text->c_str(), "&", &status);
  }
  return status == 0 || Fail("a keyword cannot be set", status, problem);
}

void GuiderFileWriter::Hasten() {
  if (handle_ != nullptr && handle_->descriptor >= 0) sync_file_range(handle_->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
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
  if (stamp.tai_ns != 0) {
    const std::string time = FormatTai(stamp.tai_ns);
    cards.Text("STMPTIME", time, nullptr);
    cards.Text("TIMESYS", "TAI", "The time scale used");
    cards.Real("STMPTMJD", TaiMjd(stamp.tai_ns), "[d] MJD of STMPTIME");
    cards.Text("DATE-END", time, "The stamp time");
    cards.Real("MJD-END", TaiMjd(stamp.tai_ns), "[d] MJD of DATE-END");
  }
  cards.Number("DAQSTAMP", static_cast<int64_t>(stamp.daq_stamp), "Number of the stamp in the DAQ");
  cards.Number("EXTVER", stamps_ + 1, nullptr);
  cards.Text("EXTNAME", "IMAGE", nullptr);
  // CFITSIO takes the pixels without const and does not change them.
  fits_write_img(file, TINT, 1, static_cast<LONGLONG>(pixels), const_cast<int32_t*>(stamp.pixels.data()), &cards.status);
  fits_write_chksum(file, &cards.status);
  if (cards.status != 0) return Fail("a stamp cannot be written", cards.status, problem);
  ++stamps_;
  return true;
}

bool GuiderFileWriter::Finish(std::string* problem) {
  if (handle_ == nullptr) {
    *problem = path_ + ": closed twice";
    return false;
  }
  if (!Update("N_STAMPS", stamps_, problem)) return false;
  int status = 0;
  errno = 0;
  fits_write_chksum(handle_->file, &status);
  for (const char* name : {"CHECKSUM", "DATASUM"}) {
    char text[FLEN_VALUE] = "";
    fits_read_key_str(handle_->file, name, text, nullptr, &status);
    // CFITSIO sets DATASUM to the right of ten places.
    SetCard(&cards_, name, std::string(text + std::strspn(text, " ")));
  }
  int close_status = 0;
  fits_close_file(handle_->file, &close_status);
  handle_->file = nullptr;
  handle_.reset();
  if (status == 0) status = close_status;
  return status == 0 || Fail("cannot be completed", status, problem);
}

bool GuiderFileWriter::Publish(IfThere if_there, std::string* problem) {
  if (handle_ != nullptr || temporary_.empty()) {
    *problem = path_ + ": published before it was finished, or twice";
    return false;
  }
  if (!SyncFile(temporary_)) return Fail("cannot be synced to the disk", 0, problem);
  if (!Rename(temporary_, path_, if_there == IfThere::kReplace)) return Fail("cannot be given its name", 0, problem);
  temporary_.clear();
  return SyncFolder(FolderOf(path_)) || Fail("the directory cannot be synced", 0, problem);
}

}  // namespace summit::fits
