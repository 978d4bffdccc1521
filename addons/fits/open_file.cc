// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/open_file.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "addons/fits/header_check.h"

namespace summit::fits {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Says what is wrong with a file before CFITSIO sees it.
bool LooksLikeFits(const std::string& path, std::string* problem) {
  struct stat status{};
  const bool found = stat(path.c_str(), &status) == 0;
  if (found && !S_ISREG(status.st_mode)) {
    *problem = path + ": expected a FITS file, got " + (S_ISDIR(status.st_mode) ? "a directory" : "no plain file");
    return false;
  }
  const std::unique_ptr<std::FILE, CloseFile> raw(found ? std::fopen(path.c_str(), "rbe") : nullptr);
  if (raw == nullptr) {
    *problem = path + ": cannot be opened: " + std::strerror(errno);
    return false;
  }
  std::array<char, 9> start{};
  const size_t got = std::fread(start.data(), 1, start.size(), raw.get());
  if (got >= 2 && start[0] == '\x1f' && start[1] == '\x8b') return true;  // gzip: CFITSIO unpacks it
  if (got != start.size() || std::memcmp(start.data(), "SIMPLE  =", start.size()) != 0) {
    *problem = path + ": not a FITS file: " + (got == 0 ? "it is empty" : "it does not begin with SIMPLE");
    return false;
  }
  if (CheckHeaders(raw.get(), static_cast<uint64_t>(status.st_size), problem)) return true;
  problem->insert(0, path + ": ");
  return false;
}

}  // namespace

FitsHandle::~FitsHandle() {
  int status = 0;
  if (file != nullptr) fits_close_file(file, &status);
  fits_clear_errmsg();
}

std::string FitsReason(int status) {
  char text[FLEN_STATUS] = "";
  fits_get_errstatus(status, text);
  fits_clear_errmsg();
  return std::string(text) + " (CFITSIO status " + std::to_string(status) + ")";
}

bool OpenFits(const std::string& path, FitsHandle* handle, std::string* problem) {
  if (!LooksLikeFits(path, problem)) return false;
  if (path.size() >= FLEN_FILENAME) {
    *problem = path + ": the path has more than " + std::to_string(FLEN_FILENAME - 1) + " bytes";
    return false;
  }
  int status = 0;
  // The disk-file form takes brackets and plus signs in a path as they are.
  fits_open_diskfile(&handle->file, path.c_str(), READONLY, &status);
  if (status == 0) return true;
  handle->file = nullptr;
  *problem = path + ": not a readable FITS file, or truncated: " + FitsReason(status);
  return false;
}

bool ChecksumsFit(FitsHandle* handle, const char** which) {
  int status = 0;
  int data = 0;
  int whole = 0;
  fits_verify_chksum(handle->file, &data, &whole, &status);
  fits_clear_errmsg();
  *which = data < 0 ? "DATASUM" : "CHECKSUM";
  return status != 0 || (data >= 0 && whole >= 0);
}

std::string TextKey(fitsfile* file, const char* name) {
  int status = 0;
  std::array<char, FLEN_VALUE> text{};
  fits_read_key(file, TSTRING, name, text.data(), nullptr, &status);
  fits_clear_errmsg();
  return status == 0 ? text.data() : "";
}

bool FindImage(fitsfile* file, int32_t cols, int32_t rows, const std::string& what) {
  for (int hdu = 1;; hdu++) {
    int status = 0, type = 0, bits = 0, axes = 0;
    std::array<long, 2> sides{};
    if (fits_movabs_hdu(file, hdu, &type, &status) != 0) break;
    if (type != IMAGE_HDU || !(what.empty() || TextKey(file, "EXTNAME") == what || TextKey(file, "EXTTYPE") == what)) continue;
    fits_get_img_param(file, 2, &bits, &axes, sides.data(), &status);
    if (status == 0 && axes == 2 && sides[0] == cols && sides[1] == rows) return true;
  }
  fits_clear_errmsg();
  return false;
}

}  // namespace summit::fits
