// SPDX-License-Identifier: Apache-2.0
// The `datadev` driver over a card that behaves as the kernel driver's documentation says, and misbehaves as it may.
#include "addons/daq/datadev_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "addons/daq/crc32c.h"
#include "addons/daq/testing/fake_card.h"
#include "addons/daq/testing/test_host.h"
#include "addons/daq/testing/wire_source.h"

namespace summit::daq {
namespace {

using testing::FakeCard;
using testing::TestHost;
using testing::WireSource;

#ifdef SUMMIT_SANITIZED
constexpr uint64_t kFrames = 30000;
#else
constexpr uint64_t kFrames = 1000000;
#endif

// A message in one piece, as it travels on the fibre.
std::vector<uint8_t> Message(WireHeader header, std::span<const uint8_t> payload) {
  header.total_bytes = static_cast<uint32_t>(payload.size());
  header.payload_crc32c = payload.empty() ? 0 : Crc32c(payload.data(), payload.size());
  std::vector<uint8_t> bytes(kWireHeaderBytes + payload.size());
  EncodeWireHeader(header, std::span<uint8_t, kWireHeaderBytes>(bytes.data(), kWireHeaderBytes));
  std::copy(payload.begin(), payload.end(), bytes.begin() + kWireHeaderBytes);
  return bytes;
}

class Rig {
 public:
  explicit Rig(const std::string& options = "{}", const testing::FakeCardSettings& settings = {}) : card(settings) {
    source.rows = source.cols = 10;
    code = OpenDatadev(card.calls(), options.c_str(), &host.host(), &handle_, message.data(), message.size());
  }
  ~Rig() { Close(); }
  void Close() {
    if (handle_ != nullptr) DatadevDriver()->close(handle_);
    handle_ = nullptr;
  }

  std::vector<uint8_t> Stamp(uint16_t stamp, uint8_t location = 3) {
    WireHeader header = source.Header(SUMMIT_EVENT_STAMP, location);
    header.pixel_type = SUMMIT_PIXEL_I32;
    header.rows = source.rows;
    header.cols = source.cols;
    header.stamp = stamp;
    pixels_.resize(size_t{header.rows} * header.cols * 4, static_cast<uint8_t>(stamp));
    return Message(header, pixels_);
  }

  // The next frame; false when none comes in time.
  bool Next(SummitFrame* frame, int timeout_ms = 0) {
    *frame = SummitFrame{};
    frame->struct_size = sizeof(*frame);
    if (DatadevDriver()->next(handle_, frame, timeout_ms) != 1) return false;
    DatadevDriver()->release(handle_, frame);
    if (frame->token != 0) host.pool().Release(frame->token);
    return true;
  }
  // The first frame of this type, others are taken on the way.
  bool Until(uint8_t type, SummitFrame* frame) {
    for (int i = 0; i < 200; ++i) {
      if (Next(frame, 50) && frame->event_type == type) return true;
    }
    return false;
  }
  void Drain() {
    SummitFrame frame;
    while (Next(&frame)) {
    }
  }

  std::map<std::string, uint64_t> Stats() {
    SummitLinkStats stats{};
    stats.struct_size = sizeof(stats);
    DatadevDriver()->stats(handle_, &stats);
    std::map<std::string, uint64_t> all{{"bad_magic", stats.bad_magic}, {"bad_header", stats.bad_header}, {"bad_payload", stats.bad_payload},
                                        {"packets", stats.packets}, {"link_up", stats.link_up}};
    for (uint64_t i = 0; i < stats.named_counts; ++i) all[stats.named[i].name] = stats.named[i].value;
    return all;
  }

  FakeCard card;
  TestHost host{64, 4096};
  WireSource source;
  int code = SUMMIT_OK;
  std::string message = std::string(512, '\0');

