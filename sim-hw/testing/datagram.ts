// SPDX-License-Identifier: Apache-2.0
// A second reader of wire format v1, written from the table in sim-hw/README.md and from nothing else: it
// shares no code with the simulator or the agent.

/** Fields of one datagram, by their names in the table. */
export interface Datagram {
  readonly magic: string;
  readonly version: number;
  readonly headerBytes: number;
  readonly eventType: number;
  readonly eventStatus: number;
  readonly location: number;
  readonly daqState: number;
  readonly pixelType: number;
  readonly flags: number;
  readonly sequence: number;
  readonly stamp: number;
  readonly timeTaiNs: bigint;
  readonly packet: number;
  readonly totalBytes: number;
  readonly fragmentOffset: number;
  readonly fragmentBytes: number;
  readonly rows: number;
  readonly cols: number;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly integrationMs: number;
  readonly overRows: number;
  readonly underCols: number;
  readonly overCols: number;
  readonly session: bigint;
  readonly payloadCrc32c: number;
  readonly headerCrc32c: number;
  readonly payload: Buffer;
}

export const eventType = {
  STAMP: 0,
  START: 1,
  STOP: 2,
  PAUSE: 3,
  RESUME: 4,
  STATUS: 5,
  WAKE: 6,
  SLEEP: 7,
} as const;
export const daqState = { IDLECLEARING: 1, PAUSED: 2, RUNNING: 3, SLEEPING: 5 } as const;
export const wholeDaq = 255;
const headerSize = 72;

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  // 0x82f63b78: the Castagnoli polynomial, bits reversed (RFC 3720, appendix B.4 has test vectors).
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Reads the header of a datagram of at least 72 bytes; does not judge it. */
export function decode(b: Buffer): Datagram {
  return {
    magic: b.toString('latin1', 0, 4),
    version: b.readUInt8(4),
    headerBytes: b.readUInt8(5),
    eventType: b.readUInt8(6),
    eventStatus: b.readUInt8(7),
    location: b.readUInt8(8),
    daqState: b.readUInt8(9),
    pixelType: b.readUInt8(10),
    flags: b.readUInt8(11),
    sequence: b.readUInt16LE(12),
    stamp: b.readUInt16LE(14),
    timeTaiNs: b.readBigUInt64LE(16),
    packet: b.readUInt32LE(24),
    totalBytes: b.readUInt32LE(28),
    fragmentOffset: b.readUInt32LE(32),
    fragmentBytes: b.readUInt16LE(36),
    rows: b.readUInt16LE(38),
    cols: b.readUInt16LE(40),
    segment: b.readUInt16LE(42),
    startRow: b.readUInt16LE(44),
    startCol: b.readUInt16LE(46),
    integrationMs: b.readUInt16LE(48),
    overRows: b.readUInt16LE(50),
    underCols: b.readUInt16LE(52),
    overCols: b.readUInt16LE(54),
    session: b.readBigUInt64LE(56),
    payloadCrc32c: b.readUInt32LE(64),
    headerCrc32c: b.readUInt32LE(68),
    payload: b.subarray(headerSize),
  };
}

/** What is wrong with a datagram as it arrived; null: nothing. */
export function damageOf(
  b: Buffer,
): 'short header' | 'header checksum' | 'length' | 'payload checksum' | null {
  if (b.length < headerSize) return 'short header';
  const d = decode(b);
  if (d.headerCrc32c !== crc32c(b.subarray(0, headerSize - 4))) return 'header checksum';
  if (d.payload.length !== d.fragmentBytes) return 'length';
  const expected = d.payload.length === 0 ? 0 : crc32c(d.payload);
  return d.payloadCrc32c === expected ? null : 'payload checksum';
}

/** One event or stamp, put together from its fragments. */
export interface Message {
  /** of its first fragment to arrive */
  readonly header: Datagram;
  readonly fragments: readonly Datagram[];
  readonly payload: Buffer;
  /** the fragments cover the payload exactly, each byte once */
  readonly whole: boolean;
}

/** Messages in the order in which they begin; damaged datagrams are left out. */
export function reassemble(datagrams: readonly Buffer[]): Message[] {
  const parts = new Map<string, Datagram[]>();
  for (const datagram of datagrams) {
    if (damageOf(datagram) !== null) continue;
    const d = decode(datagram);
    const key = [d.eventType, d.location, d.sequence, d.stamp, d.timeTaiNs].join('/');
    parts.set(key, [...(parts.get(key) ?? []), d]);
  }
  return [...parts.values()].flatMap((fragments) => {
    const [header] = fragments;
    return header === undefined ? [] : [join(header, fragments)];
  });
}

function join(header: Datagram, fragments: readonly Datagram[]): Message {
  const payload = Buffer.alloc(header.totalBytes);
  const sorted = [...fragments].sort((a, b) => a.fragmentOffset - b.fragmentOffset);
  let end = 0;
  let whole = true;
  for (const { fragmentOffset, payload: bytes } of sorted) {
    if (fragmentOffset !== end) whole = false;
    bytes.copy(payload, fragmentOffset);
    end = fragmentOffset + bytes.length;
  }
  return { header, fragments, payload, whole: whole && end === header.totalBytes };
}

/** Places in the sequence of packets where the number does not grow by one. */
export function packetGaps(datagrams: readonly Buffer[]): string[] {
  const numbers = datagrams.map((datagram) => decode(datagram).packet);
  return numbers.flatMap((packet, i) => {
    const before = numbers[i - 1];
    return before === undefined || packet === (before + 1) >>> 0 ? [] : [`${before} -> ${packet}`];
  });
}
