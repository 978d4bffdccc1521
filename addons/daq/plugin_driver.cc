// SPDX-License-Identifier: Apache-2.0
// The `plugin` driver: loads a site's library that implements driver.h. What a push library commits goes to the host in
// the library's own thread.
#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addons/daq/driver_table.h"
#include "addons/daq/drivers.h"
#include "addons/daq/options.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {
namespace {

// The table must reach at least to here: what an older library lacks beyond is zero.
constexpr uint32_t kLeastTableBytes = offsetof(SummitDriver, close) + sizeof(SummitDriver::close);

constexpr uint64_t kNoToken = 0;  // the pool counts its release as stale

// Tokens of slots that the library holds. What it does not hold it can neither give back nor hand over: another holder
// may be reading there.
class Holdings {
 public:
  void Add(uint64_t token) {
    if (token == 0) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    tokens_.push_back(token);
  }
  bool Remove(uint64_t token) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = std::find(tokens_.begin(), tokens_.end(), token);
    if (at == tokens_.end()) return false;
    *at = tokens_.back();
    tokens_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<uint64_t> tokens_;
};

class Plugin {
 public:
  explicit Plugin(const SummitHost& host) : outer_(host) {
    host_ = host;
    host_.context = this;
    host_.struct_size = sizeof(host_);
    host_.acquire = [](void* context, uint64_t bytes, void** memory) {
      Plugin* plugin = static_cast<Plugin*>(context);
      const uint64_t token = plugin->outer_.acquire(plugin->outer_.context, bytes, memory);
      plugin->held_.Add(token);
      return token;
    };
    host_.cancel = [](void* context, uint64_t token) {
      Plugin* plugin = static_cast<Plugin*>(context);
      plugin->outer_.cancel(plugin->outer_.context, plugin->held_.Remove(token) ? token : kNoToken);
    };
    host_.commit = [](void* context, const SummitFrame* frame) { static_cast<Plugin*>(context)->Commit(frame); };
    host_.log = [](void* context, int level, const char* text) {
      const SummitHost& outer = static_cast<Plugin*>(context)->outer_;
      outer.log(outer.context, level, text);
    };
    if (outer_.image != nullptr) host_.image = [](void* context, const SummitImageEvent* event) { return static_cast<Plugin*>(context)->Image(*event); };
  }
  ~Plugin() {
    if (handle_ != nullptr) driver_.close(handle_);
    if (library_ != nullptr) dlclose(library_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  bool Load(const std::string& path, const std::string& symbol_name, std::string* message);
  int OpenLibrary(const std::string& options, char* message, uint64_t message_bytes) {
    return driver_.open(options.c_str(), &host_, &handle_, message, message_bytes);
  }
  const SummitDriver& driver() const { return driver_; }
  void* handle() const { return handle_; }
  void Forget() { handle_ = nullptr; }

  int Next(SummitFrame* frame, int timeout_ms);
  int Stop(int deadline_ms) {
    stopped_.Signal();
    return driver_.stop(handle_, deadline_ms);
  }

 private:
  bool push() const { return (driver_.caps & SUMMIT_CAP_PUSH) != 0; }
  void Commit(const SummitFrame* frame);
  void TakeOver(SummitFrame* frame);
  int Image(const SummitImageEvent& event) const;

  const SummitHost outer_;
  SummitHost host_{};
  void* library_ = nullptr;
  SummitDriver driver_{};
  void* handle_ = nullptr;
  Holdings held_;
  Wakeup stopped_;
};

bool Plugin::Load(const std::string& path, const std::string& symbol_name, std::string* message) {
  library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    *message = "plugin: path: cannot load the library: " + std::string(dlerror());
    return false;
  }
  const auto symbol = reinterpret_cast<SummitDriverSymbol>(dlsym(library_, symbol_name.c_str()));
  const SummitDriver* table = symbol != nullptr ? symbol() : nullptr;
  if (table == nullptr) {
    *message = "plugin: " + path + " has no driver: expected the symbol " + symbol_name + " of addons/daq/driver.h";
    return false;
  }
  if (table->abi_version != SUMMIT_ABI_VERSION) {
    *message = "plugin: " + path + " speaks driver ABI " + std::to_string(table->abi_version) + ", expected " +
               std::to_string(SUMMIT_ABI_VERSION) + ": build it against this agent's addons/daq/driver.h";
    return false;
  }
  if (table->struct_size < kLeastTableBytes) {
    *message = "plugin: " + path + ": its SummitDriver has " + std::to_string(table->struct_size) + " bytes, expected at least " +
               std::to_string(kLeastTableBytes);
    return false;
  }
  std::memcpy(&driver_, table, std::min<size_t>(table->struct_size, sizeof(driver_)));
  const bool whole = driver_.name != nullptr && driver_.version != nullptr && driver_.open != nullptr &&
                     driver_.start != nullptr && driver_.stop != nullptr && driver_.close != nullptr &&
                     (push() || driver_.next != nullptr);
  if (!whole) {
    *message = "plugin: " + path + ": name, version, open, start, stop, close and (pull style) next must not be NULL";
    return false;
  }
  return true;
}

void Plugin::Commit(const SummitFrame* given) {
  // Only the bytes that both sides know.
  SummitFrame frame{};
  std::memcpy(&frame, given, std::min<size_t>(given->struct_size, sizeof(frame)));
  frame.struct_size = sizeof(frame);
  TakeOver(&frame);
  outer_.commit(outer_.context, &frame);
}

// A stamp whose slot is not the library's goes on without pixels.
void Plugin::TakeOver(SummitFrame* frame) {
  if (frame->token == 0 || held_.Remove(frame->token)) return;
  outer_.cancel(outer_.context, kNoToken);
  frame->token = 0;
  frame->data = nullptr;
}

int Plugin::Image(const SummitImageEvent& given) const {
  SummitImageEvent event{};
  std::memcpy(&event, &given, std::min<size_t>(given.struct_size, sizeof(event)));
  event.struct_size = sizeof(event);
  return outer_.image(outer_.context, &event);
}

int Plugin::Next(SummitFrame* frame, int timeout_ms) {
  if (push()) {
    stopped_.Wait(timeout_ms);
    return 0;
  }
  const int got = driver_.next(handle_, frame, timeout_ms);
  if (got == 1) TakeOver(frame);
  return got;
}

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Options options(json, "plugin");
  const std::string path = options.Text("path", "");
  // A library may hold several drivers.
  const std::string symbol = options.Text("symbol", SUMMIT_DRIVER_SYMBOL);
  std::string text = options.Problems(false);
  if (text.empty() && path.empty()) text = "plugin: path: expected the path of a shared library";
  if (!text.empty()) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);

