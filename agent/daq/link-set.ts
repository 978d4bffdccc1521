// SPDX-License-Identifier: Apache-2.0
// Several links as one: each has its driver, thread, pool and sensors; their records become one stream in the order of
// delivery, their series one count. Of a sensor that several links have each stamp is used once; what a link brings of a
// sensor that it does not have is counted and left.

import {
  type CalibrationOrder,
  type DaqLink,
  type DaqRecord,
  type DaqReply,
  EventType,
  type FileReport,
  type LinkCounters,
  type LinkSettings,
  type NamedLinkCounters,
  type OpenableLink,
  type SensorCounters,
} from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import type { ImageListener, ImageOrder, LookOrder } from '../model/image.js';
import { combinedReply, commandsFor, daqsOf } from './daqs.js';
import { InStep } from './in-step.js';
import { ReopenableLink, sumCounts } from './reopenable-link.js';
import { SharedSensor } from './shared-sensor.js';

/** STATUS of the first link that spoke so recently stands for all. */
const speaksNs = 1_000_000_000n;

class Member {
  readonly name: string;
  readonly link: ReopenableLink;
  readonly own: ReadonlySet<number>;
  /** stamps that it brought: used; already there from another link; of sensors that it does not have */
  used = 0n;
  spare = 0n;
  foreign = 0n;
  ended = false;
  heardNs = 0n;
  /** of its heartbeat, when all had last advanced */
  mark = -1n;
  /** handed on, and not yet put in order with the others' */
  waiting: readonly DaqRecord[] = [];

  constructor({ name, sensors }: LinkSettings, link: ReopenableLink) {
    this.name = name;
    this.link = link;
    this.own = new Set(sensors.map(({ location }) => location));
  }
}

/** One link as it is, several as one. */
export function openableLink(
  settings: readonly LinkSettings[],
  create: (settings: LinkSettings) => DaqLink,
): OpenableLink {
  const [only, ...more] = settings;
  if (only && more.length === 0) return new ReopenableLink(() => create(only));
  return new LinkSet(settings, create);
}

export class LinkSet implements OpenableLink {
  readonly #members: readonly Member[];
  readonly #known: ReadonlySet<number>;
  readonly #shared = new Map<number, SharedSensor>();
  readonly #daqs: ReturnType<typeof daqsOf>;
  #inStep: InStep;
  #onRecords: (records: readonly DaqRecord[]) => void = () => {};
  #gathering = false;
  #round = 0n;

  constructor(settings: readonly LinkSettings[], create: (settings: LinkSettings) => DaqLink) {
    this.#members = settings.map((one) => new Member(one, new ReopenableLink(() => create(one))));
    const places = settings.flatMap(({ sensors }) => sensors.map(({ location }) => location));
    this.#known = new Set(places);
    for (const location of this.#known)
      if (this.#with(location).length > 1) this.#shared.set(location, new SharedSensor(location));
    this.#daqs = daqsOf(settings);
    this.#inStep = new InStep(settings.length);
  }

  get isOpen(): boolean {
    return this.#members.some(({ link }) => link.isOpen);
  }

  start(
    onRecords: (records: readonly DaqRecord[]) => void,
    onFiles: (files: readonly FileReport[]) => void = () => {},
    images?: ImageListener,
  ): void {
    this.#onRecords = onRecords;
    this.#inStep = new InStep(this.#members.length);
    for (const sensor of this.#shared.values()) sensor.begin();
    try {
      for (const member of this.#members) {
        Object.assign(member, { ended: false, heardNs: 0n, waiting: [] });
        member.link.start((records) => this.#gather(member, records), onFiles, images);
      }
    } catch (error) {
      // One that cannot be opened is a profile that does not fit the machine: no half of an agent runs.
      void this.stop();
      throw error;
    }
  }

  look(): void {
    this.#gather(null, []);
  }

  busySinceNs(): bigint {
    let least = 0n;
    for (const { link } of this.#members) {
      const since = link.busySinceNs();
      if (since !== 0n && (least === 0n || since < least)) least = since;
    }
    return least;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ link }) => link.stop()));
  }

  counters(): LinkCounters {
    const links = this.#members.map((member, i) => this.#countersOf(member, i));
    if (links.every(({ heartbeat }, i) => heartbeat > (this.#members[i]?.mark ?? 0n))) {
      this.#round++;
      this.#members.forEach((member, i) => {
        member.mark = links[i]?.heartbeat ?? member.mark;
      });
    }
    const same = (texts: readonly string[]) =>
      new Set(texts).size === 1
        ? (texts[0] ?? '')
        : links.map(({ name }, i) => `${name}: ${texts[i]}`).join(', ');
    return {
      driver: same(links.map(({ driver }) => driver)),
      driverVersion: same(links.map(({ driverVersion }) => driverVersion)),
      linkUp: links.every(({ linkUp }) => linkUp),
      heartbeat: this.#round,
      driverError: links.every(({ driverError }) => driverError !== 0) ? (links[0]?.driverError ?? 0) : 0,
      link: links.map(({ link }) => link).reduce(sumCounts, {}),
      pool: links.map(({ pool }) => pool).reduce(sumCounts, {}),
      outcomes: Object.assign({}, ...links.map(named)) as Record<string, string>,
      sensors: this.#sensors(links),
      recording: links.map(({ recording }) => recording).reduce(sumCounts, {}),
      images: links.map(({ images }) => images).reduce(sumCounts, {}),
      links,
    };
  }

