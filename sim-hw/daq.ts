// SPDX-License-Identifier: Apache-2.0
// The DAQ itself: state machine and reply codes of the camera's guider DAQ, lifecycle messages, STATUS, and
// the way of every datagram to every destination.
import { randomBytes } from 'node:crypto';
import { getSystemErrorMap } from 'node:util';
import { formatRoiSpec, parseRoiSpec, type RoiSpec } from '../agent/model/roi.js';
import { type Frame, native, type Sender } from './native.js';
import type { SimOptions } from './options.js';
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
const maxSubscribersStatus = 2;
const statusPeriodMs = 250;
const success: Outcome = { reply: 'SUCCESS' };
const noNumbers = new Int32Array(0);

export interface Destination {
  readonly index: number;
  /** host:port */
  readonly name: string;
  /** null: all */
  readonly locations: ReadonlySet<number> | null;
}

/** Messages that could not be sent to one destination. */
export interface SendErrors {
  readonly messages: number;
  /** of the last one, as the system says it */
  readonly error: string;
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
  readonly session = randomBytes(8).readBigUInt64LE();
  readonly sender: Sender;
  readonly #options: SimOptions;
  readonly #destinations = new Set<Destination>();
  /** stamps of earlier series, by detector name */
  readonly #total = new Map<string, { readonly location: number; readonly sent: number }>();
  #listener: DaqListener | null = null;
  #state: DaqStateName = 'IDLECLEARING';
  #sequence: number;
  #obsid = '';
  #spec: RoiSpec | null = null;
  #sensors: readonly SimSensor[] = [];
  #lastTaiNs = 0n;
  #status: NodeJS.Timeout | null = null;
  readonly #tell: (sentence: string) => void;
  datagrams = 0;
  bytes = 0;
  /** by host:port, also of subscribers that have gone */
  readonly sendErrors = new Map<string, SendErrors>();

