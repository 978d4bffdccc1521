// SPDX-License-Identifier: Apache-2.0
// Part of the stand-in for the DAQ SDK: commands.
// Thread: one at a time. Owns: its connection to the simulated DAQ.
#ifndef SUMMIT_MOCK_GDS_CLIENT_HH_
#define SUMMIT_MOCK_GDS_CLIENT_HH_

#include <gds/Records.hh>

#include <memory>

namespace GDS {

struct Wire;

class Client {
 public:
  explicit Client(const char* partition);
  Client(const char* partition, const char* interface);
  Client(const Client&) = delete;
  ~Client();

  int wake(const ClearParameters&, Status&);
  int sleep(Status&);
  int start(const RoiCommon&, const RoiLocation*, unsigned count, const char* comment, uint32_t loops, Status&);
  int clear(const ClearParameters&, Status&);
  int stop(const char* comment, Status&);
  int pause(const char* comment, Status&);
  int resume(const char* comment, Status&);
  int series(Status&, Series&);
  int config(Status&, Series&, RoiCommon&, RoiLocation*, unsigned& count);

 private:
  std::unique_ptr<Wire> wire_;
};

}  // namespace GDS

#endif  // SUMMIT_MOCK_GDS_CLIENT_HH_
