// SPDX-License-Identifier: Apache-2.0
// Requests and replies of the control endpoint: msgpack maps, SAL's ack numbers.

import { Packr, Unpackr } from 'msgpackr';
import { show } from '../model/show.js';

export const ack = { received: 300, complete: 303, failed: -302 } as const;

export interface ControlRequest {
  readonly id: string | number | bigint;
  readonly verb: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ControlReply {
  readonly id: ControlRequest['id'] | null;
  readonly ack: number;
  /** 0 or absent: none */
  readonly code?: string;
  readonly error?: string;
  readonly result?: unknown;
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

/** Reads a request; anything that is not one gives a problem, never an exception. */
export function parseRequest(frame: Uint8Array): ParsedRequest {
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
  const { v, id, verb, args } = value as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint') {
    return { id: null, problem: 'id: expected text or a number' };
  }
  if (v !== 1) return { id, problem: `v: expected 1, got ${show(v)}` };
  if (typeof verb !== 'string') return { id, problem: 'verb: expected text' };
  if (args !== undefined && args !== null && (typeof args !== 'object' || Array.isArray(args))) {
    return { id, problem: 'args: expected a map' };
  }
  return { request: { id, verb, args: (args ?? {}) as Readonly<Record<string, unknown>> } };
}

export function packReply(reply: ControlReply): Buffer {
  return packr.pack(reply);
}
