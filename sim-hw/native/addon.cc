// SPDX-License-Identifier: Apache-2.0
// What JavaScript sees of the simulator's native part: Frame, SensorModel, Sender, Pty, crc32c, full frames.
// Thread: the JavaScript thread that made the object. Owns: nothing beyond the objects it wraps.
#include <arpa/inet.h>
#include <napi.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "sim-hw/native/crc32c.h"
#include "sim-hw/native/frame_addon.h"
#include "sim-hw/native/pty.h"
#include "sim-hw/native/renderer.h"
#include "sim-hw/native/sender.h"

namespace {

using namespace summit::sim;

Napi::Value Throw(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

double NumberOf(const Napi::Object& from, const char* key, double fallback) {
  const Napi::Value value = from.Get(key);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : fallback;
}

uint64_t SeedOf(const Napi::Value& value) {
  bool lossless = true;
  return value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
}

// One stamp's pixels, with the checksums of its fragments once it was sent.
class Frame : public Napi::ObjectWrap<Frame> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Frame", {InstanceMethod<&Frame::Bytes>("bytes")});
  }
  explicit Frame(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Frame>(info), data_(info[0].As<Napi::Number>().Uint32Value()) {}

  // A copy of the pixels, for tests.
  Napi::Value Bytes(const Napi::CallbackInfo& info) { return Napi::Buffer<uint8_t>::Copy(info.Env(), data_.data(), data_.size()); }

  std::vector<uint8_t> data_;
  std::vector<uint32_t> fragment_crc_;
};

class Model : public Napi::ObjectWrap<Model> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "SensorModel", {InstanceMethod<&Model::Render>("render"), InstanceMethod<&Model::Bytes>("bytes")});
  }
  explicit Model(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Model>(info) {
    const Napi::Object from = info[0].As<Napi::Object>();
    SensorSettings s;
    s.rows = static_cast<int32_t>(NumberOf(from, "rows", s.rows));
    s.cols = static_cast<int32_t>(NumberOf(from, "cols", s.cols));
    s.type = static_cast<PixelType>(static_cast<int>(NumberOf(from, "pixelType", 1)));
    s.plane = static_cast<int32_t>(NumberOf(from, "plane", s.plane));
    s.seed = SeedOf(from.Get("seed"));
    s.bias = NumberOf(from, "bias", s.bias);
    s.gain = NumberOf(from, "gain", s.gain);
    s.read_noise = NumberOf(from, "readNoise", s.read_noise);
    s.column_sigma = NumberOf(from, "columnSigma", s.column_sigma);
    s.transient = NumberOf(from, "transient", s.transient);
    s.row_ramp = NumberOf(from, "rowRamp", s.row_ramp);
    s.hot_pixels = NumberOf(from, "hotPixels", s.hot_pixels);
    s.split_column = static_cast<int32_t>(NumberOf(from, "splitColumn", s.split_column));
    s.split_step = NumberOf(from, "splitStep", s.split_step);
    s.moffat_beta = NumberOf(from, "moffatBeta", s.moffat_beta);
    model_ = std::make_unique<SensorModel>(s);
  }

  Napi::Value Bytes(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(model_->Bytes())); }

  // render(frame, noiseSeed: bigint, stars: Float64Array of [x, y, flux, fwhm], rays: Float64Array of [x, y, dx, dy, electrons])
  void Render(const Napi::CallbackInfo& info) {
    Frame* frame = Frame::Unwrap(info[0].As<Napi::Object>());
    if (frame->data_.size() != model_->Bytes()) {
      Throw(info.Env(), "render: the frame has another size than this sensor's stamps");
      return;
    }
    const Napi::Float64Array s = info[2].As<Napi::Float64Array>(), r = info[3].As<Napi::Float64Array>();
    std::vector<Star> stars;
    for (size_t i = 0; i + 4 <= s.ElementLength(); i += 4) stars.push_back({s[i], s[i + 1], s[i + 2], s[i + 3]});
    std::vector<CosmicRay> rays;
    for (size_t i = 0; i + 5 <= r.ElementLength(); i += 5) rays.push_back({r[i], r[i + 1], r[i + 2], r[i + 3], r[i + 4]});
    model_->Render(SeedOf(info[1]), stars, rays, frame->data_.data());
    frame->fragment_crc_.clear();
  }

 private:
  std::unique_ptr<SensorModel> model_;
};

