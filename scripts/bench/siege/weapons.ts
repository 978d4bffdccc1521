// SPDX-License-Identifier: Apache-2.0
// What a hostile peer sends: bytes from a seed, from noise to ZMTP that is right up to its last frame.
import { Packr } from 'msgpackr';
import type { Random } from '../../../sim-hw/random.js';

const packr = new Packr({ useRecords: false });

export function noise(random: Random, bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) out[i] = random.integer(256);
  return out;
}

/** ZMTP 3: signature, version, mechanism, as-server, filler. */
function greeting(mechanism: string, minor = 0): Buffer {
  const out = Buffer.alloc(64);
  out[0] = 0xff;
  out[8] = 1;
  out[9] = 0x7f;
  out[10] = 3;
  out[11] = minor;
  out.write(mechanism, 12, 'latin1');
  return out;
}

function frame(flags: number, body: Buffer): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.from([flags & ~2, body.length]), body]);
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

const commandFlag = 4;
const moreFlag = 1;

function property(name: string, value: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), size, Buffer.from(value)]);
}

function ready(type: string): Buffer {
  const body = [
    Buffer.from([5]),
    Buffer.from('READY'),
    property('Socket-Type', type),
    property('Identity', ''),
  ];
  return frame(commandFlag, Buffer.concat(body));
}

/** A request that asks for nothing that changes the agent, with some bytes changed. */
function mutatedRequest(random: Random): Buffer {
  const bytes = Buffer.from(
    packr.pack({ v: 1, id: random.integer(1e9), verb: 'stats', args: { a: [1, 'two', { three: 3 }] } }),
  );
  for (let k = random.integer(6); k > 0; k--) bytes[random.integer(bytes.length)] = random.integer(256);
  return bytes.subarray(0, bytes.length - (random.integer(3) === 0 ? random.integer(bytes.length) : 0));
}

function nested(depth: number): Buffer {
  return Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
}

function huge(): Buffer {
  const head = Buffer.alloc(9);
  head[0] = 2;
  head.writeBigUInt64BE(8_000_000_000n, 1);
  return head;
}

/** Ten frames on a connection that speaks NULL correctly. */
function framesTo(random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let k = 0; k < 10; k++) {
    switch (random.integer(6)) {
      case 0:
        parts.push(frame(0, noise(random, random.integer(400))));
        break;
      case 1:
        parts.push(frame(moreFlag, Buffer.alloc(0)), frame(0, mutatedRequest(random)));
        break;
      case 2:
        parts.push(frame(commandFlag, noise(random, random.integer(60))));
        break;
      case 3:
        parts.push(frame(0, nested(random.integer(60_000))));
        break;
      case 4:
        parts.push(
          frame(0, Buffer.concat([Buffer.from([random.integer(3)]), noise(random, random.integer(30))])),
        );
        break;
      default:
        parts.push(frame(0, mutatedRequest(random)));
    }
  }
  return Buffer.concat(parts);
}

export interface Volley {
  readonly bytes: Buffer;
  /** sent when the other side has answered the handshake */
  readonly then: Buffer | null;
  /** whole frames in it */
  readonly frames: number;
}

/** What one connection sends. `type`: socket type it pretends to be. */
export function volley(random: Random, type: 'DEALER' | 'SUB'): Volley {
  const mechanism = ['NULL', 'CURVE', 'PLAIN', 'GSSAPI'][random.integer(4)] ?? 'NULL';
  const at = (bytes: Buffer, frames: number, then: Buffer | null = null) => ({ bytes, then, frames });
  switch (random.integer(7)) {
    case 0:
      return at(noise(random, random.integer(300)), 0);
    case 1:
      return at(greeting(mechanism).subarray(0, random.integer(65)), 0);
    case 2:
      return at(Buffer.concat([greeting(mechanism), noise(random, random.integer(300))]), 1);
    case 3: {
      const hello = Buffer.concat([Buffer.from([5]), Buffer.from('HELLO'), noise(random, 194)]);
      return at(Buffer.concat([greeting('CURVE'), frame(commandFlag, hello)]), 1);
    }
    case 4:
      return at(Buffer.concat([greeting('NULL'), ready(type), huge()]), 2);
    default:
      return at(Buffer.concat([greeting('NULL'), ready(type)]), 11, framesTo(random));
  }
}
