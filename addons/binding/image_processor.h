// SPDX-License-Identifier: Apache-2.0
// Raw full frames from files, processed for JavaScript: new NativeImageProcessor(settings) and process(path, isrPath).
// Thread: the object lives on the environment's thread; the work is done on libuv's pool, one frame at a time per
// object, with as many threads as the settings say.
// Owns: calibrations of the detectors seen last, and the memory that frames are worked on in.
//
//   new NativeImageProcessor({calibrations: string, threads: number, steps: {bias: false, interpolation: true, ...}})
//     calibrations: the folder with one folder per detector, empty for none. steps: those of ISR that are not as usual.
//   process(path: string, isrPath: string): Promise<{report: string, preview: Buffer, cols: number, rows: number}>
//     report: JSON (addons/binding/image_report.h). preview: 8 bit, row 0 is the lowest, one pixel for 4 x 4.
//     isrPath: where the ISR file goes, '' for nowhere. Rejects with path and reason.
#ifndef SUMMIT_BINDING_IMAGE_PROCESSOR_H_
#define SUMMIT_BINDING_IMAGE_PROCESSOR_H_

#include <napi.h>

#include <memory>

namespace summit::binding {

class ImageWorkshop;

class NativeImageProcessor : public Napi::ObjectWrap<NativeImageProcessor> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NativeImageProcessor(const Napi::CallbackInfo& info);

 private:
  Napi::Value Process(const Napi::CallbackInfo& info);

  std::shared_ptr<ImageWorkshop> workshop_;
};

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_IMAGE_PROCESSOR_H_
