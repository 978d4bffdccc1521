// SPDX-License-Identifier: Apache-2.0
// The heartbeat, once a second in every state, and the alarms of the link: only reads counters.

import { type LinkCounters, linksOf, type NamedLinkCounters } from '../model/daq.js';
import { nameOfLocation } from '../model/location.js';
import type { HeartbeatMessage, MessageSink } from '../model/messages.js';
import type { SummaryState } from '../model/summary-state.js';
import type { TaiOffset } from '../model/tai.js';
import type { Alarms } from './alarms.js';
import { DaqStatus } from './daq-status.js';

export interface HealthDeps {
  readonly sink: MessageSink;
  readonly alarms: Alarms;
  readonly counters: () => LinkCounters;
  readonly linkOpen: () => boolean;
  readonly subscriptions: () => number;
  readonly sendFailures: () => number;
  readonly tai: () => TaiOffset;
  /** results must not be taken at their time */
  readonly timeSuspect: () => boolean;
  readonly simulationMode: number;
  readonly version: string;
  readonly summaryState: () => SummaryState;
  /** s since the agent's start */
  readonly uptimeS: () => number;
}

const periodMs = 1000;

export class Health {
  readonly daqStatus: DaqStatus;
  readonly #deps: HealthDeps;
  #timer: NodeJS.Timeout | null = null;
  /** of sources of stamps, by link */
  readonly #restarts = new Map<string, bigint>();
  /** stamps of sensors that are not the link's, by link */
  readonly #foreign = new Map<string, bigint>();

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    this.daqStatus = new DaqStatus(deps.alarms);
  }

  start(): void {
    this.#timer = setInterval(() => this.beat(), periodMs);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** A link said that traffic stopped or came back; `name` of one of several. */
  onLink(up: boolean, reason: string, name = ''): void {
    const which = name === '' ? 'the DAQ link' : `the DAQ link ${name}`;
    const alarm = alarmOf('link_down', name);
    const { alarms } = this.#deps;
    if (up) alarms.clear(alarm, reason === '' ? `${which} is up` : `${which} is up: ${reason}`);
    else {
      const what = name === '' ? reason : `${name}: ${reason}`;
      alarms.raise(alarm, 'serious', reason === '' ? `${which} is silent` : what);
    }
  }

  /** The links are closed: their silence is no alarm. */
  onLinkClosed(): void {
    for (const { name } of linksOf(this.#deps.counters()))
      for (const alarm of ofOpenLinks)
        this.#deps.alarms.clear(alarmOf(alarm, name), 'the DAQ link is closed');
  }

  beat(): void {
    const counters = this.#deps.counters();
    for (const link of linksOf(counters)) {
      this.#checkBuffer(link);
      this.#checkSources(link);
      this.#checkStream(link);
    }
    if (this.#deps.linkOpen()) for (const link of counters.links ?? []) this.#checkOneOfSeveral(link);
    const tai = this.#deps.tai();
    const message: HeartbeatMessage = {
      kind: 'heartbeat',
      summaryState: this.#deps.summaryState(),
      simulationMode: this.#deps.simulationMode,
      uptimeS: this.#deps.uptimeS(),
      version: this.#deps.version,
      linkUp: counters.linkUp,
      links: counters.links ? Object.fromEntries(counters.links.map((l) => [l.name, l.linkUp])) : null,
      nativeHeartbeat: counters.heartbeat,
      taiOffsetS: tai.seconds,
      taiSource: tai.source,
      timeSuspect: this.#deps.timeSuspect(),
      subscriptions: this.#deps.subscriptions(),
      sendFailures: this.#deps.sendFailures(),
    };
    this.#deps.sink.publish(message);
  }

  /** A short socket buffer loses stamps at the first pause of the link thread. */
  #checkBuffer({ link, name }: Named): void {
    const requested = link.rcvbuf_requested ?? 0n;
    const actual = link.rcvbuf_actual ?? 0n;
    if (actual >= requested || actual === 0n) return;
    const what = `the socket buffer is ${actual} bytes instead of ${requested}`;
    const remedy = 'install scripts/sysctl/60-summit-agent.conf to /etc/sysctl.d and run sysctl --system';
    this.#deps.alarms.raise(alarmOf('receive_buffer_short', name), 'warning', `${what}: ${remedy}`);
  }

  /** A DAQ restarts now and then; one that seems to do so again and again is two that send to one port. */
  #checkSources({ link, name }: Named): void {
    const restarts = link.source_restarts ?? 0n;
    const now = restarts - (this.#restarts.get(name) ?? 0n);
    this.#restarts.set(name, restarts);
    const alarm = alarmOf('two_sources', name);
    if (now >= 3n) {
      const what = `the source of stamps changed ${now} times within a second`;
      this.#deps.alarms.raise(alarm, 'serious', `${what}: two DAQs send to this port; stop one of them`);
    } else if (now === 0n) {
      this.#deps.alarms.clear(alarm, 'stamps come from one source again');
    }
  }

  /** A recording of the stream that ends early, or has gaps, cannot be replayed as it was. */
  #checkStream({ outcomes, recording, name }: Named): void {
    const problem = outcomes.stream;
    const failed = alarmOf('stream_failed', name);
    const incomplete = alarmOf('stream_incomplete', name);
    if (problem !== undefined) this.#deps.alarms.raise(failed, 'serious', `not recorded: ${problem}`);
    else this.#deps.alarms.clear(failed, 'the stream is recorded again');
    const leftOut = recording.stream_left_out ?? 0n;
    if (leftOut > 0n) {
      const what = `${leftOut} frames found no room in the queue: the disk is too slow`;
      this.#deps.alarms.raise(incomplete, 'warning', `the recording has gaps: ${what}`);
    } else this.#deps.alarms.clear(incomplete, 'the recording is whole again');
  }

  /** What can go wrong with one link while others go on. */
  #checkOneOfSeveral({ name, driver, driverError, foreign, own, sensors, inStep }: NamedLinkCounters): void {
    const { alarms } = this.#deps;
    const failed =
      driverError === 0 ? null : `driver ${driver} of link ${name} fails with error ${driverError}`;
    alarms.set(alarmOf('link_failed', name), 'serious', failed, `link ${name} delivers again`);
    const before = this.#foreign.get(name) ?? 0n;
    this.#foreign.set(name, foreign);
    const strangers = sensors.filter(({ location }) => !own.includes(location));
    const names = strangers.map(({ location }) => nameOfLocation(location)).join(', ');
    const what = `link ${name} brings stamps of ${names}, which the profile gives to another link: they are not used`;
    const goneBy = `link ${name} brings its own sensors only`;
    alarms.set(alarmOf('foreign_sensors', name), 'warning', foreign > before ? what : null, goneBy);
    const apart = `the DAQ on link ${name} began anew while others went on: its stamps are not combined until a series begins on all links`;
    alarms.set(
      alarmOf('out_of_step', name),
      'serious',
      inStep ? null : apart,
      `link ${name} is in step again`,
    );
  }
}

const ofOpenLinks = ['link_down', 'link_failed', 'foreign_sensors', 'out_of_step'] as const;

type Named = LinkCounters & { readonly name: string };

/** The alarm of one of several links. */
function alarmOf(alarm: string, link: string): string {
  return link === '' ? alarm : `${alarm}:${link}`;
}
