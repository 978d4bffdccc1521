// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/frame_geometry.h"

#include <cstring>

namespace summit::daq {

void SeriesGeometry::Learn(const SummitFrame& start) {
  known_ = start.data != nullptr && start.bytes >= sizeof(SummitSeriesMetadata);
  if (!known_) return;
  SummitSeriesMetadata series;
  std::memcpy(&series, start.data, sizeof(series));
  common_ = series.common;
  roi_ = series.roi;
}

bool SeriesGeometry::Contradicts(const SummitFrame& stamp) const {
  if (!known_) return false;
  return stamp.rows != common_.nrows || stamp.cols != common_.ncols || stamp.over_rows != common_.over_rows ||
         stamp.under_cols != common_.under_cols || stamp.over_cols != common_.over_cols ||
         stamp.segment != roi_.segment || stamp.start_row != roi_.start_row || stamp.start_col != roi_.start_col;
}

}  // namespace summit::daq
