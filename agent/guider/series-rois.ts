// SPDX-License-Identifier: Apache-2.0
// The ROI of each sensor in the running series: what START said, else what stamps say of themselves; published
// once per series, with changes and ROIs across amplifiers told.

import type { DaqRecord } from '../model/daq.js';
import { frameFlag } from '../model/flags.js';
import { ampCols, ampRows } from '../model/geometry.js';
import { type GuideSensor, nameOfLocation } from '../model/location.js';
import type { MessageSink, SeriesMessage } from '../model/messages.js';
import { stampPeriodMs } from '../model/roi.js';
import type { Series } from './identity.js';
import type { Incidents } from './incidents.js';

/** One sensor's ROI, whoever told it. */
export interface ToldRoi {
  readonly rows: number;
  readonly cols: number;
  readonly integrationMs: number;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly split: boolean;
}

function leavesAmplifier(roi: Omit<ToldRoi, 'split'>): boolean {
  return roi.startCol + roi.cols > ampCols || roi.startRow + roi.rows > ampRows;
}

function differs(a: ToldRoi, b: DaqRecord): boolean {
  return (
    a.segment !== b.segment ||
    a.startRow !== b.startRow ||
    a.startCol !== b.startCol ||
    a.rows !== b.rows ||
    a.cols !== b.cols
  );
}

function sentenceOf(roi: Omit<ToldRoi, 'split' | 'integrationMs'>): string {
  return `${roi.rows}x${roi.cols} at segment ${roi.segment} row ${roi.startRow} column ${roi.startCol}`;
}

export class SeriesRois {
  readonly #sensors: readonly GuideSensor[];
  readonly #sink: MessageSink;
  readonly #incidents: Incidents;
  readonly #onPublished: (rois: ReadonlyMap<number, ToldRoi>, series: Series) => void;
  /** by location, of the stamps */
  readonly #seen = new Map<number, ToldRoi>();
  #published: 'start' | 'stamps' | null = null;
  #nStarted = 0;
  #timestamp = Number.NaN;
  readonly #toldSplit = new Set<string>();

  constructor(
    sensors: readonly GuideSensor[],
    sink: MessageSink,
    incidents: Incidents,
    onPublished: (rois: ReadonlyMap<number, ToldRoi>, series: Series) => void = () => {},
  ) {
    this.#sensors = sensors;
    this.#sink = sink;
    this.#incidents = incidents;
    this.#onPublished = onPublished;
  }

  begin(): void {
    this.#seen.clear();
    this.#toldSplit.clear();
    this.#published = null;
  }

  isSplit(series: Series, record: DaqRecord): boolean {
    if (record.frameFlags & frameFlag.splitRoi) return true;
    return this.#roiOf(series, record.location)?.split ?? false;
  }

  /** Notes the ROI of a stamp; tells when it is another than before. */
  take(series: Series, record: DaqRecord): void {
    const before = this.#seen.get(record.location) ?? this.#started(series, record.location);
    if (before && !differs(before, record)) {
      this.#seen.set(record.location, before);
      return;
    }
    const { rows, cols, integrationMs, segment, startRow, startCol } = record;
    // A frame without pixels (no free slot, lost packets) may not know its ROI.
    if (rows === 0 || cols === 0) return;
    const roi = { rows, cols, integrationMs, segment, startRow, startCol };
    const split = (record.frameFlags & frameFlag.splitRoi) !== 0 || leavesAmplifier(roi);
    this.#seen.set(record.location, { ...roi, split });
    if (!before) {
      // Its START was lost, or the series has none.
      this.#again(series);
      return;
    }
    const sensor = nameOfLocation(record.location);
    this.#incidents.tell(series.identity, {
      name: 'roi_changed',
      message: `the ROI of ${sensor} changed inside the series: ${sentenceOf(before)}, now ${sentenceOf(roi)}`,
      sensor,
      stamp: Number(record.stampIndex),
    });
  }

  #started(series: Series, location: number): ToldRoi | undefined {
    const told = series.started.get(location);
    return told ? { ...told, split: told.splitRoi || leavesAmplifier(told) } : undefined;
  }

  #roiOf(series: Series, location: number): ToldRoi | undefined {
    return this.#seen.get(location) ?? this.#started(series, location);
  }

  /** A START came when the series had been published: again, with the sensor that was missing. */
  late(series: Series): void {
    if (this.#published === 'start' && series.started.size !== this.#nStarted) this.#again(series);
  }

  #again(series: Series): void {
    const source = this.#published;
    if (source === null) return;
    this.#published = null;
    this.publish(series, this.#timestamp, source);
  }

  publish(series: Series, timestamp: number, source: SeriesMessage['source']): void {
    if (this.#published === 'start' || this.#published === source) return;
    this.#nStarted = series.started.size;
    this.#timestamp = timestamp;
    const rois = this.#sensors.map((s) => this.#roiOf(series, s.location));
    const first = rois.find((roi) => roi !== undefined);
    if (!first) return;
    this.#published = source;
    const daq = series.started.values().next().value;
    this.#sink.publish({
      kind: 'guider.series',
      ...series.identity,
      timestamp,
      sensors: this.#sensors.map((s) => s.detectorName),
      roiCommonNRows: first.rows,
      roiCommonNCols: first.cols,
      roiCommonIntegration: first.integrationMs,
      segment: rois.map((roi) => roi?.segment ?? -1),
      startRow: rois.map((roi) => roi?.startRow ?? -1),
      startCol: rois.map((roi) => roi?.startCol ?? -1),
      splitRoi: rois.map((roi) => roi?.split ?? false),
      daqVersion: daq?.version ?? '',
      platform: daq?.platform ?? '',
      periodMs: stampPeriodMs(first),
      source,
    });
    this.#tellSplit(series, rois);
    const told = new Map<number, ToldRoi>();
    rois.forEach((roi, i) => {
      const location = this.#sensors[i]?.location;
      if (roi && location !== undefined) told.set(location, roi);
    });
    this.#onPublished(told, series);
  }

  #tellSplit(series: Series, rois: readonly (ToldRoi | undefined)[]): void {
    const split = this.#sensors
      .filter((s, i) => rois[i]?.split && !this.#toldSplit.has(s.detectorName))
      .map((s) => s.detectorName);
    if (split.length === 0) return;
    for (const name of split) this.#toldSplit.add(name);
    const message = `ROIs across two amplifiers: ${split.join(', ')}`;
    this.#incidents.tell(series.identity, { name: 'split_roi', message, fields: { sensors: split } });
  }
}