 private:
  void* handle_ = nullptr;
  std::vector<uint8_t> pixels_;
};

TEST(Datadev, AStampOfSeveralBuffersIsPutTogetherAndItsBuffersGoBack) {
  Rig rig;
  ASSERT_EQ(rig.code, SUMMIT_OK) << rig.message;
  ASSERT_TRUE(rig.card.Deliver(0, rig.Stamp(7)));
  EXPECT_EQ(rig.card.waiting(), 2u);
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_EQ(frame.stamp, 7);
  EXPECT_EQ(frame.bytes, 400u);
  EXPECT_NE(frame.token, 0u);
  EXPECT_EQ(frame.flags, 0u);
  rig.Drain();
  EXPECT_EQ(rig.card.in_user(), 0u);
  const auto stats = rig.Stats();
  EXPECT_EQ(stats.at("dma_continued"), 1u);
  EXPECT_EQ(stats.at("dma_returned"), 2u);
  EXPECT_EQ(stats.at("dma_rx_buffers_now"), 32u);
}

TEST(Datadev, EventsCarryTheirPayload) {
  Rig rig;
  const std::string obsid = "MC_O_20261124_000001";
  rig.card.Deliver(0, Message(rig.source.Header(SUMMIT_EVENT_RESUME, 3), {reinterpret_cast<const uint8_t*>(obsid.data()), obsid.size()}));
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_RESUME, &frame));
  ASSERT_EQ(frame.bytes, obsid.size());
  const uint64_t sent = 41;
  rig.card.Deliver(0, Message(rig.source.Header(SUMMIT_EVENT_PAUSE, 3), {reinterpret_cast<const uint8_t*>(&sent), sizeof(sent)}));
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_PAUSE, &frame));
  EXPECT_EQ(frame.stamps_sent, 41u);
}

TEST(Datadev, CopiesWhereBuffersCannotBeMapped) {
  for (const bool by_option : {true, false}) {
    Rig rig(by_option ? R"({"zeroCopy":false})" : "{}", {.mappable = by_option});
    ASSERT_EQ(rig.code, SUMMIT_OK) << rig.message;
    rig.card.Deliver(0, rig.Stamp(1));
    SummitFrame frame;
    ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
    EXPECT_NE(frame.token, 0u);
    EXPECT_EQ(rig.card.in_hardware(), 32u);
    EXPECT_EQ(rig.Stats().at("dma_returned"), 0u);
    EXPECT_EQ(rig.host.log().size(), by_option ? 1u : 2u);
  }
}

TEST(Datadev, ABatchThatTheCardStopsGoesBackOneByOne) {
  Rig rig;
  rig.card.RefuseBatches(3);
  SummitFrame frame;
  for (uint16_t i = 0; i < 12; ++i) {
    ASSERT_TRUE(rig.card.Deliver(0, rig.Stamp(i)));
    ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  }
  rig.Drain();
  EXPECT_EQ(rig.card.in_user(), 0u);
  EXPECT_EQ(rig.Stats().at("dma_returned"), 24u);
  EXPECT_EQ(rig.Stats().at("dma_return_refused"), 0u);
}

TEST(Datadev, ARecordThatNamesNoBufferIsCountedAndSpoilsNothing) {
  Rig rig;
  rig.card.DeliverBadIndex(0);
  rig.card.Deliver(0, rig.Stamp(4));
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_NE(frame.token, 0u);
  EXPECT_EQ(rig.Stats().at("dma_bad_index"), 1u);
  rig.Drain();
  EXPECT_EQ(rig.card.in_user(), 0u);
}

TEST(Datadev, EveryErrorBitIsCountedAndItsStampIsNotMeasured) {
  const std::vector<std::pair<uint32_t, std::string>> bits{
      {kCardErrorFifo, "dma_error_fifo"}, {kCardErrorLength, "dma_error_len"}, {kCardErrorMax, "dma_error_max"}, {kCardErrorBus, "dma_error_bus"}};
  const std::vector<uint32_t> flags{SUMMIT_FRAME_FIFO, SUMMIT_FRAME_LEN, SUMMIT_FRAME_MAX, SUMMIT_FRAME_BUS};
  Rig rig;
  SummitFrame frame;
  for (size_t i = 0; i < bits.size(); ++i) {
    rig.card.DeliverPiece(0, rig.Stamp(static_cast<uint16_t>(i)), 0, bits[i].first);
    ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
    EXPECT_EQ(frame.token, 0u);
    EXPECT_EQ(frame.flags, flags[i] | SUMMIT_FRAME_INCOMPLETE);
    EXPECT_EQ(rig.Stats().at(bits[i].second), 1u);
  }
  rig.card.DeliverPiece(0, rig.Stamp(9), kCardTimedOut, 0);
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_EQ(rig.Stats().at("dma_timed_out"), 1u);
  EXPECT_EQ(rig.host.pool().in_use(), 0u);
}

TEST(Datadev, TheNextMessageEndsAFrameWhoseRestWasLostAndSoDoesTime) {
  Rig rig;
  const std::vector<uint8_t> first = rig.Stamp(1);
  SummitFrame frame;
  rig.card.DeliverPiece(0, std::span(first).first(200), kCardContinues, 0);
  rig.card.Deliver(0, rig.Stamp(2));
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_EQ(frame.stamp, 1);
  EXPECT_EQ(frame.missing, 400u - (200u - kWireHeaderBytes));
  EXPECT_NE(frame.flags & SUMMIT_FRAME_INCOMPLETE, 0u);
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_NE(frame.token, 0u);
  rig.card.DeliverPiece(0, std::span(first).first(200), kCardContinues, 0);
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_NE(frame.flags & SUMMIT_FRAME_LATE, 0u);
  EXPECT_EQ(rig.Stats().at("dma_broken"), 2u);
}