  auto plugin = std::make_unique<Plugin>(*host);
  if (!plugin->Load(path, symbol, &text)) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  const int code = plugin->OpenLibrary(options.Rest(), message, message_bytes);
  if (code != SUMMIT_OK) {
    plugin->Forget();
    return code;
  }
  text = std::string("plugin: ") + plugin->driver().name + " " + plugin->driver().version + " from " + path;
  host->log(host->context, 20, text.c_str());
  *handle = plugin.release();
  return SUMMIT_OK;
}

Plugin* Of(void* handle) { return static_cast<Plugin*>(handle); }

int Control(void* handle, const char* in, char* out, uint64_t out_bytes, int deadline_ms) {
  const SummitDriver& driver = Of(handle)->driver();
  if (driver.control == nullptr) return SUMMIT_ERR_UNSUPPORTED;
  return driver.control(Of(handle)->handle(), in, out, out_bytes, deadline_ms);
}

void Release(void* handle, const SummitFrame* frame) {
  const SummitDriver& driver = Of(handle)->driver();
  if (driver.release != nullptr && (driver.caps & SUMMIT_CAP_PUSH) == 0) driver.release(Of(handle)->handle(), frame);
}

int Stats(void* handle, SummitLinkStats* stats) {
  const SummitDriver& driver = Of(handle)->driver();
  return driver.stats != nullptr ? driver.stats(Of(handle)->handle(), stats) : static_cast<int>(SUMMIT_ERR_UNSUPPORTED);
}

constexpr SummitDriver kPlugin = {
    .struct_size = sizeof(SummitDriver),
    .abi_version = SUMMIT_ABI_VERSION,
    .name = "plugin",
    .version = "1",
    .caps = SUMMIT_CAP_CONTROL,
    .open = Open,
    .start = [](void* handle) { return Of(handle)->driver().start(Of(handle)->handle()); },
    .stop = [](void* handle, int deadline_ms) { return Of(handle)->Stop(deadline_ms); },
    .next = [](void* handle, SummitFrame* frame, int timeout_ms) { return Of(handle)->Next(frame, timeout_ms); },
    .release = Release,
    .control = Control,
    .stats = Stats,
    .close = [](void* handle) { delete Of(handle); },
};

}  // namespace

const SummitDriver* PluginDriver() { return &kPlugin; }

}  // namespace summit::daq