  /** `tell` gets a sentence for people. */
  constructor(options: SimOptions, tell: (sentence: string) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#sequence = options.firstSequence - 1;
    this.sender = new native.Sender(options.mtu, options.interface);
    for (const { host, port } of options.to) this.#destinations.add(this.#destination(host, port, null));
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

  get sensors(): readonly SimSensor[] {
    return this.#sensors;
  }

  get subscribers(): number {
    return this.#destinations.size - this.#options.to.length;
  }

  start(listener: DaqListener): void {
    this.#listener = listener;
    this.#status = setInterval(() => this.#sendStatus(), statusPeriodMs);
  }

  stop(): void {
    if (this.#status !== null) clearInterval(this.#status);
  }

  /** Stamps produced since the process started, by sensor. */
  sentBySensor(): Record<string, { location: number; sent: number }> {
    const out = Object.fromEntries(this.#total);
    for (const sensor of this.#sensors) {
      const { detectorName, location } = sensor.roi.sensor;
      out[detectorName] = { location, sent: (out[detectorName]?.sent ?? 0) + sensor.sent };
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
    if (name === 'resume') this.#resume(String(args.comment ?? ''));
    if (name === 'pause') this.#pause();
    if (name === 'stop') this.#lifecycle(EventCode.stop, (sensor) => stampsSent(sensor.sent));
    if (name === 'wake') this.#linkEvent(EventCode.wake);
    if (name === 'sleep') this.#linkEvent(EventCode.sleep);
    return success;
  }

  subscribe(address: string, port: number, locations: ReadonlySet<number> | null): Destination | Outcome {
    const destination = this.#destination(address, port, locations);
    if (this.subscribers >= maxSubscribers) {
      const header = this.#header(EventCode.status, linkLocation, 0, this.nowTaiNs(), maxSubscribersStatus);
      this.#post(destination, header, null, noNumbers, noNumbers);
      return { reply: 'NOSPACE', message: `at most ${maxSubscribers} subscribers` };
    }
    this.#destinations.add(destination);
    return destination;
  }

  unsubscribe(destination: Destination): void {
    this.#destinations.delete(destination);
  }

  /** The same place with other locations; its datagrams are counted on. */
  resubscribe(earlier: Destination, locations: ReadonlySet<number> | null): Destination {
    const destination = { ...earlier, locations };
    this.#destinations.delete(earlier);
    this.#destinations.add(destination);
    return destination;
  }

  nowTaiNs(): bigint {
    const utcUs = Math.round((performance.timeOrigin + performance.now()) * 1e3);
    return BigInt(utcUs) * 1000n + BigInt(Math.round(this.#options.taiMinusUtc * 1e9));
  }

  /** Header of a stamp of a sensor, ready to be sent. */
  stampHeader(sensor: SimSensor, stamp: number, taiNs: bigint): Uint8Array {
    const header = this.#header(EventCode.stamp, sensor.roi.sensor.location, stamp, taiNs, 0);
    if (this.#spec !== null) setGeometry(header, this.#spec, sensor.roi, this.#options.pixel);
    return header;
  }

  /** Sends one message to everyone who wants its location. */
  send(
    location: number,
    header: Uint8Array,
    payload: Frame | Uint8Array | null,
    order: Int32Array = noNumbers,
    edits: Int32Array = noNumbers,
  ): void {
    for (const destination of this.#destinations) {
      const { locations } = destination;
      if (locations === null || location === linkLocation || locations.has(location))
        this.#post(destination, header, payload, order, edits);
    }
  }

  #destination(host: string, port: number, locations: ReadonlySet<number> | null): Destination {
    return { index: this.sender.addDestination(host, port), name: `${host}:${port}`, locations };
  }

  #post(
    { index, name }: Destination,
    header: Uint8Array,
    payload: Frame | Uint8Array | null,
    order: Int32Array,
    edits: Int32Array,
  ): void {
    const sent = this.sender.send(index, header, payload, order, edits);
    if (sent < 0) this.#countSendError(name, sent);
    else this.datagrams += sent;
  }

  #countSendError(name: string, errno: number): void {
    const error = getSystemErrorMap().get(errno)?.[1] ?? `error ${-errno}`;
    const { messages } = this.sendErrors.get(name) ?? { messages: 0 };
    if (messages === 0) this.#tell(`cannot send to ${name}: ${error}; said once, counted in the event "end"`);
    this.sendErrors.set(name, { messages: messages + 1, error });
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
    for (const [name, total] of Object.entries(this.sentBySensor())) this.#total.set(name, total);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#spec = spec;
    this.#sensors = spec.locations.map((roi) => new SimSensor(this.#options, spec, roi));
    this.#state = 'PAUSED';
    const id = `series-${this.#sequence}-${JSON.stringify(formatRoiSpec(spec).common).replaceAll(/[^0-9,]/g, '')}`;
    const taiNs = this.nowTaiNs();
    for (const sensor of this.#sensors) {
      const header = this.#header(EventCode.start, sensor.roi.sensor.location, 0, taiNs, 0);
      setGeometry(header, spec, sensor.roi, this.#options.pixel);
      this.send(sensor.roi.sensor.location, header, seriesMetadata(spec, sensor.roi, id));
    }
    return success;
  }

  #resume(text: string): void {
    this.#obsid = text;
    this.#lifecycle(EventCode.resume, () => comment(text));
    this.#listener?.running();
  }

  #pause(): void {
    this.#state = 'PAUSED';
    this.#lifecycle(EventCode.pause, (sensor) => stampsSent(sensor.sent));
  }

  #lifecycle(eventType: number, payload: (sensor: SimSensor) => Uint8Array): void {
    const taiNs = this.nowTaiNs();
    for (const sensor of this.#sensors) {
      const { location } = sensor.roi.sensor;
      this.send(location, this.#header(eventType, location, sensor.sent, taiNs, 0), payload(sensor));
    }
  }

  #linkEvent(eventType: number): void {
    this.send(linkLocation, this.#header(eventType, linkLocation, 0, this.nowTaiNs(), 0), null);
  }

  #sendStatus(): void {
    const entries = this.#sensors.map((sensor) => ({
      location: sensor.roi.sensor.location,
      state: this.#state,
      sequence: this.#sequence,
      sent: sensor.sent,
    }));
    this.send(
      linkLocation,
      this.#header(EventCode.status, linkLocation, 0, this.nowTaiNs(), 0),
      statusTable(entries),
    );
  }

  #header(
    eventType: number,
    location: number,
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
      location,
      state: this.#state,
      sequence: this.#sequence,
      stamp,
      taiNs: time,
      session: this.session,
      oneBased: this.#options.oneBased,
    });
  }
}