TEST(Datadev, WhatIsNotClaimedIsThrownAwayByTheCardAndNobodyCountsIt) {
  Rig rig(R"({"destinations":[1,256]})");
  ASSERT_EQ(rig.code, SUMMIT_OK) << rig.message;
  rig.card.Deliver(0, rig.Stamp(1));
  rig.card.Deliver(256, rig.Stamp(2));
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_EQ(frame.stamp, 2);
  EXPECT_EQ(rig.card.thrown_away(), 2u);
  EXPECT_EQ(rig.Stats().at("packets"), 2u);
}

TEST(Datadev, StarvationIsSeenInTheCardsOwnNumbers) {
  Rig rig("{}", {.rx = 8});
  SummitFrame frame;
  rig.Drain();
  while (rig.card.Deliver(0, rig.Stamp(0))) {
  }
  EXPECT_GT(rig.card.no_buffer(), 0u);
  usleep(550000);  // the card is looked at twice a second
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  rig.Drain();
  EXPECT_EQ(rig.Stats().at("dma_starved"), 1u);
  const auto log = rig.host.log();
  EXPECT_TRUE(std::any_of(log.begin(), log.end(), [](const std::string& line) { return line.find("no free buffer") != std::string::npos; }));
  EXPECT_EQ(rig.card.in_user(), 0u);
}

TEST(Datadev, RegistersAreToldAndADarkFibreIsALinkThatIsDown) {
  Rig rig(R"({"registers":[{"name":"link_status","address":64},{"name":"cell_errors","address":68}]})");
  ASSERT_EQ(rig.code, SUMMIT_OK) << rig.message;
  rig.card.SetRegister(64, 1);
  rig.card.SetRegister(68, 12);
  rig.Drain();
  EXPECT_EQ(rig.Stats().at("register_cell_errors"), 12u);
  rig.card.Deliver(0, rig.Stamp(1));
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_LINK_UP, &frame));
  rig.card.SetRegister(64, 0);
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_LINK_DOWN, &frame));
  EXPECT_EQ(rig.Stats().at("link_up"), 0u);
}

TEST(Datadev, ACardThatGoesAwayIsALinkThatIsDownUntilItIsBack) {
  Rig rig;
  rig.card.Deliver(0, rig.Stamp(1));
  SummitFrame frame;
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  rig.card.PullOut();
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_LINK_DOWN, &frame));
  EXPECT_EQ(rig.card.in_user(), 0u) << "closing gives everything back";
  EXPECT_FALSE(rig.Next(&frame, 300));
  rig.card.PutBack();
  while (rig.Stats().at("dma_reopened") == 0) EXPECT_FALSE(rig.Next(&frame, 100));
  rig.card.Deliver(0, rig.Stamp(2));
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_LINK_UP, &frame));
  ASSERT_TRUE(rig.Until(SUMMIT_EVENT_STAMP, &frame));
  EXPECT_EQ(frame.stamp, 2);
}

TEST(Datadev, SaysWhatIsWrongAndWhatToDo) {
  const auto refusal = [](FakeCard* card, const std::string& options) {
    TestHost host;
    void* handle = nullptr;
    char message[512] = "";
    EXPECT_LT(OpenDatadev(card->calls(), options.c_str(), &host.host(), &handle, message, sizeof(message)), 0);
    return std::string(message);
  };
  FakeCard card, old({.version = 5}), other({.version = -1});
  EXPECT_NE(refusal(&card, R"({"destinations":[4096],"colour":1})").find("colour: not a key"), std::string::npos);
  EXPECT_NE(refusal(&card, R"({"registers":[{"name":"Bad Name","address":1}]})").find("registers: name: expected"), std::string::npos);
  EXPECT_NE(refusal(&old, "{}").find("API version 6, got 5"), std::string::npos);
  EXPECT_NE(refusal(&other, "{}").find("no datadev card"), std::string::npos);
  card.RefuseOpen(EACCES);
  EXPECT_NE(refusal(&card, "{}").find("60-summit-agent.rules"), std::string::npos);
  card.RefuseOpen(ENOENT);
  EXPECT_NE(refusal(&card, "{}").find("modprobe datadev"), std::string::npos);
  card.RefuseOpen(0);
  const int holder = card.calls().open(&card, "");
  std::vector<uint8_t> mask(kCardMaskBytes, 0);
  mask[0] = 1;
  ASSERT_EQ(card.calls().ioctl(&card, holder, kCardMaskBytesRequest, reinterpret_cast<uint64_t>(mask.data())), 0);
  EXPECT_NE(refusal(&card, "{}").find("another process has one of them"), std::string::npos);
  EXPECT_EQ(refusal(&card, R"({"device":"/dev/datadev_0","destinations":[0,1]})").find("datadev: destinations"), 0u);
}

