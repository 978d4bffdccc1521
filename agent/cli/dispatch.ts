// SPDX-License-Identifier: Apache-2.0
// Finds the sub-command and runs it; refusals become one line and an exit code.

import { AgentError } from '../model/errors.js';
import { nearest } from '../model/nearest.js';
import { check } from './check.js';
import type { Command, Surroundings } from './command.js';
import { doctor } from './doctor.js';
import { keys } from './keys.js';
import { measure } from './measure.js';
import { readOptions } from './options.js';
import { record } from './record.js';
import { replay } from './replay.js';
import { roi } from './roi.js';
import { run } from './run.js';
import { send } from './send.js';
import { status } from './status.js';
import { stderrLog } from './stderr-log.js';
import { tail } from './tail.js';
import { version } from './version.js';
import { watch } from './watch.js';

const commands: Readonly<Record<string, Command>> = {
  run,
  check,
  status,
  watch,
  tail,
  send,
  roi,
  keys,
  doctor,
  measure,
  record,
  replay,
  version,
};

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`);
  return `usage: summit-agent COMMAND [OPTIONS]

Edge agent for the Rubin Observatory Summit: stamps from the camera DAQ in, guide offsets on ZeroMQ out.

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
    (name === undefined ? around.stderr : around.stdout).write(overview());
    return name === undefined ? 2 : 0;
  }
  try {
    const wanted = name === '--version' ? 'version' : name;
    const command = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
    if (!command) throw unknownCommand(name);
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
