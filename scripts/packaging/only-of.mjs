// SPDX-License-Identifier: Apache-2.0
// Production packages that are there for NAME only, NAME included: node scripts/packaging/only-of.mjs NAME
import { readFileSync } from 'node:fs';

const [, , name] = process.argv;
const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));

/** Where a package finds another one: the nearest node_modules. */
function placeOf(wanted, from) {
  for (let at = from; ; at = at.slice(0, at.lastIndexOf('/node_modules/'))) {
    const place = at === '' ? `node_modules/${wanted}` : `${at}/node_modules/${wanted}`;
    if (packages[place]) return place;
    if (!at.includes('/node_modules/'))
      return packages[`node_modules/${wanted}`] ? `node_modules/${wanted}` : null;
  }
}

/** Everything production needs, unless it is reached through `without` alone. */
function reached(without) {
  const seen = new Set();
  const visit = (place) => {
    const { dependencies, optionalDependencies } = packages[place];
    for (const wanted of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = wanted === without ? null : placeOf(wanted, place);
      if (found === null || seen.has(found)) continue;
      seen.add(found);
      visit(found);
    }
  };
  visit('');
  return seen;
}

const others = reached(name);
for (const place of reached(null)) if (!others.has(place)) console.log(place);
