// SPDX-License-Identifier: Apache-2.0
// A DAQ link that can be closed and opened again: each time a new one, whose sensor counters go on from the last.

import type {
  CalibrationOrder,
  DaqLink,
  DaqRecord,
  FileReport,
  LinkCounters,
  OpenableLink,
  SensorCounters,
} from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import type { ImageListener, ImageOrder, LookOrder } from '../model/image.js';

export class ReopenableLink implements OpenableLink {
  readonly #create: () => DaqLink;
  #link: DaqLink;
  #life: 'new' | 'open' | 'closed' = 'new';
  #wanted: readonly number[] = [];
  /** of the links before, by location */
  #past = new Map<number, SensorCounters>();
  #pastHeartbeat = 0n;
  #pastImages: Readonly<Record<string, bigint>> = {};

  /** The first link is created here, so that settings it refuses are told before anything is started. */
  constructor(create: () => DaqLink) {
    this.#create = create;
    this.#link = create();
  }

  get isOpen(): boolean {
    return this.#life === 'open';
  }

  start(
    onRecords: (records: readonly DaqRecord[]) => void,
    onFiles: (files: readonly FileReport[]) => void = () => {},
    images?: ImageListener,
  ): void {
    if (this.#life === 'closed') {
      const { sensors, heartbeat, images: past } = this.counters();
      this.#link = this.#create();
      this.#past = new Map(sensors.map((s) => [s.location, s]));
      this.#pastHeartbeat = heartbeat;
      this.#pastImages = past;
      this.#life = 'new';
    }
    try {
      this.#link.start(onRecords, onFiles, images);
    } catch (error) {
      // A link is started once, also when it does not come up.
      this.#life = 'closed';
      throw error;
    }
    this.#life = 'open';
    if (this.#wanted.length > 0) this.#link.wantPixels(this.#wanted);
  }

  look(): void {
    if (this.isOpen) this.#link.look();
  }

  busySinceNs(): bigint {
    return this.isOpen ? this.#link.busySinceNs() : 0n;
  }

  async stop(): Promise<void> {
    if (this.#life !== 'open') return;
    await this.#link.stop();
    this.#life = 'closed';
  }

  counters(): LinkCounters {
    const now = this.#link.counters();
    return {
      ...now,
      linkUp: this.isOpen && now.linkUp,
      heartbeat: this.#pastHeartbeat + now.heartbeat,
      images: sumImages(now.images, this.#pastImages),
      sensors: now.sensors.map((s) => sum(s, this.#past.get(s.location))),
    };
  }

  async control(command: Readonly<Record<string, unknown>>, deadlineMs: number) {
    if (!this.isOpen) throw new AgentError('daq_state', 'the DAQ link is closed');
    return this.#link.control(command, deadlineMs);
  }

  predict(location: number, prediction: { x: number; y: number; radius: number } | null): void {
    if (this.isOpen) this.#link.predict(location, prediction);
  }

  wantPixels(locations: readonly number[]): void {
    this.#wanted = locations;
    if (this.isOpen) this.#link.wantPixels(locations);
  }

  async calibrate(location: number, order: CalibrationOrder, amplifiers: string) {
    if (!this.isOpen) throw new AgentError('daq_state', 'the DAQ link is closed');
    return this.#link.calibrate(location, order, amplifiers);
  }

  takePixels(lease: bigint): Uint8Array {
    return this.#link.takePixels(lease);
  }

  releasePixels(lease: bigint): void {
    this.#link.releasePixels(lease);
  }

  writeImage(token: bigint, order: ImageOrder): void {
    this.#link.writeImage(token, order);
  }

  lookAtImage(token: bigint, order: LookOrder): void {
    this.#link.lookAtImage(token, order);
  }

  releaseImage(token: bigint): void {
    this.#link.releaseImage(token);
  }
}

/** Every number of both, added. */
export function sumCounts(
  a: Readonly<Record<string, bigint>>,
  b: Readonly<Record<string, bigint>>,
): Record<string, bigint> {
  const out: Record<string, bigint> = { ...a };
  for (const [name, value] of Object.entries(b)) out[name] = (out[name] ?? 0n) + value;
  return out;
}

/** What the pool holds is of now, everything else goes on counting. */
function sumImages(
  now: Readonly<Record<string, bigint>>,
  past: Readonly<Record<string, bigint>>,
): Readonly<Record<string, bigint>> {
  const out: Record<string, bigint> = { ...now };
  for (const [name, value] of Object.entries(past))
    if (!name.startsWith('sets') && name !== 'lent') out[name] = (out[name] ?? 0n) + value;
  return out;
}

function sum(now: SensorCounters, past: SensorCounters | undefined): SensorCounters {
  if (!past) return now;
  const out: Record<string, bigint | number> = { ...now };
  for (const [key, value] of Object.entries(past)) {
    const own = out[key];
    if (typeof value === 'bigint' && typeof own === 'bigint') out[key] = own + value;
  }
  return out as unknown as SensorCounters;
}
