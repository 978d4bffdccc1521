// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/image_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "addons/pixels/raw_decode.h"

namespace summit::daq {
namespace {

constexpr uint8_t kOne = 72;
constexpr uint8_t kTwo = 99;

// A stream whose value at clock i and channel c is known: 20000 + 1000 c + i % 997.
const std::vector<uint8_t>& Stream() {
  static const std::vector<uint8_t> stream = [] {
    std::vector<uint8_t> raw(image::kStreamBytes, 0);
    for (size_t i = 0; i < image::kSegmentPixels; i++) {
      for (size_t c = 0; c < image::kChannels; c++) {
        const uint64_t value = (20000 + 1000 * c + i % 997) ^ pixels::kRawCodeInverted;
        for (size_t b = 0; b < 18; b++) {
          const size_t bit = 18 * c + b;
          raw[i * 36 + bit / 8] = static_cast<uint8_t>(raw[i * 36 + bit / 8] | (value >> b & 1u) << (bit % 8));
        }
      }
    }
    return raw;
  }();
  return stream;
}

class ImageReceiverTest : public testing::Test {
 protected:
  void SetUp() override {
    ImageSettings settings;
    settings.sources = {{kOne, image::kWavefrontChannels}, {kTwo, image::kLatissChannels}};
    settings.sets = 2;
    settings.huge_pages = false;
    std::string message;
    receiver_ = ImageReceiver::Create(settings, [this] { rings_++; }, &message);
    ASSERT_NE(receiver_, nullptr) << message;
  }
  void TearDown() override {
    const auto counters = receiver_->Counters();
    EXPECT_EQ(counters.at("created"), counters.at("delivered") + counters.at("failed"));
  }

  SummitImageEvent Event(uint16_t type, uint8_t location = 0, uint64_t id = 7) const {
    SummitImageEvent event{};
    event.struct_size = sizeof(event);
    event.type = type;
    event.image = id;
    event.location = location;
    event.t_ns = 1000;
    event.bytes_expected = image::kStreamBytes;
    return event;
  }
  void Created(uint64_t id = 7) {
    SummitImageEvent event = Event(SUMMIT_IMAGE_CREATED, 0, id);
    event.name = "MC_O_20261102_000087";
    event.json = R"({"folder":"raw"})";
    event.t_src_tai_ns = 5;
    ASSERT_EQ(receiver_->On(event), 1);
  }
  int Send(uint8_t location, uint64_t from, uint64_t to, uint64_t id = 7) {
    int wanted = 1;
    for (uint64_t at = from; at < to && wanted == 1;) {
      SummitImageEvent event = Event(SUMMIT_IMAGE_DATA, location, id);
      event.offset = at;
      event.bytes = std::min<uint64_t>(to - at, 1000003);
      event.data = Stream().data() + at % image::kStreamBytes;
      event.bytes = std::min(event.bytes, image::kStreamBytes - at % image::kStreamBytes);
      wanted = receiver_->On(event);
      at += event.bytes;
    }
    return wanted;
  }
  void End(uint8_t location, int status = SUMMIT_IMAGE_OK, uint64_t id = 7) {
    SummitImageEvent event = Event(SUMMIT_IMAGE_SOURCE_END, location, id);
    event.status = status;
    receiver_->On(event);
  }
  // What became of it: "source", or the reason of the failure; each with its location.
  std::vector<std::string> Fates() {
    std::vector<std::string> fates;
    for (const ImageNews& news : receiver_->TakeNews()) {
      if (news.kind == ImageNewsKind::kSource) fates.push_back(std::to_string(news.location) + " source");
      if (news.kind == ImageNewsKind::kFailed) fates.push_back(std::to_string(news.location) + " " + news.reason);
    }
    std::sort(fates.begin(), fates.end());
    return fates;
  }

  std::unique_ptr<ImageReceiver> receiver_;
  int rings_ = 0;
};

TEST_F(ImageReceiverTest, AWholeSourceIsDeliveredInPlanesOfItsDetector) {
  Created();
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne)), 1);
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kTwo)), 1);
  EXPECT_EQ(Send(kOne, 0, image::kStreamBytes), 1);
  EXPECT_EQ(Send(kTwo, 0, image::kStreamBytes), 1);
  End(kOne);
  End(kTwo);
  receiver_->On(Event(SUMMIT_IMAGE_COMPLETE));
  EXPECT_GE(rings_, 5);
  const std::vector<ImageNews> news = receiver_->TakeNews();
  ASSERT_EQ(news.size(), 4u);
  EXPECT_EQ(news[0].kind, ImageNewsKind::kCreated);
  EXPECT_EQ(news[0].name, "MC_O_20261102_000087");
  EXPECT_EQ(news[0].json, R"({"folder":"raw"})");
  EXPECT_EQ(news[3].kind, ImageNewsKind::kComplete);
  for (const size_t i : {size_t{1}, size_t{2}}) {
    ASSERT_EQ(news[i].kind, ImageNewsKind::kSource);
    EXPECT_EQ(news[i].bytes, image::kStreamBytes);
    const auto planes = receiver_->Planes(news[i].token);
    ASSERT_NE(planes, nullptr);
    for (size_t c = 0; c < image::kChannels; c++) {
      const size_t plane = news[i].location == kOne ? c : 15 - c;
      for (const size_t at : {size_t{0}, size_t{1234}, image::kSegmentPixels - 1}) {
        ASSERT_EQ(planes[plane * image::kSegmentPixels + at], static_cast<int32_t>(20000 + 1000 * c + at % 997));
      }
    }
  }
  EXPECT_EQ(receiver_->Counters().at("sets_in_use"), 2u);
  EXPECT_TRUE(receiver_->Release(news[1].token));
  EXPECT_FALSE(receiver_->Release(news[1].token));
  EXPECT_EQ(receiver_->Planes(news[1].token), nullptr);
  EXPECT_EQ(receiver_->Counters().at("sets_in_use"), 1u);
}

