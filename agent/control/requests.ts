// SPDX-License-Identifier: Apache-2.0
// Requests and replies of the control endpoints: msgpack maps, SAL's ack numbers.

import { Packr, Unpackr } from 'msgpackr';
import { show } from '../model/show.js';
import { shapeProblem } from './shape.js';

export const ack = {
  received: 300,
  inProgress: 301,
  complete: 303,
  notPermitted: -300,
  failed: -302,
  aborted: -303,
  timedOut: -304,
} as const;

/** The last moment at which a command may begin, on the scale in which its sender told it. */
export type Expiry =
  | { readonly scale: 'utc'; readonly seconds: number }
  | { readonly scale: 'tai'; readonly ns: bigint }
  | { readonly scale: 'ttl'; readonly seconds: number };

export interface ControlRequest {
  readonly id: string | number | bigint;
  readonly verb: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** who asks, as the client says; '' when it does not */
  readonly who: string;
  /** null: none */
  readonly expiry: Expiry | null;
  /** Unix time in s at which its sender made it; null: not told */
  readonly issued: number | null;
}

export interface ControlReply {
  readonly id: ControlRequest['id'] | null;
  readonly ack: number;
  /** absent: none */
  readonly code?: string;
  readonly error?: string;
  readonly result?: unknown;
  /** s until the final ack, in INPROGRESS */
  readonly timeout?: number;
  /** this is the answer of the command that came with the same id before; nothing was done now */
  readonly repeated?: true;
}

const packr = new Packr({ useRecords: false });
// Integers of 64 bits are numbers where a number holds them, whatever width the client packed them in. The library
// knows `auto`, its types do not.
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'auto' as 'number',
});

export type ParsedRequest =
  | { readonly request: ControlRequest }
  | { readonly id: ControlRequest['id'] | null; readonly problem: string };

const longestId = 128;
const longestVerb = 64;
const longestTtlS = 3600;

/** Reads a request; anything that is not one gives a problem, never an exception. */
export function parseRequest(frame: Uint8Array): ParsedRequest {
  const shape = shapeProblem(frame);
  if (shape) return { id: null, problem: `expected a msgpack map {v: 1, id, verb, args}, got ${shape}` };
  let value: unknown;
  try {
    value = unpackr.unpack(frame);
  } catch {
    return {
      id: null,
      problem: 'expected a msgpack map {v: 1, id, verb, args}, got bytes that are not msgpack',
    };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { id: null, problem: 'expected a msgpack map {v: 1, id, verb, args}, got something else' };
  }
  const map = value as Readonly<Record<string, unknown>>;
  const { v, id, verb, args, who, issued } = map;
  if (!isId(id)) return { id: null, problem: `id: expected a number or at most ${longestId} characters` };
  if (v !== 1) return { id, problem: `v: expected 1, got ${show(v)}` };
  if (typeof verb !== 'string' || verb.length > longestVerb) {
    return { id, problem: `verb: expected text of at most ${longestVerb} characters` };
  }
  if (args !== undefined && args !== null && (typeof args !== 'object' || Array.isArray(args))) {
    return { id, problem: 'args: expected a map' };
  }
  if (who !== undefined && (typeof who !== 'string' || who.length > longestId)) {
    return { id, problem: `who: expected text of at most ${longestId} characters` };
  }
  if (issued !== undefined && issued !== null && !(typeof issued === 'number' && Number.isFinite(issued))) {
    return { id, problem: `issued: expected Unix time (UTC) in s, got ${show(issued)}` };
  }
  const expiry = expiryOf(map);
  if (typeof expiry === 'string') return { id, problem: expiry };
  return {
    request: {
      id,
      verb,
      args: (args ?? {}) as Readonly<Record<string, unknown>>,
      who: who ?? '',
      expiry,
      issued: issued ?? null,
    },
  };
}

function isId(id: unknown): id is ControlRequest['id'] {
  if (typeof id === 'string') return id.length <= longestId;
  return typeof id === 'bigint' || typeof id === 'number';
}

function expiryOf(map: Readonly<Record<string, unknown>>): Expiry | null | string {
  const { expires, expires_tai_ns: taiNs, ttl } = map;
  const given = [expires, taiNs, ttl].filter((value) => value !== undefined && value !== null);
  if (given.length === 0) return null;
  if (given.length > 1) return 'expected one of expires, expires_tai_ns and ttl, got several';
  if (typeof expires === 'number' && Number.isFinite(expires)) return { scale: 'utc', seconds: expires };
  if (typeof taiNs === 'bigint') return { scale: 'tai', ns: taiNs };
  if (typeof taiNs === 'number' && Number.isFinite(taiNs)) {
    return { scale: 'tai', ns: BigInt(Math.trunc(taiNs)) };
  }
  if (typeof ttl === 'number' && ttl >= 0 && ttl <= longestTtlS) return { scale: 'ttl', seconds: ttl };
  if (expires !== undefined) return `expires: expected Unix time (UTC) in s, got ${show(expires)}`;
  if (taiNs !== undefined) return `expires_tai_ns: expected TAI ns since 1970, got ${show(taiNs)}`;
  return `ttl: expected 0..${longestTtlS} s, got ${show(ttl)}`;
}

export function packReply(reply: ControlReply): Buffer {
  return packr.pack(reply);
}
