import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { conditions, isTrue, readiness, timestamp } from './conditions.js';
import { HostView } from './host/view.js';
import { Patience } from './patience.js';
import { act, gate, type Performer, type Plan, refuse, sayThenAct, wait } from './plan.js';
import { type Findings, type Kind, type Outcome, reconcile } from './reconcile.js';
import { standing } from './standing.js';

type Action = { readonly kind: 'step' | 'slow'; readonly to: number };
type Status = { readonly said: string };
type Toy = { readonly status?: Status };
type Found = Findings<number, number, Action>;

/** A thing that is at a number and is to be at another: as much of a kind as the loop needs. */
function toy(plan: (at: number) => Plan<Action>, given: Partial<Kind<Toy, number, number, Action, Status>> = {}, deaf?: Error) {
  const log: string[] = [];
  const host = new FakeHost();
  const driver = fakeDriver(host);
  const signal = AbortSignal.timeout(20_000);
  let at = 0;
  const step: Performer<Action> = {
    needs: 'power',
    async run(_around, { to }) {
      log.push(`to ${to}`);
      at = to;
    },
  };
  const kind: Kind<Toy, number, number, Action, Status> = {
    performers: { step, slow: step },
    resolve: () => ({ kind: 'desired', desired: 0 }),
    looksAt: () => ({ machines: true }),
    observe: () => at,
    plan: (_desired, observed) => plan(observed),
    report: (_toy, { observed, plan: steps = [], failure, missing }: Found) => ({
      said:
        failure?.message ??
        missing?.join() ??
        `at ${observed}: ${steps.map((one) => (one.kind === 'act' ? one.action.to : one.reason)).join()}`,
    }),
    ...given,
  };
  const pass = () =>
    reconcile<Toy, number, number, Action, Status>(
      kind,
      {},
      {
        driver,
        view: new HostView(driver, () => {}, signal),
        clock: () => 0,
        signal,
        onAct: (_toy, _action, because) => log.push(`act ${because}`),
        publish: async (object, status, urgent) => {
          if (deaf !== undefined) throw deaf;
          log.push(`${urgent ? 'says now' : 'says'} "${status.said}"`);
          return { ...object, status };
        },
      },
    );
  return { log, pass, host };
}
const step = (to: number, kind: Action['kind'] = 'step') => act<Action>({ kind, to }, String(to));

t.test('a pass acts until nothing is left to do, and then says how things stand, once', async (t) => {
  const { log, pass } = toy((at) => (at < 3 ? [step(at + 1), step(99)] : []));
  t.same(await pass(), { kind: 'converged' });
  t.same(log, ['act 1', 'to 1', 'act 2', 'to 2', 'act 3', 'to 3', 'says "at 3: "']);
});

t.test('what must be remembered is said before the act', async (t) => {
  const { log, pass } = toy((at) => (at === 0 ? [sayThenAct<Action>({ kind: 'step', to: 1 }, '1')] : []));
  await pass();
  t.same(log, ['says now "at 0: 1"', 'act 1', 'to 1', 'says "at 1: "']);
});

t.test('an act that does not take is not repeated, and a pass has an end', async (t) => {
  const { log, pass } = toy(() => [step(1)]);
  t.match(await pass(), { kind: 'progressing', recheckMs: 5_000, because: /done, and the host does not show it/ });
  t.same(log, ['act 1', 'to 1', 'says "at 1: NotTaken"']);
  const endless = toy((at) => [step(at + 1)]);
  t.match(await endless.pass(), { kind: 'progressing', recheckMs: 0 });
  t.equal(endless.log.filter((line) => line.startsWith('to ')).length, 16);
});

t.test('a pass that takes longer than a second says so, once, and in its place', async (t) => {
  const slow: Performer<Action> = { needs: 'power', run: () => sleep(1_300) };
  const { log, pass } = toy((at) => (at === 0 ? [step(7, 'slow')] : []), { performers: { step: slow, slow } });
  await pass();
  t.same(log, ['act 7', 'says now "at 0: 7"', 'says "at 0: NotTaken"']);
});

t.test('failures of the host are reported, others are thrown, and each has its outcome', async (t) => {
  const failing = (reason: Error): Performer<Action> => ({ needs: 'power', run: () => Promise.reject(reason) });
  const outcomeOf = async (reason: Error) => {
    const performer = failing(reason);
    const { log, pass } = toy(() => [step(1)], { performers: { step: performer, slow: performer } });
    return [await pass(), log.at(-1)] as const;
  };
  const lost = new DriverError('Unavailable', 'lost');
  t.same(await outcomeOf(lost), [{ kind: 'retry', error: lost }, 'says "lost"']);
  t.same(await outcomeOf(new DriverError('Invalid', 'wrong')), [{ kind: 'stalled', because: 'wrong' }, 'says "wrong"']);
  await t.rejects(outcomeOf(new TypeError('a bug')), { message: 'a bug' });

  const unread = toy(() => []);
  unread.host.faults.fail('machines.list', lost);
  t.same(await unread.pass(), { kind: 'retry', error: lost });
  t.same(unread.log, ['says "lost"']);
  const missing = toy(() => [], { resolve: () => ({ kind: 'missing', reason: 'Waiting', missing: ['a', 'b'] }) });
  t.same(await missing.pass(), { kind: 'waiting', because: 'waiting for a, b' });
  const plans: readonly (readonly [Plan<Action>, Outcome])[] = [
    [[], { kind: 'converged' }],
    [[refuse('No', 'never')], { kind: 'stalled', because: 'never' }],
    [
      [refuse('No', 'never'), wait('Soon', 'later', 9), wait('Soon', 'sooner', 3)],
      { kind: 'progressing', recheckMs: 3, because: 'later; sooner' },
    ],
  ];
  for (const [plan, expected] of plans) t.same(await toy(() => plan).pass(), expected);
});

