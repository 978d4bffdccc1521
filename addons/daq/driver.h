/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver ABI: how any source of frames (UDP wire, recorded files, a site's DAQ library, a DMA card)
 * hands frames to the agent. Pure C; a site library implements it and is loaded with dlopen.
 *
 * A driver is one shared table of functions, `SummitDriver`, returned by one symbol:
 *
 *     const SummitDriver* summit_driver(void);
 *
 * Rules
 *  - Size first: every struct starts with its own size in bytes. The reader uses only the bytes that both
 *    sides know, so fields may be appended, never moved or removed. `abi_version` changes when that fails.
 *  - No C++ type, exception or allocation crosses this boundary. A driver over a C++ library catches there.
 *  - Names and numbers of events, states and statuses are the camera DAQ's own; unknown ones pass through.
 *  - Pixels are written once, into a pool slot that the host lends (`acquire`), and never move.
 *
 * Thread: `open`, `start`, `stop`, `close` are called by the owner, one at a time. `next` and `release` are
 *   called by the link thread only. `control` and `stats` may be called from any thread at any time between
 *   a successful `open` and `close`. A push driver may call the host's functions from threads of its own,
 *   `commit` from one at a time.
 * Owns: the driver owns the handle; the host owns slots; strings passed in live for the call only.
 *
 * Styles
 *  - Pull: `next` waits and fills a frame. The frame's pixels are in a slot got by `host->acquire`.
 *  - Push (`SUMMIT_CAP_PUSH`): the library calls back in its own thread; the driver calls `host->acquire`,
 *    fills the slot, then `host->commit(frame)`. `next` is not called.
 */
#ifndef SUMMIT_DAQ_DRIVER_H_
#define SUMMIT_DAQ_DRIVER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SUMMIT_ABI_VERSION 1u

/* Event types, as the DAQ numbers them. 200 and above are ours: what a link says of itself. */
enum SummitEventType {
  SUMMIT_EVENT_STAMP = 0,
  SUMMIT_EVENT_START = 1,
  SUMMIT_EVENT_STOP = 2,
  SUMMIT_EVENT_PAUSE = 3,
  SUMMIT_EVENT_RESUME = 4,
  SUMMIT_EVENT_STATUS = 5,
  SUMMIT_EVENT_WAKE = 6,
  SUMMIT_EVENT_SLEEP = 7,
  SUMMIT_EVENT_RESET = 8,
  SUMMIT_EVENT_LINK_UP = 200,   /* first traffic after silence */
  SUMMIT_EVENT_LINK_DOWN = 201, /* nothing, not even STATUS, for the link timeout */
  SUMMIT_EVENT_END = 202,       /* a finite source (replay) has delivered everything */
  SUMMIT_EVENT_PREDICTION = 203, /* recordings only: where the star of `location` was expected from here on */
  SUMMIT_EVENT_DELIVERED = 204  /* of the recording driver only: the next frame was delivered at `t_last_ns` */
};

enum SummitEventStatus { SUMMIT_STATUS_SUCCESS = 0, SUMMIT_STATUS_BDI_ERROR = 1, SUMMIT_STATUS_MAX_SUBSCRIBERS = 2 };

/* DAQ states (frame field `daq_state`). */
enum SummitDaqState {
  SUMMIT_STATE_UNDEFINED = 0,
  SUMMIT_STATE_IDLECLEARING = 1,
  SUMMIT_STATE_PAUSED = 2,
  SUMMIT_STATE_RUNNING = 3,
  SUMMIT_STATE_ERROR = 4,
  SUMMIT_STATE_SLEEPING = 5,
  SUMMIT_STATE_CLEARING = 6,
  SUMMIT_STATE_IDLEPAUSE = 7
};

enum SummitPixelType {
  SUMMIT_PIXEL_NONE = 0,
  SUMMIT_PIXEL_I32 = 1,     /* int32 little endian [rows][cols], 18-bit ADC counts */
  SUMMIT_PIXEL_U16 = 2,     /* uint16 little endian [rows][cols] */
  SUMMIT_PIXEL_RAW18X16 = 3 /* 36 bytes per pixel clock: 16 segments x 18 bits; addons/pixels/raw_decode.h */
};

/* What the driver saw happen to this frame (bits of `flags`). */
enum SummitFrameFlag {
  SUMMIT_FRAME_INCOMPLETE = 1u << 0,   /* packets missing; pixels must not be measured */
  SUMMIT_FRAME_CRC = 1u << 1,          /* a checksum failed */
  SUMMIT_FRAME_FIFO = 1u << 2,         /* card: FIFO error */
  SUMMIT_FRAME_LEN = 1u << 3,          /* card: length error, or bytes differ from the geometry */
  SUMMIT_FRAME_MAX = 1u << 4,          /* card: larger than a slot */
  SUMMIT_FRAME_BUS = 1u << 5,          /* card: bus error */
  SUMMIT_FRAME_TRUNCATED = 1u << 6,    /* a packet was shorter than it said */
  SUMMIT_FRAME_DUPLICATE = 1u << 7,    /* this stamp was delivered before */
  SUMMIT_FRAME_REORDERED = 1u << 8,    /* older than the newest stamp already delivered; fills its gap */
  SUMMIT_FRAME_GAP_BEFORE = 1u << 9,   /* stamps between the previous one and this are missing */
  SUMMIT_FRAME_LATE = 1u << 10,        /* closed by a deadline, not by its last packet */
  SUMMIT_FRAME_TIME_SUSPECT = 1u << 11,/* source time absent, not increasing, or not TAI */
  SUMMIT_FRAME_SPLIT_ROI = 1u << 12,   /* the ROI crosses amplifiers */
  SUMMIT_FRAME_FIRST = 1u << 13,       /* first stamp after START */
  SUMMIT_FRAME_LAST = 1u << 14,
  SUMMIT_FRAME_SIMULATED = 1u << 15,   /* the source says it is a simulation */
  SUMMIT_FRAME_ONE_BASED = 1u << 16,   /* the source numbers stamps from 1 */
  SUMMIT_FRAME_NAME_CORRECTED = 1u << 17 /* the source named the wrong sensor; `location` is the right one */
};

/* One frame or event, 128 bytes, little endian. Zero means absent unless said otherwise. */
typedef struct SummitFrame {
  uint32_t struct_size;   /* 0    sizeof(SummitFrame) as the driver knows it */
  uint16_t abi_version;   /* 4 */
  uint8_t link;           /* 6    index of the link inside the agent: 0 */
  uint8_t event_type;     /* 7    SummitEventType; unknown values pass through */
  uint8_t event_status;   /* 8    SummitEventStatus; unknown values pass through */
  uint8_t daq_state;      /* 9 */
  uint8_t location;       /* 10   bay*9 + board*3 + sensor; 0xFF: the link as a whole */
  uint8_t pixel_type;     /* 11 */
  uint16_t sequence;      /* 12   as the DAQ sent it; wraps */
  uint16_t stamp;         /* 14   as the DAQ sent it; wraps */
  uint32_t flags;         /* 16   SummitFrameFlag */
  uint32_t missing;       /* 20   bytes of this frame that never came */
  uint64_t series;        /* 24   sequence, unwrapped by the host */
  uint64_t stamp_index;   /* 32   stamp, unwrapped by the host */
  uint64_t t_src_tai_ns;  /* 40   DAQ time: readout trigger, TAI ns since 1970; 0 = absent */
  uint64_t t_first_ns;    /* 48   CLOCK_MONOTONIC at the first packet */
  uint64_t t_last_ns;     /* 56   CLOCK_MONOTONIC at the last packet */
  uint16_t rows;          /* 64 */
  uint16_t cols;          /* 66 */
  uint16_t segment;       /* 68   amplifier label 0-7, 10-17 */
  uint16_t start_row;     /* 70 */
  uint16_t start_col;     /* 72 */
  uint16_t integration_ms;/* 74 */
  uint16_t over_rows;     /* 76 */
  uint16_t under_cols;    /* 78 */
  uint16_t over_cols;     /* 80 */
  uint16_t reserved0;     /* 82 */
  uint32_t gap;           /* 84   stamps missing directly before this one; the host fills it */
  uint32_t bytes;         /* 88   payload bytes at `data` */
  uint32_t crc32c;        /* 92   CRC32C of the payload where the source has one */
  uint64_t token;         /* 96   the pool slot; 0 = no slot */
  const void* data;       /* 104  pixels in the slot, or event payload valid until `release` */
  uint64_t stamps_sent;   /* 112  PAUSE, STOP: stamps the DAQ sent since START; UINT64_MAX = not told */
  uint64_t session;       /* 120  random number of the source's run: a change means it restarted; 0 = not told */
} SummitFrame;

/* Payload of START (`data`, 183 bytes, packed): the DAQ's series metadata. Payload of RESUME: comment text. */
#pragma pack(push, 1)
typedef struct SummitRoiCommon {
  uint16_t nrows, ncols, integration_ms, over_rows, under_cols, over_cols, flush_count, reserved;
} SummitRoiCommon;
typedef struct SummitRoiLocation {
  uint8_t location, reserved;
  uint16_t segment, start_row, start_col;
} SummitRoiLocation;
typedef struct SummitSeriesMetadata {
  SummitRoiCommon common;
  SummitRoiLocation roi;
  char version[48];   /* DAQ software version */
  uint32_t firmware;
  uint64_t serial;
  uint8_t valid;
  uint8_t split_roi;
  uint8_t vendor;     /* 0 ITL, 1 E2V */
  char platform[32];
  char id[64];        /* configuration id of the series; not the image name */
} SummitSeriesMetadata;
#pragma pack(pop)

/* Payload of PREDICTION: px of the ROI. */
typedef struct SummitPrediction {
  double x, y, radius;
  uint64_t valid;
} SummitPrediction;

/* Full frames, as the DAQ's image store has them: an image is created, its sources (one board's stream each) flow, the
 * image is complete. "Complete" may mean "timed out": the host counts the bytes. The driver hands raw bytes over as
 * they arrive; the host sorts them into planes at once. */
enum SummitImageEventType {
  SUMMIT_IMAGE_CREATED = 1,    /* `name`, `json` */
  SUMMIT_IMAGE_SOURCE = 2,     /* the stream of `location` begins; `bytes_expected`, `json` */
  SUMMIT_IMAGE_DATA = 3,       /* its next `bytes` at `data`, which begin at `offset` of the stream */
  SUMMIT_IMAGE_SOURCE_END = 4, /* nothing more comes of it: `status` */
  SUMMIT_IMAGE_COMPLETE = 5    /* nothing more comes of the image */
};
enum SummitImageStatus {
  SUMMIT_IMAGE_OK = 0,        /* the DAQ says that this is all */
  SUMMIT_IMAGE_TIMED_OUT = 1, /* no bytes for too long */
  SUMMIT_IMAGE_LINK_LOST = 2, /* the connection could not be had again */
  SUMMIT_IMAGE_REFUSED = 3,   /* the DAQ does not give it */
  SUMMIT_IMAGE_STOPPED = 4    /* the driver was stopped */
};

typedef struct SummitImageEvent {
  uint32_t struct_size;
  uint16_t type;          /* SummitImageEventType */
  uint8_t location;       /* SOURCE, DATA, SOURCE_END: bay*9 + board*3 + sensor of the board's first sensor */
  uint8_t simulated;      /* the DAQ says it is a simulation */
  int32_t status;         /* SummitImageStatus */
  uint32_t resumed;       /* SOURCE_END: how often the link was lost and found again */
  uint64_t image;         /* the DAQ's image id */
  uint64_t t_src_tai_ns;  /* CREATED: trigger, TAI ns since 1970; 0 = absent */
  uint64_t t_ns;          /* CLOCK_MONOTONIC: when it came */
  uint64_t bytes_expected;
  uint64_t offset;
  uint64_t bytes;
  const void* data;
  const char* name;       /* image name such as MC_O_20251121_000156 */
  const char* json;       /* CREATED, SOURCE: what else the DAQ tells, a JSON object; may be NULL */
} SummitImageEvent;

/* A number that only this driver has (a card's error counts, a library's per-sensor statistics), by its snake_case name.
 * One named register_... or ..._now goes down as well as up. */
typedef struct SummitNamedCount {
  char name[40]; /* ends with a NUL */
  uint64_t value;
} SummitNamedCount;
#define SUMMIT_NAMED_COUNTS 96u

/* What a driver counts about its link. Per-sensor counters are the host's. */
typedef struct SummitLinkStats {
  uint32_t struct_size;
  uint32_t link_up;           /* 1 while traffic (STATUS included) arrives */
  uint64_t packets;
  uint64_t bytes;
  uint64_t bad_magic;         /* not ours, or shorter than a header */
  uint64_t bad_version;       /* another version of the wire */
  uint64_t bad_header;        /* header checksum or lengths wrong: cannot say which stamp it was */
  uint64_t bad_payload;       /* payload checksum wrong or shorter than it said */
  uint64_t unknown_event;     /* event type not known; passed through */
  uint64_t unknown_sensor;    /* location outside 0..224 */
  uint64_t duplicate_packets; /* the same fragment again */
  uint64_t late_packets;      /* fragment of a frame already closed incomplete */
  uint64_t packets_lost;      /* gaps in the sender's packet counter */
  uint64_t kernel_drops;      /* SO_RXQ_OVFL: datagrams dropped at the socket */
  uint64_t rcvbuf_requested;  /* bytes */
  uint64_t rcvbuf_actual;     /* bytes, as read back */
  uint64_t link_downs;
  uint64_t link_ups;
  uint64_t source_restarts;   /* the DAQ process restarted */
  uint64_t wakeups;           /* returns of the receiving call with data */
  uint64_t named_counts;      /* entries of `named` that are filled */
  SummitNamedCount named[SUMMIT_NAMED_COUNTS];
  char version[96];           /* of the library under a plug-in, and what it is connected to; "" = the table's `version` says it */
} SummitLinkStats;

enum SummitCaps {
  SUMMIT_CAP_PUSH = 1u << 0,    /* delivers through host->commit; `next` is NULL */
  SUMMIT_CAP_CONTROL = 1u << 1, /* `control` reaches a DAQ that can be commanded */
  SUMMIT_CAP_FINITE = 1u << 2,  /* the source ends (replay): LINK silence is no fault */
  SUMMIT_CAP_IN_STEP = 1u << 3  /* wants each frame's record handled before the next frame is asked for */
};

/* Return codes: 1 delivered, 0 nothing (timeout), negative one of these. */
enum SummitError {
  SUMMIT_OK = 0,
  SUMMIT_ERR_CONFIG = -1,      /* the configuration text is wrong; message says which key */
  SUMMIT_ERR_RESOURCE = -2,    /* port busy, device missing, permission; message says what to do */
  SUMMIT_ERR_TIMEOUT = -3,     /* deadline passed; nothing was joined or freed */
  SUMMIT_ERR_STATE = -4,       /* called in the wrong order */
  SUMMIT_ERR_IO = -5,
  SUMMIT_ERR_UNSUPPORTED = -6,
  SUMMIT_ERR_CLOSED = -7       /* finite source is at its end */
};

/* What the host offers to a driver. Valid from `open` until `close` returns. */
typedef struct SummitHost {
  uint32_t struct_size;
  uint32_t abi_version;
  void* context;
  /* Lends a slot of at least `bytes` bytes, 64-byte aligned. Returns its token, 0 if none is free (the host
   * counts it; the driver must go on and tell the frame with token 0). Writes the address to *memory. */
  uint64_t (*acquire)(void* context, uint64_t bytes, void** memory);
  /* Gives back a slot that was acquired and never delivered. */
  void (*cancel)(void* context, uint64_t token);
  /* Push drivers: delivers a frame; its slot now belongs to the host, which measures it before this returns. Waits for
   * nothing but another `commit`. */
  void (*commit)(void* context, const SummitFrame* frame);
  /* Writes one line to the agent's log. level: 10 debug, 20 info, 30 warning, 40 error. */
  void (*log)(void* context, int level, const char* message);
  uint64_t slot_bytes; /* the most that `acquire` can lend in one slot */
  /* NULL: the host takes no images. Events of one source come in order and one at a time; sources may come from
   * threads of their own. 0: this image or source is not wanted any more, and the driver need not go on with it. */
  int (*image)(void* context, const SummitImageEvent* event);
} SummitHost;

typedef struct SummitDriver {
  uint32_t struct_size;
  uint32_t abi_version;
  const char* name;    /* "wire", "replay", "gds" */
  const char* version; /* of the driver and, where there is one, of the library under it */
  uint64_t caps;       /* SummitCaps */
  /* Reads its configuration (UTF-8 JSON object), takes resources. On failure returns a SummitError and a
   * sentence (expected, actual, what to do) in message[0..message_bytes). *handle is set on success only. */
  int (*open)(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes);
  int (*start)(void* handle);
  /* Stops delivery; `next` waits no more, gives what had arrived, then returns 0 or SUMMIT_ERR_CLOSED. Returns
   * SUMMIT_ERR_TIMEOUT if a library thread did not end in time: the host then leaks the handle, not frees it. */
  int (*stop)(void* handle, int deadline_ms);
  /* Waits up to timeout_ms for a frame. 1: *frame is filled and, if token != 0, its slot is the caller's. The
   * caller sets frame->struct_size to the room it has; a driver writes no more than that. */
  int (*next)(void* handle, SummitFrame* frame, int timeout_ms);
  /* Called once per frame delivered by `next`, in any order, when an event's `data` is no longer read. Pixels
   * in a slot are the host's: it may read them after this call. NULL: none. */
  void (*release)(void* handle, const SummitFrame* frame);
  /* Sends one DAQ command (JSON object in, JSON object out). Blocks up to deadline_ms. */
  int (*control)(void* handle, const char* json_in, char* json_out, uint64_t json_out_bytes, int deadline_ms);
  int (*stats)(void* handle, SummitLinkStats* stats);
  void (*close)(void* handle);
} SummitDriver;

typedef const SummitDriver* (*SummitDriverSymbol)(void);
#define SUMMIT_DRIVER_SYMBOL "summit_driver"

#ifdef __cplusplus
} /* extern "C" */
static_assert(sizeof(SummitFrame) == 128, "the frame descriptor is 128 bytes");
static_assert(sizeof(SummitSeriesMetadata) == 183, "series metadata is the DAQ's 183 bytes");
#endif

#endif /* SUMMIT_DAQ_DRIVER_H_ */
