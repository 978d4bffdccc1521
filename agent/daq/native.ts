// SPDX-License-Identifier: Apache-2.0
// The only file that loads the native addon. It declares what addons/binding exports.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  CalibrationOrder,
  FileReport,
  LinkCounters,
  LoadedCalibration,
  Measurement,
} from '../model/daq.js';
import type {
  ImageFileReport,
  ImageNews,
  ImageOrder,
  IsrFileReport,
  LookOrder,
  LookReport,
} from '../model/image.js';

export interface RecordLayout {
  readonly size: number;
  /** byte offsets by "frame.rows", "measurement.x", "series.common.nrows", "lease", ... */
  readonly offsets: Readonly<Record<string, number>>;
}

export interface LogLine {
  /** 10 debug, 20 info, 30 warning, 40 error */
  readonly level: number;
  readonly text: string;
}

export interface ControlResult {
  /** '' when the DAQ answered, else an AgentErrorCode */
  readonly code: string;
  /** the answer as JSON text; also says what went wrong, where something did */
  readonly reply: string;
}

/** addons/binding/native_link.cc. Errors it throws carry an AgentErrorCode in `code`. */
export interface NativeLink {
  start(): void;
  /** true: the thread has ended; false: the driver did not come back and was left behind */
  stop(): Promise<boolean>;
  /** Copies whole records; answers the doorbell. Call until it returns 0. */
  drain(into: Uint8Array): number;
  takeLog(): LogLine[];
  control(command: string, deadlineMs: number): Promise<ControlResult>;
  counters(): LinkCounters;
  busySince(): bigint;
  predict(location: number, x?: number, y?: number, radius?: number): void;
  wantPixels(locations: readonly number[]): void;
  calibrate(location: number, order: CalibrationOrder, amplifiers: string): Promise<LoadedCalibration>;
  takePixels(lease: bigint): Buffer;
  releasePixels(lease: bigint): void;
  /** files that were closed since the last call */
  takeReports(): FileReport[];
  /** what happened to images since the last call */
  takeImages(): ImageNews[];
  /** throws when the token is not lent */
  writeImage(token: bigint, order: ImageOrder): void;
  /** throws when the token is not lent, or the settings have no looker */
  lookAtImage(token: bigint, order: LookOrder): void;
  releaseImage(token: bigint): void;
  /** raw images that were written, or could not be, since the last call */
  takeImageFiles(): ImageFileReport[];
  /** images that were looked at or left out since the last call, and ISR files of such looks */
  takeLooks(): LookReport[];
  takeIsrFiles(): IsrFileReport[];
}

/** MeasureSettings of addons/pixels/measure.h; what is absent has the default given there. */
export interface MeasurerSettings {
  readonly maxRows?: number;
  readonly maxCols?: number;
  /** electron/ADU */
  readonly gain?: number;
  /** electron; 0: estimated from the pixels */
  readonly readNoise?: number;
  /** ADU */
  readonly saturation?: number;
  /** px */
  readonly expectedFwhm?: number;
  readonly rawSegment?: number;
  /** calibrations are due: without all of them results carry `uncalibrated` */
  readonly calibrated?: boolean;
}

/** addons/binding/native_measurer.cc: the measuring chain for archived pixels. */
export interface NativeMeasurer {
  /** `type` is 1 int32, 2 uint16, 3 raw 18x16, 4 float; x, y, radius (px): where the star is expected. */
  measure(
    pixels: Int32Array | Uint16Array | Float32Array | Uint8Array,
    type: number,
    rows: number,
    cols: number,
    x?: number,
    y?: number,
    radius?: number,
  ): Measurement;
  /** forgets earlier stamps */
  reset(): void;
  /** Takes what calibrations there are; returns one sentence for each that is missing. */
  calibrate(order: CalibrationOrder): readonly string[];
}

export interface NativeGuiderFile {
  stamps(): readonly { readonly rows: number; readonly cols: number; readonly taiNs: bigint }[];
  read(index: number): Int32Array;
  /** null where the header does not tell */
  roi(): {
    readonly detector: string | null;
    readonly segment: number | null;
    readonly startRow: number | null;
    readonly startCol: number | null;
    readonly integrationMs: number | null;
  };
}

