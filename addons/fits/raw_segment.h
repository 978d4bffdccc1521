// SPDX-License-Identifier: Apache-2.0
// The header of one amplifier's image in a raw file of the camera: where its pixels lie on the CCD, as the camera's
// own software writes it for ITL sensors (which is upside down against the pipelines' camera model).
// Thread: any.
// Owns: nothing outside itself.
#ifndef SUMMIT_FITS_RAW_SEGMENT_H_
#define SUMMIT_FITS_RAW_SEGMENT_H_

#include <string>
#include <vector>

#include "addons/fits/guider_cards.h"

namespace summit::fits {

enum class RawDetector {
  kWavefront,  // one half: Segment10..17
  kLatiss,     // Segment10..17, 07..00
};

// Labels in the order of the file.
std::vector<int> SegmentLabels(RawDetector detector);

// "Segment10"
std::string SegmentName(int label);

// From CHANNEL to the coordinate systems. Systems of raft and focal plane are in LATISS files only.
std::vector<GuiderCard> SegmentCards(RawDetector detector, int label);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_RAW_SEGMENT_H_
