// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/look_report.h"

#include <array>
#include <cmath>
#include <utility>

namespace summit::looks {
namespace {

using nlohmann::json;

// arcsec: how near the target must be for the acquisition to end (latiss_acquire.py).
constexpr double kTolerance = 5.0;

// JSON has no NaN.
json Number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json Numbers(const std::vector<double>& values) {
  json out = json::array();
  for (const double value : values) out.push_back(Number(value));
  return out;
}

json StarOf(const image::Star& s, bool spectrum) {
  json out = {{"x", s.x}, {"y", s.y}, {"x_err", Number(s.x_err)}, {"y_err", Number(s.y_err)}, {"flux", Number(s.flux)}, {"flux_err", Number(s.flux_err)}, {"fwhm", Number(s.fwhm)}, {"fwhm_err", Number(s.fwhm_err)}, {"fwhm_arcsec", Number(s.fwhm * image::kArcsecPerPx)}, {"e1", Number(s.e1)}, {"e2", Number(s.e2)}, {"snr", Number(s.snr)}, {"n_sat", s.n_full}, {"chi2", Number(s.chi2)}};
  out["method"] = spectrum ? "zeroth_order" : "brightest_star";
  if (s.blend) out["companion"] = {{"x", s.second_x}, {"y", s.second_y}, {"flux", Number(s.second_flux)}};
  return out;
}

json OffsetOf(const image::Star& s, const image::Grating& grating) {
  const double dx = s.x - grating.sweet_x, dy = s.y - grating.sweet_y, ax = image::kArcsecPerPx * dx, ay = image::kArcsecPerPx * dy;
  return {{"dx_px", dx}, {"dy_px", dy}, {"dx_arcsec", ax}, {"dy_arcsec", ay}, {"err", {{"dx_px", Number(s.x_err)}, {"dy_px", Number(s.y_err)}, {"dx_arcsec", Number(s.x_err * image::kArcsecPerPx)}, {"dy_arcsec", Number(s.y_err * image::kArcsecPerPx)}}}, {"sweet_spot", {{"grating", grating.name}, {"x", grating.sweet_x}, {"y", grating.sweet_y}}}, {"command", {{"x", ax}, {"y", ay}}}, {"within_tolerance", std::hypot(ax, ay) <= kTolerance}};
}

json SpectrumOf(const image::Spectrum& s) {
  json lines = json::array();
  for (const image::SpectrumLine& line : s.lines) {
    lines.push_back({{"lambda_nm", line.lambda_nm}, {"distance_px", line.distance_px}, {"distance_err_px", Number(line.distance_err_px)}, {"sigma", Number(line.depth_sigma)}, {"fwhm_px", Number(line.width_px)}, {"emission", line.emission}});
  }
  return {{"distance_px", Numbers(s.distance_px)}, {"y_px", Numbers(s.y_px)}, {"wavelength_nm", Numbers(s.wavelength_nm)}, {"flux", Numbers(s.flux)}, {"variance", Numbers(s.variance)}, {"background", Numbers(s.background)}, {"D_mm", s.distance_mm}, {"D_err_mm", Number(s.distance_err_mm)}, {"D_refined", s.refined}, {"median_snr", Number(s.median_snr)}, {"lines", lines}};
}

// Whether the times of the header can be: the shutter was open as long as it was asked for, and the CCD collected for that
// long and the little that reading begins later. Null where the header does not say.
json ExposureOf(const fits::RawHeader& header) {
  constexpr double kShutterS = 0.1, kLaterS = 5.0;
  const double asked = header.Number("EXPTIME"), open = header.Number("SHUTTIME"), dark = header.Number("DARKTIME");
  const std::string type = header.Text("IMGTYPE");
  const double wanted = type == "BIAS" || type == "DARK" ? 0.0 : asked, least = std::fmax(asked, open);
  const auto told = [](double a, double b, bool good) { return std::isfinite(a + b) ? json(good) : json(nullptr); };
  return {{"exptime_s", Number(asked)}, {"shuttime_s", Number(open)}, {"darktime_s", Number(dark)}, {"shutter_ok", told(wanted, open, std::fabs(open - wanted) <= kShutterS)}, {"dark_ok", told(least, dark, dark >= least && dark <= least + kLaterS)}};
}

}  // namespace

std::vector<std::string> LookFlagNames(uint32_t flags) {
  constexpr std::array<std::pair<uint32_t, const char*>, 12> kNames = {{{image::kNoStar, "NO_STAR"}, {image::kBlend, "BLEND"}, {image::kTargetSaturated, "SATURATED"}, {image::kEdge, "EDGE"}, {image::kStreak, "STREAK"}, {image::kSecondOrder, "SECOND_ORDER"}, {image::kNeighbour, "NEIGHBOUR"}, {image::kZerothAmbiguous, "ZEROTH_AMBIGUOUS"}, {image::kNoLines, "NO_LINES"}, {image::kLowSnr, "LOW_SNR"}, {image::kHeaderNull, "HEADER_NULL"}, {image::kWavelengthNominal, "WAVELENGTH_NOMINAL"}}};
  std::vector<std::string> names;
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) != 0) names.emplace_back(name);
  }
  return names;
}