t.test('what went wrong first is told, even where status cannot tell it', async (t) => {
  const slowly = (reason: Error): Performer<Action> => ({ needs: 'power', run: () => sleep(1_300).then(() => Promise.reject(reason)) });
  const conflict = new Error('somebody wrote in between');
  const outcomeOf = (performer: Performer<Action>) =>
    toy(() => [step(1)], { performers: { step: performer, slow: performer } }, conflict).pass();
  for (const code of ['Exhausted', 'Denied'] as const) {
    const lost = await outcomeOf(slowly(new DriverError(code, 'no room')));
    t.match(lost, { kind: 'retry', error: { code, message: /^no room .*somebody wrote in between/ } });
  }
  await t.rejects(outcomeOf(slowly(new TypeError('a bug'))), { message: 'a bug' });
  await t.rejects(toy(() => [], {}, conflict).pass(), conflict);
});

t.test('what a host has no facet for is refused, not tried', async (t) => {
  const run = () => Promise.reject(new Error('tried'));
  const without = new FakeHost({ without: ['stats'] });
  const gated = gate([step(1), wait('W', 'w')], { step: { needs: 'stats', run }, slow: { needs: 'stats', run } }, fakeDriver(without));
  t.match(gated, [{ kind: 'refuse', reason: 'Unsupported', because: /no stats, needed to step/ }, { kind: 'wait' }]);
});

t.test('standing: failure before refusal before act before wait', async (t) => {
  const words = { ready: { reason: 'Fine' }, acting: (kind: string) => `Doing ${kind}` };
  const of = (found: Partial<Found>) => {
    const { kind, reason } = standing<Action>({ now: 0, ...found }, words);
    return `${kind} ${reason}`;
  };
  const plan = [wait('Later', 'l'), step(1), refuse('No', 'n')];
  t.same(
    [
      of({ missing: ['x'], missingReason: 'WaitingForX' }),
      of({ plan, failure: new DriverError('Unavailable', 'u') }),
      of({ plan, failure: new DriverError('TimedOut', 'u') }),
      of({ plan, failure: new DriverError('Exhausted', 'u') }),
      of({ plan, failure: new DriverError('Denied', 'u') }),
      of({ plan }),
      of({ plan: plan.slice(0, 2) }),
      of({ plan: plan.slice(0, 1) }),
      of({ plan: [] }),
    ],
    [
      'reconciling WaitingForX',
      'unknown Unavailable',
      'unknown TimedOut',
      'reconciling Exhausted',
      'stalled Denied',
      'stalled No',
      'reconciling Doing step',
      'reconciling Later',
      'ready Fine',
    ],
  );
});

t.test('a condition keeps the time of its last change', async (t) => {
  const first = conditions(undefined, 1, 1_000, { Ready: isTrue('A') });
  t.match(first, [{ type: 'Ready', status: 'True', observedGeneration: 1, lastTransitionTime: timestamp(1_000) }]);
  t.match(conditions(first, 2, 9_000, { Ready: isTrue('B', 'x'.repeat(9_999)) }), [
    { reason: 'B', observedGeneration: 2, lastTransitionTime: timestamp(1_000) },
  ]);
  const later = conditions(first, 1, 9_000, readiness({ kind: 'unknown', reason: 'R', message: 'm' }));
  t.match(later, [
    { status: 'Unknown', lastTransitionTime: timestamp(9_000) },
    { type: 'Reconciling', status: 'True' },
    { type: 'Stalled', status: 'False' },
  ]);
  t.equal(conditions(first, 1, 0, { Ready: isTrue('B', 'x'.repeat(9_999)) })[0]?.message.length, 4_096);
});

t.test('what is on its way is held back until it has lasted a second', async (t) => {
  const patience = new Patience();
  const subject = { metadata: { uid: 'u' } };
  const onItsWay = { conditions: conditions(undefined, 1, 0, readiness({ kind: 'reconciling', reason: 'R', message: '' })) };
  const reached = { conditions: conditions(undefined, 1, 0, readiness({ kind: 'ready', reason: 'R', message: '' })) };
  t.same(
    [0, 400, 999, 1_000, 5_000].map((at) => patience.left(subject, onItsWay, at)),
    [1_000, 600, 1, 0, 0],
  );
  t.equal(patience.left(subject, reached, 5_000), 0);
  t.equal(patience.left(subject, onItsWay, 6_000), 1_000, 'a new way begins');
  t.equal(patience.left({ metadata: { uid: 'other' } }, onItsWay, 6_500), 1_000);
});
