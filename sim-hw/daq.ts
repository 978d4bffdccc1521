// SPDX-License-Identifier: Apache-2.0
// The DAQ itself: state machine and reply codes of the camera's guider DAQ, lifecycle messages, STATUS, and
// the way of every datagram to every destination.
import { randomBytes } from 'node:crypto';
import { formatRoiSpec, parseRoiSpec, type RoiSpec } from '../agent/model/roi.js';
import { type Destination, Destinations } from './destinations.js';
import type { Disturbance } from './disturbance.js';
import type { SimOptions } from './options.js';
import { eventFate, type LateStart, type LifeEvent, lateStart } from './scenario/events.js';
import { SimSensor } from './sensors.js';
import {
  comment,
  type DaqStateName,
  EventCode,
  linkLocation,
  makeHeader,
  seriesMetadata,
  setGeometry,
  stampsSent,
  statusTable,
} from './wire.js';

/** The DAQ's reply codes. */
export const ReplyCode = {
  POST_FAIL: -3,
  NOSPACE: -2,
  COMMAND_TIMEOUT: -1,
  SUCCESS: 0,
  INVALID_PARAMETER: 1,
  INVALID_TRANSITION: 2,
  INVALID_COMMAND: 3,
  CONFIG_FAILED: 4,
  INVALID: 5,
  UNKNOWN: 6,
} as const;
export type ReplyName = keyof typeof ReplyCode;

export interface Outcome {
  readonly reply: ReplyName;
  readonly message?: string;
}

/** The simulated DAQ takes as many subscribers as this; the next one gets MAX_SUBSCRIBERS. */
export const maxSubscribers = 8;
const bdiErrorStatus = 1;
const maxSubscribersStatus = 2;
const lifeCode: Readonly<Record<LifeEvent, number>> = {
  START: EventCode.start,
  RESUME: EventCode.resume,
  PAUSE: EventCode.pause,
  STOP: EventCode.stop,
};
const statusPeriodMs = 250;
const success: Outcome = { reply: 'SUCCESS' };

export interface NextSeries {
  /** null: the one after the last */
  readonly sequence: number | null;
  /** stamps that the DAQ counts before its first */
  readonly firstStamp: number;
}

/** Told when the state changes: streaming starts at RUNNING and ends when it is left. */
export interface DaqListener {
  running(): void;
  /** the state is about to leave RUNNING: everything that was produced must have left */
  leaving(): void;
}

const transitions: Readonly<
  Record<string, { readonly from: readonly DaqStateName[]; readonly to: DaqStateName }>
> = {
  initGuiders: { from: ['IDLECLEARING', 'PAUSED', 'RUNNING'], to: 'PAUSED' },
  resume: { from: ['PAUSED'], to: 'RUNNING' },
  pause: { from: ['RUNNING'], to: 'PAUSED' },
  stop: { from: ['PAUSED', 'RUNNING'], to: 'IDLECLEARING' },
  wake: { from: ['SLEEPING'], to: 'IDLECLEARING' },
  sleep: { from: ['IDLECLEARING'], to: 'SLEEPING' },
  clear: { from: ['IDLECLEARING'], to: 'IDLECLEARING' },
};

export class Daq {
  #options: SimOptions;
  /** stamps of earlier series, by detector name */
  readonly #total = new Map<string, { readonly location: number; readonly sent: number }>();
  #session = randomBytes(8).readBigUInt64LE();
  #listener: DaqListener | null = null;
  #state: DaqStateName = 'IDLECLEARING';
  #sequence: number;
  #obsid = '';
  #spec: RoiSpec | null = null;
  #sensors: readonly SimSensor[] = [];
  #lastTaiNs = 0n;
  #status: NodeJS.Timeout | null = null;
  #seriesCount = 0;
  #exposureCount = 0;
  #stampsAsked: number | null = null;
  #sentBefore = 0;
  #next: NextSeries = { sequence: null, firstStamp: 0 };
  readonly destinations: Destinations;
  /** of stamps that left */
  bytes = 0;

