// SPDX-License-Identifier: Apache-2.0
// What the recorder says of its files: an event for each that is on the disk, alarms when one is not, or not whole.

import type { FileReport } from '../model/daq.js';
import { guideSensorAt, nameOfLocation } from '../model/location.js';
import type { Log } from '../model/log.js';
import type { MessageSink, SetAlarm } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';

export interface RecordingsDeps {
  readonly sink: MessageSink;
  readonly log: Log;
  readonly alarm: SetAlarm;
}

export class Recordings {
  readonly #deps: RecordingsDeps;
  /** sensors whose last exposure was not, or not wholly, recorded, with its series */
  readonly #failing = new Map<number, bigint>();
  readonly #incomplete = new Map<number, bigint>();

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
  }

  onFiles(files: readonly FileReport[]): void {
    for (const file of files) this.#onFile(file);
  }

  #onFile(file: FileReport): void {
    const durable = file.durableNs !== 0n;
    // The event first: it is what somebody waits for. A file that could not be read back has no checksum to tell.
    if (durable && file.problem === '') this.#announce(file);
    if (file.problem !== '') this.#onProblem(file);
    else if (durable) this.#onWritten(file);
    if (file.closedBy !== 'failure') this.#onLeftOut(file);
  }

  #announce(file: FileReport): void {
    this.#deps.sink.publish({
      kind: 'image.available',
      sensor: nameOfLocation(file.location),
      detector: guideSensorAt(file.location)?.detector ?? -1,
      location: file.location,
      datasetType: 'guider_raw',
      path: file.path,
      sidecar: file.sidecar,
      bytes: file.bytes,
      sha256: file.sha256,
      obsid: file.obsid,
      exposureId: parseObsId(file.obsid)?.exposureId ?? null,
      seqNo: file.sequence,
      seriesId: file.seriesId,
      closedBy: file.closedBy,
      stamps: file.stamps,
      complete: file.complete,
      leftOut: file.leftOut,
      failed: file.failed,
      durableMs: Number(file.durableNs - file.closedNs) / 1e6,
    });
  }

  #onProblem({ location, series, problem, closedBy, failed }: FileReport): void {
    this.#failing.set(location, series);
    this.#deps.alarm('recording_failed', 'serious', `recording stopped: ${problem}`, '');
    if (closedBy === 'failure') return;
    const fields = { sensor: nameOfLocation(location), failed };
    this.#deps.log.warning(`stamps of an exposure were not recorded: ${problem}`, fields);
  }

  #onWritten(file: FileReport): void {
    if (!isOver(this.#failing, file)) return;
    this.#deps.alarm('recording_failed', 'serious', null, 'files are written again');
  }

  #onLeftOut(file: FileReport): void {
    const { location, leftOut, complete, obsid } = file;
    if (leftOut > 0) {
      this.#incomplete.set(location, file.series);
      const what = `${leftOut} of ${complete} stamps of ${obsid} ${nameOfLocation(location)} were not recorded`;
      const reason = `${what}: the disk is too slow, or guider.recording.queueStamps too small`;
      this.#deps.alarm('recording_incomplete', 'warning', reason, '');
    } else if (isOver(this.#incomplete, file)) {
      this.#deps.alarm('recording_incomplete', 'warning', null, 'exposures are recorded whole again');
    }
  }
}

/**
 * Takes out the sensor of a good file, and those that no series had since the one before: nothing more is to be
 * expected of them. True when nobody is left who was.
 */
function isOver(troubled: Map<number, bigint>, { location, series }: FileReport): boolean {
  if (troubled.size === 0) return false;
  troubled.delete(location);
  for (const [sensor, last] of troubled) if (last + 1n < series) troubled.delete(sensor);
  return troubled.size === 0;
}
