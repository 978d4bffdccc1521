// SPDX-License-Identifier: Apache-2.0
// Who is not listed gets nothing and changes nothing; who observes does not command. A real agent with CURVE.
import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Packr, Unpackr } from 'msgpackr';
import t, { type Test } from 'tap';
import { Context, curveKeyPair, Dealer, Subscriber } from 'zeromq';
import { type Agent, deadlineMs, Rig } from './rig.js';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

interface Keys {
  readonly publicKey: string;
  readonly secretKey: string;
}

interface Secured {
  readonly rig: Rig;
  readonly agent: Agent;
  readonly query: string;
  readonly server: Keys;
  readonly commander: Keys;
  readonly observer: Keys;
  readonly clients: string;
}

/** An agent that takes one key of each role, on 127.0.0.1 so that the test reaches it. */
async function secured(t: Test): Promise<Secured> {
  const rig = new Rig(t);
  const [server, commander, observer] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const serverKey = join(rig.directory, 'server.key');
  const clients = join(rig.directory, 'clients');
  writeFileSync(serverKey, JSON.stringify({ name: 'agent', role: 'server', ...server }), { mode: 0o600 });
  const list = `command ${commander.publicKey} console\nobserve ${observer.publicKey} screen\n`;
  writeFileSync(clients, list, { mode: 0o644 });
  const agent = await rig.agent({ data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' }, (profile) => ({
    ...profile,
    publish: { ...(profile.publish as object), query: 'tcp://127.0.0.1:0' },
    security: { serverKey, clients },
  }));
  const ready = await agent.process.event('ready', (line) => line.event === 'ready', deadlineMs);
  return { rig, agent, query: ready.query as string, server, commander, observer, clients };
}

const curve = (server: Keys, own: Keys) => ({
  curveServerKey: server.publicKey,
  curvePublicKey: own.publicKey,
  curveSecretKey: own.secretKey,
});

type Peer =
  | ReturnType<typeof curve>
  | { plainUsername: string; plainPassword: string }
  | Record<string, never>;

function dealer(t: Test, address: string, peer: Peer): Dealer {
  const socket = new Dealer({
    context: new Context({ blocky: false }),
    linger: 0,
    receiveTimeout: deadlineMs,
    ...peer,
  });
  socket.connect(address);
  t.teardown(() => socket.close());
  return socket;
}

/** Nothing but its key is in the way of a command with these. */
function fresh(): { issued: number; expires: number } {
  const issued = Date.now() / 1000;
  return { issued, expires: issued + 60 };
}

async function ask(socket: Dealer, verb: string, extra: Readonly<Record<string, unknown>> = {}) {
  const id = `${verb}-${Math.random()}`;
  await socket.send(packr.pack({ v: 1, id, verb, ...fresh(), ...extra }));
  for (;;) {
    const [frame] = await socket.receive();
    const reply = unpackr.unpack(frame ?? Buffer.alloc(0)) as { ack: number; error?: string; result?: never };
    if (reply.ack !== 300 && reply.ack !== 301) return reply;
  }
}

function subscriber(t: Test, address: string, peer: Peer): Subscriber {
  const socket = new Subscriber({ context: new Context({ blocky: false }), linger: 0, ...peer });
  socket.connect(address);
  socket.subscribe();
  t.teardown(() => socket.close());
  return socket;
}

interface Stats {
  readonly connections: {
    readonly endpoints: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly keys: Readonly<Record<string, number>>;
  };
  readonly commands: Readonly<Record<string, number>>;
}

t.test(
  'an unlisted key, a wrong server key, NULL and PLAIN receive nothing and command nothing',
  async (t) => {
    const { agent, query, server, commander } = await secured(t);
    const console = dealer(t, agent.control, curve(server, commander));
    const stats = async () => (await ask(console, 'stats')).result as unknown as Stats;
    await stats();
    const peers: Readonly<Record<string, Peer>> = {
      'an unlisted key': curve(server, curveKeyPair()),
      'a wrong server key': curve(curveKeyPair(), commander),
      'no key (NULL)': {},
      'a password (PLAIN)': { plainUsername: 'admin', plainPassword: 'admin' },
    };
    const heard: string[] = [];
    for (const [name, peer] of Object.entries(peers)) {
      for (const address of [agent.control, query]) {
        const socket = dealer(t, address, peer);
        await socket.send(packr.pack({ v: 1, id: name, verb: 'disable', ...fresh() }));
        socket.receive().then(
          () => heard.push(`${name} at control`),
          () => undefined,
        );
      }
      const socket = subscriber(t, agent.data, peer);
      socket.receive().then(
        () => heard.push(`${name} at data`),
        () => undefined,
      );
    }
    // Each of them is turned away on each endpoint, while the heart beats.
    const turnedAway = (s: Stats) =>
      Object.values(s.connections.endpoints).map(
        (e) => (e.failed_protocol ?? 0) + (e.failed_auth ?? 0) + (e.failed_other ?? 0),
      );
    const listener = subscriber(t, agent.data, curve(server, commander));
    let beats = 0;
    for (let now = await stats(); beats < 3 || turnedAway(now).some((n) => n < 4); now = await stats()) {
      const [topic] = await listener.receive();
      if (String(topic).startsWith('heartbeat/')) beats++;
    }
    const { connections, commands } = await stats();
    t.same(heard, []);
    t.ok(
      (connections.keys.unknown_key ?? 0) >= 3,
      `unknown keys are counted: ${JSON.stringify(connections.keys)}`,
    );
    t.equal(
      commands.received,
      (commands.complete ?? 0) + 1,
      'only the console was heard, and is being answered',
    );
    t.match((await ask(console, 'snapshot')).result, { summary_state: 'ENABLED' });
  },
);