  /** Each DAQ gets it once; of a series each its own sensors. */
  async control(command: Readonly<Record<string, unknown>>, deadlineMs: number): Promise<DaqReply> {
    const orders = commandsFor(this.#daqs, command);
    if (orders.length === 0) throw new AgentError('daq_unsupported', 'no DAQ link takes commands');
    const replies = await Promise.all(
      orders.map(async ({ daq, command: own }) => {
        const { name, link } = this.#members[daq.link] ?? {};
        if (!link) throw new AgentError('daq_unsupported', 'no DAQ link takes commands');
        return { name: name ?? '', reply: await link.control(own, deadlineMs) };
      }),
    );
    return combinedReply(replies);
  }

  predict(location: number, prediction: { x: number; y: number; radius: number } | null): void {
    for (const { link } of this.#with(location)) link.predict(location, prediction);
  }

  wantPixels(locations: readonly number[]): void {
    if (locations.length > 0)
      throw new AgentError('daq_unsupported', 'pixels are lent by a single link only');
    for (const { link } of this.#members) link.wantPixels([]);
  }

  async calibrate(location: number, order: CalibrationOrder, amplifiers: string) {
    const loaded = await Promise.all(
      this.#with(location).map(({ link }) => link.calibrate(location, order, amplifiers)),
    );
    // The files are the same: so is what is said of them.
    const [first] = loaded;
    if (!first) throw new AgentError('daq_config', `no link has a sensor at location ${location}`);
    return first;
  }

  takePixels(): Uint8Array {
    throw new AgentError('daq_unsupported', 'pixels are lent by a single link only');
  }

  releasePixels(): void {
    throw new AgentError('daq_unsupported', 'pixels are lent by a single link only');
  }

  writeImage(_token: bigint, _order: ImageOrder): void {
    throw new AgentError('daq_unsupported', 'full frames come over a single link only');
  }

  lookAtImage(_token: bigint, _order: LookOrder): void {
    throw new AgentError('daq_unsupported', 'full frames come over a single link only');
  }

  releaseImage(_token: bigint): void {
    throw new AgentError('daq_unsupported', 'full frames come over a single link only');
  }

  /** A link hands on records: those of the others that were delivered before go first. */
  #gather(from: Member | null, records: readonly DaqRecord[]): void {
    if (from) from.waiting = from.waiting.length === 0 ? records : [...from.waiting, ...records];
    if (this.#gathering) return;
    this.#gathering = true;
    try {
      for (const member of this.#members) if (member !== from) member.link.look();
    } finally {
      this.#gathering = false;
    }
    const merged = this.#merge();
    if (merged.length > 0) this.#onRecords(merged);
  }

  /** What waits, in the order of its delivery; of equal times links keep their order. */
  #merge(): readonly DaqRecord[] {
    const all: { readonly i: number; readonly member: Member; readonly record: DaqRecord }[] = [];
    let sources = 0;
    this.#members.forEach((member, i) => {
      if (member.waiting.length > 0) sources++;
      for (const record of member.waiting) all.push({ i, member, record });
      member.waiting = [];
    });
    if (sources > 1) all.sort((a, b) => Number(a.record.tDeliveredNs - b.record.tDeliveredNs));
    const out: DaqRecord[] = [];
    for (const { i, member, record } of all) {
      const taken = this.#taken(member, record);
      if (taken === null) continue;
      for (const one of this.#inStep.take(i, taken)) {
        const used = one.eventType === EventType.stamp ? this.#once(member, one) : one;
        if (used) out.push(used);
      }
    }
    return out;
  }

  /** null: another link has brought it. */
  #once(member: Member, record: DaqRecord): DaqRecord | null {
    const shared = this.#shared.get(record.location);
    const used = shared ? shared.take(record) : record;
    if (used) member.used++;
    else member.spare++;
    return used;
  }

  /** null: it is of no use over this link. */
  #taken(member: Member, record: DaqRecord): DaqRecord | null {
    const { eventType, location, tDeliveredNs } = record;
    if (eventType < EventType.linkUp) member.heardNs = tDeliveredNs;
    if (this.#known.has(location) && !member.own.has(location)) {
      if (eventType === EventType.stamp) member.foreign++;
      return null;
    }
    if (eventType === EventType.linkUp || eventType === EventType.linkDown)
      return { ...record, link: member.name };
    if (eventType === EventType.end) {
      member.ended = true;
      return this.#members.every(({ ended }) => ended) ? record : null;
    }
    // The DAQ tells all links the same: the first that speaks is heard as the DAQ's word.
    if (eventType !== EventType.status || member === this.#speaker(tDeliveredNs)) return record;
    return { ...record, link: member.name };
  }

  #speaker(nowNs: bigint): Member | undefined {
    return this.#members.find(({ heardNs }, i) => nowNs - heardNs < speaksNs && this.#inStep.isIn(i));
  }

  #with(location: number): readonly Member[] {
    return this.#members.filter(({ own }) => own.has(location));
  }

  /** Each sensor once. One of no link is told by whichever heard it. */
  #sensors(links: readonly NamedLinkCounters[]): readonly SensorCounters[] {
    const out = new Map<number, SensorCounters>();
    for (const { sensors, own } of links) {
      for (const one of sensors) {
        const { location } = one;
        if (out.has(location) || (this.#known.has(location) && !own.includes(location))) continue;
        const sources = () => links.flatMap((link) => link.sensors.filter((s) => s.location === location));
        out.set(location, this.#shared.get(location)?.counters(sources()) ?? one);
      }
    }
    return [...out.values()];
  }

  #countersOf({ name, link, own, used, spare, foreign }: Member, i: number): NamedLinkCounters {
    const inStep = this.#inStep.isIn(i);
    return { ...link.counters(), name, own: [...own], used, spare, foreign, inStep };
  }
}

function named({ name, outcomes }: NamedLinkCounters): Record<string, string> {
  return Object.fromEntries(Object.entries(outcomes).map(([key, text]) => [`${name}.${key}`, text]));
}
