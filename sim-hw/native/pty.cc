// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/pty.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace summit::sim {

namespace {

constexpr std::array<std::pair<speed_t, uint32_t>, 12> kRates{{
    {B50, 50},
    {B1200, 1200},
    {B2400, 2400},
    {B4800, 4800},
    {B9600, 9600},
    {B19200, 19200},
    {B38400, 38400},
    {B57600, 57600},
    {B115200, 115200},
    {B230400, 230400},
    {B460800, 460800},
    {B921600, 921600},
}};

}  // namespace

int Pty::Open() {
  Close();
  master_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master_ < 0) return errno;
  std::array<char, 128> name{};
  if (grantpt(master_) != 0 || unlockpt(master_) != 0 || ptsname_r(master_, name.data(), name.size()) != 0) {
    const int error = errno;
    Close();
    return error;
  }
  path_ = name.data();
  other_ = open(path_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  termios settings{};
  if (other_ < 0 || tcgetattr(other_, &settings) != 0) {
    const int error = errno;
    Close();
    return error;
  }
  // A line that echoes would send the device its own words.
  cfmakeraw(&settings);
  cfsetspeed(&settings, B50);
  if (tcsetattr(other_, TCSANOW, &settings) != 0) {
    const int error = errno;
    Close();
    return error;
  }
  return 0;
}

void Pty::Close() {
  if (other_ >= 0) close(other_);
  if (master_ >= 0) close(master_);
  other_ = -1;
  master_ = -1;
  path_.clear();
}

int64_t Pty::Write(const uint8_t* data, size_t bytes) {
  const ssize_t written = write(master_, data, bytes);
  if (written >= 0) return written;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

uint32_t Pty::BaudRate() const {
  termios settings{};
  if (tcgetattr(other_, &settings) != 0) return 0;
  const speed_t speed = cfgetospeed(&settings);
  for (const auto& [code, rate] : kRates) {
    if (code == speed) return rate;
  }
  return 0;
}

int64_t Pty::Unread() const {
  int bytes = 0;
  if (ioctl(other_, FIONREAD, &bytes) != 0) return -errno;
  return bytes;
}

}  // namespace summit::sim
