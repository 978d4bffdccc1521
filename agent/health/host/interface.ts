// SPDX-License-Identifier: Apache-2.0
// Which network interface carries the DAQ link.

import { networkInterfaces } from 'node:os';

/** `address`: the local address that stamps arrive on; `name`: an interface or its address, where one is given. */
export function interfaceOf(address: string | null, name: string | null): string | null {
  const all = networkInterfaces();
  if (name !== null && Object.hasOwn(all, name)) return name;
  for (const wanted of [name, address]) {
    const found = Object.entries(all).find(([, own]) => own?.some((one) => one.address === wanted));
    if (found) return found[0];
  }
  return null;
}
