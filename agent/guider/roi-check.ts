// SPDX-License-Identifier: Apache-2.0
// Compares the ROIs of a series with what initGuiders asked for.

import { nameOfLocation } from '../model/location.js';
import type { StampIdentity } from '../model/messages.js';
import type { RoiSpec } from '../model/roi.js';
import { show } from '../model/show.js';
import type { Incidents } from './incidents.js';
import type { ToldRoi } from './series-rois.js';

export class RoiCheck {
  #expected: RoiSpec | null = null;
  /** of the series that runs: another may be asked for before its START is whole */
  #ofSeries: RoiSpec | null = null;

  /** What series are to be from now on; returns how to take it back. */
  expect(spec: RoiSpec): () => void {
    const before = this.#expected;
    this.#expected = spec;
    return () => {
      if (this.#expected === spec) this.#expected = before;
    };
  }

  /** A series begins: it is compared with what is expected now. */
  begin(): void {
    this.#ofSeries = this.#expected;
  }

  /** Compares and tells; the problem, null: none; undefined: nobody asked for anything. */
  tell(
    rois: ReadonlyMap<number, ToldRoi>,
    identity: StampIdentity,
    incidents: Incidents,
  ): string | null | undefined {
    const problems = this.differences(rois);
    if (problems === null) return undefined;
    if (problems.length === 0) return null;
    const message = `the series is not what initGuiders asked for: ${problems.join('; ')}`;
    incidents.tell(identity, { name: 'roi_mismatch', message, fields: { problems } });
    return message;
  }

  /** Everything that differs, by location in `rois`; null: nobody asked for anything. */
  differences(rois: ReadonlyMap<number, ToldRoi>): readonly string[] | null {
    const spec = this.#ofSeries;
    if (!spec) return null;
    const problems: string[] = [];
    const compare = (key: string, expected: unknown, got: unknown) => {
      if (expected !== got) problems.push(`${key}: expected ${show(expected)}, got ${show(got)}`);
    };
    const [any] = rois.values();
    if (any) {
      compare('rows', spec.common.rows, any.rows);
      compare('cols', spec.common.cols, any.cols);
      compare('integrationTimeMillis', spec.common.integrationMs, any.integrationMs);
    }
    for (const asked of spec.locations) {
      const { detectorName, location } = asked.sensor;
      const roi = rois.get(location);
      if (!roi) {
        problems.push(`${detectorName}: expected in the series, got none`);
        continue;
      }
      compare(`${detectorName}.segment`, asked.segment, roi.segment);
      compare(`${detectorName}.startRow`, asked.startRow, roi.startRow);
      compare(`${detectorName}.startCol`, asked.startCol, roi.startCol);
    }
    const asked = new Set(spec.locations.map((l) => l.sensor.location));
    for (const location of rois.keys()) {
      if (!asked.has(location)) problems.push(`${nameOfLocation(location)}: expected no ROI, got one`);
    }
    return problems;
  }
}