t.test(
  'an observer subscribes and asks, and does not command; a list that changes is taken over',
  async (t) => {
    const { agent, query, server, commander, observer, clients } = await secured(t);
    const screen = dealer(t, query, curve(server, observer));
    t.match(await ask(screen, 'snapshot'), { ack: 303, result: { summary_state: 'ENABLED' } });
    t.match(await ask(screen, 'disable'), { ack: -300, error: /takes snapshot, stats, status only/ });
    const [topic] = await subscriber(t, agent.data, curve(server, observer)).receive();
    t.ok(String(topic).length > 0, 'and hears what is published');
    const refused = dealer(t, agent.control, curve(server, observer));
    await refused.send(packr.pack({ v: 1, id: 'o', verb: 'disable', ...fresh() }));

    const console = dealer(t, agent.control, curve(server, commander));
    for (;;) {
      const { connections } = (await ask(console, 'stats')).result as unknown as Stats;
      if ((connections.keys.wrong_role ?? 0) > 0) break;
    }
    t.match((await ask(console, 'snapshot')).result, { summary_state: 'ENABLED' });
    t.match(await ask(console, 'disable', { expires: undefined }), { ack: -302, error: /expected expires/ });
    t.match(await ask(console, 'disable'), { ack: 303 });

    const late = curveKeyPair();
    appendFileSync(clients, `command ${late.publicKey} second console\n`);
    for (;;) {
      const { connections } = (await ask(console, 'stats')).result as unknown as Stats;
      if (connections.keys.listed === 3) break;
    }
    const newcomer = dealer(t, agent.control, curve(server, late));
    t.match(await ask(newcomer, 'enable'), { ack: 303 }, 'a key that is added works without a restart');
  },
);

t.test('the network without keys, loose key files and ipc names without a file are refused', async (t) => {
  const rig = new Rig(t);
  const run = (edit: (p: Record<string, unknown>) => Record<string, unknown>) =>
    rig.agent({}, edit).then(
      () => 'started',
      (error: Error) => error.message,
    );
  const open = await run((p) => ({
    ...p,
    publish: { ...(p.publish as object), control: 'tcp://0.0.0.0:0' },
  }));
  t.match(
    open,
    /ended with code 2.*publish\.control: expected a loopback address \(or keys in security\.serverKey/s,
  );
  const serverKey = join(rig.directory, 'server.key');
  const clients = join(rig.directory, 'clients');
  writeFileSync(serverKey, JSON.stringify({ name: 'a', role: 'server', ...curveKeyPair() }), { mode: 0o600 });
  writeFileSync(clients, '', { mode: 0o644 });
  chmodSync(serverKey, 0o640);
  const security = { serverKey, clients };
  t.match(await run((p) => ({ ...p, security })), /security\.serverKey: .*chmod 600 .*got mode 0640/);
  chmodSync(serverKey, 0o600);
  chmodSync(clients, 0o666);
  t.match(
    await run((p) => ({ ...p, security })),
    /security\.clients: .*only its owner writes .*got mode 0666/,
  );
  t.match(
    await run((p) => ({ ...p, publish: { ...(p.publish as object), control: 'ipc://@name' } })),
    /publish\.control: expected ipc:\/\/ with the absolute path of a file/,
  );
});

t.test(
  'an ipc endpoint is open to who may write its file, and is not taken from a running agent',
  async (t) => {
    const rig = new Rig(t);
    const directory = join(rig.directory, 'run');
    mkdirSync(directory);
    const control = `ipc://${join(directory, 'control')}`;
    const agent = await rig.agent({ control });
    t.equal(statSync(join(directory, 'control')).mode & 0o777, 0o600);
    t.match(await rig.control(control).request('snapshot'), { summary_state: 'ENABLED' });
    const second = await rig.agent({ control }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    t.match(
      second,
      /ended with code 1.*publish\.control: ipc:.* is in use by another process: stop it, or give/s,
    );
    t.match(
      await rig.control(control).request('snapshot'),
      { summary_state: 'ENABLED' },
      'the first goes on',
    );
    agent.process.kill('SIGKILL');
    await agent.process.exited;
    const third = await rig.agent({ control });
    t.match(
      await rig.control(control).request('snapshot'),
      {},
      'the file of an agent that was killed is no obstacle',
    );
    const raw = connect({ path: join(directory, 'control') });
    raw.on('error', () => undefined);
    t.teardown(() => raw.destroy());
    t.ok(third.process.running);
  },
);

t.test('the client in Python commands with its key, and not without', async (t) => {
  const { rig, agent, server, commander } = await secured(t);
  const key = join(rig.directory, 'console.key');
  const serverPublic = join(rig.directory, 'server.pub');
  writeFileSync(key, JSON.stringify({ name: 'console', role: 'command', ...commander }), { mode: 0o600 });
  writeFileSync(serverPublic, `server ${server.publicKey} agent\n`);
  const client = (...args: readonly string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const all = [agent.control, 'disable', ...args];
      execFile('scripts/clients/command.py', all, { timeout: deadlineMs }, (error, out) =>
        resolve({ code: error === null ? 0 : 1, out }),
      );
    });
  t.match(await client(), { code: 1, out: '' });
  const done = await client('--key', key, '--server-key', serverPublic);
  t.equal(done.code, 0);
  t.match(JSON.parse(done.out), { ack: 303, result: { summary_state: 'DISABLED' } });
});
