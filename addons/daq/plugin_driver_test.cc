// SPDX-License-Identifier: Apache-2.0
// The ABI, proved by a library that knows nothing but driver.h: testing/mock_plugin.cc.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "addons/daq/drivers.h"
#include "addons/daq/testing/link_rig.h"
#include "addons/daq/testing/test_host.h"
#include "addons/image/unpack18.h"

namespace summit::daq {
namespace {

using testing::LinkRig;
using testing::MockPluginPath;
using testing::TestHost;

std::string Settings(const std::string& symbol, const std::string& more) {
  return R"({"driver":"plugin","slots":16,"slotBytes":4096,"hugePages":false,"options":{"path":")" + MockPluginPath() +
         R"(","symbol":")" + symbol + R"(","sensors":2)" + more + R"(},"sensors":[{"location":0},{"location":1}]})";
}

std::string RefusalOf(const std::string& options) {
  TestHost host;
  void* handle = nullptr;
  char message[512] = "";
  const int code = PluginDriver()->open(options.c_str(), &host.host(), &handle, message, sizeof(message));
  EXPECT_EQ(code, SUMMIT_ERR_CONFIG);
  EXPECT_EQ(handle, nullptr);
  return message;
}

class PluginStyle : public ::testing::TestWithParam<const char*> {};

TEST_P(PluginStyle, DeliversAWholeSeriesWithItsFaults) {
  LinkRig rig(Settings(GetParam(), R"(,"stamps":60,"dropEvery":7,"incompleteEvery":10,"doubleEvery":9)"));
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  ASSERT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_END) == 1; }));
  EXPECT_EQ(rig.Count(SUMMIT_EVENT_START), 2u);
  EXPECT_EQ(rig.Count(SUMMIT_EVENT_RESUME), 2u);
  EXPECT_EQ(rig.Count(SUMMIT_EVENT_STOP), 2u);
  EXPECT_EQ(std::string(rig.records()[0].series.id), "mock");
  for (size_t i = 0; i < 2; ++i) {
    const SensorCounters& c = rig.link().worker().counters(i);
    EXPECT_EQ(c.seen.Get(), c.complete.Get() + c.incomplete.Get() + c.bad.Get() + c.duplicate.Get() + c.dropped.Get());
    EXPECT_EQ(c.complete.Get() + c.incomplete.Get() + c.dropped.Get() + c.lost.Get(), 60u);
    EXPECT_EQ(c.lost.Get(), 8u);
    EXPECT_EQ(c.incomplete.Get(), 6u);
    EXPECT_GT(c.duplicate.Get(), 0u);
  }
  EXPECT_TRUE(rig.link().Stop(5000));
  EXPECT_EQ(rig.link().pool().in_use(), 0u);
  EXPECT_EQ(rig.link().pool().stale_releases(), 0u);
}

TEST_P(PluginStyle, StopsInTheMiddleWithAllSlotsBack) {
  LinkRig rig(Settings(GetParam(), R"(,"stamps":100000000)"));
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  ASSERT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_STAMP) > 100; }));
  EXPECT_TRUE(rig.link().Stop(5000));
  EXPECT_EQ(rig.link().pool().in_use(), 0u);
}

TEST_P(PluginStyle, ALibraryThatGivesASlotBackTwiceIsCountedAndHurtsNobody) {
  LinkRig rig(Settings(GetParam(), R"(,"stamps":200,"staleToken":true)"));
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  ASSERT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_END) == 1; }));
  EXPECT_TRUE(rig.link().Stop(5000));
  EXPECT_GT(rig.link().pool().stale_releases(), 0u);
  EXPECT_EQ(rig.link().pool().in_use(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Styles, PluginStyle, ::testing::Values("summit_driver", "summit_driver_push"));

TEST(PluginDriver, ImagesOfALibraryAreBookedAndItsEventsMayBeOlder) {
  const std::string whole = std::to_string(image::kStreamBytes), images = R"("images":{"sources":[{"location":72,"kind":"latiss"}],"sets":1,"hugePages":false},)";
  for (const bool short_of : {false, true}) {
    std::string settings = Settings("summit_driver", R"(,"stamps":1,"imageBytes":)" + (short_of ? "1000" : whole));
    settings.insert(1, images);
    LinkRig rig(settings);
    ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
    std::vector<ImageNews> news = rig.link().images()->TakeNews();
    ASSERT_EQ(news.size(), 3u);
    EXPECT_EQ(news[0].name, "AT_O_20261124_000001");
    EXPECT_EQ(news[1].reason, short_of ? "short" : "");
    if (!short_of) {
      // 0xA5A5A5A5: 18 bits of it, the top one flipped.
      EXPECT_EQ(rig.link().images()->Planes(news[1].token)[15 * image::kSegmentPixels], static_cast<int32_t>((0xA5A5A5A5u & 0x3FFFFu) ^ 0x20000u));
      EXPECT_TRUE(rig.link().images()->Release(news[1].token));
    }
    EXPECT_EQ(rig.link().images()->Counters().at(short_of ? "failed_short" : "delivered"), 1u);
    EXPECT_TRUE(rig.link().Stop(5000));
  }
}

TEST(PluginDriver, CommandsReachTheLibrary) {
  LinkRig rig(Settings("summit_driver", R"(,"stamps":1)"));
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  std::string reply;
  EXPECT_EQ(rig.link().Control(R"({"command":"status"})", 100, &reply), SUMMIT_OK);
  EXPECT_EQ(reply, R"({"status":0,"reply":"SUCCESS","echo":{"command":"status"}})");
  EXPECT_TRUE(rig.link().Stop(5000));
  EXPECT_EQ(rig.link().Control("{}", 100, &reply), SUMMIT_ERR_STATE);
}

TEST(PluginDriver, SaysWhatIsWrongWithALibrary) {
  const std::string path = MockPluginPath();
  const auto with_symbol = [&](const std::string& symbol) {
    return RefusalOf(R"({"path":")" + path + R"(","symbol":")" + symbol + R"("})");
  };
  EXPECT_NE(RefusalOf("{}").find("path: expected"), std::string::npos);
  EXPECT_NE(RefusalOf(R"({"path":"/nowhere/lib.so"})").find("cannot load"), std::string::npos);
  EXPECT_NE(with_symbol("no_such_symbol").find("no_such_symbol"), std::string::npos);
  EXPECT_NE(with_symbol("summit_driver_other_abi").find("ABI 2, expected 1"), std::string::npos);
  EXPECT_NE(with_symbol("summit_driver_small").find("16 bytes"), std::string::npos);
  EXPECT_NE(RefusalOf(R"({"path":")" + path + R"(","sensors":0})").find("sensors: expected"), std::string::npos);
}

TEST(PluginDriver, ALibraryThatDoesNotComeBackIsLeftBehindInTime) {
  LinkRig rig(Settings("summit_driver", R"(,"stuck":true)"));
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  const uint64_t before = MonotonicNs();
  EXPECT_FALSE(rig.link().Stop(50));
  EXPECT_LT(MonotonicNs() - before, 5000000000u);
  EXPECT_NE(rig.link().Snapshot().outcomes["stop"].find("left behind"), std::string::npos);
}

}  // namespace
}  // namespace summit::daq
