// SPDX-License-Identifier: Apache-2.0
// The native measuring chain and FITS readers, for pixels that come from files.

import type { CalibrationOrder, Measurement } from '../model/daq.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import {
  loadNative,
  type MeasurerSettings,
  type NativeGuiderFile,
  type NativeImage,
  type NativeMeasurer,
} from './native.js';

/** Numbers of SummitPixelType. */
const typeOf = (pixels: Int32Array | Uint16Array | Float32Array): number =>
  pixels instanceof Int32Array ? 1 : pixels instanceof Uint16Array ? 2 : 4;

export class NativeKernel {
  readonly #native: NativeMeasurer;

  /** Throws AgentError `usage` for settings that make no sense. */
  constructor(settings: MeasurerSettings) {
    this.#native = orRefuse(() => new (loadNative().NativeMeasurer)(settings));
  }

  measure(
    pixels: Int32Array | Uint16Array | Float32Array,
    rows: number,
    cols: number,
    prediction: { readonly x: number; readonly y: number; readonly radius: number } | null,
  ): Measurement {
    const type = typeOf(pixels);
    if (prediction === null) return this.#native.measure(pixels, type, rows, cols);
    return this.#native.measure(pixels, type, rows, cols, prediction.x, prediction.y, prediction.radius);
  }

  reset(): void {
    this.#native.reset();
  }

  /** Takes what calibrations there are; returns one sentence for each that is missing. */
  calibrate(order: CalibrationOrder): readonly string[] {
    return this.#native.calibrate(order);
  }
}

/** Gain and read noise of an amplifier (ptc.fits); throws AgentError `usage` with path and reason. */
export function readAmplifier(path: string, segment: number): { gain: number; readNoise: number } {
  return orRefuse(() => loadNative().readAmplifier(path, segment));
}

/** Opens a guider file; this and reading a damaged stamp throw AgentError `usage` with path and reason. */
export function openGuiderFile(path: string): NativeGuiderFile {
  const file = orRefuse(() => new (loadNative().NativeGuiderFile)(path));
  return {
    stamps: () => file.stamps(),
    read: (index) => orRefuse(() => file.read(index)),
    roi: () => file.roi(),
  };
}

/** Reads a 2-D image (`hdu` 0: the first); throws AgentError `usage` with path and reason. */
export function readFitsImage(path: string, hdu: number): NativeImage {
  return orRefuse(() => loadNative().readImage(path, hdu));
}

function orRefuse<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new AgentError('usage', sentenceOf(error), { cause: error });
  }
}
