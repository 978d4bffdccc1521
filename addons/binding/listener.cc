// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/listener.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace summit::binding {
namespace {

bool IsListening(int fd) {
  int accepts = 0;
  socklen_t size = sizeof(accepts);
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts == 1;
}

// 0: not a TCP socket.
uint16_t PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    port = in.sin_port;
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof(in6));
    port = in6.sin6_port;
  }
  return ntohs(port);
}

bool Hold(int fd, bool hold) {
  if (!hold) {
    const int unused = 0;
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) == 0 || errno == ENOENT;
  }
  // One instruction: no byte of a packet passes, so the SYN is dropped before it costs anything.
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

Napi::Value HoldConnections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsBoolean()) {
    Napi::TypeError::New(env, "holdConnections: expected a port and a boolean").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const uint32_t port = info[0].As<Napi::Number>().Uint32Value();
  const bool hold = info[1].As<Napi::Boolean>().Value();
  int held = 0;
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir("/proc/self/fd"));
  if (directory == nullptr) return Napi::Number::New(env, held);
  while (const dirent* entry = readdir(directory.get())) {
    char* end = nullptr;
    const long fd = std::strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0') continue;
    const int socket = static_cast<int>(fd);
    if (IsListening(socket) && PortOf(socket) == port && Hold(socket, hold)) ++held;
  }
  return Napi::Number::New(env, held);
}

}  // namespace summit::binding
