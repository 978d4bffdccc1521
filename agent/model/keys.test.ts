// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { isKey, parseKeyPair, parsePublicKeys, z85Encode } from './keys.js';

// The test vector of ZeroMQ RFC 32, and a key pair of RFC 26's format.
const hello = Uint8Array.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
const key = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';
const other = 'D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs';

t.test('bytes become Z85 as the RFC has it', async (t) => {
  t.equal(z85Encode(hello), 'HelloWorld');
  t.ok(isKey(key));
  for (const bad of [key.slice(1), `${key.slice(1)} `, `${key.slice(1)}"`, 5, undefined]) t.notOk(isKey(bad));
});

t.test('the list of clients is read line by line, and every wrong line is named', async (t) => {
  const good = parsePublicKeys(`# consoles\n\ncommand ${key} console 1\n  observe ${other} watch\n`);
  t.same(good, {
    keys: [
      { role: 'command', key, name: 'console 1' },
      { role: 'observe', key: other, name: 'watch' },
    ],
    problems: [],
  });
  const { problems } = parsePublicKeys(
    `admin ${key} a\ncommand short b\ncommand ${key} c\nobserve ${key} d\n`,
  );
  t.match(problems, [
    /line 1: expected server, command, observe, got "admin"/,
    /line 2: expected a public key of 40 characters after command, got "short"/,
    /line 4: expected each key once, got that of d again/,
  ]);
});

t.test('a key file that is none is refused without telling what it holds', async (t) => {
  const pair = { name: 'a', role: 'command', publicKey: key, secretKey: other };
  t.same(parseKeyPair(JSON.stringify(pair)), pair);
  for (const wrong of [other, '{}', 'null', JSON.stringify({ ...pair, role: 'x' })]) {
    const { problem } = parseKeyPair(wrong) as { problem: string };
    t.match(problem, /^expected /);
    t.notOk(problem.includes(other));
  }
});
