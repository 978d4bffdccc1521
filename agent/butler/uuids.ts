// SPDX-License-Identifier: Apache-2.0
// UUIDs of datasets: raw data get theirs from what they are, so that every repository has the same for the same image;
// everything else gets a new one. As the registry has them: 32 hexadecimal digits without dashes.

import { hash, randomBytes } from 'node:crypto';

/** uuid5 of the DNS name lsst.org */
const namespace = Buffer.from('840b31d905cd5161b2c800d32b280d0f', 'hex');

function versioned(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex', 0, 16);
}

/** Type, run, then the required dimensions by name. */
export function rawUuid(
  datasetType: string,
  run: string,
  dataId: Readonly<Record<string, string | number>>,
): string {
  const dimensions = Object.keys(dataId)
    .sort()
    .map((name) => `,${name}=${dataId[name]}`);
  const text = `dataset_type=${datasetType},run=${run}${dimensions.join('')}`;
  const hex = hash('sha1', Buffer.concat([namespace, Buffer.from(text)]), 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 12)}5${hex.slice(13, 16)}${variant}${hex.slice(17, 32)}`;
}

/** UUIDv7: by the time of its making. */
export function newUuid(nowMs: number): string {
  const bytes = Buffer.concat([Buffer.alloc(6), randomBytes(10)]);
  bytes.writeUIntBE(nowMs, 0, 6);
  return versioned(bytes, 7);
}

export function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** null: not a UUID, with dashes or without */
export function hexOf(uuid: string): string | null {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(hex) ? hex : null;
}
