// SPDX-License-Identifier: Apache-2.0
// The heartbeat, once a second in every state, and the alarms of the link: only reads counters.

import type { LinkCounters } from '../model/daq.js';
import type { HeartbeatMessage, MessageSink } from '../model/messages.js';
import type { SummaryState } from '../model/summary-state.js';
import type { TaiOffset } from '../model/tai.js';
import type { Alarms } from './alarms.js';
import { DaqStatus } from './daq-status.js';

export interface HealthDeps {
  readonly sink: MessageSink;
  readonly alarms: Alarms;
  readonly counters: () => LinkCounters;
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
  #restarts = 0n;

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

  /** The link said that traffic stopped or came back. */
  onLink(up: boolean, reason: string): void {
    if (up)
      this.#deps.alarms.clear(
        'link_down',
        reason === '' ? 'the DAQ link is up' : `the DAQ link is up: ${reason}`,
      );
    else this.#deps.alarms.raise('link_down', 'serious', reason === '' ? 'the DAQ link is silent' : reason);
  }

  /** The link is closed: its silence is no alarm. */
  onLinkClosed(): void {
    this.#deps.alarms.clear('link_down', 'the DAQ link is closed');
  }

  beat(): void {
    const counters = this.#deps.counters();
    this.#checkBuffer(counters);
    this.#checkSources(counters);
    this.#checkStream(counters);
    const tai = this.#deps.tai();
    const message: HeartbeatMessage = {
      kind: 'heartbeat',
      summaryState: this.#deps.summaryState(),
      simulationMode: this.#deps.simulationMode,
      uptimeS: this.#deps.uptimeS(),
      version: this.#deps.version,
      linkUp: counters.linkUp,
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
  #checkBuffer({ link }: LinkCounters): void {
    const requested = link.rcvbuf_requested ?? 0n;
    const actual = link.rcvbuf_actual ?? 0n;
    if (actual >= requested || actual === 0n) return;
    const what = `the socket buffer is ${actual} bytes instead of ${requested}`;
    const remedy = 'install scripts/sysctl/60-summit-agent.conf to /etc/sysctl.d and run sysctl --system';
    this.#deps.alarms.raise('receive_buffer_short', 'warning', `${what}: ${remedy}`);
  }

  /** A DAQ restarts now and then; one that seems to do so again and again is two that send to one port. */
  #checkSources({ link }: LinkCounters): void {
    const restarts = link.source_restarts ?? 0n;
    const now = restarts - this.#restarts;
    this.#restarts = restarts;
    if (now >= 3n) {
      const what = `the source of stamps changed ${now} times within a second`;
      this.#deps.alarms.raise(
        'two_sources',
        'serious',
        `${what}: two DAQs send to this port; stop one of them`,
      );
    } else if (now === 0n) {
      this.#deps.alarms.clear('two_sources', 'stamps come from one source again');
    }
  }

  /** A recording of the stream that ends early, or has gaps, cannot be replayed as it was. */
  #checkStream({ outcomes, recording }: LinkCounters): void {
    const problem = outcomes.stream;
    if (problem !== undefined)
      this.#deps.alarms.raise('stream_failed', 'serious', `not recorded: ${problem}`);
    else this.#deps.alarms.clear('stream_failed', 'the stream is recorded again');
    const leftOut = recording.stream_left_out ?? 0n;
    if (leftOut > 0n) {
      const what = `${leftOut} frames found no room in the queue: the disk is too slow`;
      this.#deps.alarms.raise('stream_incomplete', 'warning', `the recording has gaps: ${what}`);
    } else this.#deps.alarms.clear('stream_incomplete', 'the recording is whole again');
  }
}
