// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/raw_segment.h"

#include <cstdint>
#include <cstdio>

namespace summit::fits {
namespace {

constexpr int kCols = 509;
constexpr int kRows = 2000;
// Numbers of real LATISS files: between serial coordinate and pixel, and from the CCD to its raft.
constexpr int kSerialZero = 507;
constexpr int kRaftRow = 125;
constexpr int kRaftCol = 89;

std::string Section(int x0, int x1, int y0, int y1) {
  char text[40];
  std::snprintf(text, sizeof(text), "[%d:%d,%d:%d]", x0, x1, y0, y1);
  return text;
}

// One alternate coordinate system; names of its axes and the matrix by rows.
struct System {
  char letter;
  const char* name;
  const char* axis1;
  const char* axis2;
  const char* comment;
  double matrix[4];
  double value1, value2;
};

void Add(const System& system, std::vector<GuiderCard>* cards) {
  const std::string letter(1, system.letter);
  cards->push_back({"WCSNAME" + letter, std::string(system.name), "Name of coordinate system"});
  cards->push_back({"CTYPE1" + letter, std::string(system.axis1), system.comment});
  cards->push_back({"CTYPE2" + letter, std::string(system.axis2), system.comment});
  const char* places[] = {"PC1_1", "PC1_2", "PC2_1", "PC2_2"};
  for (int i = 0; i < 4; i++) cards->push_back({places[i] + letter, system.matrix[i], ""});
  for (const char* name : {"CDELT1", "CDELT2"}) cards->push_back({name + letter, 1.0, ""});
  for (const char* name : {"CRPIX1", "CRPIX2"}) cards->push_back({name + letter, 0.0, ""});
  cards->push_back({"CRVAL1" + letter, system.value1, ""});
  cards->push_back({"CRVAL2" + letter, system.value2, ""});
}

}  // namespace

std::vector<int> SegmentLabels(RawDetector detector) {
  std::vector<int> labels{10, 11, 12, 13, 14, 15, 16, 17};
  if (detector == RawDetector::kLatiss) labels.insert(labels.end(), {7, 6, 5, 4, 3, 2, 1, 0});
  return labels;
}

std::string SegmentName(int label) {
  char name[16];
  std::snprintf(name, sizeof(name), "Segment%02d", label);
  return name;
}

std::vector<GuiderCard> SegmentCards(RawDetector detector, int label) {
  const bool lower = label >= 10;  // in the camera's own sense
  const int k = lower ? label - 10 : label;
  const int channel = lower ? k + 1 : 16 - k;
  const int x0 = kCols * k + 1, x1 = kCols * (k + 1);
  std::vector<GuiderCard> cards{
      {"INHERIT", true, ""},
      {"CHANNEL", int64_t{channel}, ""},
      {"CCDSUM", std::string("1 1"), ""},
      {"DATASEC", Section(4, 3 + kCols, 1, kRows), ""},
      {"DETSEC", lower ? Section(x1, x0, 1, kRows) : Section(x1, x0, 2 * kRows, kRows + 1), ""},
      {"DETSIZE", Section(1, 8 * kCols, 1, 2 * kRows), ""},
      {"DTV1", int64_t{x1 + 4}, "detector transformation vector"},
      {"DTV2", int64_t{lower ? 0 : 2 * kRows + 1}, "detector transformation vector"},
      {"DTM1_1", -1.0, "detector transformation matrix"},
      {"DTM2_2", lower ? 1.0 : -1.0, "detector transformation matrix"},
      {"DTM1_2", 0.0, "detector transformation matrix"},
      {"DTM2_1", 0.0, "detector transformation matrix"},
  };
  const double up = lower ? -1.0 : 1.0;
  const double row = lower ? 2.0 * kRows + 1 : 0.0, col = kSerialZero + kCols * k;
  const char* camera = "In the camera coordinate system";
  const char* serial = "In the serial-parallel coordinate system";
  Add({'A', "AMPLIFIER", "Seg_X", "Seg_Y", camera, {0.0, up, -1.0, 0.0}, lower ? kRows + 1.0 : 0.0, kSerialZero}, &cards);
  Add({'C', "CCD", "CCD_X", "CCD_Y", camera, {0.0, up, -1.0, 0.0}, row, col}, &cards);
  const bool raft = detector == RawDetector::kLatiss;
  if (raft) {
    Add({'R', "RAFT", "RAFT_X", "RAFT_Y", camera, {0.0, up, -1.0, 0.0}, row + kRaftRow, col + kRaftCol}, &cards);
    Add({'F', "FOCAL_PLANE", "FP_X", "FP_Y", camera, {0.0, up, -1.0, 0.0}, row + kRaftRow, col + kRaftCol}, &cards);
  }
  Add({'B', "CCD_SERPAR", "CCD_S", "CCD_P", serial, {-1.0, 0.0, 0.0, up}, col, row}, &cards);
  if (raft) Add({'Q', "RAFT_SERPAR", "RAFT_S", "RAFT_P", serial, {-1.0, 0.0, 0.0, up}, col + kRaftCol, row + kRaftRow}, &cards);
  return cards;
}

}  // namespace summit::fits
