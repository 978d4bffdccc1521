// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { heldName } from '../model/ipc.js';
import { FileDoor } from './file-door.js';

const folder = mkdtempSync(join(tmpdir(), 'file-door-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** What the system says. */
async function attempt(path: string): Promise<string> {
  const socket = connect({ path });
  const said = await once(socket, 'connect').then(
    () => 'connected',
    (error: NodeJS.ErrnoException) => error.code ?? '',
  );
  socket.destroy();
  return said;
}

t.test('nobody comes in while it is held, and who is in stays', async (t) => {
  const path = join(folder, 'one');
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const door = new FileDoor(path);
  const inside = connect({ path });
  t.teardown(() => inside.destroy());
  await once(inside, 'connect');
  door.hold(true);
  door.hold(true);
  t.equal(await attempt(path), 'ENOENT');
  inside.write('still here');
  t.equal(String((await once(inside, 'data'))[0]), 'still here');
  door.hold(false);
  t.equal(await attempt(path), 'connected');
  t.notOk(existsSync(heldName(path)));
});

t.test('an agent that ends while it is held leaves nothing', async (t) => {
  const path = join(folder, 'two');
  const server = createServer().listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const door = new FileDoor(path);
  door.hold(true);
  t.ok(existsSync(heldName(path)));
  door.close();
  t.notOk(existsSync(heldName(path)));
  door.hold(false);
  t.notOk(existsSync(path), 'who took it away need not be found again');
});
