// SPDX-License-Identifier: Apache-2.0
// Files of ipc endpoints.

/** What a socket is called while its agent takes no new connections. */
export function heldName(path: string): string {
  return `${path}.held`;
}
