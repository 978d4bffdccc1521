// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace summit::recorder {
namespace {

// In parts of `step` bytes.
std::string Digest(std::string_view text, size_t step) {
  Sha256 sha;
  for (size_t at = 0; at < text.size(); at += step) {
    const std::string_view part = text.substr(at, step);
    sha.Add({reinterpret_cast<const uint8_t*>(part.data()), part.size()});
  }
  return sha.Finish();
}

// The examples of FIPS 180-4 and its test vectors.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(Digest("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Digest("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1000000, 'a');
  EXPECT_EQ(Digest(million, million.size()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesCome) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (const size_t length : {55u, 56u, 63u, 64u, 65u, 119u, 120u, 128u, 300u}) {
    const std::string_view part = std::string_view(text).substr(0, length);
    const std::string whole = Digest(part, length);
    for (const size_t step : {1u, 3u, 63u, 64u, 65u}) EXPECT_EQ(Digest(part, step), whole) << length << " by " << step;
  }
}

}  // namespace
}  // namespace summit::recorder
