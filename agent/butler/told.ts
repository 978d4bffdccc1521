// SPDX-License-Identifier: Apache-2.0
// The message of a file that this run did not write: one that waited over a restart, or that an archiver handed over. It is
// made from what lies there; times are not known.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { IngestedFile } from '../model/butler.js';
import { latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import type { ImageAvailableMessage, RawImageMessage } from '../model/image-messages.js';
import { guideSensorNamed } from '../model/location.js';
import { parseObsId } from '../model/obs-id.js';
import { type Header, readHeader, sidecarOf } from './fits-header.js';
import { nsOfIso } from './tai-times.js';

/** Of a sensor that no board of a role has. */
const nowhere = -1;

function textOf(header: Header, key: string): string {
  const value = header[key];
  return value === undefined || value === null ? '' : String(value);
}

function numberOf(header: Header, key: string): number {
  const value = Number(header[key] ?? Number.NaN);
  return Number.isFinite(value) ? value : 0;
}

function locationOf(instrument: unknown, sensor: string): number {
  const guide = guideSensorNamed(sensor);
  if (guide) return guide.location;
  const boards = instrument === 'LATISS' ? [latissBoard] : wavefrontBoards;
  const board = boards.find(({ detectors }) => detectors.some((one) => one.detectorName === sensor));
  return board?.location ?? nowhere;
}

/** Of one that has its rows; refuses (`butler_metadata`) a header that cannot be read. */
export function messageOfFile({
  file,
  uuid,
  uri,
  run,
  type,
  dataId,
}: IngestedFile): ImageAvailableMessage | RawImageMessage {
  const header = readHeader(file);
  const sidecar = sidecarOf(file);
  const obsid = textOf(header, 'OBSID');
  const raftBay = textOf(header, 'RAFTBAY');
  const ccdSlot = textOf(header, 'CCDSLOT');
  const sensor = `${raftBay}_${ccdSlot}`;
  const obsId = parseObsId(obsid);
  const common = {
    kind: 'image.available' as const,
    sensor,
    detector: Number(dataId?.detector ?? nowhere),
    location: locationOf(dataId?.instrument, sensor),
    path: file,
    sidecar: existsSync(sidecar) ? sidecar : '',
    bytes: statSync(file).size,
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
    obsid,
    exposureId: Number(dataId?.exposure ?? 0),
    durableMs: Number.NaN,
    butler: { uuid: uuid ?? '', uri, run, dataId: dataId ?? {} },
  };
  if (type === 'guider_raw') {
    const stamps = numberOf(header, 'N_STAMPS');
    return {
      ...common,
      datasetType: 'guider_raw',
      seqNo: numberOf(header, 'DAQSEQ'),
      seriesId: '',
      closedBy: 'unknown',
      stamps,
      complete: stamps,
      leftOut: 0,
      failed: 0,
    };
  }
  return {
    ...common,
    datasetType: 'raw',
    dayObs: obsId?.dayObs ?? null,
    seqNum: obsId?.seqNum ?? null,
    controller: obsId?.controller ?? '',
    source: obsId?.source ?? '',
    group: textOf(header, 'GROUPID'),
    raftBay,
    ccdSlot,
    imageTag: textOf(header, 'IMAGETAG'),
    resumed: 0,
    recovered: true,
    triggerTaiNs: nsOfIso(textOf(header, 'DATE-TRG')) ?? 0n,
    readoutMs: Number.NaN,
    writeMs: Number.NaN,
  };
}
