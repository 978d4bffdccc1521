// SPDX-License-Identifier: Apache-2.0
// Raw files of an earlier run that are on the disk, but that nobody was told of: their message is made from what lies there.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageBoard } from '../model/image-detectors.js';
import type { RawImageMessage } from '../model/image-messages.js';
import { parseObsId } from '../model/obs-id.js';

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** TAI ns of a header's time, which counts as UTC does in JavaScript. */
function taiNsOf(iso: unknown): bigint {
  const ms = typeof iso === 'string' ? Date.parse(`${iso}Z`) : Number.NaN;
  return Number.isFinite(ms) ? BigInt(ms) * 1_000_000n : 0n;
}

/** Null for a detector that none of the boards has. Rejects when file or sidecar cannot be read. */
export async function recoveredMessage(
  directory: string,
  name: string,
  boards: readonly ImageBoard[],
): Promise<RawImageMessage | null> {
  const stem = name.slice(0, -'.fits'.length);
  for (const board of boards) {
    const detector = board.detectors.find((one) => stem.endsWith(`_${one.detectorName}`));
    if (!detector) continue;
    const path = join(directory, name);
    const sidecar = join(directory, `${stem}.json`);
    const header = JSON.parse(await readFile(sidecar, 'utf8')) as Readonly<Record<string, unknown>>;
    const obsid = stem.slice(0, -`_${detector.detectorName}`.length);
    const obsId = parseObsId(obsid);
    const text = (key: string) => (typeof header[key] === 'string' ? String(header[key]) : '');
    return {
      kind: 'image.available',
      datasetType: 'raw',
      sensor: detector.detectorName,
      detector: detector.detector,
      location: board.location,
      path,
      sidecar,
      bytes: (await stat(path)).size,
      sha256: await sha256Of(path),
      obsid,
      exposureId: obsId?.exposureId ?? null,
      dayObs: obsId?.dayObs ?? null,
      seqNum: obsId?.seqNum ?? null,
      controller: obsId?.controller ?? '',
      source: obsId?.source ?? '',
      group: text('GROUPID'),
      raftBay: detector.raftBay,
      ccdSlot: detector.ccdSlot,
      imageTag: text('IMAGETAG'),
      resumed: 0,
      recovered: true,
      triggerTaiNs: taiNsOf(header['DATE-TRG']),
      readoutMs: Number.NaN,
      writeMs: Number.NaN,
      durableMs: Number.NaN,
    };
  }
  return null;
}
