// SPDX-License-Identifier: Apache-2.0
// What a packaged addon has instead of libcurl and libbz2, so that CFITSIO can be linked statically: every call fails, and
// CFITSIO reports that it could not open the file. The agent reads and writes local, plain or Rice-compressed files only;
// http and .bz2 would need libraries whose names differ between distributions.
// Thread: any. Owns: nothing.
#include <stdio.h>

enum { kCurlFailedInit = 2, kBzConfigError = -9 };

void* curl_easy_init(void) { return NULL; }
void curl_easy_cleanup(void* handle) { (void)handle; }
int curl_easy_perform(void* handle) { return (void)handle, kCurlFailedInit; }
int curl_easy_setopt(void* handle, int option, ...) { return (void)handle, (void)option, kCurlFailedInit; }
int curl_global_init(long flags) { return (void)flags, kCurlFailedInit; }
void curl_global_cleanup(void) {}

void* BZ2_bzReadOpen(int* error, FILE* file, int verbosity, int small, void* unused, int unused_bytes) {
  (void)file, (void)verbosity, (void)small, (void)unused, (void)unused_bytes;
  *error = kBzConfigError;
  return NULL;
}
int BZ2_bzRead(int* error, void* file, void* into, int bytes) {
  (void)file, (void)into, (void)bytes;
  *error = kBzConfigError;
  return 0;
}
void BZ2_bzReadClose(int* error, void* file) {
  (void)file;
  *error = kBzConfigError;
}
