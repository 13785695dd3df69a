import fc from 'fast-check';
import t from 'tap';
import { encodeCreate } from './file.js';
import { encodeQuerySecurity, encodeSecurity, encodeSecurityContext, type Grant, isGrantedAlone, rights } from './security.js';

const grants: readonly Grant[] = [
  { who: 'S-1-5-18', rights: rights.all },
  { who: 'S-1-5-83-0', rights: rights.read },
];
const hex = (...words: readonly string[]) => Buffer.from(words.join('').replaceAll(' ', ''), 'hex');
/** By hand, from MS-DTYP. */
const known = hex(
  '01 00 0490 00000000 00000000 00000000 14000000',
  '02 00 3400 0200 0000',
  '00 00 1400 ff011f00 01 01 000000000005 12000000',
  '00 00 1800 89001200 01 02 000000000005 53000000 00000000',
);

t.test('rights are written as MS-DTYP has them', async (t) => {
  t.equal(encodeSecurity(grants).toString('hex'), known.toString('hex'));
});

const anySid = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 15 }))
  .map(([authority, rest]) => ['S-1', authority, ...rest].join('-'));
const anyGrants = fc.uniqueArray(fc.record({ who: anySid, rights: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }), {
  minLength: 1,
  maxLength: 6,
  selector: ({ who }) => who,
});

t.test('who is let in is known again, in any order, and nobody else is taken for them', async () =>
  fc.assert(
    fc.property(anyGrants, fc.record({ who: anySid, rights: fc.nat() }), (some, other) => {
      const security = encodeSecurity(some);
      fc.pre(!some.some(({ who }) => who === other.who));
      return (
        isGrantedAlone(security, some) &&
        isGrantedAlone(security, [...some].reverse()) &&
        !isGrantedAlone(security, [...some, other]) &&
        !isGrantedAlone(security, some.slice(1)) &&
        !isGrantedAlone(encodeSecurity([...some, other]), some) &&
        !isGrantedAlone(encodeSecurity([other, ...some.slice(1)]), some)
      );
    }),
  ),
);

t.test('any other byte that says who may do what is seen', async (t) => {
  for (let at = 28; at < known.length; at += 1) {
    const other = Buffer.from(known);
    other[at] = (other[at] ?? 0) ^ 1;
    let isSame = false;
    try {
      isSame = isGrantedAlone(other, grants);
    } catch {
      // An entry of another length: it makes no sense.
    }
    t.notOk(isSame, `byte ${at}`);
  }
});

t.test('what takes over from its folder, or lets everybody in, is not kept from others', async (t) => {
  t.ok(isGrantedAlone(known, grants));
  const changed = (at: number, bytes: Buffer) => {
    const other = Buffer.from(known);
    bytes.copy(other, at);
    return isGrantedAlone(other, grants);
  };
  t.notOk(changed(2, hex('0480')), 'its folder adds to it');
  t.notOk(changed(2, hex('0090')), 'there is no list');
  t.notOk(changed(16, hex('00000000')), 'nor here');
});

t.test('rights that are cut off, or go nowhere, are refused', async (t) => {
  for (let length = 0; length < known.length; length += 1)
    t.throws(() => isGrantedAlone(known.subarray(0, length), grants), { code: 'Internal' }, `${length} bytes`);
  const short = Buffer.from(known);
  short.writeUInt16LE(4, 30);
  t.throws(() => isGrantedAlone(short, grants), { code: 'Internal', message: /has 4 bytes, 8 at least expected/ });
});

t.test('rights stand behind the name, where the request says', async (t) => {
  for (const path of ['', 'a', 'abcd', 'Größe.iso.part']) {
    const asked = { path, access: 1, sharing: 0, disposition: 2, options: 0x40 };
    const packet = Buffer.concat([Buffer.alloc(64), encodeCreate({ ...asked, security: known })]);
    const [at, length] = [packet.readUInt32LE(112), packet.readUInt32LE(116)];
    t.equal(at % 8, 0);
    t.same([packet.length, packet.subarray(at)], [at + length, encodeSecurityContext(known)]);
    t.equal(packet.subarray(packet.readUInt16LE(108), packet.readUInt16LE(108) + packet.readUInt16LE(110)).toString('utf16le'), path);
    const plain = Buffer.concat([Buffer.alloc(64), encodeCreate(asked)]);
    t.same([plain.readUInt32LE(112), plain.readUInt32LE(116)], [0, 0]);
  }
  const context = encodeSecurityContext(known);
  t.equal(context.subarray(context.readUInt16LE(4), context.readUInt16LE(4) + context.readUInt16LE(6)).toString(), 'SecD');
  t.same(context.subarray(context.readUInt16LE(10)), known);
  t.equal(context.readUInt32LE(12), known.length);
  t.equal(
    encodeQuerySecurity(Buffer.alloc(16, 7), 9).toString('hex'),
    `2900030009000000${'00'.repeat(8)}0400000000000000${'07'.repeat(16)}`,
  );
});
