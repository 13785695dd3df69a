import t from 'tap';
import { useVcsim } from '#test/peers/vsphere/vcsim.js';
import { cuts, edits, faults, losesReply, startProxy } from '#test/servers/vsphere-proxy.js';
import { type ObjectUpdate, powerOff, powerOn } from './operations.js';
import { along, retrieve, retrieveOne } from './properties.js';
import { Session } from './session.js';
import { Tasks, usualPace } from './tasks.js';
import { text } from './types.js';
import { watchUpdates } from './watch.js';

const soon = () => AbortSignal.timeout(30_000);
const vcsim = await useVcsim(t, { mode: 'esx', machines: 2 });
const proxy = await startProxy(vcsim);
t.teardown(() => proxy[Symbol.asyncDispose]());
t.afterEach(() => proxy.calm());

const open = ({ port } = proxy as { readonly port: number }) =>
  Session.open({ host: '127.0.0.1', port, trust: { ca: vcsim.ca } }, { username: vcsim.username, password: vcsim.password }, soon());

const session = await open();
t.teardown(() => session[Symbol.asyncDispose]());
const tasks = new Tasks(session, { ...usualPace, tries: [1, 1, 1] });

const host = { type: 'HostSystem', value: 'ha-host' };
const machinesOf = { type: 'VirtualMachine', paths: ['runtime.powerState'], from: along(host, { type: 'HostSystem', path: 'vm' }) };
const [machine, other] = (await retrieve(session, machinesOf, soon())).map(({ ref }) => ref);
if (machine === undefined || other === undefined) throw new Error('no machines');

const state = async () => (await retrieveOne(session, machine, ['runtime.powerState'], soon()))?.get('runtime.powerState', text);
const off = async () => tasks.finished(await session.ask(powerOff, machine, {}, soon()), soon());
const on = async () => tasks.finished(await session.ask(powerOn, machine, {}, soon()), soon());
/** As of a machine that waits for an answer: its tasks run on. */
const withQuestion = (body: string) => {
  const choices = '<choice><choiceInfo><label>I moved it</label><key>1</key></choiceInfo><choiceInfo><key>2</key></choiceInfo></choice>';
  const question = `<val xsi:type="VirtualMachineQuestionInfo"><id>1</id><text>Was it moved?</text>${choices}</val>`;
  const running = body.replace(/(<state>|"TaskInfoState">)success/g, '$1running');
  if (!running.includes('<name>name</name>')) return running;
  return running.replace('</objects>', `<propSet><name>runtime.question</name>${question}</propSet></objects>`);
};
const count = (operation: string) => proxy.asked.filter((one) => one === operation).length;

t.test('a task is waited for, and its error is told whole', async (t) => {
  await tasks.change(machine, off, soon());
  t.equal(await state(), 'poweredOff');
  await t.rejects(tasks.change(machine, off, soon()), {
    name: 'DriverError',
    code: 'Conflict',
    message: /InvalidPowerState, requestedState "poweredOff", existingState "poweredOff"/,
    cause: { type: 'InvalidPowerState' },
  });
  await tasks.change(machine, on, soon());
});

t.test('one change of a machine at a time, and of two machines at once', async (t) => {
  const order: string[] = [];
  let release = () => {};
  const first = tasks.change(
    machine,
    async () => {
      order.push('first');
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      order.push('first is done');
    },
    soon(),
  );
  const second = tasks.change(machine, async () => order.push('second'), soon());
  const giveUp = new AbortController();
  const third = tasks.change(machine, async () => order.push('third'), giveUp.signal);
  await tasks.change(other, async () => order.push('other'), soon());
  giveUp.abort();
  await t.rejects(third, { code: 'TimedOut' });
  while (!order.includes('first')) await new Promise(setImmediate);
  release();
  await Promise.all([first, second]);
  t.same(
    order.filter((each) => each !== 'other'),
    ['first', 'first is done', 'second'],
  );
  t.ok(order.indexOf('other') < order.indexOf('first is done'));
});

t.test('a machine that waits for an answer is told, with the question, whoever began the task', async (t) => {
  const impatient = new Tasks(session, { looks: [1], tries: [] });
  proxy.trouble('*', edits(withQuestion));
  const words = /^machine ".+" waits for an answer \(I moved it, 2\) to "Was it moved\?": give it on the host$/;
  const task = await session.ask(powerOff, machine, {}, soon());
  await t.rejects(impatient.finished(task, soon()), { code: 'Busy', message: words });
  await t.rejects(impatient.settled(machine, soon()), { code: 'Busy', message: words });
  proxy.calm();
  await impatient.finished(task, soon());
  await tasks.change(machine, on, soon());
});

t.test('a passing trouble is tried again, from looking on, and told in the end', async (t) => {
  for (const type of ['TaskInProgress', 'ConcurrentAccess', 'HostCommunication', 'VAppTaskInProgress']) {
    proxy.trouble('PowerOffVM_Task', faults(type), 2);
    const before = count('PowerOffVM_Task');
    await tasks.change(machine, off, soon());
    t.equal(count('PowerOffVM_Task'), before + 3, type);
    await tasks.change(machine, on, soon());
  }
  proxy.trouble('PowerOffVM_Task', faults('TaskInProgress', 'Busy.'));
  await t.rejects(tasks.change(machine, off, soon()), { code: 'Busy', message: /Busy. .*another task is under way/ });
  proxy.trouble('PowerOffVM_Task', faults('InvalidState'));
  const before = count('PowerOffVM_Task');
  await t.rejects(tasks.change(machine, off, soon()), { code: 'Conflict' });
  t.equal(count('PowerOffVM_Task'), before + 1, 'and any other trouble at once');
});

