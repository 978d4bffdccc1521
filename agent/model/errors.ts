// SPDX-License-Identifier: Apache-2.0
// Refusals: what an operator or a client did, expected, and got. Bugs are not AgentErrors.

export type AgentErrorCode =
  | 'usage'
  | 'profile'
  | 'roi'
  | 'daq_config'
  | 'daq_resource'
  | 'daq_unreachable'
  | 'daq_unsupported'
  | 'daq_state'
  | 'port_busy'
  | 'publish'
  | 'command'
  | 'state'
  | 'security'
  | 'image'
  | 'butler'
  | 'butler_busy'
  | 'butler_conflict'
  | 'butler_metadata';

/** An expected refusal: `code` is stable for programs, `message` a sentence for people, `problems` its parts. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  readonly problems: readonly string[];

  constructor(
    code: AgentErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly problems?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AgentError';
    this.code = code;
    this.problems = options.problems ?? [message];
  }
}

/** What nobody wrote by hand can be wrong in thousands of ways: more are counted only. */
const mostTold = 100;

/** One error that says everything that is wrong, one problem a line under a heading. */
export function refuseAll(code: AgentErrorCode, heading: string, problems: readonly string[]): AgentError {
  const lines = problems.slice(0, mostTold);
  if (problems.length > mostTold) lines.push(`and ${problems.length - mostTold} more`);
  const message =
    problems.length === 1
      ? `${heading}: ${problems[0]}`
      : `${heading}: ${problems.length} problems\n${lines.map((p) => `  ${p}`).join('\n')}`;
  return new AgentError(code, message, { problems });
}

/** The sentence of anything thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