  /** `tell` gets a sentence for people. */
  constructor(options: SimOptions, tell: (sentence: string) => void) {
    this.#options = options;
    this.#sequence = options.firstSequence - 1;
    this.destinations = new Destinations(options, tell);
  }

  get session(): bigint {
    return this.#session;
  }

  get state(): DaqStateName {
    return this.#state;
  }

  get sequence(): number {
    return this.#sequence & 0xffff;
  }

  get obsid(): string {
    return this.#obsid;
  }

  get spec(): RoiSpec | null {
    return this.#spec;
  }

  /** Stamps since RESUME, of every sensor. */
  get inExposure(): number {
    return Math.min(...this.#sensors.map(({ sent }) => sent)) - this.#sentBefore;
  }

  /** ROIs of the open series, as initGuiders takes them; null: none is open. */
  get configured(): Record<string, Record<string, number>> | null {
    const open = this.#state === 'PAUSED' || this.#state === 'RUNNING';
    return open && this.#spec !== null ? formatRoiSpec(this.#spec) : null;
  }

  get sensors(): readonly SimSensor[] {
    return this.#sensors;
  }

  /** Series since the process started. */
  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** Of the last `resume`; null: it did not say. */
  get stampsAsked(): number | null {
    return this.#stampsAsked;
  }

  /** Exposures of the current series. */
  get exposureCount(): number {
    return this.#exposureCount;
  }

  /** From the next series on what happens to sensors, from now on what becomes of messages. */
  disturb({ parts, silenceMs }: Disturbance): void {
    this.#options = { ...this.#options, scenario: { ...this.#options.scenario, ...parts } };
    if (silenceMs > 0) this.destinations.silence(silenceMs);
  }

  start(listener: DaqListener): void {
    this.#listener = listener;
    this.resumeStatus();
  }

  /** STATUS flows, at first and after a crash. */
  resumeStatus(): void {
    this.#status = setInterval(() => this.#sendStatus(), statusPeriodMs);
  }

  stop(): void {
    if (this.#status !== null) clearInterval(this.#status);
  }

  /** Numbers of the series that the next initGuiders begins. */
  prepare(next: NextSeries): void {
    this.#next = next;
  }

  /** Ends in the middle of whatever it does, without a word; `resumeStatus` makes it another run of the DAQ. */
  crash(): void {
    this.stop();
    if (this.#state === 'RUNNING') this.#listener?.leaving();
    this.#keepTotals();
    this.#state = 'IDLECLEARING';
    this.#sensors = [];
    this.#sequence = this.#options.firstSequence - 1;
    this.#session = randomBytes(8).readBigUInt64LE();
    this.destinations.restart();
  }

  /** Stamps since the process started, by sensor; what a plan says was sent before counts. */
  sentBySensor(): Record<string, { location: number; sent: number }> {
    const out = Object.fromEntries(this.#total);
    for (const sensor of this.#sensors) {
      const { detectorName, location } = sensor.roi.sensor;
      out[detectorName] = { location, sent: (out[detectorName]?.sent ?? 0) + sensor.before + sensor.sent };
    }
    return out;
  }

  /** One state command; arguments as on the control channel. */
  command(name: string, args: Readonly<Record<string, unknown>>): Outcome {
    const transition = Object.hasOwn(transitions, name) ? transitions[name] : undefined;
    if (transition === undefined)
      return {
        reply: 'INVALID_COMMAND',
        message: `expected ${Object.keys(transitions).join(', ')}, got ${name}`,
      };
    if (!transition.from.includes(this.#state)) {
      return {
        reply: 'INVALID_TRANSITION',
        message: `${name} is possible in ${transition.from.join(', ')}; the state is ${this.#state}`,
      };
    }
    if (name === 'initGuiders') return this.#startSeries(args.roiSpec);
    if (this.#state === 'RUNNING') this.#listener?.leaving();
    if (name === 'stop' && this.#state === 'RUNNING') this.#pause();
    this.#state = transition.to;
    if (name === 'resume') {
      this.#stampsAsked = typeof args.stamps === 'number' ? args.stamps : null;
      this.#resume(String(args.comment ?? ''));
    }
    if (name === 'pause') this.#pause();
    if (name === 'stop') this.#lifecycle('STOP', (sensor) => stampsSent(sensor.before + sensor.sent));
    if (name === 'wake') this.#linkEvent(EventCode.wake);
    if (name === 'sleep') this.#linkEvent(EventCode.sleep);
    return success;
  }

  subscribe(address: string, port: number, locations: ReadonlySet<number> | null): Destination | Outcome {
    const destination = this.destinations.known(address, port, locations);
    if (this.destinations.subscribers >= maxSubscribers) {
      const header = this.#linkHeader(EventCode.status, maxSubscribersStatus);
      this.destinations.post(destination, { header, payload: null });
      return { reply: 'NOSPACE', message: `at most ${maxSubscribers} subscribers` };
    }
    this.destinations.add(destination);
    return destination;
  }

  unsubscribe(destination: Destination): void {
    this.destinations.remove(destination);
  }

  /** The same place with other locations; its datagrams are counted on. */
  resubscribe(earlier: Destination, locations: ReadonlySet<number> | null): Destination {
    const destination = { ...earlier, locations };
    this.destinations.remove(earlier);
    this.destinations.add(destination);
    return destination;
  }

  nowTaiNs(): bigint {
    const utcUs = Math.round((performance.timeOrigin + performance.now()) * 1e3);
    return BigInt(utcUs) * 1000n + BigInt(Math.round(this.#options.taiMinusUtc * 1e9));
  }

  /** Header of a stamp of a sensor, ready to be sent. */
  stampHeader(sensor: SimSensor, stamp: number, taiNs: bigint): Uint8Array {
    const header = this.#header(EventCode.stamp, sensor, stamp, taiNs, 0);
    if (this.#spec !== null) setGeometry(header, this.#spec, sensor.roi, this.#options.pixel);
    return header;
  }

  #keepTotals(): void {
    for (const [name, total] of Object.entries(this.sentBySensor())) this.#total.set(name, total);
  }

  #startSeries(roiSpec: unknown): Outcome {
    let spec: RoiSpec;
    try {
      spec = parseRoiSpec(roiSpec);
    } catch (error) {
      return { reply: 'INVALID_PARAMETER', message: error instanceof Error ? error.message : String(error) };
    }
    if (this.#state === 'RUNNING') {
      this.#listener?.leaving();
      this.#pause();
    }
    this.#keepTotals();
    const { sequence, firstStamp } = this.#next;
    this.#next = { sequence: null, firstStamp: 0 };
    this.#sequence = sequence ?? (this.#sequence + 1) & 0xffff;
    this.#seriesCount++;
    this.#exposureCount = 0;
    this.#spec = spec;
    this.#sensors = spec.locations.map((roi) => {
      const sensor = new SimSensor(this.#options, spec, roi, this.#seriesCount);
      sensor.before = firstStamp;
      sensor.joined = this.#lateStart(sensor) === null;
      return sensor;
    });
    this.#state = 'PAUSED';
    const taiNs = this.nowTaiNs();
    for (const sensor of this.#sensors)
      if ((this.#lateStart(sensor)?.start ?? 'on-time') === 'on-time') this.#sendStart(sensor, taiNs);
    return success;
  }

  /** A sensor that starts late: what the others got long ago. */
  join(sensor: SimSensor): void {
    sensor.joined = true;
    if (this.#lateStart(sensor)?.start === 'late') this.#sendStart(sensor, this.nowTaiNs());
    this.#lifecycle('RESUME', () => comment(this.#obsid), [sensor]);
  }

  #lateStart(sensor: SimSensor): LateStart | null {
    return lateStart(this.#options.scenario.happenings, sensor.roi.sensor.detectorName, this.#seriesCount);
  }

  #sendStart(sensor: SimSensor, taiNs: bigint): void {
    const { roi } = sensor;
    const spec = this.#spec;
    if (spec === null) return;
    const id = `series-${this.#sequence}-${JSON.stringify(formatRoiSpec(spec).common).replaceAll(/[^0-9,]/g, '')}`;
    this.#announce('START', sensor, 0, taiNs, seriesMetadata(spec, roi, id, sensor.splitRoi), (header) =>
      setGeometry(header, spec, roi, this.#options.pixel),
    );
  }

  #resume(text: string): void {
    this.#obsid = text;
    this.#sentBefore = Math.min(...this.#sensors.map(({ sent }) => sent));
    this.#exposureCount++;
    this.#lifecycle('RESUME', () => comment(text));
    this.#listener?.running();
  }

  #pause(): void {
    this.#state = 'PAUSED';
    this.#lifecycle('PAUSE', (sensor) => stampsSent(sensor.before + sensor.sent));
  }

  /** To the sensors that have joined the series. */
  #lifecycle(event: LifeEvent, payload: (sensor: SimSensor) => Uint8Array, sensors = this.#sensors): void {
    const taiNs = this.nowTaiNs();
    for (const sensor of sensors)
      if (sensor.joined) this.#announce(event, sensor, sensor.before + sensor.sent, taiNs, payload(sensor));
  }

  /** Sends a message about the series, unless the scenario has it otherwise. */
  #announce(
    event: LifeEvent,
    sensor: SimSensor,
    stamp: number,
    taiNs: bigint,
    payload: Uint8Array,
    complete: (header: Uint8Array) => void = () => undefined,
  ): void {
    const { detectorName, location } = sensor.roi.sensor;
    const { events } = this.#options.scenario;
    const fate = eventFate(events, event, detectorName, this.#seriesCount, this.#exposureCount);
    if (fate === 'lost') return;
    const status = fate === 'bdi-error' ? bdiErrorStatus : 0;
    const header = this.#header(lifeCode[event], sensor, stamp, taiNs, status);
    complete(header);
    this.destinations.send(location, { header, payload });
    if (fate === 'twice') this.destinations.send(location, { header, payload });
  }

  #linkEvent(eventType: number): void {
    this.destinations.send(linkLocation, { header: this.#linkHeader(eventType, 0), payload: null });
  }

  #sendStatus(): void {
    const joined = this.#sensors.filter((sensor) => sensor.joined);
    const entries = joined.map((sensor) => ({
      location: sensor.roi.sensor.location,
      state: this.#state,
      sequence: this.#sequence,
      sent: sensor.before + sensor.sent,
    }));
    const header = this.#linkHeader(EventCode.status, 0);
    this.destinations.send(linkLocation, { header, payload: statusTable(entries) });
  }

  #linkHeader(eventType: number, eventStatus: number): Uint8Array {
    return this.#header(eventType, null, 0, this.nowTaiNs(), eventStatus);
  }

  /** `sensor` null: the DAQ as a whole. */
  #header(
    eventType: number,
    sensor: SimSensor | null,
    stamp: number,
    taiNs: bigint,
    eventStatus: number,
  ): Uint8Array {
    // The DAQ's time never runs backwards.
    const time = taiNs > this.#lastTaiNs || eventType === EventCode.stamp ? taiNs : this.#lastTaiNs;
    if (time > this.#lastTaiNs) this.#lastTaiNs = time;
    return makeHeader({
      eventType,
      eventStatus,
      location: sensor?.roi.sensor.location ?? linkLocation,
      state: this.#state,
      sequence: this.#sequence,
      stamp,
      taiNs: time,
      session: this.session,
      oneBased: this.#options.oneBased,
      splitRoi: sensor?.splitRoi ?? false,
    });
  }
}
