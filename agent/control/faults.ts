// SPDX-License-Identifier: Apache-2.0
// What ends in FAULT. Everything else is an alarm: a DAQ that is silent, a disk that is full or a clock that is off
// gets better without an operator, and the agent goes on meanwhile.

export interface Fault {
  /** SAL errorCode; 0 is none */
  readonly code: number;
  readonly report: string;
}

export const faults = {
  driver_failed: { code: 1, report: 'the DAQ driver ended with an error and delivers no more' },
  link_stuck: { code: 2, report: 'the link thread hangs in the DAQ driver' },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;
