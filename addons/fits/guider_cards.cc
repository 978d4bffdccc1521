// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/guider_cards.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "addons/fits/tai_text.h"

namespace summit::fits {
namespace {

constexpr size_t kMostText = 68;  // characters of text that one card holds

// The order of a guider file of the camera. A line without a keyword is a section title.
struct Place {
  const char* name;
  const char* comment;
};

constexpr Place kOrder[] = {
    {"BINX", "[pixels] binning along X axis"},
    {"BINY", "[pixels] binning along Y axis"},
    {"CCDGAIN", "Rough guess at overall system gain (e-/DNB)"},
    {"CCDNOISE", "Rough guess at system noise (e- rms)"},
    {"DETSIZE", ""},
    {"", "Date, night and basic image information"},
    {"DATE", "Creation Date and Time of File"},
    {"MJD", "Modified Julian Date that the file was written"},
    {"IMGTYPE", "BIAS, DARK, FE55, FLAT, FLAT_<lam>, SPOT, PPUMP"},
    {"OBSID", "The image name or obs-id"},
    {"BUNIT", "Brightness units for pixel array"},
    {"TIMESYS", "The time scale used"},
    {"", "Telescope info, location, observer"},
    {"INSTRUME", "Instrument"},
    {"TELESCOP", "Telescope"},
    {"OBS-LONG", "[deg] Observatory east longitude"},
    {"OBS-LAT", "[deg] Observatory latitude"},
    {"OBS-ELEV", "[m] Observatory elevation"},
    {"OBSGEO-X", "[m] X-axis Geocentric coordinate"},
    {"OBSGEO-Y", "[m] Y-axis Geocentric coordinate"},
    {"OBSGEO-Z", "[m] Z-axis Geocentric coordinate"},
    {"", "Pointing info, etc."},
    {"RA", ""},
    {"DEC", ""},
    {"RASTART", ""},
    {"DECSTART", ""},
    {"RAEND", ""},
    {"DECEND", ""},
    {"ROTPA", ""},
    {"ROTCOORD", ""},
    {"HASTART", ""},
    {"ELSTART", ""},
    {"AZSTART", ""},
    {"AMSTART", ""},
    {"HAEND", ""},
    {"ELEND", ""},
    {"AZEND", ""},
    {"AMEND", ""},
    {"TRACKSYS", ""},
    {"RADESYS", ""},
    {"FOCUSZ", ""},
    {"OBJECT", ""},
    {"VIGNETTE", ""},
    {"VIGN_MIN", ""},
    {"", "Image-identifying used to build OBS-ID"},
    {"CAMCODE", "The \"code\" for AuxTel | ComCam | Main Camera"},
    {"CONTRLLR", "The controller (e.g. O for OCS, C for CCS)"},
    {"DAYOBS", "The observation day as defined in the image name"},
    {"SEQNUM", "The sequence number from the image name"},
    {"", "Additional Keys Information from Camera"},
    {"PROGRAM", ""},
    {"REASON", ""},
    {"", "Information from Camera"},
    {"CCD_MANU", "CCD Manufacturer"},
    {"CCD_TYPE", "CCD Model Number"},
    {"CCDSLOT", "The CCD Slot"},
    {"RAFTBAY", "The RAFT Bay"},
    {"FIRMWARE", "DAQ firmware version (Hex)"},
    {"PLATFORM", "DAQ platform version"},
    {"CONTNUM", "REB serial # (Hex)"},
    {"DAQVERS", "DAQ version"},
    {"DAQPART", "DAQ partition"},
    {"LSST_NUM", "LSST Assigned CCD Number"},
    {"", "Filter/grating information"},
    {"FILTBAND", ""},
    {"FILTER", ""},
    {"FILTPOS", ""},
    {"FILTSLOT", ""},
    {"", "Exposure-related information"},
    {"SHUTTIME", ""},
    {"", "Weather information"},
    {"AIRTEMP", ""},
    {"PRESSURE", ""},
    {"HUMIDITY", ""},
    {"WINDSPD", ""},
    {"WINDDIR", ""},
    {"SEEING", ""},
    {"", "Header information"},
    {"HEADVER", "Version number of header"},
    {"FILENAME", "Original name of the file"},
    {"", "Guider ROI Info"},
    {"ROICOL", "Guider ROI start column"},
    {"ROIROW", "Guider ROI start row"},
    {"ROICOLS", "Guider ROI columns"},
    {"ROIROWS", "Guider ROI rows"},
    {"ROISEG", "Guider ROI segment"},
    {"GDSSEQ", "Guider sequence number"},
    {"GDSSTART", "Guider start time"},
    {"ROIUNDRC", "Guider ROI undercols"},
    {"ROIOVERC", "Guider ROI overcols"},
    {"ROIOVERR", "Guider ROI overrows"},
    {"ROIFLUSH", "Guider ROI flush count"},
    {"ROISPLIT", "Guider ROI split?"},
    {"ROICCDTY", "Guider CCD type"},
    {"ROIMILLI", "Guider Integration time millis"},
    {"", "Guider DM Info"},
    {"N_STAMPS", "The number of stamps in file"},
    {"HAS_ARCHIVE", ""},
    {"HAS_MASK", ""},
    {"HAS_VARIANCE", ""},
    {"STAMPCLS", ""},
    {"", "Recorder"},
    {"STMPCOMP", "Stamps of the exposure that came complete"},
    {"STMPMISS", "Complete stamps that are not in this file"},
    {"CLOSEDBY", "What ended the exposure"},
    {"SIMULATE", "The DAQ said that it is a simulation"},
};

// Keywords of a camera file that have no value when a guider file is written.
constexpr std::array kEmpty = {
    "OBS-LONG", "OBS-LAT",  "OBS-ELEV", "OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z", "RA",       "DEC",      "RASTART",  "DECSTART",
    "RAEND",    "DECEND",   "ROTPA",    "ROTCOORD", "HASTART",  "ELSTART",  "AZSTART",  "AMSTART",  "HAEND",    "ELEND",
    "AZEND",    "AMEND",    "TRACKSYS", "RADESYS",  "FOCUSZ",   "OBJECT",   "VIGNETTE", "VIGN_MIN", "PROGRAM",  "REASON",
    "FILTBAND", "FILTER",   "FILTPOS",  "FILTSLOT", "SHUTTIME", "AIRTEMP",  "PRESSURE", "HUMIDITY", "WINDSPD",  "WINDDIR",
    "SEEING",
};

GuiderValue Fitting(GuiderValue value) {
  if (auto* text = std::get_if<std::string>(&value)) *text = FittingText(std::move(*text));
  return value;
}

std::map<std::string, GuiderValue> Values(const GuiderHeader& header, const std::string& file_name) {
  std::map<std::string, GuiderValue> values;
  for (const char* name : kEmpty) values[name] = GuiderValue{};
  for (const TextKeyword& keyword : kTextKeywords) {
    if (const std::string& text = header.*keyword.member; !text.empty()) values[keyword.name] = text;
  }
  for (const NumberKeyword& keyword : kNumberKeywords) {
    if (const auto& number = header.*keyword.member) values[keyword.name] = *number;
  }
  if (header.segment) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "Segment%02d", *header.segment);
    values[kSegmentKeyword] = std::string(text.data());
  }
  if (header.split_roi) values[kSplitKeyword] = *header.split_roi;
  if (header.gds_start_tai_ns) values[kStartKeyword] = FormatTai(*header.gds_start_tai_ns);
  for (const auto& [name, value] : header.other) values[name] = value;
  values["FILENAME"] = file_name;
  values["N_STAMPS"] = int64_t{0};
  values["HAS_ARCHIVE"] = false;
  values["HAS_MASK"] = false;
  values["HAS_VARIANCE"] = false;
  values["STAMPCLS"] = std::string("lsst.meas.algorithms.Stamps");
  return values;
}

}  // namespace

