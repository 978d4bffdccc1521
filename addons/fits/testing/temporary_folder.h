// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, gone with it.
// Thread: the test's. Owns: the folder with everything in it.
#ifndef SUMMIT_FITS_TESTING_TEMPORARY_FOLDER_H_
#define SUMMIT_FITS_TESTING_TEMPORARY_FOLDER_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace summit::fits::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "summit-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr) << name;
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace summit::fits::testing

#endif  // SUMMIT_FITS_TESTING_TEMPORARY_FOLDER_H_
