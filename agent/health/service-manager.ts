// SPDX-License-Identifier: Apache-2.0
// Tells systemd how the agent does, as sd_notify(3): READY, STATUS, STOPPING, and WATCHDOG while there is life.
// Without NOTIFY_SOCKET in the environment nothing is sent.

import type { Log } from '../model/log.js';

/** What a sign of life is made of. */
export interface Vitals {
  /** the native link thread's; null: no link is open, so none has to turn */
  readonly linkHeartbeat: bigint | null;
  /** one line for `systemctl status` */
  readonly status: string;
}

export interface ServiceManagerDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** sends one datagram; '' or why it was not sent */
  readonly send: (address: string, text: string) => string;
  readonly vitals: () => Vitals;
  readonly log: Log;
}

/** How often STATUS is looked at. */
const statusPeriodMs = 1000;

/** Looks at life per watchdog period: one that comes late leaves two more before the end. */
const looksPerWatchdog = 4;

export class ServiceManager {
  readonly #deps: ServiceManagerDeps;
  readonly #address: string | null;
  readonly #timers: NodeJS.Timeout[] = [];
  /** null: the manager wants no sign of life */
  readonly watchdogMs: number | null;
  #heartbeat: bigint | null = null;
  #status = '';
  #failed = false;

  constructor(deps: ServiceManagerDeps) {
    this.#deps = deps;
    const { NOTIFY_SOCKET } = deps.environment;
    this.#address = NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '' ? null : NOTIFY_SOCKET;
    this.watchdogMs = this.#address === null ? null : watchdogMs(deps);
  }

  /** The agent works: from here on the manager watches it. */
  ready(): void {
    if (this.#address === null) return;
    const { status } = this.#deps.vitals();
    this.#status = status;
    this.#send(`READY=1\nSTATUS=${status}`);
    this.#timers.push(setInterval(() => this.tellStatus(), statusPeriodMs));
    if (this.watchdogMs === null) return;
    this.look();
    const period = Math.max(1, this.watchdogMs / looksPerWatchdog);
    // A timer alone says that timers run; the turn after it says that sockets were looked at too.
    this.#timers.push(setInterval(() => setImmediate(() => this.look()), period));
  }

  /** The orderly end has begun; signs of life go on until `close`. */
  stopping(reason: string): void {
    this.#send(`STOPPING=1\nSTATUS=stopping: ${oneLine(reason)}`);
    this.#status = '';
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Sends a sign of life if the link thread has turned since the last look, or does not have to. */
  look(): void {
    const { linkHeartbeat } = this.#deps.vitals();
    const alive = linkHeartbeat === null || linkHeartbeat !== this.#heartbeat;
    this.#heartbeat = linkHeartbeat;
    if (alive) this.#send('WATCHDOG=1');
  }

  tellStatus(): void {
    const { status } = this.#deps.vitals();
    if (status === this.#status) return;
    this.#status = status;
    this.#send(`STATUS=${oneLine(status)}`);
  }

  #send(text: string): void {
    if (this.#address === null) return;
    const problem = this.#deps.send(this.#address, text);
    // Said once, and again after it went well: a full socket is tried again at the next look.
    if (problem !== '' && !this.#failed) {
      this.#deps.log.warning('the service manager cannot be told how the agent does', { problem });
    }
    this.#failed = problem !== '';
  }
}

/** WATCHDOG_USEC in ms, unless it is meant for another process. */
function watchdogMs({ environment, pid }: ServiceManagerDeps): number | null {
  const { WATCHDOG_USEC, WATCHDOG_PID } = environment;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return null;
  const us = Number(WATCHDOG_USEC ?? '');
  return Number.isSafeInteger(us) && us > 0 ? us / 1000 : null;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