// The card itself, row by row of what is known about it: the driver's tests are worth what it is worth.
TEST(FakeCard, DoesWhatTheKernelDriverDoes) {
  FakeCard card({.rx = 4, .tx = 2});
  const CardCalls calls = card.calls();
  const auto ask = [&](int fd, unsigned long request, void* argument) { return calls.ioctl(&card, fd, request, reinterpret_cast<uint64_t>(argument)); };
  const int fd = calls.open(&card, "/dev/datadev_0");
  std::vector<uint8_t> mask(kCardMaskBytes, 0), bytes(600, 1);
  mask[0] = 1;
  card.DeliverPiece(0, bytes, 0, 0);
  EXPECT_EQ(card.thrown_away(), 1u) << "nothing is delivered before the mask";
  ASSERT_EQ(ask(fd, kCardMaskBytesRequest, mask.data()), 0);
  EXPECT_EQ(ask(fd, kCardMaskBytesRequest, mask.data()), -1) << "once per open";

  std::vector<CardRecord> records(6);
  EXPECT_EQ(calls.read(&card, fd, records.data(), 40), 0) << "never waits";
  EXPECT_EQ(calls.read(&card, fd, records.data(), 41), -1) << "whole records only";
  EXPECT_EQ(calls.read(&card, fd, records.data(), 7 * 40), -1) << "no more than there are buffers";
  EXPECT_TRUE(card.Deliver(0, bytes));
  pollfd waiting{fd, POLLIN, 0};
  EXPECT_EQ(calls.poll(&card, &waiting, 1, 0), 1);
  ASSERT_EQ(calls.read(&card, fd, records.data(), 6 * 40), 3) << "records, not bytes";
  EXPECT_EQ(records[0].flags, kCardContinues);
  EXPECT_EQ(records[2].flags, 0u);
  EXPECT_EQ(records[2].ret, 600 - 512);
  EXPECT_EQ(card.in_user(), 3u);

  std::vector<uint32_t> indices{records[0].index, 99, records[1].index};
  EXPECT_EQ(ask(fd, kCardReturnIndex | 3u << 16, indices.data()), -1) << "one bad index stops the batch";
  EXPECT_EQ(card.in_user(), 3u);
  indices[1] = records[2].index;
  EXPECT_EQ(ask(fd, kCardReturnIndex | 3u << 16, indices.data()), 0);
  EXPECT_EQ(ask(fd, kCardReturnIndex | 1u << 16, indices.data()), -1) << "only one's own";

  records[0] = CardRecord{};
  records[0].data = reinterpret_cast<uint64_t>(bytes.data());
  records[0].size = 100;
  card.DeliverPiece(0, std::span(bytes).first(200), 0, 0);
  ASSERT_EQ(calls.read(&card, fd, records.data(), 40), 1);
  EXPECT_EQ(records[0].ret, -1);
  EXPECT_EQ(records[0].error, kCardErrorMax) << "too small: lost";
  card.Deliver(0, bytes);
  calls.close(&card, fd);
  EXPECT_EQ(card.in_hardware(), 4u) << "close returns everything";
}

// What the test expects of the driver, in its own words.
struct Expected {
  uint64_t whole = 0, cut = 0, wrong_size = 0;
  std::map<std::string, uint64_t> stats;
};

