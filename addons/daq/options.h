// SPDX-License-Identifier: Apache-2.0
// Reads the keys of a JSON object strictly: wrong type, value out of range and unknown keys are one sentence each.
// Thread: one at a time.
// Owns: the parsed text.
#ifndef SUMMIT_DAQ_OPTIONS_H_
#define SUMMIT_DAQ_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace summit::daq {

class Options {
 public:
  // `where` opens every complaint, as in "wire: port: expected ...".
  Options(std::string_view json, std::string_view where);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // Each reads one key and returns `otherwise` when it is absent, null or wrong.
  int64_t Int(const char* key, int64_t otherwise, int64_t least, int64_t most);
  double Real(const char* key, double otherwise, double least, double most);
  bool Flag(const char* key, bool otherwise);
  std::string Text(const char* key, std::string_view otherwise);
  std::vector<int64_t> Ints(const char* key, int64_t least, int64_t most);
  // The value as JSON text, whatever it is ("null" when absent); for parts that others read.
  std::string Json(const char* key);
  // The elements of an array, each as JSON text.
  std::vector<std::string> Array(const char* key);
  bool Has(const char* key) const;

  // Everything that was wrong, joined by "; ", unknown keys included; empty when all is well.
  // `strict`: keys that were not asked for are complaints.
  std::string Problems(bool strict = true);

  // The whole object as JSON text without the keys that were asked for.
  std::string Rest() const;

 private:
  struct State;
  void Complain(const char* key, const std::string& text);
  std::unique_ptr<State> state_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_OPTIONS_H_
