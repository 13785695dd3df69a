import t from 'tap';
import type { MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Presses } from './presses.js';

const id = 'one' as MachineId;
const { signal } = new AbortController();

/** Counts how often it is asked, and answers as told. */
function host(answer: () => Promise<unknown>) {
  let asked = 0;
  const order = () => {
    asked += 1;
    return answer();
  };
  return { order, asked: () => asked };
}

t.test('one that was heard is not pressed again in the same run', async (t) => {
  const [presses, { order, asked }] = [new Presses(), host(async () => {})];
  for (const _ of ['once', 'twice']) await presses.press(id, '1', order, signal);
  t.equal(asked(), 1);
  await presses.press(id, '2', order, signal);
  t.equal(asked(), 2, 'but in its next');
  await presses.press('other' as MachineId, '2', order, signal);
  t.equal(asked(), 3, 'and others are');
});

t.test('who does not answer is not waited for, nor asked a second time meanwhile', async (t) => {
  const [presses, { order, asked }] = [new Presses(), host(() => new Promise(() => {}))];
  for (const _ of ['once', 'twice']) await presses.press(id, '1', order, signal);
  t.equal(asked(), 1);
});

t.test('that a guest did not hear is no error, and it is left alone for a while', async (t) => {
  const deaf = new DriverError('Internal', "internal error: Failed to shutdown domain '3' with libxenlight");
  const [presses, { order, asked }] = [new Presses(), host(() => Promise.reject(deaf))];
  for (const _ of ['once', 'twice']) await presses.press(id, '1', order, signal);
  t.equal(asked(), 1);
});

t.test('any other failure is told', async (t) => {
  const { order } = host(() => Promise.reject(new DriverError('NotFound', 'gone')));
  await t.rejects(new Presses().press(id, '1', order, signal), { code: 'NotFound' });
});

t.test('who gives up is not kept waiting', async (t) => {
  const { order } = host(() => new Promise(() => {}));
  await t.rejects(new Presses().press(id, '1', order, AbortSignal.abort()), { code: 'TimedOut' });
});
