// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/link_settings.h"

#include "addons/daq/options.h"

namespace summit::daq {
namespace {

void ReadAmplifier(const std::string& json, SensorSetup* setup, std::string* problems) {
  Options options(json, "sensors: amplifiers");
  const int64_t segment = options.Int("segment", 0, 0, 17);
  SensorSetup::Amplifier& amplifier = setup->amplifiers[static_cast<size_t>(segment)];
  amplifier.gain = static_cast<float>(options.Real("gain", 1.0, 1e-6, 1e6));
  amplifier.read_noise = static_cast<float>(options.Real("readNoise", 0.0, 0.0, 1e6));
  *problems += options.Problems();
}

SensorSetup ReadSensor(const std::string& json, std::string* problems) {
  Options options(json, "sensors");
  SensorSetup setup;
  setup.location = static_cast<uint8_t>(options.Int("location", 0, 0, kLocations - 1));
  setup.measure.gain = static_cast<float>(options.Real("gain", 1.0, 1e-6, 1e6));
  setup.measure.read_noise = static_cast<float>(options.Real("readNoise", 0.0, 0.0, 1e6));
  for (const int64_t segment : options.Ints("badSegments", 0, 17)) setup.bad_segments |= 1u << segment;
  setup.measure.calibrated = options.Flag("calibrated", false);
  for (const std::string& amplifier : options.Array("amplifiers")) ReadAmplifier(amplifier, &setup, problems);
  if (!options.Has("location")) *problems += "sensors: location: expected 0..224; ";
  *problems += options.Problems();
  return setup;
}

void ReadImages(const std::string& json, ImageSettings* settings, std::string* problems) {
  Options options(json, "images");
  settings->sets = static_cast<uint32_t>(options.Int("sets", 2, 1, 64));
  settings->huge_pages = options.Flag("hugePages", true);
  for (const std::string& source : options.Array("sources")) {
    Options each(source, "images: sources");
    ImageSourceSetup setup;
    setup.location = static_cast<uint8_t>(each.Int("location", 0, 0, kLocations - 1));
    const std::string kind = each.Text("kind", "wavefront");
    if (kind == "latiss") setup.channels = image::kLatissChannels;
    else if (kind != "wavefront") *problems += "images: sources: kind: expected wavefront or latiss, got \"" + kind + "\"; ";
    *problems += each.Problems();
    settings->sources.push_back(setup);
  }
  *problems += options.Problems();
}

}  // namespace

bool ReadLinkSettings(std::string_view json, LinkSettings* settings, std::string* message) {
  Options options(json, "link");
  settings->driver = options.Text("driver", "");
  settings->options = options.Json("options");
  if (settings->options == "null") settings->options = "{}";
  settings->recorder = options.Json("recorder");
  settings->stream = options.Json("stream");
  settings->pool.slots = static_cast<uint32_t>(options.Int("slots", 64, 4, 65536));
  settings->pool.slot_bytes = static_cast<uint64_t>(options.Int("slotBytes", 640000, 64, 1 << 30));
  settings->pool.huge_pages = options.Flag("hugePages", true);
  settings->pool.lock_memory = options.Flag("lockMemory", false);
  settings->ring_records = static_cast<uint32_t>(options.Int("ringRecords", 4096, 16, 1 << 20));
  settings->thread.fifo_priority = static_cast<int>(options.Int("schedFifo", 0, 1, 99));
  settings->thread.cpu = static_cast<int>(options.Int("cpu", -1, 0, 1023));
  for (const std::string& sensor : options.Array("sensors")) {
    std::string problems;
    settings->sensors.push_back(ReadSensor(sensor, &problems));
    if (!problems.empty()) {
      *message = problems;
      return false;
    }
  }
  settings->image_writer = options.Json("imageWriter");
  settings->image_looker = options.Json("imageLooker");
  if (options.Has("images")) {
    std::string problems;
    ReadImages(options.Json("images"), &settings->images, &problems);
    if (!problems.empty()) {
      *message = problems;
      return false;
    }
  }
  // Read on the TypeScript side, which puts it into the options of the driver that has it.
  options.Int("linkTimeoutMs", 0, 0, 3600000);
  *message = options.Problems();
  if (message->empty() && settings->driver.empty()) *message = "link: driver: expected wire, datadev, replay, recording or plugin";
  return message->empty();
}

}  // namespace summit::daq
