// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/listener.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
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

template <typename Call>
void ForEachDescriptor(Call call) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir("/proc/self/fd"));
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory.get())) {
    char* end = nullptr;
    const long fd = std::strtol(entry->d_name, &end, 10);
    if (end != entry->d_name && *end == '\0') call(static_cast<int>(fd));
  }
}

// A connection of the port: the socket's inode, which no other socket has while it is open, and what came through it.
struct Connection {
  uint64_t id = 0;
  uint64_t received = 0;
};

bool ReadConnection(int fd, uint32_t port, Connection* out) {
  if (PortOf(fd) != port || IsListening(fd)) return false;
  struct stat status {};
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (fstat(fd, &status) != 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  // Linux 4.1 and later tell it.
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received)) return false;
  *out = {status.st_ino, info.tcpi_bytes_received};
  return true;
}

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
  ForEachDescriptor([&](int fd) {
    if (IsListening(fd) && PortOf(fd) == port && Hold(fd, hold)) ++held;
  });
  return Napi::Number::New(env, held);
}

Napi::Value ConnectionsOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsNumber()) {
    Napi::TypeError::New(env, "connectionsOf: expected a port").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const uint32_t port = info[0].As<Napi::Number>().Uint32Value();
  const Napi::Array out = Napi::Array::New(env);
  ForEachDescriptor([&](int fd) {
    Connection connection;
    if (!ReadConnection(fd, port, &connection)) return;
    out.Set(out.Length(), Napi::Number::New(env, static_cast<double>(connection.id)));
    out.Set(out.Length(), Napi::Number::New(env, static_cast<double>(connection.received)));
  });
  return out;
}

Napi::Value CutOff(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsNumber()) {
    Napi::TypeError::New(env, "cutOff: expected a port and the id of a connection").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const uint32_t port = info[0].As<Napi::Number>().Uint32Value();
  const auto id = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  bool cut = false;
  ForEachDescriptor([&](int fd) {
    if (cut) return;
    // A descriptor of our own: what it means does not change between the look and the shutdown, whoever closes the other.
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return;
    Connection connection;
    if (ReadConnection(own, port, &connection) && connection.id == id) cut = shutdown(own, SHUT_RDWR) == 0;
    close(own);
  });
  return Napi::Boolean::New(env, cut);
}

}  // namespace summit::binding
