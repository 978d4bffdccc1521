// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/record_layout.h"

#include <cstddef>

#include "addons/daq/record.h"

namespace summit::binding {
namespace {

struct Field {
  const char* name;
  size_t offset;
};

constexpr size_t kFrame = offsetof(daq::Record, frame);
constexpr size_t kMeasurement = offsetof(daq::Record, measurement);
constexpr size_t kSeries = offsetof(daq::Record, series);

constexpr Field kFields[] = {
    {"frame.event_type", kFrame + offsetof(SummitFrame, event_type)},
    {"frame.event_status", kFrame + offsetof(SummitFrame, event_status)},
    {"frame.daq_state", kFrame + offsetof(SummitFrame, daq_state)},
    {"frame.location", kFrame + offsetof(SummitFrame, location)},
    {"frame.pixel_type", kFrame + offsetof(SummitFrame, pixel_type)},
    {"frame.sequence", kFrame + offsetof(SummitFrame, sequence)},
    {"frame.stamp", kFrame + offsetof(SummitFrame, stamp)},
    {"frame.flags", kFrame + offsetof(SummitFrame, flags)},
    {"frame.missing", kFrame + offsetof(SummitFrame, missing)},
    {"frame.series", kFrame + offsetof(SummitFrame, series)},
    {"frame.stamp_index", kFrame + offsetof(SummitFrame, stamp_index)},
    {"frame.t_src_tai_ns", kFrame + offsetof(SummitFrame, t_src_tai_ns)},
    {"frame.t_first_ns", kFrame + offsetof(SummitFrame, t_first_ns)},
    {"frame.t_last_ns", kFrame + offsetof(SummitFrame, t_last_ns)},
    {"frame.rows", kFrame + offsetof(SummitFrame, rows)},
    {"frame.cols", kFrame + offsetof(SummitFrame, cols)},
    {"frame.segment", kFrame + offsetof(SummitFrame, segment)},
    {"frame.start_row", kFrame + offsetof(SummitFrame, start_row)},
    {"frame.start_col", kFrame + offsetof(SummitFrame, start_col)},
    {"frame.integration_ms", kFrame + offsetof(SummitFrame, integration_ms)},
    {"frame.gap", kFrame + offsetof(SummitFrame, gap)},
    {"frame.bytes", kFrame + offsetof(SummitFrame, bytes)},
    {"frame.stamps_sent", kFrame + offsetof(SummitFrame, stamps_sent)},
    {"t_measured_ns", offsetof(daq::Record, t_measured_ns)},
    {"t_delivered_ns", offsetof(daq::Record, t_delivered_ns)},
    {"lease", offsetof(daq::Record, lease)},
    {"outcome", offsetof(daq::Record, outcome)},
    {"superseded", offsetof(daq::Record, superseded)},
    {"text", offsetof(daq::Record, text)},
    {"measurement.x", kMeasurement + offsetof(pixels::Measurement, x)},
    {"measurement.y", kMeasurement + offsetof(pixels::Measurement, y)},
    {"measurement.ex", kMeasurement + offsetof(pixels::Measurement, ex)},
    {"measurement.ey", kMeasurement + offsetof(pixels::Measurement, ey)},
    {"measurement.flux", kMeasurement + offsetof(pixels::Measurement, flux)},
    {"measurement.flux_err", kMeasurement + offsetof(pixels::Measurement, flux_err)},
    {"measurement.background", kMeasurement + offsetof(pixels::Measurement, background)},
    {"measurement.noise", kMeasurement + offsetof(pixels::Measurement, noise)},
    {"measurement.snr", kMeasurement + offsetof(pixels::Measurement, snr)},
    {"measurement.fwhm", kMeasurement + offsetof(pixels::Measurement, fwhm)},
    {"measurement.moment_xx", kMeasurement + offsetof(pixels::Measurement, moment_xx)},
    {"measurement.moment_yy", kMeasurement + offsetof(pixels::Measurement, moment_yy)},
    {"measurement.moment_xy", kMeasurement + offsetof(pixels::Measurement, moment_xy)},
    {"measurement.chi2", kMeasurement + offsetof(pixels::Measurement, chi2)},
    {"measurement.peak", kMeasurement + offsetof(pixels::Measurement, peak)},
    {"measurement.flags", kMeasurement + offsetof(pixels::Measurement, flags)},
    {"measurement.fault", kMeasurement + offsetof(pixels::Measurement, fault)},
    {"measurement.n_saturated", kMeasurement + offsetof(pixels::Measurement, n_saturated)},
    {"measurement.n_masked", kMeasurement + offsetof(pixels::Measurement, n_masked)},
    {"measurement.iterations", kMeasurement + offsetof(pixels::Measurement, iterations)},
    {"measurement.candidates", kMeasurement + offsetof(pixels::Measurement, candidates)},
    {"measurement.measure_ns", kMeasurement + offsetof(pixels::Measurement, measure_ns)},
    {"series.common.nrows", kSeries + offsetof(SummitSeriesMetadata, common.nrows)},
    {"series.common.ncols", kSeries + offsetof(SummitSeriesMetadata, common.ncols)},
    {"series.common.integration_ms", kSeries + offsetof(SummitSeriesMetadata, common.integration_ms)},
    {"series.common.over_rows", kSeries + offsetof(SummitSeriesMetadata, common.over_rows)},
    {"series.common.under_cols", kSeries + offsetof(SummitSeriesMetadata, common.under_cols)},
    {"series.common.over_cols", kSeries + offsetof(SummitSeriesMetadata, common.over_cols)},
    {"series.common.flush_count", kSeries + offsetof(SummitSeriesMetadata, common.flush_count)},
    {"series.roi.location", kSeries + offsetof(SummitSeriesMetadata, roi.location)},
    {"series.roi.segment", kSeries + offsetof(SummitSeriesMetadata, roi.segment)},
    {"series.roi.start_row", kSeries + offsetof(SummitSeriesMetadata, roi.start_row)},
    {"series.roi.start_col", kSeries + offsetof(SummitSeriesMetadata, roi.start_col)},
    {"series.version", kSeries + offsetof(SummitSeriesMetadata, version)},
    {"series.firmware", kSeries + offsetof(SummitSeriesMetadata, firmware)},
    {"series.serial", kSeries + offsetof(SummitSeriesMetadata, serial)},
    {"series.valid", kSeries + offsetof(SummitSeriesMetadata, valid)},
    {"series.split_roi", kSeries + offsetof(SummitSeriesMetadata, split_roi)},
    {"series.vendor", kSeries + offsetof(SummitSeriesMetadata, vendor)},
    {"series.platform", kSeries + offsetof(SummitSeriesMetadata, platform)},
    {"series.id", kSeries + offsetof(SummitSeriesMetadata, id)},
};

}  // namespace

Napi::Value RecordLayout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object offsets = Napi::Object::New(env);
  for (const Field& field : kFields) offsets.Set(field.name, Napi::Number::New(env, static_cast<double>(field.offset)));
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("size", Napi::Number::New(env, sizeof(daq::Record)));
  layout.Set("offsets", offsets);
  return layout;
}

}  // namespace summit::binding
