// SPDX-License-Identifier: Apache-2.0
// The subscriber of scripts/bench, the same for the agent and for the plain C pipeline: takes the time when a
// message is in hand and compares it with the message's own t_last_ns (last packet of the stamp; for offsets,
// of the last sensor's stamp) and t_published_ns, all CLOCK_MONOTONIC.
// usage: subscriber ENDPOINT SKIP_SECONDS TOPIC...    ends on SIGTERM; prints one JSON line per topic prefix
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { kTopics = 8, kSamples = 1 << 22 };

struct Series {
  const char* prefix;
  float* total_us;    // t_last -> in hand
  float* measured_us; // t_last -> t_measured (agent only)
  float* role_us;     // t_measured -> t_published (agent only)
  float* transport_us;// t_published -> in hand
  uint32_t n;
  uint64_t received;
};

static volatile sig_atomic_t stopping;
static void OnSignal(int number) {
  (void)number;
  stopping = 1;
}

static uint64_t Monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// The 64-bit value after a msgpack key (0xCF unsigned or 0xD3 signed, big endian); 0 if it is not there.
static uint64_t Find(const uint8_t* data, size_t bytes, const char* key) {
  const size_t n = strlen(key);
  const uint8_t* at = memmem(data, bytes, key, n);
  if (!at || at + n + 9 > data + bytes || (at[n] != 0xCF && at[n] != 0xD3)) return 0;
  uint64_t v;
  memcpy(&v, at + n + 1, 8);
  return __builtin_bswap64(v);
}

static int Compare(const void* a, const void* b) {
  const float x = *(const float*)a, y = *(const float*)b;
  return x < y ? -1 : x > y;
}
static double Quantile(const float* sorted, uint32_t n, double q) {
  return n ? (double)sorted[(uint32_t)(q * (n - 1) + 0.5)] : 0.0;
}
static void PrintQuantiles(const char* name, float* values, uint32_t n) {
  qsort(values, n, sizeof *values, Compare);
  printf(",\"%s\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name, Quantile(values, n, 0.5), Quantile(values, n, 0.99),
         Quantile(values, n, 0.999), Quantile(values, n, 1.0));
}

int main(int argc, char** argv) {
  if (argc < 4 || argc > 3 + kTopics) return fprintf(stderr, "usage: subscriber ENDPOINT SKIP_SECONDS TOPIC...\n"), 2;
  const struct sigaction action = {.sa_handler = OnSignal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  void* context = zmq_ctx_new();
  void* sub = zmq_socket(context, ZMQ_SUB);
  const int timeout = 100, hwm = 0, linger = 0;
  zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
  zmq_setsockopt(sub, ZMQ_RCVHWM, &hwm, sizeof hwm);
  zmq_setsockopt(sub, ZMQ_LINGER, &linger, sizeof linger);
  static struct Series series[kTopics];
  const int n_series = argc - 3;
  for (int i = 0; i < n_series; i++) {
    series[i].prefix = argv[3 + i];
    series[i].total_us = malloc(kSamples * sizeof(float));
    series[i].measured_us = malloc(kSamples * sizeof(float));
    series[i].role_us = malloc(kSamples * sizeof(float));
    series[i].transport_us = malloc(kSamples * sizeof(float));
    if (!series[i].total_us || !series[i].measured_us || !series[i].role_us || !series[i].transport_us) return 1;
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, argv[3 + i], strlen(argv[3 + i]));
  }
  if (zmq_connect(sub, argv[1]) != 0) return fprintf(stderr, "connect %s failed\n", argv[1]), 1;
  printf("{\"event\":\"ready\"}\n");
  fflush(stdout);
  uint64_t first = 0;
  const uint64_t skip_ns = (uint64_t)(atof(argv[2]) * 1e9);
  static uint8_t topic[256], body[65536];
  while (!stopping) {
    const int topic_bytes = zmq_recv(sub, topic, sizeof topic - 1, 0);
    if (topic_bytes < 0) continue;
    const int bytes = zmq_recv(sub, body, sizeof body, 0);
    const uint64_t now = Monotonic();
    if (first == 0) first = now;
    if (bytes < 0 || bytes > (int)sizeof body) continue;
    topic[topic_bytes < (int)sizeof topic ? topic_bytes : (int)sizeof topic - 1] = 0;
    for (int i = 0; i < n_series; i++) {
      struct Series* s = &series[i];
      if (strncmp((const char*)topic, s->prefix, strlen(s->prefix)) != 0) continue;
      s->received++;
      const uint64_t t_last = Find(body, (size_t)bytes, "t_last_ns");
      if (now - first < skip_ns || t_last == 0 || s->n >= kSamples) break;
      const uint64_t t_measured = Find(body, (size_t)bytes, "t_measured_ns"), t_published = Find(body, (size_t)bytes, "t_published_ns");
      s->total_us[s->n] = (float)((double)(now - t_last) / 1e3);
      s->measured_us[s->n] = t_measured ? (float)((double)(t_measured - t_last) / 1e3) : 0.0f;
      s->role_us[s->n] = t_measured && t_published ? (float)((double)(t_published - t_measured) / 1e3) : 0.0f;
      s->transport_us[s->n] = t_published ? (float)((double)(now - t_published) / 1e3) : 0.0f;
      s->n++;
      break;
    }
  }
  for (int i = 0; i < n_series; i++) {
    printf("{\"topic\":\"%s\",\"received\":%lu,\"samples\":%u", series[i].prefix, series[i].received, series[i].n);
    PrintQuantiles("totalUs", series[i].total_us, series[i].n);
    PrintQuantiles("measuredUs", series[i].measured_us, series[i].n);
    PrintQuantiles("roleUs", series[i].role_us, series[i].n);
    PrintQuantiles("transportUs", series[i].transport_us, series[i].n);
    printf("}\n");
  }
  zmq_close(sub);
  zmq_ctx_term(context);
  return 0;
}
