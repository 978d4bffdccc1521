// SPDX-License-Identifier: Apache-2.0
// The processes of a demonstration.
import { Child } from '../processes/child.js';

/** The children of this demo: none outlives it, also when it is interrupted while it starts them. */
export class Troupe {
  readonly #children: Child[] = [];
  #closed = false;

  launch(name: string, script: string, args: readonly string[]): Child {
    if (this.#closed) throw new Error('interrupted');
    const child = new Child({ name, script, args });
    this.#children.push(child);
    return child;
  }

  close(): void {
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
