// SPDX-License-Identifier: Apache-2.0
// Datagrams of wire format v1, made by hand from sim-hw/README.md for the tests of this room.

const CRC_TABLE = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) !== 0 ? 0x82f63b78 : 0);
  return crc >>> 0;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

export interface HeaderFields {
  readonly eventType: number;
  readonly location?: number;
  readonly daqState?: number;
  readonly pixelType?: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly stamp?: number;
  readonly taiNs?: bigint;
  readonly packet?: number;
  readonly totalBytes?: number;
  readonly fragmentOffset?: number;
  readonly rows?: number;
  readonly cols?: number;
  readonly integrationMs?: number;
  readonly session?: bigint;
}

export function datagram(fields: HeaderFields, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(72 + payload.length);
  bytes.write('SDAQ', 0, 'latin1');
  bytes.writeUInt8(1, 4);
  bytes.writeUInt8(72, 5);
  bytes.writeUInt8(fields.eventType, 6);
  bytes.writeUInt8(fields.location ?? 255, 8);
  bytes.writeUInt8(fields.daqState ?? 3, 9);
  bytes.writeUInt8(fields.pixelType ?? 0, 10);
  bytes.writeUInt8(fields.flags ?? 1, 11);
  bytes.writeUInt16LE(fields.sequence ?? 1, 12);
  bytes.writeUInt16LE(fields.stamp ?? 0, 14);
  bytes.writeBigUInt64LE(fields.taiNs ?? 1_800_000_000_000_000_000n, 16);
  bytes.writeUInt32LE(fields.packet ?? 0, 24);
  bytes.writeUInt32LE(fields.totalBytes ?? payload.length, 28);
  bytes.writeUInt32LE(fields.fragmentOffset ?? 0, 32);
  bytes.writeUInt16LE(payload.length, 36);
  bytes.writeUInt16LE(fields.rows ?? 0, 38);
  bytes.writeUInt16LE(fields.cols ?? 0, 40);
  bytes.writeUInt16LE(fields.integrationMs ?? 50, 48);
  bytes.writeBigUInt64LE(fields.session ?? 77n, 56);
  bytes.writeUInt32LE(payload.length === 0 ? 0 : crc32c(payload), 64);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 68)), 68);
  bytes.set(payload, 72);
  return bytes;
}

/** One whole int32 stamp in one datagram; pixel i holds 1000 + i. */
export function stampDatagram(location: number, stamp: number, packet: number, size = 10): Buffer {
  const pixels = Int32Array.from({ length: size * size }, (_, i) => 1000 + i);
  const taiNs = 1_800_000_000_000_000_000n + BigInt(stamp) * 111_000_000n;
  return datagram(
    { eventType: 0, location, stamp, packet, taiNs, pixelType: 1, rows: size, cols: size },
    new Uint8Array(pixels.buffer),
  );
}

/** The 183 bytes of series metadata that START carries. */
export function seriesMetadata(location: number, size = 10): Uint8Array {
  const bytes = Buffer.alloc(183);
  bytes.writeUInt16LE(size, 0);
  bytes.writeUInt16LE(size, 2);
  bytes.writeUInt16LE(50, 4);
  bytes.writeUInt16LE(2, 12);
  bytes.writeUInt8(location, 16);
  bytes.write('R5-V13.12', 24, 'latin1');
  bytes.writeUInt32LE(0x1234, 72);
  bytes.writeBigUInt64LE(0xabcdefn, 76);
  bytes.writeUInt8(1, 84);
  bytes.write('guider', 87, 'latin1');
  bytes.write('config-7', 119, 'latin1');
  return bytes;
}

export function stampsSent(count: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(count);
  return bytes;
}
