// SPDX-License-Identifier: Apache-2.0
// The parts of prom-client that are used, without its default metrics: those bring OpenTelemetry, which takes longer to
// load than everything else in the agent's metrics.

import { createRequire } from 'node:module';
import type * as Prometheus from 'prom-client';

const require = createRequire(import.meta.url);

export const Registry: typeof Prometheus.Registry = require('prom-client/lib/registry.js');
export const Counter: typeof Prometheus.Counter = require('prom-client/lib/counter.js');
export const Gauge: typeof Prometheus.Gauge = require('prom-client/lib/gauge.js');
export const Histogram: typeof Prometheus.Histogram = require('prom-client/lib/histogram.js');
