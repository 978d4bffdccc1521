// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { fitFocus } from './focus-fit.js';

const at = (z: number, noise = 0) => ({
  z,
  fwhm: Math.sqrt(11 ** 2 + 900 * (z - 0.037) ** 2) + noise,
  fwhmErr: 0.03,
});

t.test('the parabola of squared widths has its lowest place where the focus is', async (t) => {
  const fit = fitFocus([-0.2, -0.1, 0, 0.1, 0.2].map((z) => at(z)));
  t.ok(fit !== null && Math.abs(fit.best_z_mm - 0.037) < 1e-9, String(fit?.best_z_mm));
  t.ok(fit !== null && Math.abs(fit.fwhm_px - 11) < 1e-6);
  t.match(fit, { n: 5, extrapolated: false });
});

t.test('its error says how far off seeing between the frames puts it', async (t) => {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(random() + 1e-9)) * Math.cos(2 * Math.PI * random());
  const seriesOf = (positions: readonly number[], seeing: number) => {
    const off = Array.from({ length: 500 }, () => {
      const fit = fitFocus(
        positions.map((z) => {
          const fwhm = Math.hypot(10.5 * (1 + seeing * (2 * random() - 1)), 60 * z) + 0.03 * normal();
          return { z, fwhm, fwhmErr: 0.03 };
        }),
      );
      if (fit === null) throw new Error('no fit');
      return { um: Math.abs(1000 * fit.best_z_mm), pull: Math.abs(fit.best_z_mm / fit.err) };
    });
    const share = (is: (one: { um: number; pull: number }) => boolean) => off.filter(is).length / off.length;
    return { far: share(({ um }) => um > 10), doubtful: share(({ pull }) => pull > 3) };
  };
  const five = [-0.2, -0.1, 0, 0.1, 0.2];
  t.equal(seriesOf(five, 0).far, 0);
  for (const positions of [[-0.2, 0, 0.2], five, [...five, ...five]]) {
    const { far, doubtful } = seriesOf(positions, 0.095);
    t.ok(far < 0.16, `${far} farther off than 10 um, of ${positions.length} frames`);
    t.ok(doubtful < 0.03, `${doubtful} with pulls above 3, of ${positions.length} frames`);
  }
});

t.test('without three positions or without a minimum there is no answer', async (t) => {
  t.equal(fitFocus([at(0), at(0.1)]), null);
  t.equal(fitFocus([at(0), at(0), at(0.1)]), null);
  t.equal(fitFocus([-1, 0, 1].map((z) => ({ z, fwhm: 10 - z ** 2, fwhmErr: 0.1 }))), null);
  t.match(fitFocus([0.2, 0.3, 0.4].map((z) => at(z))), { extrapolated: true });
});
