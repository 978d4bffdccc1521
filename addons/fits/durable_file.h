// SPDX-License-Identifier: Apache-2.0
// The steps that make a file survive a power cut: written under a temporary name, synced, renamed, directory synced.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_FITS_DURABLE_FILE_H_
#define SUMMIT_FITS_DURABLE_FILE_H_

#include <span>
#include <string>
#include <string_view>

namespace summit::fits {

// What every temporary name begins and ends with.
inline constexpr std::string_view kTemporaryBegin = ".";
inline constexpr std::string_view kTemporaryEnd = ".part";

// A name beside `path`, so that rename stays within one file system; hidden from whoever lists *.fits. A new one
// at each call.
std::string TemporaryName(const std::string& path);

// The folder of a path; "." where it has none.
std::string FolderOf(const std::string& path);

// False with errno when file or directory could not be brought to the disk.
bool SyncFile(const std::string& path);
bool SyncFolder(const std::string& path);

// Renames in one step. `replace` false: fails with EEXIST where the name is taken.
bool Rename(const std::string& from, const std::string& to, bool replace);

// All steps for a whole text. False with one sentence; nothing is left behind then.
bool WriteDurably(const std::string& path, std::string_view text, std::string* problem);
// The same for a file that lies in parts. `replace` false: fails where the name is taken.
bool WriteDurably(const std::string& path, std::span<const std::string_view> parts, bool replace, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_DURABLE_FILE_H_
