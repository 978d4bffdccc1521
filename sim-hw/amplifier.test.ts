// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parseRoiSpec } from '../agent/model/roi.js';
import { drawAmplifier, fixedOf } from './amplifier.js';
import { parseSimOptions } from './options.js';
import { SimSensor } from './sensors.js';
import { roiSpec } from './testing/bench.js';

t.test('whoever knows the seed knows the amplifiers, as a profile knows those of a camera', async (t) => {
  const options = parseSimOptions(['--seed', '5']);
  if (options === null) throw new Error('help instead of options');
  const spec = parseRoiSpec(roiSpec(50, 50, 'R00SG0', 'R44SG1'));
  const gains = spec.locations.map((roi) => {
    const { gain, readNoiseE } = new SimSensor(options, spec, roi, 3);
    const drawn = drawAmplifier(fixedOf(5, roi.sensor.detectorName));
    t.same({ gain, readNoiseE }, { gain: drawn.gain, readNoiseE: drawn.gain * drawn.readNoise });
    return gain;
  });
  t.not(gains[0], gains[1]);
});
