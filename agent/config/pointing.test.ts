// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { stringify } from 'yaml';
import { parseProfile } from './load.js';

function load(pointing: unknown) {
  const profile = {
    agent: { name: 'bench', role: 'guider' },
    daq: { driver: 'wire' },
    guider: { sensors: ['R00_SG0'], pointing },
  };
  return parseProfile(stringify(profile), '/nowhere/p.yaml').guider.pointing;
}

t.test('a profile may say where the telescope points', async (t) => {
  t.equal(load(null), null);
  const pointing = load({ altDeg: 70, azDeg: 180, rotatorDeg: -90 });
  t.ok(pointing && Math.abs(pointing.cameraRotationDeg) < 1e-9);
  t.equal(load({ altDeg: 30, azDeg: 10, cameraRotationDeg: 12 })?.cameraRotationDeg, 12);
});

t.test('what is wrong with a pointing is told by its key', async (t) => {
  t.throws(() => load({ altDeg: 70, azDeg: 180 }), {
    message: /guider\.pointing: expected rotatorDeg or cameraRotationDeg, got neither/,
  });
  t.throws(() => load({ altDeg: 99, azDeg: 0, rotatorDeg: 0 }), { message: /guider\.pointing\.altDeg/ });
  t.throws(() => load({ altitude: 70, azDeg: 0, rotatorDeg: 0 }), {
    message: /guider\.pointing\.altDeg: expected degrees, got nothing/,
  });
});
