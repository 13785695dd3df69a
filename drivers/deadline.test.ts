import { getEventListeners } from 'node:events';
import t from 'tap';
import { anyOf } from './deadline.js';

t.test('a signal of several ends with the first that ends, for its reason, and leaves nothing in the others', async (t) => {
  const [one, other] = [new AbortController(), new AbortController()];
  {
    using either = anyOf([one.signal, other.signal]);
    t.notOk(either.signal.aborted);
    other.abort('why');
    t.equal(either.signal.reason, 'why');
    using late = anyOf([one.signal, other.signal]);
    t.equal(late.signal.reason, 'why', 'at once when one has ended before');
  }
  t.equal(getEventListeners(one.signal, 'abort').length, 0);
});
