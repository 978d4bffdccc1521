// SPDX-License-Identifier: Apache-2.0
// Images as JavaScript objects: news of the DAQ's images, orders to write them, reports of files;
// agent/daq/native-images.ts declares their shapes.
// Thread: the thread of the environment.
// Owns: nothing.
#ifndef SUMMIT_BINDING_IMAGE_OBJECTS_H_
#define SUMMIT_BINDING_IMAGE_OBJECTS_H_

#include <napi.h>

#include <string>
#include <vector>

#include "addons/daq/image_receiver.h"
#include "addons/looks/image_looker.h"
#include "addons/recorder/image_writer.h"

namespace summit::binding {

// "null" leaves the folder empty: nothing is written. False with everything that is wrong.
bool ReadImageWriterSettings(const std::string& json, recorder::ImageWriterSettings* settings, std::string* message);

Napi::Array ImageNewsArray(Napi::Env env, const std::vector<daq::ImageNews>& news);
Napi::Array ImageFilesArray(Napi::Env env, const std::vector<recorder::ImageFileReport>& reports);
// {id, firstPlane, detector, name, header}; false: not the right kinds.
bool ReadImageJob(const Napi::Value& value, recorder::ImageJob* job);

// "null" leaves `workers` 0: nobody looks.
bool ReadLookerSettings(const std::string& json, looks::LookerSettings* settings, std::string* message);
// {id, firstPlane, kind, calibration, header, isrPath, calibrations}; false: not the right kinds.
bool ReadLookJob(const Napi::Value& value, looks::LookJob* job);
Napi::Array LooksArray(Napi::Env env, const std::vector<looks::LookReport>& reports);
Napi::Array IsrFilesArray(Napi::Env env, const std::vector<looks::IsrFileReport>& reports);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_IMAGE_OBJECTS_H_
