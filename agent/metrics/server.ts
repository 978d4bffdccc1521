// SPDX-License-Identifier: Apache-2.0
// GET /metrics on loopback, for a Prometheus on this machine or an exporter proxy.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { Exporter } from './exporter.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Scrapers need one connection; what does not ask in time is closed. */
const limits = { headersTimeout: 2000, requestTimeout: 2000, keepAliveTimeout: 20_000, maxHeaderSize: 8192 };
const mostConnections = 16;

export class MetricsServer {
  readonly #endpoint: Endpoint;
  readonly #exporter: Pick<Exporter, 'text' | 'contentType'>;
  readonly #server: Server;

  constructor(endpoint: Endpoint, exporter: Pick<Exporter, 'text' | 'contentType'>) {
    this.#endpoint = endpoint;
    this.#exporter = exporter;
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = mostConnections;
  }

  /** Resolves to the URL. */
  async start(): Promise<string> {
    const { host, port } = this.#endpoint;
    const listening = once(this.#server, 'listening');
    this.#server.listen({ host, port });
    try {
      await listening;
    } catch (error) {
      const busy = (error as { code?: string }).code === 'EADDRINUSE';
      throw new AgentError(
        busy ? 'port_busy' : 'publish',
        busy
          ? `health.prometheus: ${host}:${port} is in use by another process: stop it (ss -ltnp shows which), give health.prometheus another port, or null for none`
          : `health.prometheus: cannot listen on ${host}:${port}: ${sentenceOf(error)}`,
        { cause: error },
      );
    }
    const address = this.#server.address();
    return `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}/metrics`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nobody who scrapes sends a body.
    request.resume();
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') response.writeHead(404, { 'content-type': 'text/plain' }).end('only /metrics\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' }).end('only GET\n');
    } else {
      const text = await this.#exporter.text();
      response.writeHead(200, { 'content-type': this.#exporter.contentType });
      response.end(request.method === 'HEAD' ? '' : text);
    }
  }
}
