// SPDX-License-Identifier: Apache-2.0
// A pseudo terminal that stands for a serial line: the device writes on its master, the agent opens its other end.
// Thread: any. Owns: both descriptors until Close.
#ifndef SUMMIT_SIM_HW_NATIVE_PTY_H_
#define SUMMIT_SIM_HW_NATIVE_PTY_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace summit::sim {

class Pty {
 public:
  Pty() = default;
  ~Pty() { Close(); }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  // Raw mode, 50 baud, so that the reader's own setting is seen. Returns 0 or errno.
  int Open();
  // The cable is pulled: readers see a hang-up, the path goes away.
  void Close();

  const std::string& path() const { return path_; }
  // Bytes taken, 0 when the line is full, or -errno.
  int64_t Write(const uint8_t* data, size_t bytes);
  // Baud rate that the line is set to: 50 until a reader has set its own, which readers do last. 0: not a known rate.
  uint32_t BaudRate() const;
  // Bytes that the reader has not read yet, or -errno.
  int64_t Unread() const;

 private:
  int master_ = -1;
  // Keeps the settings and the unread bytes while no reader is there.
  int other_ = -1;
  std::string path_;
};

}  // namespace summit::sim

#endif  // SUMMIT_SIM_HW_NATIVE_PTY_H_
