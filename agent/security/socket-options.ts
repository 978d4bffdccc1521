// SPDX-License-Identifier: Apache-2.0
// Socket options of an endpoint: limits for every one, encryption where keys are given.

import type { KeyPair } from '../model/keys.js';

/** A peer that has not finished its handshake by then is cut off, ms. */
const handshakeMs = 1000;
/**
 * A peer whose machine is gone, or that takes nothing of what is sent to it, gives its place free after so long, s. The
 * kernel asks: ZeroMQ's own heartbeats end the process (assertion _io_error, libzmq 4.3.5) when a peer resets a connection
 * whose messages are still waiting to be read.
 */
const askAfterS = 5;
const goneAfterS = 15;
/** connections that the system holds ready before they are accepted */
export const backlog = 50;

export interface EndpointOptions {
  readonly handshakeInterval: number;
  readonly tcpKeepalive: number;
  readonly tcpKeepaliveIdle: number;
  readonly tcpKeepaliveInterval: number;
  readonly tcpKeepaliveCount: number;
  /** ms */
  readonly tcpMaxRetransmitTimeout: number;
  readonly backlog: number;
  /** bit mask of ZeroMQ's I/O threads */
  readonly affinity: number;
  readonly curveServer?: boolean;
  readonly curveSecretKey?: string;
  readonly zapDomain?: string;
  readonly zapEnforceDomain?: boolean;
}

/** `domain`: the endpoint's name for ZapHandler. ipc endpoints are open to who may open their file. */
export function endpointOptions(endpoint: string, domain: string, server: KeyPair | null): EndpointOptions {
  // What comes in at the other endpoints does not keep the thread busy that sends data.
  const limits = {
    handshakeInterval: handshakeMs,
    tcpKeepalive: 1,
    tcpKeepaliveIdle: askAfterS,
    tcpKeepaliveInterval: askAfterS,
    tcpKeepaliveCount: goneAfterS / askAfterS - 1,
    tcpMaxRetransmitTimeout: goneAfterS * 1000,
    backlog,
    affinity: domain === 'data' ? 1 : 2,
  };
  if (!server || !endpoint.startsWith('tcp://')) return limits;
  return {
    ...limits,
    curveServer: true,
    curveSecretKey: server.secretKey,
    zapDomain: domain,
    // Without the handler a key is not checked at all: then nobody gets in.
    zapEnforceDomain: true,
  };
}

/** I/O threads that `affinity` counts on. */
export const ioThreads = 2;
