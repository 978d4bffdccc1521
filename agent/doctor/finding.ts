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

/** A folder that grows. */
export interface Folder {
  readonly path: string;
  /** the profile's key; null: the service's own, which systemd makes for the agent's user */
  readonly key: string | null;
}

export interface Needs {
  readonly receiveBufferBytes: number;
  /** priority; null: the link thread is an ordinary one */
  readonly schedFifo: number | null;
  /** bytes to lock; null: none */
  readonly lockBytes: number | null;
  /** bytes on huge pages; null: none */
  readonly hugeBytes: number | null;
  /** bytes for full frames beside the frame pool; 0: none */
  readonly imageBytes: number;
  /** full frames lie on transparent huge pages */
  readonly imageHugePages: boolean;
  /** those that link threads are pinned to, one for each that is */
  readonly cpus: readonly number[];
  readonly devices: readonly string[];
  readonly folders: readonly Folder[];
  /** the profile's file; null: none was given */
  readonly profile: string | null;
  readonly ports: readonly Port[];
  /** of the DAQ network, where they are named */
  readonly interfaces: readonly string[];
}
