// SPDX-License-Identifier: Apache-2.0
// The only file that loads the native addon. It declares what addons/binding exports.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LinkCounters } from '../model/daq.js';

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
  predict(location: number, x?: number, y?: number, radius?: number): void;
  wantPixels(locations: readonly number[]): void;
  takePixels(lease: bigint): Buffer;
  releasePixels(lease: bigint): void;
}

export interface NativeAddon {
  readonly NativeLink: new (settings: string, doorbell: () => void) => NativeLink;
  monotonicNs(): bigint;
  /** CLOCK_TAI - CLOCK_REALTIME in whole seconds; 0 when nobody told the kernel */
  clockTaiMinusUtc(): number;
  recordLayout(): RecordLayout;
}

/** The package's own directory: here in the sources, one level deeper in dist/. */
function packageRoot(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === 'summit-agent') return directory;
    }
    if (dirname(directory) === directory) throw new Error('summit-agent: its package.json is not above this file');
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
