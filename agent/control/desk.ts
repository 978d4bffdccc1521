// SPDX-License-Identifier: Apache-2.0
// Where requests are decided: who may ask, in which state, until when, how often. Commands are run one after the
// other; each gets exactly one final reply, also when the agent stops meanwhile.

import { AgentError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { nearest } from '../model/nearest.js';
import type { SummaryState } from '../model/summary-state.js';
import { CommandMemory, digestOf, type FinalReply, keyOf, type RememberedCommand } from './memory.js';
import { ack, type ControlRequest } from './requests.js';
import {
  argsProblem,
  type Role,
  ruleOf,
  stateProblem,
  type VerbName,
  type VerbRule,
  verbTable,
} from './states.js';
import type { Verb, Verbs } from './verbs.js';

/** Where a request came in. */
export interface Caller {
  /** what this endpoint permits */
  readonly role: Role;
  /** commands must say when they were made and when they expire, and have an id that counts beyond the connection */
  readonly strict: boolean;
  /** tells connections of the agent apart */
  readonly connection: string;
}

export interface DeskDeps {
  readonly verbs: Verbs;
  readonly state: () => SummaryState;
  readonly monotonicNs: () => bigint;
  readonly taiNs: () => bigint;
  /** Unix time, s */
  readonly utcS: () => number;
  /** s since the agent started */
  readonly uptimeS: () => number;
  readonly log: Log;
}

export type Reply = Omit<FinalReply, 'ack'> & { readonly ack: number };

/** Commands are remembered this long, and none may expire later than that. */
const windowS = 600;
const capacity = 10_000;
/** s that the clock of a client may be ahead of ours: less than a restart takes, or a command could be done twice */
const clockSlackS = 0.1;
const mostWaiting = 32;
/** A command that is not done by then gets an INPROGRESS. */
const announceMs = 250;

interface Job {
  readonly request: ControlRequest;
  readonly verb: VerbName;
  readonly act: Verb;
  readonly rule: VerbRule;
  readonly reply: (reply: Reply) => void;
  readonly arrivedNs: bigint;
  memory: RememberedCommand | null;
  announcing?: NodeJS.Timeout;
  done: boolean;
}

/** A bug in a verb is a bug of the agent: it must not pass for a refusal. */
function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

export class CommandDesk {
  readonly #deps: DeskDeps;
  readonly #memory = new CommandMemory(windowS, capacity);
  readonly #queue: Job[] = [];
  readonly #open = new Set<Job>();
  #running = false;
  #stopping = false;
  #counts = { received: 0, complete: 0, refused: 0, repeated: 0, expired: 0, not_permitted: 0, malformed: 0 };

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, remembered: this.#memory.size, waiting: this.#queue.length };
  }

  /** Something came that is no request. */
  onMalformed(): void {
    this.#counts.malformed++;
  }

  /** Takes a well-formed request; `reply` is called for the acknowledgement and exactly once with a final ack. */
  take(request: ControlRequest, caller: Caller, reply: (reply: Reply) => void): void {
    this.#counts.received++;
    reply({ ack: ack.received });
    const { verb } = request;
    const rule = ruleOf(verb);
    if (!rule) {
      this.#refuse(request, reply, { ack: ack.failed, code: 'command', error: this.#unknown(verb) });
      return;
    }
    const name = verb as VerbName;
    const arrivedNs = this.#deps.monotonicNs();
    const act = this.#deps.verbs[name];
    const job: Job = { request, verb: name, act, rule, reply, arrivedNs, memory: null, done: false };
    if (rule.role === 'observe') {
      this.#accept(job);
      this.#run(job).catch(throwLater);
      return;
    }
    const problem = this.#callerProblem(request, caller);
    if (problem) this.#refuse(request, reply, problem);
    else if (!this.#isRepeated(job, caller)) this.#enqueue(job, caller);
  }

  /** No command begins any more; those that wait or run are ABORTED. */
  stop(): void {
    this.#stopping = true;
    this.#queue.length = 0;
    for (const job of [...this.#open]) {
      const error = `${job.verb}: the agent is stopping`;
      this.#finish(job, { ack: ack.aborted, code: 'aborted', error });
    }
  }

  #callerProblem(request: ControlRequest, caller: Caller): FinalReply | null {
    const { id, who, verb, expiry, issued } = request;
    if (caller.role !== 'command') {
      const all = Object.entries<VerbRule>(verbTable).filter(([, rule]) => rule.role === 'observe');
      const may = all.map(([name]) => name).join(', ');
      const error = `${verb}: this endpoint takes ${may} only; commands go to publish.control, with a command key`;
      return { ack: ack.notPermitted, code: 'not_permitted', error };
    }
    const before = this.#issueProblem(request);
    if (before || !caller.strict) return before;
    if (expiry === null || expiry.scale === 'ttl') {
      const error = `${verb}: expected expires (Unix time, s) or expires_tai_ns; over the network a command without it could be replayed`;
      return { ack: ack.failed, code: 'command', error };
    }
    if (issued === null) {
      const error = `${verb}: expected issued (Unix time, s, at which the command was made); over the network a command without it could be replayed after a restart of the agent`;
      return { ack: ack.failed, code: 'command', error };
    }
    if (typeof id !== 'string' && who === '') {
      const error = `${verb}: expected an id of text (a UUID), or who beside a number; over the network a number alone could be replayed`;
      return { ack: ack.failed, code: 'command', error };
    }
    return null;
  }

  /** Answers a command that came before from memory. */
  #isRepeated(job: Job, caller: Caller): boolean {
    const { request, reply } = job;
    const known = this.#memory.find(keyOf(request, caller.connection), job.arrivedNs);
    if (!known) return false;
    if (known.digest !== digestOf(request)) {
      const error = `${job.verb}: id ${request.id} was used for another command (${known.verb}); each command needs an id of its own`;
      this.#refuse(request, reply, { ack: ack.failed, code: 'command', error });
      return true;
    }
    this.#counts.repeated++;
    const again = (final: FinalReply) => reply({ ...final, repeated: true });
    if (known.final) again(known.final);
    else known.waiting.push(again);
    return true;
  }

  #enqueue(job: Job, caller: Caller): void {
    if (this.#queue.length >= mostWaiting || this.#stopping) {
      // Not remembered: it may come again.
      const error = this.#stopping
        ? `${job.verb}: the agent is stopping`
        : `${job.verb}: ${mostWaiting} commands are waiting; send it again later`;
      this.#refuse(job.request, job.reply, { ack: ack.failed, code: 'busy', error });
      return;
    }
    job.memory = this.#memory.remember(keyOf(job.request, caller.connection), job.request, job.arrivedNs);
    this.#accept(job);
    this.#queue.push(job);
    if (!this.#running) this.#next();
  }

  /** From here on the job owes a final reply; one that takes a while is announced. */
  #accept(job: Job): void {
    this.#open.add(job);
    const { reply, rule } = job;
    job.announcing = setTimeout(() => reply({ ack: ack.inProgress, timeout: rule.timeoutS }), announceMs);
  }

  #next(): void {
    const job = this.#queue.shift();
    this.#running = job !== undefined;
    if (!job) return;
    this.#run(job).then(() => this.#next(), throwLater);
  }

  async #run(job: Job): Promise<void> {
    const { request, verb, rule, act } = job;
    const unknown = argsProblem(verb, request.args);
    const problem = stateProblem(verb, this.#deps.state());
    const late = this.#expiryProblem(job);
    if (late) {
      this.#counts.expired++;
      this.#finish(job, { ack: ack.failed, code: 'expired', error: late });
      return;
    }
    if (problem) {
      this.#finish(job, { ack: ack.failed, code: 'state', error: problem });
      return;
    }
    if (unknown) {
      this.#finish(job, { ack: ack.failed, code: 'command', error: unknown });
      return;
    }
    const timer = setTimeout(() => this.#onTimeout(job), rule.timeoutS * 1000);
    try {
      const result = await act(request.args);
      this.#finish(job, { ack: ack.complete, result });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#finish(job, { ack: ack.failed, code: error.code, error: error.message });
    } finally {
      clearTimeout(timer);
    }
  }

  #onTimeout(job: Job): void {
    const error = `${job.verb}: not done within ${job.rule.timeoutS} s; it may still take effect`;
    this.#finish(job, { ack: ack.timedOut, code: 'timeout', error });
  }

  /** The one final reply, to the one who asked and to those who asked the same. */
  #finish(job: Job, final: FinalReply): void {
    if (job.done) return;
    job.done = true;
    clearTimeout(job.announcing);
    this.#open.delete(job);
    job.reply(final);
    if (final.ack === ack.complete) this.#counts.complete++;
    else this.#counts.refused++;
    const { memory } = job;
    if (memory) {
      memory.final = final;
      for (const tell of memory.waiting.splice(0)) tell(final);
    }
    if (job.rule.role === 'command' || final.ack !== ack.complete) this.#logFinal(job.request, final);
  }

  #refuse(request: ControlRequest, reply: (reply: Reply) => void, final: FinalReply): void {
    this.#counts.refused++;
    if (final.ack === ack.notPermitted) this.#counts.not_permitted++;
    reply(final);
    this.#logFinal(request, final);
  }

  #logFinal({ id, verb, who }: ControlRequest, final: FinalReply): void {
    const fields = { event: 'command', verb, id, ...(who === '' ? {} : { who }), ack: final.ack };
    if (final.ack === ack.complete) this.#deps.log.info('command done', fields);
    else this.#deps.log.warning(`command refused: ${final.error}`, { ...fields, code: final.code });
  }

  /** What was made before the agent started may have been done by the one before it, whose memory is gone. */
  #issueProblem({ verb, issued }: ControlRequest): FinalReply | null {
    if (issued === null) return null;
    const ageS = this.#deps.utcS() - issued;
    const beforeS = ageS - this.#deps.uptimeS();
    if (beforeS > 0) {
      this.#counts.expired++;
      const error = `${verb}: issued ${beforeS.toFixed(3)} s before this agent started, and perhaps done by the one before it; nothing was done now`;
      return { ack: ack.failed, code: 'expired', error };
    }
    if (ageS >= -clockSlackS) return null;
    const error = `${verb}: expected issued to be a time that has been, got one ${(-ageS).toFixed(3)} s ahead; compare the clocks`;
    return { ack: ack.failed, code: 'command', error };
  }

  #expiryProblem({ request: { verb, expiry }, arrivedNs }: Job): string | null {
    if (expiry === null) return null;
    const leftS =
      expiry.scale === 'utc'
        ? expiry.seconds - this.#deps.utcS()
        : expiry.scale === 'tai'
          ? Number(expiry.ns - this.#deps.taiNs()) / 1e9
          : expiry.seconds - Number(this.#deps.monotonicNs() - arrivedNs) / 1e9;
    if (leftS < 0) return `${verb}: expired ${(-leftS).toFixed(3)} s ago; nothing was done`;
    if (leftS > windowS && expiry.scale !== 'ttl') {
      return `${verb}: expected to expire within ${windowS} s, got ${leftS.toFixed(0)} s; compare the clocks`;
    }
    return null;
  }

  #unknown(verb: string): string {
    const known = Object.keys(verbTable);
    const near = nearest(verb, known);
    const hint = near === null ? '' : `; did you mean ${near}?`;
    return `verb: expected one of ${known.join(', ')}, got ${verb}${hint}`;
  }
}
