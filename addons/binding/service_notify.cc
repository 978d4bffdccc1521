// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace summit::binding {

int SendToServiceManager(std::string_view address, std::string_view text) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address.size() < 2 || (address[0] != '/' && address[0] != '@')) return EAFNOSUPPORT;
  if (address.size() >= sizeof(to.sun_path)) return ENAMETOOLONG;
  address.copy(to.sun_path, address.size());
  // The name of an abstract socket is all its bytes, without a terminator.
  if (address[0] == '@') to.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // A manager that does not read must not stop the event loop: what finds no room is not sent.
  const ssize_t sent = sendto(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&to), length);
  const int error = sent < 0 ? errno : 0;
  close(fd);
  return error;
}

Napi::Value NotifyServiceManager(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsString()) {
    Napi::TypeError::New(env, "notifyServiceManager: expected an address and a text").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::string address = info[0].As<Napi::String>();
  const std::string text = info[1].As<Napi::String>();
  const int error = SendToServiceManager(address, text);
  return Napi::String::New(env, error == 0 ? "" : std::strerror(error));
}

}  // namespace summit::binding