t.test("a passing trouble in a task's end is tried again as well", async (t) => {
  const fails = '<state>error</state><cancelled>false</cancelled><error><fault xsi:type="TaskInProgress"/><localizedMessage/></error>';
  let failed = false;
  proxy.trouble('RetrievePropertiesEx', async ({ body, forward }) => {
    const answer = await forward();
    if (failed || !body.includes('<pathSet>info</pathSet>')) return answer;
    failed = true;
    return { ...answer, body: answer.body.replace(/<state>\w+<\/state>/, fails) };
  });
  await tasks.change(machine, off, soon()).catch(() => {});
  t.ok(failed);
  t.equal(await state(), 'poweredOff');
  await tasks.change(machine, on, soon());
});

t.test('a task that was begun by somebody else, or in a former life, is waited for', async (t) => {
  let looks = 0;
  const begun = count('PowerOffVM_Task');
  const begunMeanwhile: number[] = [];
  proxy.trouble('RetrievePropertiesEx', async ({ body, forward }) => {
    const answer = await forward();
    if (looks >= 4 || !/<pathSet>info(\.state)?<\/pathSet>/.test(body)) return answer;
    looks += 1;
    begunMeanwhile.push(count('PowerOffVM_Task') - begun);
    return { ...answer, body: answer.body.replace(/>success<|>error</, '>running<') };
  });
  await tasks.change(machine, off, soon());
  t.same(begunMeanwhile, [0, 0, 0, 0], 'nothing is begun while it is under way');
  t.equal(await state(), 'poweredOff');
});

t.test('a task that takes long is given up with the signal, and goes on', async (t) => {
  const giveUp = new AbortController();
  proxy.trouble('RetrievePropertiesEx', async ({ body, forward }) => {
    if (body.includes('<pathSet>info</pathSet>')) giveUp.abort(new Error('enough'));
    const answer = await forward();
    return { ...answer, body: answer.body.replace(/<state>success</, '<state>running<') };
  });
  const begun = await session.ask(powerOn, machine, {}, soon());
  await t.rejects(tasks.finished(begun, giveUp.signal), { code: 'TimedOut', cause: { message: 'enough' } });
  proxy.calm();
  t.equal(await state(), 'poweredOn');
});

t.test('a task that the host has forgotten is told so', async (t) => {
  await t.rejects(tasks.finished({ type: 'Task', value: 'task-0' }, soon()), { code: 'NotFound', message: /forgotten task task-0/ });
});

/** Watches machines; has all that was heard. */
async function watching(one: Session) {
  const heard: (ObjectUpdate | 'gap')[] = [];
  const stop = new AbortController();
  const queries = async () => [machinesOf];
  const ended = watchUpdates(
    one,
    { queries, onGap: () => void heard.push('gap'), onUpdate: (update) => void heard.push(update) },
    stop.signal,
  );
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const stopped = async () => {
    stop.abort();
    await ended;
  };
  return { heard, until, gaps: () => heard.filter((each) => each === 'gap').length, stop: stopped, ended };
}

t.test('what changes is told, after a gap that tells that the host hears us', async (t) => {
  await using one = await open();
  const watch = await watching(one);
  await watch.until(() => watch.heard.length > 0);
  t.same(watch.heard, ['gap']);
  await tasks.change(machine, off, soon());
  await watch.until(() => watch.heard.length > 1);
  t.match(watch.heard[1], { kind: 'modify', obj: machine });
  await tasks.change(machine, on, soon());
  await watch.stop();
});

t.test('another session has another gap, and goes on hearing', async (t) => {
  await using one = await open();
  const watch = await watching(one);
  await watch.until(() => watch.gaps() === 1);
  proxy.trouble('WaitForUpdatesEx', faults('NotAuthenticated'), 1);
  await tasks.change(machine, off, soon());
  await watch.until(() => watch.gaps() === 2);
  t.equal(one.age, 2);
  const before = watch.heard.length;
  await tasks.change(machine, on, soon());
  await watch.until(() => watch.heard.length > before);
  await watch.stop();
});

t.test('filters that the host forgot are made anew, and a poll that breaks is begun again', async (t) => {
  await using one = await open();
  const [made, destroyed] = [count('CreatePropertyCollector'), count('DestroyPropertyCollector')];
  const watch = await watching(one);
  await watch.until(() => watch.gaps() === 1);
  proxy.trouble('WaitForUpdatesEx', faults('InvalidCollectorVersion'), 1);
  await tasks.change(machine, off, soon());
  await watch.until(() => watch.gaps() === 2);
  t.equal(count('CreatePropertyCollector') - made, 2);
  t.equal(count('DestroyPropertyCollector') - destroyed, 1, 'and not heaped up');
  proxy.cut();
  await watch.until(() => watch.gaps() === 3);
  const before = watch.heard.length;
  await tasks.change(machine, on, soon());
  await watch.until(() => watch.heard.length > before);
  t.equal(one.age, 1);
  await watch.stop();
});

t.test('a host that is lost ends the session', async (t) => {
  const one = await open();
  const watch = await watching(one);
  await watch.until(() => watch.gaps() === 1);
  proxy.closed(true);
  proxy.cut();
  await watch.ended;
  t.match(await one.closed, { code: 'Unavailable', message: /is lost: / });
  await t.rejects(one.verify(soon()), { code: 'Unavailable' });
  proxy.closed(false);
  await one[Symbol.asyncDispose]();
});

t.test('a host that never answers a poll ends the session, too', async (t) => {
  for (const trouble of [cuts, losesReply, faults('NotAuthenticated'), faults('RequestCanceled')]) {
    const one = await open();
    proxy.trouble('WaitForUpdatesEx', trouble);
    await (await watching(one)).ended;
    t.match(await one.closed, { code: 'Unavailable' });
    await one[Symbol.asyncDispose]();
    proxy.calm();
  }
});
