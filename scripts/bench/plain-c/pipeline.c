// SPDX-License-Identifier: Apache-2.0
// The yardstick of scripts/bench: what a careful C programmer writes for the same job in one file.
// recvmmsg on the DAQ wire (sim-hw/README.md) -> assemble -> check CRC32C -> first-moment centroid ->
// msgpack -> libzmq PUB. No reordering, no accounting, no fit, no flags: it does less than the agent.
// usage: pipeline UDP_PORT PUB_ENDPOINT      ends on SIGTERM and prints its counts as JSON
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <nmmintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { kBatch = 64, kDatagram = 9216, kHeader = 72, kLocations = 256, kMaxStamp = 400 * 400 * 4 };

struct Frame {
  uint32_t received, total;
  uint16_t stamp;
  uint8_t open;
  uint8_t pixels[kMaxStamp];
};

static struct Frame* frames[kLocations];
static uint64_t n_stamps, n_bad, n_torn, n_datagrams;
static volatile sig_atomic_t stopping;

static void OnSignal(int number) {
  (void)number;
  stopping = 1;
}

static uint16_t U16(const uint8_t* p) { uint16_t v; memcpy(&v, p, 2); return v; }
static uint32_t U32(const uint8_t* p) { uint32_t v; memcpy(&v, p, 4); return v; }
static uint64_t U64(const uint8_t* p) { uint64_t v; memcpy(&v, p, 8); return v; }

__attribute__((target("sse4.2"))) static uint32_t Crc32c(const uint8_t* p, size_t n) {
  uint64_t crc = 0xFFFFFFFFu;
  for (; n >= 8; n -= 8, p += 8) crc = _mm_crc32_u64(crc, U64(p));
  for (; n > 0; n--, p++) crc = _mm_crc32_u8((uint32_t)crc, *p);
  return (uint32_t)crc ^ 0xFFFFFFFFu;
}

static uint64_t Monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Kernel receive time (CLOCK_REALTIME in the control message) as CLOCK_MONOTONIC.
static uint64_t ArrivalTime(struct msghdr* message) {
  for (struct cmsghdr* c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp, real;
    memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    clock_gettime(CLOCK_REALTIME, &real);
    const int64_t age = (real.tv_sec - stamp.tv_sec) * 1000000000LL + (real.tv_nsec - stamp.tv_nsec);
    return Monotonic() - (uint64_t)(age > 0 ? age : 0);
  }
  return Monotonic();
}

// First moment above mean + 3 sigma; sigma from the mean absolute deviation of the whole ROI.
static void Centroid(const int32_t* p, int rows, int cols, double* x, double* y, double* flux) {
  const int n = rows * cols;
  int64_t sum = 0;
  for (int i = 0; i < n; i++) sum += p[i];
  const int32_t mean = (int32_t)(sum / n);
  int64_t deviation = 0;
  for (int i = 0; i < n; i++) deviation += abs(p[i] - mean);
  const int32_t threshold = mean + (int32_t)(3.75 * (double)deviation / n);
  int64_t s = 0, sx = 0, sy = 0;
  for (int r = 0; r < rows; r++) {
    int64_t row_sum = 0;
    for (int c = 0; c < cols; c++) {
      const int32_t v = p[r * cols + c] > threshold ? p[r * cols + c] - mean : 0;
      row_sum += v;
      sx += (int64_t)v * c;
    }
    s += row_sum;
    sy += row_sum * r;
  }
  *flux = (double)s;
  *x = s > 0 ? (double)sx / (double)s : NAN;
  *y = s > 0 ? (double)sy / (double)s : NAN;
}

static uint8_t* PutKey(uint8_t* p, const char* key) {
  const size_t n = strlen(key);
  *p++ = (uint8_t)(0xA0 | n);
  memcpy(p, key, n);
  return p + n;
}
static uint8_t* PutU64(uint8_t* p, const char* key, uint64_t v) {
  p = PutKey(p, key);
  *p++ = 0xCF;
  v = __builtin_bswap64(v);
  memcpy(p, &v, 8);
  return p + 8;
}
static uint8_t* PutDouble(uint8_t* p, const char* key, double d) {
  uint64_t v;
  p = PutKey(p, key);
  *p++ = 0xCB;
  memcpy(&v, &d, 8);
  v = __builtin_bswap64(v);
  memcpy(p, &v, 8);
  return p + 8;
}