export interface NativeImage {
  readonly hdu: number;
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  /** row by row; NaN where the file has no value */
  readonly pixels: Float32Array;
}

/** addons/binding/image_processor.h */
export interface NativeProcessedImage {
  /** JSON, addons/looks/image_report.h */
  readonly report: string;
  /** 8 bit, row by row, the lowest first; one pixel for 4 x 4 */
  readonly preview: Buffer;
  readonly cols: number;
  readonly rows: number;
}

/** addons/binding/image_processor.h: raw full frames, one at a time, off the event loop. */
export interface NativeImageProcessor {
  process(path: string, isrPath: string): Promise<NativeProcessedImage>;
}

/** One stamp for `writeGuiderFile`. */
export interface GuiderFileStamp {
  /** row by row */
  readonly pixels: Int32Array;
  /** readout trigger; 0n: not known */
  readonly taiNs: bigint;
  readonly daqStamp: number;
}

export interface NativeAddon {
  readonly NativeLink: new (settings: string, doorbell: () => void) => NativeLink;
  readonly NativeMeasurer: new (settings: MeasurerSettings) => NativeMeasurer;
  readonly NativeImageProcessor: new (settings: {
    readonly calibrations: string;
    readonly threads: number;
    readonly steps: Readonly<Record<string, boolean>>;
  }) => NativeImageProcessor;
  /** throws an Error with path and reason */
  readonly NativeGuiderFile: new (
    path: string,
  ) => NativeGuiderFile;
  /** `hdu` 0: the first 2-D image. Throws an Error with path and reason */
  readImage(path: string, hdu: number): NativeImage;
  /** Of a photon transfer curve's table (ptc.fits); throws an Error with path and reason. */
  readAmplifier(path: string, segment: number): { readonly gain: number; readonly readNoise: number };
  monotonicNs(): bigint;
  /** CLOCK_TAI - CLOCK_REALTIME in whole seconds; 0 when nobody told the kernel */
  clockTaiMinusUtc(): number;
  /** Holds new connections off listening TCP sockets of this process (addons/binding/listener.h); how many took it. */
  holdConnections(port: number, hold: boolean): number;
  /** Connections of a TCP port of this process: [id, bytes received, id, bytes received, ...]. */
  connectionsOf(port: number): readonly number[];
  /** Shuts one of them down; false: it is gone. */
  cutOff(port: number, id: number): boolean;
  /** SUMMIT_ABI_VERSION of addons/daq/driver.h */
  readonly driverAbi: number;
  recordLayout(): RecordLayout;
  /**
   * Writes a guider FITS file as the camera does; `header` is a JSON object of FITS keywords. Blocks until the file
   * is on the disk; throws an Error with path and reason (addons/binding/fits_binding.h).
   */
  writeGuiderFile(path: string, header: string, stamps: readonly GuiderFileStamp[]): void;
  /**
   * Writes one raw image and its sidecar as the camera archives them; `planes` in the order of the segments
   * (addons/binding/raw_image_binding.h). Blocks until both are on the disk; throws an Error with path and reason.
   */
  writeRawImage(
    path: string,
    header: string,
    detector: 'latiss' | 'wavefront',
    rows: number,
    cols: number,
    planes: Int32Array,
    threads: number,
  ): void;
  /** One datagram as sd_notify sends it; `address` is NOTIFY_SOCKET. Never waits; '' or why it was not sent. */
  notifyServiceManager(address: string, text: string): string;
}

/** The package's own directory: here in the sources, one level deeper in dist/. */
function packageRoot(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === 'summit-agent') return directory;
    }
    if (dirname(directory) === directory)
      throw new Error('summit-agent: its package.json is not above this file');
  }
}

/** The file that `loadNative` loads. */
export function nativePath(): string {
  return join(packageRoot(), 'build', 'Release', 'summit_agent.node');
}

let loaded: NativeAddon | undefined;

export function loadNative(): NativeAddon {
  loaded ??= createRequire(import.meta.url)(nativePath()) as NativeAddon;
  return loaded;
}
