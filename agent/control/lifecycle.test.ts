// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AgentError } from '../model/errors.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { type SummaryState, summaryStateNumber } from '../model/summary-state.js';
import { Lifecycle, type StartState } from './lifecycle.js';
import { stateProblem, type VerbName, type VerbRule, verbTable } from './states.js';

const states = Object.keys(summaryStateNumber) as SummaryState[];

function bench() {
  const told: string[] = [];
  const link = { open: false, refuse: null as AgentError | null, close: async () => {} };
  const lifecycle = new Lifecycle({
    sink: {
      publish: (message: AgentMessage) => {
        if (message.kind !== 'state') return;
        if (message.event === 'summaryState') told.push(message.summaryState);
        else if (message.event === 'errorCode') told.push(`error ${message.errorCode}`);
        else told.push(message.event);
      },
    },
    log: logTo(() => {}),
    openLink: () => {
      if (link.refuse) throw link.refuse;
      link.open = true;
    },
    closeLink: async () => {
      await link.close();
      link.open = false;
    },
    configurationApplied: () => ({
      event: 'configurationApplied',
      configurations: 'p.yaml',
      version: '1',
      url: '',
      schemaVersion: 'v1',
      otherInfo: '',
    }),
    exit: () => told.push('exit'),
  });
  return { lifecycle, told, link };
}

t.test('the lifecycle is SAL’s: six commands, each from its states to its state', async (t) => {
  const transitions = Object.entries<VerbRule>(verbTable).flatMap(([verb, { from, to }]) =>
    to ? from.map((state) => `${state} ${verb} ${to}`) : [],
  );
  t.same(transitions, [
    'STANDBY start DISABLED',
    'DISABLED enable ENABLED',
    'ENABLED disable DISABLED',
    'DISABLED standby STANDBY',
    'FAULT standby STANDBY',
    'STANDBY exitControl OFFLINE',
  ]);
});

t.test('a verb outside its states is refused with the way to them', async (t) => {
  for (const [verb, rule] of Object.entries<VerbRule>(verbTable)) {
    for (const state of states) {
      const problem = stateProblem(verb as VerbName, state);
      t.equal(problem === null, rule.from.includes(state), `${verb} in ${state}: ${problem}`);
    }
  }
  t.equal(
    stateProblem('pause', 'FAULT'),
    'pause: expected state ENABLED, the agent is in FAULT; send standby, start, enable first',
  );
  t.equal(
    stateProblem('enable', 'STANDBY'),
    'enable: expected state DISABLED, the agent is in STANDBY; send start first',
  );
  t.match(stateProblem('start', 'OFFLINE'), /the agent is in OFFLINE$/, 'nothing leads out of OFFLINE');
});

t.test('an unattended agent goes to its start state by itself', async (t) => {
  const expected: Record<StartState, readonly string[]> = {
    STANDBY: ['STANDBY'],
    DISABLED: ['STANDBY', 'configurationApplied', 'DISABLED'],
    ENABLED: ['STANDBY', 'configurationApplied', 'DISABLED', 'ENABLED'],
  };
  for (const state of Object.keys(expected) as StartState[]) {
    const { lifecycle, told, link } = bench();
    await lifecycle.begin(state);
    t.same(told, expected[state], state);
    t.equal(link.open, state !== 'STANDBY');
  }
});

t.test('through all states and out', async (t) => {
  const { lifecycle, told, link } = bench();
  await lifecycle.begin('STANDBY');
  const verbs = lifecycle.verbs();
  t.same(await verbs.start({ configurationOverride: '' }), { summary_state: 'DISABLED' });
  t.ok(link.open);
  await verbs.enable({});
  await verbs.disable({});
  await verbs.standby({});
  t.notOk(link.open);
  await verbs.exitControl({});
  t.equal(told.at(-1), 'OFFLINE');
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(told.at(-1), 'exit', 'after the reply could leave');
  await lifecycle.end();
  t.equal(told.filter((event) => event === 'OFFLINE').length, 1, 'OFFLINE is told once');
});

t.test('a link that does not open leaves the agent in STANDBY', async (t) => {
  const { lifecycle, link } = bench();
  await lifecycle.begin('STANDBY');
  link.refuse = new AgentError('daq_resource', 'wire: port 5580 is in use');
  await t.rejects(lifecycle.verbs().start({}), { code: 'daq_resource' });
  t.equal(lifecycle.state, 'STANDBY');
  await t.rejects(lifecycle.verbs().start({ configurationOverride: 'other.yaml' }), {
    code: 'command',
    message: /expected no configurationOverride, got "other\.yaml"/,
  });
});

t.test('a fault tells its error before its state, once, and standby clears it', async (t) => {
  const { lifecycle, told, link } = bench();
  await lifecycle.begin('ENABLED');
  told.length = 0;
  lifecycle.fault('driver_failed', 'error -3');
  lifecycle.fault('link_stuck', 'again');
  t.same(told, ['error 1', 'FAULT']);
  await lifecycle.verbs().standby({});
  t.same(told, ['error 1', 'FAULT', 'error 0', 'STANDBY']);
  t.notOk(link.open, 'the link was closed');
  lifecycle.fault('driver_failed', 'late');
  t.equal(lifecycle.state, 'STANDBY', 'without a link there is nothing to fail');
});

t.test('what the link says while it is being closed is no fault', async (t) => {
  const { lifecycle, link } = bench();
  await lifecycle.begin('DISABLED');
  link.close = async () => lifecycle.fault('link_stuck', 'closing');
  await lifecycle.verbs().standby({});
  t.equal(lifecycle.state, 'STANDBY');
});

t.test('the end closes the link and says OFFLINE, from every state', async (t) => {
  for (const state of ['STANDBY', 'DISABLED', 'ENABLED'] as const) {
    const { lifecycle, told, link } = bench();
    await lifecycle.begin(state);
    await lifecycle.end();
    t.equal(told.at(-1), 'OFFLINE');
    t.notOk(link.open);
  }
});
