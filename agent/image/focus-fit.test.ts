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

t.test('its error says how far off noise puts it', async (t) => {
  const pulls: number[] = [];
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(random() + 1e-9)) * Math.cos(2 * Math.PI * random());
  for (let i = 0; i < 300; i++) {
    const fit = fitFocus([-0.2, -0.1, 0, 0.1, 0.2].map((z) => at(z, 0.03 * normal())));
    if (fit !== null) pulls.push((fit.best_z_mm - 0.037) / fit.err);
  }
  const rms = Math.sqrt(pulls.reduce((sum, p) => sum + p ** 2, 0) / pulls.length);
  t.equal(pulls.length, 300);
  t.ok(rms > 0.4 && rms < 1.3, `rms of pulls ${rms}`);
});

t.test('without three positions or without a minimum there is no answer', async (t) => {
  t.equal(fitFocus([at(0), at(0.1)]), null);
  t.equal(fitFocus([at(0), at(0), at(0.1)]), null);
  t.equal(fitFocus([-1, 0, 1].map((z) => ({ z, fwhm: 10 - z ** 2, fwhmErr: 0.1 }))), null);
  t.match(fitFocus([0.2, 0.3, 0.4].map((z) => at(z))), { extrapolated: true });
});
