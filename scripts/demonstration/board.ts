// SPDX-License-Identifier: Apache-2.0
// What the demonstration has heard so far, and how it looks: the live table and the accounting.
import { table } from '../bench/report.js';
import { LatencySamples, type Percentiles } from './latency.js';
import { stampKey, type TruthScore } from './truth.js';

/** Counters of one sensor as the closing JSON line has them. */
export const counterNames = [
  'sent',
  'seen',
  'complete',
  'incomplete',
  'bad',
  'duplicate',
  'dropped',
  'published',
  'superseded',
  'rejected',
  'lost',
] as const;
export type Counters = Record<(typeof counterNames)[number], number>;

type Body = Readonly<Record<string, unknown>>;

interface SensorLine {
  readonly x: number;
  readonly y: number;
  readonly error: number;
  readonly fwhm: number;
  readonly snr: number;
  readonly flags: string;
  readonly stamps: number;
  readonly gaps: number;
}

export class Board {
  readonly #sensors = new Map<string, SensorLine>();
  readonly #stampLatency = new LatencySamples();
  readonly #offsetLatency = new LatencySamples();
  readonly #truth: TruthScore;
  #offset = 'no offset yet';
  #exposure = '';

  constructor(truth: TruthScore) {
    this.#truth = truth;
  }

  /** Takes one message; `nowNs` is CLOCK_MONOTONIC when it was in hand. */
  message(kind: string, body: Body, nowNs: bigint): void {
    if (kind === 'guider.result') this.#result(body, nowNs);
    if (kind === 'guider.offsets') this.#offsets(body, nowNs);
  }

  get stampLatency(): Percentiles {
    return this.#stampLatency.percentiles();
  }

  get offsetLatency(): Percentiles {
    return this.#offsetLatency.percentiles();
  }

  #result(body: Body, nowNs: bigint): void {
    const sensor = String(body.sensor);
    const before = this.#sensors.get(sensor);
    this.#stampLatency.add(Number(nowNs - BigInt(body.t_last_ns as bigint)) / 1e3);
    this.#sensors.set(sensor, {
      x: body.xroi as number,
      y: body.yroi as number,
      error: Math.hypot(body.xroi_err as number, body.yroi_err as number) / Math.SQRT2,
      fwhm: body.fwhm as number,
      snr: body.snr as number,
      flags: (body.flags as string[]).join(' '),
      stamps: (before?.stamps ?? 0) + 1,
      gaps: (before?.gaps ?? 0) + Number(body.gap),
    });
  }

  #offsets(body: Body, nowNs: bigint): void {
    this.#offsetLatency.add(Number(nowNs - BigInt(body.t_last_ns as bigint)) / 1e3);
    const sequence = body.seqno as number;
    const x = body.x as number;
    const y = body.y as number;
    const reference = Number(body.reference_stamp);
    this.#exposure = String(body.obsid);
    if (!Number.isFinite(x) || !Number.isFinite(y) || reference < 0) return;
    // The truth counts stamps as the DAQ does, u16.
    const key = (stamp: number): string => stampKey(sequence, stamp & 0xffff);
    this.#truth.addOffset(key(Number(body.stamp)), key(reference), x, y);
    const mas = (mm: unknown): string => fixed((mm as number) * 20005.868, 0, 5);
    this.#offset =
      `offset x ${mas(x)} +- ${mas(body.x_err)} mas, y ${mas(y)} +- ${mas(body.y_err)} mas, ` +
      `rotation ${fixed(body.rotation as number, 3, 7)} arcsec, ${String(body.n_sensors)} sensors`;
  }

  /** The live table, without colours or cursor movement. */
  render(): string {
    const header = ['sensor', 'x px', 'y px', 'error px', 'FWHM "', 'SNR', 'stamps', 'lost', 'flags'];
    const rows = [...this.#sensors.entries()]
      .sort()
      .map(([sensor, line]) => [
        sensor,
        fixed(line.x, 3, 8),
        fixed(line.y, 3, 8),
        fixed(line.error, 3, 6),
        fixed(line.fwhm, 2, 5),
        fixed(line.snr, 1, 6),
        String(line.stamps),
        String(line.gaps),
        line.flags,
      ]);
    return [
      table(header, rows),
      '',
      `${this.#exposure}  ${this.#offset}`,
      this.#truthLine(),
      this.#latencyLine(),
    ].join('\n');
  }

  #truthLine(): string {
    const { count, rmsPxX, rmsPxY } = this.#truth.score;
    const last = this.#truth.last;
    const now = last === null ? '' : `now ${fixed(last.dx, 3, 6)}, ${fixed(last.dy, 3, 6)} px; `;
    return `against the simulator's truth: ${now}rms ${fixed(rmsPxX, 4, 6)}, ${fixed(rmsPxY, 4, 6)} px over ${count} offsets`;
  }

  #latencyLine(): string {
    const show = (p: Percentiles): string => `p50 ${p.p50} p99 ${p.p99} p99.9 ${p.p999} max ${p.max} us`;
    return `last packet -> subscriber: stamps ${show(this.stampLatency)}\n                           offsets ${show(this.offsetLatency)}`;
  }
}

function fixed(value: number, digits: number, width: number): string {
  return (Number.isFinite(value) ? value.toFixed(digits) : '-').padStart(width);
}

/** The conservation law of one sensor, exactly; null when it holds, else the equation that does not. */
export function brokenLaw(c: Counters): string | null {
  if (c.seen !== c.complete + c.incomplete + c.bad + c.duplicate + c.dropped) {
    return `seen ${c.seen} != complete ${c.complete} + incomplete ${c.incomplete} + bad ${c.bad} + duplicate ${c.duplicate} + dropped ${c.dropped}`;
  }
  if (c.sent !== c.complete + c.incomplete + c.dropped + c.lost) {
    return `sent ${c.sent} != complete ${c.complete} + incomplete ${c.incomplete} + dropped ${c.dropped} + lost ${c.lost}`;
  }
  if (c.complete !== c.published + c.superseded + c.rejected) {
    return `complete ${c.complete} != published ${c.published} + superseded ${c.superseded} + rejected ${c.rejected}`;
  }
  return null;
}

export function accountingTable(sensors: ReadonlyMap<string, Counters>): string {
  const rows = [...sensors.entries()].map(([name, counters]) => [
    name,
    ...counterNames.map((key) => String(counters[key])),
  ]);
  return table(['sensor', ...counterNames], rows);
}
