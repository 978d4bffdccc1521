// SPDX-License-Identifier: Apache-2.0
// Every kind of message, by name: what topics begin with.

import type { AgentMessage } from './messages.js';

const kinds: Readonly<Record<AgentMessage['kind'], true>> = {
  'guider.state': true,
  'guider.series': true,
  'guider.event': true,
  'guider.result': true,
  'guider.acquisition': true,
  'guider.summary': true,
  'guider.offsets': true,
  'guider.exposure': true,
  'series.end': true,
  'image.available': true,
  'image.failed': true,
  'image.quicklook': true,
  'image.removed': true,
  heartbeat: true,
  state: true,
  'health.host': true,
  'health.sensor': true,
  metrics: true,
  log: true,
  alarm: true,
};

export const messageKinds: readonly string[] = Object.keys(kinds);
