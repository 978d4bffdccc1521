// SPDX-License-Identifier: Apache-2.0
// One simulated device on its cable: says its lines in its time, with what befalls them, and keeps count.
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../random.js';
import { Cable } from './cable.js';
import { damage, FaultPlan, type SerialFault } from './faults.js';
import type { Player } from './player.js';

export interface DeviceSettings {
  readonly name: string;
  readonly path: string;
  readonly seed: number;
  /** its time runs so many times faster */
  readonly speed: number;
  /** s of its time; null: until stopped */
  readonly seconds: number | null;
  readonly faults: readonly SerialFault[];
  /** its clock is ahead of this machine's, ms */
  readonly clockOffsetMs: number;
}

export interface DeviceReport {
  lines: number;
  good: number;
  bad: number;
  faults: Record<string, number>;
  /** ms from a plug to a reader that has set the line up */
  reconnectMs: number[];
}

export type Truth = (entry: Readonly<Record<string, unknown>>) => void;

export class SimulatedDevice {
  readonly report: DeviceReport = { lines: 0, good: 0, bad: 0, faults: {}, reconnectMs: [] };
  readonly #settings: DeviceSettings;
  readonly #player: Player;
  readonly #truth: Truth;
  readonly #cable: Cable;
  readonly #plan: FaultPlan;
  readonly #random: Random;
  readonly #damage: Random;

  constructor(settings: DeviceSettings, player: Player, truth: Truth) {
    const { name, seed, faults } = settings;
    this.#settings = settings;
    this.#player = player;
    this.#truth = truth;
    this.#cable = new Cable(settings.path, player.baudRate);
    this.#random = new Random(seed, `${name} lines`);
    this.#damage = new Random(seed, `${name} damage`);
    const own = faults.filter((fault) => fault.device === null || fault.device === name);
    this.#plan = new FaultPlan(own, new Random(seed, `${name} faults`));
  }

  plug(): void {
    this.#cable.plug();
  }

  /** Speaks once a reader is there, to the end of its time. The cable stays plugged until `unplug`. */
  async run(stop: AbortSignal): Promise<void> {
    const { speed, seconds, name } = this.#settings;
    await this.#cable.reader(stop);
    // At its own pace a timing receiver speaks at the second.
    if (speed === 1) await pause(1000 - (Date.now() % 1000), stop);
    let due = performance.now();
    const end = seconds === null ? Number.POSITIVE_INFINITY : (seconds * 1000) / this.#player.periodMs;
    for (let n = 0; n < end && !stop.aborted; n++) {
      const fault = await this.#say(n, stop);
      const away = fault?.kind === 'silence' || fault?.kind === 'unplug' ? (fault.seconds * 1000) / speed : 0;
      if (fault?.kind === 'unplug') {
        await this.#cable.drained(stop);
        this.#cable.unplug();
        this.#truth({ device: name, event: 'unplugged', after: n });
        await pause(away, stop);
        this.#cable.plug();
        const plugged = performance.now();
        await this.#cable.reader(stop);
        this.report.reconnectMs.push(Math.round(performance.now() - plugged));
        due = performance.now();
      } else if (away > 0) due += away;
      due += this.#player.periodMs / speed;
      await pause(due - performance.now(), stop);
    }
    await this.#cable.drained(stop);
  }

  unplug(): void {
    this.#cable.unplug();
  }

  async #say(n: number, stop: AbortSignal): Promise<SerialFault | null> {
    const utcMs = Math.round(Date.now() + this.#settings.clockOffsetMs);
    const line = this.#player.say({ n, random: this.#random, utcMs });
    const fault = this.#plan.next(n, line.checked);
    const hurt = fault?.kind === 'noise' || fault?.kind === 'half' || fault?.kind === 'checksum';
    const sent = hurt ? { ...line, ...damage(fault.kind, line, this.#damage) } : line;
    // What belongs together leaves together, however busy this machine is: only parts have pauses between them.
    for (const [k, part] of sent.parts.entries()) {
      if (k > 0) await pause(this.#player.partMs / this.#settings.speed, stop);
      const before = k === 0 ? sent.before : '';
      const after = k === sent.parts.length - 1 ? sent.after : '';
      await this.#cable.write(before + part + after, stop);
    }
    this.#count(n, fault, !hurt, line.expected);
    return fault;
  }

  #count(n: number, fault: SerialFault | null, good: boolean, expected: Readonly<object>): void {
    const { report } = this;
    report.lines++;
    if (good) report.good++;
    else report.bad++;
    if (fault) report.faults[fault.kind] = (report.faults[fault.kind] ?? 0) + 1;
    const kind = fault?.kind ?? '';
    this.#truth({ device: this.#settings.name, event: 'line', n, good, fault: kind, expected });
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (ms < 1 || stop.aborted) return;
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
