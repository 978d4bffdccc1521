// SPDX-License-Identifier: Apache-2.0
// Loads the simulator's native part: rendering, CRC32C, sendmmsg, pseudo terminals. The only file that does.
import { createRequire } from 'node:module';
import { inCheckout } from './checkout.js';

export interface Frame {
  /** a copy of the pixels */
  bytes(): Buffer;
}

/** Fixed pattern of one sensor; units in sim-hw/native/renderer.h. */
export interface SensorModelSettings {
  readonly rows: number;
  readonly cols: number;
  /** 1 int32, 2 uint16, 3 raw 18 x 16 */
  readonly pixelType: number;
  readonly plane: number;
  readonly seed: bigint;
  readonly bias: number;
  readonly gain: number;
  readonly readNoise: number;
  readonly columnSigma: number;
  readonly transient: number;
  readonly rowRamp: number;
  readonly hotPixels: number;
  /** columns from this one on are another amplifier's, so many ADU higher; negative: none */
  readonly splitColumn: number;
  readonly splitStep: number;
  readonly moffatBeta: number;
}

export interface SensorModel {
  bytes(): number;
  /** stars: [x, y, flux_e, fwhm_px]...; rays: [x, y, dx, dy, electrons]... */
  render(frame: Frame, noiseSeed: bigint, stars: Float64Array, rays: Float64Array): void;
}

export interface Sender {
  addDestination(address: string, port: number): number;
  fragments(payloadBytes: number): number;
  /**
   * order: fragments in sending order, empty = all, -1 alone = none; faults: [position, 1 truncate | 2 corrupt,
   * argument]... Returns datagrams sent, or -errno.
   */
  send(
    destination: number,
    header: Uint8Array,
    payload: Frame | Uint8Array | null,
    order: Int32Array,
    faults: Int32Array,
  ): number;
}

/** A serial line: the device writes here, a reader opens `path`. */
export interface Pty {
  path(): string;
  /** Bytes taken (fewer when the line is full), or -errno. */
  write(bytes: Uint8Array): number;
  /** 50 until a reader has set the line up; that is the last thing it sets */
  baudRate(): number;
  /** bytes that no reader has read yet */
  unread(): number;
  /** Hangs up; the path goes away. */
  close(): void;
}

interface Native {
  readonly Frame: new (bytes: number) => Frame;
  readonly SensorModel: new (settings: SensorModelSettings) => SensorModel;
  readonly Sender: new (mtu: number, interfaceAddress: string) => Sender;
  readonly Pty: new () => Pty;
  crc32c(bytes: Uint8Array): number;
  /** Full frames of one board (frame_addon.cc): the DAQ's stream, and truth as JSON text. */
  paintBoard(settings: string): Promise<{ readonly stream: Buffer; readonly truth: string }>;
  /** Master calibrations of one detector into a folder. */
  writeCalibrations(settings: string, folder: string): Promise<void>;
}

export const native = createRequire(import.meta.url)(
  inCheckout('build/Release/sim_native.node', 'run scripts/build'),
) as Native;
