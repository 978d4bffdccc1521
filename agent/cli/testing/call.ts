// SPDX-License-Identifier: Apache-2.0
// A sub-command in this process, and what it wrote.

import { Writable } from 'node:stream';
import { dispatch } from '../dispatch.js';

export class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export async function call(...argv: readonly string[]) {
  const stdout = new Text();
  const stderr = new Text();
  const code = await dispatch(argv, { stdout, stderr, stop: new AbortController().signal });
  return { code, out: stdout.text, err: stderr.text };
}