json LatissProduct(const image::LatissLook& look, const image::LatissOrder& order, const fits::RawHeader& header) {
  json out = json::object();
  const bool spectrum = order.grating != nullptr && order.grating->grooves_per_mm > 0.0;
  const image::Star& target = look.target;
  out["target"] = target.found ? StarOf(target, spectrum) : json(nullptr);
  out["sources"] = json::array();
  for (const image::Star& s : look.sources) out["sources"].push_back({{"x", s.x}, {"y", s.y}, {"flux", Number(s.flux)}, {"fwhm", Number(s.fwhm)}, {"snr", Number(s.snr)}});
  out["offset"] = target.found && order.grating != nullptr ? OffsetOf(target, *order.grating) : json(nullptr);
  out["zeroth"] = spectrum && target.found ? json{{"x", target.x}, {"y", target.y}, {"x_err", Number(target.x_err)}, {"y_err", Number(target.y_err)}, {"flux", Number(target.flux)}, {"flux_err", Number(target.flux_err)}} : json(nullptr);
  const image::Trace& trace = look.trace;
  out["trace"] = trace.found ? json{{"angle_deg", trace.angle_deg}, {"angle_err_deg", Number(trace.angle_err_deg)}, {"x_at_y0", trace.x_at_y0}, {"x_err", Number(trace.x_err)}, {"rms_px", Number(trace.rms_px)}, {"fwhm_cross_px", Number(trace.fwhm_cross_px)}, {"fwhm_cross_err_px", Number(trace.fwhm_cross_err_px)}, {"n_rows", trace.n_rows}} : json(nullptr);
  out["spectrum"] = look.spectrum.flux.empty() ? json(nullptr) : SpectrumOf(look.spectrum);
  // The zeroth order is not dispersed: its width along the dispersion is that of a line without one of its own.
  const double width = spectrum ? target.fwhm_y : target.fwhm;
  out["focus"] = target.found ? json{{"fwhm_px", Number(width)}, {"fwhm_err_px", Number(target.fwhm_err)}, {"source", "psf"}, {"z_mm", Number(header.Number("FOCUSZ"))}, {"sharpness", Number(target.peak / target.flux)}} : json(nullptr);
  return out;
}

json DonutProduct(const std::vector<image::Donut>& donuts, const image::SkyMap& map, const fits::RawHeader& header) {
  json list = json::array();
  int32_t usable = 0;
  for (const image::Donut& d : donuts) {
    usable += !d.edge && !d.blended && d.n_sat == 0 && d.n_bad == 0 ? 1 : 0;
    list.push_back({{"x", d.x}, {"y", d.y}, {"x_com", d.x_com}, {"y_com", d.y_com}, {"radius", d.radius}, {"radius_err", Number(d.radius_err)}, {"flux", d.flux}, {"snr", d.snr}, {"n_bad", d.n_bad}, {"n_sat", d.n_sat}, {"edge", d.edge}, {"blended", d.blended}, {"sep_nearest", Number(d.sep_nearest)}, {"vignetted_fraction", d.vignetted_fraction}});
  }
  const image::SensorRadius radius = image::TypicalRadius(donuts);
  json noise = json::array();
  for (size_t i = 0; i < map.frame->model->amps.size(); ++i) noise.push_back(map.frame->amps[i].read_noise);
  // SW0 stands behind the focus, SW1 before it (ts_wep, cutOutDonutsCwfsTask.py).
  const bool extra = header.Text("CCDSLOT") == "SW0";
  return {{"focal", extra ? "extra" : "intra"}, {"donuts", list}, {"sensor", {{"n_donuts", donuts.size()}, {"n_usable", usable}, {"radius", Number(radius.radius)}, {"radius_err", Number(radius.err)}, {"n_radius", radius.n}, {"sky", map.level}, {"sky_noise", map.noise}, {"read_noise", noise}, {"saturated_fraction", map.full_fraction}, {"exposure", ExposureOf(header)}}}};
}

}  // namespace summit::looks
