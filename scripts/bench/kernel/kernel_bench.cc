// SPDX-License-Identifier: Apache-2.0
// Time of one measurement by stamp size, beside a plain first moment over the same pixels, in one process and
// alternating calls; with the argument `decode` the rate of decoding raw stamps, with the name of a mode that one alone.
// Prints JSON. Thread CPU time, so that a neighbour's load does not count.
// Thread: main only. Owns: its stamps.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "addons/pixels/measure.h"
#include "scripts/bench/kernel/decode.h"

namespace {

using summit::pixels::ImageView;
using summit::pixels::Measurement;
using summit::pixels::MeasureSettings;
using summit::pixels::PixelType;
using summit::pixels::Prediction;
using summit::pixels::StampMeasurer;

constexpr int kStamps = 32;

double ThreadMicroseconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

struct Stamp {
  std::vector<int32_t> pixels;
  double x, y;
};

// A Moffat (beta 3, FWHM 4 px) star of SNR about 100 on a bias with column structure and read noise.
Stamp MakeStamp(int size, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0.0, 7.0), columns(0.0, 3.0);
  std::uniform_real_distribution<double> place(size * 0.4, size * 0.6);
  Stamp stamp{std::vector<int32_t>(static_cast<size_t>(size) * static_cast<size_t>(size)), place(random), place(random)};
  std::vector<double> column(static_cast<size_t>(size));
  for (double& c : column) c = columns(random);
  const double alpha2 = 4.0 / (std::pow(2.0, 1.0 / 3.0) - 1.0), peak = 11000.0 * 2.0 / (M_PI * alpha2);
  for (int r = 0; r < size; r++) {
    for (int c = 0; c < size; c++) {
      const double r2 = (r - stamp.y) * (r - stamp.y) + (c - stamp.x) * (c - stamp.x);
      const double value = 13000.0 + column[static_cast<size_t>(c)] + noise(random) + peak / std::pow(1.0 + r2 / alpha2, 3.0);
      stamp.pixels[static_cast<size_t>(r * size + c)] = static_cast<int32_t>(std::lround(value));
    }
  }
  return stamp;
}

// The peer: mean level, threshold from the mean deviation, first moment.
double FirstMoment(const std::vector<int32_t>& p, int size) {
  const int n = size * size;
  int64_t sum = 0, deviation = 0, s = 0, sx = 0, sy = 0;
  for (int i = 0; i < n; i++) sum += p[static_cast<size_t>(i)];
  const int32_t mean = static_cast<int32_t>(sum / n);
  for (int i = 0; i < n; i++) deviation += std::abs(p[static_cast<size_t>(i)] - mean);
  const int32_t threshold = mean + static_cast<int32_t>(4 * deviation / n);
  for (int r = 0; r < size; r++) {
    int64_t row = 0;
    for (int c = 0; c < size; c++) {
      const int32_t value = p[static_cast<size_t>(r * size + c)];
      const int32_t v = value > threshold ? value - mean : 0;
      row += v;
      sx += static_cast<int64_t>(v) * c;
    }
    s += row;
    sy += row * r;
  }
  return s > 0 ? static_cast<double>(sx + sy) / static_cast<double>(s) : 0.0;
}

double Quantile(std::vector<double>& values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Mode {
  const char* name;
  int size;
  bool tracking;
  int calls;
};

void Run(const Mode& mode, bool last) {
  std::vector<Stamp> stamps;
  for (uint32_t i = 0; i < kStamps; i++) stamps.push_back(MakeStamp(mode.size, i + 1));
  MeasureSettings settings;
  settings.gain = 1.45f;
  settings.read_noise = 10.0f;
  const auto measurer = StampMeasurer::Create(settings);
  std::vector<double> ours, peer;
  double sink = 0.0, error2 = 0.0;
  int answered = 0;
  for (int i = 0; i < mode.calls + 100; i++) {
    const Stamp& stamp = stamps[static_cast<size_t>(i % kStamps)];
    const ImageView view{stamp.pixels.data(), PixelType::kI32, mode.size, mode.size, mode.size};
    const double t0 = ThreadMicroseconds();
    const Measurement m = measurer->Measure(view, Prediction{mode.tracking, stamp.x + 0.5, stamp.y - 0.5, 3.0});
    const double t1 = ThreadMicroseconds();
    sink += FirstMoment(stamp.pixels, mode.size);
    const double t2 = ThreadMicroseconds();
    if (i < 100) continue;  // warm-up
    ours.push_back(t1 - t0);
    peer.push_back(t2 - t1);
    if (std::isfinite(m.x)) {
      answered++;
      error2 += (m.x - stamp.x) * (m.x - stamp.x) + (m.y - stamp.y) * (m.y - stamp.y);
    }
  }
  std::printf("  {\"name\":\"%s\",\"calls\":%d,\"us\":{\"p50\":%.2f,\"p999\":%.2f},\"firstMomentUs\":{\"p50\":%.2f,\"p999\":%.2f},\"answered\":%.4f,\"rmsPx\":%.4f,\"sink\":%d}%s\n",
              mode.name, mode.calls, Quantile(ours, 0.5), Quantile(ours, 0.999), Quantile(peer, 0.5), Quantile(peer, 0.999), answered / static_cast<double>(mode.calls),
              answered ? std::sqrt(error2 / (2.0 * answered)) : 0.0, std::isfinite(sink), last ? "" : ",");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "decode") == 0) {
    summit::bench::PrintDecode(ThreadMicroseconds);
    return 0;
  }
  const Mode modes[] = {{"50x50 blind", 50, false, 20000},
                        {"50x50 tracking", 50, true, 20000},
                        {"400x400 tracking", 400, true, 5000},
                        {"400x400 acquisition", 400, false, 3000}};
  std::vector<Mode> wanted;
  for (const Mode& mode : modes) {
    if (argc < 2 || std::strcmp(argv[1], mode.name) == 0) wanted.push_back(mode);
  }
  std::printf("[\n");
  for (const Mode& mode : wanted) Run(mode, &mode == &wanted.back());
  std::printf("]\n");
  return 0;
}
