// SPDX-License-Identifier: Apache-2.0
// The heartbeat, once a second in every state, and the alarms of the link: only reads counters.

import type { LinkCounters } from '../model/daq.js';
import type { Log } from '../model/log.js';
import type { AlarmMessage, HeartbeatMessage, MessageSink } from '../model/messages.js';
import type { SummaryState } from '../model/summary-state.js';
import type { TaiOffset } from '../model/tai.js';

export interface HealthDeps {
  readonly sink: MessageSink;
  readonly log: Log;
  readonly counters: () => LinkCounters;
  readonly subscriptions: () => number;
  readonly sendFailures: () => number;
  readonly tai: TaiOffset;
  readonly simulationMode: number;
  readonly version: string;
  readonly summaryState: () => SummaryState;
  /** s since the agent's start */
  readonly uptimeS: () => number;
}

const periodMs = 1000;

export class Health {
  readonly #deps: HealthDeps;
  readonly #alarms = new Map<string, AlarmMessage>();
  #timer: NodeJS.Timeout | null = null;
  #restarts = 0n;

  constructor(deps: HealthDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { tai } = this.#deps;
    if (tai.suspect) this.#raise('tai_offset', 'warning', tai.detail);
    this.#timer = setInterval(() => this.beat(), periodMs);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The link said that traffic stopped or came back. */
  onLink(up: boolean, reason: string): void {
    if (up) this.#clear('link_down', reason === '' ? 'the DAQ link is up' : `the DAQ link is up: ${reason}`);
    else this.#raise('link_down', 'serious', reason === '' ? 'the DAQ link is silent' : reason);
  }

  /** The link is closed: its silence is no alarm. */
  onLinkClosed(): void {
    this.#clear('link_down', 'the DAQ link is closed');
  }

  /** Alarms that are on. */
  get active(): readonly AlarmMessage[] {
    return [...this.#alarms.values()];
  }

  beat(): void {
    const counters = this.#deps.counters();
    this.#checkBuffer(counters);
    this.#checkSources(counters);
    const { tai } = this.#deps;
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
      timeSuspect: tai.suspect,
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
    this.#raise('receive_buffer_short', 'warning', `${what}: ${remedy}`);
  }

  /** A DAQ restarts now and then; one that seems to do so again and again is two that send to one port. */
  #checkSources({ link }: LinkCounters): void {
    const restarts = link.source_restarts ?? 0n;
    const now = restarts - this.#restarts;
    this.#restarts = restarts;
    if (now >= 3n) {
      const what = `the source of stamps changed ${now} times within a second`;
      this.#raise('two_sources', 'serious', `${what}: two DAQs send to this port; stop one of them`);
    } else if (now === 0n) {
      this.#clear('two_sources', 'stamps come from one source again');
    }
  }

  /** Another room's alarm: goes on with a reason, off without one. */
  alarm(name: string, severity: AlarmMessage['severity'], reason: string | null, cleared: string): void {
    if (reason === null) this.#clear(name, cleared);
    else this.#raise(name, severity, reason);
  }

  #raise(name: string, severity: AlarmMessage['severity'], message: string): void {
    if (this.#alarms.has(name)) return;
    const alarm: AlarmMessage = { kind: 'alarm', name, active: true, severity, message };
    this.#alarms.set(name, alarm);
    this.#deps.sink.publish(alarm);
    this.#deps.log.warning(message, { alarm: name });
  }

  #clear(name: string, message: string): void {
    if (!this.#alarms.delete(name)) return;
    this.#deps.sink.publish({ kind: 'alarm', name, active: false, severity: 'info', message });
    this.#deps.log.info(message, { alarm: name });
  }
}