std::string FittingText(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  // A quote takes two characters on the card.
  size_t room = kMostText;
  size_t length = 0;
  for (; length < text.size(); ++length) {
    const size_t width = text[length] == '\'' ? 2 : 1;
    if (width > room) break;
    room -= width;
  }
  text.resize(length);
  return text;
}

std::vector<GuiderCard> PrimaryCards(const GuiderHeader& header, const std::string& file_name) {
  std::map<std::string, GuiderValue> values = Values(header, file_name);
  std::vector<GuiderCard> cards;
  for (const Place& place : kOrder) {
    if (place.name[0] == '\0') {
      // A section without a card is not opened.
      if (!cards.empty() && cards.back().section()) cards.pop_back();
      cards.push_back({"", GuiderValue{}, place.comment});
      continue;
    }
    const auto found = values.find(place.name);
    if (found == values.end()) continue;
    cards.push_back({place.name, Fitting(found->second), place.comment});
    values.erase(found);
  }
  if (!cards.empty() && cards.back().section()) cards.pop_back();
  for (const auto& [name, value] : header.other) {
    if (values.erase(name) != 0) cards.push_back({name, Fitting(value), ""});
  }
  return cards;
}

void SetCard(std::vector<GuiderCard>* cards, std::string_view name, GuiderValue value) {
  const auto found = std::find_if(cards->begin(), cards->end(), [&](const GuiderCard& card) { return card.name == name; });
  if (found != cards->end()) {
    found->value = Fitting(std::move(value));
  } else {
    cards->push_back({std::string(name), Fitting(std::move(value)), ""});
  }
}

std::string SidecarJson(const std::vector<GuiderCard>& cards) {
  nlohmann::ordered_json out{{"__CONTENT__", "metadata"}, {"SIMPLE", true}, {"BITPIX", 8}, {"NAXIS", 0}, {"EXTEND", true}};
  for (const GuiderCard& card : cards) {
    if (card.section()) continue;
    auto& place = out[card.name.size() > 8 ? "HIERARCH." + card.name : card.name];
    if (const auto* text = std::get_if<std::string>(&card.value)) place = *text;
    if (const auto* number = std::get_if<int64_t>(&card.value)) place = *number;
    if (const auto* real = std::get_if<double>(&card.value)) place = *real;
    if (const auto* flag = std::get_if<bool>(&card.value)) place = *flag;
  }
  return out.dump(2) + "\n";
}

}  // namespace summit::fits
