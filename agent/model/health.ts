// SPDX-License-Identifier: Apache-2.0
// What health says and what a profile tells it. Wire names and units of values: agent/README.md.

/** A device on a serial line. */
export interface SensorSettings {
  /** source in its topic */
  readonly name: string;
  /** key of the table of devices */
  readonly device: string;
  readonly path: string;
  /** null: the device's own */
  readonly baudRate: number | null;
  /** ms without a good line after which an alarm is raised; null: five periods of the device, at least 2 s */
  readonly silentAfterMs: number | null;
  /** a timing receiver: ms from the second to the arrival of its sentence */
  readonly delayMs: number;
  /** a timing receiver: offset of the system clock that raises an alarm, ms */
  readonly maxOffsetMs: number;
}

export type SensorEvent = 'reading' | 'connected' | 'lost' | 'silent' | 'bad_line';

/** A reading of a serial device, or what befell it (then `values` is empty). */
export interface SensorMessage {
  readonly kind: 'health.sensor';
  readonly sensor: string;
  readonly device: string;
  readonly event: SensorEvent;
  /** TAI s of the arrival of the line's first byte; of the event */
  readonly timestamp: number;
  readonly tArrivalNs: bigint;
  readonly tArrivalTaiNs: bigint;
  /** wire names with units, as the device's file lists them; NaN: no number */
  readonly values: Readonly<Record<string, unknown>>;
  readonly flags: readonly string[];
  /** lines since the agent's start: good, ignored, and bad by cause; wire names */
  readonly lines: Readonly<Record<string, number>>;
  readonly reconnects: number;
  /** a sentence for people; '' with a reading */
  readonly detail: string;
}