static void Publish(void* pub, const uint8_t* h, const uint8_t* pixels, uint64_t t_last) {
  double x, y, flux;
  Centroid((const int32_t*)(const void*)pixels, U16(h + 38), U16(h + 40), &x, &y, &flux);
  char topic[64];
  const int topic_bytes = snprintf(topic, sizeof topic, "guider.result/LSSTCam/%u/", h[8]);
  uint8_t body[256], *p = body;
  *p++ = 0x80 | 7;
  p = PutU64(p, "stamp", U16(h + 14));
  p = PutU64(p, "t_src_tai_ns", U64(h + 16));
  p = PutU64(p, "t_last_ns", t_last);
  p = PutU64(p, "t_published_ns", Monotonic());
  p = PutDouble(p, "x", x);
  p = PutDouble(p, "y", y);
  p = PutDouble(p, "flux", flux);
  zmq_send(pub, topic, (size_t)topic_bytes, ZMQ_SNDMORE | ZMQ_DONTWAIT);
  zmq_send(pub, body, (size_t)(p - body), ZMQ_DONTWAIT);
  n_stamps++;
}

static void OnDatagram(void* pub, const uint8_t* h, size_t bytes, uint64_t t) {
  n_datagrams++;
  if (bytes < kHeader || U32(h) != 0x51414453u || h[4] != 1 || h[6] != 0 || h[10] != 1) return;
  const uint32_t total = U32(h + 28), offset = U32(h + 32), n = U16(h + 36);
  if (Crc32c(h, kHeader - 4) != U32(h + 68) || bytes < kHeader + n || total > kMaxStamp ||
      (uint64_t)offset + n > total || Crc32c(h + kHeader, n) != U32(h + 64)) {
    n_bad++;
    return;
  }
  struct Frame* f = frames[h[8]];
  if (!f) f = frames[h[8]] = calloc(1, sizeof *f);
  if (!f) exit(1);
  if (!f->open || f->stamp != U16(h + 14)) {
    n_torn += f->open;
    f->open = 1;
    f->stamp = U16(h + 14);
    f->total = total;
    f->received = 0;
  }
  memcpy(f->pixels + offset, h + kHeader, n);
  f->received += n;
  if (f->received < f->total) return;
  f->open = 0;
  Publish(pub, h, f->pixels, t);
}

static int OpenSocket(int port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, want = 16 << 20;
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timeval timeout = {.tv_usec = 100000};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want) != 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof want);
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (bind(fd, (const struct sockaddr*)&address, sizeof address) != 0) {
    perror("bind");
    exit(1);
  }
  return fd;
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: pipeline UDP_PORT PUB_ENDPOINT\n"), 2;
  const struct sigaction action = {.sa_handler = OnSignal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  const int fd = OpenSocket(atoi(argv[1]));
  void* context = zmq_ctx_new();
  void* pub = zmq_socket(context, ZMQ_PUB);
  const int linger = 0, hwm = 10000;
  zmq_setsockopt(pub, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt(pub, ZMQ_SNDHWM, &hwm, sizeof hwm);
  if (zmq_bind(pub, argv[2]) != 0) return fprintf(stderr, "bind %s: %s\n", argv[2], zmq_strerror(errno)), 1;
  static uint8_t datagrams[kBatch][kDatagram], control[kBatch][64];
  struct mmsghdr messages[kBatch];
  struct iovec parts[kBatch];
  printf("{\"event\":\"ready\"}\n");
  fflush(stdout);
  while (!stopping) {
    for (int i = 0; i < kBatch; i++) {
      parts[i] = (struct iovec){datagrams[i], kDatagram};
      messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]};
    }
    const int n = recvmmsg(fd, messages, kBatch, MSG_WAITFORONE, NULL);
    for (int i = 0; i < n; i++) OnDatagram(pub, datagrams[i], messages[i].msg_len, ArrivalTime(&messages[i].msg_hdr));
  }
  printf("{\"event\":\"end\",\"stamps\":%lu,\"bad\":%lu,\"torn\":%lu,\"datagrams\":%lu}\n", n_stamps, n_bad, n_torn, n_datagrams);
  zmq_close(pub);
  zmq_ctx_term(context);
  close(fd);
  return 0;
}
