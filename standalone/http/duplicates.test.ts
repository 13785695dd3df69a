import fc from 'fast-check';
import t from 'tap';
import { duplicateKeys } from './duplicates.js';

t.test('keys that come twice are told by their paths', async (t) => {
  t.same(duplicateKeys('{"a":1,"b":{"a":2},"c":[{"a":"a:,{"},{"a":1,"b":[],"a":2}],"a":{"x":1,"x":1}}'), ['c[1].a', 'a', 'a.x']);
  t.same(duplicateKeys('{"\\u0061":1,"a":2,"\\\\":1,"\\"":2}'), ['a'], 'however they are written');
  t.same(duplicateKeys('{"__proto__":1,"__proto__":2}'), ['__proto__']);
});

t.test('any honest JSON has none, and a key said again is found wherever it is', async () => {
  fc.assert(fc.property(fc.json(), (text) => duplicateKeys(text).length === 0));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, pick) => {
      const entries = Object.entries(object).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
      const again = entries[pick % entries.length] ?? '';
      const [key] = Object.keys(object).slice(pick % entries.length);
      return duplicateKeys(`{${[...entries, again].join(',')}}`).includes(key ?? '');
    }),
  );
});
