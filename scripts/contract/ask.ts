// SPDX-License-Identifier: Apache-2.0
// Asks the simulated DAQ at HOST:PORT to do something wrong, from wherever this is run: another network namespace.
import { DaqClient } from '../campaign/daq-client.js';

const [address = '', what = '{}'] = process.argv.slice(2);
const daq = new DaqClient(address);
try {
  await daq.ask('disturb', JSON.parse(what) as Record<string, unknown>);
} finally {
  daq.close();
}
