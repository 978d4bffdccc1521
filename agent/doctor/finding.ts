// SPDX-License-Identifier: Apache-2.0
// What a check has to say, and what the agent needs of its machine.

export interface Finding {
  /** stable for programs: receive_buffer, tai_offset, ... */
  readonly check: string;
  /** serious: the agent will not work, or its results are worth less; warning: it will be slower or lose more */
  readonly severity: 'serious' | 'warning';
  /** what was expected and found */
  readonly found: string;
  readonly remedy: string;
}

export interface Port {
  readonly protocol: 'tcp' | 'udp';
  /** 127.0.0.1; 0.0.0.0 is every address */
  readonly host: string;
  readonly port: number;
  /** the profile's key */
  readonly key: string;
}

export interface Needs {
  readonly receiveBufferBytes: number;
  /** priority; null: the link thread is an ordinary one */
  readonly schedFifo: number | null;
  /** bytes to lock; null: none */
  readonly lockBytes: number | null;
  /** bytes on huge pages; null: none */
  readonly hugeBytes: number | null;
  readonly cpu: number | null;
  readonly devices: readonly string[];
  /** folders that grow */
  readonly folders: readonly string[];
  readonly ports: readonly Port[];
  /** of the DAQ network; null: not named */
  readonly interface: string | null;
}
