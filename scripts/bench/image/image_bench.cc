// SPDX-License-Identifier: Apache-2.0
// Full frames through the native doors, one at a time: unpacking the raw stream (thread CPU time, so that a neighbour's
// load does not count, and the wall clock) beside plainly copying as many bytes, by turns, which is as fast as this memory
// goes; making a raw file of 16 segments in memory (both clocks). Prints JSON. With a file name as argument the frame's planes
// are written there for others to do the same.
// Thread: main only. Owns: its planes.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "addons/fits/raw_image_writer.h"
#include "addons/image/unpack18.h"
#include "addons/pixels/raw_decode.h"

namespace {

using namespace summit::image;

double Seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// In pieces as a socket gives them.
void Unpack(int rounds, int32_t* planes) {
  constexpr size_t kPiece = 1 << 20;
  std::vector<uint8_t> raw(kStreamBytes);
  for (size_t i = 0; i < raw.size(); i++) raw[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  // Read and written together: the stream and its planes.
  const std::vector<uint8_t> from((kStreamBytes + kPlaneBytes * kChannels) / 2, 1);
  std::vector<uint8_t> to(from.size());
  std::vector<double> cpu, wall, copy;
  for (int round = 0; round < rounds; round++) {
    const double copy0 = Seconds(CLOCK_THREAD_CPUTIME_ID);
    std::memcpy(to.data(), from.data(), from.size());
    const double cpu0 = Seconds(CLOCK_THREAD_CPUTIME_ID), wall0 = Seconds(CLOCK_MONOTONIC);
    copy.push_back(cpu0 - copy0);
    Unpacker unpacker(kLatissChannels, summit::pixels::kRawCodeInverted, planes);
    for (size_t at = 0; at < raw.size(); at += kPiece) unpacker.Feed({raw.data() + at, std::min(kPiece, raw.size() - at)});
    cpu.push_back(Seconds(CLOCK_THREAD_CPUTIME_ID) - cpu0);
    wall.push_back(Seconds(CLOCK_MONOTONIC) - wall0);
  }
  const double bytes = static_cast<double>(kStreamBytes);
  std::printf("{\"unpack\":{\"rounds\":%d,\"cpuMs\":%.2f,\"wallMs\":%.2f,\"gigabytesPerSecond\":%.2f,\"copyMs\":%.2f},\n", rounds, Median(cpu) * 1e3,
              Median(wall) * 1e3, bytes / Median(cpu) * 1e-9, Median(copy) * 1e3);
}

// A flat sky with read noise, as RICE finds it in a real frame.
void Paint(int32_t* planes) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0.0f, 9.0f);
  std::vector<float> normals(1 << 20);
  for (float& value : normals) value = noise(random);
  for (size_t i = 0; i < kSegmentPixels * kChannels; i++) planes[i] = 25000 + static_cast<int32_t>(normals[(i * 7 + (i >> 18) * 131) & (normals.size() - 1)]);
}

bool MakeRaw(int rounds, unsigned threads, const int32_t* planes, const char* end) {
  std::vector<double> wall, cpu;
  uint64_t bytes = 0;
  for (int round = 0; round < rounds; round++) {
    summit::fits::RawFile file;
    std::string problem;
    const double before = Seconds(CLOCK_MONOTONIC), cpu_before = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!summit::fits::MakeRawFile({}, {summit::fits::RawDetector::kLatiss, kSegmentRows, kSegmentCols, {planes, kSegmentPixels * kChannels}}, threads, &file, &problem)) {
      std::fprintf(stderr, "image_bench: %s\n", problem.c_str());
      return false;
    }
    wall.push_back(Seconds(CLOCK_MONOTONIC) - before);
    cpu.push_back(Seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before);
    bytes = file.bytes();
  }
  std::printf("\"raw%u\":{\"rounds\":%d,\"threads\":%u,\"wallMs\":%.1f,\"cpuMs\":%.1f,\"bytes\":%llu}%s\n", threads, rounds, threads, Median(wall) * 1e3, Median(cpu) * 1e3,
              static_cast<unsigned long long>(bytes), end);
  return true;
}

bool Keep(const char* path, const int32_t* planes) {
  std::FILE* file = std::fopen(path, "wbe");
  if (file == nullptr) return false;
  const bool written = std::fwrite(planes, kPlaneBytes, kChannels, file) == kChannels;
  return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  auto* planes = new (std::align_val_t{64}) int32_t[kSegmentPixels * kChannels];
  std::fill_n(planes, kSegmentPixels * kChannels, 0);
  Unpack(21, planes);
  Paint(planes);
  bool good = MakeRaw(7, 1, planes, ",") && MakeRaw(7, 2, planes, "}");
  if (argc > 1) good = Keep(argv[1], planes) && good;
  ::operator delete[](planes, std::align_val_t{64});
  return good ? 0 : 1;
}
