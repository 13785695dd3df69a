import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { encodeFrame, FrameCutter, messageTypes, programs } from '#drivers/libvirt/rpc/frame.js';
import { connectGetAllDomainStats } from '#drivers/libvirt/rpc/procedures.js';
import { decodeFromBytes, encodeToBytes } from '#drivers/libvirt/rpc/xdr.js';
import { parseXml } from '#drivers/xml/parse.js';
import { corpusOf } from './corpus.js';
import { mutate, randomOf, withOddValues } from './mutate.js';
import type { Target } from './target.js';
import { targets } from './targets.js';

t.setTimeout(300_000);
setFlagsFromString('--expose_gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Inputs of a run in the tests, the same ones each time. */
const inputs = 200;

async function broken({ read }: Target, bytes: Buffer): Promise<unknown> {
  try {
    await read(bytes);
    return undefined;
  } catch (reason) {
    return reason;
  }
}

for (const target of targets)
  t.test(`${target.name}: whatever is read is understood or refused`, async (t) => {
    const corpus = corpusOf(target);
    t.ok(corpus.size > 0, 'there is a corpus');
    for (const [name, bytes] of corpus) t.equal(await broken(target, bytes), undefined, name);
    const bred = [...target.seeds.map((seed) => Buffer.from(seed)), ...corpus.values()];
    for (const bytes of [...hostile(bred), ...small(target).flatMap((seed) => [...withOddValues(seed)])]) {
      const reason = await broken(target, bytes);
      if (reason !== undefined) return void t.fail(`${JSON.stringify(bytes.toString('latin1'))} breaks it`, { reason });
    }
  });

/** What has few values: each of them is an odd one once. */
const small = ({ seeds }: Target): readonly Buffer[] => seeds.map((seed) => Buffer.from(seed)).filter(({ length }) => length < 2_048);

function* hostile(bred: readonly Buffer[]): Generator<Buffer> {
  const random = randomOf(1);
  const any = () => bred[random(bred.length)] ?? Buffer.alloc(0);
  for (let input = 0; input < inputs; input += 1) yield mutate(any(), any(), random);
}

t.test('what is refused is a refusal, and what is not is found out', async (t) => {
  const faulty: Target = {
    name: 'faulty',
    seeds: [Buffer.from('<a b="1"/>')],
    read: (bytes) => {
      if (bytes.includes('__proto__')) throw new TypeError('a fault of ours');
    },
  };
  const random = randomOf(1);
  const [seed] = faulty.seeds.map((bytes) => Buffer.from(bytes));
  let found = 0;
  for (let input = 0; input < 20 * inputs; input += 1)
    if ((await broken(faulty, mutate(seed as Buffer, seed as Buffer, random))) !== undefined) found += 1;
  t.ok(found > 0, 'a reader that breaks is seen to break');
});

const header = { program: programs.remote, version: 1, procedure: 1, type: messageTypes.reply, serial: 1, status: 0 };

t.test('a message that comes in the smallest pieces takes no more than twice its room', async (t) => {
  const cutter = new FrameCutter();
  const frame = encodeFrame(header, Buffer.alloc(50_000));
  let most = 0;
  for (let at = 0; at < frame.length - 1; at += 1) {
    if ([...cutter.push(frame.subarray(at, at + 1))].length > 0) return void t.fail('it is whole before its end');
    if (cutter.room > Math.max(8, 2 * (at + 1))) return void t.fail(`${cutter.room} bytes are held for ${at + 1}`);
    most = Math.max(most, cutter.room);
  }
  t.ok(most >= frame.length - 1);
  t.equal([...cutter.push(frame.subarray(-1))].length, 1);
  t.equal(cutter.room, 0, 'and none once it is whole');
});

t.test('a message that announces more than it brings takes room for what it brings', async (t) => {
  const cutter = new FrameCutter();
  const announced = Buffer.from('01ffffff', 'hex');
  t.same([...cutter.push(Buffer.concat([announced, Buffer.alloc(1_000)]))], []);
  t.ok(cutter.room < 4_000, `${cutter.room} bytes are held`);
});

/** In bytes: what is held in memory for the sake of what is made, and nothing else is there. */
function held<T>(make: () => T): number {
  collectGarbage();
  const before = process.memoryUsage();
  const kept = [make()];
  collectGarbage();
  const after = process.memoryUsage();
  return kept.length === 1 ? after.heapUsed + after.external - before.heapUsed - before.external : 0;
}

t.test('what is read takes a bounded multiple of what was sent', async (t) => {
  const params = Array.from({ length: 200_000 }, () => ({ field: '', value: { kind: 'int', value: 1 } as const }));
  const domain = { name: '', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 1 };
  const stats = encodeToBytes(connectGetAllDomainStats.result, [{ domain, params }]);
  const ofStats = held(() => decodeFromBytes(connectGetAllDomainStats.result, stats));
  t.ok(ofStats < 20 * stats.length, `${ofStats} bytes for ${stats.length} of the densest statistics`);
  const nodes = 190_000;
  const text = `<a>${'<b/>'.repeat(nodes)}</a>`;
  const ofXml = held(() => parseXml(text, 'the answer'));
  t.ok(ofXml < 200 * nodes, `${ofXml} bytes for ${nodes} nodes of the densest XML`);
});
