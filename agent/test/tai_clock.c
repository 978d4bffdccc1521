// SPDX-License-Identifier: Apache-2.0
// Preloaded into an agent: CLOCK_TAI is ahead of CLOCK_REALTIME by the seconds that stand in the file TAI_OFFSET_FILE, as
// if somebody told this machine's kernel.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  if (id != CLOCK_TAI) return real(id, out);
  const int result = real(CLOCK_REALTIME, out);
  const char *path = getenv("TAI_OFFSET_FILE");
  FILE *file = path ? fopen(path, "r") : NULL;
  int seconds = 0;
  if (file) {
    if (fscanf(file, "%d", &seconds) == 1) out->tv_sec += seconds;
    fclose(file);
  }
  return result;
}
