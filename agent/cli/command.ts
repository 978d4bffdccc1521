// SPDX-License-Identifier: Apache-2.0
// What main.ts needs to know of a sub-command.

import type { OptionSpec, Options } from './options.js';

export interface Surroundings {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** aborted by the first SIGINT or SIGTERM */
  readonly stop: AbortSignal;
}

export interface Command {
  /** one line in the list of commands */
  readonly summary: string;
  readonly help: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** resolves to the exit code */
  run(options: Options, around: Surroundings): Promise<number>;
}
