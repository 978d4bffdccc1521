// SPDX-License-Identifier: Apache-2.0
// A unit of systemd, driven by systemctl as an operator would.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const pollMs = 5;

export class Service {
  constructor(readonly unit: string) {}

  /** Runs `systemctl VERB UNIT`; resolves to its duration in s, rejects when it fails. */
  control(verb: string): number {
    const start = performance.now();
    execFileSync('systemctl', [verb, this.unit], { stdio: ['ignore', 'inherit', 'inherit'] });
    return (performance.now() - start) / 1000;
  }

  property(name: string): string {
    const args = ['show', '--value', '--property', name, this.unit];
    return execFileSync('systemctl', args, { encoding: 'utf8' }).trim();
  }

  get isFailed(): boolean {
    return spawnSync('systemctl', ['is-failed', '--quiet', this.unit]).status === 0;
  }

  get pid(): number {
    return Number(this.property('MainPID'));
  }

  /** The pid of a process of this unit that is not `old`. */
  async anotherPid(old: number, deadlineMs: number): Promise<number> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const { pid } = this;
      if (pid !== 0 && pid !== old) return pid;
      if (this.isFailed) throw new Error(`${this.unit} has failed`);
      if (Date.now() > deadline)
        throw new Error(`${this.unit} was not started again within ${deadlineMs} ms`);
      await wait(pollMs);
    }
  }

  /** Resolves when it has ended and is not being started again. */
  async inactive(deadlineMs: number): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    while (this.property('ActiveState') !== 'inactive') {
      if (Date.now() > deadline) throw new Error(`${this.unit} did not end within ${deadlineMs} ms`);
      await wait(pollMs);
    }
  }

  /** Signals the main process, waiting for one while it is being started again; resolves to its pid. */
  async signal(signal: NodeJS.Signals, deadlineMs: number): Promise<number> {
    const pid = await this.anotherPid(0, deadlineMs);
    process.kill(pid, signal);
    return pid;
  }

  /** A line of /proc/PID/status. */
  statusOf(field: string): string {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  }
}