TEST_F(ImageReceiverTest, AStreamGoesOnAtItsByteAndTakesNothingTwice) {
  Created();
  receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne));
  EXPECT_EQ(Send(kOne, 0, 5000001), 1);
  EXPECT_EQ(Send(kOne, 4000000, image::kStreamBytes), 1);
  End(kOne);
  receiver_->On(Event(SUMMIT_IMAGE_COMPLETE));
  EXPECT_EQ(Fates(), (std::vector<std::string>{"72 source", "99 missing"}));
}

TEST_F(ImageReceiverTest, AShortImageIsNeverDeliveredAsWhole) {
  Created();
  receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne));
  receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kTwo));
  Send(kOne, 0, image::kStreamBytes - 1);
  End(kOne);
  Send(kTwo, 0, 1000);
  End(kTwo, SUMMIT_IMAGE_LINK_LOST);
  receiver_->On(Event(SUMMIT_IMAGE_COMPLETE));
  EXPECT_EQ(Fates(), (std::vector<std::string>{"72 short", "99 link_lost"}));
  EXPECT_EQ(receiver_->Counters().at("sets_in_use"), 0u) << "the next image has room";
}

TEST_F(ImageReceiverTest, TooManyBytesAndGapsAreWrongBytes) {
  Created();
  receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne));
  receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kTwo));
  Send(kOne, 0, image::kStreamBytes + 36);
  End(kOne);
  EXPECT_EQ(Send(kTwo, 36, 72), 0);
  End(kTwo);
  receiver_->On(Event(SUMMIT_IMAGE_COMPLETE));
  EXPECT_EQ(Fates(), (std::vector<std::string>{"72 wrong_bytes", "99 wrong_bytes"}));
}

TEST_F(ImageReceiverTest, WhatIsNoSourceOfOursIsRefusedAtItsBeginning) {
  Created();
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, 5)), 0);
  SummitImageEvent small = Event(SUMMIT_IMAGE_SOURCE, kOne);
  small.bytes_expected = 84934656;
  EXPECT_EQ(receiver_->On(small), 0);
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kTwo)), 1);
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kTwo)), 0);
  Send(kTwo, 0, image::kStreamBytes);
  End(kTwo);
  receiver_->On(Event(SUMMIT_IMAGE_COMPLETE));
  EXPECT_EQ(Fates(), (std::vector<std::string>{"5 unknown_detector", "72 wrong_bytes", "99 duplicate", "99 source"}));
}

TEST_F(ImageReceiverTest, WhatIsCreatedTwiceOrOneTooManyIsToldOf) {
  Created(7);
  SummitImageEvent again = Event(SUMMIT_IMAGE_CREATED, 0, 7);
  again.name = "MC_O_20261102_000087";
  EXPECT_EQ(receiver_->On(again), 0);
  EXPECT_EQ(Fates(), (std::vector<std::string>{std::to_string(kOne) + " duplicate", std::to_string(kTwo) + " duplicate"}));
  for (uint64_t id = 100; id < 163; id++) Created(id);
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_CREATED, 0, 200)), 0) << "64 are on their way";
  EXPECT_EQ(Fates().size(), 2u);
  const auto counters = receiver_->Counters();
  EXPECT_EQ(counters.at("failed_too_many"), 2u);
  EXPECT_EQ(counters.at("created"), counters.at("failed") + counters.at("delivered"));
}

TEST_F(ImageReceiverTest, WithoutRoomAnImageIsCountedAndTheNextOneWorks) {
  std::vector<uint64_t> tokens;
  for (const uint64_t id : {1, 2, 3}) {
    Created(id);
    const int wanted = receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne, id));
    EXPECT_EQ(wanted, id < 3 ? 1 : 0);
    if (wanted == 1) Send(kOne, 0, image::kStreamBytes, id);
    End(kOne, SUMMIT_IMAGE_OK, id);
    receiver_->On(Event(SUMMIT_IMAGE_COMPLETE, 0, id));
  }
  for (const ImageNews& news : receiver_->TakeNews()) {
    if (news.kind == ImageNewsKind::kSource) tokens.push_back(news.token);
  }
  EXPECT_EQ(receiver_->Counters().at("failed_no_room"), 1u);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_TRUE(receiver_->Release(tokens[0]));
  Created(4);
  EXPECT_EQ(receiver_->On(Event(SUMMIT_IMAGE_SOURCE, kOne, 4)), 1);
  receiver_->End();
  EXPECT_EQ(receiver_->Counters().at("failed_stopped"), 1u);
}

}  // namespace
}  // namespace summit::daq
