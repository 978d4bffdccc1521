// SPDX-License-Identifier: Apache-2.0
// A command of the DAQ's own: what it refuses is a refusal.

import type { DaqLink, DaqReply } from '../model/daq.js';
import { AgentError } from '../model/errors.js';

/** The DAQ answers within milliseconds; a START of eight sensors takes longest. */
const daqDeadlineMs = 2000;

export async function ask(
  control: DaqLink['control'],
  command: Readonly<Record<string, unknown>>,
): Promise<DaqReply> {
  const reply = await control(command, daqDeadlineMs);
  if (reply.status === 0) return reply;
  const why = typeof reply.message === 'string' ? `: ${reply.message}` : '';
  throw new AgentError('daq_state', `the DAQ refused ${String(command.command)} with ${reply.reply}${why}`);
}
