// SPDX-License-Identifier: Apache-2.0
// Finds the sub-command and runs it; refusals become one line and an exit code.

import { AgentError } from '../model/errors.js';
import { nearest } from '../model/nearest.js';
import type { Command, Surroundings } from './command.js';
import { readOptions } from './options.js';
import { stderrLog } from './stderr-log.js';

/** Read when asked for: an agent that starts again waits for none of the others. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).run,
  check: async () => (await import('./check.js')).check,
  status: async () => (await import('./status.js')).status,
  watch: async () => (await import('./watch.js')).watch,
  tail: async () => (await import('./tail.js')).tail,
  send: async () => (await import('./send.js')).send,
  take: async () => (await import('./take.js')).take,
  roi: async () => (await import('./roi.js')).roi,
  keys: async () => (await import('./keys.js')).keys,
  doctor: async () => (await import('./doctor.js')).doctor,
  measure: async () => (await import('./measure.js')).measure,
  process: async () => (await import('./process.js')).process,
  butler: async () => (await import('./butler.js')).butler,
  calibs: async () => (await import('./calibs.js')).calibs,
  record: async () => (await import('./record.js')).record,
  replay: async () => (await import('./replay.js')).replay,
  version: async () => (await import('./version.js')).version,
};

async function overview(): Promise<string> {
  const lines: string[] = [];
  for (const [name, read] of Object.entries(commands)) {
    const { summary } = await read();
    lines.push(`  ${name.padEnd(9)}${summary}`);
  }
  return `usage: summit-agent COMMAND [OPTIONS]

Edge agent for the Rubin Observatory Summit: stamps and images from the camera DAQ in, guide
offsets and files out.

${lines.join('\n')}

summit-agent COMMAND --help explains a command.
`;
}

/** 2: what was asked for is wrong; 1: it could not be done. */
function exitCodeOf(error: AgentError): number {
  return ['usage', 'profile', 'daq_config', 'security'].includes(error.code) ? 2 : 1;
}

export async function dispatch(argv: readonly string[], around: Surroundings): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? around.stderr : around.stdout).write(await overview());
    return name === undefined ? 2 : 0;
  }
  try {
    const wanted = name === '--version' ? 'version' : name;
    const read = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
    if (!read) throw unknownCommand(name);
    const command = await read();
    const options = readOptions(wanted, rest, command.options);
    if (options.help === true) {
      around.stdout.write(command.help);
      return 0;
    }
    return await command.run(options, around);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    stderrLog(around.stderr).error(error.message, { code: error.code });
    return exitCodeOf(error);
  }
}

function unknownCommand(name: string): AgentError {
  const near = nearest(name, Object.keys(commands));
  const hint = near === null ? '' : `, did you mean ${near}?`;
  return new AgentError('usage', `unknown command ${name}${hint}; see summit-agent --help`);
}
