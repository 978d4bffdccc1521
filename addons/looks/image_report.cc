// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/image_report.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "addons/looks/look_report.h"

namespace summit::looks {
namespace {

using nlohmann::json;

struct StepName {
  image::IsrStep step;
  const char* name;
};
constexpr std::array<StepName, image::kIsrSteps> kSteps = {{
    {image::IsrStep::kSerialOverscan, "serial_overscan"},
    {image::IsrStep::kSaturation, "saturation"},
    {image::IsrStep::kGain, "gain"},
    {image::IsrStep::kCrosstalk, "crosstalk"},
    {image::IsrStep::kParallelOverscan, "parallel_overscan"},
    {image::IsrStep::kLinearity, "linearity"},
    {image::IsrStep::kBias, "bias"},
    {image::IsrStep::kDark, "dark"},
    {image::IsrStep::kDefects, "defects"},
    {image::IsrStep::kVariance, "variance"},
    {image::IsrStep::kFlat, "flat"},
    {image::IsrStep::kInterpolation, "interpolation"},
}};

// JSON has no NaN.
json Number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json ValueOf(const fits::HeaderValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* whole = std::get_if<int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return Number(*real);
  return nullptr;
}

// What identifies an exposure and says how it was taken; null where the header has no value.
json HeaderOf(const fits::RawHeader& header) {
  constexpr std::array<const char*, 20> kNames = {"OBSID", "INSTRUME", "RAFTBAY", "CCDSLOT", "DAYOBS", "SEQNUM", "CONTRLLR", "GROUPID", "IMGTYPE", "DATE-BEG", "DATE-END", "EXPTIME", "SHUTTIME", "DARKTIME", "FILTER", "GRATING", "LINSPOS", "FOCUSZ", "OBJECT", "LSST_NUM"};
  json out = json::object();
  for (const char* name : kNames) {
    const fits::HeaderValue* value = header.Find(name);
    out[name] = value == nullptr ? json(nullptr) : ValueOf(*value);
  }
  return out;
}

json IsrOf(const ProcessedFrame& p) {
  json applied = json::array(), skipped = json::array(), amps = json::array();
  for (const auto& [step, name] : kSteps) (p.frame.applied[step] ? applied : skipped).push_back(name);
  for (size_t i = 0; i < p.frame.model->amps.size(); ++i) {
    const image::AmpReport& amp = p.frame.amps[i];
    amps.push_back({{"name", p.frame.model->amps[i].name}, {"gain", amp.gain}, {"overscan_adu", amp.overscan}, {"read_noise", amp.read_noise}, {"filled_columns", amp.filled_columns}, {"n_sat", amp.saturated}, {"lit_overscan", amp.lit_overscan}});
  }
  return {{"applied", applied}, {"skipped", skipped}, {"missing", p.missing}, {"nominal_gain", p.frame.nominal_gain}, {"amps", amps}, {"n_cosmic_ray_px", p.sky.rays}, {"n_out_of_range", p.raw.out_of_range}, {"doubtful_segments", p.raw.doubtful}};
}

// Flags that ISR gives rise to, by the calibrations that were missing.
void AddIsrFlags(const ProcessedFrame& p, std::vector<std::string>* flags) {
  constexpr std::array<std::pair<image::IsrStep, const char*>, 6> kMissing = {{{image::IsrStep::kBias, "NO_BIAS"}, {image::IsrStep::kDark, "NO_DARK"}, {image::IsrStep::kFlat, "NO_FLAT"}, {image::IsrStep::kDefects, "NO_DEFECTS"}, {image::IsrStep::kCrosstalk, "NO_CROSSTALK"}, {image::IsrStep::kLinearity, "NO_LINEARIZER"}}};
  if (p.frame.nominal_gain) flags->emplace_back("NOMINAL_GAIN");
  for (const auto& [step, name] : kMissing) {
    if (!p.frame.applied[step]) flags->emplace_back(name);
  }
  if (!std::isfinite(p.raw.header.Number("DARKTIME"))) flags->emplace_back("HEADER_NULL");
}

json ProductOf(const ProcessedFrame& p) {
  std::vector<std::string> flags;
  json product;
  if (p.frame.model == &image::Latiss()) {
    const image::LatissOrder order{image::FindGrating(p.raw.header.Text("GRATING")), p.raw.header.Number("LINSPOS"), p.threads};
    const image::LatissLook look = image::LookAtLatiss(p.sky, order);
    product = LatissProduct(look, order, p.raw.header);
    flags = LookFlagNames(look.flags);
  } else {
    product = DonutProduct(image::FindDonuts(p.sky, p.threads), p.sky, p.raw.header);
  }
  AddIsrFlags(p, &flags);
  json list = json::array();
  for (const std::string& flag : flags) {
    if (std::find(list.begin(), list.end(), flag) == list.end()) list.push_back(flag);
  }
  product["quality"] = {{"flags", list}};
  return product;
}

}  // namespace

std::string ImageReport(const ProcessedFrame& p, ImageTimes* times) {
  const auto before = std::chrono::steady_clock::now();
  json out = {{"detector", p.raw.detector}, {"kind", p.frame.model->kind}, {"header", HeaderOf(p.raw.header)}, {"isr", IsrOf(p)}, {"product", ProductOf(p)}};
  times->look_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
  out["times_ms"] = {{"read", times->read_ms}, {"calibrations", times->calibrations_ms}, {"isr", times->isr_ms}, {"isr_file", times->write_ms}, {"look", times->look_ms}};
  // Header texts may be in any encoding.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool SwitchStep(std::string_view name, bool on, image::StepSet* steps) {
  // Electrons and their variance are what everything after them counts in.
  if (name == "gain" || name == "variance") return false;
  const auto found = std::find_if(kSteps.begin(), kSteps.end(), [&](const StepName& one) { return name == one.name; });
  if (found == kSteps.end()) return false;
  steps->Set(found->step, on);
  return true;
}

}  // namespace summit::looks