TEST(Datadev, AMillionFramesWithRandomFaultsLeakNothingAndEachIsCounted) {
  Rig rig(R"({"destinations":[0,1,2,3],"linkTimeoutMs":0})", {.rx = 64});
  ASSERT_EQ(rig.code, SUMMIT_OK) << rig.message;
  std::mt19937_64 random(20261127);
  Expected expected;
  uint64_t whole = 0, cut = 0, wrong_size = 0;
  SummitFrame frame;
  const auto take = [&] {
    while (rig.Next(&frame)) {
      if (frame.event_type != SUMMIT_EVENT_STAMP) continue;
      if ((frame.flags & (SUMMIT_FRAME_LEN | SUMMIT_FRAME_MAX)) != 0) ++wrong_size;
      else if ((frame.flags & SUMMIT_FRAME_INCOMPLETE) != 0) ++cut;
      else if (frame.token != 0) ++whole;
    }
  };
  take();
  for (uint64_t n = 0; n < kFrames; ++n) {
    const auto dest = static_cast<uint32_t>(n % 4);
    std::vector<uint8_t> bytes = rig.Stamp(static_cast<uint16_t>(n / 4), static_cast<uint8_t>(dest));
    const std::span<const uint8_t> all(bytes);
    const uint64_t draw = random() % 100;
    const auto both = [&](uint32_t flags, uint32_t error, std::span<const uint8_t> second) {
      rig.card.DeliverPiece(dest, all.first(256), kCardContinues, 0);
      rig.card.DeliverPiece(dest, second, flags, error);
      expected.stats["packets"] += 2;
      ++expected.stats["dma_continued"];
      ++expected.stats["dma_frames"];
    };
    if (draw == 0) {
      both(0, kCardErrorFifo, all.subspan(256));
      ++expected.cut, ++expected.stats["dma_error_fifo"];
    } else if (draw == 1) {
      both(0, kCardErrorLength, all.subspan(256));
      ++expected.wrong_size, ++expected.stats["dma_error_len"];
    } else if (draw == 2) {
      both(0, kCardErrorMax, all.subspan(256));
      ++expected.wrong_size, ++expected.stats["dma_error_max"];
    } else if (draw == 3) {
      both(0, kCardErrorBus, all.subspan(256));
      ++expected.cut, ++expected.stats["dma_error_bus"];
    } else if (draw == 4) {
      both(kCardTimedOut, 0, all.subspan(256, 100));
      ++expected.cut, ++expected.stats["dma_timed_out"], ++expected.stats["bad_payload"];
    } else if (draw == 5) {  // bits flipped in the pixels
      bytes[kWireHeaderBytes + random() % 400] ^= static_cast<uint8_t>(1 + random() % 255);
      both(0, 0, all.subspan(256));
      ++expected.cut, ++expected.stats["bad_payload"];
    } else if (draw == 6) {  // ... in the header: nobody can say which stamp it was
      bytes[12 + random() % 56] ^= static_cast<uint8_t>(1 + random() % 255);
      both(0, 0, all.subspan(256));
      ++expected.stats["bad_header"];
    } else if (draw == 7) {  // its end is lost; the next frame of this destination tells
      rig.card.DeliverPiece(dest, all.first(256), kCardContinues, 0);
      ++expected.stats["packets"], ++expected.stats["dma_continued"], ++expected.stats["dma_frames"];
      ++expected.stats["dma_broken"], ++expected.cut, ++expected.stats["bad_payload"];
      bytes = rig.Stamp(static_cast<uint16_t>(n / 4), static_cast<uint8_t>(dest));
      rig.card.Deliver(dest, bytes);
      expected.stats["packets"] += 2, ++expected.stats["dma_continued"], ++expected.stats["dma_frames"], ++expected.whole;
    } else if (draw == 8) {
      rig.card.DeliverBadIndex(dest);
      ++expected.stats["packets"], ++expected.stats["dma_frames"], ++expected.stats["dma_bad_index"], ++expected.stats["bad_magic"];
    } else if (draw == 9) {  // a destination that nobody has
      rig.card.Deliver(77, bytes);
    } else {
      if (draw == 10) rig.card.RefuseBatches(1);
      rig.card.Deliver(dest, bytes);
      expected.stats["packets"] += 2, ++expected.stats["dma_continued"], ++expected.stats["dma_frames"], ++expected.whole;
    }
    if (random() % 8 == 0 || rig.card.waiting() > 48) take();
  }
  take();
  EXPECT_EQ(whole, expected.whole);
  EXPECT_EQ(cut, expected.cut);
  EXPECT_EQ(wrong_size, expected.wrong_size);
  EXPECT_EQ(rig.card.no_buffer(), 0u);
  const auto stats = rig.Stats();
  for (const auto& [name, value] : expected.stats) EXPECT_EQ(stats.at(name), value) << name;
  EXPECT_EQ(stats.at("dma_returned") + stats.at("dma_bad_index"), stats.at("packets"));
  EXPECT_EQ(stats.at("dma_return_refused"), 0u);
  EXPECT_EQ(rig.card.in_user(), 0u) << "leaked indices";
  EXPECT_EQ(rig.card.in_hardware(), 64u);
  EXPECT_EQ(rig.host.pool().in_use(), 0u);
  EXPECT_EQ(rig.host.pool().stale_releases(), 0u);
}

}  // namespace
}  // namespace summit::daq
