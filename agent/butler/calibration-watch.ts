// SPDX-License-Identifier: Apache-2.0
// The calibrations of the roles: looked up by the time when the agent starts and every now and then, so that what a
// synchronisation brought comes into force, and for each image. What is missing, or soon will be, is an alarm.

import type {
  CalibratedDetector,
  CalibrationRequest,
  CalibrationView,
  RoleCalibrations,
} from '../model/butler.js';
import { sentenceOf } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { SetAlarm } from '../model/messages.js';
import { physicalFilterOf } from './exposure-record.js';
import type { Header } from './fits-header.js';
import { isoOfNs } from './tai-times.js';

export interface CalibrationWatchDeps {
  readonly ask: (request: CalibrationRequest) => Promise<CalibrationView>;
  readonly log: Log;
  readonly alarm: SetAlarm;
  readonly taiNs: () => bigint;
  /** another folder than before holds what is valid now, for the detectors of the profile */
  readonly onCurrent: (directory: string) => void;
}

const hourNs = 3_600_000_000_000n;

export class CalibrationWatch {
  readonly #settings: RoleCalibrations;
  readonly #deps: CalibrationWatchDeps;
  #timer: NodeJS.Timeout | null = null;
  #filter: string | null;
  #current = '';
  #asking = false;
  /** folders that images got */
  readonly #seen = new Set<string>();

  constructor(settings: RoleCalibrations, deps: CalibrationWatchDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#filter = settings.filter;
  }

  get directory(): string {
    return this.#current;
  }

  start(): void {
    void this.#refresh();
    this.#timer = setInterval(() => void this.#refresh(), this.#settings.refreshS * 1000).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Folder of the calibrations of an exposure that has this header; '': they cannot be looked up. */
  async of(detectors: readonly CalibratedDetector[], header: Header, taiNs: bigint): Promise<string> {
    const told = physicalFilterOf({ ...header, INSTRUME: this.#settings.instrument }, 'image');
    const filter = told.includes('unknown') ? this.#settings.filter : told;
    const changed = filter !== this.#filter;
    this.#filter = filter;
    const view = await this.#ask({
      instrument: this.#settings.instrument,
      detectors,
      filter,
      taiNs: taiNs > 0n ? taiNs : this.#deps.taiNs(),
      isCurrent: false,
    });
    // Others than before: the next start reads these before its first image, and alarms are of them.
    const others = view !== null && !this.#seen.has(view.directory);
    if (view) this.#seen.add(view.directory);
    if (changed || others) void this.#refresh();
    return view?.directory ?? '';
  }

  async #refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { instrument, detectors } = this.#settings;
    const taiNs = this.#deps.taiNs();
    const view = await this.#ask({ instrument, detectors, filter: this.#filter, taiNs, isCurrent: true });
    this.#asking = false;
    if (view === null) return;
    this.#tell(view, taiNs);
    if (view.directory === this.#current) return;
    this.#current = view.directory;
    this.#deps.log.info('calibrations of the repository', {
      directory: view.directory,
      datasets: view.datasets,
      missing: view.missing.length,
      until: isoOfNs(view.until),
    });
    this.#deps.onCurrent(view.directory);
  }

  async #ask(request: CalibrationRequest): Promise<CalibrationView | null> {
    try {
      return await this.#deps.ask(request);
    } catch (error) {
      const reason = `calibrations cannot be looked up: ${sentenceOf(error)}`;
      this.#deps.alarm('calibrations_missing', 'warning', reason, '');
      return null;
    }
  }

  #tell({ missing, until }: CalibrationView, taiNs: bigint): void {
    const [first] = missing;
    const more = missing.length > 1 ? `, and ${missing.length - 1} more` : '';
    const reason = first === undefined ? null : `${first}${more}`;
    this.#deps.alarm('calibrations_missing', 'warning', reason, 'the repository has all calibrations');
    const warnNs = BigInt(Math.round(this.#settings.warnHours * 3600)) * (hourNs / 3600n);
    const ending = until - taiNs < warnNs ? `calibrations are valid until ${isoOfNs(until)} only` : null;
    this.#deps.alarm('calibrations_ending', 'warning', ending, 'calibrations are valid for longer');
  }
}
