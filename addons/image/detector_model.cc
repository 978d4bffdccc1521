// SPDX-License-Identifier: Apache-2.0
// Placement after obs_lsst, policy/cameraHeader.yaml and policy/latiss: DETSEC of the camera's own files has the
// C1x row of amplifiers at the bottom, the camera model at the top.
#include "addons/image/detector_model.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace summit::image {
namespace {

constexpr std::array<Amplifier, 16> kLatissAmps = {{
    {"C10", "Segment10", 1, 0 * kDataCols, kDataRows, true, true},
    {"C11", "Segment11", 2, 1 * kDataCols, kDataRows, true, true},
    {"C12", "Segment12", 3, 2 * kDataCols, kDataRows, true, true},
    {"C13", "Segment13", 4, 3 * kDataCols, kDataRows, true, true},
    {"C14", "Segment14", 5, 4 * kDataCols, kDataRows, true, true},
    {"C15", "Segment15", 6, 5 * kDataCols, kDataRows, true, true},
    {"C16", "Segment16", 7, 6 * kDataCols, kDataRows, true, true},
    {"C17", "Segment17", 8, 7 * kDataCols, kDataRows, true, true},
    {"C07", "Segment07", 9, 7 * kDataCols, 0, true, false},
    {"C06", "Segment06", 10, 6 * kDataCols, 0, true, false},
    {"C05", "Segment05", 11, 5 * kDataCols, 0, true, false},
    {"C04", "Segment04", 12, 4 * kDataCols, 0, true, false},
    {"C03", "Segment03", 13, 3 * kDataCols, 0, true, false},
    {"C02", "Segment02", 14, 2 * kDataCols, 0, true, false},
    {"C01", "Segment01", 15, 1 * kDataCols, 0, true, false},
    {"C00", "Segment00", 16, 0 * kDataCols, 0, true, false},
}};

constexpr std::array<Amplifier, 8> kWavefrontAmps = {{
    {"C10", "Segment10", 1, 7 * kDataCols, 0, true, true},
    {"C11", "Segment11", 2, 6 * kDataCols, 0, true, true},
    {"C12", "Segment12", 3, 5 * kDataCols, 0, true, true},
    {"C13", "Segment13", 4, 4 * kDataCols, 0, true, true},
    {"C14", "Segment14", 5, 3 * kDataCols, 0, true, true},
    {"C15", "Segment15", 6, 2 * kDataCols, 0, true, true},
    {"C16", "Segment16", 7, 1 * kDataCols, 0, true, true},
    {"C17", "Segment17", 8, 0 * kDataCols, 0, true, true},
}};

constexpr DetectorModel kLatiss{"latiss", 8 * kDataCols, 2 * kDataRows, kLatissAmps};
constexpr DetectorModel kWavefront{"wavefront", 8 * kDataCols, kDataRows, kWavefrontAmps};

bool Same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool IsWavefront(std::string_view raft, std::string_view slot) {
  const bool corner = raft == "R00" || raft == "R04" || raft == "R40" || raft == "R44";
  return corner && (slot == "SW0" || slot == "SW1");
}

}  // namespace

const DetectorModel& Latiss() { return kLatiss; }
const DetectorModel& WavefrontHalf() { return kWavefront; }

const DetectorModel* FindDetector(std::string_view instrument, std::string_view raft, std::string_view slot, std::string* problem) {
  if (Same(instrument, "LATISS") || Same(instrument, "LSST_ATISS")) return &kLatiss;
  if (Same(instrument, "lsstCam") && IsWavefront(raft, slot)) return &kWavefront;
  const auto told = [](std::string_view word) { return word.empty() ? std::string("nothing") : std::string(word); };
  *problem = "detector: expected INSTRUME LATISS, or lsstCam with RAFTBAY R00, R04, R40 or R44 and CCDSLOT SW0 or SW1, got INSTRUME " +
             told(instrument) + ", RAFTBAY " + told(raft) + ", CCDSLOT " + told(slot);
  return nullptr;
}

std::string DetectorName(const DetectorModel& model, std::string_view raft, std::string_view slot) {
  if (&model == &kLatiss) return "LATISS";
  return std::string(raft) + "_" + std::string(slot);
}

}  // namespace summit::image