class JsSender : public Napi::ObjectWrap<JsSender> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Sender", {InstanceMethod<&JsSender::Add>("addDestination"), InstanceMethod<&JsSender::Send>("send"),
                                       InstanceMethod<&JsSender::Fragments>("fragments")});
  }
  // new Sender(mtu, interfaceAddress)
  explicit JsSender(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsSender>(info) {
    std::string error;
    sender_ = std::make_unique<Sender>(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::String>().Utf8Value(), &error);
    if (!error.empty()) Throw(info.Env(), error);
  }

  // addDestination(address, port): number, for send
  Napi::Value Add(const Napi::CallbackInfo& info) {
    Destination to;
    to.address.sin_family = AF_INET;
    to.address.sin_port = htons(static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value()));
    const std::string address = info[0].As<Napi::String>().Utf8Value();
    if (inet_pton(AF_INET, address.c_str(), &to.address.sin_addr) != 1) return Throw(info.Env(), "address: expected IPv4, got " + address);
    destinations_.push_back(to);
    return Napi::Number::New(info.Env(), static_cast<double>(destinations_.size() - 1));
  }

  Napi::Value Fragments(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), sender_->Fragments(info[0].As<Napi::Number>().Uint32Value()));
  }

  // send(destination, header: Uint8Array(72), payload: Frame | Uint8Array | null, order: Int32Array, faults: Int32Array of
  // [position, edit, argument]): datagrams sent, or -errno
  Napi::Value Send(const Napi::CallbackInfo& info) {
    const uint32_t index = info[0].As<Napi::Number>().Uint32Value();
    const Napi::Uint8Array header = info[1].As<Napi::Uint8Array>();
    if (index >= destinations_.size() || header.ElementLength() != kHeaderBytes) return Throw(info.Env(), "send: no such destination, or a header that is not 72 bytes");
    Payload payload;
    if (info[2].IsTypedArray()) {
      const Napi::Uint8Array bytes = info[2].As<Napi::Uint8Array>();
      payload = {bytes.Data(), static_cast<uint32_t>(bytes.ByteLength()), nullptr};
    } else if (info[2].IsObject()) {
      Frame* frame = Frame::Unwrap(info[2].As<Napi::Object>());
      payload = {frame->data_.data(), static_cast<uint32_t>(frame->data_.size()), &frame->fragment_crc_};
    }
    const Napi::Int32Array o = info[3].As<Napi::Int32Array>(), f = info[4].As<Napi::Int32Array>();
    order_.assign(o.Data(), o.Data() + o.ElementLength());
    faults_.clear();
    for (size_t i = 0; i + 3 <= f.ElementLength(); i += 3) faults_.push_back({f[i], static_cast<Edit>(f[i + 1]), static_cast<uint32_t>(f[i + 2])});
    const int64_t sent = sender_->Send(&destinations_[index], header.Data(), payload, order_, faults_);
    return Napi::Number::New(info.Env(), static_cast<double>(sent));
  }

 private:
  std::unique_ptr<Sender> sender_;
  std::vector<Destination> destinations_;
  std::vector<int32_t> order_;
  std::vector<DatagramFault> faults_;
};

class JsPty : public Napi::ObjectWrap<JsPty> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Pty",
                       {InstanceMethod<&JsPty::Path>("path"), InstanceMethod<&JsPty::Write>("write"), InstanceMethod<&JsPty::BaudRate>("baudRate"),
                        InstanceMethod<&JsPty::Unread>("unread"), InstanceMethod<&JsPty::Close>("close")});
  }
  explicit JsPty(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsPty>(info) {
    const int error = pty_.Open();
    if (error != 0) Throw(info.Env(), std::string("a pseudo terminal cannot be opened: ") + strerror(error));
  }

  Napi::Value Path(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), pty_.path()); }
  // write(bytes: Uint8Array): bytes taken, or -errno
  Napi::Value Write(const Napi::CallbackInfo& info) {
    const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
    return Napi::Number::New(info.Env(), static_cast<double>(pty_.Write(bytes.Data(), bytes.ByteLength())));
  }
  Napi::Value BaudRate(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), pty_.BaudRate()); }
  Napi::Value Unread(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(pty_.Unread())); }
  void Close(const Napi::CallbackInfo&) { pty_.Close(); }

 private:
  Pty pty_;
};

Napi::Value JsCrc32c(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  return Napi::Number::New(info.Env(), Crc32c(bytes.Data(), bytes.ByteLength()));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("Frame", Frame::Define(env));
  exports.Set("SensorModel", Model::Define(env));
  exports.Set("Sender", JsSender::Define(env));
  exports.Set("Pty", JsPty::Define(env));
  DefineFrames(env, exports);
  exports.Set("crc32c", Napi::Function::New<JsCrc32c>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(sim_native, Init)
